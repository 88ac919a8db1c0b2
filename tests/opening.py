"""A client of a sandbox, opened with options of its own; and what such a test asks of the sandbox's record."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx

from smsapi_async import AsyncClient
from smsapi_async.sandbox import Delivery, Sandbox


@asynccontextmanager
async def opened(
    sandbox: Sandbox, *, transport: httpx.AsyncBaseTransport | None = None, **options: Any
) -> AsyncIterator[AsyncClient]:
    """The client of the `client` fixture, for tests that close it, tell it something, or need a second one."""
    async with (
        httpx.AsyncClient(transport=transport or sandbox.transport()) as http,
        AsyncClient(
            sandbox.token,
            rent_key=sandbox.rent_key,
            v1_url=sandbox.v1_url,
            rent_url=sandbox.rent_url,
            http_client=http,
            **options,
        ) as client,
    ):
        yield client


def moments(sandbox: Sandbox, part: str) -> list[float]:
    """When the requests arrived whose line holds `part`, to the tenth of a second: the pace spaces them by 0.02."""
    return [round(entry.at, 1) for entry in sandbox.log if part in entry.line]


def second() -> int:
    """The loop's time, to the second."""
    return round(anyio.current_time())


async def buy(client: AsyncClient, sandbox: Sandbox | None = None, *plan: Delivery) -> int:
    """An order, and what it is to receive."""
    order = await client.v1.buy_activation("telegram", country="russia", operator="mts")
    for sms in plan:
        assert sandbox is not None
        sandbox.world.receive(order.id, sms.text, sms.code, sms.sender, sms.after)
    return order.id


def status(sandbox: Sandbox, order_id: int) -> str:
    return sandbox.world.orders[order_id].status
