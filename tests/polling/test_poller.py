"""The rhythm as numbers, and the turns on orders that are made up: no provider, no HTTP."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import inf
from statistics import mean, quantiles

import anyio
import pytest

from smsapi_async import AuthenticationError, ClientClosedError, OutcomeUnknownError, Sms
from smsapi_async._polling.poller import TURNS, Poller
from smsapi_async._polling.tracked import FIRST_LOOK, LEAD, Phase, Snapshot, Tracked, Waiter, rhythm
from tests.desk import no_list
from tests.opening import second

EXPIRY = 900.0


def looks_until(arrival: float, chance: Callable[[], float]) -> tuple[int, float | None]:
    """How many looks an order costs whose SMS arrives then, and how late it is found; None: never."""
    looks, at = 1, FIRST_LOOK
    while at < arrival:
        if at >= EXPIRY - LEAD:
            return looks, None
        at = min(at + rhythm(at, chance()), EXPIRY - LEAD)
        looks += 1
    return looks, at - arrival


def test_the_rhythm_keeps_its_numbers() -> None:
    """Fewer looks find a code later, more are refused by the provider's limits."""
    chance = random.Random(1)
    arrivals = [inf if chance.random() < 0.3 else chance.lognormvariate(3.2189, 1.0) for _ in range(20_000)]

    found = [looks_until(arrival, chance.random) for arrival in arrivals]

    late = [seconds for _, seconds in found if seconds is not None]
    assert mean(looks for looks, _ in found) <= 32
    assert mean(late) <= 2.1
    assert quantiles(late, n=20)[-1] <= 6.5


@pytest.mark.parametrize(
    ("age", "chance", "pause"), [(0, 0.5, 2), (25, 0.5, 2), (100, 0.5, 8), (900, 0.5, 30), (100, 0, 7.2), (100, 1, 8.8)]
)
def test_the_pause_grows_with_the_age(age: float, chance: float, pause: float) -> None:
    """8 % of it, between 2 and 30 s, give or take a tenth."""
    assert rhythm(age, chance) == pytest.approx(pause)


# -- made-up orders -------------------------------------------------------------------------------------------------


class Fake:
    """An order that gets its SMS at a moment of the loop's clock; a look at it takes some time, or fails."""

    def __init__(self, arrives: float = inf, *, takes: float = 0.1) -> None:
        self.arrives = arrives
        self.takes = takes
        self.troubles: list[Exception] = []
        self.looks: list[float] = []
        self.ends_at = inf

    async def look(self) -> Snapshot[str]:
        self.looks.append(anyio.current_time())
        await anyio.sleep(self.takes)
        if self.troubles:
            raise self.troubles.pop(0)
        now = anyio.current_time()
        sms = (Sms(text="code", code="1234"),) if self.arrives <= now else ()
        left = None if self.ends_at == inf else self.ends_at - now
        return Snapshot(subject="order", sms=sms, phase=Phase.OPEN, left=left, age=None, at=now)


def turns_on(orders: Mapping[int, Fake] | Sequence[Fake]) -> Poller[str]:
    """The turns on these orders, each under its key."""
    return Poller(no_list(), lambda watch: orders[watch.key].look())


async def found(turns: Poller[str], key: int, timeout: float = inf) -> float:
    """Wait as the houses do; when the code was found, or -1 for a timeout."""
    now = anyio.current_time()
    waiter = Waiter(turns.watch(key, now), now + timeout)
    turns.join(waiter, now)
    try:
        while True:
            await turns.news(waiter)
            if waiter.watch.sms:
                return anyio.current_time()
            if waiter.timed_out():
                return -1.0
    finally:
        turns.leave(waiter, anyio.current_time())


def idle(turns: Poller[str]) -> bool:
    """Nothing is left of any wait."""
    return not (turns._watches or turns._idle(0.0) or turns._turns or turns._keeper)


async def test_no_more_than_32_looks_are_under_way() -> None:
    """More would queue before the connections; each order gets its turn all the same, first come first served."""
    fakes = [Fake(arrives=0, takes=5) for _ in range(100)]
    turns = turns_on(fakes)
    ends: list[float] = []

    async def wait(key: int) -> None:
        ends.append(await found(turns, key))

    async with anyio.create_task_group() as group:
        for key in range(100):
            group.start_soon(wait, key)

    assert Counter(map(round, sorted(ends))) == {5: TURNS, 10: TURNS, 15: TURNS, 20: 100 - 3 * TURNS}
    assert idle(turns)


@pytest.mark.parametrize("first", [True, False])
async def test_an_order_that_stalls_delays_no_other(first: bool) -> None:
    """Whoever looks is not the one who keeps the time, also when he was just asked to keep it."""
    slow, quick = Fake(arrives=0, takes=500), [Fake(arrives=20) for _ in range(5)]
    fakes = [slow, *quick] if first else [*quick, slow]
    turns = turns_on(fakes)
    ends: dict[int, float] = {}

    async def wait(key: int) -> None:
        ends[key] = await found(turns, key)

    async with anyio.create_task_group() as group:
        for key in range(len(fakes)):
            group.start_soon(wait, key)

    assert max(map(round, ends.values())) == 500
    assert all(ends[fakes.index(fake)] < 23 for fake in quick)


async def test_a_waiter_asked_to_keep_the_time_and_to_look_has_another_keep_it() -> None:
    """Both can reach it in one moment; it looked, and nobody kept the time while its look stalled."""
    others = range(1, 5)
    turns = turns_on({99: Fake(takes=500), **{key: Fake(arrives=20) for key in others}})
    scopes: dict[str, anyio.CancelScope] = {}
    ends: dict[str, float] = {}

    async def wait(name: str, key: int) -> None:
        with anyio.CancelScope() as scopes[name]:
            ends[name] = await found(turns, key)

    async with anyio.create_task_group() as group:
        group.start_soon(wait, "holder", 99)
        for key in others:
            group.start_soon(wait, str(key), key)
        await anyio.sleep(9)
        group.start_soon(wait, "successor", 99)
        await anyio.wait_all_tasks_blocked()
        assert turns._keeper is not None
        scopes["holder"].cancel()
        scopes[str(turns._keeper.watch.key)].cancel()
        await anyio.sleep(100)
        scopes["successor"].cancel()

    assert len(ends) == 3
    assert max(ends.values()) < 24
    assert idle(turns)


async def test_a_holder_that_is_cancelled_gives_its_look_to_another() -> None:
    """At once, in the other's task: the look that dies with its task is lost, its order is not."""
    fake = Fake(arrives=0, takes=10)
    turns = turns_on({1: fake})
    ends: list[float] = []

    async def impatient() -> None:
        with anyio.move_on_after(4):
            await found(turns, 1)

    async def patient() -> None:
        ends.append(await found(turns, 1, timeout=600))

    async with anyio.create_task_group() as group:
        group.start_soon(impatient)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(patient)

    assert fake.looks == [0.0, 4.0]
    assert ends == [14.0]
    assert idle(turns)


async def test_a_waiter_about_to_time_out_takes_no_turn_while_another_can() -> None:
    """Its task is about to leave, and its look would be lost."""
    takers: list[Waiter[str]] = []

    async def look(watch: Tracked[str]) -> Snapshot[str]:
        takers.extend(waiter for waiter in watch.waiters if waiter.job)
        return Snapshot(subject="", sms=(), phase=Phase.OPEN, left=None, age=None, at=anyio.current_time())

    turns: Poller[str] = Poller(no_list(), look)
    watch = turns.watch(1, 0.0)
    short, long = Waiter(watch, 9.0), Waiter(watch, 90.0)
    turns.join(short, 0.0)
    turns.join(long, 0.0)

    async with anyio.create_task_group() as group:
        group.start_soon(turns.news, short)
        group.start_soon(turns.news, long)

    assert takers == [long]
    turns.leave(short, 1.0)
    turns.leave(long, 1.0)


async def test_waiters_that_come_one_after_another_do_not_put_the_look_off() -> None:
    """Each plans the look anew; counted from its own coming, an order with trouble would never be asked again."""
    fake = Fake(arrives=0)
    turns = turns_on({1: fake})
    fake.troubles = [OutcomeUnknownError("lost") for _ in range(3)]

    async def impatient() -> None:
        with anyio.move_on_after(7):
            await found(turns, 1)

    async with anyio.create_task_group() as group:
        for _ in range(12):
            group.start_soon(impatient)
            await anyio.sleep(3)

    assert [round(at) for at in fake.looks][:4] == [0, 2, 6, 14]


async def test_an_error_meets_also_who_comes_while_it_is_told() -> None:
    """Nobody would look for him any more."""
    fake = Fake(takes=0)
    fake.troubles = [AuthenticationError("wrong key")]
    turns = turns_on({1: fake})
    watch = turns.watch(1, 0.0)
    first, late = Waiter(watch), Waiter(watch)
    turns.join(first, 0.0)
    with pytest.raises(AuthenticationError):
        await turns.news(first)

    turns.join(late, anyio.current_time())

    with pytest.raises(AuthenticationError):
        await turns.news(late)
    assert len(fake.looks) == 1


async def test_who_comes_after_an_error_asks_again() -> None:
    """The scope that holds the order keeps its watch; yesterday's refusal is not today's."""
    fake = Fake(arrives=0, takes=0)
    fake.troubles = [AuthenticationError("wrong key")]
    turns = turns_on({1: fake})
    watch = turns.hold(turns.watch(1, 0.0), "known")
    with pytest.raises(AuthenticationError):
        await found(turns, 1)

    assert await found(turns, 1) == second()
    turns.release(watch)
    assert idle(turns)


async def test_an_order_nobody_waits_for_any_more_loses_its_place_in_the_queue() -> None:
    """Its look was due and had no turn yet."""
    busy, left = range(TURNS), Fake(arrives=0)
    turns = turns_on({99: left, **{key: Fake(arrives=0, takes=20) for key in busy}})

    async def impatient() -> None:
        with anyio.move_on_after(5):
            await found(turns, 99)

    async with anyio.create_task_group() as group:
        for key in busy:
            group.start_soon(found, turns, key)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(impatient)

    assert left.looks == []
    assert idle(turns)


async def test_an_order_that_gets_no_turn_before_its_end_is_given_up_in_time() -> None:
    """All turns are held by looks that stall; a wait that stands in the queue until then costs its refund."""
    busy, order = range(TURNS), Fake(takes=0)
    turns = turns_on({99: order, **{key: Fake(arrives=0, takes=100) for key in busy}})
    order.ends_at = 60
    ends: list[float] = []

    async def wait() -> None:
        now = anyio.current_time()
        waiter = Waiter(turns.watch(99, now))
        turns.join(waiter, now)
        while not waiter.watch.last_look_taken():
            await turns.news(waiter)
        ends.append(anyio.current_time())
        turns.leave(waiter, ends[0])

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        await anyio.sleep(1)
        for key in busy:
            group.start_soon(found, turns, key)

    assert ends == [55.0]
    assert order.looks == [0.0]
    assert idle(turns)


async def test_an_order_given_up_that_is_waited_for_still_stands_in_the_queue_once() -> None:
    """Dealt two turns it would give one back; a client that runs for long would have none left."""
    busy, order = range(TURNS), Fake(arrives=110)
    turns = turns_on({99: order, **{key: Fake(arrives=0, takes=100) for key in busy}})
    order.ends_at = 60

    async with anyio.create_task_group() as group:
        group.start_soon(found, turns, 99)
        await anyio.sleep(1)
        for key in busy:
            group.start_soon(found, turns, key)

    assert second() < 145
    assert idle(turns)


async def test_limits_of_waits_that_are_over_are_cleared_away() -> None:
    """Each would keep its order for an hour, in a client that has found thousands of codes since."""
    turns = turns_on([*(Fake(arrives=0, takes=0) for _ in range(500)), Fake(arrives=3700, takes=0)])

    for key in range(500):
        await found(turns, key, timeout=3600)
    assert 0 < len(turns._limits) <= TURNS

    await found(turns, 500)
    assert turns._limits == []


async def test_who_has_left_is_not_kept_among_those_who_rest() -> None:
    """His order, and its texts, would be."""
    turns = turns_on(
        {key: Fake(arrives=10 + key / 100) for key in range(300)} | {key: Fake() for key in range(300, 310)}
    )

    async with anyio.create_task_group() as group:
        for key in range(310):
            group.start_soon(found, turns, key)
        await anyio.sleep(50)
        assert len(turns._parked) <= 2 * 10 + TURNS
        group.cancel_scope.cancel()


async def test_a_timeout_is_kept_although_another_holds_a_look_that_stalls() -> None:
    """Whoever has the time to wait for the answer goes on."""
    turns = turns_on({1: Fake(takes=500)})
    ends: list[float] = []

    async def impatient() -> None:
        assert await found(turns, 1, timeout=20) == -1.0
        ends.append(anyio.current_time())

    async with anyio.create_task_group() as group:
        group.start_soon(found, turns, 1)
        group.start_soon(impatient)
        await anyio.sleep(100)
        group.cancel_scope.cancel()

    assert ends == [25.0]


async def test_what_a_scope_knows_of_an_order_the_list_showed_is_kept() -> None:
    """Of a row without messages nothing but its time is: who is told of the order would have no phone."""
    turns = turns_on({})
    watch = turns.hold(turns.watch(1, 0.0), "first")
    watch.subject = None
    watch.note(Snapshot(subject="row", sms=(), phase=Phase.OPEN, left=None, age=None, at=1.0, keep=False))

    turns.hold(watch, "known")

    assert watch.subject == "known"


async def test_closing_ends_waits_that_sleep_that_look_and_that_come_later() -> None:
    """And holds none of them until its request is answered."""
    turns = turns_on({1: Fake(takes=500), 2: Fake(), 3: Fake()})
    ends: list[float] = []

    async def wait(key: int) -> None:
        with pytest.raises(ClientClosedError):
            await found(turns, key)
        ends.append(anyio.current_time())

    async with anyio.create_task_group() as group:
        group.start_soon(wait, 1)
        group.start_soon(wait, 2)
        await anyio.sleep(10)
        turns.close()
    await wait(3)

    assert ends == [10.0, 10.0, 10.0]
    assert idle(turns)


async def test_a_guessed_end_gives_way_to_a_later_real_one() -> None:
    """An end more than a minute off is another end; a nearer one is latency, and the earliest reading counts."""
    watch: Tracked[str] = Tracked(1, readable_at=0.0)

    def seen(at: float, left: float | None) -> float:
        watch.note(Snapshot(subject="", sms=(), phase=Phase.OPEN, left=left, age=None, at=at))
        return watch.ends_at

    assert [seen(0, None), seen(10, None), seen(20, 880), seen(30, 871), seen(40, 3000)] == [1200, 1200, 900, 900, 3040]


def test_an_answer_that_was_asked_for_earlier_takes_nothing_back() -> None:
    """A look that was under way when a page showed the code comes back without it."""
    watch: Tracked[str] = Tracked(1, readable_at=0)
    code = (Sms(text="code", code="1234"),)
    watch.note(Snapshot(subject="page", sms=code, phase=Phase.OPEN, left=None, age=None, at=10.0))

    watch.note(Snapshot(subject="look", sms=(), phase=Phase.OPEN, left=None, age=None, at=9.9))

    assert (watch.subject, watch.sms) == ("page", code)


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("seed", range(2))
async def test_whatever_waiters_do_no_other_is_stranded(seed: int) -> None:
    """Short waits, timeouts, cancellations, trouble, stalls, 60 orders: the patient get their codes soon."""
    chance = random.Random(seed)
    fakes = {key: Fake(chance.uniform(0, 120), takes=chance.choice([0.0, 0.05, 0.3, 8.0])) for key in range(60)}
    for fake in fakes.values():
        fake.troubles = [OutcomeUnknownError("lost") for _ in range(chance.choice([0, 0, 1, 2]))]
    turns = turns_on(fakes)
    late: list[float] = []

    async def patient(key: int) -> None:
        await anyio.sleep(chance.uniform(0, 30))
        late.append(await found(turns, key) - fakes[key].arrives)

    async def restless(key: int) -> None:
        for _ in range(chance.randrange(12)):
            await anyio.sleep(chance.uniform(0, 20))
            with anyio.move_on_after(chance.choice([0, 0.02, 0.3, 2, 9])):
                await found(turns, key, timeout=chance.choice([0, 0.1, 1, 5, inf]))

    async with anyio.create_task_group() as group:
        for key in fakes:
            group.start_soon(patient, key)
            for _ in range(chance.randrange(4)):
                group.start_soon(restless, key)

    assert len(late) == len(fakes)
    assert max(late) < 60
    assert idle(turns)
    assert all(waiting == () for waiting in [watch.waiters for _, watch in turns._schedule._due])
