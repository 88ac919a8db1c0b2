"""The side of virtual time that needs trio, which may be missing: its own jumping clock, and a watch over it."""

from __future__ import annotations

import functools
import math
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import trio  # noqa: TID253  imported only for a run on trio
from trio.testing import MockClock  # noqa: TID253

from ._stuck import LONGEST, StuckError

Test = Callable[..., Awaitable[object]]

QUIET_ROUNDS = 3  # of trio's loop without a step of any task; `wait_all_tasks_blocked` explains one of them


def jumping_clock() -> MockClock:
    """A clock that starts at 0.0 and jumps to the next deadline when every task waits."""
    return MockClock(autojump_threshold=0)


class StuckWatch(trio.abc.Instrument):
    """Sees a trio run on a jumping clock stand still, and cancels `scope`, which the test runs in.

    An instrument may not raise; `stuck` holds the error until the test's wrapper raises it. Without the watch trio
    would spin for ever: a MockClock with nothing to jump to does not sleep.
    """

    def __init__(self) -> None:
        self.scope: trio.CancelScope | None = None
        self.stuck: StuckError | None = None
        self._quiet = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002  an instrument's signature
        """Somebody goes on."""
        self._quiet = 0

    def before_io_wait(self, timeout: float) -> None:  # noqa: ARG002  the same
        """Nobody can go on just now; perhaps never."""
        run = trio.lowlevel.current_statistics()
        still = not run.tasks_runnable and not run.run_sync_soon_queue_size and run.seconds_to_next_deadline == math.inf
        self._quiet = self._quiet + 1 if still else 0
        over = self._quiet >= QUIET_ROUNDS or trio.current_time() > LONGEST
        if over and self.scope is not None and self.stuck is None:
            self.stuck = StuckError(trio.current_time(), self._coroutines())
            self.scope.cancel()

    def _coroutines(self) -> list[Any]:
        root = trio.lowlevel.current_root_task()
        found, todo = [], [] if root is None else [root]
        while todo:
            task = todo.pop()
            todo.extend(child for nursery in task.child_nurseries for child in nursery.child_tasks)
            found.append(task.coro)
        return found


def watched(test: Test, instruments: Iterable[object]) -> Test:
    """The test in a scope that its watch may cancel, raising what the watch has seen; without a watch as it is."""
    watch = next((each for each in instruments if isinstance(each, StuckWatch)), None)
    return test if watch is None else _never_stuck(test, watch)


def _never_stuck(test: Test, watch: StuckWatch) -> Test:
    @functools.wraps(test)
    async def run(**arguments: Any) -> None:
        try:
            with trio.CancelScope() as watch.scope:
                await test(**arguments)
        finally:
            watch.scope = None
            if watch.stuck:
                raise watch.stuck

    return run
