"""Waiters with nothing to do, and the leader: the waiter that sleeps until something is due. Pure.

There is no background task. A leader that leaves or gets a turn passes the lead on, in a plain function that cannot be
interrupted.
"""

from __future__ import annotations

import heapq
from math import inf
from typing import Generic, TypeVar

from .tracked import LAST_LOOK_OF_A_TIMEOUT, LEAD, Waiter

S = TypeVar("S")

FEW = 8
"""The most parked waiters that `pick` compares."""

FEW_VOID = 32
"""Void entries are dropped once there are more entries than twice the waits plus this number."""


class Idle(Generic[S]):
    """The parked waiters of one provider, their leader, and the timeouts of all waiters."""

    def __init__(self) -> None:
        self.leader: Waiter[S] | None = None
        self.sleeps_until: float = -inf
        self._waits = 0
        self._parked: list[Waiter[S]] = []
        self._timeouts: list[tuple[float, int, Waiter[S]]] = []

    def joined(self, waiter: Waiter[S]) -> None:
        """Record that a wait began."""
        self._waits += 1
        if waiter.deadline < inf:
            heapq.heappush(self._timeouts, (waiter.deadline, id(waiter), waiter))

    def left(self, waiter: Waiter[S]) -> None:
        """Record that a wait ended."""
        self._waits -= 1
        self._drop_void()
        if self.leader is waiter:
            self.leader = None

    def park(self, waiter: Waiter[S]) -> None:
        """Record that the waiter has nothing to do."""
        waiter.hush()
        self._parked.append(waiter)
        self._drop_void()

    def lead(self, waiter: Waiter[S], until: float) -> None:
        """Make the waiter the leader, which sleeps until then."""
        self.leader, self.sleeps_until = waiter, until
        waiter.hush()

    def elect(self, now: float) -> None:
        """Wake a parked waiter so that it becomes the leader."""
        successor = self.pick(now)
        if successor is not None:
            self.leader, self.sleeps_until = successor, -inf
            successor.ring()

    def hand(self, now: float) -> Waiter[S] | None:
        """A waiter that is free for work that is not its own order's: a parked one, otherwise the leader."""
        picked = self.pick(now)
        if picked is None and self.leader is not None and self._is_free(self.leader):
            return self.leader
        return picked

    def pick(self, now: float) -> Waiter[S] | None:
        """A parked waiter, preferably a recent one; one that is about to leave only if there is no other."""
        few: list[Waiter[S]] = []
        while self._parked and len(few) < FEW and not (few and few[-1].deadline > now + LEAD):
            waiter = self._parked.pop()
            if self._is_parked(waiter):
                few.append(waiter)
        self._parked += reversed(few)
        return few[-1 if few[-1].deadline > now + LEAD else 0] if few else None

    def next_timeout(self) -> float:
        """The moment at which the first waiter is late."""
        return self._timeouts[0][0] + LAST_LOOK_OF_A_TIMEOUT if self._timeouts else inf

    def late(self, now: float) -> list[Waiter[S]]:
        """Return the waiters whose time is over, including the time of their last look."""
        found = []
        while self.next_timeout() <= now:
            waiter = heapq.heappop(self._timeouts)[2]
            if waiter in waiter.tracked.waiters:
                found.append(waiter)
        return found

    def _is_parked(self, waiter: Waiter[S]) -> bool:
        return waiter is not self.leader and not waiter.rung and self._is_free(waiter)

    @staticmethod
    def _is_free(waiter: Waiter[S]) -> bool:
        return waiter.job is None and not waiter.news and waiter in waiter.tracked.waiters

    def _drop_void(self) -> None:
        """Drop void entries once they outnumber the live ones, because each keeps an order in memory."""
        most = 2 * self._waits + FEW_VOID
        if len(self._parked) > most:
            self._parked = [each for each in dict.fromkeys(self._parked) if self._is_parked(each)]
        if len(self._timeouts) > most:
            self._timeouts = [entry for entry in self._timeouts if entry[2] in entry[2].tracked.waiters]
            heapq.heapify(self._timeouts)
