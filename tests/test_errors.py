"""The errors: the tree as it is drawn, what survives pickling, and what no message may hold."""

from __future__ import annotations

import copy
import pickle
import re
import traceback
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import attrs
import pytest

import smsapi_async
from smsapi_async import (
    AuthenticationError,
    LowRatingError,
    NoCodeError,
    NoNumbersError,
    NotFoundError,
    NotSentError,
    OrderExpiredError,
    OutcomeUnknownError,
    PriceTooHighError,
    RefusedError,
    RentClosedError,
    SmsApiError,
    SpendUnknownError,
    UnreadableReplyError,
    WaitTimeoutError,
    _errors,
)
from smsapi_async._values import Sms
from smsapi_async.rent import RentedNumber
from smsapi_async.v1 import Order

PHONE = "+79000381454"
CODE = "04217"
SMS = Sms(text=f"Telegram code {CODE}", code=CODE, sender="Telegram")
ORDER = Order(id=7, phone=PHONE, price=Decimal("0.3"), status="CANCELED", sms=(SMS,))
NUMBER = RentedNumber(tzid=9, number="9000381454", phone=PHONE, messages=(SMS,))
CLASSES = {
    kind.__name__: kind
    for kind in vars(_errors).values()
    if isinstance(kind, type) and issubclass(kind, SmsApiError)
}  # fmt: skip
LINE = re.compile(r"^    ( *)(\w+Error)(?:\(Exception\))?(?: {2,}(\S.*))?$")


def drawn() -> list[tuple[int, str, str]]:
    """Depth, name and words of every line of the drawing."""
    lines = (LINE.match(line) for line in (_errors.__doc__ or "").splitlines())
    return [(len(line[1]) // 2, line[2], line[3] or "") for line in lines if line]


def made(kind: type[SmsApiError]) -> SmsApiError:
    """One of the class, with everything it can hold."""
    options: dict[str, Any] = {"call": "v1.check"}
    if issubclass(kind, SpendUnknownError):
        options["candidates"] = (ORDER, NUMBER)
    if issubclass(kind, (OutcomeUnknownError, RefusedError, UnreadableReplyError)):
        options["status"] = 502
    if issubclass(kind, UnreadableReplyError):
        options |= {"path": "sms[0].date", "excerpt": "<html>"}
    if issubclass(kind, PriceTooHighError):
        options["order"] = ORDER
    if issubclass(kind, NoCodeError):
        options |= {"order": ORDER, "number": NUMBER}
    error = kind("no free phones", **options)
    error.add_note("order 7 could not be settled")
    return error


OF_V1 = {
    AuthenticationError: "nothing was spent, check `token` (SMSAPI_TOKEN)",
    NotFoundError: "nothing was changed, check the id, and that `token` (SMSAPI_TOKEN) is the key that bought it",
}
"""The advice of errors that depends on the provider, for a call to the v1 API."""


def test_the_drawing_is_the_tree():
    """A reader of the tree at the top of the file need not read the classes."""
    above: list[str] = []
    tree: dict[str, str] = {}
    for depth, name, _ in drawn():
        above[depth:] = [name]
        tree[name] = above[depth - 1] if depth else "Exception"

    assert tree == {name: kind.__bases__[0].__name__ for name, kind in CLASSES.items()}
    assert len(drawn()) == len(CLASSES)


def test_the_drawing_says_what_each_class_is():
    """A bare name would send the reader to the class after all."""
    assert [name for depth, name, words in drawn() if depth and not words] == []


def test_every_error_is_at_the_door():
    """A caller must be able to catch each error without a private import."""
    errors = {name for name in smsapi_async.__all__ if name.endswith("Error")}

    assert errors == set(CLASSES)
    assert all(getattr(smsapi_async, name) is kind for name, kind in CLASSES.items())


def test_a_wait_s_timeout_is_a_timeout():
    """`except TimeoutError` is what a caller of a wait writes."""
    assert issubclass(WaitTimeoutError, TimeoutError)
    assert [name for name, kind in CLASSES.items() if issubclass(kind, OSError)] == ["WaitTimeoutError"]


def attributes(error: BaseException) -> dict[str, Any]:
    return {**vars(error), "args": error.args, "words": str(error), "repr": repr(error)}


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
@pytest.mark.parametrize("kind", CLASSES.values())
def test_an_error_survives_copying_and_pickling_whole(kind, again):
    """Errors cross processes: workers, queues, test runners."""
    error = made(kind)

    twin = again(error)

    assert type(twin) is kind
    assert attributes(twin) == attributes(error)
    assert twin.__notes__ == ["order 7 could not be settled"]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_pickle_protocol_will_do(protocol):
    """The default of an older library is an older one."""
    error = made(WaitTimeoutError)

    assert attributes(pickle.loads(pickle.dumps(error, protocol))) == attributes(error)


@pytest.mark.parametrize("kind", CLASSES.values())
def test_a_message_names_the_call_and_ends_with_what_to_do(kind):
    """Its reader sees it in a log, and did not write the program."""
    error = made(kind)

    assert str(error).startswith("v1.check: ")
    fate = "the number is not touched by a wait" if isinstance(error, NoCodeError) else OF_V1.get(kind, kind.fate)
    assert str(error).endswith(f"; {fate}" if fate else "no free phones")
    assert kind is SmsApiError or kind.fate
    assert str(made(kind)) == str(error)


@pytest.mark.parametrize("kind", CLASSES.values())
def test_a_message_speaks_of_money_or_of_the_order(kind):
    """`Did it happen?` is the first question after an error."""
    words = (
        "spent",
        "bought",
        "money",
        "settle",
        "turned away",
        "refunded",
        "changed",
        "unknown",
        "given back",
        "sent",
    )

    assert kind is SmsApiError or any(word in kind.fate for word in words), kind.fate


def test_an_error_without_a_call_begins_with_what_happened():
    """No call was being made: no stray colon."""
    assert str(SmsApiError("it broke")) == "it broke"
    assert str(NotSentError("no route")).startswith("no route; nothing was sent")


@pytest.mark.parametrize(
    ("status", "fate"),
    [
        ("CANCELED", "cancelled and refunded"),
        ("FINISHED", "finished and paid"),
        ("TIMEOUT", "a refund is not certain"),
        ("PENDING", "the order is open"),
    ],
)
def test_a_wait_without_a_code_says_what_became_of_its_order(status, fate):
    """The money is in the order, and the reader of a log has only the sentence."""
    error = WaitTimeoutError("order 7 got no code", order=attrs.evolve(ORDER, status=status))

    assert fate in str(error)


def test_a_refusal_keeps_the_provider_s_own_word():
    """Its meaning may change; its words do not."""
    refusal = NoNumbersError("no free phones", call="v1.buy_activation", status=200)
    wordless = RefusedError("", status=401)
    local = RefusedError("no key was given")

    assert (refusal.reason, refusal.status) == ("no free phones", 200)
    assert "refused with 'no free phones' (HTTP 200)" in str(refusal)
    assert "refused without a word (HTTP 401)" in str(wordless)
    assert str(local).startswith("no key was given; ")


def test_a_refusal_for_low_rating_says_when_buying_is_possible_again():
    """The caller stops for a day instead of asking all day."""
    dated = LowRatingError("not enough rating", status=400, possible_at=datetime(2026, 1, 2, 12, 30, tzinfo=UTC))

    assert str(dated).endswith("nothing was bought, buying is possible again by 2026-01-02 12:30 UTC at the latest")
    assert "after 24 hours" in str(LowRatingError("not enough rating"))


@pytest.mark.parametrize("kind", CLASSES.values())
def test_no_phone_or_code_is_printed(kind):
    """An error holds orders and their messages, and is logged with its traceback."""
    try:
        raise made(kind)
    except SmsApiError as error:
        printed = f"{error} {error!r} {''.join(traceback.format_exception(error))} {vars(error)!r}"

    assert PHONE not in printed
    assert "9000381454" not in printed
    assert CODE not in printed


def test_the_order_of_an_error_is_at_hand():
    """The texts that did come are in it."""
    assert made(OrderExpiredError).order.sms == (SMS,)  # type: ignore[attr-defined]
    assert made(RentClosedError).number is NUMBER  # type: ignore[attr-defined]
