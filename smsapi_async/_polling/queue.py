"""The look queue: which order is asked about next. Only its methods write an order's place in the queue. Pure.

    IDLE -> PLANNED -> IN_LINE -> IN_FLIGHT -> PLANNED ...        a look is due, taken, planned anew
            PLANNED -> SPARED -> IN_LINE, PLANNED                 the list answers for it, until a moment or no longer

Every awaited, open order is in exactly one state. Each place has a number. Heap entries with an older number are void,
so an entry that an order left behind never makes the order look planned.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import count
from math import inf
from typing import Generic, TypeVar

from .coverage import Coverage
from .endings import Endings
from .tracked import LAST_LOOK, State, Tracked

S = TypeVar("S")

PATIENCE_OF_LATE = 8.0
"""Among late looks, the order that is first late by this many of its own intervals comes first. So old orders do not
hold up young ones, whose SMS is most likely to come now. Round robin would find codes three times later."""

MOMENT = -1e300

NEAR = 30.0
"""Seconds before a last look. Within them, each answer plans the order anew, because its end may have moved."""

FEW_VOID = 50
"""Void entries are dropped once there are more entries than twice the awaited orders plus this number."""

TAKEN = (State.IN_LINE, State.IN_FLIGHT)


class LookQueue(Generic[S]):
    """Every order's next look.

    Args:
        coverage: says which looks the list spares.
        pair: seconds that the last two requests of an order, its last look and its cancel, take at the current pace.
    """

    def __init__(self, coverage: Coverage[S], pair: Callable[[], float] = lambda: 0.0) -> None:
        self.awaited: int = 0
        self._coverage = coverage
        self._pair = pair
        self._endings: Endings[S] = Endings()
        self._planned: list[tuple[float, int, Tracked[S]]] = []
        self._line: list[tuple[float, int, Tracked[S]]] = []
        self._fresh: list[tuple[int, Tracked[S]]] = []
        self._turns = count(1)
        self._spared = 0

    # -- waits ------------------------------------------------------------------------------------------------------

    def joined(self, tracked: Tracked[S], now: float) -> None:
        """Record that a wait for the order began."""
        self.awaited += len(tracked.waiters) == 1
        if tracked.state is State.IN_LINE:
            self._guard_moment(tracked, now)
        else:
            self.replan(tracked, max(now, tracked.next_look_at(tracked.asked_at(now))))

    def left(self, tracked: Tracked[S]) -> None:
        """Record that a wait for the order ended."""
        if not tracked.waiters:
            self.awaited -= 1
            if tracked.state is not State.IN_FLIGHT:
                self._rest(tracked)
            self._drop_void()

    def observed(self, tracked: Tracked[S]) -> None:
        """Process an answer that showed the order: its end may have moved or come."""
        if tracked.state is State.IN_FLIGHT:
            self._file(tracked)
        elif tracked.is_over():
            self._rest(tracked)
        elif tracked.state in (State.IDLE, State.SPARED) or (
            tracked.state is State.PLANNED and tracked.last_at < tracked.seen_at + NEAR
        ):  # open again, seen after the list showed it, or near its end
            self._plan(tracked, tracked.next_look_at(tracked.seen_at))
        else:
            self._file(tracked)

    # -- looks ------------------------------------------------------------------------------------------------------

    def replan(self, tracked: Tracked[S], at: float) -> None:
        """Plan the next look, unless one is due already."""
        if tracked.state not in TAKEN:
            self._plan(tracked, at)

    def next_at(self) -> float:
        """The moment at which something is next due."""
        due_at = self._planned[0][0] if self._planned else inf
        return min(due_at, self._endings.next_at())

    def advance(self, now: float) -> list[Tracked[S]]:
        """Line up everything that is due. Return the orders in line whose last look is given up as too late."""
        for tracked in self._endings.begin(now, self._pair()):
            tracked.early_at = now
            if tracked.state is not State.IN_FLIGHT:
                self._line_up(tracked, now, now)
        passed = []
        while self._planned and self._planned[0][0] <= now:
            at, turn, tracked = heapq.heappop(self._planned)
            if turn != tracked.turn:
                continue
            if tracked.state is State.IN_LINE and now < tracked.last_at + LAST_LOOK:
                self._line_up(tracked, now, now)
            elif tracked.state is State.IN_LINE:
                self.count_as_look(tracked, now, now)
                passed.append(tracked)
            elif tracked.state is State.SPARED or not self._put_off(tracked, now):
                self._line_up(tracked, at, now)
        return passed

    def urgency(self) -> float | None:
        """The urgency of the first look in line. None if the line is empty.

        It is -inf for an order that ends, and `MOMENT` for a look that no rhythm plans: at a caller's deadline, or to
        prove the list. These go before the others; but a page may answer for many deadlines at once.
        """
        while self._line and self._line[0][1] != self._line[0][2].turn:
            heapq.heappop(self._line)
        return self._line[0][0] if self._line else None

    def take(self, now: float) -> Tracked[S] | None:
        """Take the first order in line that the list has not answered for by now."""
        while (urgency := self.urgency()) is not None:
            *_, tracked = heapq.heappop(self._line)
            if urgency <= MOMENT or not self._put_off(tracked, now):
                self._move(tracked, State.IN_FLIGHT)
                return tracked
        return None

    def looked(self, tracked: Tracked[S], at: float) -> None:
        """Record that a look ended, and plan the next one."""
        self._plan(tracked, at)

    def put_back(self, tracked: Tracked[S], now: float) -> None:
        """Put back a look that was taken but not made."""
        if tracked.waiters and not tracked.is_over():
            self._line_up(tracked, now, now)
        else:
            self._rest(tracked)

    def count_as_look(self, tracked: Tracked[S], at: float, now: float) -> None:
        """Count the look in line as made at that moment, because the list answered or the look came too late."""
        tracked.looked_at = at
        self._plan(tracked, tracked.next_look_at(now))

    def guard_moments(self, now: float) -> None:
        """Plan when an order in line becomes urgent, and when its last look is given up."""
        for turn, tracked in self._fresh:
            if turn == tracked.turn:
                self._guard_moment(tracked, now)
        self._fresh.clear()

    # -- what the list spares ---------------------------------------------------------------------------------------

    @property
    def spares(self) -> bool:
        """True if the list spares any look."""
        return self._spared > 0

    def spare_no_longer(self, orders: Iterable[Tracked[S]], now: float, unless_listed_since: float = inf) -> None:
        """Plan the looks that were spared, except at orders that the list has shown since then."""
        if not self._spared:
            return
        for tracked in orders:
            if tracked.state is State.SPARED and tracked.listed_at < unless_listed_since:
                self._plan(tracked, max(now, tracked.next_look_at(tracked.listed_at)))

    def _put_off(self, tracked: Tracked[S], now: float) -> bool:
        """Return True if the list covers this look; reschedule it then."""
        if tracked.at_a_moment(now) or not self._coverage.answers_for(tracked):
            return False
        at = tracked.next_look_at(tracked.listed_at)
        if at <= now:
            return False
        if self._coverage.showed_last(tracked):
            audit_at = self._coverage.audit_at(now, self._spared)
            self._move(tracked, State.SPARED)
            self._push(tracked, min(tracked.next_moment(now), audit_at))
        else:
            self._plan(tracked, at)
        return True

    # -- places -----------------------------------------------------------------------------------------------------

    def _plan(self, tracked: Tracked[S], at: float) -> None:
        if not tracked.waiters or tracked.is_over():
            self._rest(tracked)
            return
        self._move(tracked, State.PLANNED)
        self._push(tracked, at)
        self._file(tracked)

    def _line_up(self, tracked: Tracked[S], at: float, now: float) -> None:
        asked_at = tracked.asked_at(now)
        first = asked_at + PATIENCE_OF_LATE * (at - asked_at)
        if tracked.is_ending(now):
            first = -inf
        elif tracked.at_a_moment(now) or tracked.state is State.SPARED:
            first = MOMENT
        self._move(tracked, State.IN_LINE)
        heapq.heappush(self._line, (first, tracked.turn, tracked))
        self._fresh.append((tracked.turn, tracked))

    def _rest(self, tracked: Tracked[S]) -> None:
        self._move(tracked, State.IDLE)
        self._file(tracked)

    def _move(self, tracked: Tracked[S], state: State) -> None:
        self._spared += (state is State.SPARED) - (tracked.state is State.SPARED)
        tracked.state = state
        tracked.turn = next(self._turns)

    def _push(self, tracked: Tracked[S], at: float) -> None:
        heapq.heappush(self._planned, (at, tracked.turn, tracked))
        self._drop_void()

    def _guard_moment(self, tracked: Tracked[S], now: float) -> None:
        at = tracked.next_moment(now)
        if tracked.at_a_moment(now):
            at = tracked.last_at + LAST_LOOK if tracked.looked_at < tracked.last_at else inf
        if at < inf:
            self._push(tracked, at)

    def _file(self, tracked: Tracked[S]) -> None:
        """Count the order's end as long as its last look is still to come."""
        awaited = tracked.state is not State.IDLE and not tracked.is_over()
        counts = awaited and tracked.early_at == inf and not tracked.last_look_taken()
        self._endings.file(tracked, counts=counts)

    def _drop_void(self) -> None:
        """Drop void entries once they outnumber the valid ones, because each keeps an order in memory."""
        most = 2 * self.awaited + FEW_VOID
        for heap in (self._planned, self._line):
            if len(heap) > most:
                heap[:] = [entry for entry in heap if entry[1] == entry[2].turn]
                heapq.heapify(heap)

    def check(self, orders: Iterable[Tracked[S]]) -> None:
        """Raise AssertionError unless every order is in exactly one state, with its place in a heap; for tests."""
        planned = Counter(turn for _, turn, tracked in self._planned if turn == tracked.turn)
        line = Counter(turn for _, turn, tracked in self._line if turn == tracked.turn)
        for tracked in orders:
            waits = bool(tracked.waiters) and not tracked.is_over()
            places = {
                State.IDLE: not waits,
                State.PLANNED: waits and planned[tracked.turn] == 1,
                State.SPARED: waits and planned[tracked.turn] == 1,
                State.IN_LINE: waits and line[tracked.turn] == 1,
                State.IN_FLIGHT: True,
            }
            if not places[tracked.state]:
                raise AssertionError(f"order {tracked.key} has no place: {tracked.state}, awaited: {waits}")
