"""Many waits, few requests: a page of the list answers for all of them, as far as it can be believed."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import anyio
import httpx
import pytest

from smsapi_async import AsyncClient, ClientClosedError, Pace, WaitTimeoutError
from smsapi_async.sandbox import BAD_GATEWAY, Answer, Delivery, Offer, Sandbox, Scenario, Stall
from smsapi_async.testing import open_client
from tests.opening import moments, second

pytestmark = pytest.mark.usefixtures("steady")

LIST, CHECK, FINISH = "user/orders", "user/check", "user/finish"
OFFERS = (Offer("russia", "telegram", "mts", "0.2", 10_000),)
FAST = 100_000.0


def world(arrivals: Sequence[float], *more: Delivery, **options: Any) -> Sandbox:
    """A sandbox whose n-th order gets its code then."""
    plans = [[*more, Delivery(at, f"code {nth:05}", f"{nth:05}")] for nth, at in enumerate(arrivals)]
    return Sandbox(scenario=Scenario(balance="10000", offers=OFFERS, plans={"telegram": plans}, **options))


async def buy(client: AsyncClient, count: int) -> list[int]:
    return [(await client.v1.buy_activation("telegram", country="russia")).id for _ in range(count)]


async def late(sandbox: Sandbox, client: AsyncClient, orders: Sequence[int]) -> list[float]:
    """Wait for all; how many seconds after its SMS each caller had its own code."""
    seconds: list[float] = []

    async def wait(order_id: int) -> None:
        code = await client.await_code(order_id)
        sms = sandbox.world.orders[order_id].sms[-1]
        assert code == sms.code
        seconds.append((sandbox.now() - sms.at).total_seconds())

    async with anyio.create_task_group() as group:
        for order_id in orders:
            group.start_soon(wait, order_id)
    return seconds


def statuses(sandbox: Sandbox) -> set[str]:
    return {order.status for order in sandbox.world.orders.values()}


class Far(httpx.AsyncBaseTransport):
    """A provider some way off, of whose pages a part is lost."""

    def __init__(self, sandbox: Sandbox, *, there_and_back: float = 0.0, failing: float = 0.0) -> None:
        self._inner = sandbox.transport()
        self._half, self._failing, self._chance = there_and_back / 2, failing, random.Random(1)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await anyio.sleep(self._half)
        if request.url.path.endswith(LIST) and self._chance.random() < self._failing:
            return httpx.Response(502, text="<html>")
        response = await self._inner.handle_async_request(request)
        await anyio.sleep(self._half)
        return response


@pytest.mark.parametrize(("waits", "asked"), [(4, False), (5, True)])
async def test_a_handful_of_waits_makes_the_list_be_asked(waits: int, asked: bool) -> None:
    """One page answers for all. Once it showed a message in time, no single look is needed."""
    sandbox = world([8] * waits)
    async with open_client(sandbox, pace=Pace(v1_per_second=FAST)) as client:
        client._waits.trust.earned = True
        seconds = await late(sandbox, client, await buy(client, waits))

        assert bool(moments(sandbox, LIST)) is asked
        assert bool(moments(sandbox, CHECK)) is not asked
        assert max(seconds) <= (1.1 if asked else 2.1)
    assert statuses(sandbox) == {"FINISHED"}
    assert len(moments(sandbox, LIST)) <= 11


BIG: Mapping[str, dict[str, Any]] = {
    "plain": {},
    "lagging": {"history_lag": timedelta(seconds=5)},
    "capped": {"page_cap": 15},
    "without messages": {"listing_without_sms": True},
    "empty": {"reverse_is_empty": True},
    "failing": {},
    "far": {},
}
LATEST = {"plain": 1.1, "capped": 1.3, "far": 1.4}


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
@pytest.mark.parametrize("kind", BIG)
async def test_many_orders_settle_whatever_the_list_does(kind: str) -> None:
    """Every caller gets its own code, and closing leaves nothing open."""
    chance, count = random.Random(1), 40
    sandbox = world([chance.uniform(5, 30) for _ in range(count)])
    transport = Far(sandbox, there_and_back=0.2 * (kind == "far"), failing=0.5 * (kind == "failing"))
    async with open_client(sandbox, pace=Pace(v1_per_second=FAST)) as buyer:
        orders = await buy(buyer, count)
    for name, value in BIG[kind].items():
        setattr(sandbox, name, value)

    async with open_client(sandbox, transport=transport) as client:
        seconds = await late(sandbox, client, orders)

    *with_others, _, _, _, _ = sorted(seconds)  # the list is not asked for the last four
    assert len(seconds) == count
    assert max(with_others) < LATEST.get(kind, 30)
    assert statuses(sandbox) == {"FINISHED"}
    if kind == "empty":
        assert len(moments(sandbox, LIST)) <= 6


@pytest.mark.usefixtures("untraced")
async def test_a_burst_of_codes_waits_for_no_finish() -> None:
    """Finishes leave at 50 a second; a hundred callers do not stand in line behind them."""
    chance = random.Random(1)
    sandbox = world([chance.uniform(20, 21) for _ in range(120)])
    async with open_client(sandbox, pace=Pace(v1_per_second=FAST)) as buyer:
        orders = await buy(buyer, 120)

    async with open_client(sandbox) as client:
        seconds = await late(sandbox, client, orders)
        assert client.unsettled == ()

    assert max(seconds) <= 3.2
    assert sum(at <= 2.1 for at in seconds) >= 115
    assert statuses(sandbox) == {"FINISHED"}


async def test_a_finish_left_to_others_that_fails_is_done_by_closing() -> None:
    """No caller waits for it, and it is not forgotten."""
    sandbox = world([8, 30, 30, 30, 30, 30, 30])
    async with open_client(sandbox, pace=Pace(v1_per_second=FAST)) as client:
        orders = await buy(client, 7)
        sandbox.fail(f"finish/{orders[0]}", BAD_GATEWAY, times=30)
        await late(sandbox, client, orders)
        assert sandbox.world.orders[orders[0]].status == "RECEIVED"

    assert statuses(sandbox) == {"FINISHED"}


async def test_a_finish_that_stalls_keeps_nobody_s_code_back() -> None:
    """A waiter that acts for another hands the order on when its own code is there."""
    sandbox = world([8, *[10] * 6])
    async with open_client(sandbox, pace=Pace(v1_per_second=FAST)) as client:
        orders = await buy(client, 7)
        sandbox.fail(f"finish/{orders[0]}", Stall(), times=1)
        assert max(await late(sandbox, client, orders)) <= 1.5

    assert statuses(sandbox) == {"FINISHED"}


async def test_a_look_that_stalls_keeps_no_code_that_a_page_shows() -> None:
    """The answer to it may take half a minute."""
    sandbox = world([8] * 6)
    async with open_client(sandbox, pace=Pace(v1_per_second=FAST)) as buyer:
        orders = await buy(buyer, 6)
    sandbox.fail(CHECK, Stall(), times=3)

    async with open_client(sandbox, pace=Pace(v1_per_second=FAST)) as client:
        client._waits.trust.earned = True
        assert max(await late(sandbox, client, orders)) <= 1.2


async def test_a_message_without_a_code_is_looked_at_once() -> None:
    """A row proves a code and nothing else."""
    sandbox = world([40] * 6, Delivery(8, "Welcome!"))
    async with open_client(sandbox, pace=Pace(v1_per_second=FAST)) as client:
        client._waits.trust.earned = True
        await late(sandbox, client, await buy(client, 6))

    assert 6 <= len(moments(sandbox, CHECK)) <= 12


async def test_an_order_closed_elsewhere_is_looked_at_before_its_wait_ends() -> None:
    """A row may be wrong about an end."""
    sandbox = world([40] * 6)
    async with open_client(sandbox, pace=Pace(v1_per_second=FAST)) as client:
        orders = await buy(client, 6)
        ends: list[str] = []

        async def wait(order_id: int) -> None:
            try:
                await client.await_code(order_id)
            except Exception as error:  # noqa: BLE001 - whichever it is, it is compared
                ends.append(f"{type(error).__name__} {second() <= 11}")

        async with anyio.create_task_group() as group:
            for order_id in orders:
                group.start_soon(wait, order_id)
            await anyio.sleep(9)
            sandbox.world.order_book.cancel(orders[0])

    assert ends == ["OrderClosedError True"]
    assert moments(sandbox, f"check/{orders[0]}")


async def test_a_page_that_is_refused_is_asked_again_shorter() -> None:
    """The waits go on meanwhile."""
    sandbox = world([20] * 60)
    sandbox.fail("limit=120", Answer(400, "limit is incorrect"), times=1000)
    async with open_client(sandbox, pace=Pace(v1_per_second=FAST)) as client:
        orders = await buy(client, 60)
        seconds = await late(sandbox, client, orders)

    assert len(seconds) == 60
    assert any("limit=100&" in line for line in sandbox.requests) or max(seconds) < 6


@pytest.mark.parametrize("end", ["cancelled", "timed out"])
async def test_whoever_holds_a_page_and_leaves_gives_it_to_another(end: str) -> None:
    """The page dies with its task; what it is for does not."""
    sandbox = world([20] * 6)
    async with open_client(sandbox, pace=Pace(v1_per_second=FAST)) as client:
        orders = await buy(client, 6)
        sandbox.fail(LIST, Stall(), after=3, times=1)

        seconds: list[float] = []

        async def short(order_id: int) -> None:
            with anyio.move_on_after(12 if end == "cancelled" else 100):
                with pytest.raises(WaitTimeoutError):
                    await client.await_code(order_id, timeout=None if end == "cancelled" else 12, settle=False)

        async with anyio.create_task_group() as group:
            for order_id in orders:
                group.start_soon(short, order_id)
            seconds = await late(sandbox, client, orders)

    assert max(seconds) <= 2.2


async def test_closing_during_a_page_ends_the_waits_at_once() -> None:
    """No caller waits for its answer."""
    sandbox = world([200] * 6)
    async with open_client(sandbox, pace=Pace(v1_per_second=FAST)) as client:
        orders = await buy(client, 6)
        sandbox.fail(LIST, Stall(), times=5)

        async def wait(order_id: int) -> None:
            with pytest.raises(ClientClosedError):
                await client.await_code(order_id)

        async with anyio.create_task_group() as group:
            for order_id in orders:
                group.start_soon(wait, order_id)
            await anyio.sleep(2)
            await client.aclose()

        assert second() == 2
