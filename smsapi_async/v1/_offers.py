"""The price table: one way round whatever came, its offers read when they are asked for. Never waits, never sends.

Source: https://5sim.net/docs and tests/samples/v1. `guest/prices?product=` nests product > country > operator, the
other three country > product > operator; nothing found is `null` or `{}`. `rate` is absent or any value, 0 among them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._call import Repeat, Reply, unreadable
from .._fields import UNREADABLE, MisreadError, number_or_none, whole_or_none
from ._models import Offer, Prices


def read_prices(country: str | None, product: str | None) -> Callable[[Reply], Prices]:
    """Reads the table asked for with these filters. An offer that cannot be read is told when it is asked for."""

    def read(reply: Reply) -> Prices:
        table = reply.json(parse_float=float) or {}
        _check_nesting(table)
        turned = False
        if product is not None and country is None and set(table) == {product}:
            turned, table = True, {place: {product: offers} for place, offers in table[product].items()}

        def make(country: str, product: str, operator: str, raw: Any) -> Offer:
            try:
                return make_offer(country, product, operator, raw)
            except UNREADABLE as error:
                path = ".".join((product, country, operator) if turned else (country, product, operator))
                leaf = Reply(status=reply.status, headers={}, body=repr(raw).encode())
                raise unreadable("v1.prices", Repeat.FREELY, leaf, type(error).__name__, path) from error

        return Prices(table, make)

    return read


def _check_nesting(table: Any) -> None:
    for name, inner in table.items():
        if not isinstance(inner, dict) or not all(isinstance(offers, dict) for offers in inner.values()):
            raise MisreadError(name, "objects are needed below")


def make_offer(country: str, product: str, operator: str, raw: Any) -> Offer:
    """One offer; `rate1`, `rate24`, ... are percentages over so many hours."""
    return Offer(
        country=country,
        product=product,
        operator=operator,
        cost=number_or_none(raw.get("cost")),
        count=whole_or_none(raw.get("count")),
        rate=number_or_none(raw.get("rate")),
        rates={
            int(key[4:]): rate
            for key, value in raw.items()
            if key.startswith("rate") and key[4:].isdecimal() and (rate := number_or_none(value)) is not None
        },
    )
