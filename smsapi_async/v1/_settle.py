"""Bringing an order to its right end: finished when a code was taken, else cancelled; whatever the provider answers.

Every refusal is followed by a look at the true state, and that decides (https://5sim.net/docs, "Order management"):

    closed already, order expired                     settled
    order not found, twice                            settled; once may be too soon after the purchase
    order has sms                                     finish instead
    you need to wait time                             cancel again a little later
    hosting order                                     left as it is: such an order ends by itself
    no answer                                         ask again; both acts may be repeated
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import anyio
import attrs

from .._budget import Budget
from .._errors import (
    AccountBlockedError,
    AuthenticationError,
    NotFoundError,
    PriceTooHighError,
    RefusedError,
    SmsApiError,
)
from .._sending import PASSING, Call, Sender
from .._shield import INTERRUPTS, Ended, shielded
from .._unsettled import Unsettled
from . import _calls
from ._lifecycle import is_open
from ._models import Order, Status

OVER = "order expired"
"""Said twice, this settles an order whose status still reads open: it may lag behind its end."""

FIRST_PAUSE = 2.0
LONGEST_PAUSE = 10.0


@attrs.define
class Course:
    """An order on its way to its end.

    Attributes:
        order: as last seen; what it held once it keeps, for the answer to a finish may say less.
        finish: whether it is to be finished, not cancelled.
        spare_sms: whether an order that turns out to have an SMS is left open: its code is the caller's first.
        said_over: how often the provider said that the order is over.
        missing: how often it did not know the order when its state was asked for; once may be too soon.
    """

    order: Order
    finish: bool
    spare_sms: bool = False
    said_over: int = 0
    missing: int = 0

    def see(self, state: Order) -> None:
        """Take in an answer about the order."""
        self.order = attrs.evolve(state, sms=state.sms or self.order.sms)


class Settler:
    """Settles orders within bounds; what stays open then goes to the register of the unsettled."""

    def __init__(
        self, sender: Sender, unsettled: Unsettled[Any], budget: Budget, settle_timeout: float, cancel_timeout: float
    ) -> None:
        self._sender = sender
        self._unsettled = unsettled
        self._budget = budget
        self.settle_timeout = settle_timeout
        self.cancel_timeout = cancel_timeout

    def heed(self, order: Order) -> Order:
        """An answer told the order's state: one that is over counts no longer as open, nor a cancelled one as paid."""
        if not is_open(order):
            self._budget.close(order.id, refunded=order.status == Status.CANCELED)
        return order

    async def settle(
        self,
        order: Order,
        *,
        taken: bool,
        bound: float | None = None,
        tell: bool = True,
        spare_sms: bool = False,
        note: Callable[[Order], object] | None = None,
    ) -> Order:
        """Finish (when a code was taken or an SMS is there) or cancel the order, shielded; the order as it was left.

        Never raises for what the provider does. When the caller is being cancelled at most `cancel_timeout` is spent,
        and the cancellation goes on afterwards.

        Args:
            bound: seconds to spend; the client's `settle_timeout` unless told.
            tell: whether an order that stays open is worth a warning; no money hangs on a late finish.
            spare_sms: leave the order open when an SMS turns out to have arrived.
            note: told how the order was left, also when the cancellation goes on, and what came of a later try.
        """
        ended: Ended[Order] = Ended()
        course = Course(order, taken or bool(order.sms), spare_sms)
        bound = self.settle_timeout if bound is None else bound

        async def work() -> Order:
            try:
                return await self._to_its_end(course)
            except (anyio.get_cancelled_exc_class(), *INTERRUPTS):
                if not ended.scope.cancel_called:  # the task itself was hit: the loop is being shut down, or Ctrl-C
                    deadline = min(ended.scope.deadline, anyio.current_time() + self.cancel_timeout)
                    with anyio.CancelScope(shield=True, deadline=deadline), suppress(SmsApiError):
                        ended.result = await self._to_its_end(course)
                raise

        try:
            with self._sender.under_way:
                await shielded(work, ended, bound=bound, hurry=self.cancel_timeout)
        finally:
            if note is not None:
                note(course.order)
            if ended.result is None:
                why = type(ended.error).__name__ if ended.error else "no end within the bound"
                self.register(course.order, why, taken=taken, tell=tell, note=note)
            else:
                self._unsettled.discard(order.id)
                self._tell(course.order)
        return course.order

    async def hold_against(self, ceiling: Decimal | None, order: Order, call: str) -> Order:
        """The order just bought, unless it cost more than its buyer allowed: then it is given back.

        Raises:
            PriceTooHighError: it did; the error holds the order as it was left.
        """
        if ceiling is None or order.price is None or order.price <= ceiling:
            return order
        left = await self.settle(order, taken=False)
        raise PriceTooHighError(
            f"order {order.id} cost {order.price}, above the ceiling of {ceiling}", call=call, order=left
        )

    async def finish_once(self, order: Order) -> None:
        """Try to finish a registered order; what it leaves undone the client's closing tries again."""
        course = Course(order, finish=True)
        with suppress(SmsApiError):
            if await self._act(course):
                self._ended(course.order)

    def register(
        self, order: Order, why: str, *, taken: bool, tell: bool, note: Callable[[Order], object] | None = None
    ) -> None:
        """Have the order tried once more when the client closes; `note` learns what came of it."""

        async def again() -> bool:
            course = Course(order, taken or bool(order.sms))
            try:
                await self._to_its_end(course)
            except SmsApiError:
                return False
            if note is not None:
                note(course.order)
            self._ended(course.order)
            return True

        self._unsettled.add(order.id, order, why, again, tell=tell)

    def is_unsettled(self, order_id: int) -> bool:
        """Whether the order is left to the client's closing, and somebody was told."""
        return order_id in self._unsettled.keys

    def leave_open(self, order: Order, why: str) -> None:
        """Register an order that is kept on purpose although its buyer is gone."""
        self._unsettled.add(order.id, order, why)

    def _ended(self, order: Order) -> None:
        """A registered order came to its end after all; told once, though two may have seen to it."""
        if self._unsettled.holds(order.id):
            self._unsettled.discard(order.id)
            self._tell(order)

    def _tell(self, order: Order) -> None:
        if not is_open(order):
            self._sender.events.emit(logging.INFO, "order.settled", id=order.id, status=order.status)

    async def _to_its_end(self, course: Course) -> Order:
        pause = FIRST_PAUSE
        while is_open(course.order):
            try:
                if await self._act(course):
                    break
            except PASSING:
                wrong_act = False
            else:
                finish = bool(course.order.sms)
                if finish and course.spare_sms:
                    break
                wrong_act, course.finish = finish != course.finish, finish
            if not wrong_act:
                await anyio.sleep(pause)
                pause = min(LONGEST_PAUSE, pause * 1.5)
        return course.order

    async def _act(self, course: Course) -> bool:
        """Ask once. Whether nothing is left to do."""
        order_id = course.order.id
        act = _calls.finish(order_id) if course.finish else _calls.cancel(order_id)
        try:
            course.see(await self._send(act))
        except (AuthenticationError, AccountBlockedError):
            raise
        except RefusedError as refusal:
            course.said_over += refusal.reason.lower() == OVER
            if refusal.reason.lower() == "hosting order":
                return True
        else:
            return True
        try:
            course.see(await self._send(attrs.evolve(_calls.check(order_id), lane=act.lane)))
        except NotFoundError:
            course.missing += 1
            return course.missing > 1
        return not is_open(course.order) or course.said_over > 1

    async def _send(self, call: Call[Order]) -> Order:
        return self.heed(await self._sender.send(attrs.evolve(call, settling=True)))
