"""Purchases: each is sent once, and one whose answer is lost is looked for in the provider's own records.

The records are the order history and, when it shows nothing, the payments (https://5sim.net/docs, "Orders history").
The provider has no idempotency key, so a row is claimed only when it can be no one else's: same category and product,
same country or phone where the call named one, created while the request was under way, by the provider's own clock,
not owned by this client and not wanted by another purchase that is still in flight.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from math import inf

import anyio
import attrs

from .._call import Call
from .._errors import NothingBoughtError, OutcomeUnknownError, PriceTooHighError, SmsApiError, SpendUnknownError
from .._log import logger
from .._sender import Sender
from .._shield import Ended, shielded, to_the_end
from .._wait import Sight
from ._life import is_hosting
from ._looks import first_sight, sight
from ._models import Order, Payment
from ._pages import Listing, Rows, listing
from ._settle import Settler
from ._wire import Category

SLACK = timedelta(seconds=5)
"""The Date header counts whole seconds, and the provider writes the order a moment after the request came."""

LOOKS = (1.0, 3.0, 6.0)
"""Seconds before each look at the records, ten in all: a history may lag behind its purchases."""

MEMORY = 3600.0
"""Seconds for which an order is remembered as this client's own."""


@attrs.define(eq=False)
class Purchase:
    """One call that spends, until its outcome is known."""

    category: Category
    product: str
    country: str = "any"
    phone: str = ""
    sent_at: float = 0.0
    lost_at: float | None = None
    found: Order | None = None

    def like(self, other: Purchase) -> bool:
        """Whether the two may want the same row."""
        return (self.category, self.product, self.phone) == (other.category, other.product, other.phone)

    def fits(self, row: Order) -> bool:
        """Whether the row may be this purchase, its time aside."""
        return (
            row.product in (self.product, None)
            and (self.country == "any" or row.country in (self.country, None))
            and (not self.phone or row.phone.lstrip("+") == self.phone)
        )


@attrs.frozen
class Records:
    """What the provider's records show, and the provider's clock when they were asked."""

    orders: tuple[Order, ...]
    date: datetime
    at: float

    def moment(self, at: float) -> datetime:
        """A moment of the loop's clock by the provider's clock."""
        return self.date - timedelta(seconds=self.at - at)


class Purchases:
    """Every purchase of one client: the ones in flight, and the orders that came of the others."""

    def __init__(self, sender: Sender, settler: Settler, *, shared_key: bool) -> None:
        self._sender = sender
        self._settler = settler
        self._shared_key = shared_key
        self._own: dict[int, Sight[Order]] = {}
        self._pending: list[Purchase] = []
        self._changed = anyio.Event()

    def bought(self, order_id: int) -> Sight[Order] | None:
        """The answer to the purchase of this order, when this client bought it within the hour."""
        return self._own.get(order_id)

    async def make(self, call: Call[Order], purchase: Purchase) -> Order:
        """Send the purchase once and see it through, whatever happens to the caller.

        A caller cancelled meanwhile does not lose it: an activation is cancelled again, a hosting order is kept and
        registered as unsettled.
        """
        ended: Ended[Sight[Order]] = Ended()
        try:
            with self._sender.under_way:
                await shielded(lambda: self._carry_out(call, purchase), ended)
        except anyio.get_cancelled_exc_class():
            if ended.result is not None:
                await self._give_back(ended.result.subject)
            raise
        if ended.error is not None:
            raise ended.error
        if ended.result is None:
            raise SpendUnknownError("the purchase was cut off", call=call.name)
        return ended.result.subject

    async def withdraw(self, call: Call[None]) -> None:
        """Send a payout once. No record tells of one, so a lost answer stays unknown."""

        async def send() -> None:
            try:
                await self._sender.send(call)
            except OutcomeUnknownError as lost:
                raise SpendUnknownError(str(lost.args[0]), call=call.name, status=lost.status) from lost

        await to_the_end(send)

    async def guard_price(self, order: Order, ceiling: Decimal | None) -> Order:
        """Give an order back that cost more than its buyer allowed."""
        if ceiling is None or order.price is None or order.price <= ceiling:
            return order
        left = await self._settler.settle(order, taken=False)
        raise PriceTooHighError(
            f"order {order.id} cost {order.price}, above max_price {ceiling}", call="v1.buy_activation", order=left
        )

    async def _give_back(self, order: Order) -> None:
        if is_hosting(order):
            self._settler.leave_open(order, "bought while its caller was cancelled; a hosting order is never undone")
        else:
            await self._settler.settle(order, taken=False, bound=self._settler.cancel_timeout)

    async def _carry_out(self, call: Call[Order], purchase: Purchase) -> Sight[Order]:
        purchase.sent_at = anyio.current_time()
        self._pending.append(purchase)
        try:
            seen = await self._answer(call, purchase)
            self._remember(seen)
        finally:
            self._pending.remove(purchase)
            self._changed.set()
            self._changed = anyio.Event()
        return seen

    async def _answer(self, call: Call[Order], purchase: Purchase) -> Sight[Order]:
        try:
            return await self._sender.send(first_sight(call))
        except OutcomeUnknownError as lost:
            return await self._recover(call, purchase, lost)
        except anyio.get_cancelled_exc_class():
            # The child itself was hit: the loop is being shut down. The request may have arrived.
            with anyio.CancelScope(shield=True):
                await self._recover_and_give_back(call, purchase)
            raise

    async def _recover_and_give_back(self, call: Call[Order], purchase: Purchase) -> None:
        try:
            seen = await self._recover(call, purchase, None)
        except SmsApiError as error:
            logger.warning("purchase.lost call=%s error=%s", call.name, error)
        else:
            await self._give_back(seen.subject)

    def _remember(self, seen: Sight[Order]) -> None:
        self._own[seen.subject.id] = seen
        while (oldest := next(iter(self._own.values()))).at < seen.at - MEMORY:
            del self._own[oldest.subject.id]

    # -- reconciliation ---------------------------------------------------------------------------------------------

    async def _recover(self, call: Call[Order], purchase: Purchase, lost: OutcomeUnknownError | None) -> Sight[Order]:
        purchase.lost_at = anyio.current_time()
        logger.info("purchase.lost call=%s product=%s", call.name, purchase.product)
        candidates: tuple[Order, ...] = ()
        records: Records | None = None
        for pause in LOOKS:
            await anyio.sleep(pause)
            await self._until_alone(purchase)
            try:
                records = await self._read(purchase)
            except SmsApiError as trouble:
                logger.info("purchase.records_unread call=%s error=%s", call.name, type(trouble).__name__)
                continue
            candidates = self._assign(purchase, records)
            if purchase.found is not None:
                logger.info("purchase.found call=%s id=%d", call.name, purchase.found.id)
                return sight(purchase.found, records.date, records.at, fresh=True)
        if records is not None and not candidates and not await self._unexplained_payment(purchase, records):
            raise NothingBoughtError("the answer was lost and no order came of it", call=call.name) from lost
        status = lost.status if lost else None
        raise SpendUnknownError(
            f"the answer was lost, {len(candidates)} orders may have come of it",
            call=call.name,
            status=status,
            candidates=candidates,
        ) from lost

    async def _until_alone(self, purchase: Purchase) -> None:
        """Wait while a purchase that may want the same row, and was sent in time to have made it, has no answer yet."""
        until = (purchase.lost_at or inf) + SLACK.total_seconds()
        while any(other.sent_at <= until for other in self._flying(purchase)):
            await self._changed.wait()

    def _flying(self, purchase: Purchase) -> list[Purchase]:
        return [other for other in self._pending if other.lost_at is None and other.like(purchase)]

    async def _read(self, purchase: Purchase) -> Records:
        """The newest orders, back to the time the purchase was sent."""
        first: list[Listing[Order]] = []

        async def fetch(offset: int, reverse: bool) -> Listing[Order]:
            asked = listing("user/orders", Order, offset, reverse=reverse, category=purchase.category)
            found = await self._sender.send(attrs.evolve(asked, settling=True))
            first.append(found)
            return found

        orders: list[Order] = []
        async for order in Rows(fetch):
            orders.append(order)
            since = first[0].date - timedelta(seconds=first[0].at - purchase.sent_at) - SLACK
            if order.created_at is not None and order.created_at < since:
                break
        return Records(tuple(orders), first[0].date, first[0].at)

    def _assign(self, purchase: Purchase, records: Records) -> tuple[Order, ...]:
        """Give k lost purchases their k rows; the rows that may be this purchase when that cannot be done."""
        if purchase.found is not None:
            return ()
        rivals = [other for other in self._pending if other.lost_at and other.like(purchase) and other.found is None]
        rows = self._candidates(rivals, records)
        until = records.moment(max(other.lost_at or 0.0 for other in rivals)) + SLACK
        timely = [row for row in rows if row.created_at is None or row.created_at <= until]
        if len(rows) - len(timely) <= len(self._flying(purchase)):
            rows = timely
        alike = all(other.country == purchase.country for other in rivals)
        if not self._shared_key and alike and len(rivals) == len(rows) == len(timely):
            for other, row in zip(rivals, rows, strict=True):
                other.found = row
        return tuple(rows)

    def _candidates(self, rivals: Sequence[Purchase], records: Records) -> list[Order]:
        """The rows that may be one of these purchases, the oldest first."""
        since = records.moment(min(other.sent_at for other in rivals)) - SLACK
        claimed = {*self._own, *(other.found.id for other in self._pending if other.found is not None)}
        rows = [row for row in records.orders if row.id not in claimed and any(other.fits(row) for other in rivals)]
        return sorted(
            (row for row in rows if row.created_at is None or row.created_at >= since), key=lambda row: row.id
        )

    async def _unexplained_payment(self, purchase: Purchase, records: Records) -> bool:
        """Whether the book shows more purchases of this product since then than this client knows of."""
        since = records.moment(purchase.sent_at) - SLACK
        asked = listing("user/payments", Payment, 0, reverse=True)
        try:
            page = (await self._sender.send(attrs.evolve(asked, settling=True))).page
        except SmsApiError:
            return True
        spent = [
            row
            for row in page.items
            if row.type == "buy" and row.provider == purchase.product and row.created_at and row.created_at >= since
        ]
        known = [
            sight
            for sight in self._own.values()
            if sight.subject.product == purchase.product
            and (sight.subject.created_at is None or sight.subject.created_at >= since)
        ]
        return len(spent) > len(known)
