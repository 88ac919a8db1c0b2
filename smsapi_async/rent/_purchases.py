"""Purchases and extensions of rented numbers: each is sent once, and one whose answer is lost is looked for.

The record is the list of active numbers (getRentState): a purchase shows as a tzid that was not there before, an
extension as more days or more time of its number. Nothing here is ever undone: a number closed is lost for good.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from math import inf
from typing import Any, TypeVar

import anyio
import attrs

from .._budget import Budget
from .._errors import (
    NothingBoughtError,
    NotSentError,
    OutcomeUnknownError,
    SmsApiError,
    SpendUnknownError,
    UnreadableReplyError,
)
from .._events import kind
from .._sending import Call, Reply, Sender, Spending
from .._unsettled import Unsettled
from ._models import RentedNumber

T = TypeVar("T")

LOOKS = (1.0, 3.0, 6.0)
"""Seconds before each look at the list, ten in all."""

DAY = 86_400.0

HAUNTS = 60.0
"""Seconds for which a purchase given up may still show in the list: six times what is allowed for a lag."""

Fetch = Callable[[], Awaitable[tuple[RentedNumber, ...]]]


@attrs.define(eq=False)
class Purchase(Spending):
    """One purchase until its outcome is known.

    Attributes:
        days: for how long it was asked for.
        before: the numbers that had been listed when it was asked for; none of them can have come of it.
        lost_at: when it was clear that no answer would come, in seconds of the loop's clock; inf while one may.
    """

    country: int
    days: int
    before: frozenset[int]
    lost_at: float = inf
    found: RentedNumber | None = None

    def may_be(self, number: RentedNumber) -> bool:
        """Whether the number may have come of it."""
        same = number.country in (self.country, None) and number.days_bought in (self.days, None)
        return same and number.tzid not in self.before


class Purchases:
    """Every spending call of one client to the rent API."""

    def __init__(
        self, sender: Sender, unsettled: Unsettled[Any], numbers: Fetch, budget: Budget, *, shared_key: bool
    ) -> None:
        self._sender = sender
        self._budget = budget
        self._unsettled = unsettled
        self._numbers = numbers
        self._shared_key = shared_key
        self._listed: set[int] | None = None
        self._own: set[int] = set()
        self._named: set[int] = set()
        self._pending: list[Purchase] = []
        self._given_up: list[Purchase] = []
        self._changed = anyio.Event()
        self._learning = anyio.Lock()
        self._extending = anyio.Lock()

    async def buy(self, call: Call[RentedNumber], country: int, days: int, life: float) -> RentedNumber:
        """Send the purchase once and see it through; a caller cancelled meanwhile finds it in `client.unsettled`.

        Args:
            life: how long the number is taken to be held, in seconds.
        """
        with self._budget.place(call.name, self._budget.per_order, anyio.current_time()) as place:
            purchase = Purchase(country, days, await self._held(call))
            try:
                return await self._see_through(call, purchase)
            finally:
                if (found := purchase.found) is not None:
                    self._budget.book(place, found.tzid, found.price, purchase.sent_at + life)
                    self._tell("rent.bought", tzid=found.tzid, country=found.country, cost=found.price)
                elif purchase.may_have_happened:
                    self._budget.book(place, place, None, purchase.sent_at + life)

    async def _see_through(self, call: Call[RentedNumber], purchase: Purchase) -> RentedNumber:
        async def recover(lost: OutcomeUnknownError | None) -> RentedNumber:
            return await self._find(call, purchase, lost)

        async def keep(number: RentedNumber) -> None:
            self._leave_open(call, number)

        def read(reply: Reply) -> RentedNumber:
            # At once: the next request may be a look at the list, where a number does not tell when it was bought.
            purchase.found = call.read(reply)
            return purchase.found

        self._pending.append(purchase)
        try:
            return await self._sender.spend(call.reading(read), purchase, recover, keep)
        finally:
            self._pending.remove(purchase)
            if purchase.found is not None:
                self._own.add(purchase.found.tzid)
            self._wake()

    async def extend(self, call: Call[RentedNumber], tzid: int, days: int) -> RentedNumber:
        """Send the extension once and see it through; a caller cancelled meanwhile finds it in `client.unsettled`."""
        async with self._extending:
            before = await self._before(call, lambda: self._number(tzid))

            async def recover(lost: OutcomeUnknownError | None) -> RentedNumber:
                return await self._grown(call, before, tzid, lost)

            async def keep(number: RentedNumber) -> None:
                tell()
                self._leave_open(call, number)

            price = before.extensions.get(days) if before is not None else None
            tell = partial(self._tell, "rent.extended", tzid=tzid, days=days, cost=price)
            most, spending = price or self._budget.per_order, Spending()
            with self._budget.place(call.name, most, anyio.current_time(), opens=False) as place:
                try:
                    number = await self._sender.spend(call, spending, recover, keep)
                finally:
                    if spending.may_have_happened:
                        self._budget.book(place, tzid, most, spending.sent_at)
                        self._budget.prolong(tzid, days * DAY)
            tell()
            return number

    def closed(self, tzid: int) -> None:
        """The number was given up: it is held no more."""
        self._budget.close(tzid, refunded=False)

    def _leave_open(self, call: Call[RentedNumber], number: RentedNumber) -> None:
        why = f"{call.name} went through while its caller was cancelled; it is never undone"
        self._unsettled.add(number.tzid, number, why)

    async def _before(self, call: Call[RentedNumber], read: Callable[[], Awaitable[T]]) -> T:
        """What is there before the call; without it a lost answer could not be looked up, so nothing is sent."""
        try:
            return await read()
        except (OutcomeUnknownError, UnreadableReplyError) as trouble:
            what = "the numbers held so far could not be read"
            raise NotSentError(what, call=call.name) from trouble

    def _tell(self, name: str, **fields: object) -> None:
        self._sender.events.emit(logging.INFO, name, **fields)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    # -- buying -----------------------------------------------------------------------------------------------------

    async def _held(self, call: Call[RentedNumber]) -> frozenset[int]:
        """Every number that was ever listed. Read before the first purchase, and not again: later one may be a loss."""
        async with self._learning:
            if self._listed is None:
                self._listed = {number.tzid for number in await self._before(call, self._numbers)}
            return frozenset(self._listed)

    async def _find(
        self, call: Call[RentedNumber], purchase: Purchase, lost: OutcomeUnknownError | None
    ) -> RentedNumber:
        purchase.lost_at = anyio.current_time()
        self._wake()
        self._tell("purchase.lost", call=call.name)
        candidates: tuple[RentedNumber, ...] = ()
        looked = False
        for pause in LOOKS:
            await anyio.sleep(pause)
            listed = await self._look(call, purchase)
            looked = listed is not None
            if listed is not None:
                candidates = self._assign(purchase, listed)
            if purchase.found is not None:
                self._tell("purchase.found", call=call.name, tzid=purchase.found.tzid)
                return purchase.found
        if looked and not candidates:  # nothing is denied but by the last look: the list may lag
            raise NothingBoughtError("the answer was lost and no new number is listed", call=call.name) from lost
        self._give_up(purchase, candidates)
        raise SpendUnknownError(
            f"the answer was lost, {len(candidates)} new numbers may have come of it",
            call=call.name,
            status=lost.status if lost else None,
            candidates=candidates,
        ) from lost

    def _give_up(self, purchase: Purchase, candidates: tuple[RentedNumber, ...]) -> None:
        """Its caller is told that these may be his: from now on they are nobody else's, nor is what turns up later."""
        self._given_up = [*self._haunting(), purchase]
        self._named.update(number.tzid for number in candidates)

    def _haunting(self) -> list[Purchase]:
        long_ago = anyio.current_time() - HAUNTS
        return [other for other in self._given_up if other.lost_at > long_ago]

    async def _look(self, call: Call[RentedNumber], purchase: Purchase) -> tuple[RentedNumber, ...] | None:
        """The list, while no other purchase is in flight: a number does not tell when it was bought."""
        while any(_is_flying(other) and other.country == purchase.country for other in self._pending):
            await self._changed.wait()
        if purchase.found is not None:
            return None
        return await self._read(call)

    async def _read(self, call: Call[RentedNumber]) -> tuple[RentedNumber, ...] | None:
        try:
            numbers = await self._numbers()
        except SmsApiError as trouble:
            self._tell("purchase.records_unread", call=call.name, error=kind(trouble))
            return None
        self._listed = (self._listed or set()).union(number.tzid for number in numbers)
        return numbers

    def _assign(self, purchase: Purchase, listed: tuple[RentedNumber, ...]) -> tuple[RentedNumber, ...]:
        """Give k lost purchases their k new numbers; the new numbers when that cannot be done."""
        lost = [other for other in self._pending if other.lost_at < inf and other.found is None]
        rivals = [other for other in lost if other.country == purchase.country]
        claimed = self._own.union(other.found.tzid for other in self._pending if other.found is not None)
        free = sorted((number for number in listed if number.tzid not in claimed), key=lambda number: number.tzid)
        new = [number for number in free if any(other.may_be(number) for other in rivals)]
        haunted = any(other.may_be(number) for other in self._haunting() for number in new)
        if not self._shared_key and not haunted and self._named.isdisjoint(number.tzid for number in new):
            for other, number in _paired(rivals, new):
                other.found = number
        return () if purchase.found is not None else tuple(number for number in new if purchase.may_be(number))

    # -- extending --------------------------------------------------------------------------------------------------

    async def _grown(
        self, call: Call[RentedNumber], before: RentedNumber | None, tzid: int, lost: OutcomeUnknownError | None
    ) -> RentedNumber:
        self._tell("purchase.lost", call=call.name)
        now = None
        for pause in LOOKS:
            await anyio.sleep(pause)
            listed = await self._read(call)
            now = None if listed is None else _one(listed, tzid)
            if before is not None and now is not None and _is_longer(before, now) and not self._shared_key:
                self._tell("purchase.found", call=call.name, tzid=tzid)
                return now
        if before is not None and now is not None and not _is_longer(before, now):
            raise NothingBoughtError("the answer was lost and the number is not extended", call=call.name) from lost
        raise SpendUnknownError(
            "the answer was lost and the number does not tell",
            call=call.name,
            status=lost.status if lost else None,
            candidates=() if now is None else (now,),
        ) from lost

    async def _number(self, tzid: int) -> RentedNumber | None:
        return _one(await self._numbers(), tzid)


def _is_flying(purchase: Purchase) -> bool:
    """Whether it was sent, and may still be answered."""
    return purchase.sent_at < purchase.lost_at == inf and purchase.found is None


def _paired(rivals: list[Purchase], new: list[RentedNumber]) -> list[tuple[Purchase, RentedNumber]]:
    """Each purchase with a number that may have come of it; nothing when it does not come out even."""
    if len(rivals) != len(new):
        return []
    pairs: list[tuple[Purchase, RentedNumber]] = []
    left = list(new)
    for other in sorted(rivals, key=lambda other: len(other.before), reverse=True):
        taken = next((number for number in left if other.may_be(number)), None)
        if taken is None:
            return []
        left.remove(taken)
        pairs.append((other, taken))
    return pairs


def _one(numbers: tuple[RentedNumber, ...], tzid: int) -> RentedNumber | None:
    return next((number for number in numbers if number.tzid == tzid), None)


def _is_longer(before: RentedNumber, now: RentedNumber) -> bool:
    """More days, or more time; but a number that was confirmed meanwhile counts its lease and no more 20 minutes."""
    more_days = (now.days_bought or 0) > (before.days_bought or 0)
    more_time = (now.ends_in or timedelta()) > (before.ends_in or timedelta())
    return more_days or (more_time and now.status == before.status)
