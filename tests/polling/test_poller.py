"""The choice of the next request: waits on orders that are made up. No provider, no HTTP."""

from __future__ import annotations

import random
from math import inf

import anyio
import pytest

from smsapi_async import ClientClosedError, OutcomeUnknownError
from smsapi_async._polling.poller import GRACE
from smsapi_async._polling.tracked import LEAD, Phase, Snapshot, Waiter
from tests.support.made_up_orders import Fake, Listed, found, is_idle, poller_of

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
    """The leader sleeps until the look that was due before, which may be after the end."""
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


# -- closing --------------------------------------------------------------------------------------------------------


async def test_closing_ends_waits_that_sleep_that_look_and_that_come_later() -> None:
    """A wait ends at once, also while its request has no answer yet."""
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
