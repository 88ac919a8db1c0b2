"""Orders that end together: each one is cancelled in time, at any pace."""

from __future__ import annotations

import anyio
import pytest

from smsapi_async import AsyncClient, OrderExpiredError, Pace
from smsapi_async.sandbox import Offer, Sandbox, Scenario
from smsapi_async.testing import open_client

pytestmark = [pytest.mark.usefixtures("untraced"), pytest.mark.in_turn]

STOCK = Scenario(balance=10_000, lifetime=150, offers=(Offer("russia", "telegram", "mts", "0.2", 5_000),))


async def expire(client: AsyncClient, order_id: int) -> None:
    with pytest.raises(OrderExpiredError) as caught:
        await client.await_code(order_id)
    assert caught.value.order is not None
    assert caught.value.order.status == "CANCELED"


@pytest.mark.parametrize("blind", [False, True])
async def test_a_batch_that_ends_together_is_cancelled_in_time(blind: bool) -> None:
    """A thousand orders that end within five seconds, at fifty requests a second: six in ten lapsed, and were paid."""
    sandbox = Sandbox(scenario=STOCK)
    sandbox.listing_without_sms = blind

    async with open_client(sandbox, pace=Pace(v1_per_second=200)) as buyer:
        orders = [(await buyer.v1.buy_activation("telegram", country="russia")).id for _ in range(1000)]
    async with open_client(sandbox) as client, anyio.create_task_group() as group:
        for order_id in orders:
            group.start_soon(expire, client, order_id)

    assert sandbox.ledger.paid == 0
    assert {order.status for order in sandbox.world.orders.values()} == {"CANCELED"}
