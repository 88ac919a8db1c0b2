"""Virtual time for tests: an hour of waiting passes in no time, to the second, on asyncio and on trio.

Time starts at 0.0 and moves only when every task waits: then it jumps to the next deadline. A test in which nothing can
ever happen again fails with `StuckError` instead of hanging. Virtual tests have no sockets, threads or processes, since
none of these would ever be waited for; tests that need them are marked `socket` and keep real time.
"""

from __future__ import annotations

import asyncio
import math
import selectors
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import trio
from trio.testing import MockClock

ROOT = str(Path(__file__).parents[1])
LONGEST = 400 * 86_400.0  # virtual seconds; the longest thing we wait for is a rent of a year
QUIET_ROUNDS = 3  # of trio's loop without a step of any task; `wait_all_tasks_blocked` explains one of them


class StuckError(AssertionError):
    """Nothing is left to wait for, or the test has waited longer than any real user would."""

    def __init__(self, now: float, coroutines: Iterable[Any]) -> None:
        what = "the test waits longer than 400 days" if now > LONGEST else "nothing left to wait for"
        waiting = "; ".join(places(coroutines)) or "nobody of ours"
        super().__init__(f"{what} (virtual second {now:g}); waiting: {waiting}")


def places(coroutines: Iterable[Any]) -> list[str]:
    """Where suspended coroutines wait: each by its deepest frame in this repository, those without one left out."""
    found = []
    for coroutine in coroutines:
        place, inner = "", coroutine
        while (frame := getattr(inner, "cr_frame", None)) is not None:
            file = frame.f_code.co_filename
            if file.startswith(ROOT) and "site-packages" not in file:
                place = f"{frame.f_code.co_name} at {file[len(ROOT) + 1 :]}:{frame.f_lineno}"
            inner = inner.cr_await
        if place:
            found.append(place)
    return sorted(found)


class _JumpingSelector(selectors.DefaultSelector):
    """Moves its loop's clock where a real one would sleep. Holds the loop's own waking pipe and no other file."""

    loop: VirtualLoop

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        if self.get_map():
            raise RuntimeError("a real socket on virtual time would never be waited for: mark the test `socket`")
        return super().register(fileobj, events, data)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout != 0:
            self.loop.jump()
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop with another clock. Also for `asyncio.Runner(loop_factory=VirtualLoop)`."""

    _scheduled: list[asyncio.TimerHandle]  # asyncio's heap of timers, the head is the next: the jump is exact

    def __init__(self) -> None:
        self._now = 0.0
        selector = _JumpingSelector()
        selector.loop = self
        super().__init__(selector)
        # asyncio adds it to `time()` and rings what is earlier than the sum: too small to add, and no late timer rings.
        self._clock_resolution = 2 * math.ulp(LONGEST)

    def time(self) -> float:
        return self._now

    def jump(self) -> None:
        if self._scheduled:
            self._now = max(self._now, self._scheduled[0].when())
        if not self._scheduled or self._now > LONGEST:
            raise StuckError(self._now, (task.get_coro() for task in asyncio.all_tasks(self)))


class StuckWatch(trio.abc.Instrument):
    """Sees a trio run on a jumping clock stand still, and cancels `scope`, which the test runs in.

    An instrument may not raise; `stuck` holds the error until the test's wrapper raises it. Without the watch trio
    would spin for ever: a MockClock with nothing to jump to does not sleep.
    """

    def __init__(self) -> None:
        self.scope: trio.CancelScope | None = None
        self.stuck: StuckError | None = None
        self._quiet = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._quiet = 0

    def before_io_wait(self, timeout: float) -> None:
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


def virtual_backend(name: str) -> tuple[str, dict[str, Any]]:
    """What anyio's pytest plugin needs to run a test on virtual time. A clock belongs to one run: call it per test."""
    if name == "asyncio":
        return name, {"loop_factory": VirtualLoop}
    return name, {"clock": MockClock(autojump_threshold=0), "instruments": [StuckWatch()]}


def seed_trio(seed: int) -> None:
    """Let trio run its tasks in an order drawn from the seed, as its own tests do: the same one each time."""
    scheduler: Any = trio._core._run
    scheduler._ALLOW_DETERMINISTIC_SCHEDULING = True
    scheduler._r.seed(seed)
