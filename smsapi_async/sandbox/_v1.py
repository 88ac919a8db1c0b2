"""The v1 face: request bytes in, reply bytes out. Routes, keys, parameters and statuses; the world decides the rest.
Source: docs/protocol/v1.md sections 1 and 4."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from operator import attrgetter
from typing import Any, TypeVar

from attrs import frozen

from ._accounts import Entry
from ._ledger import Withdrawal
from ._message import RefusalError, Request, Response, json_reply, no_route, number, text_reply
from ._orders import Order, Wish
from ._quirks import Quirks
from ._shapes import Shapes
from ._vendor import price_page
from ._world import World

Row = TypeVar("Row", Order, Entry)

OTHER_STATUSES = (
    ("user/buy/", "no free phones", 200),
    ("user/check/", "order not found", 404),
    ("user/", "record not found", 404),
)
"""Every other refusal is a 400 (docs/protocol/v1.md section 4)."""

ORDER_FIELDS = {
    "id": "id", "created_at": "created_at", "expires": "expires_at", "price": "price", "product": "product",
    "status": "status", "phone": "phone", "operator": "operator", "country": "country",
}  # fmt: skip
PAYMENT_FIELDS = {"id": "id", "ID": "id", "created_at": "at", "CreatedAt": "at", "amount": "amount", "Amount": "amount"}


FORWARDED = re.compile(r"[0-9]{11}", re.ASCII)
"""A Russian number without its plus. The seed's own examples send the literal `$number`."""


class V1:
    """Answers every path under `/v1/`."""

    def __init__(self, world: World, token: str, quirks: Quirks) -> None:
        self._world = world
        self._scenario = world.scenario
        self._token = token
        self._quirks = quirks
        self._shapes = Shapes(world.scenario, quirks)

    def answer(self, request: Request) -> Response:
        """Return the reply to one request; the world must have been advanced to now."""
        path = request.path.removeprefix("/v1/")
        for route in ROUTES:
            match = route.pattern.fullmatch(path)
            if match is None or route.method != request.method:
                continue
            if not path.startswith("guest/") and request.headers.get("authorization") != f"Bearer {self._token}":
                return text_reply(401, "")
            try:
                return route.act(self, request, *match.groups())
            except RefusalError as refusal:
                return text_reply(_status(path, refusal.text), refusal.text)
        return no_route()

    def profile(self, _request: Request) -> Response:
        """The account."""
        return json_reply(self._shapes.profile(self._world))

    def orders(self, request: Request) -> Response:
        """A page of one category of the history."""
        category = request.query.get("category")
        if category not in {"activation", "hosting"}:
            raise RefusalError("category is incorrect")  # no source prints this text
        until = self._shown_until
        visible = [o for o in self._world.orders.values() if o.category == category and o.created_at <= until]
        page, total = self._page(visible, request.query, ORDER_FIELDS)
        return json_reply(self._shapes.orders_page(page, total, self._world.now))

    def payments(self, request: Request) -> Response:
        """A page of the payments."""
        until = self._shown_until
        visible = [entry for entry in self._world.account.entries if entry.at <= until]
        page, total = self._page(visible, request.query, PAYMENT_FIELDS)
        return json_reply(self._shapes.payments_page(page, visible, total))

    @property
    def _shown_until(self) -> datetime:
        return self._world.now - self._quirks.history_lag

    def _page(self, rows: Iterable[Row], query: dict[str, str], fields: dict[str, str]) -> tuple[Sequence[Row], int]:
        """Return a page of rows and their total: oldest first, or newest first by `reverse`."""
        order = query.get("order")
        backwards = _switch(query.get("reverse"))
        if backwards and self._quirks.reverse_is_empty:
            return (), 1
        name = fields.get(order or "id", "id")
        found = sorted(rows, key=attrgetter(name, "id"), reverse=backwards)
        total = len(found) if self._scenario.total is None else self._scenario.total
        offset, limit = number(query.get("offset"), 0), number(query.get("limit"), self._scenario.default_limit)
        if self._quirks.page_cap is not None:
            limit = min(limit, self._quirks.page_cap)
        return found[offset : offset + limit], total

    def list_max_prices(self, _request: Request) -> Response:
        """The account's own price limits."""
        name = self._scenario.max_prices_stamp
        rows = [
            {"id": 14 + position, "product": product, "price": self._shapes.money(price), name: stamp}
            for position, (product, price) in enumerate(self._world.order_book.max_prices.items())
            for stamp in [self._shapes.stamp(self._world.timeline.start, digits=6)]
        ]
        alone = self._scenario.max_prices_form == "object" and len(rows) == 1
        return json_reply(rows[0] if alone else rows)

    def set_max_price(self, request: Request) -> Response:
        """Create or change a price limit. The body of the answer is documented nowhere: empty."""
        body = _json_object(request.body)
        product = _product_name(body)
        price = body.get("price")
        if isinstance(price, bool) or not isinstance(price, int | Decimal) or price <= 0:
            raise RefusalError("any error")
        self._world.order_book.max_prices[product] = Decimal(price)
        return self._nothing_to_say()

    def delete_max_price(self, request: Request) -> Response:
        """Remove a price limit."""
        if self._world.order_book.max_prices.pop(_product_name(_json_object(request.body)), None) is None:
            raise RefusalError("record not found")
        return self._nothing_to_say()

    def _nothing_to_say(self) -> Response:
        return json_reply({}) if self._scenario.empty_answer else text_reply(200, "")

    def countries(self, _request: Request) -> Response:
        """The countries."""
        return json_reply(self._world.catalogue.country_map())

    def products(self, _request: Request, country: str, operator: str, product: str | None) -> Response:
        """The products of a place, or one bare product."""
        found = self._world.catalogue.product_map(country, operator)
        if product is None:
            return json_reply(found)
        if product not in found:
            raise RefusalError("no product")
        return json_reply(found[product])

    def prices(self, request: Request) -> Response:
        """The offers; the nesting depends on the filters."""
        query = request.query
        return json_reply(self._world.catalogue.price_tree(query.get("country"), query.get("product")))

    def flash(self, _request: Request, lang: str) -> Response:
        """The notification of the site."""
        if lang not in self._scenario.flash:
            return no_route()
        return json_reply({"text": self._scenario.flash[lang]})

    def buy_activation(self, request: Request, country: str, operator: str, product: str) -> Response:
        """Sell an activation. The texts of the two refusals are ours: none is documented."""
        query = request.query
        if query.get("maxPrice") and _amount(query["maxPrice"]) is None:
            raise RefusalError("maxPrice is incorrect")
        if query.get("number") and not FORWARDED.fullmatch(query["number"]):
            raise RefusalError("number is incorrect")
        order = self._world.order_book.buy(
            Wish(
                country=country,
                operator=operator,
                product=product,
                max_price=_amount(query.get("maxPrice")),
                forwarding=_switch(query.get("forwarding")),
                forwarding_number=query.get("number")
                or (self._scenario.forwarding_number if "forwarding" in query else ""),
                reuse=_switch(query.get("reuse")),
                voice=_switch(query.get("voice")),
            )
        )
        return json_reply(self._shapes.bought(order))

    def buy_hosting(self, _request: Request, country: str, operator: str, product: str) -> Response:
        """Sell a hosting order."""
        return json_reply(self._shapes.bought(self._world.order_book.buy_hosting(country, operator, product)))

    def reuse(self, _request: Request, product: str, number: str) -> Response:
        """Sell a number again."""
        return json_reply(self._shapes.bought(self._world.order_book.reuse(product, number)))

    def check(self, _request: Request, order_id: str) -> Response:
        """The state of an order."""
        return json_reply(self._shapes.checked(self._world.order_book.find(int(order_id))))

    def finish(self, _request: Request, order_id: str) -> Response:
        """Close with SMS."""
        return json_reply(self._shapes.checked(self._world.order_book.finish(int(order_id))))

    def cancel(self, _request: Request, order_id: str) -> Response:
        """Close without SMS."""
        return json_reply(self._shapes.checked(self._world.order_book.cancel(int(order_id))))

    def ban(self, _request: Request, order_id: str) -> Response:
        """Close a number already used."""
        return json_reply(self._shapes.checked(self._world.order_book.ban(int(order_id))))

    def inbox(self, _request: Request, order_id: str) -> Response:
        """All messages of an order, unless the route is the one seen live."""
        if self._scenario.inbox_redirects:
            return no_route()
        order = self._world.orders.get(int(order_id))
        if order is None:
            raise RefusalError("record not found")
        return json_reply(self._shapes.inbox(order))

    def wallets(self, _request: Request) -> Response:
        """The vendor's wallets."""
        return json_reply({name: self._shapes.money(amount) for name, amount in self._world.wallets.items()})

    def vendor_orders(self, request: Request) -> Response:
        """Return the orders of a vendor that sold nothing."""
        if request.query.get("category") not in {"activation", "hosting"}:
            raise RefusalError("category is incorrect")
        return json_reply(self._shapes.orders_page((), self._scenario.total or 0, self._world.now))

    def vendor_payments(self, _request: Request) -> Response:
        """Return no payments: no document shows the record of a withdrawal."""
        empty: dict[str, Any] = {"Data": [], "PaymentProviders": None, "PaymentStatuses": None, "PaymentTypes": None}
        return json_reply({**empty, "Total": self._scenario.total or 0})

    def vendor_prices(self, request: Request) -> Response:
        """Return the prices that the vendor could set."""
        return json_reply(price_page(self._world.catalogue.shelves, request.query, self._shapes.money))

    def withdraw(self, request: Request) -> Response:
        """Pay out; all four fields are text. The answer is empty, because no document shows it."""
        body = _json_object(request.body)
        fields = [body.get(name) for name in ("receiver", "method", "amount", "fee")]
        if not all(isinstance(each, str) for each in fields):
            raise RefusalError("bad request")
        receiver, method, amount, fee = map(str, fields)
        self._world.withdraw(Withdrawal(receiver, method, _amount(amount) or Decimal(0), fee))
        return self._nothing_to_say()


@frozen
class Route:
    """A method, a path pattern, and the function that answers."""

    method: str
    pattern: re.Pattern[str]
    act: Callable[..., Response]


def _route(method: str, pattern: str, act: Callable[..., Response]) -> Route:
    """Return a route; in the pattern `*` is a slug, `#` an order id."""
    return Route(method, re.compile(pattern.replace("*", "([a-z0-9]+)").replace("#", r"([0-9]{1,18})"), re.ASCII), act)


ROUTES = (
    _route("GET", "user/profile", V1.profile),
    _route("GET", "user/orders", V1.orders),
    _route("GET", "user/payments", V1.payments),
    _route("GET", "user/max-prices", V1.list_max_prices),
    _route("POST", "user/max-prices", V1.set_max_price),
    _route("DELETE", "user/max-prices", V1.delete_max_price),
    _route("GET", "guest/countries", V1.countries),
    _route("GET", "guest/products/*/*(?:/*)?", V1.products),
    _route("GET", "guest/prices", V1.prices),
    _route("GET", "guest/flash/*", V1.flash),
    _route("GET", "user/buy/activation/*/*/*", V1.buy_activation),
    _route("GET", "user/buy/hosting/*/*/*", V1.buy_hosting),
    _route("GET", "user/reuse/*/([0-9]{4,15})", V1.reuse),
    _route("GET", "user/check/#", V1.check),
    _route("GET", "user/finish/#", V1.finish),
    _route("GET", "user/cancel/#", V1.cancel),
    _route("GET", "user/ban/#", V1.ban),
    _route("GET", "user/sms/inbox/#", V1.inbox),
    _route("GET", "user/vendor", V1.profile),
    _route("GET", "vendor/wallets", V1.wallets),
    _route("GET", "vendor/orders", V1.vendor_orders),
    _route("GET", "vendor/payments", V1.vendor_payments),
    _route("GET", "vendor/prices", V1.vendor_prices),
    _route("POST", "vendor/withdraw", V1.withdraw),
)


def _status(path: str, text: str) -> int:
    found = (status for start, words, status in OTHER_STATUSES if path.startswith(start) and words == text)
    return next(found, 400)


def _switch(text: str | None) -> bool:
    """Return True if the option is on. Documents print `1` and `true`; the seed's own Python example sends `True`."""
    return text in {"1", "true", "True"}


def _amount(text: str | None) -> Decimal | None:
    try:
        amount = Decimal(text or "NaN")
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body, parse_float=Decimal)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise RefusalError("any error")
    return value


def _product_name(body: dict[str, Any]) -> str:
    name = body.get("product_name")
    if not isinstance(name, str) or not name:
        raise RefusalError("product_name is empty")
    return name
