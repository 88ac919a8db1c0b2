"""Bringing an order to its right end: finished if a code was taken, otherwise cancelled, whatever the provider answers.

An act is done when the provider shows it done: the order in its answer is closed. After every other answer, a look at
the true state decides (https://5sim.net/docs, "Order management"):

    closed already, order expired                     settled
    order not found, twice                            settled; once may be too soon after the purchase
    order has sms                                     finish instead
    you need to wait time                             cancel again a little later
    hosting order                                     left as it is: such an order ends by itself
    a 200 with an open order, or no answer            ask again; both acts may be repeated
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import Any, TypeAlias

import anyio
import attrs

from .._budget import Budget
from .._errors import (
    AccountBlockedError,
    AuthenticationError,
    NotFoundError,
    OutcomeUnknownError,
    PriceTooHighError,
    RefusedError,
    SmsApiError,
)
from .._events import kind
from .._sending import PASSING, Call, Sender
from .._shield import INTERRUPTS, Ended, shielded
from .._unsettled import Unsettled
from . import _calls
from ._lifecycle import is_open
from ._models import Order, Status

OVER = "order expired"
"""Said twice, this text settles an order whose status still reads open. The status may lag behind the order's end."""

FIRST_PAUSE = 2.0
LONGEST_PAUSE = 10.0

GOES_ON_FOR = 30 * 60.0
"""Seconds for which a settlement that took too long goes on in the schedule: longer than an activation lives."""

FRESH = 60.0
"""Seconds after its purchase in which an order that the provider does not know is not taken for settled."""

Later: TypeAlias = Callable[[Callable[[], Awaitable[float | None]], float], None]
"""Schedules a job at a moment of the loop's clock. A free wait does the job, which returns a pause, or None."""


@attrs.define(eq=False)
class Settlement:
    """An order that is to be brought to its end, and the progress so far.

    Attributes:
        order: the order as last seen. It keeps its messages, because the answer to a finish may lack them.
        finish: whether the order is to be finished, not cancelled.
        spare_sms: whether an order that turns out to have an SMS is left open, because the caller gets its code first.
        tell: whether an order that stays open is worth a warning. A late finish is not, because no money depends on it.
        note: called with the order as it was left, also when the cancellation goes on, and after a later attempt.
    """

    order: Order
    finish: bool
    spare_sms: bool = attrs.field(default=False, kw_only=True)
    tell: bool = attrs.field(default=True, kw_only=True)
    note: Callable[[Order], object] | None = attrs.field(default=None, kw_only=True)
    _said_over: int = attrs.field(default=0, init=False)
    _said_sms: bool = attrs.field(default=False, init=False)
    _missing: int = attrs.field(default=0, init=False)
    over: anyio.Event = attrs.field(factory=anyio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self.finish = self.finish or bool(self.order.sms)

    def see(self, state: Order) -> None:
        """Record an answer about the order."""
        self.order = attrs.evolve(state, sms=state.sms or self.order.sms)

    def refused(self, reason: str) -> bool:
        """Record a refusal of an act. Return True if nothing is left to do."""
        word = reason.lower()
        self._said_over += word == OVER
        self._said_sms = word == "order has sms" or (self._said_sms and word != "order no sms")
        return word == "hosting order"

    def turn(self) -> bool:
        """Choose the act by what is known of messages. The provider's word counts also if none can be read.

        Return True if it is another act than before.
        """
        before, self.finish = self.finish, bool(self.order.sms) or self._said_sms
        return before != self.finish

    def missed(self) -> bool:
        """Record that the provider does not know the order. Return True if the order is settled."""
        self._missing += 1
        return self._missing > 1

    def is_done(self) -> bool:
        """Return True if the last answer shows that nothing is left to do."""
        return not is_open(self.order) or self._said_over > 1

    def report(self) -> None:
        """Call `note` with the order as it was left."""
        if self.note is not None:
            self.note(self.order)


class Settler:
    """Settles orders within time limits. An order that stays open is registered as unsettled.

    Attributes:
        later: schedules a settlement that takes too long, so that it goes on beside the waits of the client.
        is_awaited: returns True for an order that a wait or a scope needs open.
        bought_at: returns when an order was bought here, in seconds of the loop's clock; None for any other order.
    """

    def __init__(
        self,
        sender: Sender,
        unsettled: Unsettled[Any],
        budget: Budget,
        account: object,
        *,
        settle_timeout: float,
        cancel_timeout: float,
    ) -> None:
        self._sender = sender
        self._unsettled = unsettled
        self._budget = budget
        self._account = account
        self._running: dict[int, Settlement] = {}
        self.later: Later | None = None
        self.is_awaited: Callable[[int], bool] = lambda _: False
        self.bought_at: Callable[[int], float | None] = lambda _: None
        self.settle_timeout = settle_timeout
        self.cancel_timeout = cancel_timeout

    def heed(self, order: Order) -> Order:
        """Process the state of an order. One that is over is not open or unsettled; a cancelled one is refunded."""
        if not is_open(order):
            self._budget.close((self._account, order.id), refunded=order.status == Status.CANCELED)
            self._unsettled.discard(order.id)
        return order

    async def settle(self, settlement: Settlement, bound: float | None = None) -> Order:
        """Finish or cancel the order, shielded. Return the order as it was left.

        No answer of the provider makes it raise. When the caller is being cancelled, it spends at most
        `cancel_timeout`, and the cancellation goes on afterwards. Of two settlements of one order, the second waits for
        the first.

        Args:
            bound: seconds to spend; the client's `settle_timeout` by default.
        """
        ended: Ended[Order] = Ended()
        bound = self.settle_timeout if bound is None else bound

        async def work() -> Order:
            try:
                return await self._carry_out(settlement)
            except (anyio.get_cancelled_exc_class(), *INTERRUPTS):
                if not ended.scope.cancel_called:  # the task itself was hit: the loop is shutting down, or Ctrl-C came
                    deadline = min(ended.scope.deadline, anyio.current_time() + self.cancel_timeout)
                    with anyio.CancelScope(shield=True, deadline=deadline), suppress(SmsApiError):
                        ended.result = await self._carry_out(settlement)
                raise

        try:
            with self._sender.under_way:
                await shielded(work, ended, bound=bound, hurry=self.cancel_timeout)
        finally:
            settlement.report()
            if ended.result is None and is_open(settlement.order):
                why = type(ended.error).__name__ if ended.error else "no end within the bound"
                self.defer(settlement, why, LONGEST_PAUSE)
        return settlement.order

    async def hold_against(self, ceiling: Decimal | None, order: Order, call: str) -> Order:
        """Return the order just bought. If it cost more than its buyer allowed, give it back.

        Raises:
            PriceTooHighError: the order cost too much; the error holds the order as it was left.
        """
        if ceiling is None or order.price is None or order.price <= ceiling:
            return order
        left = await self.settle(Settlement(order, finish=False))
        raise PriceTooHighError(
            f"order {order.id} cost {order.price}, above the ceiling of {ceiling}", call=call, order=left
        )

    def defer(self, settlement: Settlement, why: str, pause: float) -> None:
        """Register the order, and settle it later: after a pause beside the waits, or when the client closes."""
        rest = attrs.evolve(settlement, spare_sms=False)

        async def again() -> bool:
            try:
                await self._carry_out(rest)
            except SmsApiError:
                return False
            rest.report()
            return True

        self._unsettled.add(rest.order.id, rest.order, why, again, tell=rest.tell)
        if self.later is not None and not self._sender.closing:
            now = anyio.current_time()
            self.later(lambda: self._go_on(rest, now + GOES_ON_FOR), now + pause)

    def is_unsettled(self, order_id: int) -> bool:
        """Return True if the order was reported and is left to the client's closing."""
        return order_id in self._unsettled.keys

    def leave_open(self, order: Order, why: str) -> None:
        """Register an order that is kept on purpose although its buyer is gone."""
        self._unsettled.add(order.id, order, why)

    async def _go_on(self, settlement: Settlement, until: float) -> float | None:
        """Try once to settle a registered order. Return the pause before the next attempt, or None if there is none."""
        order_id = settlement.order.id
        if not self._unsettled.holds(order_id) or order_id in self._running or anyio.current_time() > until:
            return None
        if self.is_awaited(order_id):
            return LONGEST_PAUSE
        with self._alone(settlement), suppress(SmsApiError):
            if await self._act(settlement):
                settlement.report()
                self._ended(settlement.order)
                return None
            settlement.turn()
        return LONGEST_PAUSE

    async def _carry_out(self, settlement: Settlement) -> Order:
        """Bring the order to its end, after any settlement of it that is already under way."""
        order_id = settlement.order.id
        while (running := self._running.get(order_id)) is not None:
            await running.over.wait()
            settlement.see(running.order)
        if not is_open(settlement.order) or (settlement.spare_sms and settlement.order.sms):
            return settlement.order
        with self._alone(settlement):
            order = await self._to_its_end(settlement)
            self._ended(order)
        return order

    @contextmanager
    def _alone(self, settlement: Settlement) -> Iterator[None]:
        """Guard acts on an order: another settlement of the same order waits."""
        try:
            self._running[settlement.order.id] = settlement
            yield
        finally:
            self._running.pop(settlement.order.id, None)  # Ctrl-C may come before the entry
            settlement.over.set()
            settlement.over = anyio.Event()

    async def _to_its_end(self, settlement: Settlement) -> Order:
        pause = FIRST_PAUSE
        while True:
            try:
                if await self._act(settlement):
                    break
            except PASSING:
                wrong_act = False
            else:
                if settlement.order.sms and settlement.spare_sms:
                    break
                wrong_act = settlement.turn()
            if not wrong_act:
                await anyio.sleep(pause)
                pause = min(LONGEST_PAUSE, pause * 1.5)
        return settlement.order

    async def _act(self, settlement: Settlement) -> bool:
        """Send one act. Return True if nothing is left to do."""
        order_id = settlement.order.id
        act = _calls.finish(order_id) if settlement.finish else _calls.cancel(order_id)
        try:
            settlement.see(await self._send(act))
        except (AuthenticationError, AccountBlockedError):
            raise
        except RefusedError as refusal:
            if settlement.refused(refusal.reason):
                return True
        except OutcomeUnknownError as lost:
            self._sender.events.emit(logging.DEBUG, "act.lost", call=act.name, error=kind(lost))
        if not is_open(settlement.order):
            return True
        try:
            settlement.see(await self._send(attrs.evolve(_calls.check(order_id), lane=act.lane)))
        except NotFoundError:
            return settlement.missed() and not self._is_fresh(order_id)
        return settlement.is_done()

    def _is_fresh(self, order_id: int) -> bool:
        """Return True if the order was bought here so recently that the provider may not know it everywhere."""
        bought_at = self.bought_at(order_id)
        return bought_at is not None and anyio.current_time() - bought_at < FRESH

    def _ended(self, order: Order) -> None:
        """Record that the order came to its end, or that nothing is left to do for it."""
        self._unsettled.discard(order.id)
        if not is_open(order):
            self._sender.events.emit(logging.INFO, "order.settled", id=order.id, status=order.status)

    async def _send(self, call: Call[Order]) -> Order:
        return self.heed(await self._sender.send(attrs.evolve(call, settling=True)))
