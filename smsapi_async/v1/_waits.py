"""Waiting for codes of v1 orders: which message counts, when a wait is over, and what becomes of the order then.

The looks and their times are `_wait`'s; the acts at the end are `_settle`'s.
"""

from __future__ import annotations

from math import inf

import anyio
import attrs

from .._call import Lane
from .._codes import Pick, Seen
from .._errors import NoCodeError, OrderClosedError, OrderExpiredError, WaitTimeoutError
from .._listing import Known, Listing, Page
from .._sender import Sender
from .._values import Sms
from .._wait import Turns
from .._watch import Phase, Sight, Waiter, Watch
from ._life import is_hosting, is_open
from ._looks import look, sight
from ._models import Order
from ._reconcile import Purchases
from ._rows import page_of_orders
from ._settle import Settler

FINISH_WITHIN = 2.0
"""Seconds a found code is held back for finishing its order; what takes longer is left to the client's closing. Where
many wait it is not held back at all: one of the others finishes the order."""


HANDFUL = 5
"""Orders awaited at once from which on the list is asked for all of them."""


class Waits:
    """Every wait of one client for a v1 order."""

    def __init__(self, sender: Sender, settler: Settler, purchases: Purchases) -> None:
        self.turns: Turns[Order] = Turns(Listing(self._page, least=HANDFUL, every=sender.pace.look_every))
        self._sender = sender
        self._settler = settler
        self._purchases = purchases

    def watch(self, order_id: int) -> Watch[Order]:
        """The watch of the order; of one this client just bought it knows the purchase's answer."""
        watch = self.turns.watch(order_id, lambda: self._look(order_id), anyio.current_time())
        bought = self._purchases.bought(order_id)
        if bought is not None and watch.sight is None:
            watch.bought_at = bought.at
            if bought.phase is Phase.OPEN:  # a row of the records may leave out the messages of one that is over
                watch.note(bought)
        return watch

    async def sms(
        self,
        order_id: int,
        pick: Pick,
        *,
        timeout: float | None,
        settle: bool,
        seen: Seen | None = None,
    ) -> Sms:
        """The newest message with a code that was not handed over yet, or the error that says why none came."""
        self._sender.check_loop()
        seen = Seen() if seen is None else seen
        now = anyio.current_time()
        with self._sender.events.waiting("v1", order_id) as wait:
            waiter = self.turns.join(self.watch(order_id), now, inf if timeout is None else now + timeout)
            try:
                with self._sender.under_way:
                    found = await self._find(waiter, pick, seen)
            finally:
                alone = self.turns.leave(waiter, anyio.current_time())
            wait.code_seconds = waiter.watch.age(anyio.current_time())
            may_settle = settle and alone
            if found is None:
                return await self._give_up(waiter, pick, seen, may_settle=may_settle)
            await self._hand_over(self._order(waiter.watch), pick, seen, may_settle=may_settle)
            return found

    async def next_message(self, watch: Watch[Order], seen: Seen) -> Sms | None:
        """The oldest message not handed over yet; None once the order is closed and all are."""
        self._sender.check_loop()
        waiter = self.turns.join(watch, anyio.current_time(), settles=False)
        try:
            with self._sender.under_way:
                return await self._next(waiter, seen)
        finally:
            self.turns.leave(waiter, anyio.current_time())

    def register_held(self) -> None:
        """The client closes: have the orders whose scopes are still open settled now."""
        for watch in self.turns.held():
            order = self._order(watch)
            if is_open(order) and not is_hosting(order):

                def note(left: Order, watch: Watch[Order] = watch) -> None:
                    watch.note(sight(left, None, anyio.current_time()))

                self._settler.register(
                    order, "its scope was open when the client closed", taken=False, tell=False, note=note
                )

    async def _look(self, order_id: int) -> Sight[Order]:
        asked = look(order_id)
        if self.watch(order_id).at_a_moment(anyio.current_time()):  # goes on where looks have stopped: it saves a code
            asked = attrs.evolve(asked, lane=Lane.PURCHASE)
        seen = await self._sender.send(asked, once=True)
        self._settler.heed(seen.subject)
        return seen

    async def _page(self, offset: int, limit: int, known: Known[Order]) -> Page[Order]:
        return await self._sender.send(page_of_orders(offset, limit, known), once=True)

    async def _find(self, waiter: Waiter[Order], pick: Pick, seen: Seen) -> Sms | None:
        """The message, or None once the wait is over without one."""
        watch = waiter.watch
        while True:
            await self.turns.news(waiter)
            order = self._order(watch)
            found = pick(seen.new(order.sms))
            if found is not None:
                return found
            ended = watch.last_look_taken() and not is_hosting(order)
            if ended or not is_open(order) or waiter.timed_out() or watch.gone_dark():
                return None

    async def _next(self, waiter: Waiter[Order], seen: Seen) -> Sms | None:
        while True:
            await self.turns.news(waiter)
            order = self._order(waiter.watch)
            for sms in seen.new(order.sms):
                seen.add_one(sms)
                return sms
            if not is_open(order):
                return None
            if waiter.watch.gone_dark():
                raise WaitTimeoutError("nothing readable came for 30 minutes", call="messages", order=order)

    async def _give_up(self, waiter: Waiter[Order], pick: Pick, seen: Seen, *, may_settle: bool) -> Sms:
        """Settle the order, and raise; unless the code landed meanwhile."""
        order = self._order(waiter.watch)
        ended_as = waiter.watch.sight.phase if waiter.watch.sight else Phase.OPEN
        if may_settle and is_open(order) and not is_hosting(order):
            order = await self._settler.settle(order, taken=False, spare_sms=not order.sms)
            found = pick(seen.new(order.sms))
            if found is not None:
                await self._hand_over(order, pick, seen, may_settle=True)
                return found
            if is_open(order) and order.sms:
                order = await self._settler.settle(order, taken=False)
        raise _why(waiter, order, ended_as)

    async def _hand_over(self, order: Order, pick: Pick, seen: Seen, *, may_settle: bool) -> None:
        """The caller gets a message of the order: what it was chosen from is not new any more, nor is waited for."""
        seen.add(pick.wanted(order.sms))
        if not may_settle or not is_open(order) or is_hosting(order):
            return
        if self.turns.spare(lambda: self._settler.finish_once(order), anyio.current_time()):
            self._settler.register(order, "its finish was left to others", taken=True, tell=False)
        else:
            await self._settler.settle(order, taken=True, bound=FINISH_WITHIN, tell=False)

    def _order(self, watch: Watch[Order]) -> Order:
        return watch.subject() or Order(id=watch.key)


class Messages:
    """An async iterator over the messages of one order: each once, oldest first, until the order closes.

    It waits only inside ``async for``; left early, it leaves nothing behind.
    """

    def __init__(self, waits: Waits, order_id: int) -> None:
        self._waits = waits
        self._order_id = order_id
        self._watch: Watch[Order] | None = None
        self._seen = Seen()

    def __aiter__(self) -> Messages:
        return self

    async def __anext__(self) -> Sms:
        self._watch = self._watch or self._waits.watch(self._order_id)
        sms = await self._waits.next_message(self._watch, self._seen)
        if sms is None:
            raise StopAsyncIteration
        return sms


def _why(waiter: Waiter[Order], order: Order, ended_as: Phase) -> NoCodeError:
    """The error for a wait that is over without a code.

    Args:
        ended_as: the order's phase before it was settled here, which other waits may have seen meanwhile.
    """
    what = f"order {order.id}"
    if ended_as is Phase.EXPIRED:
        return OrderExpiredError(f"{what} ran out of time without a code", call="await_code", order=order)
    if ended_as is not Phase.OPEN:
        return OrderClosedError(f"{what} is {order.status} and has no code", call="await_code", order=order)
    if waiter.watch.last_look_taken() and not is_hosting(order):
        if order.sms:
            return NoCodeError(f"{what} got messages and no code in them", call="await_code", order=order)
        return OrderExpiredError(f"{what} got no code before its time ran out", call="await_code", order=order)
    if waiter.timed_out():
        return WaitTimeoutError(f"{what} got no code within the timeout", call="await_code", order=order)
    return WaitTimeoutError(f"nothing readable came of {what} for 30 minutes", call="await_code", order=order)
