"""The scope of one order, from its purchase or resumption to its settlement on every way out."""

from __future__ import annotations

import warnings
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from types import TracebackType

import anyio

from ._async_only import AsyncOnly
from ._codes import Extract, Inbox, Match, picked_by
from ._polling import Snapshot
from ._shield import outlives, unbroken
from ._values import OrderId, Phone, Sms, seconds
from .v1 import V1, Messages, Order
from .v1._lifecycle import is_hosting, is_open
from .v1._settle import Settlement, Settler
from .v1._waits import Held, Waits

NOT_ENTERED = "the order is bought on entering the scope: write `async with client.activation(...) as order:`"
SCOPE_OVER = "the scope of order {0} is over: ask inside its `async with`, or open another with `client.resume({0})`"


class Activation(AsyncOnly):
    """One order in a scope: ``async with client.activation("telegram") as order:``.

    On the way out, the order is finished if a code was taken, otherwise cancelled with a refund. An order that could
    not be settled in time is in `client.unsettled`.
    """

    _order: Order | None = None
    _held: Held | None = None

    def __init__(
        self, obtain: Callable[[], Awaitable[Order | Snapshot[Order]]], v1: V1, waits: Waits, settler: Settler
    ) -> None:
        self._obtain = obtain
        self._v1 = v1
        self._waits = waits
        self._settler = settler
        self._inbox = Inbox()
        self._entered = False
        self._taken = False

    @unbroken
    async def __aenter__(self) -> Activation:
        if self._entered:
            raise RuntimeError("a scope is entered once: ask the client for another")
        self._entered = True
        self._held = self._waits.hold(await self._obtain())
        self._order = self._held.tracked.subject
        return self

    @unbroken
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        held, order = self._inside, self.order
        self._held, self._order = None, order
        in_a_hurry = kind is not None and not issubclass(kind, Exception)  # cancelled, Ctrl-C, exit
        bound = self._settler.cancel_timeout if in_a_hurry else self._settler.settle_timeout
        held.taken = held.taken or self._taken
        settles = held.scopes == 1 and is_open(order) and not is_hosting(order)  # the last scope to leave settles
        try:
            if settles:
                await self._settler.settle(Settlement(order, held.taken, note=self._see), bound)
        except anyio.get_cancelled_exc_class() as cancelled:
            if not outlives(error, cancelled):
                raise
        finally:
            self._waits.release(held)
            if error is not None and self._settler.is_unsettled(order.id):
                error.add_note(f"order {order.id} could not be settled and is in client.unsettled")

    def _see(self, order: Order) -> None:
        self._order = order

    def __del__(self) -> None:
        if self._held is not None and self._order is not None:
            warnings.warn(f"order {self._order.id} was never settled: its scope was not left", ResourceWarning, 1, self)

    def __repr__(self) -> str:
        return f"<Activation: {self._order!r}>"

    @property
    def order(self) -> Order:
        """The order as last seen."""
        order = (self._held and self._held.tracked.subject) or self._order
        if order is None:
            raise RuntimeError(NOT_ENTERED)
        return order

    @property
    def id(self) -> OrderId:
        """The order's id. Store it, so that `client.resume(id)` can go on after a crash."""
        return self.order.id

    @property
    def phone(self) -> Phone:
        """The phone number: ``+`` and digits."""
        return self.order.phone

    @property
    def price(self) -> Decimal | None:
        """The price of the order, in the account's currency; None if the provider left it out."""
        return self.order.price

    async def code(
        self,
        *,
        timeout: float | timedelta | None = None,
        match: Match | None = None,
        extract: Extract | None = None,
    ) -> str:
        """Wait for the next code. Costs nothing beyond the order's price.

        The first call returns the newest code. Each further call returns the next code that came after it.

        Args:
            timeout: seconds or a timedelta after which to stop. By default, the wait lasts until ten seconds before the
                order's end.
            match: called with each message; the wait passes over a message for which it returns False.
            extract: finds the code in a text. It is asked before the provider's own code is used.
        Raises:
            WaitTimeoutError: `timeout` passed. The order is still open, and leaving the scope settles it.
            OrderExpiredError, OrderClosedError, NoCodeError: the order ended without a code.
        """
        return (await self.sms(timeout=timeout, match=match, extract=extract)).code or ""

    async def sms(
        self,
        *,
        timeout: float | timedelta | None = None,
        match: Match | None = None,
        extract: Extract | None = None,
    ) -> Sms:
        """Wait for the next message with a code.

        Args:
            timeout: seconds or a timedelta after which to stop. By default, the wait lasts until ten seconds before the
                order's end.
            match: called with each message; the wait passes over a message for which it returns False.
            extract: finds the code in a text. It is asked before the provider's own code is used.
        Raises:
            WaitTimeoutError: `timeout` passed. The order is still open, and leaving the scope settles it.
            OrderExpiredError, OrderClosedError, NoCodeError: the order ended without a code.
        """
        span, pick = seconds("timeout", timeout), picked_by(match, extract)
        key = self._inside.tracked.key
        sms = await self._waits.begin(key, pick, timeout=span, settle=True, inbox=self._inbox).sms()
        self._taken = True
        return sms

    def messages(self) -> Messages:
        """Iterate over the messages of the order, each once, until it closes.

        An order without messages is cancelled ten seconds before its end, while a cancel still refunds.
        """
        return Messages(self._waits, self._inside.tracked.key)

    async def ban(self) -> Order:
        """Report the number as already used and give it back. Believed to refund; takes 0.1 from the rating.

        Raises:
            OrderStateError: the order has an SMS or is over.
        """
        tracked = self._inside.tracked
        self._order = await self._v1.ban(tracked.key)
        self._waits.see(tracked, self._order)
        return self._order

    @property
    def _inside(self) -> Held:
        if self._held is None:
            raise RuntimeError(SCOPE_OVER.format(self._order.id) if self._order is not None else NOT_ENTERED)
        return self._held
