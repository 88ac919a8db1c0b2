"""Which row of the provider's records may be which purchase. Pure: nothing here sends, sleeps or reads a clock.

The provider has no idempotency key (https://5sim.net/docs, "Orders history"): of a purchase whose answer was lost a row
tells category, product, country, sometimes the phone, and when it was created.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import inf
from typing import Generic

import attrs

from .._polling import UNKNOWN_LIFE, Snapshot
from .._sending import Reply, Spending
from ._models import Order
from ._pagination import R
from ._wire import Category

SLACK = timedelta(seconds=5)
"""The Date header counts whole seconds, and the provider writes the order a moment after the request came."""

UNDATED_SLACK = timedelta(days=1)
"""Without a Date only this machine's clock is left, which may be wrong by hours: nothing is claimed, little denied."""

LONGEST_LIFE = 31 * 86_400.0
"""The longest hosting."""


@attrs.define(eq=False)
class Purchase(Spending):
    """One call that buys, until its outcome is known.

    Attributes:
        ceiling: the most it may cost.
        asked: its request, options and all.
        lost_at: when it was clear that no answer would come, in seconds of the loop's clock; inf while one may.
        found: the order that came of it.
    """

    category: Category
    product: str
    country: str = "any"
    phone: str = ""
    ceiling: Decimal | None = None
    asked: object = None
    lost_at: float = inf
    found: Snapshot[Order] | None = None

    @property
    def life(self) -> float:
        """How long, in seconds, its order is taken to be open when no answer tells."""
        return LONGEST_LIFE if self.category == "hosting" else UNKNOWN_LIFE

    def like(self, other: Purchase) -> bool:
        """Whether the two may want the same row. Countries do not tell: some rows have none."""
        same_phone = not self.phone or not other.phone or self.phone == other.phone
        return same_phone and (self.category, self.product) == (other.category, other.product)

    def equals(self, other: Purchase) -> bool:
        """Whether the two asked for the same."""
        return self.asked == other.asked

    def completed(self, order: Order) -> Order:
        """The order with what its answer left out and the call knew: a hosting order is told by its product."""
        country = None if self.country == "any" else self.country
        return attrs.evolve(order, product=order.product or self.product, country=order.country or country)

    def fits(self, row: Order) -> bool:
        """Whether the row may be this purchase, its time aside."""
        return (
            row.product in (self.product, None)
            and (self.country == "any" or row.country in (self.country, None))
            and (not self.phone or row.phone.lstrip("+") == self.phone)
        )


@attrs.frozen
class Records(Generic[R]):
    """What the provider's records show, and its clock when they were asked."""

    rows: tuple[R, ...]
    reply: Reply

    def earliest(self, at: float) -> datetime:
        """The provider's clock at a moment of the loop's clock, at the least: the answer was long on its way."""
        return self._date - timedelta(seconds=self.reply.arrived_at - at) - self._slack

    def latest(self, at: float) -> datetime:
        """The same at the most: the question was."""
        return self._date - timedelta(seconds=self.reply.sent_at - at) + self._slack

    @property
    def latency(self) -> float:
        return self.reply.arrived_at - self.reply.sent_at

    @property
    def is_dated(self) -> bool:
        return self.reply.date is not None

    @property
    def _slack(self) -> timedelta:
        return SLACK if self.is_dated else UNDATED_SLACK

    @property
    def _date(self) -> datetime:
        return self.reply.date or datetime.now(UTC)

    def may_be(self, purchase: Purchase, row: Order) -> bool:
        """Whether the row may be this purchase, which got no answer."""
        return purchase.fits(row) and (
            row.created_at is None or self.earliest(purchase.sent_at) <= row.created_at <= self.end_of(purchase)
        )

    def end_of(self, purchase: Purchase) -> datetime:
        """When a purchase that got no answer was made at the latest."""
        return self.latest(purchase.lost_at)


def entangled(
    purchase: Purchase, lost: Sequence[Purchase], free: Sequence[Order], records: Records[Order]
) -> tuple[list[Purchase], list[Order]]:
    """The rows that may be this purchase, the other purchases that these may be, their rows, and so on."""
    group: list[Purchase] = [purchase]
    while True:
        rows = [row for row in free if any(records.may_be(other, row) for other in group)]
        wider = [other for other in lost if other is purchase or any(records.may_be(other, row) for row in rows)]
        if len(wider) == len(group):
            return group, rows
        group = wider


def paired(group: Sequence[Purchase], rows: Sequence[Order], records: Records[Order]) -> list[tuple[Purchase, Order]]:
    """Each purchase with a row of its time; nothing when it does not come out even."""
    if len(group) != len(rows):
        return []
    pairs: list[tuple[Purchase, Order]] = []
    waiting = sorted(group, key=records.end_of)
    for row in sorted(rows, key=lambda row: row.id):
        taker = next((other for other in waiting if records.may_be(other, row)), None)
        if taker is None:
            return []
        waiting.remove(taker)
        pairs.append((taker, row))
    return pairs
