"""The search for purchases whose answers were lost, in the provider's records. Written once, below both houses.

Neither provider has an idempotency key. So a row of the records is claimed only if it can belong to no other purchase
of this account. A purchase that is still in flight is waited for first. Equal purchases that are lost together share
out their rows, if there are as many rows as purchases. A house says which row may be which purchase, and how the
records are read.

Every conclusion is drawn in a plain function, from state read after the last await. Another lookup may give a row away
at any await.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Sequence
from math import inf
from typing import Any, ClassVar, Generic, TypeVar

import anyio
import attrs

from .._errors import NothingBoughtError, OutcomeUnknownError, SmsApiError, SpendUnknownError
from .._events import kind
from .claims import Claim, Claims, Purchase, is_running
from .records import Records, entangled, paired
from .sender import Sender

R = TypeVar("R")
T = TypeVar("T")

LOOKS = (1.0, 3.0, 6.0)
"""Seconds before each look at the records, ten in all, because the records may lag behind a purchase."""

LOOK_WITHIN = 30.0
"""Seconds for one of these looks, with all its pages and repeats: a silent provider must not hold the search up."""

PATIENCE = 60.0
"""Seconds to wait for a purchase whose time cannot be compared: one of another event loop, or any while the records'
clock is not known. This is twice the usual request timeout. After that, nothing is claimed beside such a purchase."""


P = TypeVar("P", bound=Purchase[Any])


@attrs.frozen
class Search(Generic[P, R]):
    """The results of the looks for one purchase.

    Attributes:
        seen: the newest records that could be read.
        last: the records of the last look; None if they could not be read.
        further: the result of `read_further`; None if it was not asked for or could not be read.
    """

    seen: Records[P, R] | None
    last: Records[P, R] | None
    further: Any


class LostPurchases(ABC, Generic[P, R]):
    """The search for the lost purchases of one client.

    Class attributes:
        NOTHING: the error's words if the records show no purchase.
        ROW: what one row of the records is, in the singular.
        KEY: the name of the attribute that is a row's key.
    """

    NOTHING: ClassVar[str]
    ROW: ClassVar[str]
    KEY: ClassVar[str]

    def __init__(self, sender: Sender, claims: Claims[P], *, shared_key: bool) -> None:
        self.sender = sender
        self.claims = claims
        self.shared_key = shared_key

    # -- what the house says ----------------------------------------------------------------------------------------

    @abstractmethod
    async def read(self, purchase: P, since: float, /) -> Records[P, R]:
        """Read the newest rows, back to a moment of the loop's clock."""

    @abstractmethod
    def is_like(self, purchase: P, other: P) -> bool:
        """Return True if the two purchases may want the same row."""

    @abstractmethod
    def is_rival(self, purchase: P, other: P) -> bool:
        """Return True if `other`, which is lost, is of a time in which it may want the purchase's row."""

    @abstractmethod
    def is_apart(self, purchase: P, other: P, latency: float, /) -> bool:
        """Return True if `other` was sent too late to have made a row of the purchase's time."""

    @abstractmethod
    def can_compare(self) -> bool:
        """Return True if the times of purchases and rows can be compared with certainty."""

    @abstractmethod
    def mark(self, purchase: P, row: R, /) -> object:
        """The mark to record with the claim of a row."""

    @abstractmethod
    def made(self, row: R, /) -> object:
        """The mark by which two purchases with the same key in their answers differ; None if there is none."""

    @abstractmethod
    def is_behind(self, purchase: P, last: Any, /) -> bool:
        """Return True if the last look lacks what is known to have been bought about then: the records lag."""

    @abstractmethod
    def log_lost(self, purchase: P) -> None:
        """Emit that the answer to a purchase was lost."""

    @abstractmethod
    def log_found(self, purchase: P, row: R) -> None:
        """Emit that a lost purchase was found."""

    @abstractmethod
    async def read_further(self, purchase: P, /) -> Any:
        """Read a second record when the first one shows nothing."""

    @abstractmethod
    def denies(self, purchase: P, further: Any, /) -> bool:
        """Return True if the further record shows nothing either."""

    # -- one purchase -----------------------------------------------------------------------------------------------

    def answered(self, purchase: P, row: R) -> R:
        """Record that the answer to the purchase was read: the row belongs to the purchase.

        Raises:
            OutcomeUnknownError: the answer names what another purchase of this event loop got. A cache answered.
        """
        with self.claims.lock:
            key = self._key(row)
            if self.claims.was_answered(key, self._claim(purchase, row)):
                raise OutcomeUnknownError(f"the answer names {key}, which was bought before", call=purchase.call)
            self._give(purchase, row)
        purchase.on_found(row)
        self.claims.wake(purchase.loop)
        return row

    async def find(self, purchase: P, lost: OutcomeUnknownError) -> R:
        """Find out what came of a purchase whose answer is lost.

        Raises:
            NothingBoughtError: the records show that nothing was bought.
            SpendUnknownError: the records do not decide it.
        """
        if purchase.found is not None:
            known: R = purchase.found  # found already, but its registration was broken off
            with self.claims.lock:
                self._give(purchase, known)
            return known
        purchase.lost_at = anyio.current_time()
        self.claims.wake(purchase.loop)
        self.log_lost(purchase)
        seen = records = further = None
        for pause in LOOKS:
            await anyio.sleep(pause)
            records = await self._look(purchase)
            if records is not None:
                seen = records
                self._share_out(purchase, records)
            if purchase.found is not None:
                break
        # Only the last look can show that nothing was bought, because the records may lag.
        if records is not None and purchase.is_open and await self._is_impossible(purchase, records):
            further = await self._read_further(purchase)
        return self._outcome(purchase, lost, Search(seen, records, further))

    def _outcome(self, purchase: P, lost: OutcomeUnknownError, search: Search[P, R]) -> R:
        """End the search from the current state, because another lookup may have given the purchase its row."""
        candidates: tuple[R, ...] = ()
        with self.claims.lock:
            found: R | None = purchase.found
            void = found is None and self._is_void(purchase, search)
            if found is None and not void:
                candidates = () if search.seen is None else self._candidates(purchase, search.seen)
                self.claims.give_up(purchase, [self._key(row) for row in candidates])
        if found is not None:
            return found
        if void:
            raise NothingBoughtError(self.NOTHING, call=purchase.call) from lost
        what, status = self._unknown(lost, search, len(candidates)), lost.status
        raise SpendUnknownError(what, call=purchase.call, status=status, candidates=candidates) from lost  # type: ignore[arg-type]

    def _unknown(self, lost: OutcomeUnknownError, search: Search[P, R], candidates: int) -> str:
        """The words for a purchase whose outcome stays unknown."""
        if candidates:
            found = f"{candidates} {self.ROW}{'' if candidates == 1 else 's'} may have come of it"
        elif search.seen is None:
            found = "the records could not be read"
        else:
            found = "the records do not decide whether anything came of it"
        return f"the answer was lost ({lost.args[0]}), {found}"

    def _is_void(self, purchase: P, search: Search[P, R]) -> bool:
        """Return True if the last look was whole and showed nothing, and the further record showed nothing either."""
        last, further = search.last, search.further
        if last is None or further is None or not last.are_whole or self._is_possible(purchase, last):
            return False
        return self.denies(purchase, further) and not self.is_behind(purchase, last)

    async def _look(self, purchase: P) -> Records[P, R] | None:
        """Read the records while no purchase is in flight whose row could be taken for this one's.

        The same holds for the row of any other lost purchase with which this one has to share out the rows.
        """
        latency, group = 0.0, [purchase]
        while True:
            while any(self._in_the_way(other, latency) for other in group):
                await self.claims.changed()
            if purchase.found is not None:
                return None
            since = min(other.sent_at for other in self._rivals(purchase))
            records = await self._in_time(purchase, self.read(purchase, since))
            if records is None:
                return None
            latency = max(latency, records.latency)
            group, _ = entangled(purchase, self._rivals(purchase), self._free(records), records)
            if not any(self._in_the_way(other, latency) for other in group):
                return records

    async def _is_impossible(self, purchase: P, records: Records[P, R]) -> bool:
        """Return True if no row may be this purchase, once the purchases in flight have shown which rows are theirs."""
        if self._is_possible(purchase, records):
            await self._have_landed(purchase, self._flying(purchase))
        return not self._is_possible(purchase, records)

    async def _read_further(self, purchase: P) -> Any:
        """Read the further record. The purchases in flight then are waited for, because it may show what they cost."""
        further = await self._in_time(purchase, self.read_further(purchase))
        if further is None or self.denies(purchase, further):
            return further
        return further if await self._have_landed(purchase, self._flying(purchase)) else None

    async def _in_time(self, purchase: P, reading: Awaitable[T]) -> T | None:
        """Read records. Return None, with an event, if they cannot be read, or not in time."""
        try:
            with anyio.fail_after(LOOK_WITHIN):
                return await reading
        except (SmsApiError, TimeoutError) as trouble:
            self._emit("purchase.records_unread", call=purchase.call, error=kind(trouble))
            return None

    async def _have_landed(self, purchase: P, others: Sequence[P]) -> bool:
        """Wait until these purchases are no longer in flight. Return False if one still is a minute after the loss."""
        while any(other.is_flying for other in others):
            if anyio.current_time() >= purchase.lost_at + PATIENCE:
                return False
            await self.claims.changed()
        return True

    # -- plain functions over the state of now ----------------------------------------------------------------------

    def _in_the_way(self, purchase: P, latency: float) -> bool:
        """Return True if a purchase that may want the same row has no answer yet.

        Such a purchase was sent in time to have made the row. The later an answer comes, the less its Date says about
        the moment when the row was made.
        """
        for other in self._flying(purchase):
            if other.loop != purchase.loop or not self.can_compare():
                if anyio.current_time() < purchase.lost_at + PATIENCE:
                    return True
            elif not self.is_apart(purchase, other, latency):
                return True
        return False

    def _flying(self, purchase: P) -> list[P]:
        with self.claims.lock:
            flying = [other for other in self.claims.pending if other.is_flying and self.is_like(purchase, other)]
            for other in flying:
                if not (other.loop == purchase.loop or other.loop is None or is_running(other.loop)):
                    self.claims.bury(other)
            return [other for other in flying if not other.given_up]

    def _rivals(self, purchase: P) -> list[P]:
        """The lost purchases of the same time and event loop: this one, and others, given up or not."""
        with self.claims.lock:
            known = (*self.claims.given_up, *self.claims.pending)
        return [
            other
            for other in known
            if other.loop == purchase.loop and other.is_open and other.lost_at < inf and self.is_rival(purchase, other)
        ]

    def _strangers(self, purchase: P) -> list[P]:
        """Open purchases like this one whose times cannot be compared with its own."""
        comparable = self.can_compare()
        pending = [
            other
            for other in self.claims.pending
            if other.is_open and (other.loop != purchase.loop or (other.is_flying and not comparable))
        ]
        later = [
            other
            for other in self.claims.given_up
            if other.is_open and other.loop != purchase.loop and other.given_up > purchase.begun_after
        ]
        return [other for other in (*pending, *later) if self.is_like(purchase, other)]

    def _free(self, records: Records[P, R]) -> list[R]:
        """The rows that belong to no known purchase, oldest first."""
        return sorted((row for row in records.rows if self.claims.is_free(self._key(row))), key=self._key)

    def _share_out(self, purchase: P, records: Records[P, R]) -> None:
        """Give k lost purchases their k rows, if that is certain."""
        with self.claims.lock:
            pairs: list[tuple[P, R]] = []
            if purchase.found is None:
                group, rows = entangled(purchase, self._rivals(purchase), self._free(records), records)
                if self._may_claim(purchase, group, rows, records):
                    pairs = paired(group, rows, records)
            for other, row in pairs:
                self._give(other, row)
        for other, row in pairs:
            self.log_found(other, row)
            other.on_found(row)

    def _may_claim(self, purchase: P, group: Sequence[P], rows: Sequence[R], records: Records[P, R]) -> bool:
        """Return True if the rows can only belong to the group, and its purchases are alike."""
        if self.shared_key or not (records.are_comparable and records.are_whole):
            return False
        if not all(records.is_certain(row) for row in rows):
            return False
        if any(self.claims.is_named(self._key(row)) for row in rows):
            return False
        if any(records.fits(other, row) for other in self._strangers(purchase) for row in rows):
            return False
        return all(other.equals(purchase) and not other.given_up for other in group)

    def _candidates(self, purchase: P, records: Records[P, R]) -> tuple[R, ...]:
        """The rows that may be this purchase and belong to no known purchase."""
        lost, free = self._rivals(purchase), self._free(records)
        rows = [row for row in free if records.may_be(purchase, row)]
        near = self._near(purchase, lost, free, records)
        return tuple(sorted((*rows, *near), key=self._key))

    def _is_possible(self, purchase: P, records: Records[P, R]) -> bool:
        """Return True if any row may be this purchase. Such a row rules out NothingBoughtError."""
        return bool(self._candidates(purchase, records))

    def _near(self, purchase: P, lost: Sequence[P], free: Sequence[R], records: Records[P, R]) -> list[R]:
        """The rows outside of the purchase's time that might still be the purchase."""
        near = [row for row in free if records.might_be(purchase, row)]
        return [row for row in near if not any(records.may_be(other, row) for other in lost)]

    def _give(self, purchase: P, row: R) -> None:
        """Give the row to the purchase before claiming it. An interruption between the two must not leave a claim
        without an owner, which would hide the row."""
        purchase.found = row
        self.claims.claim(self._key(row), self._claim(purchase, row))

    def _claim(self, purchase: P, row: R) -> Claim:
        return Claim(self.mark(purchase, row), self.made(row), purchase.loop)

    def _key(self, row: R) -> int:
        key: int = getattr(row, self.KEY)
        return key

    def _emit(self, name: str, **fields: object) -> None:
        self.sender.events.emit(logging.INFO, name, **fields)
