"""What is on the accounts, and which orders are there."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from .. import AsyncClient
from ..v1 import Order
from ._running import InSandbox, keys_set, run
from ._terminal import Json, show_json, show_table

Limit = Annotated[int, Parameter(validator=Number(gte=1))]

COLUMNS = ("id", "created", "product", "country", "phone", "status", "price", "code")


def balance(*, json: Json = False, sandbox: InSandbox = False) -> None:
    """Show what is on the accounts whose keys are set."""
    apis = keys_set(sandbox=sandbox)

    async def read(client: AsyncClient) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        if "v1" in apis:
            profile = await client.v1.profile()
            found["v1"] = {"balance": profile.balance, "frozen": profile.frozen_balance, "rating": profile.rating}
        if "rent" in apis:
            money = await client.rent.balance()
            found["rent"] = {"balance": money.balance, "frozen": money.frozen, "rating": None}
        return found

    found = run(read, sandbox=sandbox)
    if json:
        show_json(found)
    else:
        show_table(("api", "balance", "frozen", "rating"), [(api, *row.values()) for api, row in found.items()])


def orders(
    *,
    open: bool = False,
    settle: bool = False,
    hosting: bool = False,
    limit: Limit = 20,
    json: Json = False,
    sandbox: InSandbox = False,
) -> None:
    """List the orders of the v1 account, newest first.

    Args:
        open: all that are still open, of both categories.
        settle: bring the open ones to their end: finished if they have an SMS, else cancelled with a refund. Also
            those another program waits for.
        hosting: the hosting orders instead of the activations.
        limit: how many.
    """

    async def read(client: AsyncClient) -> list[Order]:
        if not (open or settle):
            return await _newest(client, "hosting" if hosting else "activation", limit)
        found = [order async for order in client.iter_open_orders()]
        return [await _settled(client, order) for order in found] if settle else found

    found = run(read, sandbox=sandbox)
    if json:
        show_json(found)
    else:
        show_table(COLUMNS, [_row(order) for order in found], "no open orders" if open or settle else "no orders")


async def _newest(client: AsyncClient, category: Literal["activation", "hosting"], limit: int) -> list[Order]:
    found: list[Order] = []
    async for order in client.v1.iter_orders(category):
        found.append(order)
        if len(found) == limit:
            break
    return found


async def _settled(client: AsyncClient, order: Order) -> Order:
    async with client.resume(order) as scope:
        pass
    return scope.order


def _row(order: Order) -> tuple[object, ...]:
    where = order.product, order.country, order.phone
    return (order.id, order.created_at, *where, order.status, order.price, order.code)
