"""Every literal of section 4 of docs/protocol/rent.md: where it may come, what we make of it.

`spends` says whether money may be gone after a call that spends: such an answer is looked up in the list of numbers.
"""

from __future__ import annotations

from typing import NamedTuple

from smsapi_async import (
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
    UnreadableReplyError,
)
from tests.rent.operations import CLOSING, EVERY, READS, SPENDING, TZID


class Literal(NamedTuple):
    """A row of the table. `statuses` are those it was seen or documented with."""

    word: str
    calls: tuple[str, ...]
    error: type[RefusedError]
    spends: bool = False
    statuses: tuple[int, ...] = (200,)


NOT_LISTS = ("buy_number", "extend", "reload_port", "close", "balance")
OTHER_APIS = {
    "ERROR_NO_SERVICE": BadParameterError,
    "WARNING_NO_NUMS": NoNumbersError,
    "TIME_INTERVAL_ERROR": RateLimitError,
    "NO_NUMBER_FOR_FORWARD": BadParameterError,
    "NO_FORWARD_FOR_DEFFER": OrderStateError,
    "ERROR_LENGTH_NUMBER_FOR_FORWARD": BadParameterError,
    "NO_CONFIRM_FORWARD": OrderStateError,
    "ERROR_NO_NUMBER": BadParameterError,
    "ERROR_NUMBERS_PARAMS": BadParameterError,
    "ERROR_NO_SERVICE_REPEAT": ReuseRefusedError,
    "SERVICE_TO_NUMBER_EMPTY": ReuseRefusedError,
    "repeat disabled": ReuseRefusedError,
    "TZ_INPOOL": OrderStateError,
    "TZ_NUM_WAIT": OrderStateError,
    "TZ_NUM_ANSWER": OrderStateError,
    "TZ_OVER_EMPTY": OrderStateError,
    "TZ_OVER_OK": OrderStateError,
}
"""Words of the same provider's other methods, not of rent."""

LITERALS = (
    Literal("ERROR_WRONG_KEY", EVERY, AuthenticationError, statuses=(200, 401)),
    Literal("ERROR_NO_KEY", EVERY, AuthenticationError, statuses=(200, 401)),
    Literal("ACCOUNT_BLOCKED", EVERY, AccountBlockedError, statuses=(200, 403)),
    Literal("API_ACCESS_DISABLED", EVERY, AccountBlockedError, statuses=(200, 403)),
    Literal("API_ACCESS_IP", EVERY, AccountBlockedError, statuses=(200, 403)),
    Literal("REQUEST_NOT_FOUND", EVERY, NotFoundError, statuses=(200, 405)),
    Literal("WARNING_LOW_BALANCE", ("buy_number", "extend"), InsufficientBalanceError),
    Literal("NO_NUMBER", ("buy_number",), NoNumbersError),
    Literal("EXCEEDED_CONCURRENT_OPERATIONS", ("buy_number",), LimitReachedError),
    Literal("INTERVAL_CONCURRENT_REQUESTS_ERROR", EVERY, RateLimitError),
    Literal("TRY_AGAIN_LATER", EVERY, ProviderUnavailableError, spends=True),
    Literal("DUPLICATE_OPERATION", ("buy_number",), OrderStateError, spends=True),
    Literal("UNDEFINED_COUNTRY", ("buy_number",), BadParameterError),
    Literal("UNDEFINED_DAYS", ("buy_number", "extend"), BadParameterError),
    Literal("NO_COUNTRY", ("tariffs", "buy_number"), BadParameterError),
    Literal("ERROR_NO_TZID", TZID, NotFoundError),
    Literal("ERROR_WRONG_TZID", TZID, NotFoundError),
    Literal("NO_COMPLETE_TZID", ("close",), OrderStateError),
    Literal("ERROR_PARAMS", EVERY, BadParameterError),
    Literal("LIFICYCLE_NUM_EXPIRED", TZID, OrderStateError),
    Literal("NEED_EXTENSION_NUMBER", TZID, OrderStateError),
    Literal("ACCOUNT_IDENTIFICATION_REQUIRED", ("buy_number",), AccountBlockedError),
    Literal("ERROR_NO_OPERATIONS", NOT_LISTS, NotFoundError),
    *(Literal(word, NOT_LISTS, error) for word, error in OTHER_APIS.items()),
    Literal("SOMETHING_NEW", EVERY, RefusedError, spends=True),
    Literal("", EVERY, RefusedError, spends=True),
)

NONE_ACTIVE = ("NO_NUMBER", "ERROR_NO_OPERATIONS")
"""To a list these say that it is empty: no failure."""


class Page(NamedTuple):
    """An answer that is not the API's own envelope."""

    status: int
    body: str
    calls: tuple[str, ...]
    error: type[SmsApiError]
    spends: bool = False


GATEWAY = "<html><body><center><h1>{0}</h1></center><hr>nginx</body></html>"
READING, CLOSE, SPEND = tuple(sorted(READS)), tuple(sorted(CLOSING)), tuple(sorted(SPENDING))

PAGES = (
    Page(401, "", EVERY, AuthenticationError),
    Page(401, '{"message":"Unauthenticated."}', EVERY, AuthenticationError),
    Page(403, "error code: 1010", EVERY, AccountBlockedError),
    *(
        Page(status, body, calls, error, spends)
        for status, body in (
            (404, GATEWAY.format(404)),
            (404, "404 page not found"),
            (404, '{"message":"Not Found"}'),
            (405, "{}"),
            (405, "Method Not Allowed"),
            (403, GATEWAY.format(403)),
            (400, GATEWAY.format(400)),
            (400, '{"message":"<html>400</html>"}'),
            (408, ""),
            (302, '{"response":1}'),
            (302, '<a href="/404.html">Found</a>'),
        )
        for calls, error, spends in (
            (READING, UnreadableReplyError, False),
            ((*CLOSE, *SPEND), OutcomeUnknownError, True),
        )
    ),
    Page(401, GATEWAY.format(401), EVERY, AuthenticationError),
    Page(429, GATEWAY.format(429), EVERY, RateLimitError),
    Page(403, "", EVERY, AccountBlockedError),
    Page(429, "too many requests", EVERY, RateLimitError),
    Page(429, '{"message":"Too Many Attempts."}', EVERY, RateLimitError),
    *(Page(status, "Request Timeout", SPEND, OutcomeUnknownError, spends=True) for status in (408, 409, 425, 499)),
    Page(409, '{"message":"Conflict"}', SPEND, OutcomeUnknownError, spends=True),
    Page(418, "I am a teapot", EVERY, RefusedError),
    Page(422, '{"error":"days is wrong"}', EVERY, RefusedError),
    *(Page(status, GATEWAY.format(status), EVERY, OutcomeUnknownError, True) for status in (500, 502, 503, 504, 520)),
    Page(500, '{"message":"Server Error"}', EVERY, OutcomeUnknownError, spends=True),
    Page(502, "[]", EVERY, OutcomeUnknownError, spends=True),
    Page(503, "null", EVERY, OutcomeUnknownError, spends=True),
    Page(200, "<html>Technical works</html>", READING, UnreadableReplyError),
    Page(200, "<html>Technical works</html>", (*CLOSE, *SPEND), OutcomeUnknownError, spends=True),
    Page(200, '{"response":1,"item":{"tzid":1', READING, UnreadableReplyError),
    Page(200, '{"response":1,"item":{"tzid":1', (*CLOSE, *SPEND), OutcomeUnknownError, spends=True),
    Page(200, '{"message":"Server Error"}', READING, UnreadableReplyError),
    Page(200, '{"message":"Server Error"}', (*CLOSE, *SPEND), OutcomeUnknownError, spends=True),
    Page(200, '{"response":1}', SPEND, OutcomeUnknownError, spends=True),
    Page(200, "{}", (*CLOSE, *SPEND), OutcomeUnknownError, spends=True),
    Page(200, "[]", (*CLOSE, *SPEND), OutcomeUnknownError, spends=True),
    Page(200, "true", (*CLOSE, *SPEND), OutcomeUnknownError, spends=True),
)
