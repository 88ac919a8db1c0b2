"""Fifteen hundred waits while the list fails: what is not a look has its turn all the same."""

from __future__ import annotations

import random

import anyio
import pytest

from smsapi_async import Pace
from smsapi_async.sandbox import BAD_GATEWAY, Delivery, Offer, Sandbox, Scenario
from smsapi_async.testing import open_client

pytestmark = [pytest.mark.usefixtures("untraced"), pytest.mark.in_turn]

WAITS = 1500
OFFERS = (Offer("russia", "telegram", "mts", "0.2", 10_000),)


@pytest.mark.parametrize("nth", range(2))
async def test_a_finish_and_a_price_table_are_not_held_up_by_looks(nth: int) -> None:
    """A finish waited for two minutes, a price table for three."""
    chance = random.Random(nth)
    plans = [[Delivery(chance.uniform(30, 130), f"code {at:05}", f"{at:05}")] for at in range(WAITS)]
    sandbox = Sandbox(scenario=Scenario(balance="10000", offers=OFFERS, plans={"telegram": plans}))
    async with open_client(sandbox, pace=Pace(v1_per_second=1e5)) as buyer:
        orders = [(await buyer.v1.buy_activation("telegram", country="russia")).id for _ in range(WAITS)]
    sandbox.fail("user/orders", BAD_GATEWAY, times=10**6)
    found: dict[int, float] = {}
    tables: list[float] = []

    async with open_client(sandbox) as client, anyio.create_task_group() as group:

        async def wait(order_id: int) -> None:
            await client.await_code(order_id)
            found[order_id] = anyio.current_time()

        async def read_prices() -> None:
            while len(found) < WAITS - 10:
                began = anyio.current_time()
                await client.v1.prices(product="telegram")
                tables.append(anyio.current_time() - began)
                await anyio.sleep(10)

        for order_id in orders:
            group.start_soon(wait, order_id)
        group.start_soon(read_prices)

    finished = {int(entry.line.rpartition("/")[2]): entry.at for entry in sandbox.log if "/finish/" in entry.line}
    assert max(finished[order_id] - at for order_id, at in found.items()) <= 6
    assert max(tables) <= 5
