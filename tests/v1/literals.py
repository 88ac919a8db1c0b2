"""Every answer of section 4 of docs/protocol/v1.md that is no success: what it is, where it comes, what we make of it.

`spends` says whether money may be gone: after a call that spends such an answer is looked up in the records.
"""

from __future__ import annotations

from typing import NamedTuple

from smsapi_async import (
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
    UnreadableReplyError,
)
from tests.v1.operations import CHANGING, EVERY, KEYED, PURCHASES, READS, SPENDING


class Literal(NamedTuple):
    """A row of the table. `calls` are names of `operations.CALLS`."""

    status: int
    body: str
    calls: tuple[str, ...]
    error: type[SmsApiError]
    spends: bool = False


BUY = ("buy_activation", "buy_hosting")
BUY_OR_REUSE = (*BUY, "reuse")
CLOSE = ("finish", "cancel", "ban")
CEILINGS = ("max_prices", "set_max_price", "delete_max_price")
GATEWAY = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center><hr>nginx</body></html>"
NOT_FOUND_PAGE = "<html><head><title>not found</title></head><body>not found</body></html>"

REFUSALS = (
    Literal(200, "no free phones", BUY, NoNumbersError),
    Literal(400, "no free phones", ("reuse",), NoNumbersError),
    Literal(400, "not enough user balance", BUY_OR_REUSE, InsufficientBalanceError),
    Literal(400, "not enough rating", BUY_OR_REUSE, LowRatingError),
    Literal(400, "select country", BUY, BadParameterError),
    Literal(400, "select operator", BUY_OR_REUSE, BadParameterError),
    Literal(400, "bad country", (*BUY_OR_REUSE, "products"), BadParameterError),
    Literal(400, "bad operator", BUY_OR_REUSE, BadParameterError),
    Literal(400, "no product", BUY_OR_REUSE, BadParameterError),
    Literal(400, "server offline", BUY_OR_REUSE, ProviderUnavailableError),
    Literal(400, "not enough product qty", BUY, NoNumbersError),
    Literal(400, "bad product", BUY, BadParameterError),
    Literal(400, "product is empty", BUY, BadParameterError),
    Literal(400, "select product", BUY, BadParameterError),
    Literal(400, "reuse not possible", ("reuse",), ReuseRefusedError),
    Literal(400, "reuse false", ("reuse",), ReuseRefusedError),
    Literal(400, "reuse expired", ("reuse",), ReuseRefusedError),
    Literal(404, "order not found", ("check",), NotFoundError),
    Literal(400, "order not found", CLOSE, NotFoundError),
    Literal(404, NOT_FOUND_PAGE, (*CLOSE, "inbox"), NotFoundError),
    Literal(400, "order expired", CLOSE, OrderStateError),
    Literal(400, "order has sms", ("cancel", "ban"), OrderStateError),
    Literal(400, "order no sms", CLOSE, OrderStateError),
    Literal(400, "hosting order", CLOSE, OrderStateError),
    Literal(400, "you need to wait time", ("cancel",), OrderStateError),
    Literal(404, "record not found", ("inbox", "delete_max_price"), NotFoundError),
    Literal(400, "record not found", ("inbox", "delete_max_price"), NotFoundError),
    Literal(400, "hosting order not found", ("inbox",), NotFoundError),
    Literal(400, "country is incorrect", ("prices",), BadParameterError),
    Literal(400, "product is incorrect", ("prices",), BadParameterError),
    Literal(400, "product_name is empty", ("set_max_price", "delete_max_price"), BadParameterError),
    Literal(400, "any error", CEILINGS, RefusedError),
    Literal(401, "", KEYED, AuthenticationError),
    Literal(401, "Unauthorized", KEYED, AuthenticationError),
    Literal(401, "token expired", KEYED, AuthenticationError),
    Literal(400, "token invalid", KEYED, AuthenticationError),
    Literal(403, "error code: 1010", EVERY, AccountBlockedError),
    Literal(403, "your address is blocked", EVERY, AccountBlockedError),
    Literal(403, "", EVERY, AccountBlockedError),
    Literal(401, GATEWAY.format(401), EVERY, AuthenticationError),
    Literal(429, GATEWAY.format(429), EVERY, RateLimitError),
    Literal(422, "this country sleeps today", BUY_OR_REUSE, RefusedError),
    Literal(429, "api limit is 100 requests per second", EVERY, RateLimitError),
    Literal(429, "too many requests", EVERY, RateLimitError),
    Literal(429, "", EVERY, RateLimitError),
    Literal(503, "ip address limit is 100 requests per second", EVERY, RateLimitError),
)
"""The provider said no, in words or by its status."""

READING = tuple(sorted(READS))
ACTING = tuple(sorted(SPENDING | CHANGING))
BUYING = tuple(sorted(PURCHASES))
JSON_WANTED = tuple(sorted(SPENDING | {"finish", "cancel", "ban"}))

UNKNOWNS = (
    Literal(500, "internal error", EVERY, OutcomeUnknownError, spends=True),
    Literal(500, "Internal Error\n", EVERY, OutcomeUnknownError, spends=True),
    Literal(200, "internal error", EVERY, OutcomeUnknownError, spends=True),
    Literal(400, "internal error", EVERY, OutcomeUnknownError, spends=True),
    Literal(403, '{"error":"internal error"}', EVERY, OutcomeUnknownError, spends=True),
    *(
        Literal(status, GATEWAY.format(status), EVERY, OutcomeUnknownError, True)
        for status in (502, 503, 504, 520, 526)
    ),
    Literal(503, "", EVERY, OutcomeUnknownError, spends=True),
    Literal(200, "<html><body>Technical works</body></html>", READING, UnreadableReplyError),
    Literal(200, "<html><body>Technical works</body></html>", ACTING, OutcomeUnknownError, spends=True),
    Literal(200, '{"id":1,"phone":"+7900', READING, UnreadableReplyError),
    Literal(200, '{"id":1,"phone":"+7900', JSON_WANTED, OutcomeUnknownError, spends=True),
    Literal(200, "something new", READING, UnreadableReplyError),
    Literal(200, "something new", JSON_WANTED, OutcomeUnknownError, spends=True),
    Literal(200, '{"error":"database is away"}', READING, UnreadableReplyError),
    Literal(200, '{"error":"database is away"}', (*CLOSE, *BUYING), OutcomeUnknownError, spends=True),
    Literal(400, "unknown words", ("withdraw",), OutcomeUnknownError, spends=True),
    Literal(200, '{"error":"not enough money"}', ("withdraw",), OutcomeUnknownError, spends=True),
    Literal(200, '"not enough money"', ("withdraw",), OutcomeUnknownError, spends=True),
    Literal(301, "moved", READING, UnreadableReplyError),
    Literal(301, "moved", ACTING, OutcomeUnknownError, spends=True),
    *(
        Literal(status, body, calls, error, spends)
        for status, body in (
            (404, GATEWAY.format(404)),
            (404, "404 page not found"),
            (404, '{"message":"no Route matched with those values"}'),
            (404, ""),
            (403, GATEWAY.format(403)),
            (400, GATEWAY.format(400)),
            (405, '{"message":"<html>405</html>"}'),
            (408, ""),
            (302, '<a href="/404.html">Found</a>.'),
        )
        for calls, error, spends in ((READING, UnreadableReplyError, False), (ACTING, OutcomeUnknownError, True))
    ),
)
"""No readable answer: a failure, a cut body, or words of something in front of the provider."""
