"""When requests leave, and in which order: the plain state first, then many tasks that really wait for slots."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import attrs
import httpx
import pytest

from smsapi_async import (
    BadParameterError,
    OutcomeUnknownError,
    Pace,
    RateLimitError,
    SmsApiError,
    UnreadableReplyError,
)
from smsapi_async._sending.call import Call, Lane, Repeat, Reply
from smsapi_async._sending.pace import IN_FLIGHT, KEPT_BACK, Slots, Ticket
from smsapi_async._sending.sender import Sender
from smsapi_async.sandbox import Delay, Sandbox, Scenario
from smsapi_async.testing import open_client


@attrs.define
class Wire:
    """A fake of the HTTP layer: notes when requests leave, and takes its time."""

    seconds: float = 0.0
    left: list[tuple[float, str]] = attrs.field(factory=list)
    in_flight: int = 0
    most: int = 0

    async def exchange(self, call: Call[Any]) -> Reply:
        self.left.append((anyio.current_time(), call.name))
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            await anyio.sleep(self.seconds)
        finally:
            self.in_flight -= 1
        return Reply(status=200, headers={}, body=b"")

    async def aclose(self) -> None:
        """Nothing to close."""

    @property
    def times(self) -> list[float]:
        return [round(at, 6) for at, _ in self.left]

    @property
    def names(self) -> list[str]:
        return [name for _, name in self.left]


def call(name: str = "v1.check", lane: Lane = Lane.LOOK, provider: Any = "v1") -> Call[None]:
    return Call(name=name, provider=provider, path="x", read=lambda _: None, repeat=Repeat.FREELY, lane=lane)


def sender(wire: Wire, pace: Pace | None = None) -> Sender:
    return Sender(wire, pace or Pace(), 0)  # type: ignore[arg-type]  # a fake


async def quietly(ask: Callable[[int], Awaitable[object]], order_id: int) -> None:
    with suppress(SmsApiError):
        await ask(order_id)


@asynccontextmanager
async def sending(*calls: Call[None], by: Sender) -> AsyncIterator[None]:
    """All of them at once, in this order."""
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
    """Slots that nobody took are gone."""
    wire = Wire()
    by = sender(wire)
    await by.send(call())
    await anyio.sleep(3600)

    async with sending(*[call()] * 3, by=by):
        pass

    assert wire.times[1:] == pytest.approx([3600, 3600.02, 3600.04], abs=1e-3)


async def test_rent_is_asked_once_a_second_and_one_at_a_time():
    """What the provider's own client keeps to."""
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
    """Else thirty-two errors would be the end of the client."""

    class Broken(Wire):
        async def exchange(self, call: Call[Any]) -> Reply:
            raise LookupError

    by = sender(Broken())
    for _ in range(40):
        with pytest.raises(LookupError):
            await by.send(call())


@pytest.mark.parametrize("per_second", [0, -1, float("nan")])
def test_a_pace_is_more_than_nothing(per_second):
    """At zero a second nothing would ever leave, and nobody would know why."""
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
    """Nobody is overtaken for ever."""
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


# -- a provider that says "too many" ----------------------------------------------------------------------------------


def spacing(slots: Slots, lane: Lane, now: float) -> float:
    """How long the second of two that come now has to wait."""
    first = slots.enter(lane, now)
    first.used = True
    slots.leave(first, now)
    second = slots.enter(lane, now)
    pause = slots.seconds_to_sleep(second, now)
    slots.leave(second, now)
    assert first.granted
    assert pause is not None
    return round(pause, 3)


def test_each_hit_doubles_the_spacing_up_to_a_second():
    """Whoever goes on as before is banned."""
    slots = Slots(50, 32)
    seen = []
    for now in range(10, 80, 10):
        slots.hit(now)
        seen.append(spacing(slots, Lane.LOOK, now + 2))

    assert seen == [0.04, 0.08, 0.16, 0.32, 0.64, 1, 1]


def test_the_next_request_waits_for_the_new_spacing():
    """Also the one that was due at once."""
    slots = Slots(10, 32)
    slots.hit(5)
    ticket = slots.enter(Lane.CANCEL, 5.1)

    assert slots.seconds_to_sleep(ticket, 5.1) == pytest.approx(0.1)


def test_every_quiet_minute_halves_it_again():
    """A limit that was met once is no reason to be slow for ever."""
    slots = Slots(50, 32)
    for _ in range(3):
        slots.hit(10)

    assert [spacing(slots, Lane.LOOK, now) for now in (69, 71, 131, 191, 999)] == [0.16, 0.08, 0.04, 0.02, 0.02]


def test_after_the_fourth_hit_only_cancels_and_purchases_leave():
    """The fifth within ten minutes would be a ban, and a ban turns refunds away too."""
    slots = Slots(50, 32, bans=True)
    for now in (10, 20, 30, 40):
        slots.hit(now)
    look = slots.enter(Lane.LOOK, 100)

    assert spacing(slots, Lane.PURCHASE, 100) == 1
    assert spacing(slots, Lane.CANCEL, 102) == 1
    assert not look.granted
    slots.tick(609)
    assert not look.granted
    slots.tick(611)
    assert look.granted


def test_a_purchase_wakes_whoever_sleeps_until_looks_go_on():
    """That sleeper keeps the time for all."""
    slots = Slots(1, 32, bans=True)
    for now in (10, 20, 30, 40):
        slots.hit(now)
    look = slots.enter(Lane.LOOK, 40.5)
    assert slots.seconds_to_sleep(look, 40.5) == 569.5
    look.hush()

    purchase = slots.enter(Lane.PURCHASE, 40.5)

    assert look.rung
    slots.tick(40.5)
    assert slots.seconds_to_sleep(purchase, 40.5) == 0.5


def test_hits_of_an_earlier_run_are_forgotten():
    """Its clock may have been hours ahead."""
    slots = Slots(50, 32, bans=True)
    for _ in range(4):
        slots.hit(50_000)

    look = slots.enter(Lane.LOOK, 5)
    assert not look.granted
    slots.leave(look, 5)
    assert spacing(slots, Lane.CANCEL, 6) <= 1
    assert slots.enter(Lane.CANCEL, 400).granted


@pytest.mark.parametrize(
    ("provider", "error"),
    [
        ("v1", RateLimitError("too many requests", status=429)),
        ("v1", RateLimitError("ip address limit is 100 requests per second", status=503)),
        ("rent", RateLimitError("INTERVAL_CONCURRENT_REQUESTS_ERROR", status=200)),
    ],
    ids=str,
)
async def test_what_counts_as_a_hit(provider, error):
    """A 429, and a 503 or a word of the rent API that says so."""
    wire, pace = Wire(), Pace(v1_per_second=1, rent_per_second=1)

    def refuse(_: Reply) -> None:
        raise error

    with pytest.raises(type(error)):
        await sender(wire, pace).send(attrs.evolve(call(provider=provider), read=refuse))

    assert spacing(pace.slots(provider), Lane.PURCHASE, anyio.current_time() + 10) == 2


@pytest.mark.parametrize(
    "error",
    [
        OutcomeUnknownError("HTTP 503: a page", status=503),
        OutcomeUnknownError("HTTP 502: a page", status=502),
        UnreadableReplyError("HTTP 404: a page", status=404),
        OutcomeUnknownError("it took too long"),
    ],
    ids=str,
)
async def test_an_outage_is_no_hit(error):
    """A gateway's page counts towards no ban: taken for four hits it would stop all looks for ten minutes."""
    wire, pace = Wire(), Pace(v1_per_second=1)

    def refuse(_: Reply) -> None:
        raise error

    with pytest.raises(type(error)):
        await sender(wire, pace).send(attrs.evolve(call(), read=refuse))

    assert pace.slots("v1").spacing == 1


async def test_a_limit_below_our_pace_brings_no_ban():
    """Another process used the key too: the provider bans at the fifth hit, and we stop at the fourth."""
    sandbox = Sandbox(scenario=Scenario(requests_per_second=5))
    refused: list[float] = []

    class Noting(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await sandbox.transport().handle_async_request(request)
            if response.status_code == 429:
                refused.append(anyio.current_time())
            return response

    async with open_client(sandbox, transport=Noting()) as client, anyio.create_task_group() as group:
        for _ in range(300):
            group.start_soon(quietly, client.v1.check, 7)

    assert refused
    assert all(sum(start <= at < start + 600 for at in refused) <= 4 for start in refused)


# -- the catalogue ----------------------------------------------------------------------------------------------------


async def test_the_catalogue_has_a_slow_lane_of_its_own():
    """A dozen price tables in a few seconds reach the limit, and each is megabytes."""
    wire = Wire(seconds=0.1)
    by = sender(wire)

    async with sending(*[call("prices", Lane.CATALOGUE)] * 3, call("look"), by=by):
        pass

    assert [name for _, name in sorted(wire.left)][:2] == ["prices", "look"]
    assert sorted(at for at, name in wire.left if name == "prices") == pytest.approx([0, 1, 2], abs=0.1)


async def test_equal_reads_of_the_catalogue_are_sent_once(sandbox, client):
    """Fifty bots that start together ask for the same table."""
    tables: list[object] = []

    async def bot(**filters: str) -> None:
        tables.append(await client.v1.prices(**filters))

    async with anyio.create_task_group() as group:
        for _ in range(50):
            group.start_soon(partial(bot, product="telegram"))
        group.start_soon(partial(bot, product="facebook"))

    assert sandbox.count("GET /v1/guest/prices") == 2
    assert len(tables) == 51


async def test_whoever_shares_a_read_survives_that_the_one_who_asks_is_cancelled(sandbox, client):
    """Another one asks in his place."""
    sandbox.fail("guest/countries", Delay(5))
    found: list[object] = []

    async def bot() -> None:
        found.append(await client.v1.countries())

    async with anyio.create_task_group() as group:
        with anyio.move_on_after(2):
            async with anyio.create_task_group() as hasty:
                hasty.start_soon(client.v1.countries)
                await anyio.sleep(1)
                group.start_soon(bot)
                group.start_soon(bot)

    assert len(found) == 2
    assert sandbox.count("GET /v1/guest/countries") == 2


async def test_an_error_is_shared_too_and_everybody_gets_his_own(sandbox, client):
    """One object raised in several tasks would mix their tracebacks."""
    caught: list[Exception] = []

    async def bot() -> None:
        try:
            await client.v1.products("atlantis")
        except BadParameterError as error:
            caught.append(error)

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(bot)

    assert len({id(error) for error in caught}) == 3
    assert sandbox.count("GET /v1/guest/products") == 1


# -- properties -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("seed", range(30))
async def test_nobody_is_stranded_whatever_the_others_do(seed):
    """Waiters come, go, hurry and give up; whoever stays gets a slot, and no second holds more than its share."""
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
    """Every order of entering, sleeping, leaving; there is always a keeper while somebody waits and there is room."""
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
