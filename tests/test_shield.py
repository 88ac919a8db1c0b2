"""Shielded work comes to its end although its caller is cancelled, and the cancellation goes on after it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from math import inf
from types import ModuleType
from typing import Any

import anyio
import pytest

from smsapi_async import _shield
from smsapi_async._shield import Ended, UnderWay, protect_from_ctrl_c, shielded
from smsapi_async.testing import VirtualLoop
from tests.interrupting import RUNS, Run, run_on_trio


async def five_seconds() -> str:
    await anyio.sleep(5)
    return "done"


async def fail() -> str:
    await anyio.sleep(1)
    raise LookupError("it broke")


async def test_the_result_is_there_for_the_caller():
    """An ordinary call notices nothing."""
    ended: Ended[str] = Ended()

    await shielded(five_seconds, ended)

    assert (ended.unwrap(), anyio.current_time()) == ("done", 5)


async def test_an_error_is_raised_by_whoever_asks_for_the_result():
    """The shield itself does not raise it: a cancelled caller has other things to raise."""
    ended: Ended[str] = Ended()

    await shielded(fail, ended)

    with pytest.raises(LookupError, match="it broke"):
        ended.unwrap()


async def test_the_bound_cuts_the_work_off():
    """A provider that hangs does not hang its caller."""
    ended: Ended[str] = Ended()

    await shielded(five_seconds, ended, bound=2)

    assert (ended.unwrap(), anyio.current_time()) == (None, 2)


async def test_a_scope_s_cancellation_goes_on_after_the_work():
    """Both loops' own way."""
    ended: Ended[str] = Ended()

    with anyio.move_on_after(1) as scope:
        await shielded(five_seconds, ended)

    assert scope.cancelled_caught
    assert (ended.result, anyio.current_time()) == ("done", 5)


async def test_a_cancelled_caller_is_held_for_no_longer_than_the_hurry():
    """Counted from the cancellation, not from the beginning."""
    ended: Ended[str] = Ended()

    with anyio.move_on_after(1) as scope:
        await shielded(five_seconds, ended, bound=100, hurry=2)

    assert scope.cancelled_caught
    assert (ended.result, anyio.current_time()) == (None, 3)


async def test_the_hurry_does_not_prolong_the_bound():
    """The shorter of the two counts."""
    ended: Ended[str] = Ended()

    with anyio.move_on_after(1):
        await shielded(five_seconds, ended, bound=2, hurry=100)

    assert anyio.current_time() == 2


async def test_work_begun_by_a_cancelled_caller_is_done():
    """Settling an order on the way out is begun so."""
    ended: Ended[str] = Ended()

    with anyio.CancelScope() as scope:
        scope.cancel()
        await shielded(five_seconds, ended)

    assert ended.result == "done"


async def test_an_error_of_the_work_does_not_replace_the_cancellation():
    """The caller's scope must see its own cancellation come back."""
    ended: Ended[str] = Ended()

    with anyio.move_on_after(0.5) as scope:
        await shielded(fail, ended)

    assert scope.cancelled_caught
    assert isinstance(ended.error, LookupError)


async def test_a_lowered_shield_lets_the_cancellation_through():
    """While nothing is at stake a cancelled caller just goes."""
    ended: Ended[str] = Ended()
    ended.scope.shield = False

    with anyio.move_on_after(1) as scope:
        await shielded(five_seconds, ended)

    assert scope.cancelled_caught
    assert (ended.unwrap(), anyio.current_time()) == (None, 1)


async def test_a_shield_may_be_raised_and_lowered_on_the_way():
    """Raised for the request, lowered again when it turns out that none was made."""
    ended: Ended[str] = Ended()
    ended.scope.shield = False

    async def work() -> str:
        await anyio.sleep(1)
        ended.scope.shield = True
        await anyio.sleep(4)
        ended.scope.shield = False
        return await five_seconds()

    with anyio.move_on_after(2) as scope:
        await shielded(work, ended)

    assert scope.cancelled_caught
    assert (ended.unwrap(), anyio.current_time()) == (None, 5)


@pytest.mark.parametrize("cancelled_at", [0.5, 2])
@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
async def test_an_interrupt_inside_the_work_comes_out_bare(interrupt, cancelled_at):
    """Nothing that waits for Ctrl-C looks into a group; and a cancelled caller's scope would swallow it."""
    ended: Ended[str] = Ended()

    async def work() -> str:
        await anyio.sleep(1)
        raise interrupt

    with pytest.raises(interrupt), anyio.move_on_at(cancelled_at):
        await shielded(work, ended)

    assert ended.unwrap() is None


# -- Ctrl-C -----------------------------------------------------------------------------------------------------------

each_loop = pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)


def interrupted(run: Run, at: float, *, cancelled_at: float = inf, hurry: float = inf) -> tuple[str | None, Any]:
    """Return the result of the work, and the error raised in its caller."""
    seen: list[Any] = []
    scopes: list[anyio.CancelScope] = []

    async def main() -> None:
        ended: Ended[str] = Ended()
        with anyio.CancelScope(deadline=inf if cancelled_at == at else cancelled_at) as scope:
            scopes.append(scope)
            try:
                await shielded(five_seconds, ended, hurry=hurry)
            except BaseException as error:
                seen.extend((ended.result, type(error)))
                raise

    def along() -> None:
        if cancelled_at == at:
            scopes[0].cancel()

    with pytest.raises(KeyboardInterrupt):
        run(main, at, along=along)
    return seen[0], seen[1]


@each_loop
def test_ctrl_c_goes_on_after_the_work(run):
    """The Ctrl-C is bare: no handler of it looks into a group. asyncio turns it into a cancellation by itself."""
    raised = KeyboardInterrupt if run is run_on_trio else asyncio.CancelledError

    assert interrupted(run, 1) == ("done", raised)


@each_loop
def test_ctrl_c_hurries_the_work(run):
    """As a cancellation does."""
    assert interrupted(run, 1, hurry=2)[0] is None


@each_loop
@pytest.mark.parametrize("cancelled_at", [2, 3], ids=["at the same time", "later"])
def test_ctrl_c_is_not_lost_in_a_cancellation(run, cancelled_at):
    """The caller's scope would swallow it, and the program go on."""
    raised = KeyboardInterrupt if run is run_on_trio else asyncio.CancelledError

    assert interrupted(run, 2, cancelled_at=cancelled_at) == ("done", raised)


@each_loop
def test_ctrl_c_of_a_caller_who_is_cancelled_already_is_not_lost(run):
    """trio holds it back until the caller's next wait, and the caller is busy leaving."""
    assert interrupted(run, 2, cancelled_at=1)[0] == "done"


# -- asyncio's own ways -----------------------------------------------------------------------------------------------

ON_ASYNCIO = pytest.mark.parametrize("anyio_backend", [("asyncio", {"loop_factory": VirtualLoop})], ids=["asyncio"])


async def cancel(work: Callable[[], Awaitable[None]], times: int) -> None:
    task = asyncio.ensure_future(work())
    for _ in range(times):
        await asyncio.sleep(1)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@ON_ASYNCIO
@pytest.mark.parametrize("times", [1, 2, 3])
async def test_task_cancel_does_not_reach_the_work(times):
    """It throws into the awaiting task itself, through any shield around an await; also if it is repeated."""
    ended: Ended[str] = Ended()

    await cancel(lambda: shielded(five_seconds, ended), times)

    assert (ended.result, anyio.current_time()) == ("done", 5)


@ON_ASYNCIO
async def test_task_cancel_hurries_the_work():
    """As a scope's cancellation does."""
    ended: Ended[str] = Ended()

    await cancel(lambda: shielded(five_seconds, ended, hurry=2), 1)

    assert (ended.result, anyio.current_time()) == (None, 3)


@ON_ASYNCIO
async def test_asyncio_timeout_comes_after_the_work():
    """It is asyncio's own TimeoutError, with no cancellation left over."""
    ended: Ended[str] = Ended()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await shielded(five_seconds, ended)

    task = asyncio.current_task()
    assert task is not None
    assert (ended.result, anyio.current_time(), task.cancelling()) == ("done", 5, 0)


@ON_ASYNCIO
async def test_a_collapsing_task_group_waits_for_the_work():
    """Another task's error is no reason to lose a number."""
    ended: Ended[str] = Ended()

    async def group_of_two() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(shielded(five_seconds, ended))
            group.create_task(fail())

    with pytest.raises(ExceptionGroup) as caught:
        await group_of_two()

    assert caught.group_contains(LookupError)
    assert (ended.result, anyio.current_time()) == ("done", 5)


async def test_what_is_under_way_is_waited_for():
    """A client closes after it."""
    under_way = UnderWay()

    async def work(seconds: float) -> None:
        with under_way:
            await anyio.sleep(seconds)

    async with anyio.create_task_group() as group:
        group.start_soon(work, 3)
        group.start_soon(work, 5)
        await anyio.sleep(1)
        await under_way.nothing()

    assert anyio.current_time() == 5
    await under_way.nothing()


def test_a_half_imported_trio_breaks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread may be importing it while a client opens on asyncio."""
    unbroken = [print]
    monkeypatch.setattr(_shield, "_UNBROKEN", unbroken)
    monkeypatch.setitem(sys.modules, "trio", ModuleType("trio"))

    protect_from_ctrl_c()

    assert unbroken == [print], "it is protected when trio is there"
