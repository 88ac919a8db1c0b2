"""Buying a number for one code, and waiting for it."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from difflib import get_close_matches
from functools import partial

import attrs

from .. import Activation, AsyncClient, BadParameterError, NoCodeError, SmsApiError
from ..v1 import Order, Picker, Status
from ..v1._picker import By
from ._running import InSandbox, need_key, run
from ._terminal import Json, Seconds, Yes, amount, ask, clean, countdown, say, show, show_json

USUAL_LIFE = 1200.0
"""Seconds, where the provider does not tell when it closes an order."""


def code(
    product: str,
    /,
    *,
    country: str = "any",
    operator: str = "any",
    max_price: Decimal | None = None,
    sort: By | None = None,
    timeout: Seconds = None,
    yes: Yes = False,
    json: Json = False,
    sandbox: InSandbox = False,
) -> None:
    """Buy a number and wait for its code. Spends money.

    On stdout the number is the first line and the code the second; with --json each is an object. The order is finished
    when the code is there, and cancelled, which refunds it, when none comes or Ctrl-C is pressed.

    Args:
        product: what the number is for, such as telegram.
        country: a country, such as england.
        operator: an operator, such as virtual53; any lets the provider choose.
        max_price: the most the number may cost.
        sort: try up to five offers, those best by expected cost of a code, cost or rate first.
        timeout: how long to wait for the code, such as 90 (seconds) or 5m; without it until the order ends.
    """
    need_key("v1", sandbox=sandbox)
    if not (yes or sandbox):
        ask(lambda: _question(product, country, operator, max_price))
    with _Bill() as bill:

        async def work(client: AsyncClient) -> None:
            offers = Picker(by=sort) if sort else None
            try:
                async with client.activation(
                    product, country=country, operator=operator, max_price=max_price, offers=offers
                ) as bill.scope:
                    _show_number(bill.scope.order, json=json)
                    with countdown("waiting for the code", _left(bill.scope.order, timeout)):
                        found = await bill.scope.code(timeout=timeout)
                    _show_code(found, json=json)
            except BadParameterError:
                await _hint(client, product, country)
                raise

        run(work, sandbox=sandbox)


@attrs.define
class _Bill:
    """The state of the money, shown when the order was settled and the client closed."""

    scope: Activation | None = None

    def __enter__(self) -> _Bill:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, NoCodeError) and self.scope is not None:
            error.order = self.scope.order  # as it was left: the error tells the rest
        elif self.scope is not None:
            say(fate(self.scope.order))
        elif isinstance(error, KeyboardInterrupt):
            say("a number that was being bought is given back, unless a line above names it")


def wait(order_id: int, /, *, timeout: Seconds = None, json: Json = False, sandbox: InSandbox = False) -> None:
    """Wait for the code of an order, then finish it; cancel it when none comes.

    Args:
        order_id: the order's id, as `smsapi orders` shows it.
        timeout: how long to wait for the code, such as 90 (seconds) or 5m; without it until the order ends.
    """

    async def work(client: AsyncClient) -> None:
        order = await client.v1.check(order_id)
        with countdown("waiting for the code", _left(order, timeout)):
            found = await client.await_code(order_id, timeout=timeout)
        _show_code(found, json=json)

    run(work, sandbox=sandbox, when_stopped=f"order {order_id} is not cancelled: `smsapi wait {order_id}` goes on")


def _question(product: str, country: str, operator: str, max_price: Decimal | None) -> str:
    price = run(partial(_price, product=product, country=country, operator=operator), sandbox=False)
    bound = "" if max_price is None else f", for {clean(max_price)} at most"
    return f"Buy a number for {product} (country {country}, operator {operator}), {price}{bound}?"


async def _price(client: AsyncClient, *, product: str, country: str, operator: str) -> str:
    """Its price in the list."""
    table = await client.v1.prices(product=product, country=None if country == "any" else country)
    offers = Picker(by="cost").pick(offer for offer in table if operator in ("any", offer.operator))
    costs = [clean(offer.cost) for offer in (offers[:1] + offers[-1:])]
    if not costs:
        return "which is not in the price list"
    return f"listed at {' to '.join(dict.fromkeys(costs))} (account currency)"


async def _hint(client: AsyncClient, *words: str) -> None:
    """Name the words of the catalogue that are nearly those that the provider does not know."""
    with suppress(SmsApiError):
        known = {"any", *await client.v1.products(), *await client.v1.countries()}
        near = [found for word in words if word not in known for found in get_close_matches(word, known, 3, 0.7)]
        if near:
            say(f"perhaps {' or '.join(near)} is meant")


def _left(order: Order, timeout: float | None) -> float:
    life = USUAL_LIFE if order.expires_at is None else (order.expires_at - datetime.now(UTC)).total_seconds()
    return life if timeout is None else min(life, timeout)


def _show_number(order: Order, *, json: bool) -> None:
    say(f"order {order.id}, {clean(order.country)} {clean(order.operator)}, {amount(order.price)}")
    if json:
        show_json({"id": order.id, "phone": order.phone, "price": order.price})
    else:
        show(order.phone)


def _show_code(found: str, *, json: bool) -> None:
    if json:
        show_json({"code": found})
    else:
        show(found)


def fate(order: Order) -> str:
    """The end of the order and its money."""
    if order.status == Status.FINISHED:
        return f"order {order.id} is finished, paid {amount(order.price)}"
    if order.status == Status.CANCELED:
        return f"order {order.id} is cancelled and refunded"
    if order.status == Status.BANNED:
        return f"order {order.id} is banned, believed to be refunded"
    return f"order {order.id} was left {order.status}"
