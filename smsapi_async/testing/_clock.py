"""Virtual time: an hour of waiting passes in no time, to the second, on asyncio and on trio.

Time starts at 0.0 and moves only when every task waits: then it jumps to the next deadline. A program that can never go
on ends with `StuckError` instead of hanging. A program on virtual time must not use sockets, threads or processes: time
would jump over each wait for them.
"""

from __future__ import annotations

import asyncio
import math
import selectors
from collections.abc import Callable
from typing import Any

import anyio

from ._stuck import LONGEST, StuckError, Watch


class _JumpingSelector(selectors.DefaultSelector):
    """Moves its loop's clock where a real selector would sleep. Accepts the loop's own pipe and no other file."""

    loop: VirtualLoop

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        if self.get_map():
            raise RuntimeError("a real socket on virtual time would never be waited for: this test needs real time")
        return super().register(fileobj, events, data)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout != 0:
            self.loop.jump()
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop with another clock: ``asyncio.Runner(loop_factory=VirtualLoop)``.

    A loop that can never go on raises. If the test runs in a `scope`, the loop cancels that instead and keeps the error
    in `stuck`. The fixtures can then still close the test's resources.
    """

    scope: anyio.CancelScope | None = None
    stuck: StuckError | None = None
    _scheduled: list[asyncio.TimerHandle]  # asyncio's heap of timers, the head is the next: the jump is exact

    def __init__(self) -> None:
        self._now = 0.0
        selector = _JumpingSelector()
        selector.loop = self
        super().__init__(selector)
        # asyncio runs each timer earlier than `time()` plus this: too little to change the sum, so no timer is early.
        self._clock_resolution = 2 * math.ulp(LONGEST)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._now

    def jump(self) -> None:
        """Let time pass until the next timer.

        Raises:
            StuckError: there is no timer within 400 days, and no scope to cancel.
        """
        if self._scheduled:
            self._now = max(self._now, self._scheduled[0].when())
        if self._scheduled and (self._now <= LONGEST or self.stuck):
            return
        stuck = StuckError(self._now, (task.get_coro() for task in asyncio.all_tasks(self)))
        if self.scope is None or self.stuck:
            raise stuck
        self.stuck = stuck
        self.scope.cancel()


def virtual_backend(name: str) -> tuple[str, dict[str, Any]]:
    """Return the arguments for a run on virtual time: ``anyio.run(main, backend=name, backend_options=options)``.

    A clock belongs to one run, so call this for each run.
    """
    if name == "asyncio":
        return name, {"loop_factory": VirtualLoop}
    if name != "trio":
        raise ValueError(f"virtual time runs on 'asyncio' and on 'trio', not on {name!r}")
    from ._trio_clock import StuckWatch, jumping_clock  # noqa: PLC0415  trio is not installed everywhere

    return name, {"clock": jumping_clock(), "instruments": [StuckWatch()]}


def watch_of(options: dict[str, Any]) -> Callable[[], Watch] | None:
    """Return how a run with these options of `virtual_backend` finds its watch; None for a run in real time."""
    if options.get("loop_factory") is VirtualLoop:
        return _running_loop
    if "instruments" not in options:
        return None
    from ._trio_clock import StuckWatch  # noqa: PLC0415  the same

    watches = [each for each in options["instruments"] if isinstance(each, StuckWatch)]
    return (lambda: watches[0]) if watches else None


def _running_loop() -> Watch:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)  # noqa: S101  that is what made it
    return loop
