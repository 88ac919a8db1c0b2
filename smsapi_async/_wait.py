"""Waiting for many orders at once: the turns. Knows no provider, settles nothing.

Every wait is a Waiter on the Watch of its order. There is no background task: one waiter at a time is the *keeper* and
sleeps until something of the schedule is due; then it deals out *turns*, one request each in the holder's own task, at
most 32 at a time. A look goes to a waiter of its order, a page of the list to whoever rests. A waiter that is cancelled
or done gives its turn and its office back in plain functions that cannot be interrupted.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from copy import copy
from itertools import islice
from math import inf
from typing import Generic, TypeVar

import anyio

from ._errors import (
    AccountBlockedError,
    AuthenticationError,
    ClientClosedError,
    ProviderUnavailableError,
    RateLimitError,
    RefusedError,
    SmsApiError,
)
from ._listing import Ask, Listing
from ._schedule import Chore, Look, Schedule
from ._watch import LAST_LOOK, LEAD, PATIENCE, Sight, Waiter, Watch

S = TypeVar("S")

TURNS = 32

GRACE = 0.2
"""Seconds in which a request may end whose holder has news of his own: broken off it costs a request and a connection,
waited for it costs him a moment."""


class Turns(Generic[S]):
    """Every watch of one provider, and who asks next.

    Args:
        most: turns at a time; what would only stand in line for the pace is decided later, and better.
    """

    def __init__(self, listing: Listing[S], most: int = TURNS) -> None:
        self._schedule: Schedule[S] = Schedule(listing)
        self._watches = self._schedule.watches
        self._parked: OrderedDict[Waiter[S], None] = OrderedDict()
        self._keeper: Waiter[S] | None = None
        self._sleeps_until = -inf
        self._turns = 0
        self._most = most
        self._closed = False

    # -- plain state ------------------------------------------------------------------------------------------------

    def watch(self, key: int, look: Callable[[], Awaitable[Sight[S]]], now: float) -> Watch[S]:
        """The watch of this key; a new one is not registered before somebody joins or holds it."""
        return self._watches.get(key) or Watch(key, look, readable_at=now)

    def hold(self, watch: Watch[S], known: S) -> Watch[S]:
        """A scope begins to look after the order: no wait settles it any more."""
        watch = self._watches.setdefault(watch.key, watch)
        watch.known = known
        watch.holds += 1
        return watch

    def held(self) -> tuple[Watch[S], ...]:
        """The orders that scopes look after."""
        return tuple(watch for watch in self._watches.values() if watch.holds)

    def spare(self, chore: Chore, now: float) -> bool:
        """Have somebody who waits do it; False where nobody can be spared."""
        added = self._schedule.add(chore)
        self._deal(now)
        return added

    def release(self, watch: Watch[S]) -> None:
        """The scope is over."""
        watch.holds -= 1
        self._forget(watch)

    def join(self, watch: Watch[S], now: float, deadline: float = inf, *, settles: bool = True) -> Waiter[S]:
        """Begin a wait. What is already known of the order is news to it.

        Args:
            settles: an iterator over messages does not, and keeps no wait from settling.
        """
        watch = self._watches.setdefault(watch.key, watch)
        if not watch.waiters:
            watch.readable_at, watch.error, watch.misses = now, None, 0
        waiter = Waiter(watch, deadline, settles, news=watch.sight is not None or watch.error is not None)
        watch.waiters.append(waiter)
        self._schedule.joined(watch, now)
        self._stir(now)
        return waiter

    def leave(self, waiter: Waiter[S], now: float) -> bool:
        """End a wait. Whether nobody else waits who may settle the order, and no scope holds it."""
        watch = waiter.watch
        watch.waiters.remove(waiter)
        self._schedule.left(watch)
        self._parked.pop(waiter, None)
        if self._keeper is waiter:
            self._keeper = None
        if isinstance(waiter.job, Look):
            self._end_look(waiter, waiter.job.watch, now, next_look_at=now)
        elif waiter.job is not None:
            self._schedule.give_back(waiter.job, now)
            self._end_turn(waiter, now)
        self._stir(now)
        self._forget(watch)
        return not watch.holds and not any(other.settles for other in watch.waiters)

    def close(self) -> None:
        """Every wait ends with ClientClosedError, also those whose request is under way."""
        self._closed = True
        for watch in self._watches.values():
            for waiter in watch.waiters:
                waiter.bell.ring()
                if waiter.request is not None:
                    waiter.request.cancel()

    def _forget(self, watch: Watch[S]) -> None:
        if not watch.waiters and not watch.holds:
            self._watches.pop(watch.key, None)

    def _deal(self, now: float) -> None:
        """Give a turn for everything that is due, while there are turns."""
        for watch in self._schedule.advance(now):
            self._tell(watch, now)
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
            self._parked.pop(taker, None)
            taker.job = job
            self._turns += 1
            taker.bell.ring()
        self._schedule.guard_ends()
        self._stir(now)

    def _looker(self, watch: Watch[S]) -> Waiter[S] | None:
        """Who looks at the order: of those that wait for it the one that stays longest."""
        free = (waiter for waiter in watch.waiters if waiter.job is None)
        return max(free, key=lambda waiter: waiter.deadline, default=None)

    def _idle(self, now: float) -> Waiter[S] | None:
        """Somebody who rests and has no news; rather not one who is about to leave."""
        few = list(islice(self._parked, 8))
        return next((waiter for waiter in few if waiter.deadline > now + LEAD), few[0] if few else None)

    def _end_look(self, waiter: Waiter[S], watch: Watch[S], now: float, next_look_at: float) -> None:
        """The look was taken, or its holder gave it back."""
        watch.looking = False
        self._schedule.plan(watch, next_look_at)
        self._end_turn(waiter, now)

    def _end_turn(self, waiter: Waiter[S], now: float) -> None:
        waiter.job = None
        self._turns -= 1
        self._deal(now)

    def _stir(self, now: float) -> None:
        """Have the keeper look up if something is due before he would; when there is none, wake one who stays."""
        if self._keeper is not None:
            if self._schedule.next_at() < self._sleeps_until:
                self._keeper.bell.ring()
        elif (successor := self._idle(now)) is not None:
            successor.bell.ring()

    def _tell(self, watch: Watch[S], now: float) -> None:
        for waiter in watch.waiters:
            waiter.news = True
            self._parked.pop(waiter, None)
            waiter.bell.ring()
            own = isinstance(waiter.job, Look) and waiter.job.watch is watch
            if waiter.request is not None and not (own and not watch.has_sms()):
                # What it does for others somebody else can do, and its own look is not needed.
                waiter.request.deadline = min(waiter.request.deadline, now + GRACE)

    def _failed(self, watch: Watch[S], error: SmsApiError, now: float) -> None:
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
        if waiter.deadline == inf:
            await self._until_news(waiter)
        else:
            with anyio.move_on_at(waiter.deadline + LAST_LOOK) as scope:
                await self._until_news(waiter)
            waiter.late = scope.cancelled_caught
        waiter.news = False
        if self._closed:
            raise ClientClosedError("the client was closed during the wait")
        if waiter.watch.error is not None:
            raise copy(waiter.watch.error) from waiter.watch.error

    async def _until_news(self, waiter: Waiter[S]) -> None:
        while not (waiter.news or self._closed):
            if isinstance(waiter.job, Look):
                await self._look(waiter, waiter.job.watch)
            elif isinstance(waiter.job, Ask):
                await self._ask(waiter, waiter.job)
            elif waiter.job is not None:
                await self._do(waiter, waiter.job)
            else:
                await self._rest(waiter)

    async def _rest(self, waiter: Waiter[S]) -> None:
        """Sleep until woken; the keeper sleeps until something is due and deals it out."""
        if self._keeper not in (None, waiter):
            self._parked[waiter] = None
            waiter.bell.hush()
            if self._turns < self._most and self._schedule.wants_somebody(chores=self._turns < self._most // 2):
                self._deal(anyio.current_time())
            await waiter.bell
            self._parked.pop(waiter, None)
            return
        self._keeper = waiter
        waiter.bell.hush()
        self._sleeps_until = self._schedule.next_at()
        with anyio.move_on_at(self._sleeps_until):
            await waiter.bell
        self._deal(anyio.current_time())

    async def _look(self, waiter: Waiter[S], watch: Watch[S]) -> None:
        """Use the turn for one order: one request, in the holder's own task."""
        began = self._begin_turn(waiter)
        with self._request(waiter, watch.cut_at(began)) as request:
            try:
                sight = await watch.look()
            except SmsApiError as error:
                self._failed(watch, error, anyio.current_time())
            else:
                self._schedule.looked(watch, sight, anyio.current_time())
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
        if self._keeper in (None, waiter):  # None: this waiter was woken to become it, and asks instead
            self._keeper = None
            self._stir(now)
        return now

    @contextmanager
    def _request(self, waiter: Waiter[S], deadline: float = inf) -> Iterator[anyio.CancelScope]:
        """Around a request, so that closing ends it, and news of its holder's own."""
        waiter.request = scope = anyio.CancelScope(deadline=deadline)
        try:
            with scope:
                yield scope
        finally:
            waiter.request = None
