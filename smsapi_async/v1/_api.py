"""A method per endpoint of the v1 API. Each checks its arguments, builds a Call and hands it on; nothing more.

Source: https://5sim.net/docs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Literal

import attrs

from .._budget import Budget
from .._errors import OutcomeUnknownError, RefusedError, escaped
from .._quoting import masked
from .._sending import TABLE, Call, Lane, Repeat, Sender
from .._shield import unbroken
from .._values import OrderId, Phone, money
from . import _arguments as arguments
from . import _calls, _offers, _wire
from ._lifecycle import is_open
from ._matching import Purchase
from ._models import Country, Inbox, MaxPrice, Order, Page, Payment, Prices, Product, Profile, Status, Wallets
from ._names import Ceiling, Names
from ._pagination import Listing, OpenOrders, R, Rows, listing
from ._purchases import Purchases
from ._settle import Settler
from ._wire import Category

Amount = Decimal | int | float | str
"""Money as callers write it; converted by way of its text, so 0.1 means 0.1."""


ACTIVATION_AGE = timedelta(hours=1)
HOSTING_AGE = timedelta(days=31)
"""How far back open orders are looked for: the longest an order of each category lives."""


class V1:
    """The v1 API: a number for one verification SMS. Every method is one endpoint; `client.v1` is one of these."""

    def __init__(self, sender: Sender, purchases: Purchases, settler: Settler, budget: Budget) -> None:
        self._sender = sender
        self._purchases = purchases
        self._settler = settler
        self._budget = budget
        self._names = Names()

    # -- account ----------------------------------------------------------------------------------------------------

    async def profile(self) -> Profile:
        """Read the account: balance, rating, defaults. Free.

        Raises:
            AuthenticationError: the token is missing, wrong or expired.
        Source: 5sim.net/docs, "Balance request".
        """
        return await self._sender.send(_wire.call("profile", "user/profile", _wire.read_profile))

    async def orders(
        self,
        category: Category,
        *,
        limit: int | None = None,
        offset: int | None = None,
        order: str | None = None,
        reverse: bool | None = None,
    ) -> Page[Order]:
        """Read one page of the order history. Free.

        Args:
            category: ``activation`` or ``hosting``.
            limit: the most rows of the page.
            offset: rows to pass over.
            order: the field to sort by, such as ``id``.
            reverse: with ``order="id"``, True for the newest first.
        Source: 5sim.net/docs, "Orders history".
        """
        query = (("category", arguments.category(category)), *arguments.paging(limit, offset, order, reverse))
        asked = _wire.call("orders", "user/orders", _wire.read_page(Order), query=query)
        return self._heed(await self._sender.send(asked))

    def iter_orders(self, category: Category) -> Rows[Order]:
        """Iterate over the whole order history, newest first; each order once. Free, one request a page.

        Args:
            category: ``activation`` or ``hosting``.
        """
        return self._orders(arguments.category(category))

    def iter_open_orders(self, max_age: timedelta | None) -> OpenOrders:
        """Iterate over the open orders, for `AsyncClient.iter_open_orders`.

        Args:
            max_age: how far back to look; None for an hour of activations and 31 days of hosting orders.
        """
        max_age = arguments.age("max_age", max_age)
        ages: tuple[tuple[Category, timedelta], ...] = (("activation", ACTIVATION_AGE), ("hosting", HOSTING_AGE))
        return OpenOrders([self._orders(category, max_age or age) for category, age in ages])

    async def payments(
        self,
        *,
        limit: int | None = None,
        offset: int | None = None,
        order: str | None = None,
        reverse: bool | None = None,
    ) -> Page[Payment]:
        """Read one page of the account's book. Free.

        Args:
            limit: the most rows of the page.
            offset: rows to pass over.
            order: the field to sort by, such as ``id``.
            reverse: with ``order="id"``, True for the newest first.
        Source: 5sim.net/docs, "Payments history".
        """
        query = arguments.paging(limit, offset, order, reverse)
        return await self._sender.send(_wire.call("payments", "user/payments", _wire.read_page(Payment), query=query))

    def iter_payments(self) -> Rows[Payment]:
        """Iterate over the account's whole book, newest first; each entry once. Free, one request a page."""
        return self._rows("user/payments", Payment)

    # -- catalogue --------------------------------------------------------------------------------------------------

    async def products(self, country: str = "any", operator: str = "any") -> Mapping[str, Product]:
        """Read the products for sale, by product name. Free, needs no token. `prices` is closer to the price you pay.

        Args:
            country: the name of a country, such as ``england``; `countries` lists them. ``any`` means all.
            operator: a mobile network or pool, such as ``virtual53``; `Country.operators` lists those of a country.
                ``any`` means all.
        Raises:
            BadParameterError: the provider does not know the country or operator.
        Source: 5sim.net/docs, "Products request".
        """
        country, operator = arguments.slugs(country=country, operator=operator)
        asked = _wire.call("products", f"guest/products/{country}/{operator}", _wire.read_products, catalogue=True)
        with self._names.asked({"country": country, "operator": operator}):
            found = await self._sender.share(asked)
        self._names.learn("product", found)
        return found

    async def prices(self, *, country: str | None = None, product: str | None = None) -> Prices:
        """Read the price table, or the part for a country or a product. Free, needs no token.

        Without a filter it is 9 to 24 MB, and a dozen such calls in a few seconds reach the provider's limit. Nothing
        sold there is an empty table.

        Args:
            country: the name of a country, such as ``england``; `countries` lists them.
            product: the name of a product, such as ``telegram``; `products` lists them.
        Raises:
            BadParameterError: the provider does not know the country or product.
        Source: 5sim.net/docs, "Prices request" and the three after it.
        """
        filters = {"country": country, "product": product}
        query = {name: arguments.slug(name, value) for name, value in filters.items() if value is not None}
        read = _offers.read_prices(query.get("country"), query.get("product"))
        asked = _wire.call("prices", "guest/prices", read, query=query.items(), catalogue=True, bounds=TABLE)
        with self._names.asked(query):
            return await self._sender.share(asked)

    async def countries(self) -> Mapping[str, Country]:
        """Read the countries and the operators selling there, by country name. Free, needs no token.

        Source: 5sim.net/docs, "Countries list".
        """
        asked = _wire.call("countries", "guest/countries", _wire.read_countries, catalogue=True)
        found = await self._sender.share(asked)
        self._names.learn("country", found)
        self._names.learn("operator", (operator for country in found.values() for operator in country.operators))
        return found

    async def notification(self, lang: Literal["ru", "en"]) -> str:
        """Read the provider's notice to its users. Free. It may be empty or hold HTML: never render it raw.

        Args:
            lang: the language of the notice, ``ru`` or ``en``.
        Source: 5sim.net/docs, "Get notifications".
        """
        path = f"guest/flash/{arguments.slug('lang', lang)}"
        return await self._sender.share(_wire.call("notification", path, _wire.read_notification, catalogue=True))

    # -- purchases --------------------------------------------------------------------------------------------------

    @unbroken
    async def buy_activation(
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
    ) -> Order:
        """Buy a number for the code of one product. Spends the order's `price` at once; a cancel gives it back.

        The request is sent once. A lost answer is looked up in the order history, in about ten seconds. A caller
        cancelled meanwhile gets no order, and the one that was bought is cancelled again.

        Args:
            product: the name of a product, such as ``telegram``; `products` lists them.
            country: the name of a country, such as ``england``; `countries` lists them. ``any`` lets the provider
                choose.
            operator: a mobile network or pool, such as ``virtual53``; `Country.operators` lists those of a country.
                ``any`` lets the provider choose.
            forwarding: forward calls to `number`.
            number: where calls go: a Russian number of 11 digits.
            reuse: ask for a number that may be bought again with `reuse`.
            voice: ask for a number that a robot may call.
            ref: a referral key.
            max_price: the most that the number may cost, with at most four decimals. The provider knows it only with
                operator ``any``; with another operator it is a ValueError.
        Raises:
            NoNumbersError, InsufficientBalanceError, LowRatingError, BadParameterError, RateLimitError,
            ProviderUnavailableError: nothing was bought.
            NotSentError, NothingBoughtError: nothing was bought; safe to try again.
            SpendUnknownError: the answer was lost and the records did not settle it; see its `candidates`.
            PriceTooHighError: bought above `max_price`, and settled at once.
        Source: 5sim.net/docs, "Buy activation number".
        """
        country, operator, product = arguments.slugs(country=country, operator=operator, product=product)
        if max_price is not None and operator != "any":
            raise ValueError("max_price: the provider ignores it with a named operator, so operator must be 'any'")
        own = None if max_price is None else money("max_price", max_price)
        ceiling = self._budget.ceiling(own)
        told = ceiling if operator == "any" else None
        query = arguments.buy_options(forwarding, number, reuse=reuse, voice=voice, ref=ref, ceiling=told)
        asked = self._spending("buy_activation", f"user/buy/activation/{country}/{operator}/{product}", query)
        del number, ref, query  # a traceback keeps the locals of its frames
        sent = None if told is None else Ceiling(told, is_of_budget=told != own)
        with self._names.asked({"country": country, "operator": operator, "product": product}, sent):
            return await self._purchases.make_guarded(asked, Purchase("activation", product, country, ceiling=ceiling))

    @unbroken
    async def buy_hosting(self, product: str, *, country: str = "any", operator: str = "any") -> Order:
        """Keep a number for hours or days. Spends the order's `price`; there is no cancel.

        The request is sent once, and a lost answer looked up as in `buy_activation`. A caller cancelled meanwhile
        gets no order, and the one that was bought is in `client.unsettled`.

        Args:
            product: the length: ``3hours``, ``1day``, ``10days`` or ``1month``; `products` lists them.
            country: the name of a country, such as ``england``; `countries` lists them. ``any`` lets the provider
                choose.
            operator: a mobile network or pool, such as ``virtual53``; `Country.operators` lists those of a country.
                ``any`` lets the provider choose.
        Raises:
            NoNumbersError, InsufficientBalanceError, LowRatingError, BadParameterError, RateLimitError,
            ProviderUnavailableError: nothing was bought.
            NotSentError, NothingBoughtError: nothing was bought; safe to try again.
            SpendUnknownError: the answer was lost and the records did not settle it; see its `candidates`.
        Source: 5sim.net/docs, "Buy hosting number".
        """
        country, operator, product = arguments.slugs(country=country, operator=operator, product=product)
        asked = self._spending("buy_hosting", f"user/buy/hosting/{country}/{operator}/{product}")
        purchase = Purchase("hosting", product, country, ceiling=self._budget.per_order)
        with self._names.asked({"country": country, "operator": operator, "product": product}):
            return await self._purchases.make(asked, purchase)

    @unbroken
    async def reuse(self, product: str, phone: Phone) -> Order:
        """Buy a number again that was bought with ``reuse=True``. Spends; the provider does not say how much.

        Args:
            product: the product of the order, `Order.product`.
            phone: the phone of the order, `Order.phone`, with or without its plus.
        Raises:
            ReuseRefusedError: not bought for reuse, too late, or the order was cancelled. Nothing was bought.
            SpendUnknownError: the answer was lost and the records did not settle it; see its `candidates`.
            and those of `buy_activation`.
        Source: 5sim.net/docs, "Re-buy number".
        """
        product = arguments.slug("product", product)
        digits = arguments.phone_digits("phone", phone, 4, 15)
        asked = self._spending("reuse", f"user/reuse/{product}/{digits}")
        purchase = Purchase("activation", product, phone=digits, ceiling=self._budget.per_order)
        del phone, digits  # a traceback keeps the locals of its frames
        with self._names.asked({"product": product}):
            return await self._purchases.make_guarded(asked, purchase)

    # -- one order --------------------------------------------------------------------------------------------------

    async def check(self, id: Order | OrderId) -> Order:
        """Read an order and its messages. Free.

        Args:
            id: the order, or its id.
        Raises:
            NotFoundError: no such order under this token.
        Source: 5sim.net/docs, "Check order (Get SMS)".
        """
        return self._settler.heed(await self._sender.send(_calls.check(arguments.order_id("id", id))))

    async def finish(self, id: Order | OrderId) -> Order:
        """Close an order that got its SMS. Costs no more, adds 0.5 to the rating. Repeated when its answer is lost.

        Args:
            id: the order, or its id.
        Raises:
            OrderStateError: it has no SMS, is over, or is a hosting order.
            OutcomeUnknownError: no answer came, or one that shows the order still open.
        Source: 5sim.net/docs, "Finish order".
        """
        order_id = arguments.order_id("id", id)
        return await self._end(_calls.finish(order_id), order_id, Status.FINISHED)

    async def cancel(self, id: Order | OrderId) -> Order:
        """Give an order without SMS back. Refunds it, takes 0.1 from the rating. Repeated when its answer is lost.

        Args:
            id: the order, or its id.
        Raises:
            OrderStateError: it has an SMS, is over, is a hosting order, or it is too early to cancel.
            OutcomeUnknownError: no answer came, or one that shows the order still open: it may be paid for.
        Source: 5sim.net/docs, "Cancel order".
        """
        order_id = arguments.order_id("id", id)
        return await self._end(_calls.cancel(order_id), order_id, Status.CANCELED)

    async def ban(self, id: Order | OrderId) -> Order:
        """Report a number as used already and give it back. Believed to refund; takes 0.1 from the rating.

        Args:
            id: the order, or its id.
        Raises:
            OrderStateError: it has an SMS, is over, or is a hosting order.
            OutcomeUnknownError: no answer came, or one that shows the order still open: it may be paid for.
        Source: 5sim.net/docs, "Ban order".
        """
        order_id = arguments.order_id("id", id)
        return await self._end(_calls.ban(order_id), order_id, Status.BANNED)

    async def inbox(self, id: Order | OrderId) -> Inbox:
        """Read all messages of a hosting order. Free.

        Args:
            id: the order, or its id.
        Raises:
            NotFoundError: no such order, or the provider has switched the inbox off.
        Source: 5sim.net/docs, "SMS inbox list".
        """
        path = f"user/sms/inbox/{arguments.order_id('id', id)}"
        return await self._sender.send(_wire.call("inbox", path, _wire.read_inbox))

    # -- the account's own price ceilings ---------------------------------------------------------------------------

    async def max_prices(self) -> tuple[MaxPrice, ...]:
        """Read the account's price ceilings. Free. Source: 5sim.net/docs, "Max prices"."""
        return await self._sender.send(_wire.call("max_prices", "user/max-prices", _wire.read_max_prices))

    async def set_max_price(self, product: str, price: Amount) -> None:
        """Set the account's price ceiling for a product. Free; repeated when its answer is lost.

        Args:
            product: the name of a product, such as ``telegram``; `products` lists them.
            price: the most that a number for the product may cost, in the account's currency.
        Source: 5sim.net/docs, "Max prices".
        """
        amount = money("price", price)
        number = int(amount) if amount == amount.to_integral_value() else float(amount)
        body = {"product_name": arguments.slug("product", product), "price": number}
        with self._names.asked({"product": product}):
            await self._sender.send(self._ceiling("set_max_price", "POST", body))

    async def delete_max_price(self, product: str) -> None:
        """Drop the account's price ceiling for a product. Free; repeated when its answer is lost.

        Args:
            product: the product of the ceiling, `MaxPrice.product`.
        Raises:
            NotFoundError: there is none.
        Source: 5sim.net/docs, "Max prices".
        """
        body = {"product_name": arguments.slug("product", product)}
        await self._sender.send(self._ceiling("delete_max_price", "DELETE", body))

    # -- partners ---------------------------------------------------------------------------------------------------

    async def vendor(self) -> Profile:
        """Read the partner's account. Free. Source: 5sim.net/docs, "Vendor statistic"."""
        return await self._sender.send(_wire.call("vendor", "user/vendor", _wire.read_profile))

    async def wallets(self) -> Wallets:
        """Read what each payment system holds for the partner, by its name. Free.

        Source: 5sim.net/docs, "Wallets reserve".
        """
        return await self._sender.send(_wire.call("wallets", "vendor/wallets", _wire.read_wallets))

    async def vendor_orders(
        self,
        category: Category,
        *,
        limit: int | None = None,
        offset: int | None = None,
        order: str | None = None,
        reverse: bool | None = None,
    ) -> Page[Order]:
        """Read one page of the partner's orders. Free.

        Args:
            category: ``activation`` or ``hosting``.
            limit: the most rows of the page.
            offset: rows to pass over.
            order: the field to sort by, such as ``id``.
            reverse: with ``order="id"``, True for the newest first.
        Source: 5sim.net/docs, "Vendor orders history".
        """
        query = (("category", arguments.category(category)), *arguments.paging(limit, offset, order, reverse))
        return await self._sender.send(
            _wire.call("vendor_orders", "vendor/orders", _wire.read_page(Order), query=query)
        )

    def iter_vendor_orders(self, category: Category) -> Rows[Order]:
        """Iterate over the partner's whole order history, newest first; each order once. Free, one request a page.

        Args:
            category: ``activation`` or ``hosting``.
        """
        return self._rows("vendor/orders", Order, category=arguments.category(category))

    async def vendor_payments(
        self,
        *,
        limit: int | None = None,
        offset: int | None = None,
        order: str | None = None,
        reverse: bool | None = None,
    ) -> Page[Payment]:
        """Read one page of the partner's book. Free.

        Args:
            limit: the most rows of the page.
            offset: rows to pass over.
            order: the field to sort by, such as ``id``.
            reverse: with ``order="id"``, True for the newest first.
        Source: 5sim.net/docs, "Vendor payments history".
        """
        query = arguments.paging(limit, offset, order, reverse)
        return await self._sender.send(
            _wire.call("vendor_payments", "vendor/payments", _wire.read_page(Payment), query=query)
        )

    def iter_vendor_payments(self) -> Rows[Payment]:
        """Iterate over the partner's whole book, newest first; each entry once. Free, one request a page."""
        return self._rows("vendor/payments", Payment)

    @unbroken
    async def withdraw(
        self,
        *,
        receiver: str,
        method: Literal["visa", "qiwi", "yandex"],
        amount: Amount,
        fee: Literal["fkwallet", "payeer", "unitpay"],
    ) -> None:
        """Pay out to the partner. Spends `amount`. Sent once; the provider keeps no record to look a lost answer up in.

        Args:
            receiver: the wallet or card that receives the money.
            method: how the money is paid out: ``visa``, ``qiwi`` or ``yandex``.
            amount: the money to pay out, in the account's currency.
            fee: the payment system that the money is taken from: ``fkwallet``, ``payeer`` or ``unitpay``.
        Raises:
            SpendUnknownError: the answer was lost, or says what no documentation explains; ask the provider.
        Source: 5sim.net/docs, "Create payouts".
        """
        body = {
            "receiver": arguments.account("receiver", receiver),
            "method": arguments.one_of("method", method, ("visa", "qiwi", "yandex")),
            "amount": f"{money('amount', amount):f}",
            "fee": arguments.one_of("fee", fee, ("fkwallet", "payeer", "unitpay")),
        }
        asked = _wire.call(
            "withdraw",
            "vendor/withdraw",
            _wire.read_withdrawal,
            method="POST",
            body=body,
            repeat=Repeat.NEVER,
            lane=Lane.PURCHASE,
        )
        del receiver, body  # a traceback keeps the locals of its frames
        await self._purchases.withdraw(asked)

    # -- shared by the methods above --------------------------------------------------------------------------------

    def _spending(self, name: str, path: str, query: tuple[tuple[str, str], ...] = ()) -> Call[Order]:
        return _wire.call(name, path, _wire.read_order, repeat=Repeat.NEVER, lane=Lane.PURCHASE, query=query)

    async def _end(self, call: Call[Order], order_id: int, asked: Status) -> Order:
        """End an order. The state decides after a 200 that shows it open, and after a refusal that follows a loss."""
        try:
            order = self._settler.heed(await self._sender.send(call))
        except RefusedError as refusal:
            if not refusal.after_loss or (order := await self._state(order_id, call)).status != asked:
                raise
        if is_open(order):
            order = await self._state(order_id, call)
        if is_open(order):
            what = f"the provider answered 200, and the order is still {escaped(masked(order.status))}"
            raise OutcomeUnknownError(what, call=call.name)
        return order

    async def _state(self, order_id: int, act: Call[Order]) -> Order:
        """The order after an act upon it. It is asked for as urgently as the act, also while looks have stopped."""
        asked = attrs.evolve(_calls.check(order_id), lane=act.lane)
        return self._settler.heed(await self._sender.send(asked))

    def _rows(
        self,
        path: str,
        model: type[R],
        *,
        category: Category | None = None,
        max_age: timedelta | None = None,
        noted: Callable[[Page[R]], object] | None = None,
    ) -> Rows[R]:
        async def fetch(offset: int, reverse: bool) -> Listing[R]:
            listed = await self._sender.send(listing(path, model, offset, reverse=reverse, category=category))
            if noted is not None:
                noted(listed.page)
            return listed

        name = f"v1.{path.removeprefix('user/').replace('/', '_')}"
        return Rows(fetch, call=name, max_age=max_age)

    def _orders(self, category: Category, max_age: timedelta | None = None) -> Rows[Order]:
        return self._rows("user/orders", Order, category=category, max_age=max_age, noted=self._heed)

    def _heed(self, page: Page[Order]) -> Page[Order]:
        """Take in what a page shows of orders: one that is over is no longer open, nor unsettled."""
        for order in page.items:
            self._settler.heed(order)
        return page

    def _ceiling(self, name: str, method: str, body: Mapping[str, object]) -> Call[None]:
        return _wire.call(name, "user/max-prices", _wire.read_nothing, method=method, body=body, repeat=Repeat.IF_LOST)
