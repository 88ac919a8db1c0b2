"""The rules that decide which row of the v1 API's records may be which purchase. Never sends and never sleeps.

A row shows category, product, country, sometimes the phone, and when it was created (https://5sim.net/docs, "Orders
history"). Its `created_at` is compared with the moment the purchase left, read from the records' own clock.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Generic

import attrs

from .. import _sending
from .._polling import UNKNOWN_LIFE
from .._sending import Clock
from ._models import Order
from ._pagination import R
from ._wire import Category

SLACK = 5.0
"""Seconds. The Date header counts whole ones, and the provider writes the order a moment after the request came."""

LONG_AGO, FAR_AHEAD = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
"""The window while the records' clock is not known: any row that fits may be the purchase. This machine's own clock may
be wrong by hours or by years, so it is not asked."""

NEAR = 600.0
"""Seconds by which the provider's two clocks may differ. While their offset is not known, a row this young may be the
purchase even outside of its window."""

LONGEST_LIFE = 31 * 86_400.0
"""Seconds of the longest hosting order."""


@attrs.define(eq=False)
class Purchase(_sending.Purchase[Order]):
    """One order that is bought, until its outcome is known.

    Attributes:
        ceiling: the most that it may cost.
    """

    category: Category
    product: str
    country: str = "any"
    phone: str = attrs.field(default="", repr=False)
    ceiling: Decimal | None = None

    @property
    def life(self) -> float:
        """Seconds for which the order is taken to be open when no answer shows it."""
        return LONGEST_LIFE if self.category == "hosting" else UNKNOWN_LIFE

    def is_like(self, other: Purchase) -> bool:
        """Return True if the two may want the same row. Countries are not compared, because some rows have none."""
        same_phone = not self.phone or not other.phone or self.phone == other.phone
        return same_phone and (self.category, self.product) == (other.category, other.product)

    def completed(self, order: Order) -> Order:
        """The order with what its answer left out and the call knew. A hosting order is known by its product."""
        country = None if self.country == "any" else self.country
        return attrs.evolve(order, product=order.product or self.product, country=order.country or country)

    def fits(self, row: Order) -> bool:
        """Return True if the row may be this purchase, apart from its time."""
        return (
            row.product in (self.product, None)
            and (self.country == "any" or row.country in (self.country, None))
            and (not self.phone or row.phone.lstrip("+") in (self.phone, ""))
        )


@attrs.frozen
class Records(Generic[R]):
    """The rows that the provider's records show, and the clock to read their times.

    Attributes:
        clock: the records' clock.
        latency: seconds until the answer was there.
        arrived_at: when the answer was there, in seconds of the loop's clock.
        unread: how many rows could not be read.
    """

    rows: tuple[R, ...]
    clock: Clock
    latency: float = 0.0
    arrived_at: float = 0.0
    unread: int = 0

    @property
    def are_whole(self) -> bool:
        return self.unread == 0

    @property
    def are_comparable(self) -> bool:
        return self.clock.records_at(self.arrived_at) is not None

    def earliest(self, at: float) -> datetime:
        """The earliest `created_at` of a row that was made at that moment of the loop's clock."""
        known = self.clock.records_at(at)
        slack = SLACK + self.latency + self.clock.blur
        return LONG_AGO if known is None else known - timedelta(seconds=slack)

    def latest(self, at: float) -> datetime:
        """The latest `created_at` of a row that was made at that moment of the loop's clock."""
        known = self.clock.records_at(at)
        return FAR_AHEAD if known is None else known + timedelta(seconds=SLACK)

    def floor(self, at: float) -> datetime:
        """The oldest `created_at` that may matter to a purchase sent at that moment."""
        earliest, other = self.earliest(at), self.clock.earliest_at(at)
        if earliest == LONG_AGO or other is None or self.clock.is_measured:
            return earliest
        return min(earliest, other - timedelta(seconds=SLACK + self.latency)) - timedelta(seconds=NEAR)

    def is_certain(self, row: R) -> bool:
        return row.created_at is not None

    def fits(self, purchase: Purchase, row: Order) -> bool:
        return purchase.fits(row)

    def may_be(self, purchase: Purchase, row: Order) -> bool:
        """Return True if the row fits and was created in the window of a purchase that got no answer."""
        created = row.created_at
        return purchase.fits(row) and (
            created is None or self.earliest(purchase.sent_at) <= created <= self.ends(purchase)
        )

    def might_be(self, purchase: Purchase, row: Order) -> bool:
        """Return True if the row fits and was created outside of the window, but does not rule the purchase out.

        A later row may belong to the purchase if the provider was stuck and carried it out late. An earlier row may
        belong to the purchase while the offset of the two clocks is not known.
        """
        created = row.created_at
        if created is None or not purchase.fits(row) or self.may_be(purchase, row):
            return False
        return created >= self.floor(purchase.sent_at)

    def ends(self, purchase: Purchase) -> datetime:
        """The latest `created_at` of the row of a purchase that got no answer."""
        return self.latest(purchase.lost_at)
