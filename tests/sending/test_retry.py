"""Repeating is a pure decision: error, failures and Repeat in; seconds or None out."""

from __future__ import annotations

import pytest

import smsapi_async
from smsapi_async import (
    NotSentError,
    OutcomeUnknownError,
    ProviderUnavailableError,
    RateLimitError,
    SmsApiError,
    SpendUnknownError,
    UnreadableReplyError,
)
from smsapi_async._sending.call import Repeat
from smsapi_async._sending.retry import pause_before_retry
from smsapi_async.v1 import Order

EVERY = [
    kind for name in smsapi_async.__all__ if isinstance(kind := getattr(smsapi_async, name), type)
    and issubclass(kind, SmsApiError)
]  # fmt: skip
PASSING = {
    NotSentError, OutcomeUnknownError, SpendUnknownError, UnreadableReplyError, RateLimitError,
    ProviderUnavailableError,
}  # fmt: skip


def made(kind: type[SmsApiError]) -> SmsApiError:
    return smsapi_async.PriceTooHighError("x", order=Order(id=1)) if kind.__name__ == "PriceTooHighError" else kind("x")


@pytest.mark.parametrize("repeat", Repeat)
@pytest.mark.parametrize("kind", EVERY)
def test_who_may_repeat_what(kind, repeat):
    """The whole table: trouble passes, a no stays a no, and what spends is repeated only if it never left."""
    pause = pause_before_retry(made(kind), 1, repeat, 3)

    allowed = {NotSentError} if repeat is Repeat.NEVER else PASSING
    assert (pause is not None) == (kind in allowed)


@pytest.mark.parametrize(
    ("error", "pauses"),
    [
        (OutcomeUnknownError("x"), [0.5, 1, 2, 4, 8, 16, 30, 30]),
        (RateLimitError("too many requests"), [2, 4, 8, 16, 30, 30, 30, 30]),
    ],
)
def test_the_pauses_double_up_to_half_a_minute(error, pauses):
    """A provider in trouble is not hammered; after a limit the first pause is longer, since the fifth hit is a ban."""
    assert [pause_before_retry(error, failures, Repeat.FREELY, 9) for failures in range(1, 9)] == pauses


def test_it_stops_after_the_retries_the_client_was_told():
    """`max_retries` counts repetitions, not attempts."""
    error = OutcomeUnknownError("x")

    allowed = [pause_before_retry(error, failures, Repeat.FREELY, 2) is not None for failures in (1, 2, 3)]

    assert allowed == [True, True, False]
    assert pause_before_retry(error, 1, Repeat.FREELY, 0) is None


def test_somebody_who_never_gives_up_is_not_ended_by_arithmetic():
    """After a thousand failures the power of two is too large for a float."""
    assert pause_before_retry(OutcomeUnknownError("x"), 5000, Repeat.FREELY, 10**6) == 30
