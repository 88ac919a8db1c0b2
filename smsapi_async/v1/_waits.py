"""Waiting for codes of v1 orders: which message counts, when a wait is over, and what becomes of the order then.

The looks and their times are `_wait`'s; the acts at the end are `_settle`'s.
"""

from __future__ import annotations

from collections.abc import Coroutine
from math import inf
from typing import Any

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


@attrs.define(eq=False, repr=False, kw_only=True, weakref_slot=False)
class CodeWait(Waiter[Order]):
    """One caller's wait for a code.

    Attributes:
        pick: which message he wants.
        seen: the messages that are not new to him; None when all are.
        settle: whether he wants the order settled; once he has left, whether he may settle it.
        found: the message.
        code_seconds: how long after its purchase the wait ended; None when that is not known.
    """

    pick: Pick
    seen: Seen | None
    settle: bool
    began_at: float
    found: Sms | None = attrs.field(default=None, init=False)
    code_seconds: float | None = attrs.field(default=None, init=False)

    def choose(self, order: Order) -> Sms | None:
        """The newest message with a code that was not handed over yet."""
        return self.pick(order.sms if self.seen is None else self.seen.new(order.sms))

    def is_over(self, turns: Turns[Order]) -> bool:
        """Whether the news, if there are any, end it: with a message, or without one."""
        if not turns.has_news(self):
            return False
        order = order_of(self.watch)
        self.found = self.choose(order)
        ended = self.watch.last_look_taken() and not is_hosting(order)
        return self.found is not None or ended or not is_open(order) or self.timed_out() or self.watch.gone_dark()


class Waits:
    """Every wait of one client for a v1 order."""

    def __init__(self, sender: Sender, settler: Settler, purchases: Purchases) -> None:
        self.turns: Turns[Order] = Turns(Listing(self._page, least=HANDFUL, every=sender.pace.look_every), self._look)
        self._sender = sender
        self._settler = settler
        self._purchases = purchases

    def watch(self, order_id: int) -> Watch[Order]:
        """The watch of the order; of one this client just bought it knows the purchase's answer."""
        watch = self.turns.watch(order_id, anyio.current_time())
        bought = self._purchases.bought(order_id)
        if bought is not None and not watch.is_seen():
            watch.bought_at = bought.at
            if bought.phase is Phase.OPEN:  # a row of the records may leave out the messages of one that is over
                watch.note(bought)
        return watch

    def sms(
        self,
        order_id: int,
        pick: Pick,
        *,
        timeout: float | None,
        settle: bool,
        seen: Seen | None = None,
    ) -> Coroutine[Any, Any, Sms]:
        """The newest message with a code that was not handed over yet, or the error that says why none came."""
        self._sender.check_loop()
        now = anyio.current_time()
        deadline = inf if timeout is None else now + timeout
        return self._sms(CodeWait(self.watch(order_id), deadline, pick=pick, seen=seen, settle=settle, began_at=now))

    async def _sms(self, wait: CodeWait) -> Sms:
        """The wait itself. While it rests, this is all of ours on its stack: fifty thousand may rest at once."""
        self.turns.join(wait, wait.began_at)
        try:
            try:
                with self._sender.under_way:
                    while not wait.is_over(self.turns):
                        await self.turns.step(wait)
            finally:
                wait.settle = self.turns.leave(wait, anyio.current_time()) and wait.settle
            sms = await self._end(wait)
        except BaseException as error:
            self._tell(wait, error)
            raise
        self._tell(wait)
        return sms

    async def next_message(self, watch: Watch[Order], seen: Seen) -> Sms | None:
        """The oldest message not handed over yet; None once the order is closed and all are."""
        self._sender.check_loop()
        self.turns.join(waiter := Waiter(watch, settles=False), anyio.current_time())
        try:
            with self._sender.under_way:
                return await self._next(waiter, seen)
        finally:
            self.turns.leave(waiter, anyio.current_time())

    def register_held(self) -> None:
        """The client closes: have the orders whose scopes are still open settled now."""
        for watch in self.turns.held():
            order = order_of(watch)
            if is_open(order) and not is_hosting(order):

                def note(left: Order, watch: Watch[Order] = watch) -> None:
                    watch.note(sight(left, None, anyio.current_time()))

                self._settler.register(
                    order, "its scope was open when the client closed", taken=False, tell=False, note=note
                )

    async def _look(self, watch: Watch[Order]) -> Sight[Order]:
        asked = look(watch.key)
        if watch.at_a_moment(anyio.current_time()):  # goes on where looks have stopped: it saves a code
            asked = attrs.evolve(asked, lane=Lane.PURCHASE)
        seen = await self._sender.send(asked, once=True)
        self._settler.heed(seen.subject)
        return seen

    async def _page(self, offset: int, limit: int, known: Known[Order]) -> Page[Order]:
        return await self._sender.send(page_of_orders(offset, limit, known), once=True)

    async def _next(self, waiter: Waiter[Order], seen: Seen) -> Sms | None:
        while True:
            await self.turns.news(waiter)
            order = order_of(waiter.watch)
            for sms in seen.new(order.sms):
                seen.add_one(sms)
                return sms
            if not is_open(order):
                return None
            if waiter.watch.gone_dark():
                raise WaitTimeoutError("nothing readable came for 30 minutes", call="messages", order=order)

    async def _end(self, wait: CodeWait) -> Sms:
        """Settle the order, and hand over what was found; or raise, unless the code landed meanwhile."""
        wait.code_seconds = wait.watch.age(anyio.current_time())
        order, ended_as = order_of(wait.watch), wait.watch.phase
        if wait.found is None and wait.settle and is_open(order) and not is_hosting(order):
            order = await self._settler.settle(order, taken=False, spare_sms=not order.sms)
            wait.found = wait.choose(order)
            if wait.found is None and is_open(order) and order.sms:
                order = await self._settler.settle(order, taken=False)
        if wait.found is None:
            raise _why(wait, order, ended_as)
        await self._hand_over(wait, order)
        return wait.found

    async def _hand_over(self, wait: CodeWait, order: Order) -> None:
        """The caller gets a message of the order: what it was chosen from is not new any more, nor is waited for."""
        if wait.seen is not None:
            wait.seen.add(wait.pick.wanted(order.sms))
        if not wait.settle or not is_open(order) or is_hosting(order):
            return
        if self.turns.spare(lambda: self._settler.finish_once(order), anyio.current_time()):
            self._settler.register(order, "its finish was left to others", taken=True, tell=False)
        else:
            await self._settler.settle(order, taken=True, bound=FINISH_WITHIN, tell=False)

    def _tell(self, wait: CodeWait, error: BaseException | None = None) -> None:
        self._sender.events.wait_ended("v1", wait.watch.key, wait.began_at, error, wait.code_seconds)


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


def order_of(watch: Watch[Order]) -> Order:
    """The order as last seen; when nothing was, all that is known is its id."""
    return watch.subject or Order(id=watch.key)


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
