"""What to ask next, for many waits at once: a timeline of looks at single orders, and sweeps of the provider's list.

An order that sweep after sweep of the list shows is spared all looks but those at its own moments. A code in a row is
evidence; anything else that is new is confirmed by a look, and so is every end. An order that the list does not show,
or shows blindly, keeps its own rhythm; so does every order when the list lags or fails.

Pure: nothing here sends, sleeps or reads a clock.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Awaitable, Callable
from itertools import count
from math import ceil, inf
from typing import Generic, TypeAlias, TypeVar

import attrs

from .._errors import SmsApiError
from .listing import LAG_ALLOWED, MANY, Ask, Listing, Page, Sweep, Waiting
from .tracked import LAST_LOOK, LEAD, Snapshot, Tracked

S = TypeVar("S")

TICK = 0.05
"""Where many wait, what is due within so many seconds is done together: each time somebody must wake up for it."""

SWEEP_WITHIN = 3.0
"""Seconds a sweep may take until orders it has not shown are looked at again by their own rhythm."""

CONFIRM_AGAIN = 2.0
PAGES_A_LOOK = 8
"""Pages that go before a look that is late: what no list shows has its turn too, however long the list."""

PATIENCE_OF_LATE = 8.0
"""Of late looks the first is whose order is first late by so many of its own intervals: young orders, whose SMS is most
likely to come now, are not held up by old ones. Round robin would find codes three times later."""


@attrs.frozen(eq=False)
class Look(Generic[S]):
    """The job of asking about one order."""

    watch: Tracked[S]


Chore: TypeAlias = Callable[[], Awaitable[None]]
"""A job nobody waits for; it may be broken off and done again."""

Job: TypeAlias = Look[S] | Ask | Chore


class LookQueue(Generic[S]):
    """Every watch of one provider: whose look is due, and which page is to be asked."""

    def __init__(self, listing: Listing[S]) -> None:
        self.watches: dict[int, Tracked[S]] = {}
        self.listing: Listing[S] = listing
        self._waiting = 0
        self._due: list[tuple[float, Tracked[S]]] = []
        self._late: list[tuple[float, int, Tracked[S]]] = []
        self._fresh: list[Tracked[S]] = []
        self._chores: deque[Chore] = deque()
        self._order = count(1)
        self._streak = 0
        self._spares_until = inf
        self._swept_from = -inf

    def _awaited(self) -> list[Tracked[S]]:
        return [watch for watch in self.watches.values() if watch.waiters and not watch.is_over()]

    def joined(self, watch: Tracked[S], now: float) -> None:
        """A waiter came to the watch."""
        self._waiting += len(watch.waiters) == 1
        self.plan(watch, max(now, watch.next_look_at(watch.asked_at(now))))

    def left(self, watch: Tracked[S]) -> None:
        """A waiter went."""
        self._waiting -= not watch.waiters
        self._clear_void()

    def wants_somebody(self, *, chores: bool) -> bool:
        """Whether there is something to do that is nobody's own."""
        return bool(self.listing.asks or (chores and self._chores))

    def add(self, chore: Chore) -> bool:
        """Have it done when nothing else is to be asked; False where too few wait for somebody to be spared."""
        if self._lists():
            self._chores.append(chore)
        return self._lists()

    def plan(self, watch: Tracked[S], at: float) -> None:
        """Put the watch's next look into the timeline; an earlier plan of it is void."""
        if watch.waiters and not (watch.looking or watch.is_over()):
            self._put(watch, at)

    def next_at(self) -> float:
        """When something is due."""
        due_at = self._due[0][0] if self._due else inf
        if self._waiting >= MANY and due_at < inf:
            due_at = ceil(due_at / TICK) * TICK
        return min(due_at, self._spares_until, self.listing.next_at if self._lists() else inf)

    def advance(self, now: float) -> list[Tracked[S]]:
        """Line up what is due. Of the watches returned the last look before the end is given up: no turn came free."""
        if now >= self._spares_until:
            self._spare_no_more(now)
        passed = []
        while self._due and self._due[0][0] <= now:
            at, watch = heapq.heappop(self._due)
            if at != watch.planned_at:
                continue
            watch.planned_at = -inf
            if not watch.waiters:
                continue
            if watch.place:
                self._count_as_look(watch, now, now)
                passed.append(watch)
            elif not self._is_put_off(watch, now):
                self._line_up(watch, at, now)
        if self._lists() and self.listing.next_at <= now:
            self.listing.begin(self._waiting, now)
        return passed

    def take(self, now: float, *, spare: bool, chores: bool) -> Job[S] | None:
        """The next job: looks that cannot wait, pages, as each answers for many, the other looks, then chores.

        Args:
            spare: whether there is somebody for what is not his own order's.
            chores: whether he may do what nobody waits for.
        """
        while True:
            while self._late and self._late[0][1] != self._late[0][2].place:
                heapq.heappop(self._late)
            urgent = bool(self._late) and self._late[0][0] == -inf
            if spare and self.listing.asks and not urgent and (self._streak < PAGES_A_LOOK or not self._late):
                self._streak += 1
                return self.listing.asks.popleft()
            if not self._late:
                return self._chores.popleft() if chores and self._chores else None
            *_, watch = heapq.heappop(self._late)
            watch.looking, watch.place = False, 0
            if watch.waiters and not self._is_put_off(watch, now):
                watch.looking, watch.planned_at, self._streak = True, -inf, 0
                return Look(watch)

    def give_back(self, job: Job[S], now: float) -> None:
        """Nobody does it now."""
        if isinstance(job, Look):
            self._line_up(job.watch, now, now)
        elif isinstance(job, Ask):
            self.listing.asks.appendleft(job)
        else:
            self._chores.append(job)

    def guard_ends(self) -> None:
        """Whoever was lined up and got no turn stands there no longer than the last look before its end allows."""
        for watch in self._fresh:
            if watch.place and watch.looked_at < watch.ends_at - LEAD < inf:
                self._put(watch, watch.ends_at - LEAD + LAST_LOOK)
        self._fresh.clear()

    def looked(self, watch: Tracked[S], snapshot: Snapshot[S], now: float) -> None:
        """A look brought this, or a page: note it, and whether the list should have shown it before."""
        new = not watch.is_seen() or len(snapshot.sms) > len(watch.sms)
        came_at = inf if snapshot.news_age is None else snapshot.at - snapshot.news_age
        if new and watch.listed_at > came_at + LAG_ALLOWED:
            self.listing.distrust(now)
            self._spare_no_more(now)
        watch.note(snapshot)

    def page_came(self, ask: Ask, page: Page[S], now: float) -> list[Tracked[S]]:
        """Note what a page showed. The watches returned have news."""
        for watch, snapshot in page.snapshots:
            self.looked(watch, snapshot, now)
            watch.listed_at, watch.shown = page.at, True
            self.plan(watch, watch.next_look_at(now))
        told = [watch for watch, _ in page.snapshots]
        at, trusted = page.at, self.listing.is_trusted(now)
        for watch in page.quiet:
            watch.listed_at, watch.readable_at, watch.shown = at, at, True
            if watch.place and trusted and watch.at_a_moment(at):  # one with such a moment stands in line since then
                self._count_as_look(watch, at, now)
                told.append(watch)
        missing = [watch for watch in self._awaited() if -inf < watch.listed_at < page.at] if page.whole else []
        for watch in (*page.unsure, *missing):
            watch.listed_at, watch.shown = -inf, True
            if not watch.failures and page.at - watch.looked_at > CONFIRM_AGAIN:
                self.plan(watch, now)
            elif watch.spared:
                self.plan(watch, watch.next_look_at(now))
        self.listing.answered(ask, page, Waiting(self._waiting, self._awaited), now)
        self._swept(ask.sweep, now)
        return told

    def page_failed(self, ask: Ask, error: SmsApiError | None, now: float) -> None:
        """A page did not come."""
        self.listing.failed(ask, error, Waiting(self._waiting, self._awaited), now)
        self._swept(ask.sweep, now)

    def _swept(self, sweep: Sweep, now: float) -> None:
        """If the sweep has ended: whom it did not show goes back to his own rhythm."""
        if self.listing.next_at == inf:
            return
        self._swept_from = sweep.began
        self._spare_no_more(now, unless_listed_since=sweep.began if self.listing.is_trusted(now) else inf)
        if self._spares_until < inf:
            self._spares_until = self._next_sweep(now) + SWEEP_WITHIN

    def _spare_no_more(self, now: float, unless_listed_since: float = inf) -> None:
        """Plan the looks that were spared."""
        if self._spares_until == inf:
            return
        for watch in self.watches.values():
            if watch.spared and watch.listed_at < unless_listed_since:
                self.plan(watch, max(now, watch.next_look_at(watch.listed_at)))
        if unless_listed_since == inf:
            self._spares_until = inf

    def _put(self, watch: Tracked[S], at: float) -> None:
        watch.spared = False
        if at == watch.planned_at:
            return
        watch.planned_at = at
        if at < inf:
            heapq.heappush(self._due, (at, watch))
            self._clear_void()

    def _clear_void(self) -> None:
        """Plans that count no more are cleared away when they are more than half: each keeps an order."""
        if len(self._due) > 2 * self._waiting + MANY:
            plans = {watch: at for at, watch in self._due if at == watch.planned_at and watch.waiters}
            self._due = [(at, watch) for watch, at in plans.items()]
            heapq.heapify(self._due)

    def _line_up(self, watch: Tracked[S], at: float, now: float) -> None:
        asked_at = watch.asked_at(now)
        first = -inf if watch.at_a_moment(now) else asked_at + PATIENCE_OF_LATE * (at - asked_at)
        watch.looking, watch.place = True, next(self._order)
        heapq.heappush(self._late, (first, watch.place, watch))
        self._fresh.append(watch)

    def _is_put_off(self, watch: Tracked[S], now: float) -> bool:
        """Whether the list spares the look, and those that follow while it goes on to show the order."""
        answered = watch.listed_at >= watch.asked_at(0.0) and self.listing.is_trusted(now)
        at = watch.next_look_at(watch.listed_at) if answered and not watch.at_a_moment(now) else now
        if at > now and watch.listed_at < self._swept_from:
            self.plan(watch, at)
        elif at > now:
            self.plan(watch, watch.next_moment(now))
            watch.spared = True
            if self._spares_until == inf:
                self._spares_until = self._next_sweep(now) + SWEEP_WITHIN
        return at > now

    def _next_sweep(self, now: float) -> float:
        """When the next one begins; now if one is under way."""
        return now if self.listing.next_at == inf else max(now, self.listing.next_at)

    def _count_as_look(self, watch: Tracked[S], at: float, now: float) -> None:
        """The look it stands in line for is spared, or too late: near the end a cancel tells whether an SMS came."""
        watch.looked_at = at
        watch.looking, watch.place = False, 0
        self.plan(watch, watch.next_look_at(now))

    def _lists(self) -> bool:
        return self._waiting >= self.listing.least
