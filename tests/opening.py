"""Questions to the sandbox's record for tests of a client, and an order to begin with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx

from smsapi_async import AsyncClient
from smsapi_async._account import accounts_of
from smsapi_async.sandbox import Delivery, Sandbox


class Process:
    """The owner of accounts that this process does not share."""


@asynccontextmanager
async def open_elsewhere(sandbox: Sandbox, **options: Any) -> AsyncIterator[AsyncClient]:
    """A client with the same keys in another process: it shares no account with those of `open_client`."""
    async with httpx.AsyncClient(transport=sandbox.transport()) as http:
        with accounts_of(process := Process()):
            keys: dict[str, Any] = {
                "rent_key": sandbox.rent_key,
                "v1_url": sandbox.v1_url,
                "rent_url": sandbox.rent_url,
            }
            client = AsyncClient(sandbox.token, http_client=http, **keys, **options)
        async with client:
            yield client
    del process


def moments(sandbox: Sandbox, part: str) -> list[float]:
    """Times of the requests whose line holds `part`, to the tenth of a second: the pace spaces them by 0.02."""
    return [round(entry.at, 1) for entry in sandbox.log if part in entry.line]


def second() -> int:
    """The loop's time, to the second."""
    return round(anyio.current_time())


async def buy(client: AsyncClient, sandbox: Sandbox | None = None, *plan: Delivery) -> int:
    """Buy an order, and plan the messages that it receives."""
    order = await client.v1.buy_activation("telegram", country="russia", operator="mts")
    for sms in plan:
        assert sandbox is not None
        sandbox.world.receive(order.id, sms.text, sms.code, sms.sender, sms.after)
    return order.id


def status(sandbox: Sandbox, order_id: int) -> str:
    return sandbox.world.orders[order_id].status


def statuses(sandbox: Sandbox) -> list[str]:
    return [order.status for order in sandbox.world.orders.values()]
