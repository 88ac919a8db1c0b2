"""Purchases of v1 orders: each is sent once, registered when its answer is read, and looked for if the answer is lost.

The records are the order history and, if it shows nothing, the payments (https://5sim.net/docs, "Orders history").
"""

from __future__ import annotations

import logging
from datetime import datetime
from functools import partial
from typing import ClassVar

import anyio
import attrs

from .._budget import Budget, Place
from .._errors import OutcomeUnknownError, SpendUnknownError
from .._sending import Attempt, Call, Claims, Lane, LostPurchases, Reply, Sender
from ._matching import LONG_AGO, SLACK, Purchase, Records
from ._models import Order, Payment
from ._pagination import PAGE_SIZE, Listing, R, Rows, listing
from ._settle import Settlement, Settler
from ._wire import Category

STILL_HEARD_OF = 60.0
"""Seconds after an order's time in which a refund may still come in."""

RIVALS_WITHIN = 60.0
"""Seconds by which late answers may blur the times of two purchases: twice the usual request timeout."""

MEMORY = 3600.0
"""Seconds for which an order is remembered as this client's own."""


@attrs.frozen
class Bought:
    """An order of this client.

    Attributes:
        order: the order as shown by the answer to its purchase, or by the records.
        sent_at: when the purchase left, in seconds of the loop's clock. The order's life began right after.
    """

    order: Order
    sent_at: float


class Purchases:
    """Every purchase of one client, and its result."""

    def __init__(
        self, sender: Sender, settler: Settler, budget: Budget, claims: Claims[Purchase], *, shared_key: bool
    ) -> None:
        self._sender = sender
        self._settler = settler
        self._budget = budget
        self._lost = LostOrders(sender, claims, shared_key=shared_key)
        self._own: dict[int, Bought] = {}

    def bought(self, order_id: int) -> Bought | None:
        """The order and when its purchase left; None unless this client bought it within the hour."""
        return self._own.get(order_id)

    async def make(self, call: Call[Order], purchase: Purchase) -> Order:
        """Send the purchase once and find out its outcome, whatever happens to the caller.

        A purchase is not lost if its caller is cancelled meanwhile: an activation is cancelled again, and a hosting
        order is kept and registered as unsettled.
        """

        def read(reply: Reply) -> Order:
            order = self._lost.answered(purchase, purchase.completed(call.read(reply)))
            latency = reply.arrived_at - reply.sent_at
            self._sender.clock.bought(order.created_at, reply.date, purchase.sent_at, latency)
            return order

        recover = partial(self._lost.find, purchase)
        attempt = purchase.attempt = Attempt(call.reading(read), recover, partial(self._give_back, purchase))
        purchase.asked = (call.path, call.query)
        with self._budget.place(call.name, purchase.ceiling, anyio.current_time()) as place:
            purchase.on_found = partial(self._register, purchase, place)
            try:
                with self._lost.claims.under_way(purchase):
                    return await attempt.spend(self._sender)
            finally:
                if attempt.may_have_happened and not place.taken:
                    self._budget.book(place, place, None, anyio.current_time() + purchase.life)

    async def withdraw(self, call: Call[None]) -> None:
        """Send a payout once. No record shows a payout, so a lost answer stays unknown."""

        async def recover(lost: OutcomeUnknownError) -> bool:
            raise SpendUnknownError(str(lost.args[0]), call=call.name, status=lost.status) from lost

        async def abandon(_: bool) -> None:
            """Do nothing: the money is paid out, and there is no way back."""

        def read(reply: Reply) -> bool:
            call.read(reply)
            return True

        await Attempt(call.reading(read), recover, abandon).spend(self._sender)

    async def make_guarded(self, call: Call[Order], purchase: Purchase) -> Order:
        """Make an activation, and give it back if it cost more than its buyer allowed."""
        return await self._settler.hold_against(purchase.ceiling, await self.make(call, purchase), call.name)

    async def _give_back(self, purchase: Purchase, order: Order) -> None:
        if purchase.category == "hosting":
            self._settler.leave_open(order, "bought while its caller was cancelled; a hosting order is never undone")
        else:
            await self._settler.settle(Settlement(order, finish=False), self._settler.cancel_timeout)

    def _register(self, purchase: Purchase, place: Place, order: Order) -> None:
        """Count and remember an order of this client. Nothing is awaited between the reading of the order and this."""
        sent_at = purchase.sent_at
        self._own[order.id] = Bought(order, sent_at)
        until = sent_at + (_life(order) or purchase.life) + STILL_HEARD_OF
        self._budget.book(place, (self._lost.claims, order.id), order.price, until)
        self._settler.heed(order)
        while (oldest := next(iter(self._own.values()))).sent_at < sent_at - MEMORY:
            del self._own[oldest.order.id]
        self._sender.events.emit(
            logging.INFO, "order.bought", id=order.id, product=order.product, country=order.country, cost=order.price
        )


class LostOrders(LostPurchases[Purchase, Order]):
    """The search for orders in the history, and for their payments in the book."""

    NOTHING: ClassVar[str] = "the answer was lost and no order came of it"
    ROW: ClassVar[str] = "order"
    KEY: ClassVar[str] = "id"

    def is_like(self, purchase: Purchase, other: Purchase) -> bool:
        return purchase.is_like(other)

    def is_rival(self, purchase: Purchase, other: Purchase) -> bool:
        """Return True if the other purchase is of the same category and was lost recently enough.

        Late answers blur the window of a row, so that the row of a purchase lost a minute before may reach it.
        """
        since = purchase.sent_at - 2 * SLACK - RIVALS_WITHIN - self.sender.clock.blur
        return other.category == purchase.category and other.lost_at >= since

    def is_apart(self, purchase: Purchase, other: Purchase, latency: float) -> bool:
        return other.sent_at > purchase.lost_at + SLACK + latency + self.sender.clock.blur

    def can_compare(self) -> bool:
        return self.sender.clock.is_measured

    def mark(self, purchase: Purchase, row: Order) -> Order:
        """The order as it counts in the book: without its messages.

        An order of a number that was bought again explains nothing there: its price and its entry are documented
        nowhere.
        """
        return Order(id=row.id, product=row.product, created_at=None if purchase.phone else row.created_at)

    def made(self, row: Order) -> datetime | None:
        return row.created_at

    def is_behind(self, purchase: Purchase, last: Records[Order]) -> bool:
        since, until = last.earliest(purchase.sent_at), last.earliest(last.arrived_at)
        shown = {row.id for row in last.rows}
        return any(order.id not in shown and since <= _second(order) <= until for order in self._known(purchase))

    def log_lost(self, purchase: Purchase) -> None:
        self._emit("purchase.lost", call=purchase.call, product=purchase.product)

    def log_found(self, purchase: Purchase, row: Order) -> None:
        self._emit("purchase.found", call=purchase.call, id=row.id)

    async def read(self, purchase: Purchase, since: float) -> Records[Order]:
        return await self._records("user/orders", Order, since, purchase.category)

    async def read_further(self, purchase: Purchase) -> Records[Payment]:
        return await self._records("user/payments", Payment, purchase.sent_at - 1.0)  # it may count whole seconds

    def denies(self, purchase: Purchase, further: Records[Payment]) -> bool:
        """Return True if the book shows no purchases of this product since then, except those known to be others'.

        An order that is newer than the book explains nothing in it. A payment counts whatever its type is called, and
        also if it has no product, because it may be this purchase's.
        """
        since = further.floor(purchase.sent_at).replace(microsecond=0)
        until = max((_second(row) for row in further.rows), default=LONG_AGO)
        explained = [order for order in self._known(purchase) if since <= _second(order) <= until]
        spent = [row for row in further.rows if _may_pay(row, purchase, since)]
        return further.are_whole and len(spent) <= len(explained)

    def _known(self, purchase: Purchase) -> list[Order]:
        """The orders of this product that are known to belong to purchases of this account, and when they were made."""
        known = {order.id: order for order in self.claims.marks if isinstance(order, Order)}
        return [order for order in known.values() if order.product == purchase.product and order.created_at]

    async def _records(self, path: str, model: type[R], since: float, category: Category | None = None) -> Records[R]:
        """Read the newest rows of a list, back to a moment of the loop's clock."""
        seen: list[Records[R]] = []
        unread = 0

        async def fetch(offset: int, reverse: bool) -> Listing[R]:
            nonlocal unread
            asked = listing(path, model, offset, reverse=reverse, category=category)

            def read(reply: Reply) -> Listing[R]:
                seen.append(Records((), self.sender.clock, reply.arrived_at - reply.sent_at, reply.arrived_at))
                return asked.read(reply)

            listed = await self.sender.send(attrs.evolve(asked.reading(read), settling=True, lane=Lane.PURCHASE))
            unread += listed.page.unread
            return listed

        rows: list[R] = []
        async for row in Rows(fetch):
            if row.created_at is not None and row.created_at < seen[0].floor(since):
                break
            if len(rows) == PAGE_SIZE and not seen[0].are_comparable:
                break  # without any clock, only the newest rows are of use
            rows.append(row)
        return attrs.evolve(seen[0], rows=tuple(rows), unread=unread)


def _second(row: Order | Payment) -> datetime:
    """The second in which a row was created. Lists differ in the digits of its fraction."""
    return LONG_AGO if row.created_at is None else row.created_at.replace(microsecond=0)


def _may_pay(row: Payment, purchase: Purchase, since: datetime) -> bool:
    """Return True if the entry of the book may be the payment of the purchase: what was paid has a negative amount."""
    fits = (row.provider or purchase.product).casefold() == purchase.product.casefold()
    return fits and (row.created_at is None or _second(row) >= since) and (row.amount is None or row.amount < 0)


def _life(order: Order) -> float | None:
    """Seconds for which an order was sold; None if it does not show them."""
    if order.created_at is None or order.expires_at is None or order.expires_at <= order.created_at:
        return None
    return (order.expires_at - order.created_at).total_seconds()
