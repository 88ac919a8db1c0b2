"""AsyncClient: opens the layers below, hands out both APIs and the waits, and closes everything in order."""

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
from ._async_only import AsyncOnly
from ._budget import Budget
from ._codes import Extract, Match, picked_by
from ._events import Event, Events
from ._polling import Snapshot
from ._sending import Clock, Http, HttpClient, Pace, Provider, Sender
from ._shield import Ended, outlives, shielded, unbroken
from ._unsettled import Unsettled
from ._values import OrderId, Phone, Sms, money, natural, seconds, switch
from .rent import Rent, RentedNumber, RentMessages
from .rent._arguments import tzid_of
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
"""The rent API writes its times without a zone. The same provider's other API prints +03:00."""


class AsyncClient(AsyncOnly):
    """One client for both APIs: ``async with AsyncClient() as client:``.

    Opening a client sends nothing and spends nothing. A client belongs to the event loop that first uses it.

    Args:
        token: the v1 key; by default `SMSAPI_TOKEN`. A missing key matters only to the calls that need it.
        rent_key: the rent key; by default `SMSAPI_RENT_KEY`.
        v1_url: the base URL of the v1 API; by default `SMSAPI_V1_URL`, or ``https://5sim.net/v1`` if that is not set.
        rent_url: the base URL of the rent API; by default `SMSAPI_RENT_URL`, or ``https://onlinesim.io/api`` if that is
            not set.
        request_timeout: seconds that one request may take, including its whole body.
        max_retries: how often a failed read, finish, cancel or ban is repeated. A purchase that was sent is never
            repeated.
        pace: how fast requests leave. By default, every client of this process with the same URL and key shares one
            pace.
        budget: limits for the cost and the number of open v1 purchases. Give several clients the same budget when they
            spend together.
        rent_budget: the same for rented numbers, which are paid from another account.
        shared_key: True if other processes use the same keys. A purchase whose answer was lost is then never claimed.
        http_client: your own `httpx.AsyncClient` (or one of httpx2) to send through. It is not closed with this client.
            A purchase leaves it once, even if it repeats requests by itself. A client over aiohttp is a ValueError,
            because its repeats cannot be seen.
        rent_key_in: where the rent key travels: ``header``, or ``query`` for hosts that accept only that.
        rent_timezone: the time zone of rent messages, whose times carry none.
        settle_timeout: seconds for settling an order on an ordinary way out.
        cancel_timeout: seconds for settling an order while the caller is being cancelled.
        on_unsettled: called with every order or rented number that could not be brought to its end.
        on_event: called with every `Event`, in the task in which the event happens. An exception from it is only
            logged. Neither `on_event` nor `on_unsettled` is awaited.
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
        v1, rent = self._accounts["v1"], self._accounts["rent"]
        events, budget = Events(on_event), budget or Budget()
        self._sender = Sender(
            http,
            pace or SharedPace(self._accounts),
            max_retries,
            events,
            clock=Clock(v1.offset),
            joined=self._join,
        )
        self._unsettled: Unsettled[Order] = Unsettled(on_unsettled, events)
        self._kept: Unsettled[RentedNumber] = Unsettled(on_unsettled, events)
        self._settler = Settler(
            self._sender,
            self._unsettled,
            budget,
            v1.claims,
            settle_timeout=settings.span("settle_timeout", settle_timeout),
            cancel_timeout=settings.span("cancel_timeout", cancel_timeout),
        )
        self._purchases = Purchases(self._sender, self._settler, budget, v1.claims, shared_key=shared_key)
        self._waits = Waits(self._sender, self._settler, self._purchases.bought, v1.claims.name, v1.trust)
        self._closed = anyio.Event()
        self.v1: V1 = V1(self._sender, self._purchases, self._settler, budget)
        self._fallback = Fallback(self.v1, self._settler, budget)
        self.rent: Rent = Rent(
            self._sender, self._kept, rent_budget or Budget(), rent_timezone, rent.claims, shared_key=shared_key
        )
        # The rent list is trusted from the start. It is the only record of rented numbers, and the look at one number
        # is the same call.
        self._rent_waits = RentWaits(self._sender, rent_timezone, self.rent.purchases, Trust(earned=True))

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
        """Orders and rented numbers that this client could not bring to their end."""
        return (*self._unsettled.subjects, *self._kept.subjects)

    # -- waiting for codes ------------------------------------------------------------------------------------------

    async def await_code(
        self,
        order_id: Order | OrderId,
        *,
        timeout: float | timedelta | None = None,
        settle: bool = True,
        match: Match | None = None,
        extract: Extract | None = None,
    ) -> str:
        """Wait for the code of an order, then finish the order; without a code, cancel it. Spends nothing by itself.

        The order is asked about after 4 s, then every 8 % of its age, between 2 and 30 s. An order that gets nothing in
        15 minutes takes about 64 requests. An order whose code comes takes far fewer, and the code is found 1.9 s after
        its arrival on average. A failing network slows this down, but ends no wait before its end. A code that arrived
        is returned even if the order was finished meanwhile.

        When five orders or more are awaited, the list of orders is asked once a second for all of them. One request
        answers for up to a thousand orders. The code is then returned without waiting for the finish, which another
        wait does.

        A cancelled wait sends nothing more, and the order stays open under its id. If the wait is cancelled while the
        finish of a found code is on its way, that finish may have happened. A new `await_code` then returns the code.

        Args:
            order_id: the order, or its id.
            timeout: seconds or a timedelta after which to stop, with a last look. The call returns at most 5 s later.
                By default, the wait lasts until ten seconds before the order's end, while a cancel still refunds. If
                many orders end together, the wait ends earlier, so that all of them are cancelled in time.
            settle: finish the order when the code is there, and cancel it when the wait ends without a code. If several
                waits have `settle`, the last one to leave settles the order. While a scope holds the order, a wait
                settles it only at the end of the order.
            match: called with each message; the wait passes over a message for which it returns False.
            extract: finds the code in a text. It is asked before the provider's own code is used.
        Raises:
            OrderExpiredError: no code came until the end. The order is cancelled with a refund if that was still
                possible.
            WaitTimeoutError: no code came within `timeout`, or nothing readable for 30 minutes. The order is cancelled
                with a refund, or in `client.unsettled` while the provider refuses that.
            OrderClosedError: the order was cancelled, banned or finished elsewhere.
            NoCodeError: messages came, but without a code; they are in `sms` of the error. The order is finished.
            NotFoundError: this token has no such order.
            AuthenticationError, AccountBlockedError: the wait is over, and the order stays open.
            ClientClosedError: the client was closed, and the order stays open.
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
        order_id: Order | OrderId,
        *,
        timeout: float | timedelta | None = None,
        settle: bool = True,
        match: Match | None = None,
        extract: Extract | None = None,
    ) -> Sms:
        """Wait for the message with the code: like `await_code`, but return the whole message with its code.

        Args:
            order_id: the order, or its id.
            timeout: seconds or a timedelta after which to stop. By default, the wait lasts until ten seconds before the
                order's end.
            settle: finish the order when the code is there, and cancel it when the wait ends without a code.
            match: called with each message; the wait passes over a message for which it returns False.
            extract: finds the code in a text. It is asked before the provider's own code is used.
        Raises:
            NoCodeError: the wait ended without a code, for the reasons listed at `await_code`.
        """
        return await self._begin(order_id, timeout, settle, match, extract).sms()

    def _begin(
        self,
        order_id: Order | OrderId,
        timeout: float | timedelta | None,
        settle: bool,
        match: Match | None,
        extract: Extract | None,
    ) -> CodeWait:
        span, pick = seconds("timeout", timeout), picked_by(match, extract)
        key, settle = arguments.order_id("order_id", order_id), switch("settle", settle)
        return self._waits.begin(key, pick, timeout=span, settle=settle)

    def messages(self, order_id: Order | OrderId) -> Messages:
        """Iterate over the messages of an order: each once, as it arrives, until the order closes.

        Outside a scope, the iteration settles nothing, and does not keep a wait for the code from settling. These
        errors of a wait end it: NotFoundError, WaitTimeoutError after 30 minutes in which nothing could be read, and
        ClientClosedError.

        Args:
            order_id: the order, or its id.
        """
        return Messages(self._waits, arguments.order_id("order_id", order_id))

    async def await_rent_code(
        self,
        tzid: RentedNumber | int,
        *,
        timeout: float | timedelta | None = None,
        match: Match | None = None,
        extract: Extract | None = None,
    ) -> str:
        """Wait for the next code of a rented number. Never closes the number; spends nothing.

        A client hands over each code only once. Of the messages from before the first wait, only the newest code is
        handed over. After that, every message is handed over, oldest first.

        Args:
            tzid: the rented number, or its tzid.
            timeout: seconds or a timedelta after which to stop. By default, the wait lasts as long as the number.
            match: called with each message; the wait passes over a message for which it returns False.
            extract: finds the code in a text. It is asked before the provider's own code is used.
        Raises:
            RentClosedError: the number is no longer active.
            WaitTimeoutError: no code came within `timeout`, or nothing readable for 30 minutes.
            AuthenticationError, AccountBlockedError, ClientClosedError: the wait is over, and the number stays yours.
        """
        pick = picked_by(match, extract)
        sms = await self._rent_waits.sms(tzid_of(tzid), pick, timeout=seconds("timeout", timeout))
        return sms.code or ""

    def rent_messages(self, tzid: RentedNumber | int) -> RentMessages:
        """Iterate over the messages of a rented number: each once, as it arrives, until the number is gone.

        Args:
            tzid: the rented number, or its tzid.
        """
        return RentMessages(self._rent_waits, tzid_of(tzid))

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
        """Open a scope around one new order, which is bought on entering and settled on every way out.

        The order is finished if a code was taken, otherwise cancelled with a refund. Entering raises the errors of
        `v1.buy_activation`.

        Args:
            product: the name of a product, such as ``telegram``; `v1.products` lists them.
            country: the name of a country, such as ``england``; `v1.countries` lists them. ``any`` lets the provider
                choose.
            operator: a mobile network or pool, such as ``virtual53``; `Country.operators` lists those of a country.
                ``any`` lets the provider choose.
            forwarding: forward calls to `number`.
            number: where calls go: a Russian number of 11 digits.
            reuse: ask for a number that may be bought again with `v1.reuse`.
            voice: ask for a number that a robot may call.
            ref: a referral key.
            max_price: the most that the number may cost, with at most four decimals; only with operator ``any``.
            offers: where to try to buy: a `v1.Picker`, or offers in the order to try. A picker chooses from the price
                table, which is read on entering. Offers of your own are tried for a minute at most. The next offer is
                tried only when the provider says that the last one has no numbers. An offer is passed over if it costs
                more than `max_price` or `Budget.per_order`, or if this client found it empty within the last minute.
                `operator` must be left ``any``.
        Raises:
            NoNumbersError: with `offers`, none of the offers tried had a number; the message lists them.
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
        """Open the same scope around an order that exists: after `reuse`, after `buy_activation`, or after a crash.

        A code that is already there is returned at once. A hosting order is left open on the way out.

        Args:
            order: the order, or its id.
        """
        order_id = arguments.order_id("order", order)

        async def obtain() -> Order | Snapshot[Order]:
            return order if isinstance(order, Order) else await self._waits.look_up(order_id)

        return Activation(obtain, self.v1, self._waits, self._settler)

    def iter_open_orders(self, *, max_age: timedelta | None = None) -> OpenOrders:
        """Iterate over the orders still open, newest first, for example after a crash. Free, a few requests.

        Args:
            max_age: how far back to look. By default, an hour for activations and 31 days for hosting orders.
        """
        return self.v1.iter_open_orders(max_age)

    # -- closing ----------------------------------------------------------------------------------------------------

    @unbroken
    async def aclose(self) -> None:
        """Close the client: waits end, purchases in flight complete, and unsettled orders are tried once more.

        Takes at most `settle_timeout`, or `cancel_timeout` when the caller is being cancelled. Nothing is sent after it
        returns. `aclose` may be called twice.
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
                self._waits.register_held()  # also of scopes for which `bound` left no time
                self._closed.set()  # a second call that closes waits for this
                self._tell_of_unsettled()

    def _tell_of_unsettled(self) -> None:
        self._unsettled.tell_of_all()
        if self.unsettled:
            ids = ", ".join(str(key) for key in (*self._unsettled.keys, *self._kept.keys))
            warnings.warn(f"closed with unsettled orders: {ids}", ResourceWarning, stacklevel=3)

    async def _settle_all(self) -> None:
        """Try the unsettled orders once more, and also those that join them when everything under way has ended."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._unsettled.try_again)
            await self._sender.under_way.nothing()
            self._waits.register_held()
            group.start_soon(self._unsettled.try_again)
