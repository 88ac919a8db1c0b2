"""Who asks next: waits on orders that are made up. No provider, no HTTP."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from math import inf
from typing import Any

import anyio
import pytest

from smsapi_async import (
    AuthenticationError,
    ClientClosedError,
    NotFoundError,
    OutcomeUnknownError,
    RefusedError,
    Sms,
)
from smsapi_async._polling.listing import Known, Listing, Page
from smsapi_async._polling.poller import CUT_CHORE_WAITS, GRACE, TURNS, Poller
from smsapi_async._polling.tracked import LEAD, PATIENCE, UNREADABLE_FOR, Phase, Snapshot, Tracked, Waiter
from tests.opening import second
from tests.support.desk import Account, no_list


@pytest.fixture(autouse=True)
def sound(monkeypatch: pytest.MonkeyPatch) -> None:
    """After each plain step of a poller its look queue must be sound."""
    for name in ("join", "leave", "observe", "close", "_deal", "_end_turn", "_end_look", "_begin_turn"):
        monkeypatch.setattr(Poller, name, checked(getattr(Poller, name)))


def checked(step: Callable[..., Any]) -> Callable[..., Any]:
    def run(poller: Poller[str], *arguments: Any, **named: Any) -> Any:
        result = step(poller, *arguments, **named)
        poller.check()
        return result

    return run


class Fake:
    """An order that gets its SMS at a moment of the loop's clock; a look at it takes some time, or fails."""

    def __init__(self, arrives: float = inf, *, takes: float = 0.1, ends_at: float = inf) -> None:
        self.arrives = arrives
        self.takes = takes
        self.troubles: list[Exception] = []
        self.looks: list[float] = []
        self.at_once = 0
        self.ends_at = ends_at

    async def look(self) -> Snapshot[str]:
        at = anyio.current_time()
        self.looks.append(at)
        self.at_once += 1
        try:
            assert self.at_once == 1, "it is asked about twice at once"
            await anyio.sleep(self.takes)
        finally:
            self.at_once -= 1
        if self.troubles:
            raise self.troubles.pop(0)
        return self.shown(at)

    def shown(self, at: float) -> Snapshot[str]:
        sms = (Sms(text="code", code="1234"),) if self.arrives <= anyio.current_time() else ()
        ends_at = None if self.ends_at == inf else self.ends_at
        return Snapshot(subject="order", sms=sms, phase=Phase.OPEN, at=at, ends_at=ends_at)


def poller_of(orders: Mapping[int, Fake] | Sequence[Fake], turns: int = TURNS) -> Poller[str]:
    """The waits for these orders, each under its key. No list is asked."""
    return Poller(no_list(), lambda tracked: orders[tracked.key].look(), Account(), turns=turns)


class Listed:
    """A provider with a list that shows its orders without messages."""

    def __init__(self, orders: Mapping[int, Fake], *, takes: float = 0.1, trusted: bool = True) -> None:
        self.orders = orders
        self.takes = takes
        self.troubles: list[Exception] = []
        self.pages: list[float] = []
        self.account = Account(earned=trusted)
        listing: Listing[str] = Listing(self.page, least=2, every=1.0)
        self.poller: Poller[str] = Poller(listing, lambda tracked: orders[tracked.key].look(), self.account)

    async def page(self, _offset: int, _limit: int, known: Known[str]) -> Page[str]:
        at = anyio.current_time()
        self.pages.append(at)
        await anyio.sleep(self.takes)
        if self.troubles:
            raise self.troubles.pop(0)
        page: Page[str] = Page(rows=len(self.orders), lowest=0, at=at, last=len(self.orders))
        for key, order in self.orders.items():
            tracked = known.tracked(key)
            if tracked is not None and tracked.waiters:
                new = not tracked.is_seen() or order.arrives <= at
                page.snapshots.append((tracked, order.shown(at))) if new else page.quiet.append(tracked)
        return page


async def found(poller: Poller[str], key: int, timeout: float = inf) -> float:
    """Wait as the houses do. Return when the code was found, -1 for a timeout."""
    now = anyio.current_time()
    waiter = Waiter(poller.record(key, now), now + timeout)
    poller.join(waiter, now)
    try:
        while True:
            await poller.news(waiter)
            if waiter.tracked.sms:
                return anyio.current_time()
            if waiter.timed_out():
                return -1.0
    finally:
        poller.leave(waiter, anyio.current_time())


def is_idle(poller: Poller[str]) -> bool:
    """Return True if nothing is left of any wait."""
    queue = poller._agenda.queue
    return not (len(poller.registry) or queue.awaited or queue.spares or poller._turns or poller._idle.leader)


# -- turns ----------------------------------------------------------------------------------------------------------


async def test_no_more_than_32_looks_are_under_way() -> None:
    """More would queue before the connections. Each order gets its turn all the same, first come first served."""
    fakes = [Fake(arrives=0, takes=5) for _ in range(100)]
    poller = poller_of(fakes)
    ends: list[float] = []

    async def wait(key: int) -> None:
        ends.append(await found(poller, key))

    async with anyio.create_task_group() as group:
        for key in range(100):
            group.start_soon(wait, key)

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
    """Each plans the look anew. Counted from its own coming, an order with trouble would never be asked again."""
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
    """All turns are held by looks that stall. A wait that stands in line until then costs its refund."""
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
    """Dealt two turns it would give one back; a client that runs for long would have none left."""
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


# -- errors ---------------------------------------------------------------------------------------------------------


async def test_an_error_meets_also_a_wait_that_begins_while_it_is_reported() -> None:
    """Nothing would look for it any more."""
    fake = Fake(takes=0)
    fake.troubles = [AuthenticationError("wrong key")]
    poller = poller_of({1: fake})
    tracked = poller.record(1, 0.0)
    first, late = Waiter(tracked), Waiter(tracked)
    poller.join(first, 0.0)
    with pytest.raises(AuthenticationError):
        await poller.news(first)

    poller.join(late, anyio.current_time())

    with pytest.raises(AuthenticationError):
        await poller.news(late)
    assert len(fake.looks) == 1


async def test_a_wait_that_begins_after_an_error_asks_again() -> None:
    """The scope of the order keeps its record, and an old refusal says nothing of today."""
    fake = Fake(arrives=0, takes=0)
    fake.troubles = [AuthenticationError("wrong key")]
    poller = poller_of({1: fake})
    tracked = poller.registry.keep(poller.record(1, 0.0))
    with pytest.raises(AuthenticationError):
        await found(poller, 1)

    assert await found(poller, 1) == second()
    poller.registry.release(tracked)
    assert is_idle(poller)


async def test_a_record_is_kept_as_often_as_it_was_asked_for() -> None:
    """Two scopes may look after one order."""
    poller = poller_of({})
    tracked = poller.registry.keep(poller.record(1, 0.0))
    assert poller.registry.keep(poller.record(1, 0.0)) is tracked

    poller.registry.release(tracked)
    assert poller.registry.get(1) is tracked
    poller.registry.release(tracked)

    assert poller.registry.get(1) is None


@pytest.mark.usefixtures("steady")
async def test_an_order_that_is_unknown_twice_ends_its_waits() -> None:
    """Once may be a replica of the provider that lags behind."""
    fake = Fake(arrives=0, takes=0)
    fake.troubles = [NotFoundError("order not found"), OutcomeUnknownError("lost"), NotFoundError("again")]
    poller = poller_of({1: fake})

    with pytest.raises(NotFoundError, match="again"):
        await found(poller, 1)

    assert fake.looks == [0.0, 2.0, 4.0]


async def test_a_new_order_that_is_unknown_is_asked_for_patiently() -> None:
    """Its purchase was answered, so it exists."""
    fake = Fake(arrives=0, takes=0)
    fake.troubles = [NotFoundError("order not found") for _ in range(100)]
    poller = poller_of({1: fake})
    tracked = poller.registry.keep(poller.record(1, 0.0))
    tracked.bought_at = 0.0

    with pytest.raises(NotFoundError):
        await found(poller, 1)

    assert anyio.current_time() == PATIENCE


async def test_trouble_slows_the_looks_down_and_ends_no_wait() -> None:
    """The provider may be down for minutes."""
    fake = Fake(arrives=0, takes=0)
    fake.troubles = [OutcomeUnknownError("lost") for _ in range(8)]
    poller = poller_of({1: fake})

    assert await found(poller, 1) == 2 + 4 + 8 + 16 + 4 * 30


async def test_a_wait_learns_when_nothing_readable_comes_for_half_an_hour() -> None:
    """It would else go on for ever."""
    fake = Fake(takes=0)
    fake.troubles = [OutcomeUnknownError("lost") for _ in range(100)]
    poller = poller_of({1: fake})
    waiter = Waiter(poller.record(1, 0.0))
    poller.join(waiter, 0.0)

    while not waiter.tracked.gone_dark():
        await poller.news(waiter)
    poller.leave(waiter, anyio.current_time())

    assert UNREADABLE_FOR <= anyio.current_time() <= UNREADABLE_FOR + 30


# -- timeouts -------------------------------------------------------------------------------------------------------


async def test_a_timeout_is_kept_although_another_waiter_holds_a_look_that_stalls() -> None:
    """The other waiter, which has the time, goes on waiting for the answer."""
    poller = poller_of({1: Fake(takes=500)})
    ends: list[float] = []

    async def impatient() -> None:
        assert await found(poller, 1, timeout=20) == -1.0
        ends.append(anyio.current_time())

    async with anyio.create_task_group() as group:
        group.start_soon(found, poller, 1)
        group.start_soon(impatient)
        await anyio.sleep(100)
        group.cancel_scope.cancel()

    assert ends == [23.0]


async def test_a_timeout_is_kept_although_the_last_look_stalls() -> None:
    """The caller is back in time; two seconds are left for settling."""
    poller = poller_of({1: Fake(takes=500)})

    assert await found(poller, 1, timeout=20) == -1.0

    assert anyio.current_time() == 23.0
    assert is_idle(poller)


async def test_a_last_look_is_taken_at_the_timeout() -> None:
    """A code that came just before it is found."""
    poller = poller_of({1: Fake(arrives=19.9, takes=0)})

    assert await found(poller, 1, timeout=20) == 20.0


async def test_nothing_is_kept_of_waits_that_are_over() -> None:
    """Each would keep its order for an hour, in a client that has found thousands of codes since."""
    poller = poller_of([*(Fake(arrives=0, takes=0) for _ in range(500)), Fake(arrives=3700, takes=0)])

    for key in range(500):
        await found(poller, key, timeout=3600)
    await found(poller, 500)

    assert poller._idle._timeouts == []
    assert is_idle(poller)


# -- what other requests show ---------------------------------------------------------------------------------------


async def test_news_from_another_request_reaches_every_waiter() -> None:
    """A look that is under way is given up: it can bring nothing more."""
    order = Fake(takes=500)
    poller = poller_of({1: order})
    ends: list[float] = []

    async def wait() -> None:
        ends.append(await found(poller, 1))

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        group.start_soon(wait)
        await anyio.sleep(10)
        order.arrives = 0.0
        tracked = poller.registry.get(1)
        assert tracked is not None
        poller.observe(tracked, order.shown(10.0), 10.0)

    assert ends == pytest.approx([10.0, 10.0 + GRACE])
    assert is_idle(poller)


async def test_an_end_that_another_request_moves_nearer_wakes_the_leader() -> None:
    """It sleeps until the look that was due before, which may be after the end."""
    orders = {1: Fake(takes=0), 2: Fake(takes=0)}
    poller = poller_of(orders)
    asked = now = 0.0

    async with anyio.create_task_group() as group:
        group.start_soon(found, poller, 1)
        group.start_soon(found, poller, 2)
        await anyio.sleep(300)
        tracked = poller.registry.get(1)
        assert tracked is not None
        asked = max(orders[1].looks)
        now = anyio.current_time()
        poller.observe(tracked, Snapshot(subject="", sms=(), phase=Phase.OPEN, at=now, ends_at=now + LEAD + 1), now)
        await anyio.sleep(1.5)
        group.cancel_scope.cancel()

    assert asked < now
    assert orders[1].looks[-1] == pytest.approx(now + 1, abs=0.3)


# -- the list -------------------------------------------------------------------------------------------------------


async def test_a_list_finds_the_codes_of_many_orders() -> None:
    """One page answers for all of them."""
    orders = {key: Fake(arrives=30.0, takes=0) for key in range(40)}
    provider = Listed(orders)
    ends: list[float] = []

    async def wait(key: int) -> None:
        ends.append(await found(provider.poller, key))

    async with anyio.create_task_group() as group:
        for key in orders:
            group.start_soon(wait, key)
        await anyio.sleep(5)
        assert provider.poller.many

    assert max(ends) < 32
    assert sum(len(order.looks) for order in orders.values()) < 200
    assert is_idle(provider.poller)


@pytest.mark.parametrize("error", [RefusedError("bad limit"), OutcomeUnknownError("lost")])
async def test_a_list_that_fails_leaves_the_looks(error: Exception) -> None:
    """The orders keep their own rhythm."""
    orders = {key: Fake(arrives=30.0, takes=0) for key in range(10)}
    provider = Listed(orders)
    provider.troubles = [error] * 100
    ends: list[float] = []

    async def wait(key: int) -> None:
        ends.append(await found(provider.poller, key))

    async with anyio.create_task_group() as group:
        for key in orders:
            group.start_soon(wait, key)

    assert max(ends) < 35
    assert is_idle(provider.poller)


async def test_a_page_is_given_to_another_when_its_holder_has_news() -> None:
    """Its caller is not held until a page that stalls has come."""
    orders = {key: Fake(takes=0) for key in range(3)}
    provider = Listed(orders, takes=500)
    ends: dict[int, float] = {}
    holders: list[Tracked[str]] = []

    async def wait(key: int) -> None:
        ends[key] = await found(provider.poller, key)

    async with anyio.create_task_group() as group:
        for key in orders:
            group.start_soon(wait, key)
        await anyio.sleep(10)
        holders += [
            each for each in provider.poller.registry if any(waiter.request is not None for waiter in each.waiters)
        ]
        orders[holders[0].key].arrives = 0.0
        provider.poller.observe(holders[0], orders[holders[0].key].shown(10.0), 10.0)
        await anyio.sleep(1)
        group.cancel_scope.cancel()

    [holder] = holders
    assert ends == {holder.key: pytest.approx(10 + GRACE, abs=GRACE)}
    assert provider.pages[-1] == ends[holder.key]
    assert is_idle(provider.poller)


async def test_a_waiter_looks_at_the_order_of_one_that_asks_for_a_page() -> None:
    """Its look would else wait until the page has come."""
    orders = {1: Fake(takes=0), 2: Fake(takes=0)}
    provider = Listed(orders, takes=500)

    async with anyio.create_task_group() as group:
        for key in orders:
            group.start_soon(found, provider.poller, key)
        await anyio.sleep(100)
        group.cancel_scope.cancel()

    assert min(len(order.looks) for order in orders.values()) > 10
    assert is_idle(provider.poller)


# -- chores ---------------------------------------------------------------------------------------------------------


async def test_a_chore_is_done_again_until_it_is_done() -> None:
    """An order is to be finished, and the provider does not answer."""
    poller = poller_of([Fake(arrives=60, takes=0)])
    done: list[float] = []

    async def finish() -> float | None:
        done.append(anyio.current_time())
        return 5.0 if len(done) < 3 else None

    async with anyio.create_task_group() as group:
        group.start_soon(found, poller, 0)
        await anyio.sleep(1)
        poller.add_chore(finish, 3.0)

    assert done == [3.0, 8.0, 13.0]
    assert is_idle(poller)


async def test_a_chore_that_stalls_is_broken_off_and_begun_again() -> None:
    """Its holder has an order of its own."""
    poller = poller_of([Fake(arrives=14, takes=0)])
    begun: list[float] = []

    async def finish() -> float | None:
        begun.append(anyio.current_time())
        await anyio.sleep(500)
        return None

    async with anyio.create_task_group() as group:
        group.start_soon(found, poller, 0)
        await anyio.sleep(1)
        poller.add_chore(finish, 2.0)

    # Its own order is due before the bound is over, and it is the only one who could ask.
    assert begun[:2] == [2.0, pytest.approx(4.0 + GRACE + CUT_CHORE_WAITS)]
    assert second() < 25
    assert is_idle(poller)


async def test_chores_take_no_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that takes finishes slowly must not hold up codes, nor codes the finishes."""
    monkeypatch.setattr("smsapi_async._polling.poller.CHORES", 3)
    poller = poller_of({key: Fake(arrives=20, takes=0) for key in range(8)}, turns=1)
    under_way: set[int] = set()
    most = 0

    def chore(number: int) -> Callable[[], Awaitable[float | None]]:
        async def work() -> None:
            nonlocal most
            under_way.add(number)
            most = max(most, len(under_way))
            try:
                await anyio.sleep(3)
            finally:
                under_way.discard(number)

        return work

    async with anyio.create_task_group() as group:
        for key in range(8):
            group.start_soon(found, poller, key)
        await anyio.sleep(1)
        for number in range(8):
            poller.add_chore(chore(number), 1.0)

    assert most == 3
    assert second() < 27


# -- closing --------------------------------------------------------------------------------------------------------


async def test_closing_ends_waits_that_sleep_that_look_and_that_come_later() -> None:
    """And holds none of them until its request is answered."""
    poller = poller_of({1: Fake(takes=500), 2: Fake(), 3: Fake()})
    ends: list[float] = []

    async def wait(key: int) -> None:
        with pytest.raises(ClientClosedError):
            await found(poller, key)
        ends.append(anyio.current_time())

    async with anyio.create_task_group() as group:
        group.start_soon(wait, 1)
        group.start_soon(wait, 2)
        await anyio.sleep(10)
        poller.close()
    await wait(3)

    assert ends == [10.0, 10.0, 10.0]
    assert is_idle(poller)


def test_the_last_wait_that_may_settle_the_order_is_told_so() -> None:
    """A wait beside it that may not settle changes nothing."""
    poller = poller_of({})
    tracked = poller.record(1, 0.0)
    first, second_, reader = Waiter(tracked), Waiter(tracked), Waiter(tracked, settles=False)
    for waiter in (first, reader, second_):
        poller.join(waiter, 0.0)

    assert [poller.leave(waiter, 0.0) for waiter in (first, second_, reader)] == [False, True, True]


# -- all of it ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize("seed", range(2))
async def test_no_wait_is_stranded_whatever_the_others_do(seed: int, listed: bool) -> None:
    """Short waits, timeouts, cancellations, trouble, stalls, 60 orders: the patient waits get their codes soon."""
    chance = random.Random(seed)
    fakes = {key: Fake(chance.uniform(0, 120), takes=chance.choice([0.0, 0.05, 0.3, 8.0])) for key in range(60)}
    for fake in fakes.values():
        fake.troubles = [OutcomeUnknownError("lost") for _ in range(chance.choice([0, 0, 1, 2]))]
    provider = Listed(fakes, takes=chance.choice([0.1, 2.0]))
    provider.troubles = [OutcomeUnknownError("lost") for _ in range(10)]
    poller = provider.poller if listed else poller_of(fakes)
    late: list[float] = []

    async def patient(key: int) -> None:
        await anyio.sleep(chance.uniform(0, 30))
        late.append(await found(poller, key) - fakes[key].arrives)

    async def restless(key: int) -> None:
        for _ in range(chance.randrange(12)):
            await anyio.sleep(chance.uniform(0, 20))
            with anyio.move_on_after(chance.choice([0, 0.02, 0.3, 2, 9])):
                await found(poller, key, timeout=chance.choice([0, 0.1, 1, 5, inf]))

    async with anyio.create_task_group() as group:
        for key in fakes:
            group.start_soon(patient, key)
            for _ in range(chance.randrange(4)):
                group.start_soon(restless, key)

    assert len(late) == len(fakes)
    assert max(late) < 60
    assert is_idle(poller)
