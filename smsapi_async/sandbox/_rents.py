"""The rents: ordered, confirmed by a first SMS, extended, renewed, closed. Pure.
Source: docs/protocol/rent.md sections 2 and 3."""

from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import count

from attrs import define, evolve, frozen

from ._accounts import Account
from ._goods import Delivery, Plan, Tariff
from ._message import RefusalError
from ._scenario import Scenario
from ._timeline import Timeline

RENEWAL_DAYS = 30


@frozen
class RentMessage:
    """One SMS that a rented number received."""

    id: int
    at: datetime
    sender: str
    text: str
    code: str
    coded_at: datetime | None = None
    """When its code was filled in; None: the message came with its code, or has none."""
    timed: bool = True


@define
class Rent:
    """One rented number. `ended` is None while it is active, else the way in which it ended."""

    tzid: int
    number: str
    country: int
    days: int
    price: Decimal
    extension: bool
    tariff: Tariff
    created_at: datetime
    window_ends_at: datetime
    ends_at: datetime
    messages: list[RentMessage]
    confirmed: bool = False
    ended: str | None = None
    refunded: bool = False
    reload: int = 0

    @property
    def is_open(self) -> bool:
        """True if getRentState lists it."""
        return self.ended is None

    @property
    def extend(self) -> dict[int, Decimal]:
        """The lengths that extendRentState accepts -> price; empty if it was ordered with the extension off."""
        return {days: self.tariff.extend * days for days in self.tariff.days} if self.extension else {}


class Rents:
    """All rents of the account, and the acts on them. Every refusal is a `RefusalError` with its literal."""

    def __init__(self, scenario: Scenario, timeline: Timeline, account: Account) -> None:
        self._scenario = scenario
        self._timeline = timeline
        self._account = account
        self._ids = count(10000371, 3)
        self._sold = count(1)
        self._message_ids = count(1)
        self._nth: Counter[str] = Counter()
        self.tariffs: dict[int, Tariff] = {tariff.code: tariff for tariff in scenario.tariffs}
        self.stock: dict[tuple[int, int], int] = {
            (t.code, days): left for t in scenario.tariffs for days, left in t.count.items()
        }
        self.book: dict[int, Rent] = {}
        self.extensions: list[int] = []

    @property
    def frozen(self) -> Decimal:
        """The price of every rent that still waits for its first SMS."""
        return sum((rent.price for rent in self.open if not rent.confirmed), Decimal(0))

    @property
    def open(self) -> list[Rent]:
        """The active rents, oldest first."""
        return [rent for rent in self.book.values() if rent.is_open]

    def buy(self, country: int | None, days: int | None, extension: bool) -> Rent:
        """Rent one number. Its price is taken at once, and comes back if no SMS comes within the window."""
        tariff = self.tariffs.get(country or 0)
        if tariff is None:
            raise RefusalError("NO_COUNTRY" if country is None else "UNDEFINED_COUNTRY")
        if not tariff.enabled:
            raise RefusalError("NO_COUNTRY")
        if days is None or days not in tariff.days:
            raise RefusalError("UNDEFINED_DAYS")
        if self._scenario.rent_limit is not None and len(self.open) >= self._scenario.rent_limit:
            raise RefusalError("EXCEEDED_CONCURRENT_OPERATIONS")
        if self.stock.get((tariff.code, days), 0) <= 0:
            raise RefusalError("NO_NUMBER")
        if self._account.balance < tariff.days[days]:
            raise RefusalError("WARNING_LOW_BALANCE")
        self.stock[tariff.code, days] -= 1
        return self._open(tariff, days, extension)

    def _open(self, tariff: Tariff, days: int, extension: bool) -> Rent:
        now = self._timeline.now
        tail = (next(self._sold) * 7919 + 3358547) % 10**7
        rent = Rent(
            next(self._ids), f"{tariff.mobile}{tail:07d}", tariff.code, days, tariff.days[days], extension, tariff,
            now, now + timedelta(seconds=self._scenario.rent_window), now + timedelta(days=days), [],
        )  # fmt: skip
        self.book[rent.tzid] = rent
        self._account.move("buy", "rent", -rent.price, now, rent.tzid)
        for delivery in self._next_plan(str(tariff.code)):
            self.plan(rent, delivery)
        self._timeline.at(rent.window_ends_at, partial(self._close_window, rent))
        self._timeline.at(rent.ends_at, partial(self._expire, rent))
        return rent

    def _next_plan(self, country: str) -> Plan:
        plans = self._scenario.rent_plans.get(country)
        self._nth[country] += 1
        return plans[min(self._nth[country], len(plans)) - 1] if plans else ()

    def plan(self, rent: Rent, delivery: Delivery) -> None:
        """Send an SMS to the number `delivery.after` seconds from now, if it is still rented then."""
        self._timeline.after(delivery.after, partial(self._deliver, rent, delivery))

    def _deliver(self, rent: Rent, delivery: Delivery) -> None:
        if not rent.is_open:
            return
        rent.confirmed = True
        code = delivery.code if delivery.code_after is None else ""
        rent.messages.append(
            RentMessage(
                next(self._message_ids), self._timeline.now, delivery.sender, delivery.text, code, timed=delivery.timed
            )
        )
        if delivery.code_after is not None:
            fill = partial(self.fill_code, rent, delivery.code, len(rent.messages) - 1)
            self._timeline.after(delivery.code_after, fill)

    def fill_code(self, rent: Rent, code: str, position: int = -1) -> None:
        """Find the code in a message that came without it."""
        rent.messages[position] = evolve(rent.messages[position], code=code, coded_at=self._timeline.now)

    def _close_window(self, rent: Rent) -> None:
        if rent.is_open and not rent.confirmed:
            rent.ended = "unconfirmed"
            self._refund(rent)

    def _expire(self, rent: Rent) -> None:
        if not rent.is_open:
            return
        if rent.ends_at > self._timeline.now:
            self._timeline.at(rent.ends_at, partial(self._expire, rent))
        elif rent.extension and self._account.balance >= rent.tariff.extend * RENEWAL_DAYS:
            self._prolong(rent, RENEWAL_DAYS)
            self._timeline.at(rent.ends_at, partial(self._expire, rent))
        else:
            rent.ended = "expired"

    def _prolong(self, rent: Rent, days: int) -> None:
        price = rent.tariff.extend * days
        rent.price += price
        rent.days += days
        rent.ends_at += timedelta(days=days)
        self.extensions.append(rent.tzid)
        self._account.move("buy", "extend", -price, self._timeline.now, rent.tzid)

    def _refund(self, rent: Rent) -> None:
        rent.refunded = True
        self._account.move("refund", "rent", rent.price, self._timeline.now, rent.tzid)

    def find(self, tzid: int | None) -> Rent:
        """Return the active rent of that tzid."""
        if tzid is None:
            raise RefusalError("ERROR_NO_TZID")
        rent = self.book.get(tzid)
        if rent is None or not rent.is_open:
            raise RefusalError("ERROR_WRONG_TZID")
        return rent

    def extend(self, tzid: int | None, days: int | None) -> Rent:
        """Sell more days, one of the lengths in `Rent.extend`."""
        rent = self.find(tzid)
        if days is None or days not in rent.extend:
            raise RefusalError("UNDEFINED_DAYS")
        if self._account.balance < rent.extend[days]:
            raise RefusalError("WARNING_LOW_BALANCE")
        self._prolong(rent, days)
        return rent

    def reload_port(self, tzid: int | None) -> None:
        """Reload the port; `reload` is 1 from then on (its meaning is not documented)."""
        self.find(tzid).reload = 1

    def close(self, tzid: int | None) -> None:
        """Close the rent for good."""
        rent = self.find(tzid)
        if self._timeline.now - rent.created_at < timedelta(seconds=self._scenario.rent_close_lock):
            raise RefusalError("NO_COMPLETE_TZID")
        rent.ended = "closed"
        if self._scenario.rent_close_refunds and not rent.confirmed:
            self._refund(rent)
