"""The ends of the awaited orders, and when their last looks must begin so that all are over in time. Pure.

Every order needs two requests before its end, its last look and its cancel. Of n orders that end together the first is
begun n pairs of requests earlier, or the last cancel would come after its order's end.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from math import inf
from typing import Generic, TypeVar

from .tracked import LEAD, Tracked

S = TypeVar("S")

SLICES = 4
"""Slices of a second in which ends are counted: thousands of orders have few moments to look at."""


class Endings(Generic[S]):
    """Ends by slices of time, each with its orders."""

    def __init__(self, each: float = 0.0) -> None:
        self._slices: dict[int, list[Tracked[S]]] = {}
        self._sizes: dict[int, int] = {}
        self._order: list[int] = []
        self._count = 0
        self._earliest = inf
        self._each = each

    def file(self, tracked: Tracked[S], *, counts: bool) -> None:
        """Count the order at its present end, or no longer."""
        slot = int(tracked.ends_at * SLICES) if counts and tracked.ends_at < inf else 0
        if slot == tracked.ends_in:
            return
        if tracked.ends_in:
            self._drop(tracked.ends_in)
        tracked.ends_in = slot
        if slot:
            self._add(slot, tracked)

    def next_at(self) -> float:
        """A moment before which no order need be begun."""
        return self._earliest

    def begin(self, now: float, each: float) -> list[Tracked[S]]:
        """Return the orders whose last look begins now, the first to end first.

        Args:
            each: seconds that the requests of one order take, at the present pace.
        """
        begun: list[Tracked[S]] = []
        if each != self._each:
            self._each = each
            self._earliest = self._first_begin()
        while self._earliest <= now:
            self._earliest = self._first_begin()
            if self._earliest > now:
                break
            slot = self._order[0]
            for tracked in self._slices[slot]:
                if tracked.ends_in == slot:
                    tracked.ends_in = 0
                    begun.append(tracked)
            self._forget(slot)
        return begun

    def _add(self, slot: int, tracked: Tracked[S]) -> None:
        if slot not in self._slices:
            self._slices[slot], self._sizes[slot] = [], 0
            insort(self._order, slot)
        self._slices[slot].append(tracked)
        self._sizes[slot] += 1
        self._count += 1
        own = _begin_of(slot, self._each * (self._count - 1))
        self._earliest = min(self._earliest - self._each, own)

    def _drop(self, slot: int) -> None:
        self._sizes[slot] -= 1
        self._count -= 1
        if not self._sizes[slot]:
            self._forget(slot)
        elif len(self._slices[slot]) > 2 * self._sizes[slot] + SLICES:
            self._slices[slot] = [tracked for tracked in dict.fromkeys(self._slices[slot]) if tracked.ends_in == slot]

    def _forget(self, slot: int) -> None:
        self._count -= self._sizes.pop(slot)
        del self._slices[slot]
        del self._order[bisect_left(self._order, slot)]

    def _first_begin(self) -> float:
        """The moment at which the first order must be begun so that each one is begun in time."""
        earliest, before = inf, 0
        for slot in self._order:
            size = self._sizes[slot]
            before += size
            earliest = min(earliest, _begin_of(slot, self._each * (before - 1)))
        return earliest


def _begin_of(slot: int, work: float) -> float:
    """The moment for the first look, if so many seconds of work precede the last order of the slice."""
    return (slot + 1) / SLICES - LEAD - work
