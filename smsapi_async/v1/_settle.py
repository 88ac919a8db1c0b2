"""Bringing an order to its right end: finished when a code was taken, else cancelled; whatever the provider answers.

Every refusal is followed by a look at the true state, and that decides (https://5sim.net/docs, "Order management"):

    closed already, order expired, order not found    settled
    order has sms                                     finish instead
    you need to wait time                             cancel again a little later
    hosting order                                     left as it is: such an order ends by itself
    no answer                                         ask again; both acts may be repeated
"""

from __future__ import annotations

from typing import Any

import anyio
import attrs

from .._call import Call
from .._errors import (
    AccountBlockedError,
    AuthenticationError,
    NotFoundError,
    NotSentError,
    OutcomeUnknownError,
    ProviderUnavailableError,
    RateLimitError,
    RefusedError,
    UnreadableReplyError,
)
from .._sender import Sender
from .._shield import Ended, shielded
from .._unsettled import Unsettled
from . import _calls
from ._life import is_open
from ._models import Order

PASSING = (NotSentError, OutcomeUnknownError, UnreadableReplyError, RateLimitError, ProviderUnavailableError)

FIRST_PAUSE = 2.0
LONGEST_PAUSE = 10.0


class Settler:
    """Settles orders within bounds; what stays open then goes to the register of the unsettled."""

    def __init__(self, sender: Sender, unsettled: Unsettled[Any], settle_timeout: float, cancel_timeout: float) -> None:
        self._sender = sender
        self._unsettled = unsettled
        self.settle_timeout = settle_timeout
        self.cancel_timeout = cancel_timeout

    async def settle(self, order: Order, *, taken: bool, bound: float | None = None, tell: bool = True) -> Order:
        """Finish (when a code was taken) or cancel the order, shielded; the order as it was left.

        Never raises for what the provider does. When the caller is being cancelled at most `cancel_timeout` is spent,
        and the cancellation goes on afterwards.

        Args:
            bound: seconds to spend; the client's `settle_timeout` unless told.
            tell: whether an order that stays open is worth a warning; no money hangs on a late finish.
        """
        ended: Ended[Order] = Ended()
        bound = self.settle_timeout if bound is None else bound
        try:
            with self._sender.under_way:
                await shielded(lambda: self._to_its_end(order, taken), ended, bound=bound, hurry=self.cancel_timeout)
        finally:
            if ended.result is not None:
                self._unsettled.discard(order.id)
            else:
                why = type(ended.error).__name__ if ended.error else "no end within the bound"
                self._unsettled.add(order.id, order, why, lambda: self._again(order, taken), tell=tell)
        return ended.result or order

    def leave_open(self, order: Order, why: str) -> None:
        """Register an order that is kept on purpose although its buyer is gone."""
        self._unsettled.add(order.id, order, why)

    async def _again(self, order: Order, taken: bool) -> bool:
        ended: Ended[Order] = Ended()
        await shielded(
            lambda: self._to_its_end(order, taken), ended, bound=self.settle_timeout, hurry=self.cancel_timeout
        )
        return ended.result is not None

    async def _to_its_end(self, order: Order, taken: bool) -> Order:
        finish, pause = taken or bool(order.sms), FIRST_PAUSE
        while is_open(order):
            try:
                order, settled = await self._act(order, finish)
            except PASSING:
                wrong_act = False
            else:
                if settled:
                    break
                wrong_act, finish = finish != bool(order.sms), bool(order.sms)
            if not wrong_act:
                await anyio.sleep(pause)
                pause = min(LONGEST_PAUSE, pause * 1.5)
        return order

    async def _act(self, order: Order, finish: bool) -> tuple[Order, bool]:
        """Ask once: the order as it is then, and whether nothing is left to do."""
        try:
            return await self._send(_calls.finish(order.id) if finish else _calls.cancel(order.id)), True
        except (AuthenticationError, AccountBlockedError):
            raise
        except RefusedError as refusal:
            if refusal.reason.lower() == "hosting order":
                return order, True
        try:
            state = await self._send(_calls.check(order.id))
        except NotFoundError:
            return order, True
        return state, not is_open(state)

    async def _send(self, call: Call[Order]) -> Order:
        return await self._sender.send(attrs.evolve(call, settling=True))
