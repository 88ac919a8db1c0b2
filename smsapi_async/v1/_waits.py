"""Waiting for codes of v1 orders: which message counts, when a wait is over, and what happens to the order then.

The looks and their times belong to `_polling`; the acts at the end belong to `_settle`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from math import inf

import anyio
import attrs

from .._codes import Inbox, Marks, Pick
from .._errors import NoCodeError, OrderClosedError, OrderExpiredError, WaitTimeoutError
from .._events import Events
from .._polling import LEAD, Known, Listing, Page, Phase, Poller, Snapshot, Tracked, Trust, Waiter
from .._sending import Lane, Sender
from .._shield import UnderWay
from .._values import Sms
from ._glance import Bought, Timing, look, page_of_orders
from ._lifecycle import is_hosting, is_open
from ._models import Order
from ._settle import Settlement, Settler

FINISH_WITHIN = 2.0
"""Seconds for which a found code is held back to finish its order. A finish that takes longer goes on in the schedule.
Where many wait, the code is not held back at all: another wait finishes the order."""

BACK_WITHIN = 5.0
"""Seconds after its timeout within which a wait returns, whatever the provider answers to the cancel."""

HANDFUL = 5
"""The number of awaited orders from which on the list is asked for all of them."""

LAPSED = 60.0
"""Seconds after its end for which an order is followed if the provider still calls it open."""


@attrs.define(eq=False)
class Held:
    """An order that scopes look after.

    Attributes:
        scopes: the number of these scopes.
        taken: whether a code was taken in one of them.
    """

    tracked: Tracked[Order]
    scopes: int = 0
    taken: bool = False


class Waits:
    """Every wait of one client for a v1 order.

    Args:
        bought: returns an order and when its purchase left, if this client bought it; None for any other order.
        name: records that an order not bought here is in use, so that no lost purchase takes it.
    """

    def __init__(
        self,
        sender: Sender,
        settler: Settler,
        bought: Callable[[int], Bought | None],
        name: Callable[[int], object],
        trust: Trust,
    ) -> None:
        self.trust: Trust = trust
        listing = Listing(self._page, least=HANDFUL, every=sender.pace.look_every)
        self.poller: Poller[Order] = Poller(
            listing,
            self._look,
            trust,
            pair=lambda: 2.0 * sender.spacing("v1") * sender.pace.slots("v1").sharing,
            resumes_at=lambda: sender.pace.slots("v1").resumes_at(Lane.LOOK),
        )
        self.settler: Settler = settler
        self.under_way: UnderWay = sender.under_way
        self.events: Events = sender.events
        self._sender = sender
        self._bought = bought
        self._name = name
        self._timing = Timing(sender.clock, bought)
        self._held: dict[int, Held] = {}
        settler.later, settler.is_awaited, settler.bought_at = self.poller.add_chore, self.is_awaited, self._bought_at

    def record(self, order_id: int) -> Tracked[Order]:
        """The record of the order. For an order that this client bought, it has the purchase's answer."""
        self._sender.pace.slots("v1").users.add(self.poller)
        tracked = self.poller.record(order_id, anyio.current_time())
        bought = self._bought(order_id)
        if bought is None:
            self._name(order_id)
        elif not tracked.is_seen():
            tracked.bought_at = bought.sent_at
            tracked.shown = is_hosting(bought.order)  # the list that is swept holds activations: it cannot be late
            if is_open(bought.order):  # a row of the records may leave out the messages of an order that is over
                tracked.note(self._timing.snapshot(bought.order, bought.sent_at))
        return tracked

    def begin(
        self, order_id: int, pick: Pick, *, timeout: float | None, settle: bool, inbox: Inbox | None = None
    ) -> CodeWait:
        """Begin to wait for the next message with a code."""
        self._sender.check_loop()
        now = anyio.current_time()
        wait = CodeWait(
            self.record(order_id),
            inf if timeout is None else now + timeout,
            settle,
            waits=self,
            pick=pick,
            inbox=inbox,
            began_at=now,
        )
        self.poller.join(wait, now)
        self.under_way.begin()
        return wait

    # -- scopes -----------------------------------------------------------------------------------------------------

    async def look_up(self, order_id: int) -> Snapshot[Order]:
        """Look at the order, even while looks have stopped: its scope must know the order in time to settle it."""
        return await self._ask(order_id, urgent=True, once=False)

    def hold(self, found: Order | Snapshot[Order]) -> Held:
        """Begin a scope around an order. The newest state of the order may come from a look."""
        order = found.subject if isinstance(found, Snapshot) else found
        tracked = self.poller.registry.keep(self.record(order.id))
        held = self._held.setdefault(order.id, Held(tracked))
        held.scopes += 1
        if tracked.subject is None or not tracked.is_seen():
            tracked.subject = order
        if isinstance(found, Snapshot):
            self.poller.observe(tracked, found, anyio.current_time())
        return held

    def release(self, held: Held) -> None:
        """End a scope."""
        held.scopes -= 1
        if not held.scopes:
            del self._held[held.tracked.key]
        self.poller.registry.release(held.tracked)

    def is_held(self, order_id: int) -> bool:
        return order_id in self._held

    def is_awaited(self, order_id: int) -> bool:
        """Return True if a scope, or a wait that may settle the order, needs it open."""
        tracked = self.poller.registry.get(order_id)
        return self.is_held(order_id) or (tracked is not None and any(waiter.settles for waiter in tracked.waiters))

    def _bought_at(self, order_id: int) -> float | None:
        bought = self._bought(order_id)
        return None if bought is None else bought.sent_at

    def see(self, tracked: Tracked[Order], order: Order) -> None:
        """Record a state of the order learned from another request."""
        now = anyio.current_time()
        self.poller.observe(tracked, self._timing.snapshot(order, now), now)

    def register_held(self) -> None:
        """Register the orders whose scopes are still open for settling now, because the client closes."""
        for held in self._held.values():
            order = order_of(held.tracked)
            if is_open(order) and not is_hosting(order):
                note = partial(self.see, held.tracked)
                rest = Settlement(order, held.taken, tell=False, note=note)
                self.settler.defer(rest, "its scope was open when the client closed", 0.0)

    # -- messages ---------------------------------------------------------------------------------------------------

    async def next_message(self, tracked: Tracked[Order], read: Marks) -> Sms | None:
        """The oldest message not handed over yet; None once the order is closed and all messages were handed over."""
        self._sender.check_loop()
        self.poller.join(waiter := Waiter(tracked, settles=False), anyio.current_time())
        try:
            with self.under_way:
                sms = await self._next(waiter, read)
        finally:
            self.poller.leave(waiter, anyio.current_time())
        order = order_of(waiter.tracked)
        if sms is None and self._lapses_in_its_scope(waiter.tracked, order):
            order = await self.settle_unfound(waiter.tracked, order, inf)
            return read.take(order.sms)
        return sms

    async def _next(self, waiter: Waiter[Order], read: Marks) -> Sms | None:
        while True:
            await self.poller.news(waiter)
            tracked = waiter.tracked
            order = order_of(tracked)
            sms = read.take(order.sms)
            lapsed = tracked.seen_at >= tracked.ends_at + LAPSED and not is_hosting(order)
            over = not is_open(order) or lapsed
            if sms is not None or over or self._lapses_in_its_scope(tracked, order):
                return sms
            if tracked.gone_dark():
                raise WaitTimeoutError("nothing readable came for 30 minutes", call="messages", order=order)

    def _lapses_in_its_scope(self, tracked: Tracked[Order], order: Order) -> bool:
        """Return True if the order's end is near, a cancel would still refund, and no wait for a code handles that."""
        waited_for = any(waiter.settles for waiter in tracked.waiters)
        refunds = is_open(order) and not order.sms and not is_hosting(order)
        return refunds and self.is_held(tracked.key) and tracked.last_look_taken() and not waited_for

    # -- the end ----------------------------------------------------------------------------------------------------

    async def settle_unfound(self, tracked: Tracked[Order], order: Order, until: float) -> Order:
        """Settle an order that brought no code, unless a message turns out to be there.

        In a scope, this goes on for as long as a cancel may still refund. Then the scope tries again, and reports.

        Args:
            until: when the caller must be back, in seconds of the loop's clock.
        """
        held = self.is_held(tracked.key)
        note = partial(self.see, tracked)
        settlement = Settlement(order, False, spare_sms=not order.sms, tell=not held, note=note)
        bound = min(LEAD if held else self.settler.settle_timeout, max(0.0, until - anyio.current_time()))
        return await self.settler.settle(settlement, bound)

    async def finish(self, order: Order, until: float) -> None:
        """Finish an order whose code was taken. Where many wait, another wait does it.

        Args:
            until: when the caller must be back, in seconds of the loop's clock.
        """
        settlement = Settlement(order, True, tell=False)
        if self.poller.many:
            self.settler.defer(settlement, "its finish was left to others", 0.0)
        else:
            await self.settler.settle(settlement, min(FINISH_WITHIN, max(0.0, until - anyio.current_time())))

    # -- requests ---------------------------------------------------------------------------------------------------

    async def _look(self, tracked: Tracked[Order]) -> Snapshot[Order]:
        """Look at one order. At one of its moments, this is sent even while looks have stopped: it saves a code."""
        return await self._ask(tracked.key, urgent=tracked.at_a_moment(anyio.current_time()), once=True)

    async def _ask(self, order_id: int, *, urgent: bool, once: bool) -> Snapshot[Order]:
        asked = attrs.evolve(look(order_id), lane=Lane.PURCHASE) if urgent else look(order_id)
        order, at = await self._sender.send(asked, once=once)
        self.settler.heed(order)
        return self._timing.snapshot(order, at)

    async def _page(self, offset: int, limit: int, known: Known[Order]) -> Page[Order]:
        return await self._sender.send(page_of_orders(offset, limit, known, self._timing), once=True)


@attrs.define(eq=False, repr=False, weakref_slot=False)
class CodeWait(Waiter[Order]):
    """One caller's wait for a code.

    Attributes:
        waits: all waits of the client.
        pick: the choice of messages that the wait is for.
        inbox: the messages handed over before; None if there are none.
        found: the message that was found.
    """

    waits: Waits = attrs.field(kw_only=True)
    pick: Pick = attrs.field(kw_only=True)
    inbox: Inbox | None = attrs.field(kw_only=True)
    began_at: float = attrs.field(kw_only=True)
    found: Sms | None = attrs.field(default=None, init=False)

    async def sms(self) -> Sms:
        """Wait to the end. `AsyncClient.await_code` repeats these lines, to save a coroutine for each resting wait."""
        try:
            while not self.is_over():
                await self.step()
        except BaseException as error:
            self.give_up(error)
            raise
        return await self.end()

    def is_over(self) -> bool:
        """Return True if news has come that ends the wait, with or without a message."""
        if not self.waits.poller.has_news(self):
            return False
        tracked, order = self.tracked, order_of(self.tracked)
        self.found = self._choose(order)
        ended = tracked.last_look_taken() and not is_hosting(order)
        return self.found is not None or ended or not is_open(order) or self.timed_out() or tracked.gone_dark()

    def step(self) -> Awaitable[None]:
        """Return what to await, again and again, until the wait is over."""
        return self.waits.poller.step(self)

    def give_up(self, error: BaseException) -> None:
        """Break the wait off. Nothing is sent, and the order stays open."""
        self._leave()
        self._report(error, None)

    async def end(self) -> Sms:
        """Settle the order, and hand over the message found. Without one, raise, unless the code came meanwhile."""
        last, age = self._leave(), self.tracked.age(anyio.current_time())
        try:
            sms = await self._settled(last=last)
        except BaseException as error:
            self._report(error, age)
            raise
        self._report(None, age)
        return sms

    def _leave(self) -> bool:
        """Leave the poller. Return True if no remaining wait may settle the order."""
        self.waits.under_way.end()
        return self.waits.poller.leave(self, anyio.current_time())

    def _report(self, error: BaseException | None, age: float | None) -> None:
        self.waits.events.wait_ended("v1", self.tracked.key, self.began_at, error, age)

    async def _settled(self, *, last: bool) -> Sms:
        """Settle the order. Outside of a scope, the last wait to leave does so; at the order's end, every wait does.

        Nothing else has the time then. A slow handler of the error would lose the refund, or a code that came
        meanwhile. Waits that end together share one settlement.
        """
        order, ended_as = order_of(self.tracked), self.tracked.phase
        may_settle = self.settles and last and not self.waits.is_held(order.id)
        if self.found is None and self.settles and (may_settle or self.tracked.last_look_taken()):
            order = await self._settled_unfound(order)
        if self.found is None:
            raise _why(self, order, ended_as)
        if may_settle and is_open(order) and not is_hosting(order):
            await self.waits.finish(order, self.deadline + BACK_WITHIN)
        return self.found

    async def _settled_unfound(self, order: Order) -> Order:
        """Settle without a code. A message that comes meanwhile holds the code, or else the order is finished for
        it."""
        until = self.deadline + BACK_WITHIN
        for _ in range(2):
            if self.found is None and is_open(order) and not is_hosting(order):
                order = await self.waits.settle_unfound(self.tracked, order, until)
                self.found = self._choose(order)
                if not order.sms:
                    break
        return order

    def _choose(self, order: Order) -> Sms | None:
        return (self.inbox or Inbox()).next(self.pick, order.sms)


class Messages:
    """An async iterator over the messages of one order: each once, oldest first, until the order closes.

    It waits only inside ``async for``. A loop that is left early leaves nothing behind.
    """

    def __init__(self, waits: Waits, order_id: int) -> None:
        self._waits = waits
        self._order_id = order_id
        self._tracked: Tracked[Order] | None = None
        self._read = Marks()

    def __aiter__(self) -> Messages:
        return self

    async def __anext__(self) -> Sms:
        self._tracked = self._tracked or self._waits.record(self._order_id)
        sms = await self._waits.next_message(self._tracked, self._read)
        if sms is None:
            raise StopAsyncIteration
        return sms


def order_of(tracked: Tracked[Order]) -> Order:
    """The order as last seen. If it was never seen, only its id is known, and perhaps its phone."""
    return tracked.subject or Order(id=tracked.key, phone=tracked.phone)


def _why(waiter: Waiter[Order], order: Order, ended_as: Phase) -> NoCodeError:
    """The error for a wait that is over without a code.

    Args:
        ended_as: the order's phase before it was settled here. Other waits may have seen the settled order meanwhile.
    """
    what = f"order {order.id}"
    if ended_as is Phase.EXPIRED:
        return OrderExpiredError(f"{what} ran out of time without a code", call="await_code", order=order)
    if ended_as is not Phase.OPEN:
        return OrderClosedError(f"{what} is {order.status} and has no code", call="await_code", order=order)
    if waiter.tracked.last_look_taken() and not is_hosting(order):
        if order.sms:
            return NoCodeError(f"{what} got messages and no code in them", call="await_code", order=order)
        return OrderExpiredError(f"{what} got no code before its time ran out", call="await_code", order=order)
    if waiter.timed_out():
        return WaitTimeoutError(f"{what} got no code within the timeout", call="await_code", order=order)
    return WaitTimeoutError(f"nothing readable came of {what} for 30 minutes", call="await_code", order=order)
