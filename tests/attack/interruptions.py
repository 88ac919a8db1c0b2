"""The ways a bot is stopped in the middle of what it does, as an asyncio or a trio program would. Decides nothing.

asyncio has several that throw into the waiting task itself; trio has one, so there they are all a cancelled scope.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeAlias

import anyio
import sniffio

from .records import Interrupted

Work: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


class SiblingError(Exception):
    """An error that another task of the same group raises."""


async def interrupted(how: str | None, after: float, work: Work, noted: list[Interrupted], bot: int) -> None:
    """Do the work; cancel it after the given seconds, and note whether the cancellation went on."""
    if how is None:
        await work()
        return
    fate = Interrupted(bot, how, anyio.current_time() + after)

    async def watched() -> None:
        try:
            await work()
        except BaseException as error:
            fate.cancelled = isinstance(error, anyio.get_cancelled_exc_class())
            raise
        finally:
            fate.ended = anyio.current_time()
            noted.append(fate)

    native = sniffio.current_async_library() == "asyncio"
    await (NATIVE[how] if native and how in NATIVE else ANYWHERE.get(how, move_on_after))(after, watched)


async def move_on_after(after: float, work: Work) -> None:
    with anyio.move_on_after(after):
        await work()


async def fail_after(after: float, work: Work) -> None:
    with suppress(TimeoutError), anyio.fail_after(after):
        await work()


async def sibling(after: float, work: Work) -> None:
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(_raise, after)
            group.start_soon(work)
    except* SiblingError:
        pass


async def task_group(after: float, work: Work) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_raise(after))
            group.create_task(work())
    except* SiblingError:
        pass


async def timeout(after: float, work: Work) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(after):
            await work()


async def wait_for(after: float, work: Work) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(work(), after)


async def cancel(after: float, work: Work) -> None:
    await _cancel(after, work, ())


async def cancel_twice(after: float, work: Work) -> None:
    await _cancel(after, work, (0.0, 1.5))


async def _cancel(after: float, work: Work, again: tuple[float, ...]) -> None:
    task = asyncio.create_task(work())
    try:
        for pause in (after, *again):
            await asyncio.wait([task], timeout=pause)
            task.cancel()
        await asyncio.wait([task])
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait([task])
        raise
    if not task.cancelled():
        task.result()


# -- before the call ------------------------------------------------------------------------------------------------


async def in_a_cancelled_scope(work: Work) -> None:
    """The scope around the call was cancelled in the step before."""
    with anyio.CancelScope() as scope:
        scope.cancel()
        await work()


async def after_its_time(work: Work) -> None:
    """The time of the scope passed while the program computed, and no task has run since."""
    with anyio.move_on_after(0.01):
        compute(0.02)
        await work()


async def in_a_cancelled_task(work: Work) -> None:
    """The task was cancelled in the step before, as the loop would cancel it."""
    if sniffio.current_async_library() != "asyncio":
        await in_a_cancelled_scope(work)
        return

    async def cancelled() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await work()

    task = asyncio.create_task(cancelled())
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait([task])
        raise
    if not task.cancelled():
        task.result()


def compute(seconds: float) -> None:
    """Let virtual time pass without a step of any task, as a program does that computes."""
    if sniffio.current_async_library() == "asyncio":
        loop: Any = asyncio.get_running_loop()
        loop._now += seconds
    else:
        import trio  # noqa: PLC0415  only where it runs

        clock: Any = trio.lowlevel.current_clock()
        clock.jump(seconds)


EARLY = {"scope": in_a_cancelled_scope, "time": after_its_time, "task": in_a_cancelled_task}


async def _raise(after: float) -> None:
    await anyio.sleep(after)
    raise SiblingError


ANYWHERE = {"move_on_after": move_on_after, "fail_after": fail_after, "sibling": sibling}
NATIVE = {
    "task group": task_group,
    "timeout": timeout,
    "wait_for": wait_for,
    "cancel": cancel,
    "cancel twice": cancel_twice,
}
