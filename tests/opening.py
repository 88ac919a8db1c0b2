"""What tests of a client ask of the sandbox's record, and an order to begin with."""

from __future__ import annotations

import anyio

from smsapi_async import AsyncClient
from smsapi_async.sandbox import Delivery, Sandbox


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
