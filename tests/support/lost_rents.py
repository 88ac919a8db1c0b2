"""What tests of lost rents and extensions share: the requests, the faults, and what became of each purchase."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import attrs

from smsapi_async import NothingBoughtError, SpendUnknownError
from smsapi_async.rent import RentedNumber
from smsapi_async.sandbox import (
    BAD_GATEWAY,
    INTERNAL_ERROR,
    INTERNAL_ERROR_AFTER,
    MAINTENANCE,
    Cut,
    Delay,
    LostAfter,
    LostBefore,
    Reset,
    Stall,
    literal,
)

BUY = "GET /api/rent/getRentNum.php"
EXTEND = "GET /api/rent/extendRentState.php"
LIST = "GET /api/rent/getRentState.php"

AFTER = [
    LostAfter(), Reset(), Cut(), Cut(at=0), Stall(), Delay(31), INTERNAL_ERROR_AFTER,
    attrs.evolve(BAD_GATEWAY, processed=True), attrs.evolve(MAINTENANCE, processed=True),
    literal("TRY_AGAIN_LATER", processed=True), literal("DUPLICATE_OPERATION", processed=True),
]  # fmt: skip
BEFORE = [LostBefore(), Reset(processed=False), INTERNAL_ERROR, BAD_GATEWAY, MAINTENANCE, literal("TRY_AGAIN_LATER")]


async def outcome(buy: Callable[[], Awaitable[RentedNumber]], into: list[Any]) -> None:
    """The number, or the error that was raised instead."""
    try:
        into.append(await buy())
    except (SpendUnknownError, NothingBoughtError) as error:
        into.append(error)


async def together(*purchases: Callable[[], Awaitable[RentedNumber]], apart: float = 0.01) -> list[Any]:
    """The outcomes of purchases begun so many seconds apart. Those begun in one moment know of the same numbers."""
    ends: list[list[Any]] = [[] for _ in purchases]
    async with anyio.create_task_group() as group:
        for buy, into in zip(purchases, ends, strict=True):
            group.start_soon(outcome, buy, into)
            await anyio.sleep(apart)
    return [end for (end,) in ends]


def tzids(found: Any) -> list[int]:
    """Of the numbers, or of the candidates that an error names."""
    return [number.tzid for number in getattr(found, "candidates", found)]
