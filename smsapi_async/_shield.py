"""Work that must come to its end even if its caller is cancelled. Knows nothing of the work itself.

A plain shield around an await does not survive asyncio's own `task.cancel()`, `asyncio.timeout`, a collapsing TaskGroup
or Ctrl-C. These throw into the awaiting task itself. So the work runs in a child task, which they do not reach. The
caller returns only after the child has ended.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from math import inf
from typing import Any, Generic, TypeVar

import anyio
import attrs

T = TypeVar("T")

F = TypeVar("F", bound=Callable[..., Any])

_UNBROKEN: list[Callable[..., Any]] = []

INTERRUPTS = (KeyboardInterrupt, SystemExit)
"""trio raises Ctrl-C inside whichever task is running. asyncio cancels its main task instead."""


@attrs.define
class Ended(Generic[T]):
    """The end of shielded work: a result, an error, or neither if the work was cut off.

    Attributes:
        scope: the scope in which the work runs. Its `shield` may be lowered while nothing is at stake. A cancelled
            caller then ends the work at once.
    """

    result: T | None = None
    error: Exception | None = None
    scope: anyio.CancelScope = attrs.field(factory=lambda: anyio.CancelScope(shield=True))

    def unwrap(self) -> T | None:
        """Return the result, or None if the work was cut off. Raise the error of work that failed."""
        if self.error is not None:
            raise self.error
        return self.result


class UnderWay:
    """A count of work that must end before a client may close: ``with under_way:`` around each piece of work."""

    def __init__(self) -> None:
        self._count = 0
        self._ended = anyio.Event()

    def __enter__(self) -> None:
        self.begin()

    def __exit__(self, *_: object) -> None:
        self.end()

    def begin(self) -> None:
        self._count += 1

    def end(self) -> None:
        self._count -= 1
        self._ended.set()
        self._ended = anyio.Event()

    async def nothing(self) -> None:
        """Wait until nothing is under way."""
        while self._count:
            await self._ended.wait()


def unbroken(function: F) -> F:
    """Mark a function that must not be interrupted between two of its lines; see `protect_from_ctrl_c`."""
    _UNBROKEN.append(function)
    return function


def protect_from_ctrl_c() -> None:
    """Make trio raise Ctrl-C only where the functions marked `unbroken` wait, because they handle it there.

    asyncio does so anyway. The mark is made once and also reaches calls that run already.
    """
    lowlevel = getattr(sys.modules.get("trio"), "lowlevel", None)  # another thread may be importing trio now
    while lowlevel is not None and _UNBROKEN:
        lowlevel.enable_ki_protection(_UNBROKEN.pop())


async def shielded(
    work: Callable[[], Awaitable[T]],
    ended: Ended[T],
    *,
    bound: float = inf,
    hurry: float = inf,
) -> None:
    """Run the work to its end in a child task, and write into `ended` how it ended.

    `ended` is an argument and not the result, because a cancelled caller needs it too. The cancellation goes on only
    after the work has ended and `ended` is filled.

    Args:
        bound: seconds after which the work is cut off.
        hurry: seconds after which the work is cut off once the caller is being cancelled.
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

    try:
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
                group.cancel_scope.cancel()  # like a cancellation: work whose shield is lowered ends at once
    except BaseExceptionGroup as wrapped:  # trio: Ctrl-C came while a cancelled caller waited for the child
        interrupts += _interrupts_in(wrapped)
        raise
    finally:
        if interrupts:  # bare: a group would hide Ctrl-C from its handlers, and a cancellation would replace it
            raise interrupts[0]


def outlives(error: BaseException | None, cancelled: BaseException) -> bool:
    """Return True if the error that leaves a scope goes on in place of a cancellation that came during the leaving.

    A cancel scope's cancellation comes again by itself at the next await. asyncio's own cancellation comes once, so it
    goes on. The error then becomes its context, which anyio's task groups forget.
    """
    if error is not None and anyio.current_effective_deadline() == -inf:
        return True
    cancelled.__context__ = cancelled.__context__ or error
    return False


def _interrupts_in(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [found for one in error.exceptions for found in _interrupts_in(one)]
    return [error] if isinstance(error, INTERRUPTS) else []
