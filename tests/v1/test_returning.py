"""Waits that leave an order and come back to it, among many others: its next look is never lost."""

from __future__ import annotations

import random

import anyio
import pytest

from smsapi_async import AsyncClient, NoCodeError, OrderExpiredError, WaitTimeoutError
from smsapi_async._activation import Activation
from smsapi_async.sandbox import Sandbox
from smsapi_async.testing import open_client
from tests.opening import buy, second

pytestmark = pytest.mark.usefixtures("steady")


async def test_a_wait_that_comes_back_near_the_end_is_not_forgotten(sandbox: Sandbox) -> None:
    """Its plan was swept away with those of waits that left, and the refund was lost."""
    async with open_client(sandbox) as client, client.activation("google", country="russia") as order:
        others = [await buy(client) for _ in range(50)]
        await anyio.sleep_until(872)
        with pytest.raises(WaitTimeoutError):
            await order.code(timeout=5)
        async with anyio.create_task_group() as group:
            for other in others:
                group.start_soon(client.await_code, other)
            await anyio.sleep(1)
            group.cancel_scope.cancel()

        with pytest.raises(OrderExpiredError):
            await order.code()

        assert second() == 890
    assert order.order.status == "CANCELED"


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("seed", range(3))
async def test_waits_that_come_and_go_lose_no_refund(sandbox: Sandbox, seed: int) -> None:
    """Thirty scopes whose bodies wait now and then; each order is cancelled before it lapses."""
    chance = random.Random(seed)

    async def come_and_go(order: Activation) -> None:
        while anyio.current_time() < 880:
            await anyio.sleep(chance.uniform(0, 60))
            try:
                await order.code(timeout=chance.choice([0.5, 5, 20, 60, None]))
            except WaitTimeoutError:
                continue
            except NoCodeError:
                break

    async def live(client: AsyncClient) -> None:
        async with client.activation("google", country="russia") as order:
            await come_and_go(order)

    async with open_client(sandbox) as client, anyio.create_task_group() as group:
        for _ in range(30):
            group.start_soon(live, client)

    assert sandbox.ledger.paid == 0
