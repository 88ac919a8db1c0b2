"""A shop with one offer at one price, and purchases that a budget allows or refuses."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import anyio

from smsapi_async import BudgetExceededError, SmsApiError
from smsapi_async.sandbox import Delivery, Offer, Sandbox, Scenario

BUY = "/user/buy/"
PRICE = Decimal("0.20")
DAY = 86_400.0


def shop(price: Decimal = PRICE, **more: Any) -> Sandbox:
    """One offer, at one price."""
    plans = {"telegram": [[Delivery(5, "code 1234", "1234")], []]}
    offer = Offer("russia", "telegram", "mts", price, 100)
    return Sandbox(scenario=Scenario(offers=[offer], plans=plans, **more))


async def tries(client, times: int) -> list[Any]:
    """Make this many purchases at once. Return their orders and errors."""
    found: list[Any] = []

    async def one() -> None:
        try:
            found.append(await client.v1.buy_activation("telegram", country="russia"))
        except SmsApiError as error:
            found.append(error)

    async with anyio.create_task_group() as group:
        for _ in range(times):
            group.start_soon(one)
    return found


def refused(found: list[Any]) -> int:
    return sum(isinstance(each, BudgetExceededError) for each in found)
