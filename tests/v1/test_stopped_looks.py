"""Looks stop after the fourth hit of the limit, for ten minutes: the fifth is a ban. Finishes and cancels go on."""

from __future__ import annotations

from contextlib import suppress

import anyio
import pytest

from smsapi_async import AsyncClient, OrderExpiredError, OutcomeUnknownError, Pace, RateLimitError, WaitTimeoutError
from smsapi_async.sandbox import API_LIMIT, Delivery, NotDone, Offer, Sandbox, Scenario
from smsapi_async.testing import open_client

OFFERS = (Offer("russia", "telegram", "mts", "0.2", 5_000), Offer("russia", "other", "mts", "0.2", 5_000))


def built(lifetime: float, *deliveries: Delivery) -> Sandbox:
    return Sandbox(scenario=Scenario(lifetime=lifetime, offers=OFFERS, plans={"telegram": [deliveries], "other": [()]}))


async def buy(client: AsyncClient, product: str = "telegram") -> int:
    return (await client.v1.buy_activation(product, country="russia")).id


async def stop_looks(sandbox: Sandbox, client: AsyncClient, hits: int = 4) -> None:
    sandbox.fail("user/profile", API_LIMIT, times=hits)
    while sandbox.count("GET /v1/user/profile") < hits:
        with suppress(RateLimitError):
            await client.v1.profile()


@pytest.mark.usefixtures("untraced")
async def test_orders_that_end_while_looks_have_stopped_are_all_cancelled() -> None:
    """Looks that could not leave held every turn: the orders behind them lapsed, and were paid."""
    sandbox = built(300)
    async with open_client(sandbox) as client, anyio.create_task_group() as group:

        async def expire(order_id: int) -> None:
            with pytest.raises(OrderExpiredError):
                await client.await_code(order_id)

        for _ in range(80):
            group.start_soon(expire, await buy(client))
        await anyio.sleep(20)
        group.start_soon(stop_looks, sandbox, client)

    assert {order.status for order in sandbox.world.orders.values()} == {"CANCELED"}
    assert sandbox.ledger.paid == 0


async def test_no_look_is_sent_while_looks_have_stopped() -> None:
    """The next hit would shut the key out for ten minutes."""
    sandbox, stopped_at = built(900, Delivery(30, "code 123456", "123456")), 0.0
    async with open_client(sandbox) as client, anyio.create_task_group() as group:
        orders = [await buy(client) for _ in range(3)]
        for order_id in orders:
            group.start_soon(client.await_code, order_id)
        await anyio.sleep(10)
        await stop_looks(sandbox, client)
        stopped_at = anyio.current_time()

    looks = [entry.at for entry in sandbox.log if "/check/" in entry.line and entry.at > stopped_at]
    assert stopped_at + 580 < min(looks) <= stopped_at + 605
    assert {order.status for order in sandbox.world.orders.values()} == {"FINISHED"}


@pytest.mark.parametrize("waits", [3, 12])
async def test_a_request_that_stands_in_line_when_looks_stop_gives_its_turn_back(waits: int) -> None:
    """A slow pace has looks and pages in line; they must not hold waiters until looks go on."""
    sandbox = built(300)
    async with open_client(sandbox, pace=Pace(v1_per_second=1)) as client, anyio.create_task_group() as group:
        orders = [await buy(client) for _ in range(waits)]
        for order_id in orders:
            group.start_soon(expire_in, client, order_id, None)
        await anyio.sleep(4)
        await stop_looks(sandbox, client)
        stopped_at = anyio.current_time()
        await anyio.sleep(60)

        assert client._waits.poller._turns == 0
        assert not [entry for entry in sandbox.log if entry.at > stopped_at + 2]

    assert {order.status for order in sandbox.world.orders.values()} == {"CANCELED"}


async def test_a_timeout_has_its_last_look_while_looks_have_stopped() -> None:
    """A code that is there is handed over: its order is paid for."""
    sandbox = built(900, Delivery(30, "code 123456", "123456"))
    async with open_client(sandbox) as client, anyio.create_task_group() as group:
        order_id, other = await buy(client), await buy(client, "other")
        group.start_soon(expire_in, client, other, 800.0)
        await anyio.sleep(10)
        await stop_looks(sandbox, client)
        began = anyio.current_time()

        assert await client.await_code(order_id, timeout=40, settle=False) == "123456"

        assert anyio.current_time() - began <= 45


async def test_a_wait_that_joins_a_look_in_line_has_its_own_moment() -> None:
    """The order stands in line for minutes: the second wait's timeout must not go by without a look."""
    sandbox = built(900, Delivery(60, "code 123456", "123456"))
    async with open_client(sandbox) as client, anyio.create_task_group() as group:
        order_id = await buy(client)
        group.start_soon(client.await_code, order_id)
        await anyio.sleep(10)
        await stop_looks(sandbox, client)
        await anyio.sleep(60)

        assert await client.await_code(order_id, timeout=20, settle=False) == "123456"


async def test_a_cancel_that_was_put_off_is_done_while_looks_have_stopped() -> None:
    """The one wait that could do it stood in line with a look until the order had lapsed."""
    sandbox = built(300)
    sandbox.fail("user/cancel", API_LIMIT, times=2)
    async with open_client(sandbox) as client, anyio.create_task_group() as group:
        other = await buy(client, "other")
        group.start_soon(expire_in, client, other, None)
        order_id = await buy(client)
        await anyio.sleep(2)
        await stop_looks(sandbox, client, hits=2)

        await expire_in(client, order_id, 20.0)

        await anyio.sleep(60)
        assert sandbox.world.orders[order_id].status == "CANCELED"


async def expire_in(client: AsyncClient, order_id: int, timeout: float | None) -> None:
    with pytest.raises((OrderExpiredError, WaitTimeoutError)):
        await client.await_code(order_id, timeout=timeout)


@pytest.mark.parametrize("act", ["cancel", "ban"])
async def test_an_act_that_was_not_done_is_told_at_once_while_looks_have_stopped(act: str) -> None:
    """The look that decides it waited for ten minutes with the others, and the order could lapse meanwhile."""
    sandbox = built(900)
    async with open_client(sandbox) as client:
        order_id = await buy(client)
        await stop_looks(sandbox, client)
        sandbox.fail(f"user/{act}", NotDone())
        began = anyio.current_time()

        with pytest.raises(OutcomeUnknownError):
            await getattr(client.v1, act)(order_id)

        assert anyio.current_time() - began <= 5
        await client.v1.cancel(order_id)
