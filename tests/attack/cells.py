"""What the attack must reach: every request of the client met by every fault. Tables; never draws, never sends."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle, islice, product

import attrs

from smsapi_async.sandbox import (
    API_LIMIT,
    BAD_GATEWAY,
    INTERNAL_ERROR,
    INTERNAL_ERROR_AFTER,
    IP_LIMIT,
    MAINTENANCE,
    TOO_MANY_REQUESTS,
    Answer,
    Chunked,
    Cut,
    Delay,
    Fault,
    LostAfter,
    LostBefore,
    Mangle,
    NotConnected,
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
}
"""Each request by what its target contains. Every third one spends, so three neighbours have one."""

SPENDING = frozenset({"buy activation", "reuse", "buy hosting", "rent", "extend"})
RENT = frozenset({"rent", "rent state", "extend"})
RECORDS = frozenset({"orders", "payments", "rent state"})
"""Where the client looks a lost purchase up."""

INSIDE = "cut inside"
"""The one fault with a number of its own: the byte."""

CHOKED = Answer(503, "<html><body>503 Service Temporarily Unavailable</body></html>", "text/html; charset=utf-8")
GATEWAY_TIMEOUT = attrs.evolve(BAD_GATEWAY, status=504)


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
    "503 page": CHOKED,
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
}
LITERALS = frozenset({"try again later", "again later, done", "duplicate", "duplicate, done"})
"""Words of the rent API; the v1 API does not know them."""

HARMLESS = frozenset({"slow", "done late", "chunked", "content type", "charset", "gzip"})
"""The answer arrives whole, if late; in UTF-16, which JSON can tell."""

LIMITS = frozenset({"429", "429 live", "503 limit", "503 page"})
"""After four of these within ten minutes a client asks for nothing that can wait."""

_EVERYWHERE = [fault for fault in FAULTS if fault not in LITERALS]
CELLS: tuple[tuple[str, str], ...] = (
    *zip(cycle(REQUESTS), islice(cycle(_EVERYWHERE), len(REQUESTS) * len(_EVERYWHERE))),
    *product(sorted(RENT), sorted(LITERALS)),
)
"""All of them, neighbours with nothing in common: 13 requests and 32 faults have no common divisor."""


def request_of(line: str) -> str | None:
    """Which of the requests a "METHOD target" is; None for a call that the table leaves out."""
    return next((name for name, part in REQUESTS.items() if part in line), None)
