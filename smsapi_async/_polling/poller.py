"""Waiting for many orders at once: the turns. Knows no provider, settles nothing.

Every wait is a Waiter on a tracked order. There is no background task: one waiter at a time is the *keeper* and
sleeps until something of the schedule is due; then it deals out *turns*, one request each in the holder's own task, at
most 32 at a time. A look goes to a waiter of its order, a page of the list to whoever rests. A waiter that is cancelled
or done gives its turn and its office back in plain functions that cannot be interrupted.
"""

from __future__ import annotations

import heapq
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
    ProviderUnavailableError,
    RateLimitError,
    RefusedError,
    SmsApiError,
)
from .listing import Ask, Listing
from .queue import Chore, Look, LookQueue
from .tracked import LAST_LOOK, LEAD, PATIENCE, Snapshot, Tracked, Waiter

S = TypeVar("S")

TURNS = 32

FEW = 8
"""Of those who rest so many are asked whether they stay."""

GRACE = 0.2
"""Seconds in which a request may end whose holder has news of his own: broken off it costs a request and a connection,
waited for it costs him a moment."""


class Poller(Generic[S]):
    """Every watch of one provider, and who asks next.

    Args:
        look: asks for one order.
        most: turns at a time; what would only stand in line for the pace is decided later, and better.
    """

    def __init__(
        self, listing: Listing[S], look: Callable[[Tracked[S]], Awaitable[Snapshot[S]]], most: int = TURNS
    ) -> None:
        self._schedule: LookQueue[S] = LookQueue(listing)
        self._watches = self._schedule.watches
        self._ask_for = look
        self._parked: list[Waiter[S]] = []
        self._joined = 0
        self._limits: list[tuple[float, Waiter[S]]] = []
        self._keeper: Waiter[S] | None = None
        self._sleeps_until = -inf
        self._turns = 0
        self._most = most
        self._closed = False

    # -- plain state ------------------------------------------------------------------------------------------------

    def watch(self, key: int, now: float) -> Tracked[S]:
        """The watch of this key; a new one is not registered before somebody joins or holds it."""
        return self._watches.get(key) or Tracked(key, readable_at=now)

    def hold(self, watch: Tracked[S], known: S) -> Tracked[S]:
        """A scope begins to look after the order."""
        watch = self._watches.setdefault(watch.key, watch)
        if watch.subject is None or not watch.is_seen():
            watch.subject = known
        watch.holds += 1
        return watch

    def held(self) -> tuple[Tracked[S], ...]:
        """The orders that scopes look after."""
        return tuple(watch for watch in self._watches.values() if watch.holds)

    def spare(self, chore: Chore, now: float) -> bool:
        """Have somebody who waits do it; False where nobody can be spared."""
        added = self._schedule.add(chore)
        self._deal(now)
        return added

    def release(self, watch: Tracked[S]) -> None:
        """The scope is over."""
        watch.holds -= 1
        self._forget(watch)

    def join(self, waiter: Waiter[S], now: float) -> None:
        """Begin a wait. What is already known of the order is news to it."""
        watch = waiter.watch = self._watches.setdefault(waiter.watch.key, waiter.watch)
        if not watch.waiters:
            watch.readable_at, watch.error, watch.misses = now, None, 0
        waiter.news = watch.is_seen() or watch.error is not None
        watch.waiters += (waiter,)
        self._joined += 1
        self._schedule.joined(watch, now)
        if waiter.deadline < inf:
            heapq.heappush(self._limits, (waiter.deadline, waiter))
        self._stir(now)

    def leave(self, waiter: Waiter[S], now: float) -> bool:
        """End a wait. Whether nobody else waits who may settle the order."""
        watch = waiter.watch
        watch.waiters = tuple(other for other in watch.waiters if other is not waiter)
        self._joined -= 1
        self._clear()
        self._schedule.left(watch)
        if self._keeper is waiter:
            self._keeper = None
        if isinstance(waiter.job, Look):
            self._end_look(waiter, waiter.job.watch, now, next_look_at=now)
        elif waiter.job is not None:
            self._schedule.give_back(waiter.job, now)
            self._end_turn(waiter, now)
        self._stir(now)
        self._forget(watch)
        return not any(other.settles for other in watch.waiters)

    def see(self, watch: Tracked[S], snapshot: Snapshot[S], now: float) -> None:
        """Have everybody know what the answer to another request showed of the order."""
        watch.note(snapshot)
        self._tell(watch, now)

    def close(self) -> None:
        """Every wait ends with ClientClosedError, also those whose request is under way."""
        self._closed = True
        for watch in self._watches.values():
            for waiter in watch.waiters:
                waiter.ring()
                if waiter.request is not None:
                    waiter.request.cancel()

    def _forget(self, watch: Tracked[S]) -> None:
        if not watch.waiters and not watch.holds:
            self._watches.pop(watch.key, None)

    def _deal(self, now: float) -> None:
        """Give a turn for everything that is due, while there are turns."""
        for watch in self._schedule.advance(now):
            self._tell(watch, now)
        while self._limits and self._limits[0][0] + LAST_LOOK <= now:
            self._be_late(heapq.heappop(self._limits)[1])
        while self._turns < self._most:
            spare = self._idle(now) is not None
            job = self._schedule.take(now, spare=spare, chores=spare and self._turns < self._most // 2)
            if job is None:
                break
            own = self._looker(job.watch) if isinstance(job, Look) else None
            taker = own or self._idle(now)
            if taker is None:
                self._schedule.give_back(job, now)
                break
            taker.job = job
            self._turns += 1
            taker.ring()
        self._schedule.guard_ends()
        self._stir(now)

    def _looker(self, watch: Tracked[S]) -> Waiter[S] | None:
        """Who looks at the order: of those that wait for it the one that stays longest."""
        free = (waiter for waiter in watch.waiters if waiter.job is None)
        return max(free, key=lambda waiter: waiter.deadline, default=None)

    def _idle(self, now: float) -> Waiter[S] | None:
        """Somebody who rests and has no news, rather who did not rest long; rather not one who is about to leave."""
        few: list[Waiter[S]] = []
        while self._parked and len(few) < FEW and not (few and few[-1].deadline > now + LEAD):
            waiter = self._parked.pop()
            if self._rests(waiter):
                few.append(waiter)
        self._parked += reversed(few)
        return few[-1 if few[-1].deadline > now + LEAD else 0] if few else None

    def _park(self, waiter: Waiter[S]) -> None:
        waiter.hush()
        self._parked.append(waiter)
        self._clear()

    def _clear(self) -> None:
        """Who rests no more, and the limits of who left, are cleared away when they are more than half."""
        most = 2 * self._joined + TURNS
        if len(self._parked) > most:
            self._parked = [each for each in dict.fromkeys(self._parked) if self._rests(each)]
        if len(self._limits) > most:
            self._limits = [limit for limit in self._limits if limit[1] in limit[1].watch.waiters]
            heapq.heapify(self._limits)

    def _rests(self, waiter: Waiter[S]) -> bool:
        at_work = waiter.rung or waiter.job is not None or waiter is self._keeper
        return not at_work and waiter in waiter.watch.waiters

    def _end_look(self, waiter: Waiter[S], watch: Tracked[S], now: float, next_look_at: float) -> None:
        """The look was taken, or its holder gave it back."""
        watch.looking = False
        self._schedule.plan(watch, next_look_at)
        self._end_turn(waiter, now)

    def _end_turn(self, waiter: Waiter[S], now: float) -> None:
        waiter.job = None
        self._turns -= 1
        self._deal(now)

    def _stir(self, now: float) -> None:
        """Have the keeper look up if something is due before he would; when there is none, one who stays becomes it."""
        if self._keeper is not None:
            if self._next_at() < self._sleeps_until:
                self._keeper.ring()
        elif (successor := self._idle(now)) is not None:
            self._keeper, self._sleeps_until = successor, -inf
            successor.ring()

    def _next_at(self) -> float:
        """When something is due, or somebody late."""
        due_at = self._schedule.next_at()
        return min(due_at, self._limits[0][0] + LAST_LOOK) if self._limits else due_at

    def _be_late(self, waiter: Waiter[S]) -> None:
        """The waiter's time is over, and that of the last look too. A request of his own has the same limit."""
        if waiter not in waiter.watch.waiters:
            return
        waiter.late = waiter.news = True
        waiter.ring()

    def _tell(self, watch: Tracked[S], now: float) -> None:
        for waiter in watch.waiters:
            waiter.news = True
            waiter.ring()
            own = isinstance(waiter.job, Look) and waiter.job.watch is watch
            if waiter.request is not None and not (own and not watch.sms):
                # What it does for others somebody else can do, and its own look is not needed.
                waiter.request.deadline = min(waiter.request.deadline, now + GRACE)

    def _failed(self, watch: Tracked[S], error: SmsApiError, now: float) -> None:
        """Trouble slows the looks down; only what will not pass ends the waits."""
        passing = not isinstance(error, RefusedError) or isinstance(error, (RateLimitError, ProviderUnavailableError))
        if passing:
            watch.failures += 1
        elif isinstance(error, (AuthenticationError, AccountBlockedError)):
            watch.error = error
        else:
            watch.failures = 0
            watch.misses += 1
            if watch.misses > 1 and now - watch.bought_at >= PATIENCE:
                watch.error = error

    # -- awaiting ---------------------------------------------------------------------------------------------------

    async def news(self, waiter: Waiter[S]) -> None:
        """Return when a look was taken at the order or the waiter is late, or raise what ends every wait for it."""
        while not self.has_news(waiter):
            await self.step(waiter)

    def has_news(self, waiter: Waiter[S]) -> bool:
        """Whether `news` would return, or raise as it does. The same news are told once."""
        if self._closed:
            raise ClientClosedError("the client was closed during the wait")
        if not waiter.news:
            return False
        waiter.news = False
        if waiter.watch.error is not None:
            raise copy(waiter.watch.error) from waiter.watch.error
        return True

    def step(self, waiter: Waiter[S]) -> Awaitable[None]:
        """What the waiter does next, to be awaited: its turn, the keeper's office, or rest until it is rung."""
        if isinstance(waiter.job, Look):
            return self._look(waiter, waiter.job.watch)
        if isinstance(waiter.job, Ask):
            return self._ask(waiter, waiter.job)
        if waiter.job is not None:
            return self._do(waiter, waiter.job)
        if self._keeper in (None, waiter):
            return self._keep(waiter)
        self._park(waiter)
        if self._turns < self._most and self._schedule.wants_somebody(chores=self._turns < self._most // 2):
            self._deal(anyio.current_time())
        return waiter.sleep()

    async def _keep(self, waiter: Waiter[S]) -> None:
        """Sleep until something is due, and deal it out."""
        self._keeper = waiter
        waiter.hush()
        self._sleeps_until = self._next_at()
        with anyio.move_on_at(self._sleeps_until):
            await waiter.sleep()
        self._deal(anyio.current_time())

    async def _look(self, waiter: Waiter[S], watch: Tracked[S]) -> None:
        """Use the turn for one order: one request, in the holder's own task."""
        began = self._begin_turn(waiter)
        with self._request(waiter, watch.cut_at(began)) as request:
            try:
                snapshot = await self._ask_for(watch)
            except SmsApiError as error:
                self._failed(watch, error, anyio.current_time())
            else:
                self._schedule.looked(watch, snapshot, anyio.current_time())
        now = anyio.current_time()
        if request.cancelled_caught and waiter.news:
            self._end_look(waiter, watch, now, next_look_at=now)
            return
        if request.cancelled_caught:
            watch.failures += 1
        watch.looked_at = began
        self._end_look(waiter, watch, now, watch.next_look_at(now))
        self._tell(watch, now)

    async def _ask(self, waiter: Waiter[S], ask: Ask) -> None:
        """Use the turn for a page of the list, which answers for many."""
        began = self._begin_turn(waiter)
        trouble: SmsApiError | None = None
        page = None
        with self._request(waiter, waiter.watch.cut_at(began)):  # his own last look is his alone to take
            try:
                page = await self._schedule.listing.read(ask.offset, ask.limit, self._watches.get)
            except SmsApiError as error:
                trouble = error
        now = anyio.current_time()
        if page is not None:
            for watch in self._schedule.page_came(ask, page, now):
                self._tell(watch, now)
        elif trouble is not None:
            self._schedule.page_failed(ask, trouble, now)
        else:
            self._schedule.give_back(ask, now)
        self._end_turn(waiter, now)

    async def _do(self, waiter: Waiter[S], chore: Chore) -> None:
        """Use the turn for what nobody waits for."""
        began = self._begin_turn(waiter)
        with self._request(waiter, waiter.watch.cut_at(began)) as request:
            await chore()
        now = anyio.current_time()
        if request.cancelled_caught:
            self._schedule.give_back(chore, now)
        self._end_turn(waiter, now)

    def _begin_turn(self, waiter: Waiter[S]) -> float:
        """Whoever asks is not the one who keeps the time."""
        now = anyio.current_time()
        if self._keeper in (None, waiter):
            self._keeper = None
            self._stir(now)
        return now

    @contextmanager
    def _request(self, waiter: Waiter[S], deadline: float) -> Iterator[anyio.CancelScope]:
        """Around a request, so that closing ends it, news of its holder's own, and its holder's time."""
        limit = waiter.deadline + LAST_LOOK
        waiter.request = scope = anyio.CancelScope(deadline=min(deadline, limit))
        try:
            with scope:
                yield scope
        finally:
            waiter.request = None
        if anyio.current_time() >= limit:
            self._be_late(waiter)
