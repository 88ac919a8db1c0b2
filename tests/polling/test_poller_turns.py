"""Waiters and their turns: which one looks, which one leads, and the last looks before the end of an order."""

from __future__ import annotations

from collections import Counter

import anyio
import pytest

from smsapi_async import OutcomeUnknownError
from smsapi_async._polling.poller import TURNS, Poller
from smsapi_async._polling.tracked import LEAD, Phase, Snapshot, Tracked, Waiter
from tests.opening import second
from tests.support.desk import Account, no_list
from tests.support.made_up_orders import Fake, all_found, found, is_idle, poller_of


async def test_no_more_than_32_looks_are_under_way() -> None:
    """More looks would queue before the connections. Each order gets its turn, first come first served."""
    fakes = [Fake(arrives=0, takes=5) for _ in range(100)]
    poller = poller_of(fakes)

    ends = await all_found(poller, range(100))

    assert Counter(map(round, sorted(ends))) == {5: TURNS, 10: TURNS, 15: TURNS, 20: 100 - 3 * TURNS}
    assert is_idle(poller)


@pytest.mark.parametrize("first", [True, False])
async def test_an_order_that_stalls_delays_no_other(first: bool) -> None:
    """The waiter that looks is not the leader, also when it was just made the leader."""
    slow, quick = Fake(arrives=0, takes=500), [Fake(arrives=20) for _ in range(5)]
    fakes = [slow, *quick] if first else [*quick, slow]
    poller = poller_of(fakes)
    ends: dict[int, float] = {}

    async def wait(key: int) -> None:
        ends[key] = await found(poller, key)

    async with anyio.create_task_group() as group:
        for key in range(len(fakes)):
            group.start_soon(wait, key)

    assert max(map(round, ends.values())) == 500
    assert all(ends[fakes.index(fake)] < 23 for fake in quick)


async def test_a_waiter_made_leader_that_also_has_a_look_hands_the_office_on() -> None:
    """Both can reach it in one moment. Without a leader nothing would be dealt while its look stalls."""
    others = range(1, 5)
    poller = poller_of({99: Fake(takes=500), **{key: Fake(arrives=20) for key in others}})
    scopes: dict[str, anyio.CancelScope] = {}
    ends: dict[str, float] = {}

    async def wait(name: str, key: int) -> None:
        with anyio.CancelScope() as scopes[name]:
            ends[name] = await found(poller, key)

    async with anyio.create_task_group() as group:
        group.start_soon(wait, "holder", 99)
        for key in others:
            group.start_soon(wait, str(key), key)
        await anyio.sleep(9)
        group.start_soon(wait, "successor", 99)
        await anyio.wait_all_tasks_blocked()
        assert poller._idle.leader is not None
        scopes["holder"].cancel()
        scopes[str(poller._idle.leader.tracked.key)].cancel()
        await anyio.sleep(100)
        scopes["successor"].cancel()

    assert len(ends) == 3
    assert max(ends.values()) < 24
    assert is_idle(poller)


async def test_a_holder_that_is_cancelled_gives_its_look_to_another() -> None:
    """At once, in the other's task: the look dies with its task, the order's place does not."""
    fake = Fake(arrives=0, takes=10)
    poller = poller_of({1: fake})
    ends: list[float] = []

    async def impatient() -> None:
        with anyio.move_on_after(4):
            await found(poller, 1)

    async def patient() -> None:
        ends.append(await found(poller, 1, timeout=600))

    async with anyio.create_task_group() as group:
        group.start_soon(impatient)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(patient)

    assert fake.looks == [0.0, 4.0]
    assert ends == [14.0]
    assert is_idle(poller)


async def test_a_waiter_about_to_time_out_takes_no_turn_while_another_can() -> None:
    """Its task is about to leave, and its look would be lost."""
    takers: list[Waiter[str]] = []

    async def look(tracked: Tracked[str]) -> Snapshot[str]:
        takers.extend(waiter for waiter in tracked.waiters if waiter.job)
        return Snapshot(subject="", sms=(), phase=Phase.OPEN, at=anyio.current_time())

    poller: Poller[str] = Poller(no_list(), look, Account())
    tracked = poller.record(1, 0.0)
    short, long = Waiter(tracked, 9.0), Waiter(tracked, 90.0)
    poller.join(short, 0.0)
    poller.join(long, 0.0)

    async with anyio.create_task_group() as group:
        group.start_soon(poller.news, short)
        group.start_soon(poller.news, long)

    assert takers == [long]
    poller.leave(short, 1.0)
    poller.leave(long, 1.0)


async def test_waiters_that_come_one_after_another_do_not_put_the_look_off() -> None:
    """Each waiter plans the look anew. Counted from the coming of a waiter, the look would be put off for ever."""
    fake = Fake(arrives=0)
    poller = poller_of({1: fake})
    fake.troubles = [OutcomeUnknownError("lost") for _ in range(3)]

    async def impatient() -> None:
        with anyio.move_on_after(7):
            await found(poller, 1)

    async with anyio.create_task_group() as group:
        for _ in range(12):
            group.start_soon(impatient)
            await anyio.sleep(3)

    assert [round(at) for at in fake.looks][:4] == [0, 2, 6, 14]


async def test_an_order_without_waits_loses_its_place_in_line() -> None:
    """Its look was due and had no turn yet."""
    busy, left = range(TURNS), Fake(arrives=0)
    poller = poller_of({99: left, **{key: Fake(arrives=0, takes=20) for key in busy}})

    async def impatient() -> None:
        with anyio.move_on_after(5):
            await found(poller, 99)

    async with anyio.create_task_group() as group:
        for key in busy:
            group.start_soon(found, poller, key)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(impatient)

    assert left.looks == []
    assert is_idle(poller)


async def test_an_order_that_gets_no_turn_before_its_end_is_given_up_in_time() -> None:
    """Looks that stall hold all turns. An order that stands in line until its end loses its refund."""
    busy, order = range(TURNS), Fake(takes=0, ends_at=60)
    poller = poller_of({99: order, **{key: Fake(arrives=0, takes=100) for key in busy}})
    ends: list[float] = []

    async def wait() -> None:
        now = anyio.current_time()
        waiter = Waiter(poller.record(99, now))
        poller.join(waiter, now)
        while not waiter.tracked.last_look_taken():
            await poller.news(waiter)
        ends.append(anyio.current_time())
        poller.leave(waiter, ends[0])

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        await anyio.sleep(1)
        for key in busy:
            group.start_soon(found, poller, key)

    assert ends == [55.0]
    assert order.looks == [0.0]
    assert is_idle(poller)


async def test_an_order_given_up_that_is_still_awaited_stands_in_line_once() -> None:
    """An order that got two turns would give one back. A client that runs for long would have none left."""
    busy, order = range(TURNS), Fake(arrives=110, ends_at=60)
    poller = poller_of({99: order, **{key: Fake(arrives=0, takes=100) for key in busy}})

    async with anyio.create_task_group() as group:
        group.start_soon(found, poller, 99)
        await anyio.sleep(1)
        for key in busy:
            group.start_soon(found, poller, key)

    assert second() < 145
    assert is_idle(poller)


async def test_a_look_that_stalls_is_given_up_for_the_last_one() -> None:
    """It counts as failed, and the last look is due at once."""
    order = Fake(takes=0, ends_at=60)
    poller = poller_of({1: order})

    async with anyio.create_task_group() as group:
        group.start_soon(found, poller, 1)
        await anyio.sleep(45)
        order.takes = 1000
        await anyio.sleep(10.5)
        group.cancel_scope.cancel()

    assert order.looks[-1] == 60 - LEAD
    assert is_idle(poller)


async def test_orders_that_end_together_are_looked_at_early_enough_for_all() -> None:
    """The last of them would be cancelled after its end."""
    orders = [Fake(takes=0, ends_at=120) for _ in range(40)]
    poller: Poller[str] = Poller(no_list(), lambda tracked: orders[tracked.key].look(), Account(), pair=lambda: 0.5)

    async def wait(key: int) -> None:
        waiter = Waiter(poller.record(key, 0.0))
        poller.join(waiter, anyio.current_time())
        while not waiter.tracked.last_look_taken():
            await poller.news(waiter)
        poller.leave(waiter, anyio.current_time())

    async with anyio.create_task_group() as group:
        for key in range(40):
            group.start_soon(wait, key)

    assert anyio.current_time() == pytest.approx(120 - LEAD - 39 * 0.5, abs=0.3)
    assert is_idle(poller)


async def test_a_pair_of_requests_that_takes_longer_begins_the_last_looks_earlier() -> None:
    """A hit halves the pace between the purchase and the end."""
    orders = [Fake(takes=0, ends_at=120) for _ in range(10)]
    pair = 0.1
    poller: Poller[str] = Poller(no_list(), lambda tracked: orders[tracked.key].look(), Account(), pair=lambda: pair)
    ends: list[float] = []

    async def wait(key: int) -> None:
        waiter = Waiter(poller.record(key, 0.0))
        poller.join(waiter, anyio.current_time())
        while not waiter.tracked.last_look_taken():
            await poller.news(waiter)
        ends.append(anyio.current_time())
        poller.leave(waiter, anyio.current_time())

    async with anyio.create_task_group() as group:
        for key in range(10):
            group.start_soon(wait, key)
        await anyio.sleep(50)
        pair = 4.0

    assert max(ends) <= 120 - LEAD - 9 * 4.0 + 0.3
