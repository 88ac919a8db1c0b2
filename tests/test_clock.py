"""The virtual clock itself: were it wrong, every assertion about waiting would be."""

from __future__ import annotations

import asyncio
import socket
import time

import anyio
import pytest
import trio

from smsapi_async.testing import StuckError, VirtualLoop, virtual_backend
from smsapi_async.testing._clock import watch_of
from smsapi_async.testing._stuck import never_stuck

HOUR = 3600.0


async def test_an_hour_passes_in_no_time_and_to_the_second():
    """Waits of twenty minutes are asserted exactly, thousands of times a run."""
    begun = time.perf_counter()
    assert anyio.current_time() == 0.0

    await anyio.sleep(HOUR)

    assert anyio.current_time() == HOUR
    assert time.perf_counter() - begun < 60


async def test_timers_ring_in_the_order_of_their_times():
    """Two waits in one test must see each other in the order a real clock would give."""
    rung: list[tuple[float, float]] = []

    async def ring(after: float) -> None:
        await anyio.sleep(after)
        rung.append((after, anyio.current_time()))

    async with anyio.create_task_group() as group:
        for after in (3.0, 0.1, 86_400.0, 2.5, 0.2, 7200.0):
            group.start_soon(ring, after)

    assert rung == [(after, after) for after in (0.1, 0.2, 2.5, 3.0, 7200.0, 86_400.0)]


async def test_time_stands_still_while_something_can_run():
    """A clock that moved under running tasks would make every timeout a matter of luck."""
    with anyio.fail_after(0.001):
        for _ in range(1000):
            await anyio.lowlevel.checkpoint()

    assert anyio.current_time() == 0.0


async def test_a_timeout_ends_a_wait_at_its_own_second():
    """`timeout=` is tested to the second as well."""
    with anyio.move_on_after(90.0) as scope:
        await anyio.Event().wait()

    assert scope.cancelled_caught
    assert anyio.current_time() == 90.0


def run_on_asyncio(test):
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(test())


def run_on_trio(test):
    """As the plugin runs a test: the watch cancels, the wrapper raises."""
    _, options = virtual_backend("trio")
    find_watch = watch_of(options)
    assert find_watch is not None

    trio.run(never_stuck(test, find_watch), **options)


@pytest.mark.parametrize("run", [run_on_asyncio, run_on_trio])
def test_waiting_for_nothing_fails_and_names_the_place(run):
    """A deadlock in the client must be a failure with a line number, not a run that hangs."""

    async def wait_for_nobody() -> None:
        await anyio.sleep(12.0)
        await anyio.Event().wait()

    with pytest.raises(StuckError, match=r"nothing left to wait for \(virtual second 12\).*wait_for_nobody at .*:\d"):
        run(wait_for_nobody)


@pytest.mark.parametrize("run", [run_on_asyncio, run_on_trio])
def test_a_wait_without_end_fails_within_400_virtual_days(run):
    """A poller that never gives up would otherwise fill a run with virtual years."""

    async def look_for_ever() -> None:
        while True:
            await anyio.sleep(86_400.0)

    with pytest.raises(StuckError, match="longer than 400 days"):
        run(look_for_ever)


@pytest.mark.parametrize("run", [run_on_asyncio, run_on_trio])
def test_waiting_until_all_tasks_block_is_not_standing_still(run):
    """anyio's own `wait_all_tasks_blocked` must go on working on virtual time."""
    seen = []

    async def main() -> None:
        event = anyio.Event()
        async with anyio.create_task_group() as group:
            group.start_soon(event.wait)
            await anyio.wait_all_tasks_blocked()
            seen.append("blocked")
            event.set()

    run(main)

    assert seen == ["blocked"]


def test_a_socket_on_virtual_time_is_refused():
    """It would time out at once, and the failure would look like the client's."""

    mine, peer = socket.socketpair()

    async def read() -> None:
        asyncio.get_running_loop().add_reader(mine, print)

    with mine, peer, pytest.raises(RuntimeError, match="needs real time"):
        run_on_asyncio(read)


async def test_real_time_has_no_watch():
    """Another library's instruments are left alone."""
    assert watch_of({}) is None
    assert watch_of({"instruments": [trio.abc.Instrument()]}) is None
