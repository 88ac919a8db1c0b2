"""When the awaited orders end, and when their last looks must begin. Pure.

Every order needs two requests before its end: its last look and its cancel. When n orders end together, the first last
look begins n pairs of requests earlier. Otherwise the last cancel would come after its order's end.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from math import inf
from typing import Generic, TypeVar

from .tracked import LEAD, Tracked

S = TypeVar("S")

SLICES = 4
"""Slices per second in which ends are counted, so that thousands of orders have only a few moments to check."""


class Endings(Generic[S]):
    """The ends of orders, grouped by slices of time."""

    def __init__(self, each: float = 0.0) -> None:
        self._slices: dict[int, list[Tracked[S]]] = {}
        self._sizes: dict[int, int] = {}
        self._order: list[int] = []
        self._count = 0
        self._earliest = inf
        self._each = each

    def file(self, tracked: Tracked[S], *, counts: bool) -> None:
        """Count the order at its current end, or stop counting it if `counts` is false."""
        slot = int(tracked.ends_at * SLICES) if counts and tracked.ends_at < inf else 0
        if slot == tracked.ends_in:
            return
        if tracked.ends_in:
            self._drop(tracked.ends_in)
        tracked.ends_in = slot
        if slot:
            self._add(slot, tracked)

    def next_at(self) -> float:
        """The moment before which no last look needs to begin."""
        return self._earliest

    def begin(self, now: float, each: float) -> list[Tracked[S]]:
        """Return the orders whose last look begins now, the first to end first.

        Args:
            each: seconds that the two requests of one order take at the current pace.
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
        """The moment at which the first last look must begin so that every order is in time."""
        earliest, before = inf, 0
        for slot in self._order:
            size = self._sizes[slot]
            before += size
            earliest = min(earliest, _begin_of(slot, self._each * (before - 1)))
        return earliest


def _begin_of(slot: int, work: float) -> float:
    """The moment to begin, if `work` seconds precede the last order of the slice."""
    return (slot + 1) / SLICES - LEAD - work
