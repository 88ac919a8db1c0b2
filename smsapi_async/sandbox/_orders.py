"""The v1 orders and their life. Pure: the timeline calls when an SMS or an end is due.
Source: docs/protocol/v1.md sections 3 (life, money, rating) and 4 (refusals)."""

from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import count
from typing import Literal

from attrs import define, evolve, field, frozen

from ._accounts import Account, Standing
from ._catalogue import Catalogue
from ._goods import Country, Delivery, Plan
from ._message import RefusalError
from ._scenario import Scenario
from ._timeline import Timeline

OPEN = frozenset({"PENDING", "RECEIVED"})
POINTS = {
    "finished": Decimal("0.5"),
    "completed": Decimal("0.4"),
    "timeout": Decimal("-0.15"),
    "cancel": Decimal("-0.1"),
    "ban": Decimal("-0.1"),
}


@frozen
class Sms:
    """One message that an order received."""

    id: int
    at: datetime
    sender: str
    text: str
    code: str
    coded_at: datetime | None = None
    """When its code was filled in; None: the message came with its code, or has none."""
    timed: bool = True

    def has_code_by(self, instant: datetime) -> bool:
        """Return True if its code was there by then."""
        return self.coded_at is None or self.coded_at <= instant


@define
class Order:
    """One purchase, as the world knows it. Times are the world's own, without the provider's skew."""

    id: int
    phone: str
    operator: str
    product: str
    country: str
    price: Decimal
    status: str
    created_at: datetime
    expires_at: datetime
    sms: list[Sms]
    category: Literal["activation", "hosting"] = "activation"
    forwarding: bool = False
    forwarding_number: str = ""
    reusable: bool = False
    voice: bool = False
    refunded: bool = False
    lapsed: bool = False
    past: list[tuple[datetime, str]] = field(factory=list, repr=False)
    """Each earlier status, and when it ended."""

    def become(self, status: str, at: datetime) -> None:
        """Change the status."""
        self.past.append((at, self.status))
        self.status = status

    def status_at(self, instant: datetime) -> str:
        """Return the status at an instant; before the first change it is the first one."""
        return next((status for until, status in self.past if until > instant), self.status)

    @property
    def is_open(self) -> bool:
        """True if an SMS may still come."""
        return self.status in OPEN

    @property
    def refundable(self) -> bool:
        """True if a cancel would give the price back."""
        return self.is_open and not self.sms and self.category == "activation"


@frozen(kw_only=True)
class Wish:
    """The arguments of a purchase."""

    country: str
    operator: str
    product: str
    max_price: Decimal | None = None
    forwarding: bool = False
    forwarding_number: str = ""
    reuse: bool = False
    voice: bool = False


class Orders:
    """All orders of the account, and the acts on them. Every refusal is a `RefusalError` with the provider's text."""

    def __init__(
        self, scenario: Scenario, timeline: Timeline, catalogue: Catalogue, account: Account, standing: Standing
    ) -> None:
        self._scenario = scenario
        self._timeline = timeline
        self._catalogue = catalogue
        self._account = account
        self._standing = standing
        self._ids = count(1090123457, 13)
        self._sms_ids = count(3027531)
        self._nth: Counter[str] = Counter()
        self.book: dict[int, Order] = {}
        self.max_prices: dict[str, Decimal] = dict(scenario.max_prices)

    @property
    def frozen(self) -> Decimal:
        """The sum that would come back if every order that can be cancelled were cancelled now."""
        return sum((order.price for order in self.book.values() if order.refundable), Decimal(0))

    def buy(self, wish: Wish) -> Order:
        """Sell one activation; the price is taken at once."""
        limit = wish.max_price if wish.max_price is not None else self.max_prices.get(wish.product)
        shelf = self._catalogue.pick(wish.country, wish.operator, wish.product, limit)
        self._check_means(shelf.offer.cost)
        shelf.left -= 1
        order = self._open(
            phone=self._catalogue.new_phone(self._catalogue.countries[shelf.offer.country]),
            operator=shelf.offer.operator,
            product=wish.product,
            country=shelf.offer.country,
            price=shelf.offer.cost,
        )
        order.forwarding, order.forwarding_number = wish.forwarding, wish.forwarding_number
        order.reusable, order.voice = wish.reuse, wish.voice
        return order

    def buy_hosting(self, country: str, operator: str, product: str) -> Order:
        """Sell one hosting order; it stays open for the hours of its name."""
        shelf = self._catalogue.pick_hosting(country, operator, product)
        self._check_means(shelf.hosting.cost)
        shelf.left -= 1
        home = self._catalogue.countries.get(shelf.hosting.country, Country(shelf.hosting.country, "", "+7", ""))
        return self._open(
            phone=self._catalogue.new_phone(home),
            operator=operator,
            product=product,
            country=home.name,
            price=shelf.hosting.cost,
            category="hosting",
            lifetime=shelf.hosting.lifetime,
        )

    def reuse(self, product: str, number: str) -> Order:
        """Sell the same number again; the newest order of that number and product decides."""
        if product not in self._catalogue.products:
            raise RefusalError("no product")
        earlier = [o for o in self.book.values() if o.phone == f"+{number}" and o.product == product]
        if not earlier:
            raise RefusalError("reuse not possible")
        last = earlier[-1]
        self._check_reuse(last)
        shelf = self._catalogue.pick(last.country, last.operator, product, None)
        self._check_means(shelf.offer.cost)
        shelf.left -= 1
        order = self._open(
            phone=last.phone,
            operator=last.operator,
            product=product,
            country=last.country,
            price=shelf.offer.cost,
        )
        order.reusable = True
        return order

    def _check_reuse(self, order: Order) -> None:
        ended_well = order.status == "FINISHED" and self._scenario.reuse_after_finish
        allowed = bool(order.sms) and (order.is_open or ended_well) and order.operator not in self._scenario.no_reuse
        if not allowed:
            raise RefusalError("reuse not possible")
        if not order.reusable:
            raise RefusalError(self._scenario.reuse_refusal)
        if self._timeline.now - order.created_at > timedelta(seconds=self._scenario.reuse_window):
            raise RefusalError("reuse expired")

    def _check_means(self, price: Decimal) -> None:
        if not self._standing.may_buy():
            raise RefusalError("not enough rating")
        if self._account.balance < price:
            raise RefusalError("not enough user balance")

    def _open(
        self,
        *,
        phone: str,
        operator: str,
        product: str,
        country: str,
        price: Decimal,
        category: Literal["activation", "hosting"] = "activation",
        lifetime: float | None = None,
    ) -> Order:
        now, seconds = self._timeline.now, self._scenario.lifetime if lifetime is None else lifetime
        order = Order(
            next(self._ids), phone, operator, product, country, price, self._scenario.fresh_status,
            now, now + timedelta(seconds=seconds), [], category,
        )  # fmt: skip
        self.book[order.id] = order
        self._account.move("buy", product, -price, now, order.id)
        for delivery in self._next_plan(product):
            self.plan(order, delivery)
        if self._scenario.ready_after is not None:
            self._timeline.after(self._scenario.ready_after, partial(self._ready, order))
        self._timeline.at(order.expires_at, partial(self._expire, order))
        return order

    def _next_plan(self, product: str) -> Plan:
        plans = self._scenario.plans.get(product)
        self._nth[product] += 1
        return plans[min(self._nth[product], len(plans)) - 1] if plans else ()

    def plan(self, order: Order, delivery: Delivery) -> None:
        """Send an SMS to the order `delivery.after` seconds from now, if it is still open then."""
        self._timeline.after(delivery.after, partial(self._deliver, order, delivery))

    def _deliver(self, order: Order, delivery: Delivery) -> None:
        if not order.is_open:
            return
        self._become(order, "RECEIVED")
        late = delivery.code_after is not None
        sms = Sms(
            next(self._sms_ids), self._timeline.now, delivery.sender, delivery.text, "" if late else delivery.code,
            timed=delivery.timed,
        )  # fmt: skip
        order.sms.append(sms)
        if delivery.code_after is not None:
            fill = partial(self.fill_code, order, delivery.code, len(order.sms) - 1)
            self._timeline.after(delivery.code_after, fill)
        quiet = self._scenario.finish_after_sms
        if quiet is not None and order.category == "activation":
            self._timeline.after(quiet, partial(self._finish_if_quiet, order, sms))

    def _become(self, order: Order, status: str) -> None:
        if order.status != status:
            order.become(status, self._timeline.now)

    def fill_code(self, order: Order, code: str, position: int = -1) -> None:
        """Find the code in a message that came without it; a closed order does not change."""
        if order.is_open:
            order.sms[position] = evolve(order.sms[position], code=code, coded_at=self._timeline.now)

    def _finish_if_quiet(self, order: Order, sms: Sms) -> None:
        if order.is_open and order.sms[-1].id == sms.id:
            self._lapse(order)

    def _ready(self, order: Order) -> None:
        if order.is_open:
            self._become(order, "RECEIVED")

    def _expire(self, order: Order) -> None:
        if not order.is_open:
            return
        lapses_at = order.expires_at + timedelta(seconds=self._scenario.lapses_late)
        if lapses_at > self._timeline.now:
            self._timeline.at(lapses_at, partial(self._expire, order))
            return
        self._lapse(order)

    def _lapse(self, order: Order) -> None:
        order.lapsed = True
        self._become(order, "FINISHED" if order.sms else "TIMEOUT")
        if order.category == "hosting":
            return
        self._standing.earn(POINTS["completed" if order.sms else "timeout"])
        if not order.sms and self._scenario.timeout_refunds:
            self._refund(order)

    def _refund(self, order: Order) -> None:
        order.refunded = True
        self._account.move("refund", order.product, order.price, self._timeline.now, order.id)

    def find(self, order_id: int) -> Order:
        """Return the order of that id."""
        if order_id not in self.book:
            raise RefusalError("order not found")
        return self.book[order_id]

    def finish(self, order_id: int) -> Order:
        """Close an order that has its SMS."""
        order = self._closable(order_id, "FINISHED")
        if order.is_open:
            if not order.sms:
                raise RefusalError("order no sms")
            self._become(order, "FINISHED")
            self._standing.earn(POINTS["finished"])
        return order

    def cancel(self, order_id: int) -> Order:
        """Close an order without SMS and give the price back."""
        order = self._closable(order_id, "CANCELED")
        if order.is_open:
            self._check_silent(order)
            if self._timeline.now - order.created_at < timedelta(seconds=self._scenario.cancel_lock):
                raise RefusalError("you need to wait time")
            self._become(order, "CANCELED")
            self._standing.earn(POINTS["cancel"])
            self._refund(order)
        return order

    def ban(self, order_id: int) -> Order:
        """Report the number as used already."""
        order = self._closable(order_id, "BANNED")
        if order.is_open:
            self._check_silent(order)
            self._become(order, "BANNED")
            self._standing.earn(POINTS["ban"])
            if self._scenario.ban_refunds:
                self._refund(order)
        return order

    def _check_silent(self, order: Order) -> None:
        if order.sms:
            raise RefusalError("order has sms")

    def _closable(self, order_id: int, status: str) -> Order:
        """Return the order if it is open, or if the scenario makes its second close with the same status a no-op."""
        order = self.find(order_id)
        if order.category == "hosting":
            raise RefusalError("hosting order")
        if order.is_open and self._timeline.now >= order.expires_at:
            raise RefusalError("order expired")
        if order.is_open:
            return order
        answer = self._scenario.closed_answer
        if order.lapsed:
            raise RefusalError("order expired")
        if answer == "same" and order.status == status:
            return order
        raise RefusalError("order expired" if answer == "same" else answer)
