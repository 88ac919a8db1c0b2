"""AsyncClient: opens the layers below, hands out the houses and the waits, and closes everything in order."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Coroutine, Iterable
from datetime import timedelta, timezone, tzinfo
from functools import partial
from types import TracebackType
from typing import Any, Literal

import anyio
from anyio.lowlevel import EventLoopToken

from . import _settings as settings
from ._account import Account, SharedPace, Trust, account_of
from ._activation import Activation
from ._budget import Budget
from ._codes import Extract, Match, picked_by
from ._events import Event, Events
from ._polling import Snapshot
from ._sending import Clock, Http, HttpClient, Pace, Provider, Sender
from ._shield import Ended, outlives, shielded, unbroken
from ._unsettled import Unsettled
from ._values import OrderId, Phone, Sms, money, natural, positive, seconds, switch
from .rent import Rent, RentedNumber, RentMessages
from .rent._waits import Waits as RentWaits
from .v1 import V1, Messages, Offer, Order, Picker
from .v1 import _arguments as arguments
from .v1._api import Amount
from .v1._fallback import Fallback, offers_of
from .v1._pagination import OpenOrders
from .v1._purchases import Purchases
from .v1._settle import Settler
from .v1._waits import CodeWait, Waits

MOSCOW = timezone(timedelta(hours=3))
"""The rent API writes its times without a zone; the same provider's other API prints +03:00."""


class AsyncClient:
    """Both APIs behind one door: ``async with AsyncClient() as client:``.

    Opening a client sends nothing and spends nothing. It belongs to the event loop that first uses it.

    Args:
        token: the v1 key; `SMSAPI_TOKEN` when left out. Missing keys matter only to the calls that need them.
        rent_key: the rent key; `SMSAPI_RENT_KEY` when left out.
        v1_url: base of the v1 API; `SMSAPI_V1_URL`, else ``https://5sim.net/v1``.
        rent_url: base of the rent API; `SMSAPI_RENT_URL`, else ``https://onlinesim.io/api``.
        request_timeout: seconds one request may take, its whole body included.
        max_retries: how often a failed read, finish, cancel or ban is repeated. A purchase never is.
        pace: how fast requests leave. By default it is the account's: every client of this process with the same URL
            and key shares it.
        budget: what v1 purchases may cost and hold open; give several clients the same one when they spend together.
        rent_budget: the same for rented numbers, which are paid from another account.
        shared_key: other processes use the same keys, so a purchase whose answer was lost is never claimed.
        http_client: an `httpx.AsyncClient` of yours (or one of httpx2) to send through. It stays yours: it is not
            closed. A purchase leaves it once, even if it repeats requests by itself; one over aiohttp, which repeats
            where nobody can see it, is a ValueError.
        rent_key_in: where the rent key travels: ``header``, or ``query`` for hosts that know no other way.
        rent_timezone: the zone of the times in rent messages, which carry none.
        settle_timeout: seconds spent on settling an order on an ordinary way out.
        cancel_timeout: seconds spent on it when the caller is being cancelled.
        on_unsettled: called with every order or rented number that could not be brought to its end.
        on_event: called with every `Event`, in the task in which it happens; what it raises is only logged. Neither it
            nor `on_unsettled` is awaited.
    """

    def __init__(
        self,
        token: str | None = None,
        *,
        rent_key: str | None = None,
        v1_url: str | None = None,
        rent_url: str | None = None,
        request_timeout: float = 30.0,
        max_retries: int = 3,
        pace: Pace | None = None,
        budget: Budget | None = None,
        rent_budget: Budget | None = None,
        shared_key: bool = False,
        http_client: HttpClient | None = None,
        rent_key_in: Literal["header", "query"] = "header",
        rent_timezone: tzinfo = MOSCOW,
        settle_timeout: float = 120.0,
        cancel_timeout: float = 10.0,
        on_unsettled: Callable[[Order | RentedNumber], object] | None = None,
        on_event: Callable[[Event], object] | None = None,
    ) -> None:
        keys = settings.Keys(token, rent_key)
        del token, rent_key
        settings.check_kinds(pace=(pace, Pace), budget=(budget, Budget), rent_budget=(rent_budget, Budget))
        settings.check_kinds(rent_timezone=(rent_timezone, tzinfo))
        max_retries, shared_key = natural("max_retries", max_retries, 1_000), switch("shared_key", shared_key)
        settings.check_functions(on_unsettled=on_unsettled, on_event=on_event)
        targets = settings.targets(keys, v1_url, rent_url, rent_key_in)
        http = Http(targets, settings.span("request_timeout", request_timeout), http_client)
        self._accounts: dict[Provider, Account] = {
            provider: account_of(provider, target, self, http_client) for provider, target in targets.items()
        }
        events, budget = Events(on_event), budget or Budget()
        self._sender = Sender(
            http,
            pace or SharedPace(self._accounts),
            max_retries,
            events,
            clock=Clock(self._accounts["v1"].offset),
            joined=self._join,
        )
        self._unsettled: Unsettled[Order] = Unsettled(on_unsettled, events)
        self._kept: Unsettled[RentedNumber] = Unsettled(on_unsettled, events)
        self._settler = Settler(
            self._sender,
            self._unsettled,
            budget,
            settings.span("settle_timeout", settle_timeout),
            settings.span("cancel_timeout", cancel_timeout),
        )
        claims, rent_claims = self._accounts["v1"].claims, self._accounts["rent"].claims
        self._purchases = Purchases(self._sender, self._settler, budget, claims, shared_key=shared_key)
        self._waits = Waits(
            self._sender, self._settler, self._purchases.bought, claims.name, self._accounts["v1"].trust
        )
        self._closed = anyio.Event()
        self.v1: V1 = V1(self._sender, self._purchases, self._settler, budget)
        self._fallback = Fallback(self.v1, self._settler, budget)
        self.rent: Rent = Rent(
            self._sender, self._kept, rent_budget or Budget(), rent_timezone, rent_claims, shared_key=shared_key
        )
        # Its list is the record of rented numbers: there is no other, and the look at one number is the same call.
        self._rent_waits = RentWaits(
            self._sender, rent_timezone, self.rent.purchases.bought_at, rent_claims.name, Trust(earned=True)
        )

    def _join(self, loop: EventLoopToken) -> None:
        for account in self._accounts.values():
            account.join(self, loop)

    async def __aenter__(self) -> AsyncClient:
        self._sender.check_loop()
        return self

    @unbroken
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        in_a_hurry = kind is not None and not issubclass(kind, Exception)  # cancelled, Ctrl-C, exit
        try:
            await self._close(self._settler.cancel_timeout if in_a_hurry else self._settler.settle_timeout)
        except anyio.get_cancelled_exc_class() as cancelled:
            if not outlives(error, cancelled):
                raise

    def __repr__(self) -> str:
        return f"<AsyncClient: {'closed' if self._sender.closing else 'open'}, {len(self.unsettled)} unsettled>"

    @property
    def unsettled(self) -> tuple[Order | RentedNumber, ...]:
        """Orders and rented numbers this client could not bring to their end."""
        return (*self._unsettled.subjects, *self._kept.subjects)

    # -- waiting for codes ------------------------------------------------------------------------------------------

    async def await_code(
        self,
        order_id: OrderId,
        *,
        timeout: float | timedelta | None = None,
        settle: bool = True,
        match: Match | None = None,
        extract: Extract | None = None,
    ) -> str:
        """Wait for the code of an order, then finish the order; cancel it when none comes. Spends nothing by itself.

        The order is asked about after 4 s, then every 8 % of its age, between 2 and 30 s: about 64 requests for an
        order that gets nothing in 15 minutes, far fewer where a code comes, which is found 1.9 s after it arrived on
        average. A network that fails slows this down and ends no wait before its end. A code that arrived is
        returned even when the order was finished meanwhile.

        When five orders or more are awaited, the list of orders is asked once a second for all of them, a request for
        up to a thousand; the code is returned without waiting for the finish, which another wait sees to.

        Cancelled, the wait sends nothing more and the order stays open under its id. Cancelled while the finish of a
        found code is on its way, that finish may have happened: a new `await_code` returns the code.

        Args:
            timeout: seconds or a timedelta after which to stop, with a last look; the call is back at most 5 s later.
                Without it the wait lasts until ten seconds before the order's end, while cancelling still refunds.
                Where many orders end together it ends earlier, so that all are cancelled in time.
            settle: finish the order when the code is there, cancel it when the wait ends without one. Of several waits
                with it the last to leave does so; while a scope holds the order, only at the order's end.
            match: passes over the messages for which it is false.
            extract: finds the code in a text; asked before the provider's own code.
        Raises:
            OrderExpiredError: no code until the end; cancelled with a refund if that was still possible.
            WaitTimeoutError: no code within `timeout`, or nothing readable for 30 minutes. The order is cancelled with
                a refund, or in `client.unsettled` while the provider refuses that.
            OrderClosedError: the order was cancelled, banned or finished elsewhere.
            NoCodeError: messages came, but no code in them; `order.sms` holds the texts. The order is finished.
            NotFoundError: no such order under this token.
            AuthenticationError, AccountBlockedError: the wait is over, the order stays open.
            ClientClosedError: the client was closed; the order stays open.
        """
        wait = self._begin(order_id, timeout, settle, match, extract)
        try:
            while not wait.is_over():
                await wait.step()
        except BaseException as error:
            wait.give_up(error)
            raise
        return (await wait.end()).code or ""

    async def await_sms(
        self,
        order_id: OrderId,
        *,
        timeout: float | timedelta | None = None,
        settle: bool = True,
        match: Match | None = None,
        extract: Extract | None = None,
    ) -> Sms:
        """Wait for the message with the code: `await_code` that returns the whole message, its code filled in."""
        return await self._begin(order_id, timeout, settle, match, extract).sms()

    def _begin(
        self,
        order_id: OrderId,
        timeout: float | timedelta | None,
        settle: bool,
        match: Match | None,
        extract: Extract | None,
    ) -> CodeWait:
        span, pick = seconds("timeout", timeout), picked_by(match, extract)
        order_id, settle = positive("order_id", order_id), switch("settle", settle)
        return self._waits.begin(order_id, pick, timeout=span, settle=settle)

    def messages(self, order_id: OrderId) -> Messages:
        """Iterate over the messages of an order: each once, as it arrives, until the order closes.

        Outside a scope it settles nothing, and keeps no wait for the code from settling. The errors of a wait end it:
        NotFoundError, WaitTimeoutError after 30 minutes in which nothing could be read, ClientClosedError.
        """
        return Messages(self._waits, positive("order_id", order_id))

    async def await_rent_code(
        self,
        tzid: int,
        *,
        timeout: float | timedelta | None = None,
        match: Match | None = None,
        extract: Extract | None = None,
    ) -> str:
        """Wait for the next code of a rented number. Never closes the number; spends nothing.

        A code that this client handed over is not handed over again. Of the messages from before the first wait the
        newest code counts once; after that every message is handed over, oldest first.

        Args:
            timeout: seconds or a timedelta after which to stop; without it the wait lasts while the number does.
            match: passes over the messages for which it is false.
            extract: finds the code in a text; asked before the provider's own code.
        Raises:
            RentClosedError: the number is not active any more.
            WaitTimeoutError: no code within `timeout`, or nothing readable for 30 minutes.
            AuthenticationError, AccountBlockedError, ClientClosedError: the wait is over, the number stays yours.
        """
        pick = picked_by(match, extract)
        sms = await self._rent_waits.sms(positive("tzid", tzid), pick, timeout=seconds("timeout", timeout))
        return sms.code or ""

    def rent_messages(self, tzid: int) -> RentMessages:
        """Iterate over the messages of a rented number: each once, as it arrives, until the number is gone."""
        return RentMessages(self._rent_waits, positive("tzid", tzid))

    # -- scopes -----------------------------------------------------------------------------------------------------

    def activation(
        self,
        product: str,
        *,
        country: str = "any",
        operator: str = "any",
        forwarding: bool | None = None,
        number: Phone | None = None,
        reuse: bool = False,
        voice: bool = False,
        ref: str | None = None,
        max_price: Amount | None = None,
        offers: Picker | Iterable[Offer] | None = None,
    ) -> Activation:
        """A scope around one new order: bought on entering, settled on every way out.

        Finished when a code was taken, else cancelled with a refund. The arguments and errors are those of
        `v1.buy_activation`.

        Args:
            offers: where to try: a `v1.Picker`, which chooses from the price table read on entering, or offers in the
                order to try, for a minute at most. The next is tried only when the provider says that the last one has
                no numbers; offers above `max_price` or `Budget.per_order`, or found empty by this client within the
                last minute, are passed over. `operator` must be left ``any``.
        Raises:
            NoNumbersError: with offers, none of those tried had a number; the message lists them.
        """
        country, operator, product = arguments.slugs(country=country, operator=operator, product=product)
        arguments.buy_options(forwarding, number, reuse=reuse, voice=voice, ref=ref, ceiling=None)
        ceiling = None if max_price is None else money("max_price", max_price)

        def buy(**where: Any) -> Coroutine[Any, Any, Order]:  # no partial, whose repr would show the number
            return self.v1.buy_activation(
                product, forwarding=forwarding, number=number, reuse=reuse, voice=voice, ref=ref, **where
            )

        if offers is None:
            obtain = partial(buy, country=country, operator=operator, max_price=ceiling)
        else:
            chosen = offers if isinstance(offers, Picker) else offers_of(offers)
            obtain = partial(
                self._fallback.buy, buy, product, chosen, country=country, operator=operator, max_price=ceiling
            )
        return Activation(obtain, self.v1, self._waits, self._settler)

    def resume(self, order: Order | OrderId) -> Activation:
        """The same scope around an order that exists: after `reuse`, after `buy_activation`, after a crash.

        A code that is there already is returned at once. A hosting order is left open on the way out.
        """
        order_id = positive("order", order.id if isinstance(order, Order) else order)

        async def obtain() -> Order | Snapshot[Order]:
            return order if isinstance(order, Order) else await self._waits.look_up(order_id)

        return Activation(obtain, self.v1, self._waits, self._settler)

    def iter_open_orders(self, *, max_age: timedelta | None = None) -> OpenOrders:
        """Iterate over the orders still open, newest first: what a crash left behind. Free, a few requests.

        Args:
            max_age: how far back to look; without it an hour for activations, 31 days for hosting orders.
        """
        return self.v1.iter_open_orders(max_age)

    # -- closing ----------------------------------------------------------------------------------------------------

    @unbroken
    async def aclose(self) -> None:
        """Close the client: waits end, purchases in flight complete, what is unsettled is tried once more.

        Takes at most `settle_timeout` (`cancel_timeout` when the caller is being cancelled). Nothing is sent after it
        returns. May be called twice.
        """
        await self._close(self._settler.settle_timeout)

    async def _close(self, bound: float) -> None:
        self._sender.check_loop()
        if self._sender.closing:
            await self._closed.wait()
            return
        self._sender.start_closing()
        self._waits.poller.close()
        self._rent_waits.poller.close()
        ended: Ended[None] = Ended()
        try:
            await shielded(self._settle_all, ended, bound=bound, hurry=self._settler.cancel_timeout)
        finally:
            try:
                await shielded(self._sender.aclose, Ended())
            finally:
                self._waits.register_held()  # of scopes that its bound left no time for
                self._closed.set()  # a second closing waits for it
                self._tell_of_unsettled()

    def _tell_of_unsettled(self) -> None:
        self._unsettled.tell_of_all()
        if self.unsettled:
            ids = ", ".join(str(key) for key in (*self._unsettled.keys, *self._kept.keys))
            warnings.warn(f"closed with unsettled orders: {ids}", ResourceWarning, stacklevel=3)

    async def _settle_all(self) -> None:
        """Ask once more for what is unsettled; also for what joins it when all that is under way has ended."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._unsettled.try_again)
            await self._sender.under_way.nothing()
            self._waits.register_held()
            group.start_soon(self._unsettled.try_again)
