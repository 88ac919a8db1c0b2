"""Money and standing: two accounts, every movement an entry, and the rating of the v1 one.
Source: docs/protocol/v1.md section 3 (rating events, money), docs/protocol/rent.md section 2 (balance)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Literal

from attrs import frozen

Kind = Literal["charge", "buy", "refund"]

MAX_RATING = Decimal(96)
TOP_UP_POINTS = Decimal(8)
SUSPENSION = timedelta(hours=24)


@frozen
class Entry:
    """One movement: `amount` is signed, `balance` is the balance after it, `subject` the order or tzid."""

    id: int
    at: datetime
    kind: Kind
    name: str
    amount: Decimal
    balance: Decimal
    subject: int | None = None


class Account:
    """One purse. The opening sum is its first entry, a charge a day before the world began."""

    def __init__(self, opening: Decimal, start: datetime) -> None:
        self.balance: Decimal = Decimal(0)
        self.entries: list[Entry] = []
        self._ids = count(30011934)
        self.move("charge", "admin", opening, start - timedelta(days=1))

    def move(self, kind: Kind, name: str, amount: Decimal, at: datetime, subject: int | None = None) -> None:
        """Change the balance by `amount` and record it."""
        self.balance += amount
        self.entries.append(Entry(next(self._ids), at, kind, name, amount, self.balance, subject))

    def sum(self, kind: Kind) -> Decimal:
        """Return the sum of all movements of one kind, as a positive number."""
        return abs(sum((entry.amount for entry in self.entries if entry.kind == kind), Decimal(0)))


class Standing:
    """The rating: at 0 nothing is sold for 24 hours, then it is 96 again."""

    def __init__(self, rating: Decimal, clock: Callable[[], datetime]) -> None:
        self.rating: Decimal = rating
        self._clock = clock
        self._zero_since = clock()

    def earn(self, points: Decimal) -> None:
        """Add or take points, within 0 and 96."""
        self.rating = min(MAX_RATING, max(Decimal(0), self.rating + points))
        if not self.rating:
            self._zero_since = self._clock()

    def may_buy(self) -> bool:
        """Return True if the account may order now."""
        if not self.rating and self._clock() - self._zero_since >= SUSPENSION:
            self.rating = MAX_RATING
        return self.rating > 0
