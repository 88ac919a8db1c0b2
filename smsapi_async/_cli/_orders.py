"""Orders that exist: which there are, what one of them shows, and how one is brought to its end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from .. import AsyncClient
from ..v1 import Order
from ._code import fate
from ._running import InSandbox, run
from ._terminal import Json, Yes, ask, need_user, say, show_json, show_table

Limit = Annotated[int, Parameter(validator=Number(gte=1))]

COLUMNS = ("id", "created", "product", "country", "phone", "status", "price", "code")

SETTLES = "this settles orders"
ENDS = "finished if it has an SMS, else cancelled with a refund"


def orders(
    *ids: int,
    open: bool = False,
    settle: bool = False,
    hosting: bool = False,
    limit: Limit = 20,
    yes: Yes = False,
    json: Json = False,
    sandbox: InSandbox = False,
) -> None:
    """List the orders of the v1 account, newest first.

    Args:
        ids: only these orders.
        open: all that are still open, of both categories.
        settle: bring these orders, or all open ones, to their end: each is finished if it has an SMS, else cancelled
            with a refund. Asks first. Another program may be waiting for an order that is open.
        hosting: the hosting orders instead of the activations.
        limit: how many.
    """

    async def read(client: AsyncClient) -> list[Order]:
        if ids:
            return [await client.v1.check(key) for key in ids]
        if open or settle:
            return [order async for order in client.iter_open_orders()]
        return await _newest(client, "hosting" if hosting else "activation", limit)

    async def end(client: AsyncClient) -> list[Order]:
        return [await _settled(client, order) for order in found]

    asks = settle and not (yes or sandbox)
    if asks:
        need_user(SETTLES)
    found = run(read, sandbox=sandbox)
    if asks and found:
        ask(lambda: _question(found), what=SETTLES, refused="nothing was settled")
    if settle and found:
        found = run(end, sandbox=sandbox)
    _show(found, json=json, nothing="no open orders" if open or settle else "no orders")


def check(id: int, /, *, json: Json = False, sandbox: InSandbox = False) -> None:
    """Show an order and its code. Changes nothing.

    Args:
        id: the order's id, as `smsapi orders` shows it.
    """
    order = run(lambda client: client.v1.check(id), sandbox=sandbox)
    if json:
        show_json(order)
    else:
        show_table(COLUMNS, [_row(order)])


def finish(id: int, /, *, json: Json = False, sandbox: InSandbox = False) -> None:
    """Close an order that got its SMS. It receives nothing further, and its price stays as it is.

    Args:
        id: the order's id, as `smsapi orders` shows it.
    """
    _end(lambda client: client.v1.finish(id), json=json, sandbox=sandbox)


def cancel(id: int, /, *, json: Json = False, sandbox: InSandbox = False) -> None:
    """Give an order without SMS back. Refunds it, and takes 0.1 from the account's rating.

    Args:
        id: the order's id, as `smsapi orders` shows it.
    """
    _end(lambda client: client.v1.cancel(id), json=json, sandbox=sandbox)


def ban(id: int, /, *, json: Json = False, sandbox: InSandbox = False) -> None:
    """Report a number as used already, and give it back. Believed to refund; takes 0.1 from the account's rating.

    Args:
        id: the order's id, as `smsapi orders` shows it.
    """
    _end(lambda client: client.v1.ban(id), json=json, sandbox=sandbox)


def _end(act: Callable[[AsyncClient], Awaitable[Order]], *, json: bool, sandbox: bool) -> None:
    order = run(act, sandbox=sandbox)
    if json:
        show_json(order)
    else:
        say(fate(order))


def _show(found: list[Order], *, json: bool, nothing: str) -> None:
    if json:
        show_json(found)
    else:
        show_table(COLUMNS, [_row(order) for order in found], nothing)


def _question(found: list[Order]) -> str:
    named = ", ".join(f"{order.id} ({order.product}, {order.status})" for order in found)
    return (
        f"Bring {'this order' if len(found) == 1 else f'these {len(found)} orders'} to the end, each {ENDS}: {named}?"
    )


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
