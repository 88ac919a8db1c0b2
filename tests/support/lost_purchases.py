"""Purchases that may be lost: what became of one, and of several that run side by side."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio

from smsapi_async import NoNumbersError, NothingBoughtError, NotSentError, SpendUnknownError
from smsapi_async.sandbox import Mangle, Sandbox


async def outcome(buy: Callable[[], Awaitable[object]], into: list[Any]) -> None:
    """Append what was bought, or the error that was raised instead."""
    try:
        into.append(await buy())
    except (SpendUnknownError, NothingBoughtError, NotSentError, NoNumbersError) as error:
        into.append(error)


async def together(*purchases: Callable[[], Awaitable[object]], apart: float = 0.0) -> list[Any]:
    """Begin the purchases at the same time, or this many seconds apart. Return their outcomes."""
    ends: list[list[Any]] = [[] for _ in purchases]
    async with anyio.create_task_group() as group:
        for buy, into in zip(purchases, ends, strict=True):
            group.start_soon(outcome, buy, into)
            await anyio.sleep(apart)
    return [end for (end,) in ends]


async def beside(
    buy: Callable[[], Awaitable[object]], another: Callable[[], Awaitable[object]], *, after: float
) -> Any:
    """Make a purchase, and this many seconds later another one. Return the outcome of the first."""
    found: list[Any] = []
    async with anyio.create_task_group() as group:
        group.start_soon(outcome, buy, found)
        await anyio.sleep(after)
        await another()
    return found[0]


def answer_twice(sandbox: Sandbox, request: str) -> None:
    """Let the second of two such requests get the answer that the first one got."""
    answers: list[bytes] = []

    def noted(body: bytes) -> bytes:
        answers.append(body)
        return body

    sandbox.fail(request, Mangle(noted))
    sandbox.fail(request, Mangle(lambda _: answers[0]))
