"""The part of virtual time that needs trio: its own jumping clock, and a watch over it. trio may be missing."""

from __future__ import annotations

import math
from typing import Any

import anyio
import trio  # noqa: TID253  imported only for a run on trio
from trio.testing import MockClock  # noqa: TID253

from ._stuck import LONGEST, StuckError

QUIET_ROUNDS = 3  # of trio's loop without a step of any task; `wait_all_tasks_blocked` explains one of them


def jumping_clock() -> MockClock:
    """Return a clock that starts at 0.0 and jumps to the next deadline when every task waits."""
    return MockClock(autojump_threshold=0)


class StuckWatch(trio.abc.Instrument):
    """Notices that a trio run on a jumping clock can never go on, and cancels `scope`, in which the test runs.

    An instrument may not raise, so `stuck` holds the error until `never_stuck` raises it. Without the watch trio
    would spin for ever: a MockClock with nothing to jump to does not sleep.
    """

    def __init__(self) -> None:
        self.scope: anyio.CancelScope | None = None
        self.stuck: StuckError | None = None
        self._quiet = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002  an instrument's signature
        """Reset the count: a task goes on."""
        self._quiet = 0

    def before_io_wait(self, timeout: float) -> None:  # noqa: ARG002  the same
        """Count the rounds in which no task can go on, and cancel the scope when they are too many."""
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
