"""What tests of lost v1 purchases share: the requests, and what became of each purchase."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio

from smsapi_async import NoNumbersError, NothingBoughtError, NotSentError, SpendUnknownError
from smsapi_async.v1 import Order

BUY = "GET /v1/user/buy/"
HISTORY = "GET /v1/user/orders"
BOOK = "GET /v1/user/payments"


def ids(found: Any) -> list[int]:
    """Of the orders, or of the candidates that an error names."""
    orders = getattr(found, "candidates", ()) if isinstance(found, Exception) else found
    return [order.id for order in orders]


async def outcome(buy: Callable[[], Awaitable[Order]], into: list[Any]) -> None:
    """The order, or the error that was raised instead."""
    try:
        into.append(await buy())
    except (SpendUnknownError, NothingBoughtError, NotSentError, NoNumbersError) as error:
        into.append(error)


async def together(*purchases: Callable[[], Awaitable[Order]], apart: float = 0.0) -> list[Any]:
    """The outcomes of purchases begun at the same time, or so many seconds apart."""
    ends: list[list[Any]] = [[] for _ in purchases]
    async with anyio.create_task_group() as group:
        for buy, into in zip(purchases, ends, strict=True):
            group.start_soon(outcome, buy, into)
            await anyio.sleep(apart)
    return [end for (end,) in ends]
