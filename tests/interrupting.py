"""Ctrl-C at a second of virtual time, as both loops deliver it while the program sleeps."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Protocol

import anyio
import trio
from trio.testing import MockClock

from smsapi_async.testing import VirtualLoop

Main = Callable[[], Awaitable[object]]


class Run(Protocol):
    """Runs a program from its beginning to its end, and presses Ctrl-C at these seconds of the loop's clock.

    `along` is called right before, in the same moment.
    """

    def __call__(self, main: Main, *seconds: float, along: Callable[[], None] = lambda: None) -> None: ...


def run_on_asyncio(main: Main, *seconds: float, along: Callable[[], None] = lambda: None) -> None:
    """Its runner cancels the main task; pressed again, it raises KeyboardInterrupt in the running code."""

    def press() -> None:
        along()
        signal.raise_signal(signal.SIGINT)

    async def pressed() -> None:
        for second in seconds:
            asyncio.get_running_loop().call_at(second, press)
        await main()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(pressed())


def run_on_trio(main: Main, *seconds: float, along: Callable[[], None] = lambda: None) -> None:
    """It raises KeyboardInterrupt where the main task waits: a system task is protected, so it is not raised there."""

    async def press(second: float) -> None:
        await anyio.sleep_until(second)
        along()
        signal.raise_signal(signal.SIGINT)

    async def pressed() -> None:
        for second in seconds:
            trio.lowlevel.spawn_system_task(press, second)
        await main()

    trio.run(pressed, clock=MockClock(autojump_threshold=0))


RUNS: dict[str, Run] = {"asyncio": run_on_asyncio, "trio": run_on_trio}
