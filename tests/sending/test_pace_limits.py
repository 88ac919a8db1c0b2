"""The pace after a provider says "too many": slower requests, then only those that settle and buy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress

import anyio
import anyio.lowlevel
import attrs
import httpx
import pytest

from smsapi_async import OutcomeUnknownError, Pace, RateLimitError, SmsApiError, UnreadableReplyError
from smsapi_async._sending.call import Lane, Reply
from smsapi_async._sending.pace import Slots
from smsapi_async.sandbox import Sandbox, Scenario
from smsapi_async.testing import open_client
from tests.support.slow_wire import Wire, call, sender


async def quietly(ask: Callable[[int], Awaitable[object]], order_id: int) -> None:
    with suppress(SmsApiError):
        await ask(order_id)


def spacing(slots: Slots, lane: Lane, now: float) -> float:
    """Seconds that the second of two requests has to wait if both come now."""
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
    """A client that keeps its pace is banned."""
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
