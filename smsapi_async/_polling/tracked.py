"""The observed state of an order, and the waits for it. Pure.

Arithmetic here only schedules. An order has ended when the provider says so, as shown by a look.
"""

from __future__ import annotations

import random
from enum import Enum
from math import inf
from typing import TYPE_CHECKING, Generic, TypeVar

import anyio
import attrs

from .._errors import SmsApiError
from .._values import Sms
from .._wakeup import Wakeup

if TYPE_CHECKING:
    from .agenda import Job

S = TypeVar("S")

LEAD = 10.0
"""Seconds before the end at which the last look is taken. A cancel still refunds then; a lapse may not."""

FIRST_LOOK = 4.0
UNKNOWN_LIFE = 20 * 60.0
"""Seconds an order is taken to live if no usable expiry came: the longest window seen of an activation."""

LAST_LOOK = 5.0
"""Seconds the last look before an end may take, so that an answer that stalls does not cost the refund."""

LAST_LOOK_OF_A_TIMEOUT = 3.0
"""Seconds for the last look before a caller's timeout. The call returns five seconds after the timeout, so two are left
for settling."""

LEAST_LOOK = 2.0
"""Seconds that a look may take at least, whatever timeouts of its order's waits come meanwhile."""

MISSING_PAUSE = 2.0
SAME_END = 60.0
"""Seconds by which two readings of one end may differ, because a Date counts whole seconds and answers take time. The
earliest reading counts. With the latest, the end would run away from the last look before it."""

PATIENCE = 60.0
"""Seconds after its purchase in which an order that the provider does not know is not called missing."""

UNREADABLE_FOR = 30 * 60.0


class Phase(Enum):
    """The stage of an order's life, as far as waiting cares."""

    OPEN = "open"
    FINISHED = "finished"
    EXPIRED = "expired"
    CLOSED = "closed"


class State(Enum):
    """An order's state in the look queue."""

    IDLE = "nothing waits for it, or no look can bring anything more"
    PLANNED = "a look is due at a known moment"
    SPARED = "the list answers for it until a known moment"
    IN_LINE = "a look is due"
    IN_FLIGHT = "it is being asked about"


@attrs.frozen(kw_only=True)
class Snapshot(Generic[S]):
    """The content of one answer. Moments are in seconds of the loop's clock.

    Attributes:
        subject: the order or rented number, for the caller.
        at: when it was asked for.
        ends_at: its end; None if no usable one came.
        exact: whether that end is an order's own, which changes only if the provider moves it.
        sure: whether that end is read from a clock. An end that is only a guess never replaces a known one.
        bought_at: when it was bought; None if unknown.
        news_age: seconds since its newest message came; None without a message, or without a usable clock.
        keep: whether to keep the subject. A list has thousands of rows, and only those with a message are kept.
        phone: kept when the subject is not, for a report about the order.
    """

    subject: S
    sms: tuple[Sms, ...]
    phase: Phase
    at: float
    ends_at: float | None = None
    sure: bool = True
    exact: bool = False
    bought_at: float | None = None
    news_age: float | None = None
    keep: bool = True
    phone: str = ""


def rhythm(age: float, chance: float) -> float:
    """Seconds to the next look at an order of this age: clamp(0.08 x age, 2, 30), give or take a tenth.

    The best interval is proportional to 1/sqrt of the chance that the SMS comes now, which falls as the order ages.
    With log-normal arrivals (median 25 s), an order costs 29 looks, and its SMS is found 1.9 s late on average.

    Args:
        chance: from 0 to 1; spreads the looks at orders that were bought together.
    """
    return min(max(0.08 * age, 2.0), 30.0) * (0.9 + 0.2 * chance)


@attrs.define(eq=False, repr=False, weakref_slot=False)
class Entry:
    """An order's place in the look queue. Only the queue writes these fields.

    Attributes:
        turn: the number of its one valid entry in the queue's heaps.
        early_at: when its last look began before the usual moment, for orders that end together.
        ends_in: the slice of time in which its end is counted; 0 if it is not counted.
    """

    state: State = attrs.field(default=State.IDLE, init=False)
    turn: int = attrs.field(default=0, init=False)
    early_at: float = attrs.field(default=inf, init=False)
    ends_in: int = attrs.field(default=0, init=False)

    def end_moved(self) -> None:
        """Forget that the last look began early, because that look was for another end."""
        self.early_at = inf


@attrs.define(eq=False, repr=False, weakref_slot=False)
class Tracked(Entry, Generic[S]):
    """The observed state of one order, and its waits. Fifty thousand orders may be awaited, so each attribute counts.

    Attributes:
        subject: the order as last seen, or as its scope knew it; None if only its key is known.
        seen_at: when the known state was asked for; -inf before any answer.
        readable_at: when the last readable answer came.
        dated: whether its age is known.
        looked_at: when the last look at this order alone began.
        listed_at: when a list that showed nothing new of it was asked for.
        shown: whether a list ever had it.
    """

    key: int
    readable_at: float
    bought_at: float = -inf
    born_at: float = inf
    ends_at: float = inf
    subject: S | None = None
    phone: str = ""
    sms: tuple[Sms, ...] = ()
    phase: Phase = Phase.OPEN
    seen_at: float = -inf
    dated: bool = False
    error: SmsApiError | None = None
    looked_at: float = -inf
    listed_at: float = -inf
    shown: bool = False
    failures: int = 0
    misses: int = 0
    waiters: tuple[Waiter[S], ...] = ()

    def note(self, snapshot: Snapshot[S]) -> None:
        """Record the content of an answer, unless the known state was asked for later."""
        if snapshot.at < self.seen_at:
            return
        self.subject = snapshot.subject if snapshot.keep else self.subject
        self.phone = snapshot.phone or self.phone
        self.sms, self.phase = snapshot.sms, snapshot.phase
        self.seen_at = self.readable_at = snapshot.at
        self.failures = self.misses = 0
        self.dated = self.dated or snapshot.bought_at is not None
        self.born_at = min(self.born_at, snapshot.at if snapshot.bought_at is None else snapshot.bought_at)
        self._note_end(snapshot.ends_at, sure=snapshot.sure, exact=snapshot.exact)

    def _note_end(self, ends_at: float | None, *, sure: bool, exact: bool) -> None:
        if ends_at is None or not (sure or self.ends_at == inf):
            return
        if exact and ends_at <= self.ends_at:
            self.ends_at = ends_at
        elif not exact and ends_at - self.ends_at < SAME_END:
            self.ends_at = min(self.ends_at, ends_at)
        else:
            self.ends_at = ends_at
            self.end_moved()

    def age(self, now: float) -> float | None:
        """Seconds since the order was bought; None if that is unknown."""
        if self.bought_at > -inf:
            return now - self.bought_at
        return now - self.born_at if self.dated else None

    def is_seen(self) -> bool:
        """Return True if any answer has shown the order."""
        return self.seen_at > -inf

    def is_over(self) -> bool:
        """Return True if no look can bring anything more."""
        return self.error is not None or self.phase is not Phase.OPEN

    def asked_at(self, now: float) -> float:
        """The moment of the last request about the order; `now` if there was none."""
        asked = max(self.seen_at, self.looked_at)
        return now if asked == -inf else asked

    @property
    def last_at(self) -> float:
        """The moment from which a look is the last one before the order's end."""
        return min(self.ends_at - LEAD, self.early_at)

    def last_look_taken(self) -> bool:
        """Return True if a look began at the order's last moment or later."""
        return self.looked_at >= self.last_at

    def gone_dark(self) -> bool:
        """Return True if nothing readable has come for half an hour."""
        return self.failures > 0 and self.looked_at - self.readable_at >= UNREADABLE_FOR

    def at_a_moment(self, now: float) -> bool:
        """Return True if the order needs a look of its own now: its end is near, or a waiter's deadline has come."""
        return self.is_ending(now) or any(self.looked_at < waiter.deadline <= now for waiter in self.waiters)

    def is_ending(self, now: float) -> bool:
        """Return True if the order needs a look now because of its end: a cancel that comes later does not refund."""
        return self.looked_at < self.last_at <= now or self.looked_at < self.ends_at + 1.0 <= now

    def next_look_at(self, now: float) -> float:
        """The moment the next look is due: by the rhythm, but never later than a moment that needs a look."""
        if self.failures:
            pause = min(30.0, 2.0 * 2.0 ** min(self.failures - 1, 10))
        elif self.misses:
            pause = MISSING_PAUSE
        elif not self.is_seen():
            return now
        else:
            age = max(0.0, now - self.born_at)
            pause = max(FIRST_LOOK - age, rhythm(age, random.random()))  # noqa: S311 - spreads looks, hides nothing
        return min(now + pause, self.next_moment(now))

    def next_moment(self, now: float) -> float:
        """The moment of the order's next look of its own, whatever the list shows; inf if none is needed."""
        moments = (self.last_at, self.ends_at + 1.0, *[waiter.deadline for waiter in self.waiters])
        return max(now, min([moment for moment in moments if moment > self.looked_at], default=inf))

    def cut_at(self, began: float) -> float:
        """The moment at which a request that began at `began` is given up, so that a last look can be made.

        The look of a caller's deadline may wait for a moment: where waits come and go, no look would ever end.
        """
        deadlines = [waiter.deadline for waiter in self.waiters if waiter.deadline > began]
        return min([self.end_cut_at(began), *[max(deadline, began + LEAST_LOOK) for deadline in deadlines]])

    def end_cut_at(self, began: float) -> float:
        """The moment at which the order's end has a request given up. The last look may take `LAST_LOOK` seconds."""
        return self.last_at if self.last_at > began else max(self.last_at, began) + LAST_LOOK


@attrs.define(eq=False, repr=False, weakref_slot=False)
class Waiter(Wakeup, Generic[S]):
    """One wait. It is registered by `join` and removed by `leave`.

    Attributes:
        settles: whether it may settle the order.
        news: whether something was observed that it has not handled yet.
        late: whether its time is over, including the time of its last look.
        job: the job of its turn.
        request: the scope of the request that is under way.
    """

    tracked: Tracked[S]
    deadline: float = inf
    settles: bool = True
    news: bool = attrs.field(default=False, init=False)
    late: bool = attrs.field(default=False, init=False)
    job: Job[S] | None = attrs.field(default=None, init=False)
    request: anyio.CancelScope | None = attrs.field(default=None, init=False)

    def timed_out(self) -> bool:
        """Return True if the caller's time is over, and a look began after it or was given up."""
        return self.late or self.tracked.looked_at >= self.deadline
