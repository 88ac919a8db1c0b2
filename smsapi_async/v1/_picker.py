"""Which offers of the price table to try, and in which order. Pure: never waits, never sends.

The provider's `rate` is the percentage of orders that got their SMS. Its documentation leaves it out below 20 % or with
too few orders (https://5sim.net/docs, "Prices request"); live tables also hold lower ones, and 0. So:

    a rate above 0       is taken as it stands
    no rate              the rate of the longest window that has one, else `unknown_rate`
    0                    nothing came of the last orders: the offer is passed over
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Literal, get_args

import attrs

from .._values import money, natural, positive, seconds
from ._models import Offer

BELOW_DOCUMENTED = Decimal(20)
"""Percent. Below it the documentation leaves a rate out: what has none is taken to be no better."""

By = Literal["expected", "cost", "rate"]


def _max_price(value: Decimal | float | str | None) -> Decimal | None:
    return None if value is None else money("max_price", value)


def _min_rate(value: Decimal | float | str | None) -> Decimal | None:
    return None if value is None else _percent("min_rate", value)


def _unknown_rate(value: Decimal | float | str | None) -> Decimal | None:
    return None if value is None else _percent("unknown_rate", value)


def _percent(name: str, value: Decimal | float | str) -> Decimal:
    percent = money(name, value)
    if percent > 100:
        raise ValueError(f"{name}: a percentage up to 100 is needed, not {value!r}")
    return percent


def _names(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


@attrs.frozen(kw_only=True)
class Picker:
    """Chooses among offers: ``Picker(max_price="0.50", without_operators=["virtual*"]).pick(prices)``.

    An offer without a price is passed over, and so is one whose stock is not told, unless `min_stock` is 0.

    Attributes:
        by: the order: ``expected`` cost of a code, cheapest first; ``cost`` of a number; ``rate``, highest first.
        min_stock: numbers the provider must say it has.
        max_price: the most one number may cost.
        min_rate: the lowest rate, in percent.
        unknown_rate: what an offer is taken for that has no rate, in percent; None passes over such offers.
        without_countries: a name, or several, to pass over; ``*`` stands for any letters.
        without_operators: operators to pass over, likewise.
        tries: how many offers to try at most.
        patience: seconds or a timedelta after which no further offer is tried.
    """

    by: By = "expected"
    min_stock: int = 1
    max_price: Decimal | None = attrs.field(default=None, converter=_max_price)
    min_rate: Decimal | None = attrs.field(default=None, converter=_min_rate)
    unknown_rate: Decimal | None = attrs.field(default=BELOW_DOCUMENTED, converter=_unknown_rate)
    without_countries: tuple[str, ...] = attrs.field(default=(), converter=_names)
    without_operators: tuple[str, ...] = attrs.field(default=(), converter=_names)
    tries: int = 5
    patience: float | timedelta = 60.0

    def __attrs_post_init__(self) -> None:
        if self.by not in get_args(By):
            raise ValueError(f"by: one of {', '.join(get_args(By))} is needed, not {self.by!r}")
        natural("min_stock", self.min_stock)
        positive("tries", self.tries)
        seconds("patience", self.patience)

    def pick(self, offers: Iterable[Offer]) -> tuple[Offer, ...]:
        """The offers worth trying, best first; of equals those with more in stock. All of them: `tries` bounds a walk.

        Args:
            offers: a `Prices`, or any offers.
        """
        ranked = [(self._rank(offer), offer) for offer in offers if self.allows(offer)]
        return tuple(offer for _, offer in sorted(ranked, key=lambda pair: pair[0]))

    def allows(self, offer: Offer) -> bool:
        """Whether the offer may be tried at all."""
        rate = self.rate(offer)
        return (
            offer.cost is not None
            and (self.max_price is None or offer.cost <= self.max_price)
            and (offer.count or 0) >= self.min_stock
            and rate is not None
            and rate > 0
            and (self.min_rate is None or rate >= self.min_rate)
            and not _among(offer.country, self.without_countries)
            and not _among(offer.operator, self.without_operators)
        )

    def rate(self, offer: Offer) -> Decimal | None:
        """The rate the offer is taken to have, in percent; None when it has none and none is to be assumed."""
        if offer.rate is not None:
            return offer.rate
        return offer.rates[max(offer.rates)] if offer.rates else self.unknown_rate

    def expected_cost(self, offer: Offer) -> Decimal | None:
        """What one code costs when every number is paid for, with or without a code; None when it cannot be told.

        A number given back in time is refunded and costs time and rating instead, so the same order serves both.
        """
        rate = self.rate(offer)
        return None if offer.cost is None or not rate else offer.cost * 100 / rate

    def _rank(self, offer: Offer) -> tuple[Decimal | int | str, ...]:
        cost, expected, rate = offer.cost or Decimal(0), self.expected_cost(offer) or Decimal(0), self.rate(offer) or 0
        first = {"expected": expected, "cost": cost, "rate": -rate}[self.by]
        return (first, expected, cost, -(offer.count or 0), offer.country, offer.operator)


def _among(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
