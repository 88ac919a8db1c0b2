"""The times and the order in which requests leave: the plain state, and many tasks that really wait for slots."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.lowlevel
import attrs
import pytest

from smsapi_async import Pace
from smsapi_async._sending.call import Call, Lane, Reply
from smsapi_async._sending.pace import IN_FLIGHT, KEPT_BACK, Slots, Ticket
from smsapi_async._sending.sender import Sender
from tests.support.slow_wire import Wire, call, sender


@asynccontextmanager
async def sending(*calls: Call[None], by: Sender) -> AsyncIterator[None]:
    """Send all of these at once, in this order."""
    async with anyio.create_task_group() as group:
        for each in calls:
            group.start_soon(by.send, each)
            await anyio.sleep(1e-7)
        yield


# -- slots in time ----------------------------------------------------------------------------------------------------


async def test_requests_leave_evenly_spaced():
    """Bursts reach a limit that an even flow keeps away from."""
    wire = Wire()

    async with sending(*[call()] * 6, by=sender(wire)):
        pass

    assert wire.times == pytest.approx([0, 0.02, 0.04, 0.06, 0.08, 0.1], abs=1e-5)


async def test_a_quiet_hour_earns_no_burst():
    """Unused slots are gone."""
    wire = Wire()
    by = sender(wire)
    await by.send(call())
    await anyio.sleep(3600)

    async with sending(*[call()] * 3, by=by):
        pass

    assert wire.times[1:] == pytest.approx([3600, 3600.02, 3600.04], abs=1e-3)


async def test_rent_is_asked_once_a_second_and_one_at_a_time():
    """The provider's own client keeps this pace."""
    wire = Wire(seconds=2.5)

    async with sending(*[call(provider="rent")] * 3, by=sender(wire)):
        pass

    assert wire.times == [0, 2.5, 5]
    wire.seconds = 0.1
    wire.left.clear()
    async with sending(*[call(provider="rent")] * 3, by=sender(wire)):
        pass
    assert wire.times == pytest.approx([7.5, 8.5, 9.5], abs=1e-5)


async def test_the_two_providers_do_not_wait_for_each_other():
    """Each has its own limits."""
    wire = Wire(seconds=50)

    async with sending(call(provider="rent"), call(), by=sender(wire)):
        pass

    assert wire.times == pytest.approx([0, 0], abs=1e-5)


@pytest.mark.parametrize(("lane", "most"), [(Lane.PURCHASE, IN_FLIGHT), (Lane.LOOK, IN_FLIGHT - KEPT_BACK)])
async def test_no_more_than_32_are_in_flight(lane, most):
    """No pool of the HTTP libraries scales with its queue; and looks leave some places to what is urgent."""
    wire = Wire(seconds=10)

    async with sending(*[attrs.evolve(call(), lane=lane)] * 70, by=sender(wire)):
        pass

    assert wire.most == most
    assert len(wire.left) == 70


async def test_looks_that_stall_hold_up_no_cancel():
    """Near its end an order is refunded only if the cancel arrives in time."""
    wire = Wire(seconds=30)

    async with sending(*[call()] * 40, attrs.evolve(call("cancel"), lane=Lane.CANCEL), by=sender(wire)):
        pass

    assert [at < 1 for at, name in wire.left if name == "cancel"] == [True]


async def test_a_failed_request_gives_its_room_back():
    """Otherwise thirty-two errors would be the end of the client."""

    class Broken(Wire):
        async def exchange(self, call: Call[Any]) -> Reply:
            raise LookupError

    by = sender(Broken())
    for _ in range(40):
        with pytest.raises(LookupError):
            await by.send(call())


@pytest.mark.parametrize("per_second", [0, -1, float("nan")])
def test_a_pace_is_more_than_nothing(per_second):
    """At zero a second nothing would ever leave, without an error."""
    with pytest.raises(ValueError, match="per_second"):
        Pace(v1_per_second=per_second)


# -- who goes first ---------------------------------------------------------------------------------------------------


async def test_cancels_go_before_purchases_before_looks_before_finishes_before_the_catalogue():
    """A late cancel costs its refund, a late purchase a customer, a late look a second, the others nothing."""
    wire = Wire()
    by = sender(wire, Pace(v1_per_second=10))

    async with sending(call("first"), by=by), sending(*(call(lane.name, lane) for lane in reversed(Lane)), by=by):
        pass

    assert wire.names == ["first", "CANCEL", "PURCHASE", "LOOK", "FINISH", "CATALOGUE"]


async def test_in_one_lane_who_came_first_goes_first():
    """No request is overtaken for ever."""
    wire = Wire()

    async with sending(*(call(str(number)) for number in range(50)), by=sender(wire)):
        pass

    assert wire.names == [str(number) for number in range(50)]


async def test_a_cancel_that_comes_last_still_goes_next():
    """It need not wait behind three hundred looks."""
    wire = Wire()
    by = sender(wire)

    async with sending(*[call()] * 300, by=by):
        await anyio.sleep(1)
        await by.send(call("cancel", Lane.CANCEL))
        assert anyio.current_time() < 1.05


# -- sharing and giving up --------------------------------------------------------------------------------------------


async def test_clients_with_one_pace_keep_to_it_together():
    """They share a key, and so a limit."""
    wire, pace = Wire(), Pace(v1_per_second=10)

    async with sending(*[call()] * 5, by=sender(wire, pace)), sending(*[call()] * 5, by=sender(wire, pace)):
        pass

    assert sorted(wire.times) == pytest.approx([tenth / 10 for tenth in range(10)], abs=1e-4)


async def test_a_waiter_that_gives_up_leaves_its_turn_to_the_next():
    """Also the one that keeps the time for all."""
    wire = Wire()
    by = sender(wire, Pace(v1_per_second=1))
    await by.send(call())
    async with anyio.create_task_group() as group:
        with anyio.move_on_after(0.5):
            group.start_soon(by.send, call("second"))
            await by.send(call("given up", Lane.CANCEL))
        await anyio.lowlevel.checkpoint()

    assert wire.names == ["v1.check", "second"]
    assert wire.times == [0, 1]


def test_a_slot_granted_to_somebody_who_is_gone_is_not_lost():
    """Cancelled between the grant and the waking: the second is given to the next one."""
    slots = Slots(1, 32)
    gone = slots.enter(Lane.LOOK, 10)
    slots.leave(gone, 10)

    assert slots.enter(Lane.LOOK, 10).granted


def test_a_slot_that_was_used_is_not_given_twice():
    """The request has left."""
    slots = Slots(1, 32)
    used = slots.enter(Lane.LOOK, 10)
    used.used = True
    slots.leave(used, 10.1)

    assert not slots.enter(Lane.LOOK, 10.2).granted


def test_only_the_newest_slot_can_be_given_back():
    """An older one lies in the past already."""
    slots = Slots(1, 32)
    gone = slots.enter(Lane.LOOK, 10)
    slots.enter(Lane.LOOK, 11)
    slots.leave(gone, 11)

    assert not slots.enter(Lane.LOOK, 11).granted


def test_a_pace_kept_from_an_earlier_run_is_not_stuck_in_its_time():
    """A loop's clock may begin anywhere: one of trio's runs is not hours before the next."""
    slots = Slots(1, 32)
    slots.enter(Lane.LOOK, 500_000).used = True

    waiting = slots.enter(Lane.LOOK, 12)

    assert slots.seconds_to_sleep(waiting, 12) == 1


def test_a_timer_that_wakes_late_does_not_slow_the_flow():
    """Up to five milliseconds; after more than that the even spacing begins anew."""
    slots = Slots(100, 32)
    grants = []
    now = 0.0
    for _ in range(100):
        ticket = slots.enter(Lane.LOOK, now)
        while not ticket.granted:
            now += (slots.seconds_to_sleep(ticket, now) or 0) + 0.004
            slots.tick(now)
        ticket.used = True
        grants.append(now)
        slots.leave(ticket, now)

    assert grants[-1] == pytest.approx(0.99, abs=0.01)


# -- the catalogue ----------------------------------------------------------------------------------------------------


async def test_the_catalogue_has_a_slow_lane_of_its_own():
    """A dozen price tables in a few seconds reach the limit, and each is megabytes."""
    wire = Wire(seconds=0.1)
    by = sender(wire)

    async with sending(*[call("prices", Lane.CATALOGUE)] * 3, call("look"), by=by):
        pass

    assert [name for _, name in sorted(wire.left)][:2] == ["prices", "look"]
    assert sorted(at for at, name in wire.left if name == "prices") == pytest.approx([0, 1, 2], abs=0.1)


# -- properties -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("seed", range(30))
async def test_nobody_is_stranded_whatever_the_others_do(seed):
    """Waiters come, go, hurry and give up. Each one that stays gets a slot, and no second holds more than its share."""
    chance = random.Random(seed)
    rate = chance.choice([1, 5, 20, 50])
    wire = Wire(seconds=chance.choice([0, 0.05, 2]))
    by = sender(wire, Pace(v1_per_second=rate))
    served: list[int] = []
    stayed: list[int] = []

    async def bot(number: int) -> None:
        await anyio.sleep(chance.random() * 3)
        patience = chance.choice([float("inf"), float("inf"), chance.random() * 2, 0])
        with anyio.move_on_after(patience) as scope:
            await by.send(call(str(number), chance.choice(list(Lane))))
            served.append(number)
        if not scope.cancelled_caught:
            stayed.append(number)

    async with anyio.create_task_group() as group:
        for number in range(120):
            group.start_soon(bot, number)

    assert sorted(served) == sorted(stayed)
    times = sorted(at for at, _ in wire.left)
    assert max(sum(start <= at <= start + 1 for at in times) for start in times) <= rate + 1
    assert wire.most <= IN_FLIGHT
    before = anyio.current_time()
    await by.send(call())
    assert anyio.current_time() - before <= 1 / rate + wire.seconds + 1e-6


@pytest.mark.parametrize("seed", range(50))
def test_the_state_alone_strands_nobody(seed):
    """Every order of entering, sleeping and leaving: there is a keeper whenever a request waits and there is room."""
    chance = random.Random(seed)
    slots = Slots(10, 3)
    waiting: list[Ticket] = []
    holding: list[Ticket] = []
    now = 0.0
    for _ in range(400):
        act = chance.random()
        if act < 0.4:
            waiting.append(slots.enter(chance.choice(list(Lane)), now))
        elif act < 0.6 and holding:
            slots.leave(holding.pop(chance.randrange(len(holding))), now)
        elif act < 0.7 and waiting:
            slots.leave(waiting.pop(chance.randrange(len(waiting))), now)
        else:
            now += chance.random() * 0.1
            sleepers = {ticket: slots.seconds_to_sleep(ticket, now) for ticket in waiting if not ticket.granted}
            keepers = [pause for pause in sleepers.values() if pause is not None]
            assert len(keepers) == (1 if sleepers and len(holding) < 3 else 0)
            if keepers:
                now += keepers[0]
                slots.tick(now)
        for ticket in [ticket for ticket in waiting if ticket.granted]:
            waiting.remove(ticket)
            ticket.used = True
            holding.append(ticket)
        assert len(holding) <= 3
