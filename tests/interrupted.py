"""The programs that `test_interrupts.py` starts and stops: `python -m tests.interrupted LOOP PROGRAM CANCEL_TIMEOUT`.

Keys and addresses come from the environment. "ready" is printed once the program rests where it is to be stopped.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from typing import Any

import anyio
import anyio.abc
import anyio.lowlevel
import trio

from smsapi_async import AsyncClient

CANCEL_TIMEOUT = float(sys.argv[3])

kept: list[Any] = []
"""Scopes and clients that the program never closes."""

say = partial(print, flush=True)


def opened() -> AsyncClient:
    return AsyncClient(
        cancel_timeout=CANCEL_TIMEOUT, on_unsettled=lambda left: say("unsettled", getattr(left, "id", left))
    )


def ready() -> None:
    """Report it in the loop's next round: the calling task rests by then."""
    if sys.argv[1] == "trio":
        trio.lowlevel.current_trio_token().run_sync_soon(say, "ready")
    else:
        asyncio.get_running_loop().call_soon(say, "ready")


async def wait() -> None:
    async with opened() as client, client.activation("google", country="russia") as order:
        ready()
        await order.code()


async def leave() -> None:
    async with opened() as client, client.activation("google", country="russia"):
        pass


async def hire() -> None:
    async with opened() as client:
        await client.v1.buy_hosting("1day", country="russia")


async def employ() -> None:
    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(wait)


async def exit_with_3() -> None:
    async with opened() as client, client.activation("google", country="russia"):
        sys.exit(3)


async def heed_sigterm() -> None:
    async with anyio.create_task_group() as group:

        async def heed(*, task_status: anyio.abc.TaskStatus[None]) -> None:
            with anyio.open_signal_receiver(signal.SIGTERM) as signals:
                task_status.started()
                async for _ in signals:
                    group.cancel_scope.cancel()

        await group.start(heed)
        await wait()
    say("stopped")


async def heed_sigterm_by_task_cancel() -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        await wait()
    except asyncio.CancelledError:
        say("stopped")


async def forget_a_task() -> None:
    inside = anyio.Event()

    async def work() -> None:
        async with opened() as client, client.activation("google", country="russia") as order:
            inside.set()
            await order.code()

    kept.append(asyncio.create_task(work()))
    await inside.wait()


async def forget_a_generator() -> None:
    async def phones() -> AsyncGenerator[str, None]:
        async with opened() as client, client.activation("google", country="russia") as order:
            yield order.phone

    kept.append(phones())
    await anext(kept[0])


PROGRAMS: dict[str, Callable[[], Awaitable[None]]] = {
    function.__name__: function
    for function in (
        wait, leave, hire, employ, exit_with_3, heed_sigterm, heed_sigterm_by_task_cancel, forget_a_task,
        forget_a_generator,
    )
}  # fmt: skip

if __name__ == "__main__":
    program: Any = PROGRAMS[sys.argv[2]]
    if sys.argv[1] == "trio":
        trio.run(program)
    else:
        asyncio.run(program())
