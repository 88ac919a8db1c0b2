"""Waiting for codes of v1 orders: which message counts, when a wait is over, and what becomes of the order then.

The looks and their times are `_wait`'s; the acts at the end are `_settle`'s.
"""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from math import inf

import anyio
import attrs

from .._codes import Pick, Seen
from .._errors import NoCodeError, OrderClosedError, OrderExpiredError, WaitTimeoutError
from .._events import Events
from .._polling import LEAD, Known, Listing, Page, Phase, Poller, Snapshot, Tracked, Waiter
from .._sending import Lane, Sender
from .._shield import UnderWay
from .._values import Sms
from ._glance import look, page_of_orders, snapshot
from ._lifecycle import is_hosting, is_open
from ._models import Order
from ._purchases import Purchases
from ._settle import Settler

FINISH_WITHIN = 2.0
"""Seconds a found code is held back for finishing its order; what takes longer is left to the client's closing. Where
many wait it is not held back at all: one of the others finishes the order."""


HANDFUL = 5
"""Orders awaited at once from which on the list is asked for all of them."""


class Waits:
    """Every wait of one client for a v1 order."""

    def __init__(self, sender: Sender, settler: Settler, purchases: Purchases) -> None:
        self.turns: Poller[Order] = Poller(Listing(self._page, least=HANDFUL, every=sender.pace.look_every), self._look)
        self.settler: Settler = settler
        self.under_way: UnderWay = sender.under_way
        self.events: Events = sender.events
        self._sender = sender
        self._purchases = purchases

    def watch(self, order_id: int) -> Tracked[Order]:
        """The watch of the order; of one this client just bought it knows the purchase's answer."""
        watch = self.turns.watch(order_id, anyio.current_time())
        bought = self._purchases.bought(order_id)
        if bought is not None and not watch.is_seen():
            watch.bought_at = bought.at
            if bought.phase is Phase.OPEN:  # a row of the records may leave out the messages of one that is over
                watch.note(bought)
        return watch

    def begin(
        self, order_id: int, pick: Pick, *, timeout: float | None, settle: bool, seen: Seen | None = None
    ) -> CodeWait:
        """Begin to wait for the newest message with a code that was not handed over yet."""
        self._sender.check_loop()
        now = anyio.current_time()
        deadline = inf if timeout is None else now + timeout
        wait = CodeWait(self.watch(order_id), deadline, waits=self, pick=pick, seen=seen, settle=settle, began_at=now)
        self.turns.join(wait, now)
        self.under_way.begin()
        return wait

    async def look_up(self, order_id: int) -> Snapshot[Order]:
        """The order as it is now. Asked also where looks have stopped: its scope must know it in time to settle it."""
        seen = await self._sender.send(attrs.evolve(look(order_id), lane=Lane.PURCHASE))
        self.settler.heed(seen.subject)
        return seen

    def hold(self, found: Order | Snapshot[Order]) -> Tracked[Order]:
        """A scope begins to look after an order, of which a look may have brought the newest."""
        order = found.subject if isinstance(found, Snapshot) else found
        watch = self.turns.hold(self.watch(order.id), order)
        if isinstance(found, Snapshot):
            self.turns.see(watch, found, anyio.current_time())
        return watch

    def see(self, watch: Tracked[Order], order: Order) -> None:
        """Have everybody know what the answer to another request showed of the order."""
        now = anyio.current_time()
        self.turns.see(watch, snapshot(order, None, now), now)

    async def next_message(self, watch: Tracked[Order], seen: Seen) -> Sms | None:
        """The oldest message not handed over yet; None once the order is closed and all are."""
        self._sender.check_loop()
        self.turns.join(waiter := Reader(watch), anyio.current_time())
        try:
            with self.under_way:
                sms = await self._next(waiter, seen)
        finally:
            self.turns.leave(waiter, anyio.current_time())
        order = order_of(waiter.watch)
        if sms is None and self._lapses_in_its_scope(waiter.watch, order):
            order = await self.settle_unfound(waiter.watch, order)
            return seen.take(order.sms)
        return sms

    def _lapses_in_its_scope(self, watch: Tracked[Order], order: Order) -> bool:
        """Whether its end is near, a cancel would still refund, and none of its waits sees to that."""
        waited_for = any(waiter.settles for waiter in watch.waiters)
        refunds = is_open(order) and not order.sms and not is_hosting(order)
        return refunds and watch.holds > 0 and watch.last_look_taken() and not waited_for

    async def settle_unfound(self, watch: Tracked[Order], order: Order) -> Order:
        """Settle an order that brought no code, but for a message that turns out to be there.

        In a scope for as long as a cancel may still refund; then the scope tries again, and tells.
        """
        settle = partial(self.settler.settle, order, taken=False, spare_sms=not order.sms)
        if watch.holds:
            return await settle(bound=LEAD, tell=False, note=partial(self.see, watch))
        return await settle()

    def register_held(self) -> None:
        """The client closes: have the orders whose scopes are still open settled now."""
        for watch in self.turns.held():
            order = order_of(watch)
            if is_open(order) and not is_hosting(order):
                why, note = "its scope was open when the client closed", partial(self.see, watch)
                self.settler.register(order, why, taken=False, tell=False, note=note)

    async def _look(self, watch: Tracked[Order]) -> Snapshot[Order]:
        asked = look(watch.key)
        if watch.at_a_moment(anyio.current_time()):  # goes on where looks have stopped: it saves a code
            asked = attrs.evolve(asked, lane=Lane.PURCHASE)
        seen = await self._sender.send(asked, once=True)
        self.settler.heed(seen.subject)
        return seen

    async def _page(self, offset: int, limit: int, known: Known[Order]) -> Page[Order]:
        return await self._sender.send(page_of_orders(offset, limit, known), once=True)

    async def _next(self, waiter: Waiter[Order], seen: Seen) -> Sms | None:
        while True:
            await self.turns.news(waiter)
            order = order_of(waiter.watch)
            sms = seen.take(order.sms)
            if sms is not None or not is_open(order) or self._lapses_in_its_scope(waiter.watch, order):
                return sms
            if waiter.watch.gone_dark():
                raise WaitTimeoutError("nothing readable came for 30 minutes", call="messages", order=order)


@attrs.define(eq=False, repr=False, weakref_slot=False)
class CodeWait(Waiter[Order]):
    """One caller's wait for a code.

    Attributes:
        waits: all of the client's.
        pick: which message he wants.
        seen: the messages that are not new to him; None when all are.
        settle: whether he wants the order settled.
        found: the message.
    """

    waits: Waits = attrs.field(kw_only=True)
    pick: Pick = attrs.field(kw_only=True)
    seen: Seen | None = attrs.field(kw_only=True)
    settle: bool = attrs.field(kw_only=True)
    began_at: float = attrs.field(kw_only=True)
    found: Sms | None = attrs.field(default=None, init=False)

    async def sms(self) -> Sms:
        """Wait to the end. `AsyncClient.await_code` spells this out, lest it be a coroutine more of each that rests."""
        try:
            while not self.is_over():
                await self.step()
        except BaseException as error:
            self.give_up(error)
            raise
        return await self.end()

    def is_over(self) -> bool:
        """Whether the news, if there are any, end it: with a message, or without one."""
        if not self.waits.turns.has_news(self):
            return False
        watch, order = self.watch, order_of(self.watch)
        self.found = self._choose(order)
        ended = watch.last_look_taken() and not is_hosting(order)
        return self.found is not None or ended or not is_open(order) or self.timed_out() or watch.gone_dark()

    def step(self) -> Awaitable[None]:
        """What to await until then, again and again."""
        return self.waits.turns.step(self)

    def give_up(self, error: BaseException) -> None:
        """It was broken off: nothing is sent, and the order stays open."""
        self._leave()
        self._tell(error, None)

    async def end(self) -> Sms:
        """Settle the order, and hand over what was found; or raise, unless the code landed meanwhile."""
        last, age = self._leave(), self.watch.age(anyio.current_time())
        try:
            sms = await self._settled(may_settle=last and self._is_to_settle())
        except BaseException as error:
            self._tell(error, age)
            raise
        self._tell(None, age)
        return sms

    def _leave(self) -> bool:
        """Whether nobody else waits who may settle the order."""
        self.waits.under_way.end()
        return self.waits.turns.leave(self, anyio.current_time())

    def _is_to_settle(self) -> bool:
        """An order in a scope only at its end: whoever handles the error slowly would lose the refund, or a code that
        landed meanwhile."""
        at_its_end = self.found is None and self.watch.last_look_taken()
        return self.settle and (at_its_end or not self.watch.holds)

    def _tell(self, error: BaseException | None, age: float | None) -> None:
        self.waits.events.wait_ended("v1", self.watch.key, self.began_at, error, age)

    async def _settled(self, *, may_settle: bool) -> Sms:
        order, ended_as = order_of(self.watch), self.watch.phase
        if self.found is None and may_settle and is_open(order) and not is_hosting(order):
            order = await self.waits.settle_unfound(self.watch, order)
            self.found = self._choose(order)
            if self.found is None and is_open(order) and order.sms:
                order = await self.waits.settle_unfound(self.watch, order)
        if self.found is None:
            raise _why(self, order, ended_as)
        await self._hand_over(order, may_settle=may_settle)
        return self.found

    async def _hand_over(self, order: Order, *, may_settle: bool) -> None:
        """The caller gets a message of the order: what it was chosen from is not new any more, nor is waited for."""
        if self.seen is not None:
            self.seen.add(self.pick.wanted(order.sms))
        if not may_settle or self.watch.holds or not is_open(order) or is_hosting(order):
            return
        settler = self.waits.settler
        if self.waits.turns.spare(lambda: settler.finish_once(order), anyio.current_time()):
            settler.register(order, "its finish was left to others", taken=True, tell=False)
        else:
            await settler.settle(order, taken=True, bound=FINISH_WITHIN, tell=False)

    def _choose(self, order: Order) -> Sms | None:
        return self.pick(order.sms if self.seen is None else self.seen.new(order.sms))


class Reader(Waiter[Order]):
    """One step of an iterator over messages: it settles nothing, and keeps no wait from settling."""

    __slots__ = ()
    settles = False


class Messages:
    """An async iterator over the messages of one order: each once, oldest first, until the order closes.

    It waits only inside ``async for``; left early, it leaves nothing behind.
    """

    def __init__(self, waits: Waits, order_id: int) -> None:
        self._waits = waits
        self._order_id = order_id
        self._watch: Tracked[Order] | None = None
        self._seen = Seen()

    def __aiter__(self) -> Messages:
        return self

    async def __anext__(self) -> Sms:
        self._watch = self._watch or self._waits.watch(self._order_id)
        sms = await self._waits.next_message(self._watch, self._seen)
        if sms is None:
            raise StopAsyncIteration
        return sms


def order_of(watch: Tracked[Order]) -> Order:
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
