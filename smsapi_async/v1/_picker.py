"""The choice of offers from the price table, and the order in which to try them. Pure: never waits, never sends.

The provider's `rate` is the percentage of orders that got their SMS. Its documentation leaves the rate out below 20 %
or with too few orders (https://5sim.net/docs, "Prices request"). Live tables also hold lower rates, and 0. So:

    a rate above 0       is taken as it stands
    no rate              the rate of the longest window that has one, otherwise `unknown_rate`
    0                    nothing came for the last orders: the offer is passed over
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
"""Percent. The documentation leaves lower rates out, so an offer without a rate is taken to be no better."""

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

    An offer without a price is passed over. An offer whose stock is unknown is passed over too, unless `min_stock` is
    0.

    Attributes:
        by: the order: ``expected`` cost of a code, cheapest first; ``cost`` of a number; ``rate``, highest first.
        min_stock: how many numbers the provider must say it has.
        max_price: the most that one number may cost.
        min_rate: the lowest rate, in percent.
        unknown_rate: the rate that an offer without a rate is taken to have, in percent. None passes over such offers.
        without_countries: one or several names of countries to pass over; ``*`` stands for any letters.
        without_operators: one or several names of operators to pass over, in the same way.
        tries: the most offers to try.
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
        """The offers worth trying, best first. Among equal offers, those with more in stock come first.

        All of them are returned: `tries` limits only how many a purchase tries.

        Args:
            offers: a `Prices`, or any offers.
        """
        ranked = [(self._rank(offer), offer) for offer in offers if self.allows(offer)]
        return tuple(offer for _, offer in sorted(ranked, key=lambda pair: pair[0]))

    def allows(self, offer: Offer) -> bool:
        """Return True if the offer may be tried at all.

        Args:
            offer: an offer of the price table.
        """
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
        """The rate that the offer is taken to have, in percent; None if it has none and none is assumed.

        Args:
            offer: an offer of the price table.
        """
        if offer.rate is not None:
            return offer.rate
        return offer.rates[max(offer.rates)] if offer.rates else self.unknown_rate

    def expected_cost(self, offer: Offer) -> Decimal | None:
        """The cost of one code if every number is paid for, with or without a code; None if it is unknown.

        A number given back in time is refunded, and costs time and rating instead. So the same order serves both cases.

        Args:
            offer: an offer of the price table.
        """
        rate = self.rate(offer)
        return None if offer.cost is None or not rate else offer.cost * 100 / rate

    def _rank(self, offer: Offer) -> tuple[Decimal | int | str, ...]:
        cost, expected, rate = offer.cost or Decimal(0), self.expected_cost(offer) or Decimal(0), self.rate(offer) or 0
        first = {"expected": expected, "cost": cost, "rate": -rate}[self.by]
        return (first, expected, cost, -(offer.count or 0), offer.country, offer.operator)


def _among(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
