"""Work that must come to its end although its caller is cancelled. Knows nothing of what the work is.

A plain shield around an await does not survive asyncio's own `task.cancel()`, `asyncio.timeout`, a collapsing TaskGroup
or Ctrl-C: these throw into the awaiting task itself. So the work runs in a child task, which they do not reach, and the
caller does not return before the child has ended.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from math import inf
from typing import Generic, TypeVar

import anyio
import attrs

T = TypeVar("T")

INTERRUPTS = (KeyboardInterrupt, SystemExit)
"""trio raises Ctrl-C inside whichever task is running; asyncio cancels its main task instead."""


@attrs.define
class Ended(Generic[T]):
    """How shielded work ended: with a result, with an error, or cut off (neither).

    Attributes:
        scope: what the work runs in. Its `shield` may be lowered while nothing is at stake: then a cancelled caller
            ends the work at once.
    """

    result: T | None = None
    error: Exception | None = None
    scope: anyio.CancelScope = attrs.field(factory=lambda: anyio.CancelScope(shield=True))

    def unwrap(self) -> T | None:
        """The result, None when the work was cut off; or its error, raised."""
        if self.error is not None:
            raise self.error
        return self.result


class UnderWay:
    """Counts what must come to its end before a client may close: ``with under_way:`` around each."""

    def __init__(self) -> None:
        self._count = 0
        self._ended = anyio.Event()

    def __enter__(self) -> None:
        self._count += 1

    def __exit__(self, *_: object) -> None:
        self._count -= 1
        self._ended.set()
        self._ended = anyio.Event()

    async def nothing(self) -> None:
        """Wait until nothing is under way."""
        while self._count:
            await self._ended.wait()


async def shielded(
    work: Callable[[], Awaitable[T]],
    ended: Ended[T],
    *,
    bound: float = inf,
    hurry: float = inf,
) -> None:
    """Run the work to its end in a child task and write into `ended` how it went.

    `ended` is an argument and not the result, because a cancelled caller needs it too: the cancellation goes on only
    after the work has ended, and finds `ended` filled.

    Args:
        bound: seconds after which the work is cut off.
        hurry: seconds after which it is cut off once the caller is being cancelled.
    """
    scope = ended.scope
    scope.deadline = anyio.current_time() + bound
    done = anyio.Event()
    interrupts: list[BaseException] = []

    async def child() -> None:
        try:
            with scope:
                ended.result = await work()
        except Exception as error:  # noqa: BLE001 - carried to the caller, who raises it
            ended.error = error
        except INTERRUPTS as interrupt:
            interrupts.append(interrupt)
        finally:
            done.set()

    async with anyio.create_task_group() as group:
        group.start_soon(child)
        try:
            await done.wait()
        except anyio.get_cancelled_exc_class():
            scope.deadline = min(scope.deadline, anyio.current_time() + hurry)
            raise
        except INTERRUPTS as interrupt:
            scope.deadline = min(scope.deadline, anyio.current_time() + hurry)
            interrupts.append(interrupt)
    if interrupts:  # a task group would wrap it into a group, and nobody looks for Ctrl-C there
        raise interrupts[0]
