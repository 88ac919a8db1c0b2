"""The refusals of the rent API: which answers are not what was asked for, and what they mean. Never waits, never sends.

Source: https://onlinesim.io/docs/api/en/rent and tests/samples/rent. Success is `1`, `"1"`, `true`, `"OK"`, or no
`response` at all; any other text of `response` is a literal, compared whole whatever the HTTP status. An answer that is
not the API's own JSON comes from something in front of it, and proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from .._errors import (
    AccountBlockedError,
    AuthenticationError,
    BadParameterError,
    InsufficientBalanceError,
    LimitReachedError,
    NoNumbersError,
    NotFoundError,
    OrderStateError,
    OutcomeUnknownError,
    ProviderUnavailableError,
    RateLimitError,
    RefusedError,
    ReuseRefusedError,
    SmsApiError,
    escaped,
)
from .._quoting import masked
from .._sending import NO_REFUSALS, NOT_THE_API, Repeat, Reply, described, is_html, unreadable

REFUSALS: Mapping[str, type[RefusedError]] = MappingProxyType(
    {
        "ERROR_WRONG_KEY": AuthenticationError,
        "ERROR_NO_KEY": AuthenticationError,
        "ACCOUNT_BLOCKED": AccountBlockedError,
        "API_ACCESS_DISABLED": AccountBlockedError,
        "API_ACCESS_IP": AccountBlockedError,
        "ACCOUNT_IDENTIFICATION_REQUIRED": AccountBlockedError,
        "REQUEST_NOT_FOUND": NotFoundError,
        "WARNING_LOW_BALANCE": InsufficientBalanceError,
        "NO_NUMBER": NoNumbersError,
        "WARNING_NO_NUMS": NoNumbersError,
        "EXCEEDED_CONCURRENT_OPERATIONS": LimitReachedError,
        "INTERVAL_CONCURRENT_REQUESTS_ERROR": RateLimitError,
        "TIME_INTERVAL_ERROR": RateLimitError,
        "TRY_AGAIN_LATER": ProviderUnavailableError,
        "DUPLICATE_OPERATION": OrderStateError,
        "UNDEFINED_COUNTRY": BadParameterError,
        "UNDEFINED_DAYS": BadParameterError,
        "NO_COUNTRY": BadParameterError,
        "ERROR_PARAMS": BadParameterError,
        "ERROR_NO_TZID": NotFoundError,
        "ERROR_WRONG_TZID": NotFoundError,
        "ERROR_NO_OPERATIONS": NotFoundError,
        "NO_COMPLETE_TZID": OrderStateError,
        "LIFICYCLE_NUM_EXPIRED": OrderStateError,
        "NEED_EXTENSION_NUMBER": OrderStateError,
        "ERROR_NO_SERVICE": BadParameterError,
        "NO_NUMBER_FOR_FORWARD": BadParameterError,
        "NO_FORWARD_FOR_DEFFER": OrderStateError,
        "ERROR_LENGTH_NUMBER_FOR_FORWARD": BadParameterError,
        "NO_CONFIRM_FORWARD": OrderStateError,
        "ERROR_NO_NUMBER": BadParameterError,
        "ERROR_NUMBERS_PARAMS": BadParameterError,
        "ERROR_NO_SERVICE_REPEAT": ReuseRefusedError,
        "SERVICE_TO_NUMBER_EMPTY": ReuseRefusedError,
        "REPEAT DISABLED": ReuseRefusedError,
        "TZ_INPOOL": OrderStateError,
        "TZ_NUM_WAIT": OrderStateError,
        "TZ_NUM_ANSWER": OrderStateError,
        "TZ_OVER_EMPTY": OrderStateError,
        "TZ_OVER_OK": OrderStateError,
    }
)
"""The provider's literals, each with what it means. Compared whole: NO_NUMBER is also the start of another."""

MAY_HAVE_SPENT = frozenset({"TRY_AGAIN_LATER", "DUPLICATE_OPERATION"})
"""After a call that spends these promise nothing: an earlier request with the same parameters may have gone through."""

NONE_ACTIVE = frozenset({"NO_NUMBER", "ERROR_NO_OPERATIONS"})
"""How some clients saw an empty list answered."""

_BY_STATUS: Mapping[int, type[RefusedError]] = {
    401: AuthenticationError,
    403: AccountBlockedError,
    429: RateLimitError,
}
_NO_SUCH_ROUTE = (404, 405)
_WITHOUT_WORDS = (AuthenticationError, RateLimitError)
"""Statuses that mean the same with any body: their request was turned away before it was carried out."""


def says_success(body: Any) -> bool:
    word = body.get("response") if isinstance(body, Mapping) else None
    return word in (1, True) if not isinstance(word, str) else word.strip().lower() in ("1", "ok", "true")


def literal_of(body: Any) -> str | None:
    """The refusal an answer holds, empty when it holds no word; None for a success."""
    if not isinstance(body, Mapping) or "response" not in body or says_success(body):
        return None
    word = body["response"]
    return word.strip() if isinstance(word, str) else ""


def message_of(body: Any) -> str:
    """The words of an answer without `response`: the form of the framework below, or of a server in front."""
    word = body.get("message", body.get("error")) if isinstance(body, Mapping) else None
    return word if isinstance(word, str) else ""


def refusal(name: str, repeat: Repeat, literal: str, reply: Reply) -> SmsApiError:
    known = REFUSALS.get(literal.upper())
    if repeat is Repeat.NEVER and (known is None or literal.upper() in MAY_HAVE_SPENT):
        what = f"the provider answered '{escaped(masked(literal))}'"
        return OutcomeUnknownError(what, call=f"rent.{name}", status=reply.status)
    return (known or RefusedError)(masked(literal), call=f"rent.{name}", status=reply.status)


def by_status(name: str, repeat: Repeat, reply: Reply, word: str) -> SmsApiError | None:
    """Read the status of a body that is not the API's own: it comes from something in front of the API.

    A page that is not found, and HTML, prove nothing: they are a lost answer.
    """
    if reply.status >= 500:
        return OutcomeUnknownError(described(reply), call=f"rent.{name}", status=reply.status)
    if reply.status < 400:
        return None
    kind = _BY_STATUS.get(reply.status, RefusedError)
    is_page = reply.is_page or is_html(word)
    wordless = kind is RefusedError and not reply.body.strip()
    if reply.status in _NO_SUCH_ROUTE or (kind not in _WITHOUT_WORDS and (is_page or wordless)):
        return unreadable(f"rent.{name}", repeat, reply, NOT_THE_API)
    if kind is RefusedError and repeat is Repeat.NEVER and reply.status in NO_REFUSALS:
        return OutcomeUnknownError(described(reply), call=f"rent.{name}", status=reply.status)
    return kind("" if is_page else masked(word) or reply.excerpt(), call=f"rent.{name}", status=reply.status)
