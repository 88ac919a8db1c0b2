"""Lists that show messages late, or never: absence is no evidence until presence was seen."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import anyio
import pytest

from smsapi_async import AsyncClient
from smsapi_async.sandbox import Delivery, Sandbox, Scenario
from smsapi_async.testing import open_client
from tests.opening import moments

pytestmark = pytest.mark.usefixtures("steady", "untraced")

ARRIVES = 200.0
PLAN = [Delivery(ARRIVES, "code 04217", "04217")]


async def slowest(sandbox: Sandbox, client: AsyncClient, waits: int) -> float:
    """Return how long after its SMS the last of N callers has its code."""
    orders = [await client.v1.buy_activation("telegram", country="russia") for _ in range(waits)]
    late: list[float] = []

    async def wait(order_id: int) -> None:
        assert await client.await_code(order_id) == "04217"
        late.append((sandbox.now() - sandbox.world.orders[order_id].sms[0].at).total_seconds())

    async with anyio.create_task_group() as group:
        for order in orders:
            group.start_soon(wait, order.id)
    return max(late)


QUIRKS: list[dict[str, Any]] = [
    {"listing_without_sms": "[]"},
    {"listing_without_sms": "null"},
    {"listing_without_sms": "absent"},
    {"listing_sms_lag": timedelta(seconds=30)},
    {"listing_sms_lag": timedelta(seconds=400)},
]


@pytest.mark.parametrize("waits", [5, 60])
@pytest.mark.parametrize("quirks", QUIRKS, ids=str)
async def test_a_list_that_is_late_or_says_nothing_delays_no_code(quirks: dict[str, Any], waits: int) -> None:
    """Every look was spared, and codes came at the end of their orders: each keeps its own rhythm, 16 s at this age."""
    sandbox = Sandbox(scenario=Scenario(plans={"telegram": [PLAN]}), **quirks)

    async with open_client(sandbox) as client:
        assert await slowest(sandbox, client, waits) <= 20


async def test_a_list_that_goes_bad_is_found_out() -> None:
    """It had earned trust, and spared the looks that would show what it lacks."""
    early = [Delivery(20, "code 04217", "04217")]
    sandbox = Sandbox(scenario=Scenario(plans={"telegram": [early] * 5 + [PLAN]}))

    async def go_bad(client: AsyncClient) -> None:
        await anyio.sleep(100)
        assert client._waits.trust.earned
        sandbox.listing_without_sms = "[]"

    async with open_client(sandbox) as client, anyio.create_task_group() as group:
        group.start_soon(slowest, sandbox, client, 5)
        group.start_soon(go_bad, client)
        await anyio.sleep(10)
        assert await slowest(sandbox, client, 20) <= 60


async def test_a_list_that_shows_messages_in_time_spares_the_looks() -> None:
    """A request for all of them in place of one for each."""
    early = [Delivery(20, "code 04217", "04217")]
    sandbox = Sandbox(scenario=Scenario(plans={"telegram": [early] * 5 + [PLAN]}))

    async with open_client(sandbox) as client:
        assert await slowest(sandbox, client, 45) <= 16

    looks = [at for at in moments(sandbox, "user/check") if 30 < at < 190]
    assert len(looks) <= 260  # some prove the list; without it there are 700
