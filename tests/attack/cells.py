"""The cells that the attack must reach: each request of the client with each fault. Never draws, never sends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

import attrs

from smsapi_async.sandbox import (
    API_LIMIT,
    BAD_GATEWAY,
    GATEWAY_BUSY,
    INTERNAL_ERROR,
    INTERNAL_ERROR_AFTER,
    IP_LIMIT,
    MAINTENANCE,
    NO_SUCH_PAGE,
    TO_NO_SUCH_PAGE,
    TOO_MANY_REQUESTS,
    Answer,
    Chunked,
    Cut,
    Delay,
    DoneUnseen,
    Fault,
    LostAfter,
    LostBefore,
    Mangle,
    Misprint,
    NotConnected,
    NotDone,
    Reset,
    Stall,
    literal,
)

REQUESTS: Mapping[str, str] = {
    "buy activation": "/user/buy/activation/",
    "check": "/user/check/",
    "finish": "/user/finish/",
    "reuse": "/user/reuse/",
    "cancel": "/user/cancel/",
    "orders": "/user/orders",
    "buy hosting": "/user/buy/hosting/",
    "ban": "/user/ban/",
    "payments": "/user/payments",
    "rent": "/getRentNum.",
    "inbox": "/user/sms/inbox/",
    "rent state": "/getRentState.",
    "extend": "/extendRentState.",
    "withdraw": "/vendor/withdraw",
}
"""Each request by what its target contains. Every third one spends, so three neighbours have one."""

EVERYTHING = "everything"
"""Any of them, in a trouble that every request of a bot meets."""

SPENDING = frozenset({"buy activation", "reuse", "buy hosting", "rent", "extend", "withdraw"})
ACTS = frozenset({"finish", "cancel", "ban"})
ORDERS = frozenset({"buy activation", "check", "reuse", "orders", "buy hosting", *ACTS})
"""Their answers hold orders."""

RENT = frozenset({"rent", "rent state", "extend"})
RECORDS = frozenset({"orders", "payments", "rent state"})
"""Where the client looks a lost purchase up."""

INSIDE = "cut inside"
"""The one fault with a number of its own: the byte."""

GATEWAY_TIMEOUT = attrs.evolve(BAD_GATEWAY, status=504)


NESTED = Misprint("messages", "[" * 300 + "{}" + "]" * 300)


def _done(answer: Answer) -> Answer:
    return attrs.evolve(answer, processed=True)


FAULTS: Mapping[str, Fault] = {
    "lost before": LostBefore(),
    "lost after": LostAfter(),
    "not connected": NotConnected(),
    "reset": Reset(processed=False),
    "reset, done": Reset(),
    "cut at 0": Cut(0),
    INSIDE: Cut(),
    "cut at the last": Cut(1_000_000),
    "slow": Delay(12),
    "too late": Delay(45),
    "done late": Stall(10, processed=False),
    "stalled": Stall(processed=False),
    "stalled, done": Stall(),
    "chunked": Chunked(7),
    "dripping": Chunked(9, pause=8),
    "429": API_LIMIT,
    "429 live": TOO_MANY_REQUESTS,
    "503 limit": IP_LIMIT,
    "503 page": GATEWAY_BUSY,
    "404 page": NO_SUCH_PAGE,
    "to 404": TO_NO_SUCH_PAGE,
    "500": INTERNAL_ERROR,
    "500, done": INTERNAL_ERROR_AFTER,
    "502": BAD_GATEWAY,
    "502, done": _done(BAD_GATEWAY),
    "504": GATEWAY_TIMEOUT,
    "504, done": _done(GATEWAY_TIMEOUT),
    "200 page": MAINTENANCE,
    "200 page, done": _done(MAINTENANCE),
    "redirect": Answer(302, "moved", headers=(("location", "https://elsewhere.test/"),)),
    "content type": Mangle("content type"),
    "charset": Mangle("charset"),
    "gzip": Mangle("gzip"),
    "bad gzip": Mangle("bad gzip"),
    "try again later": literal("TRY_AGAIN_LATER"),
    "again later, done": literal("TRY_AGAIN_LATER", processed=True),
    "duplicate": literal("DUPLICATE_OPERATION"),
    "duplicate, done": literal("DUPLICATE_OPERATION", processed=True),
    "not done": NotDone(),
    "done unseen": DoneUnseen(),
    "price 1e999": Mangle(Misprint("price", "1e999")),
    "price 0,32": Mangle(Misprint("price", '"0,32"')),
    "bad end": Mangle(Misprint("expires", '"soon"')),
    "null sms": Mangle(Misprint("sms.+", "null")),
    "bad date": Mangle(Misprint("messages.created_at", '"soon"')),
    "sum NaN": Mangle(Misprint("sum", "NaN")),
    "nested": Mangle(NESTED),
}
LITERALS = frozenset({"try again later", "again later, done", "duplicate", "duplicate, done"})
"""Words of the rent API; the v1 API does not know them."""

NOT_DONE = frozenset({"not done", "done unseen"})
"""The answer to an act shows the order as it was."""

BAD_FIELDS = frozenset({"price 1e999", "price 0,32", "bad end", "null sms"})
BAD_RENTS = frozenset({"bad date", "sum NaN"})
"""One field of an answer cannot be read, which costs that field and nothing else."""

AT_ONCE = frozenset({"chunked", "content type", "charset", "gzip", *BAD_FIELDS, *BAD_RENTS})
"""The answer arrives whole and at once; in UTF-16, which a JSON reader detects; all but one field can be read."""

HARMLESS = AT_ONCE | {"slow", "done late"}
"""The answer arrives whole, if late."""

LIMITS = frozenset({"429", "429 live", "503 limit"})
"""After four of these within ten minutes a client asks for nothing that can wait."""

_SPECIAL = {*LITERALS, *NOT_DONE, *BAD_FIELDS, *BAD_RENTS, "nested"}
_EVERYWHERE = [fault for fault in FAULTS if fault not in _SPECIAL]


def _diagonal() -> Iterator[tuple[str, str]]:
    for shift in range(len(_EVERYWHERE)):
        for place, request in enumerate(REQUESTS):
            yield request, _EVERYWHERE[(place + shift) % len(_EVERYWHERE)]


CELLS: tuple[tuple[str, str], ...] = (
    *_diagonal(),
    *product(sorted(ACTS), sorted(NOT_DONE)),
    *((request, fault) for fault, request in product(sorted(BAD_FIELDS), sorted(ORDERS))),
    *((request, fault) for fault, request in product(sorted({*LITERALS, *BAD_RENTS, "nested"}), sorted(RENT))),
)
"""All of them; of nearly all the neighbours have nothing in common."""


OUTAGES = ("404 page", "404 page", "to 404", "to 404", "503 page", "502", "lost before", "reset", "200 page")
"""Faults that a gateway gives every request for a while."""


def request_of(line: str) -> str | None:
    """Which of the requests a "METHOD target" is; None for a call that the table leaves out."""
    return next((name for name, part in REQUESTS.items() if part in line), None)
