"""Waiting for many orders at once: the rhythm (pure) and the turns (plain state). Knows no provider, settles nothing.

Every wait is a Waiter on the Watch of its order. There is no background task: one waiter at a time is the *keeper* and
sleeps until the next look of any watch is due; then it deals that watch's waiter a *turn*, one request in that waiter's
own task, at most 32 turns at a time. A waiter that is cancelled or done gives its turn and its office back in plain
functions that cannot be interrupted.

Arithmetic here only schedules; that an order ended is what the provider says, as a look brought it.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Awaitable, Callable
from copy import copy
from enum import Enum
from itertools import count
from math import inf
from typing import Generic, TypeVar

import anyio
import attrs

from ._errors import (
    AccountBlockedError,
    AuthenticationError,
    ClientClosedError,
    ProviderUnavailableError,
    RateLimitError,
    RefusedError,
    SmsApiError,
)
from ._values import Sms

S = TypeVar("S")

TURNS = 32
LEAD = 10.0
"""Seconds before the end when the last look is taken, while cancelling still refunds (a lapsed order may not be)."""

FIRST_LOOK = 4.0
UNKNOWN_LIFE = 20 * 60.0
"""How long an order is taken to live when no usable expiry came: the longest window seen of an activation."""

LAST_LOOK = 5.0
"""Seconds the last look before an end may take: an answer that stalls must not cost the refund."""

MISSING_PAUSE = 2.0
SAME_END = 60.0
"""Latency and the whole seconds of Date make an end seem later than it is; nearer than this it is the same end, and the
earliest reading is the best. Taken as it comes it would run away from the last look before it."""

PATIENCE = 60.0
"""A history may lag behind a purchase: an order bought this recently is not called missing."""

UNREADABLE_FOR = 30 * 60.0


class Phase(Enum):
    """Where in its life an order is, as far as waiting cares."""

    OPEN = "open"
    FINISHED = "finished"
    EXPIRED = "expired"
    CLOSED = "closed"


@attrs.frozen(kw_only=True)
class Sight(Generic[S]):
    """What one look showed.

    Attributes:
        subject: the order or rented number, for the caller.
        left: seconds to its end, None when no usable end came.
        age: seconds since it was bought, None when unknown.
        at: when it was seen, in seconds of the loop's clock.
    """

    subject: S
    sms: tuple[Sms, ...]
    phase: Phase
    left: float | None
    age: float | None
    at: float


def rhythm(age: float, chance: float) -> float:
    """Seconds to the next look at an order of this age: clamp(0.08 x age, 2, 30), give or take a tenth.

    The best interval goes with 1/sqrt of the chance that the SMS comes now, which falls as the order ages. Log-normal
    arrivals (median 25 s) cost 29 looks an order and are found 1.9 s late on average.

    Args:
        chance: from 0 to 1; spreads the looks of orders bought together.
    """
    return min(max(0.08 * age, 2.0), 30.0) * (0.9 + 0.2 * chance)


@attrs.define(eq=False, repr=False)
class Watch(Generic[S]):
    """One order that is waited for, however many wait."""

    key: int
    look: Callable[[], Awaitable[Sight[S]]]
    readable_at: float
    bought_at: float = -inf
    born_at: float = inf
    ends_at: float = inf
    sight: Sight[S] | None = None
    known: S | None = None
    error: SmsApiError | None = None
    looked_at: float = -inf
    failures: int = 0
    misses: int = 0
    looking: bool = False
    queued: bool = False
    planned: int = 0
    waiters: list[Waiter[S]] = attrs.field(factory=list)
    holds: int = 0
    taken: bool = False
    request: anyio.CancelScope | None = None

    def note(self, sight: Sight[S]) -> None:
        """Take in what a look showed."""
        self.sight = sight
        self.readable_at = sight.at
        self.failures = self.misses = 0
        self.born_at = min(self.born_at, sight.at - (sight.age or 0.0))
        if sight.left is not None:
            ends_at = sight.at + sight.left
            self.ends_at = min(self.ends_at, ends_at) if ends_at - self.ends_at < SAME_END else ends_at
        elif self.ends_at == inf:
            self.ends_at = sight.at + UNKNOWN_LIFE

    def subject(self) -> S | None:
        """The order as last seen, or as its scope knew it; None when nothing is known but its key."""
        return self.known if self.sight is None else self.sight.subject

    def asked_at(self, now: float) -> float:
        """When the order was last asked about, now when never."""
        asked = self.looked_at if self.sight is None else max(self.sight.at, self.looked_at)
        return now if asked == -inf else asked

    def last_look_taken(self) -> bool:
        """Whether a look began in the last seconds before the end, or after it."""
        return self.looked_at >= self.ends_at - LEAD

    def gone_dark(self) -> bool:
        """Whether nothing readable came for half an hour."""
        return self.failures > 0 and self.looked_at - self.readable_at >= UNREADABLE_FOR

    def next_look_at(self, now: float) -> float:
        """When the next look is due: by the rhythm, but never past a moment that needs one."""
        if self.failures:
            pause = min(30.0, 2.0 * 2.0 ** (self.failures - 1))
        elif self.misses:
            pause = MISSING_PAUSE
        elif self.sight is None:
            return now
        else:
            age = max(0.0, now - self.born_at)
            pause = max(FIRST_LOOK - age, rhythm(age, random.random()))  # noqa: S311 - spreads looks, hides nothing
        moments = [self.ends_at - LEAD, self.ends_at + 1.0, *(waiter.deadline for waiter in self.waiters)]
        return min([now + pause, *(max(now, moment) for moment in moments if moment > self.looked_at)])

    def cut_at(self, began: float) -> float:
        """When a look begun at that time is given up: for the last look before the end, and that one soon after."""
        last = self.ends_at - LEAD
        cut = last if last > began else last + LAST_LOOK
        return cut if cut > began else inf


@attrs.define(eq=False, repr=False)
class Waiter(Generic[S]):
    """One wait: registered by `join`, gone by `leave`."""

    watch: Watch[S]
    deadline: float = inf
    settles: bool = True
    news: bool = False
    late: bool = False
    turn: bool = False
    event: anyio.Event = attrs.field(factory=anyio.Event)

    def wake(self) -> None:
        self.event.set()
        self.event = anyio.Event()

    def timed_out(self) -> bool:
        """Whether the caller's own time is over, and a look was taken after that moment or would not end."""
        return self.late or self.watch.looked_at >= self.deadline


class Turns(Generic[S]):
    """Every watch of one provider, and who looks next."""

    def __init__(self) -> None:
        self._watches: dict[int, Watch[S]] = {}
        self._due: list[tuple[float, int, Watch[S]]] = []
        self._order = count()
        self._late: deque[Watch[S]] = deque()
        self._parked: dict[Waiter[S], None] = {}
        self._keeper: Waiter[S] | None = None
        self._turns = 0
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
        self._plan(watch, max(now, watch.next_look_at(watch.asked_at(now))))
        self._stir(now)
        return waiter

    def leave(self, waiter: Waiter[S], now: float) -> bool:
        """End a wait. Whether nobody else waits who may settle the order, and no scope holds it."""
        watch = waiter.watch
        watch.waiters.remove(waiter)
        self._parked.pop(waiter, None)
        if self._keeper is waiter:
            self._keeper = None
        if waiter.turn:
            self._end_turn(waiter, now, next_look_at=now)
        self._stir(now)
        self._forget(watch)
        return not watch.holds and not any(other.settles for other in watch.waiters)

    def close(self) -> None:
        """Every wait ends with ClientClosedError, also those whose look is under way."""
        self._closed = True
        for watch in self._watches.values():
            if watch.request is not None:
                watch.request.cancel()
            self._tell(watch)

    def _forget(self, watch: Watch[S]) -> None:
        if not watch.waiters and not watch.holds:
            self._watches.pop(watch.key, None)

    def _plan(self, watch: Watch[S], at: float) -> None:
        """Put the watch's next look into the timeline; an earlier plan of it is void."""
        if watch.looking or watch.error is not None or not watch.waiters:
            return
        if watch.sight is not None and watch.sight.phase is not Phase.OPEN:
            return
        watch.planned = next(self._order)
        heapq.heappush(self._due, (at, watch.planned, watch))

    def _deal(self, now: float) -> None:
        """Give a turn to one waiter of every watch whose look is due, while there are turns."""
        fresh = []
        while self._due and self._due[0][0] <= now:
            _, planned, watch = heapq.heappop(self._due)
            if planned == watch.planned and watch.waiters:
                if watch.queued:
                    self._pass_over(watch, now)
                    continue
                watch.looking = watch.queued = True
                self._late.append(watch)
                fresh.append(watch)
        while self._late and self._turns < TURNS:
            watch = self._late.popleft()
            watch.planned = next(self._order)
            watch.looking, watch.queued = bool(watch.waiters), False
            if watch.waiters:
                waiter = max(watch.waiters, key=lambda waiter: waiter.deadline)
                waiter.turn = True
                self._turns += 1
                waiter.wake()
        for watch in fresh:
            if watch.queued and watch.looked_at < watch.ends_at - LEAD < inf:
                watch.planned = next(self._order)
                heapq.heappush(self._due, (watch.ends_at - LEAD + LAST_LOOK, watch.planned, watch))

    def _pass_over(self, watch: Watch[S], now: float) -> None:
        """No turn came free for the last look before the end: it counts as taken, so that cancelling still refunds."""
        self._late.remove(watch)
        watch.looking, watch.queued, watch.looked_at = False, False, now
        self._plan(watch, watch.next_look_at(now))
        self._tell(watch)

    def _end_turn(self, waiter: Waiter[S], now: float, next_look_at: float) -> None:
        """The look was taken, or its holder gave it back."""
        waiter.turn = False
        waiter.watch.looking, waiter.watch.request = False, None
        self._turns -= 1
        self._plan(waiter.watch, next_look_at)
        self._deal(now)
        self._stir(now)

    def _stir(self, now: float) -> None:
        """Have the keeper look at the timeline anew; when there is none, wake one that is not about to leave."""
        if self._keeper is not None:
            self._keeper.wake()
        elif self._parked:
            staying = (waiter for waiter in self._parked if waiter.deadline > now + LEAD)
            next(staying, next(iter(self._parked))).wake()

    def _tell(self, watch: Watch[S]) -> None:
        for waiter in watch.waiters:
            waiter.news = True
            waiter.wake()

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
            if waiter.turn:
                await self._look(waiter)
            else:
                await self._rest(waiter)

    async def _rest(self, waiter: Waiter[S]) -> None:
        """Sleep until woken; the keeper sleeps until the next look is due and deals it."""
        if self._keeper not in (None, waiter):
            self._parked[waiter] = None
            await waiter.event.wait()
            self._parked.pop(waiter, None)
            return
        self._keeper = waiter
        event = waiter.event
        with anyio.move_on_at(self._due[0][0] if self._due else inf):
            await event.wait()
        self._deal(anyio.current_time())

    async def _look(self, waiter: Waiter[S]) -> None:
        """Use the turn: one request, in the holder's own task."""
        watch, began = waiter.watch, anyio.current_time()
        if self._keeper in (None, waiter):  # None: this waiter was woken to become it, and looks instead
            self._keeper = None
            self._stir(began)
        with anyio.CancelScope(deadline=watch.cut_at(began)) as watch.request:
            try:
                watch.note(await watch.look())
            except SmsApiError as error:
                self._failed(watch, error, anyio.current_time())
        if watch.request.cancelled_caught:
            watch.failures += 1
        watch.looked_at = began
        now = anyio.current_time()
        self._end_turn(waiter, now, watch.next_look_at(now))
        self._tell(watch)
