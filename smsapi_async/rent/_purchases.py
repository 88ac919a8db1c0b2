"""Purchases and extensions of rented numbers: each is sent once, and looked for in the list if its answer is lost.

The record is the list of active numbers (getRentState). A purchase shows as a tzid that was not there before. An
extension shows as more days or more time of its number. Nothing here is ever undone, because a closed number is lost
for good.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from math import inf
from typing import ClassVar, TypeVar

import anyio
import attrs

from .. import _sending
from .._budget import Budget, Place
from .._errors import (
    NothingBoughtError,
    NotSentError,
    OutcomeUnknownError,
    SmsApiError,
    SpendUnknownError,
    UnreadableReplyError,
)
from .._events import kind
from .._sending import LOOKS, Attempt, Call, Claims, LostPurchases, Reply, Sender, let_cancellation_arrive
from .._unsettled import Unsettled
from ._models import RentedNumber

T = TypeVar("T")
Span = TypeVar("Span", int, timedelta)

DAY = 86_400.0

HAUNTS = 60.0
"""Seconds for which a given-up purchase may still show in the list: six times the lag that is allowed for."""

CONFIRMED_WITHIN = 19 * 60.0
"""Seconds after which a number without a message is over and refunded: twenty minutes, counted in whole ones."""

MEMORY = 3600.0
"""Seconds for which the time of a number's purchase is remembered."""

Fetch = Callable[[], Awaitable[tuple[RentedNumber, ...]]]


@attrs.define(eq=False)
class Purchase(_sending.Purchase[RentedNumber]):
    """One number that is bought, until its outcome is known.

    Attributes:
        days: the number of days that was asked for.
        before: the numbers that were listed when it was asked for. None of them can have come of the purchase.
    """

    country: int
    days: int
    before: frozenset[int]

    def may_be(self, number: RentedNumber) -> bool:
        """Return True if the number may have come of this purchase."""
        same = number.country in (self.country, None) and number.days_bought in (self.days, None)
        return same and number.tzid not in self.before


@attrs.frozen
class Numbers:
    """The numbers that the list shows. A number does not show when it was bought."""

    rows: tuple[RentedNumber, ...]
    latency: float = 0.0
    are_whole: bool = True
    are_comparable: bool = True

    def fits(self, purchase: Purchase, row: RentedNumber) -> bool:
        return purchase.may_be(row)

    def may_be(self, purchase: Purchase, row: RentedNumber) -> bool:
        return purchase.may_be(row)

    def is_certain(self, _: RentedNumber) -> bool:
        return True

    def might_be(self, purchase: Purchase, row: RentedNumber) -> bool:
        """Return True if the number is new, but has another country or length.

        Rows hold placeholders at times, so such a number rules out NothingBoughtError.
        """
        return row.tzid not in purchase.before and not purchase.may_be(row)

    def ends(self, purchase: Purchase) -> int:
        """The sort key: the more numbers were there before a purchase, the fewer may be its own."""
        return -len(purchase.before)


class LostNumbers(LostPurchases[Purchase, RentedNumber]):
    """The search for rented numbers in the list."""

    NOTHING: ClassVar[str] = "the answer was lost and no new number is listed"
    ROW: ClassVar[str] = "new number"
    KEY: ClassVar[str] = "tzid"

    def __init__(self, sender: Sender, claims: Claims[Purchase], numbers: Fetch, *, shared_key: bool) -> None:
        super().__init__(sender, claims, shared_key=shared_key)
        self._numbers = numbers
        self._listed: set[int] = set()
        self._listed_at = -inf
        self.bought: dict[int, float] = {}
        self._learning = anyio.Lock()

    def is_like(self, purchase: Purchase, other: Purchase) -> bool:
        return other.country == purchase.country

    def is_rival(self, purchase: Purchase, other: Purchase) -> bool:
        recent = not other.given_up or other.lost_at > anyio.current_time() - HAUNTS
        return recent and self.is_like(purchase, other)

    def is_apart(self, *_: object) -> bool:
        return False

    def can_compare(self) -> bool:
        return True

    def mark(self, *_: object) -> None:
        """Return no mark, because the tzid says everything."""

    def made(self, _: RentedNumber) -> None:
        """Return nothing, because no tzid comes twice."""

    def is_behind(self, _: Purchase, last: Numbers) -> bool:
        shown = {number.tzid for number in last.rows}
        since = anyio.current_time() - HAUNTS
        return any(at >= since and tzid not in shown for tzid, at in self.bought.items())

    def log_lost(self, purchase: Purchase) -> None:
        self._emit("purchase.lost", call=purchase.call)

    def log_found(self, purchase: Purchase, row: RentedNumber) -> None:
        self._emit("purchase.found", call=purchase.call, tzid=row.tzid)

    async def read(self, *_: object) -> Numbers:
        return Numbers(await self.listed())

    async def read_further(self, _: Purchase) -> tuple[()]:
        return ()

    def denies(self, *_: object) -> bool:
        return True

    async def listed(self) -> tuple[RentedNumber, ...]:
        """Read the list as it is now."""
        began = anyio.current_time()
        numbers = await self._numbers()
        self._listed.update(number.tzid for number in numbers)
        self._listed_at = max(self._listed_at, began)
        return numbers

    async def held(self) -> frozenset[int]:
        """Every number ever listed, with a list asked for from now on: a person may have rented some meanwhile."""
        asked_at = anyio.current_time()
        async with self._learning:
            if self._listed_at < asked_at:
                await self.listed()
            return frozenset(self._listed)


class Purchases:
    """Every spending call of one client to the rent API."""

    def __init__(self, sender: Sender, unsettled: Unsettled[RentedNumber], lost: LostNumbers, budget: Budget) -> None:
        self._sender = sender
        self._budget = budget
        self._unsettled = unsettled
        self._lost = lost
        self._bought = lost.bought

    def bought_at(self, tzid: int) -> float | None:
        """When the purchase left, by the loop's clock; None unless this client bought the number within the hour."""
        return self._bought.get(tzid)

    async def buy(self, call: Call[RentedNumber], country: int, days: int, life: float) -> RentedNumber:
        """Send the purchase once and find out its outcome. A caller cancelled meanwhile finds the number in
        `client.unsettled`.

        Args:
            life: seconds for which the number is taken to be held.
        """
        with self._budget.place(call.name, self._budget.per_order, anyio.current_time()) as place:
            purchase = Purchase(country, days, await _before(call, self._lost.held))

            def read(reply: Reply) -> RentedNumber:
                number = call.read(reply)
                if number.tzid in purchase.before:  # a cache answered
                    what = f"the answer names number {number.tzid}, which was listed before"
                    raise OutcomeUnknownError(what, call=call.name)
                return self._lost.answered(purchase, number)

            recover, abandon = partial(self._lost.find, purchase), partial(self._leave_open, call)
            attempt = purchase.attempt = Attempt(call.reading(read), recover, abandon)
            purchase.asked = (call.path, call.query)
            purchase.on_found = partial(self._register, purchase, place, life)
            try:
                with self._lost.claims.under_way(purchase):
                    return await attempt.spend(self._sender)
            finally:
                if attempt.may_have_happened and not place.taken:
                    self._budget.book(place, place, None, purchase.sent_at + life)

    def _register(self, purchase: Purchase, place: Place, life: float, number: RentedNumber) -> None:
        """Count and remember a number of this client."""
        sent_at = self._bought[number.tzid] = purchase.sent_at
        self._budget.book(place, self._key(number.tzid), number.price, sent_at + life)
        for tzid in [tzid for tzid, at in self._bought.items() if at < sent_at - MEMORY]:
            del self._bought[tzid]
        self._emit("rent.bought", tzid=number.tzid, country=number.country, cost=number.price)

    async def extend(self, call: Call[RentedNumber], tzid: int, days: int) -> RentedNumber:
        """Send the extension once and find its outcome. For a cancelled caller, the number is in `client.unsettled`."""
        await let_cancellation_arrive()
        async with self._alone_with(tzid):
            before = await _before(call, lambda: self._number(tzid))
            price = before.extensions.get(days) if before is not None else None
            most = price or self._budget.per_order

            with self._budget.place(call.name, most, anyio.current_time(), opens=False) as place:

                def extended(number: RentedNumber) -> RentedNumber:
                    self._prolong(place, tzid, days, attempt)
                    self._emit("rent.extended", tzid=tzid, days=days, cost=price)
                    return number

                async def recover(lost: OutcomeUnknownError) -> RentedNumber:
                    return extended(await self._grown(call, before, tzid, lost))

                def read(reply: Reply) -> RentedNumber:
                    number = call.read(reply)
                    if number.tzid != tzid or (before and _is_as_before(before, number)):  # a cache answered
                        raise OutcomeUnknownError("the answer shows no extension of this number", call=call.name)
                    return extended(number)

                asked = call.reading(read)
                attempt = Attempt(asked, recover, partial(self._leave_open, call))
                try:
                    return await attempt.spend(self._sender)
                finally:
                    if attempt.may_have_happened and not place.taken:
                        self._prolong(place, tzid, days, attempt)

    def _prolong(self, place: Place, tzid: int, days: int, attempt: Attempt[RentedNumber]) -> None:
        """Count an extension that was made, or may have been made, with the amount set aside."""
        self._budget.book(place, self._key(tzid), None, attempt.sent_at)
        self._budget.prolong(self._key(tzid), days * DAY)

    def closed(self, tzid: int) -> None:
        """Record that the number was given up and is no longer held."""
        self._bought.pop(tzid, None)
        self._budget.close(self._key(tzid), refunded=False)
        self._unsettled.discard(tzid)

    def gone(self, tzid: int, last: RentedNumber | None) -> None:
        """Record that the provider no longer lists the number.

        The price is given back if no message confirmed it in its first twenty minutes.
        """
        age = anyio.current_time() - self._bought.get(tzid, inf)
        unconfirmed = last is not None and last.status == 0 and age >= CONFIRMED_WITHIN
        self._budget.close(self._key(tzid), refunded=unconfirmed)
        self._unsettled.discard(tzid)

    def name(self, tzid: int) -> None:
        """Record that a number is in use. No lost purchase takes it then."""
        self._lost.claims.name(tzid)

    def _key(self, tzid: int) -> tuple[object, int]:
        """The number's place in a budget, which the clients of several accounts may share."""
        return self._lost.claims, tzid

    @asynccontextmanager
    async def _alone_with(self, tzid: int) -> AsyncIterator[None]:
        """Hold the number while no other extension of it is under way, because the list shows both in the same way."""
        claims = self._lost.claims
        while not claims.hold(tzid):
            await claims.changed()
        try:
            yield
        finally:
            claims.release(tzid)

    async def _leave_open(self, call: Call[RentedNumber], number: RentedNumber) -> None:
        why = f"{call.name} went through while its caller was cancelled; it is never undone"
        self._unsettled.add(number.tzid, number, why)

    async def _number(self, tzid: int) -> RentedNumber | None:
        return _one(await self._lost.listed(), tzid)

    async def _grown(
        self, call: Call[RentedNumber], before: RentedNumber | None, tzid: int, lost: OutcomeUnknownError
    ) -> RentedNumber:
        """Return the number if the list shows that it was extended. Otherwise raise."""
        self._emit("purchase.lost", call=call.name)
        now = None
        for pause in LOOKS:
            await anyio.sleep(pause)
            now = await self._read(call, tzid)
            if before is not None and now is not None and _is_longer(before, now) and not self._lost.shared_key:
                self._emit("purchase.found", call=call.name, tzid=tzid)
                return now
        if before is not None and now is not None and _is_as_before(before, now):
            raise NothingBoughtError("the answer was lost and the number is not extended", call=call.name) from lost
        raise SpendUnknownError(
            "the answer was lost and the number does not tell",
            call=call.name,
            status=lost.status,
            candidates=() if now is None else (now,),
        ) from lost

    async def _read(self, call: Call[RentedNumber], tzid: int) -> RentedNumber | None:
        try:
            return await self._number(tzid)
        except SmsApiError as trouble:
            self._emit("purchase.records_unread", call=call.name, error=kind(trouble))
            return None

    def _emit(self, name: str, **fields: object) -> None:
        self._sender.events.emit(logging.INFO, name, **fields)


async def _before(call: Call[RentedNumber], read: Callable[[], Awaitable[T]]) -> T:
    """Read the state before the call. Without it, a lost answer could not be looked up, so nothing is sent."""
    try:
        return await read()
    except (OutcomeUnknownError, UnreadableReplyError) as trouble:
        what = "the numbers held so far could not be read"
        raise NotSentError(what, call=call.name) from trouble


def _one(numbers: tuple[RentedNumber, ...], tzid: int) -> RentedNumber | None:
    return next((number for number in numbers if number.tzid == tzid), None)


def _is_longer(before: RentedNumber, now: RentedNumber) -> bool:
    """Return True if the number has more days or more time. A value that cannot be read proves nothing.

    The time of a number that was confirmed meanwhile is that of its lease, and no longer of the twenty minutes before
    that.
    """
    more_days, more_time = _grew(before.days_bought, now.days_bought), _grew(before.ends_in, now.ends_in)
    return more_days is True or (more_time is True and now.status == before.status)


def _is_as_before(before: RentedNumber, now: RentedNumber) -> bool:
    """Return True if the days show that the number was not extended. Without days, the time decides."""
    more_days, more_time = _grew(before.days_bought, now.days_bought), _grew(before.ends_in, now.ends_in)
    return not _is_longer(before, now) and False in (more_days, more_time if more_days is None else None)


def _grew(before: Span | None, now: Span | None) -> bool | None:
    """Return True if the value grew, or None if one of the two is unknown."""
    return None if before is None or now is None else now > before
