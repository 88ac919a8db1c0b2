"""Waiting for many orders at once: which waiter asks next. Knows no provider, settles nothing.

Every wait is a `Waiter` on the record of its order. One waiter at a time is the *leader*, which sleeps until something
is due. The leader then deals out *turns*, at most 32 at a time. A turn is one request, in the holder's own task.

A look goes to a waiter of its order. A page of the list or a chore goes to a waiter that has nothing to do. A waiter
that is cancelled or done gives its turn back in plain functions that cannot be interrupted.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from copy import copy
from math import inf
from typing import Generic, TypeVar

import anyio

from .._errors import (
    AccountBlockedError,
    AuthenticationError,
    ClientClosedError,
    NotFoundError,
    NotSentError,
    SmsApiError,
)
from .agenda import Agenda, Chore, Job, Look
from .coverage import Coverage, Trust
from .idle import Idle
from .listing import Ask, Listing
from .registry import Registry
from .tracked import LAST_LOOK_OF_A_TIMEOUT, PATIENCE, Snapshot, State, Tracked, Waiter

S = TypeVar("S")

TURNS = 32

CHORES = 64
"""Chores at a time, besides the turns. Where looks take the whole pace, a finish stands in line for two seconds. Fewer
chores could not keep up with the codes."""

GRACE = 0.2
"""Seconds a request may still take once its holder has news of its own. Breaking it off would cost a request and a
connection; waiting for it costs the holder a moment."""

CHORE_WITHIN = 5.0
"""Seconds for which a chore may keep a waiter from its own order."""

CUT_CHORE_WAITS = 2.0
"""Seconds until a chore that was broken off is done again."""


class Poller(Generic[S]):
    """Every wait for one provider, and which waiter asks next.

    Args:
        look: asks for one order.
        turns: the most turns at a time. More turns would only stand in line for the pace, and later decisions are
            better.
        pair: seconds that two requests take at the current pace.
        resumes_at: the moment from which looks may be sent again; -inf while they may. A look at a moment of its
            order's own may always be sent.
    """

    def __init__(
        self,
        listing: Listing[S],
        look: Callable[[Tracked[S]], Awaitable[Snapshot[S]]],
        trust: Trust,
        *,
        turns: int = TURNS,
        pair: Callable[[], float] = lambda: 0.0,
        resumes_at: Callable[[], float] = lambda: -inf,
    ) -> None:
        self.registry: Registry[S] = Registry()
        self._agenda: Agenda[S] = Agenda(self.registry, listing, Coverage(trust), pair)
        self._idle: Idle[S] = Idle()
        self._ask_for = look
        self._resumes_at = resumes_at
        self._turns = 0
        self._chores = 0
        self._helpers: set[Waiter[S]] = set()
        self._most = turns
        self._closed = False

    # -- plain state ------------------------------------------------------------------------------------------------

    @property
    def is_busy(self) -> bool:
        """True while orders are awaited."""
        return self._agenda.queue.awaited > 0

    @property
    def many(self) -> bool:
        """True if enough orders wait for the list to be asked. A waiter can work for others then."""
        return self._agenda.lists

    def record(self, key: int, now: float) -> Tracked[S]:
        """The record of this key. A new record is entered when a wait joins it or a caller keeps it."""
        return self.registry.get(key) or Tracked(key, readable_at=now)

    def join(self, waiter: Waiter[S], now: float) -> None:
        """Begin a wait. Everything already known about the order is news to the waiter."""
        tracked = waiter.tracked = self.registry.enter(waiter.tracked)
        if not tracked.waiters:
            tracked.readable_at, tracked.error, tracked.misses = now, None, 0
        waiter.news = tracked.is_seen() or tracked.error is not None
        tracked.waiters += (waiter,)
        self._agenda.queue.joined(tracked, now)
        self._idle.joined(waiter)
        self._stir(now)

    def leave(self, waiter: Waiter[S], now: float) -> bool:
        """End a wait. Return True if no remaining waiter may settle the order."""
        tracked = waiter.tracked
        tracked.waiters = tuple(other for other in tracked.waiters if other is not waiter)
        self._idle.left(waiter)
        self._agenda.queue.left(tracked)
        if waiter.job is not None:
            job = waiter.job
            self._agenda.give_back(job, now)
            self._end_turn(waiter, now)
            if isinstance(job, Look):
                self.registry.forget(job.tracked)
        self._stir(now)
        self.registry.forget(tracked)
        return not any(other.settles for other in tracked.waiters)

    def add_chore(self, do: Callable[[], Awaitable[float | None]], at: float) -> None:
        """Schedule a chore for that moment. A free waiter does it; if nothing waits, it is never done."""
        self._agenda.add(Chore(do), at)
        self._stir(anyio.current_time())

    def observe(self, tracked: Tracked[S], snapshot: Snapshot[S], now: float) -> None:
        """Record a state learned from another request, and notify the order's waiters."""
        self._agenda.observed(tracked, snapshot)
        self._notify(tracked, now)
        self._stir(now)

    def close(self) -> None:
        """End every wait with ClientClosedError, including waits whose request is under way."""
        self._closed = True
        for tracked in self.registry:
            for waiter in tracked.waiters:
                waiter.ring()
                if waiter.request is not None:
                    waiter.request.cancel()

    def check(self) -> None:
        """Raise AssertionError unless the queue is sound; for tests."""
        self._agenda.queue.check(self.registry)

    def _deal(self, now: float) -> None:
        """Give a turn for everything that is due, as long as turns are left."""
        for tracked in self._agenda.advance(now):
            self._notify(tracked, now)
        for waiter in self._idle.late(now):
            self._be_late(waiter)
        while True:
            hand = self._idle.hand(now)
            turns, stopped = self._turns < self._most, self._resumes_at() > now
            chores = self._chores < CHORES and hand is not None and (stopped or not self._is_needed(hand))
            job = self._agenda.take(now, turns=turns, hand=hand is not None, chores=chores, stopped=stopped)
            if job is None:
                break
            own = self._looker(job.tracked) if isinstance(job, Look) else None
            taker = own or hand
            if taker is None:
                self._agenda.give_back(job, now)
                break
            taker.job = job
            self._count(job, 1)
            taker.ring()
        self._agenda.queue.guard_moments(now)
        self._stir(now)

    def _is_needed(self, hand: Waiter[S]) -> bool:
        """Return True if few wait, and the look at the hand's own order is due.

        The chores that thousands left behind would keep the last waits from their codes for minutes.
        """
        return hand.tracked.state is State.IN_LINE and self._agenda.queue.awaited <= 2 * CHORES

    def _count(self, job: Job[S] | None, one: int) -> None:
        if isinstance(job, Chore):
            self._chores += one
        else:
            self._turns += one

    def _offer_a_hand(self) -> None:
        """Let a free waiter take work that belongs to no waiter."""
        if self._agenda.wants_a_hand:
            self._deal(anyio.current_time())

    def _looker(self, tracked: Tracked[S]) -> Waiter[S] | None:
        """A waiter to look at the order: of those without a job, any of those that stay longest."""
        free = [waiter for waiter in tracked.waiters if waiter.job is None]
        latest = max([waiter.deadline for waiter in free], default=inf)
        # The waiter that is cancelled next must not be chosen again and again.
        staying = [waiter for waiter in free if waiter.deadline == latest]
        return random.choice(staying) if staying else None  # noqa: S311 - hides nothing

    def _end_turn(self, waiter: Waiter[S], now: float) -> None:
        self._count(waiter.job, -1)
        waiter.job = None
        self._deal(now)

    def _stir(self, now: float) -> None:
        """Wake the leader if something is due before it would wake. Elect a leader if there is none."""
        if self._idle.leader is None:
            self._idle.elect(now)
            if self._idle.leader is None:
                self._call_back(now)
        elif self._next_at() < self._idle.sleeps_until:
            self._idle.leader.ring()

    def _call_back(self, now: float) -> None:
        """Bound one request made for others by the next due moment, because no waiter is free to lead."""
        requests = [helper.request for helper in self._helpers if helper.request is not None]
        if requests:
            first = min(requests, key=lambda request: request.deadline)
            first.deadline = min(first.deadline, max(now, self._next_at()) + GRACE)

    def _next_at(self) -> float:
        resumes_at = self._resumes_at()
        resumed_at = resumes_at if resumes_at > -inf and self._agenda.has_looks else inf
        return min(self._agenda.next_at(), self._idle.next_timeout(), resumed_at)

    def _be_late(self, waiter: Waiter[S]) -> None:
        """Mark the waiter as late: its time and that of its last look are over. Its own request has the same limit."""
        waiter.late = waiter.news = True
        waiter.ring()

    def _notify(self, tracked: Tracked[S], now: float) -> None:
        ends = bool(tracked.sms) or tracked.is_over() or tracked.last_look_taken()
        for waiter in tracked.waiters:
            waiter.news = True
            waiter.ring()
            own = isinstance(waiter.job, Look) and waiter.job.tracked is tracked
            needed = not tracked.sms if own else not (ends or waiter.timed_out())
            if waiter.request is not None and not needed:
                # Another waiter can do its work for others, or its own look is no longer needed.
                waiter.request.deadline = min(waiter.request.deadline, now + GRACE)

    def _failed(self, tracked: Tracked[S], error: SmsApiError, now: float) -> None:
        """Slow the looks down after a failure. Only a refused key, or an order that stays unknown, ends the waits."""
        if isinstance(error, (AuthenticationError, AccountBlockedError)):
            tracked.error = error
        elif not isinstance(error, NotFoundError):
            tracked.failures += 1
        else:
            tracked.failures = 0
            tracked.misses += 1
            if tracked.misses > 1 and now - tracked.bought_at >= PATIENCE:
                tracked.error = error

    # -- awaiting ---------------------------------------------------------------------------------------------------

    async def news(self, waiter: Waiter[S]) -> None:
        """Return once there is news or the waiter is late. Raise the error that ends every wait for the order."""
        while not self.has_news(waiter):
            await self.step(waiter)

    def has_news(self, waiter: Waiter[S]) -> bool:
        """Return True if `news` would return, but only once for the same news. Raise the same errors as `news`."""
        if self._closed:
            raise ClientClosedError("the client was closed during the wait")
        if not waiter.news:
            return False
        waiter.news = False
        if waiter.tracked.error is not None:
            raise copy(waiter.tracked.error) from waiter.tracked.error
        return True

    def step(self, waiter: Waiter[S]) -> Awaitable[None]:
        """The waiter's next step, to be awaited: its turn, leading, or sleep until it is woken."""
        if isinstance(waiter.job, Look):
            return self._look(waiter, waiter.job.tracked)
        if isinstance(waiter.job, Ask):
            return self._ask(waiter, waiter.job)
        if waiter.job is not None:
            return self._do(waiter, waiter.job)
        if self._idle.leader in (None, waiter):
            return self._lead(waiter)
        self._idle.park(waiter)
        self._offer_a_hand()
        return waiter.sleep()

    async def _lead(self, waiter: Waiter[S]) -> None:
        """Sleep until something is due, then deal it out."""
        self._idle.lead(waiter, self._next_at())
        self._offer_a_hand()
        with anyio.move_on_at(self._idle.sleeps_until):
            await waiter.sleep()
        self._deal(anyio.current_time())

    async def _look(self, waiter: Waiter[S], tracked: Tracked[S]) -> None:
        """Use the turn for one order: one request, in the holder's own task."""
        began = self._begin_turn(waiter)
        with self._request(waiter, tracked.cut_at(began)) as request:
            try:
                snapshot = await self._ask_for(tracked)
            except SmsApiError as error:
                if self._was_stopped(waiter, error):
                    return
                self._failed(tracked, error, anyio.current_time())
            else:
                self._agenda.looked(tracked, snapshot, anyio.current_time())
        now = anyio.current_time()
        if request.cancelled_caught and (waiter.news or now < tracked.end_cut_at(began)):  # neither made nor failed
            self._end_look(waiter, tracked, now, now if waiter.news else tracked.next_look_at(now))
            return
        if request.cancelled_caught:
            tracked.failures += 1
        tracked.looked_at = began
        self._end_look(waiter, tracked, now, tracked.next_look_at(now))
        self._notify(tracked, now)

    async def _ask(self, waiter: Waiter[S], ask: Ask) -> None:
        """Use the turn for a page of the list, which answers for many orders."""
        began = self._begin_turn(waiter)
        trouble: SmsApiError | None = None
        page = None
        with self._request(waiter, waiter.tracked.cut_at(began)):  # cut in time for the waiter's own last look
            try:
                page = await self._agenda.listing.read(ask.offset, ask.limit, self._agenda.known)
            except SmsApiError as error:
                if self._was_stopped(waiter, error):
                    return
                trouble = error
        now = anyio.current_time()
        if page is not None:
            for tracked in self._agenda.page_came(ask, page, now):
                self._notify(tracked, now)
        elif trouble is not None:
            self._agenda.page_failed(ask, trouble, now)
        else:
            self._agenda.give_back(ask, now)
        self._end_turn(waiter, now)

    async def _do(self, waiter: Waiter[S], chore: Chore) -> None:
        """Use the turn for a chore, which no caller waits for."""
        began = self._begin_turn(waiter)
        again: float | None = CUT_CHORE_WAITS
        with self._request(waiter, min(waiter.tracked.cut_at(began), began + CHORE_WITHIN)):
            again = await chore.do()
        now = anyio.current_time()
        if again is not None:  # if news broke it off, another waiter can go on at once
            self._agenda.add(chore, now if waiter.news else now + again)
        self._end_turn(waiter, now)

    def _was_stopped(self, waiter: Waiter[S], error: SmsApiError) -> bool:
        """Return True if the waiter's request was not sent because looks have stopped; give the job back then."""
        now = anyio.current_time()
        if waiter.job is None or not isinstance(error, NotSentError) or self._resumes_at() <= now:
            return False
        self._agenda.give_back(waiter.job, now)
        self._end_turn(waiter, now)
        return True

    def _begin_turn(self, waiter: Waiter[S]) -> float:
        """Pass the lead on, because a waiter that asks does not lead. Return the time."""
        now = anyio.current_time()
        if self._idle.leader in (None, waiter):
            self._idle.leader = None
            self._stir(now)
        return now

    def _end_look(self, waiter: Waiter[S], tracked: Tracked[S], now: float, next_look_at: float) -> None:
        self._agenda.queue.looked(tracked, next_look_at)
        self.registry.forget(tracked)
        self._end_turn(waiter, now)

    @contextmanager
    def _request(self, waiter: Waiter[S], deadline: float) -> Iterator[anyio.CancelScope]:
        """Bound a request by `deadline` and its holder's time. Closing or the holder's own news may end it earlier."""
        limit = waiter.deadline + LAST_LOOK_OF_A_TIMEOUT
        waiter.request = scope = anyio.CancelScope(deadline=min(deadline, limit))
        if not isinstance(waiter.job, Look):
            self._helpers.add(waiter)
            self._stir(anyio.current_time())
        try:
            with scope:
                yield scope
        finally:
            waiter.request = None
            self._helpers.discard(waiter)
        if anyio.current_time() >= limit:
            self._be_late(waiter)
