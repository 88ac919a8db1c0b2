"""The refusals of the v1 API: which answers are not what was asked for, and what they mean. Never waits, never sends.

Source: https://5sim.net/docs and tests/samples/v1. Errors are plain text and come with any status: `no free phones`
with 200 on a purchase, with 400 on reuse. So the whole trimmed text is compared first, in lower case, and only then
the status is asked. An unknown route answers 302 to /404.html, which is never followed: no order is missing for that.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from .._errors import (
    AccountBlockedError,
    AuthenticationError,
    BadParameterError,
    InsufficientBalanceError,
    LowRatingError,
    NoNumbersError,
    NotFoundError,
    OrderStateError,
    OutcomeUnknownError,
    ProviderUnavailableError,
    RateLimitError,
    RefusedError,
    ReuseRefusedError,
    SmsApiError,
)
from .._quoting import masked
from .._sending import NO_REFUSALS, NOT_THE_API, Repeat, Reply, described, is_html, unreadable

REFUSALS: Mapping[str, type[RefusedError]] = MappingProxyType(
    {
        "no free phones": NoNumbersError,
        "not enough product qty": NoNumbersError,
        "not enough user balance": InsufficientBalanceError,
        "not enough rating": LowRatingError,
        "select country": BadParameterError,
        "select operator": BadParameterError,
        "select product": BadParameterError,
        "bad country": BadParameterError,
        "bad operator": BadParameterError,
        "bad product": BadParameterError,
        "no product": BadParameterError,
        "product is empty": BadParameterError,
        "country is incorrect": BadParameterError,
        "product is incorrect": BadParameterError,
        "product_name is empty": BadParameterError,
        "server offline": ProviderUnavailableError,
        "reuse not possible": ReuseRefusedError,
        "reuse false": ReuseRefusedError,
        "reuse expired": ReuseRefusedError,
        "order not found": NotFoundError,
        "record not found": NotFoundError,
        "hosting order not found": NotFoundError,
        "<html><head><title>not found</title></head><body>not found</body></html>": NotFoundError,
        "order expired": OrderStateError,
        "order has sms": OrderStateError,
        "order no sms": OrderStateError,
        "hosting order": OrderStateError,
        "you need to wait time": OrderStateError,
        "token expired": AuthenticationError,
        "token invalid": AuthenticationError,
        "unauthorized": AuthenticationError,
        "error code: 1010": AccountBlockedError,
        "api limit is 100 requests per second": RateLimitError,
        "too many requests": RateLimitError,
        "ip address limit is 100 requests per second": RateLimitError,
    }
)
"""The provider's own words, each with what it means. `internal error` is left out: it may follow a purchase."""

BARRED = timedelta(days=1)  # an account without rating may not buy; "Rating" of the docs
_BY_STATUS: Mapping[int, type[RefusedError]] = {
    401: AuthenticationError,
    403: AccountBlockedError,
    429: RateLimitError,
}
_WITHOUT_WORDS = (AuthenticationError, RateLimitError)
"""Statuses that mean the same with any body: their request was turned away before it was carried out."""


def refusal(name: str, repeat: Repeat, reply: Reply) -> SmsApiError | None:
    """The error of an answer that is not what was asked for.

    Only the provider's own texts are understood. A page that is not found, a redirect and HTML come from something
    in front of the API: each is a lost answer.
    """
    if 200 <= reply.status < 300 and b'"id"' in reply.body[:_LONGEST]:
        return None  # an order; read as a refusal it would be decoded twice
    word = _word(reply)
    known = REFUSALS.get(word.lower())
    if known is LowRatingError and reply.date is not None:
        return LowRatingError(word, call=f"v1.{name}", status=reply.status, possible_at=reply.date + BARRED)
    if known is not None:
        return known(word if len(word) < 60 else "not found", call=f"v1.{name}", status=reply.status)
    if 200 <= reply.status < 300 and word.lower() != "internal error":
        return None
    if word.lower() == "internal error":  # with any status: it may follow a purchase
        return OutcomeUnknownError(described(reply), call=f"v1.{name}", status=reply.status)
    if 300 <= reply.status < 400:
        return _redirect(name, repeat, reply)
    if 400 <= reply.status < 500:
        return _unlisted(name, repeat, reply, word)
    return OutcomeUnknownError(described(reply), call=f"v1.{name}", status=reply.status)


def _redirect(name: str, repeat: Repeat, reply: Reply) -> SmsApiError:
    """The inbox alone is known to answer so although the route is right (seen live in 2026)."""
    if name == "inbox" and reply.headers.get("location", "").endswith("/404.html"):
        return NotFoundError("no such route", call=f"v1.{name}", status=reply.status)
    return unreadable(f"v1.{name}", repeat, reply, "a redirect, which is never followed")


def _unlisted(name: str, repeat: Repeat, reply: Reply, word: str) -> SmsApiError:
    """A text that is not listed is a refusal in new words; a page is a lost answer, and so is every 404.

    The refusals of a payout are documented nowhere: only what is turned away before it is carried out is one.
    """
    kind = _BY_STATUS.get(reply.status, RefusedError)
    is_page = is_html(word)
    wordless = kind is RefusedError and not word
    if kind not in _WITHOUT_WORDS and (is_page or wordless or reply.status == 404):
        return unreadable(f"v1.{name}", repeat, reply, NOT_THE_API)
    if kind is RefusedError and (name == "withdraw" or (repeat is Repeat.NEVER and reply.status in NO_REFUSALS)):
        return OutcomeUnknownError(described(reply), call=f"v1.{name}", status=reply.status)
    return kind("" if is_page else masked(word), call=f"v1.{name}", status=reply.status)


_LONGEST = 2_000  # bytes of what may be a refusal


def _word(reply: Reply) -> str:
    """The text of a refusal: the whole body, or what a JSON envelope without an `id` says (seen nowhere; low)."""
    if len(reply.body) > _LONGEST:
        return reply.body[:_LONGEST].decode("utf-8", "replace").strip()[:300]
    word = reply.text
    if word.startswith(("{", '"')) and '"id"' not in word:
        try:
            body = reply.json()
        except ValueError:
            return word
        if isinstance(body, dict):
            body = body.get("message", body.get("error"))
        return body.strip() if isinstance(body, str) else word
    return word
