"""The closing account: purchases, refunds, payments and open orders. Reads the world; changes nothing."""

from collections.abc import Iterable
from decimal import Decimal

from attrs import define

from ._accounts import Account
from ._goods import money
from ._message import plain
from ._orders import Order, Orders
from ._rents import Rent, Rents


@define
class Withdrawal:
    """Money that a vendor took out of a wallet."""

    receiver: str
    method: str
    amount: Decimal
    fee: str


class Ledger:
    """Both purses together. Nothing here is counted twice: `paid` is `bought` minus `refunded`."""

    def __init__(self, orders: Orders, account: Account, rents: Rents, rent_account: Account) -> None:
        self._orders = orders
        self._rents = rents
        self._accounts = (account, rent_account)
        self.withdrawals: list[Withdrawal] = []

    @property
    def purchases(self) -> list[int]:
        """Ids of all v1 orders, in the order they were bought."""
        return list(self._orders.book)

    @property
    def rents(self) -> list[int]:
        """The tzids of all rents, in the order they were bought."""
        return list(self._rents.book)

    @property
    def extensions(self) -> list[int]:
        """The tzid of every extension, renewals by the provider among them."""
        return list(self._rents.extensions)

    @property
    def open(self) -> list[int]:
        """Ids of the v1 orders not in a terminal status."""
        return [order.id for order in self._orders.book.values() if order.is_open]

    @property
    def open_rents(self) -> list[int]:
        """The tzids of the rents still active."""
        return [rent.tzid for rent in self._rents.open]

    @property
    def bought(self) -> Decimal:
        """The price of everything ever bought: orders, rents, extensions."""
        return sum((account.sum("buy") for account in self._accounts), Decimal(0))

    @property
    def refunded(self) -> Decimal:
        """The sum that came back."""
        return sum((account.sum("refund") for account in self._accounts), Decimal(0))

    @property
    def paid(self) -> Decimal:
        """The sum that has not come back, the price of open orders included."""
        return self.bought - self.refunded

    def balance_ok(self) -> bool:
        """Return True if each purse holds its charges less the unreturned price of every order or rent in the book.

        The world takes a price from the balance at once. `frozen` is the part of it that would still come back, so it
        is a part of `paid` and is not added again.
        """
        prices = (
            sum((order.price for order in self._orders.book.values() if not order.refunded), Decimal(0)),
            sum((rent.price for rent in self._rents.book.values() if not rent.refunded), Decimal(0)),
        )
        return all(
            account.balance == account.sum("charge") - unreturned
            for account, unreturned in zip(self._accounts, prices, strict=True)
        )

    def assert_settled(self) -> None:
        """Assert that every activation was finished, cancelled or banned before its time ran out.

        Hosting orders and rents do not count: they stay until their days are over.

        Raises:
            AssertionError: with each activation that is still open, or ran out unused with its price lost.
        """
        __tracebackhide__ = True
        activations = [order for order in self._orders.book.values() if order.category == "activation"]
        left = [order for order in activations if order.is_open or (order.lapsed and not (order.sms or order.refunded))]
        if left:
            first = f"{len(left)} of {_many(len(activations), 'activation')} not settled, each of them paid for:"
            raise AssertionError(
                "\n".join([first, *_lines(left), "finish those with an SMS, cancel the others in time"])
            )

    def assert_bought(self, orders: int, rents: int = 0) -> None:
        """Assert the number of orders and rents that were bought, in whatever state they are now.

        Raises:
            AssertionError: with each one and its state.
        """
        __tracebackhide__ = True
        found = (len(self.purchases), len(self.rents))
        if found != (orders, rents):
            first = f"{_many(found[0], 'order')} and {_many(found[1], 'rent')} bought, not {orders} and {rents}"
            raise AssertionError("\n".join([first, *self._all()]))

    def assert_paid(self, amount: Decimal | int | float | str) -> None:
        """Assert the sum that was paid and did not come back: `assert_paid("0.20")`.

        Open orders, rents and extensions count.

        Raises:
            AssertionError: with each order and rent and its price.
        """
        __tracebackhide__ = True
        if self.paid != money(amount):
            first = f"paid {plain(self.paid)}, not {plain(money(amount))}"
            raise AssertionError("\n".join([first, *self._all()]))

    def _all(self) -> list[str]:
        return _lines(self._orders.book.values()) + _lines(self._rents.book.values())

    def __str__(self) -> str:
        left_open = ", ".join(map(str, self.open + self.open_rents)) or "nothing"
        return (
            f"{len(self.purchases)} orders, {len(self.rents)} rents, {len(self.extensions)} extensions, "
            f"{len(self.withdrawals)} withdrawals\n"
            f"bought {plain(self.bought)}, refunded {plain(self.refunded)}, paid {plain(self.paid)}\n"
            f"left open: {left_open}\n"
            f"balance {'agrees' if self.balance_ok() else 'DOES NOT AGREE'} with the orders"
        )


def _many(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _lines(bought: Iterable[Order | Rent]) -> list[str]:
    """Return a line for each, as a failing test shows it."""
    return [f"  {_name(each)} for {plain(each.price)}, {_state(each)}" for each in bought]


def _name(bought: Order | Rent) -> str:
    if isinstance(bought, Rent):
        return f"rent {bought.tzid}: country {bought.country}, {_many(bought.days, 'day')}"
    return f"order {bought.id}: {bought.product} in {bought.country}"


def _state(bought: Order | Rent) -> str:
    received = len(bought.messages if isinstance(bought, Rent) else bought.sms)
    status = (bought.ended or "active") if isinstance(bought, Rent) else bought.status
    return f"{status}, {received or 'no'} SMS{', refunded' if bought.refunded else ''}"
