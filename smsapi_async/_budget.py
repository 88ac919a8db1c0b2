"""The limits on money: the cost of all purchases, the cost of each one, and how many orders may be open.

Plain state: nothing here sends, sleeps or reads a clock. A purchase takes its place before its request leaves, and the
most it may cost is set aside. The real cost then replaces that amount. A refund gives the cost back, and an unknown
outcome keeps the amount set aside.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import count

import attrs

from . import _advice as advice
from ._errors import BudgetExceededError, advised
from ._values import money as amount_of
from ._values import positive

NOTHING = Decimal(0)

PRICES_KEPT = 10_000
"""Orders whose refund still counts, the newest: whether a cancel came through may be seen long after it was sent."""


@attrs.define(eq=False)
class Place:
    """One purchase's share of a budget.

    Attributes:
        most: the amount set aside for it.
        opens: whether it opens an order. An extension opens none.
        taken: whether it stands for a purchase that was made, or may have been made.
    """

    most: Decimal
    opens: bool
    taken: bool = False


class Budget:
    """Limits for purchases: ``AsyncClient(budget=Budget(money=20, per_order=2, open_orders=5))``.

    A purchase is checked before it is sent, even when many are sent at once. The most that it may cost is set aside
    until its cost is known. An order counts with its price. A cancel takes the price off again. A ban or a lapsed order
    keeps counting, because its refund is not certain. A purchase of unknown outcome counts with the amount that was set
    aside.

    A budget counts only the purchases of its own clients, and does not check a number that renews by itself. Give
    several clients the same budget when they spend together, all in one event loop.

    Args:
        money: the most to spend in all, in the account's currency; needs `per_order`.
        per_order: the most that one order may cost. It is a `max_price` for every activation. An order that costs more
            is given back if possible; a hosting order or a rented number cannot be given back.
        open_orders: how many orders may be open at once. An order is open until it is settled or its time is over.
    """

    def __init__(
        self,
        *,
        money: Decimal | float | str | None = None,
        per_order: Decimal | float | str | None = None,
        open_orders: int | None = None,
    ) -> None:
        if money is not None and per_order is None:
            raise ValueError("per_order: needed with money, for no price is known before its purchase")
        self._money = None if money is None else amount_of("money", money)
        self.per_order: Decimal | None = None if per_order is None else amount_of("per_order", per_order)
        self._open_orders = None if open_orders is None else positive("open_orders", open_orders)
        self._spent = self._set_aside = NOTHING
        self._places = 0
        self._held: dict[Hashable, float] = {}
        self._prices: dict[Hashable, Decimal] = {}
        self._ends: list[tuple[float, int, Hashable]] = []
        self._order = count()

    @property
    def spent(self) -> Decimal:
        """The money paid and not given back, including the amounts set aside for purchases of unknown outcome."""
        return self._spent

    @property
    def left(self) -> Decimal | None:
        """The money left for further purchases: neither spent nor set aside. None without a limit."""
        return None if self._money is None else self._money - self._spent - self._set_aside

    def __repr__(self) -> str:
        return f"<Budget: {self._spent} spent, {self.left} left, {len(self._held) + self._places} orders open>"

    def ceiling(self, max_price: Decimal | None) -> Decimal | None:
        """The most that the next order may cost: the lower of the caller's own limit and `per_order`."""
        return min((bound for bound in (max_price, self.per_order) if bound is not None), default=None)

    @contextmanager
    def place(self, call: str, most: Decimal | None, now: float, *, opens: bool = True) -> Iterator[Place]:
        """Hold room for a purchase. The room is given back at the end, unless the purchase was booked meanwhile.

        Raises:
            BudgetExceededError: there is no room for it.
        """
        place = self._enter(call, most, now, opens=opens)
        try:
            yield place
        finally:
            if not place.taken:
                self._leave(place)

    def book(self, place: Place, key: Hashable, price: Decimal | None, until: float) -> None:
        """Count a purchase that was made, or may have been. Its order is open until closed, or until that time."""
        price = place.most if price is None else price
        self._leave(place)
        place.taken = True
        self._spent += price
        if place.opens:
            self._hold(key, until)
            self._prices[key] = price
            if len(self._prices) > PRICES_KEPT:
                del self._prices[next(iter(self._prices))]

    def prolong(self, key: Hashable, seconds: float) -> None:
        """Move the end of a held order later by that much."""
        if key in self._held:
            self._hold(key, self._held[key] + seconds)

    def close(self, key: Hashable, *, refunded: bool) -> None:
        """Record that the order is over. A refund counts also if it is seen after the order's time."""
        self._held.pop(key, None)
        price = self._prices.pop(key, NOTHING)
        if refunded:
            self._spent -= price

    def _enter(self, call: str, most: Decimal | None, now: float, *, opens: bool) -> Place:
        self._forget_what_ended(now)
        place = Place(most or NOTHING, opens)
        if self.per_order is not None and place.most > self.per_order:
            what = f"{place.most} is more than the {self.per_order} of one order"
            raise advised(BudgetExceededError(what, call=call), advice.raise_limit("per_order"))
        if self.left is not None and place.most > self.left:
            what = f"up to {place.most} is needed and {self.left} of {self._money} is left"
            raise advised(BudgetExceededError(what, call=call), advice.wait_or_raise("money", self._set_aside))
        if opens and self._open_orders is not None and len(self._held) + self._places >= self._open_orders:
            held = f"{self._open_orders} order{' is' if self._open_orders == 1 else 's are'} open"
            error = BudgetExceededError(f"{held}, and no more may be", call=call)
            raise advised(error, advice.wait_or_raise("open_orders"))
        self._set_aside += place.most
        self._places += place.opens
        return place

    def _hold(self, key: Hashable, until: float) -> None:
        self._held[key] = until
        heapq.heappush(self._ends, (until, next(self._order), key))

    def _leave(self, place: Place) -> None:
        self._set_aside -= place.most
        self._places -= place.opens

    def _forget_what_ended(self, now: float) -> None:
        while self._ends and self._ends[0][0] <= now:
            ended, _, key = heapq.heappop(self._ends)
            if key in self._held and self._held[key] <= ended:
                del self._held[key]
