"""Purchases: each is sent once, and one whose answer is lost is looked for in the provider's own records.

The records are the order history and, when it shows nothing, the payments (https://5sim.net/docs, "Orders history").
The provider has no idempotency key, so a row is claimed only when it can be no one else's: same category and product,
same country or phone where the call named one, created while the request was under way, by the provider's own clock,
not owned by this client and not wanted by another purchase that is still in flight. Equal purchases that are lost
together share out their rows, when there are as many as these.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from math import inf

import anyio
import attrs

from .._budget import Budget, Place
from .._errors import NothingBoughtError, OutcomeUnknownError, SmsApiError, SpendUnknownError
from .._events import kind
from .._polling import Snapshot
from .._sending import Call, Lane, Reply, Sender, Spending
from ._glance import first_snapshot, snapshot
from ._lifecycle import is_hosting
from ._matching import SLACK, Purchase, Records, entangled, paired
from ._models import Order, Payment
from ._pagination import Listing, R, Rows, listing
from ._settle import Settler
from ._wire import Category

LOOKS = (1.0, 3.0, 6.0)
"""Seconds before each look at the records, ten in all: a history may lag behind its purchases."""

STILL_HEARD_OF = 60.0
"""Seconds for which a refund may still come in after an order's time."""

MEMORY = 3600.0
"""Seconds for which an order is remembered as this client's own."""


class Purchases:
    """Every purchase of one client: the ones in flight, and the orders that came of the others."""

    def __init__(self, sender: Sender, settler: Settler, budget: Budget, *, shared_key: bool) -> None:
        self._sender = sender
        self._settler = settler
        self._budget = budget
        self._shared_key = shared_key
        self._own: dict[int, Snapshot[Order]] = {}
        self._pending: list[Purchase] = []
        self._given_up: list[Purchase] = []
        self._named: set[int] = set()
        self._changed = anyio.Event()

    def bought(self, order_id: int) -> Snapshot[Order] | None:
        """The answer to the purchase of this order, when this client bought it within the hour."""
        return self._own.get(order_id)

    async def make(self, call: Call[Order], purchase: Purchase) -> Order:
        """Send the purchase once and see it through, whatever happens to the caller.

        A caller cancelled meanwhile does not lose it: an activation is cancelled again, a hosting order is kept and
        registered as unsettled.
        """

        async def recover(lost: OutcomeUnknownError | None) -> Snapshot[Order]:
            return await self._recover(call, purchase, lost)

        async def keep(seen: Snapshot[Order]) -> None:
            self._remember(purchase, seen, place)
            await self._give_back(seen.subject)

        with self._budget.place(call.name, purchase.ceiling, anyio.current_time()) as place:
            purchase.asked = (call.path, call.query)
            self._pending.append(purchase)
            try:
                asked = call.reading(lambda reply: purchase.completed(call.read(reply)))
                seen = await self._sender.spend(first_snapshot(asked), purchase, recover, keep)
                self._remember(purchase, seen, place)
            finally:
                self._pending.remove(purchase)
                if purchase.may_have_happened and not place.taken:
                    self._budget.book(place, place, None, anyio.current_time() + purchase.life)
                self._wake()
        return seen.subject

    async def withdraw(self, call: Call[None]) -> None:
        """Send a payout once. No record tells of one, so a lost answer stays unknown."""

        async def recover(lost: OutcomeUnknownError | None) -> bool:
            what, status = (str(lost.args[0]), lost.status) if lost else ("it was cut off", None)
            raise SpendUnknownError(what, call=call.name, status=status) from lost

        async def keep(_: bool) -> None:
            """It is paid out, and there is nobody to tell."""

        def read(reply: Reply) -> bool:
            call.read(reply)
            return True

        await self._sender.spend(call.reading(read), Spending(), recover, keep)

    async def make_guarded(self, call: Call[Order], purchase: Purchase) -> Order:
        """`make` an activation, and give it back when it cost more than its buyer allowed."""
        return await self._settler.hold_against(purchase.ceiling, await self.make(call, purchase), call.name)

    async def _give_back(self, order: Order) -> None:
        if is_hosting(order):
            self._settler.leave_open(order, "bought while its caller was cancelled; a hosting order is never undone")
        else:
            await self._settler.settle(order, taken=False, bound=self._settler.cancel_timeout)

    def _remember(self, purchase: Purchase, seen: Snapshot[Order], place: Place) -> None:
        purchase.found = seen
        left = purchase.life if seen.left is None else seen.left
        self._budget.book(place, seen.subject.id, seen.subject.price, seen.at + left + STILL_HEARD_OF)
        self._settler.heed(seen.subject)
        self._own[seen.subject.id] = seen
        while (oldest := next(iter(self._own.values()))).at < seen.at - MEMORY:
            del self._own[oldest.subject.id]
        self._wake()
        order = seen.subject
        self._tell("order.bought", id=order.id, product=order.product, country=order.country, cost=order.price)

    def _tell(self, name: str, **fields: object) -> None:
        self._sender.events.emit(logging.INFO, name, **fields)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    # -- reconciliation ---------------------------------------------------------------------------------------------

    async def _recover(
        self, call: Call[Order], purchase: Purchase, lost: OutcomeUnknownError | None
    ) -> Snapshot[Order]:
        purchase.lost_at = anyio.current_time()
        self._wake()
        self._tell("purchase.lost", call=call.name, product=purchase.product)
        candidates: tuple[Order, ...] = ()
        records: Records[Order] | None = None
        for pause in LOOKS:
            await anyio.sleep(pause)
            records = await self._look(call, purchase)
            if records is not None and purchase.found is None:
                candidates = self._assign(purchase, records)
            if purchase.found is not None:
                self._tell("purchase.found", call=call.name, id=purchase.found.subject.id)
                return purchase.found
        # Nothing is denied but by the last look: a history may lag.
        if records is not None and not candidates and not await self._unexplained_payment(purchase, records):
            raise NothingBoughtError("the answer was lost and no order came of it", call=call.name) from lost
        self._give_up(purchase, candidates)
        raise SpendUnknownError(
            f"the answer was lost, {len(candidates)} orders may have come of it",
            call=call.name,
            status=lost.status if lost else None,
            candidates=candidates,
        ) from lost

    def _give_up(self, purchase: Purchase, candidates: Sequence[Order]) -> None:
        """Its caller is told that these may be his: from now on they are nobody else's, nor is what turns up later."""
        long_ago = anyio.current_time() - MEMORY
        self._given_up = [*(other for other in self._given_up if other.lost_at > long_ago), purchase]
        self._named.update(row.id for row in candidates)

    async def _look(self, call: Call[Order], purchase: Purchase) -> Records[Order] | None:
        """The newest orders, while no other purchase is in flight whose row could be taken for this one's.

        Nor for that of another lost purchase with which this one has to share out the rows.
        """
        latency, group = 0.0, [purchase]
        while True:
            while any(self._in_the_way(other, latency) for other in group):
                await self._changed.wait()
            if purchase.found is not None:
                return None
            since = min(other.sent_at for other in self._rivals(purchase))
            try:
                records = await self._read("user/orders", Order, since, purchase.category)
            except SmsApiError as trouble:
                self._tell("purchase.records_unread", call=call.name, error=kind(trouble))
                return None
            latency = max(latency, records.latency)
            group, _ = entangled(purchase, self._rivals(purchase), self._free(records), records)
            if not any(self._in_the_way(other, latency) for other in group):
                return records

    def _in_the_way(self, purchase: Purchase, latency: float) -> bool:
        """Whether a purchase that may want the same row, and was sent in time to have made it, has no answer yet.

        The later an answer comes, the less its Date tells of the moment when the row was made.
        """
        until = purchase.lost_at + SLACK.total_seconds() + latency
        return any(other.sent_at <= until for other in self._flying(purchase))

    def _flying(self, purchase: Purchase) -> list[Purchase]:
        return [
            other
            for other in self._pending
            if other.sent_at < inf and other.lost_at == inf and other.found is None and other.like(purchase)
        ]

    def _free(self, records: Records[Order]) -> list[Order]:
        """The rows that are not known to be somebody's."""
        claimed = {*self._own, *(other.found.subject.id for other in self._pending if other.found is not None)}
        return [row for row in records.rows if row.id not in claimed]

    def _rivals(self, purchase: Purchase) -> list[Purchase]:
        """The purchases of its time whose answers are lost and which have no order: itself, and ones given up."""
        since = purchase.sent_at - 2 * SLACK.total_seconds()
        return [
            other
            for other in (*self._given_up, *self._pending)
            if other.category == purchase.category and since <= other.lost_at < inf and other.found is None
        ]

    async def _read(self, path: str, model: type[R], since: float, category: Category | None = None) -> Records[R]:
        """The newest rows of a list, back to a moment of the loop's clock."""
        replies: list[Reply] = []

        async def fetch(offset: int, reverse: bool) -> Listing[R]:
            asked = listing(path, model, offset, reverse=reverse, category=category)

            def read(reply: Reply) -> Listing[R]:
                replies.append(reply)
                return asked.read(reply)

            return await self._sender.send(attrs.evolve(asked.reading(read), settling=True, lane=Lane.PURCHASE))

        rows: list[R] = []
        async for row in Rows(fetch):
            if row.created_at is not None and row.created_at < Records((), replies[0]).earliest(since):
                break
            rows.append(row)
        return Records(tuple(rows), replies[0])

    def _assign(self, purchase: Purchase, records: Records[Order]) -> tuple[Order, ...]:
        """Give k lost purchases their k rows; the rows that may be this purchase when that cannot be done."""
        free, lost = self._free(records), self._rivals(purchase)
        group, rows = entangled(purchase, lost, free, records)
        certain = records.is_dated and not self._shared_key and self._named.isdisjoint(row.id for row in rows)
        if certain and all(other.equals(purchase) and other not in self._given_up for other in group):
            pairs = paired(group, rows, records)
            for other, row in pairs:
                other.found = snapshot(row, records.reply.date, records.reply.sent_at, fresh=True)
            if pairs:
                return ()
        end = records.end_of(purchase)
        late = [
            row
            for row in free
            if purchase.fits(row)
            and (row.created_at or end) > end
            and not any(records.may_be(other, row) for other in lost)
        ]
        if len(late) <= len(self._flying(purchase)):
            late = []
        return tuple(sorted((*rows, *late), key=lambda row: row.id))

    async def _unexplained_payment(self, purchase: Purchase, records: Records[Order]) -> bool:
        """Whether the book shows more purchases of this product since then than there are orders for."""
        try:
            book = await self._read("user/payments", Payment, purchase.sent_at)
        except SmsApiError:
            return True
        since = book.earliest(purchase.sent_at)
        known = {order.id: order for order in records.rows}
        known.update({other.found.subject.id: other.found.subject for other in self._pending if other.found})
        known.update({key: seen.subject for key, seen in self._own.items()})
        explained = [
            order
            for order in known.values()
            if order.product == purchase.product and (order.created_at is None or order.created_at >= since)
        ]
        spent = [row for row in book.rows if row.type == "buy" and row.provider == purchase.product]
        return len(spent) > len(explained) + len(self._flying(purchase))
