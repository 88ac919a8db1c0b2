"""The next request of all waits: a look at a single order, a page of the list, or a chore. Pure.

A look at an order that ends comes first, then a chore, which takes no turn. Pages come next, because each answers for
many orders. Then come the looks of callers' deadlines, and the other looks last.

While the list is trusted, an order that sweep after sweep shows is spared all looks but those at its own moments. A
code in a row is evidence. Any other news is confirmed by a look, and so is every end.
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
from .coverage import Coverage
from .listing import MANY, Ask, Known, Listing, Page, Sweep, Waiting
from .queue import MOMENT, LookQueue
from .registry import Registry
from .tracked import Snapshot, State, Tracked

S = TypeVar("S")

TICK = 0.05
"""Seconds. When many wait, everything due within one tick is done together: each time, one waiter must wake up."""

SWEEP_WITHIN = 3.0
"""Seconds a sweep may take. After that, orders that it has not shown are looked at again by their own rhythm."""

CONFIRM_AGAIN = 2.0
PAGES_A_LOOK = 8
"""Pages that go before a late look. An order that no list shows gets its turn too, however long the list is."""


@attrs.frozen(eq=False)
class Look(Generic[S]):
    """The job of asking about one order."""

    tracked: Tracked[S]


@attrs.frozen(eq=False)
class Chore:
    """A job that no caller waits for. It may be broken off and done again.

    Attributes:
        do: returns the seconds after which to do the chore again, or None when it is done.
    """

    do: Callable[[], Awaitable[float | None]]


Job: TypeAlias = Look[S] | Ask | Chore


class Agenda(Generic[S]):
    """All requests that the orders of one provider need."""

    def __init__(
        self, registry: Registry[S], listing: Listing[S], coverage: Coverage[S], pair: Callable[[], float]
    ) -> None:
        self.queue: LookQueue[S] = LookQueue(coverage, pair)
        self.listing: Listing[S] = listing
        self.known: Known[S] = Known(registry.get, coverage.expected)
        self._registry = registry
        self._coverage = coverage
        self._later: list[tuple[float, int, Chore]] = []
        self._chores: deque[Chore] = deque()
        self._order = count()
        self._streak = 0
        self._covered_until = inf

    @property
    def lists(self) -> bool:
        """True if enough orders wait for the list to be asked."""
        return self.queue.awaited >= self.listing.least

    def add(self, chore: Chore, at: float) -> None:
        """Schedule the chore for that moment. It is done then, or later when a waiter is free."""
        heapq.heappush(self._later, (at, next(self._order), chore))

    @property
    def wants_a_hand(self) -> bool:
        """True if there is work that belongs to no waiter."""
        return bool(self.listing.asks or self._chores)

    @property
    def has_looks(self) -> bool:
        """True if looks or pages stand in line."""
        return bool(self.listing.asks) or self.queue.urgency() is not None

    def next_at(self) -> float:
        """The moment at which something is next due."""
        due_at = self.queue.next_at()
        if self.queue.awaited >= MANY and due_at < inf:
            due_at = max(due_at, ceil(due_at / TICK) * TICK)  # rounding may give a moment just before `due_at`
        chore_at = self._later[0][0] if self._later else inf
        return min(due_at, chore_at, self._covered_until, self.listing.next_at if self.lists else inf)

    def advance(self, now: float) -> list[Tracked[S]]:
        """Line up everything that is due. Return the orders whose last look before the end is given up."""
        if now >= self._covered_until:
            self._uncover(now)
        passed = self.queue.advance(now)
        self._cover(now)
        while self._later and self._later[0][0] <= now:
            self._chores.append(heapq.heappop(self._later)[2])
        if self.lists and self.listing.next_at <= now:
            self.listing.begin(self.queue.awaited, now)
        return passed

    def take(self, now: float, *, turns: bool, hand: bool, chores: bool, stopped: bool = False) -> Job[S] | None:
        """Take the next job.

        Args:
            turns: whether a turn is left for a look or a page.
            hand: whether a waiter is free for work that is not its own order's.
            chores: whether that waiter may do a chore.
            stopped: whether looks have stopped, except those that cannot wait.
        """
        urgency = self.queue.urgency() if turns else None
        if chores and self._chores and urgency != -inf:
            return self._chores.popleft()
        if not turns or (stopped and (urgency is None or urgency > MOMENT)):
            return None
        if hand and self.listing.asks and urgency != -inf and (self._streak < PAGES_A_LOOK or urgency is None):
            self._streak += 1
            return self.listing.asks.popleft()
        tracked = self.queue.take(now)
        self._cover(now)
        if tracked is not None:
            self._streak = 0
            return Look(tracked)
        if hand and self.listing.asks:  # the list answered for every look that was ahead of the pages
            return self.listing.asks.popleft()
        return None

    def give_back(self, job: Job[S], now: float) -> None:
        """Put back a job that was taken but not done."""
        if isinstance(job, Look):
            self.queue.put_back(job.tracked, now)
        elif isinstance(job, Ask):
            self.listing.asks.appendleft(job)
        else:
            self.add(job, now)

    def looked(self, tracked: Tracked[S], snapshot: Snapshot[S], now: float) -> None:
        """Process what a look showed."""
        trusted = self._coverage.trusted
        self._coverage.looked(tracked, snapshot)
        if trusted and not self._coverage.trusted:
            self._uncover(now)
        self.observed(tracked, snapshot)

    def observed(self, tracked: Tracked[S], snapshot: Snapshot[S]) -> None:
        """Process what any answer showed of the order."""
        tracked.note(snapshot)
        self.queue.observed(tracked)

    def page_came(self, ask: Ask, page: Page[S], now: float) -> list[Tracked[S]]:
        """Process a page, and return the orders that have news."""
        self._coverage.listed(page)
        for tracked, snapshot in page.snapshots:
            self.observed(tracked, snapshot)
            tracked.listed_at, tracked.shown = page.at, True
            self.queue.replan(tracked, tracked.next_look_at(now))
        news = [tracked for tracked, _ in page.snapshots]
        news += self._take_in_quiet(page, now)
        self._confirm(page, now)
        if self.listing.answered(ask, page, self._waiting(), now):
            self._coverage.lose()
        self._swept(ask.sweep, now)
        return news

    def page_failed(self, ask: Ask, error: SmsApiError | None, now: float) -> None:
        """Process a request for a page that failed."""
        self.listing.failed(ask, error, self._waiting(), now)
        self._swept(ask.sweep, now)

    # -- the parts of it --------------------------------------------------------------------------------------------

    def _take_in_quiet(self, page: Page[S], now: float) -> list[Tracked[S]]:
        """Process the orders that the page shows unchanged, and return those whose due look it replaces.

        A trusted page counts as the look of an order that stands in line for a moment of its own.
        """
        at, trusted = page.at, self._coverage.trusted
        answered = []
        for tracked in page.quiet:
            tracked.listed_at, tracked.readable_at, tracked.shown = at, at, True
            if tracked.state is State.IN_LINE and trusted and tracked.at_a_moment(at):
                self.queue.count_as_look(tracked, at, now)
                answered.append(tracked)
        return answered

    def _confirm(self, page: Page[S], now: float) -> None:
        """Plan looks at orders whose news a row cannot prove, and at orders that vanished from a whole list."""
        missing: list[Tracked[S]] = []
        if page.whole:
            missing = [tracked for tracked in self._registry.awaited() if -inf < tracked.listed_at < page.at]
        for tracked in (*page.unsure, *missing):
            tracked.listed_at, tracked.shown = -inf, True
            if not tracked.failures and page.at - tracked.looked_at > CONFIRM_AGAIN:
                self.queue.replan(tracked, now)
            elif tracked.state is State.SPARED:
                self.queue.replan(tracked, tracked.next_look_at(now))

    def _waiting(self) -> Waiting[S]:
        return Waiting(self.queue.awaited, self._registry.awaited, self._coverage.trusted)

    def _swept(self, sweep: Sweep, now: float) -> None:
        """If the sweep has ended, plan looks at the orders that it did not show."""
        if self.listing.next_at == inf:
            return
        self._coverage.swept_from = sweep.began
        since = sweep.began if self._coverage.trusted else inf
        self.queue.spare_no_longer(self._registry, now, unless_listed_since=since)
        self._covered_until = inf
        self._cover(now)

    def _cover(self, now: float) -> None:
        """Record until when the list answers for the orders that it spares."""
        if self.queue.spares and self._covered_until == inf:
            begins = now if self.listing.next_at == inf else max(now, self.listing.next_at)
            self._covered_until = begins + SWEEP_WITHIN

    def _uncover(self, now: float) -> None:
        self.queue.spare_no_longer(self._registry, now)
        self._covered_until = inf
