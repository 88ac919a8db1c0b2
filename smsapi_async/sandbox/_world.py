"""The provider without its wires: accounts, catalogue, orders, rents, on one clock. Pure: never waits, never sends.
Source: docs/protocol/v1.md, docs/protocol/rent.md."""

from datetime import datetime
from decimal import Decimal

from ._accounts import TOP_UP_POINTS, Account, Standing
from ._catalogue import Catalogue
from ._goods import Delivery
from ._ledger import Ledger, Withdrawal
from ._message import RefusalError
from ._orders import Order, Orders
from ._rents import Rent, Rents
from ._scenario import Scenario
from ._timeline import Timeline

METHODS = frozenset({"visa", "qiwi", "yandex"})


class World:
    """One account at each provider. Everything in it may be read, and the records may be changed, between requests."""

    def __init__(self, scenario: Scenario, start: datetime) -> None:
        self.scenario = scenario
        self.timeline: Timeline = Timeline(start)
        self.account: Account = Account(scenario.balance, start)
        self.standing: Standing = Standing(scenario.rating, lambda: self.timeline.now)
        self.catalogue: Catalogue = Catalogue(scenario)
        self.order_book: Orders = Orders(scenario, self.timeline, self.catalogue, self.account, self.standing)
        self.rent_account: Account = Account(scenario.rent_balance, start)
        self.rent_book: Rents = Rents(scenario, self.timeline, self.rent_account)
        self.wallets: dict[str, Decimal] = dict(scenario.wallets)
        self.ledger: Ledger = Ledger(self.order_book, self.account, self.rent_book, self.rent_account)

    @property
    def now(self) -> datetime:
        """The present instant of the world."""
        return self.timeline.now

    def advance(self, now: datetime) -> None:
        """Let time pass until `now`."""
        self.timeline.advance(now)

    @property
    def orders(self) -> dict[int, Order]:
        """The v1 orders by id."""
        return self.order_book.book

    @property
    def rents(self) -> dict[int, Rent]:
        """The rents by tzid."""
        return self.rent_book.book

    @property
    def balance(self) -> Decimal:
        """The v1 balance."""
        return self.account.balance

    @property
    def frozen(self) -> Decimal:
        """The part of the paid v1 prices that a cancel would give back."""
        return self.order_book.frozen

    @property
    def rent_balance(self) -> Decimal:
        """The rent balance."""
        return self.rent_account.balance

    @property
    def rent_frozen(self) -> Decimal:
        """The price of the rents not yet confirmed by an SMS."""
        return self.rent_book.frozen

    @property
    def rating(self) -> Decimal:
        """The v1 rating, 0 to 96."""
        return self.standing.rating

    def receive(self, order_id: int, text: str, code: str = "", sender: str = "Telegram", after: float = 0.0) -> None:
        """Plan one SMS for an order, `after` seconds from now. The SMS is lost if the order is closed by then."""
        self.order_book.plan(self.orders[order_id], Delivery(after, text, code, sender))
        self.timeline.advance(self.now)

    def receive_rent(self, tzid: int, text: str, code: str = "", sender: str = "Telegram", after: float = 0.0) -> None:
        """Plan one SMS for a rented number, `after` seconds from now."""
        self.rent_book.plan(self.rents[tzid], Delivery(after, text, code, sender))
        self.timeline.advance(self.now)

    def fill_code(self, order_id: int, code: str, position: int = -1) -> None:
        """Find the code in a message of an open order that came without it: the newest, or another by its position."""
        self.order_book.fill_code(self.orders[order_id], code, position)

    def fill_rent_code(self, tzid: int, code: str, position: int = -1) -> None:
        """Find the code in a message of a rented number that came without it."""
        self.rent_book.fill_code(self.rents[tzid], code, position)

    def charge(self, amount: Decimal) -> None:
        """Top up the v1 account; this raises the rating."""
        self.account.move("charge", "admin", amount, self.now)
        self.standing.earn(TOP_UP_POINTS)

    def charge_rent(self, amount: Decimal) -> None:
        """Top up the rent account."""
        self.rent_account.move("charge", "admin", amount, self.now)

    def withdraw(self, wish: Withdrawal) -> None:
        """Take money out of a vendor's wallet. The texts of the refusals are ours: none is documented."""
        if not wish.receiver or wish.method not in METHODS or wish.fee not in self.wallets:
            raise RefusalError("bad request")
        if not 0 < wish.amount <= self.wallets[wish.fee]:
            raise RefusalError("not enough balance")
        self.wallets[wish.fee] -= wish.amount
        self.ledger.withdrawals.append(wish)
