"""What is waited for, and who waits: an order's watch, what a look showed of it, and when the next look is due. Pure.

Arithmetic here only schedules; that an order ended is what the provider says, as a look brought it.
"""

from __future__ import annotations

import random
from enum import Enum
from math import inf
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

import anyio
import attrs

from .._errors import SmsApiError
from .._values import Sms
from .._wakeup import Wakeup

if TYPE_CHECKING:
    from .queue import Job

S = TypeVar("S")

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
class Snapshot(Generic[S]):
    """What one look showed.

    Attributes:
        subject: the order or rented number, for the caller.
        left: seconds to its end, None when no usable end came.
        age: seconds since it was bought, None when unknown.
        at: when it was seen, in seconds of the loop's clock.
        news_age: seconds since its newest message came, None when it has none or does not tell.
        keep: whether to keep the subject; of the rows of a list, thousands, only those that have a message.
    """

    subject: S
    sms: tuple[Sms, ...]
    phase: Phase
    left: float | None
    age: float | None
    at: float
    news_age: float | None = None
    keep: bool = True


def rhythm(age: float, chance: float) -> float:
    """Seconds to the next look at an order of this age: clamp(0.08 x age, 2, 30), give or take a tenth.

    The best interval goes with 1/sqrt of the chance that the SMS comes now, which falls as the order ages. Log-normal
    arrivals (median 25 s) cost 29 looks an order and are found 1.9 s late on average.

    Args:
        chance: from 0 to 1; spreads the looks of orders bought together.
    """
    return min(max(0.08 * age, 2.0), 30.0) * (0.9 + 0.2 * chance)


@attrs.define(eq=False, repr=False, weakref_slot=False)
class Tracked(Generic[S]):
    """One order that is waited for, however many wait. Of fifty thousand each attribute counts.

    Attributes:
        subject: the order as last seen, or as its scope knew it; None when nothing is known but its key.
        seen_at: when what is known of it was asked; -inf when nothing is.
        dated: whether it is known when it was bought.
        looked_at: when the last look at it alone began.
        listed_at: when a list was asked that showed nothing new of it.
        shown: whether a list ever had it.
        looking: a look is due or under way.
        place: its place in line for a turn, 0 outside of it.
        planned_at: which of its plans counts.
        spared: while the list shows it no look is due but at its moments.
    """

    key: int
    readable_at: float
    bought_at: float = -inf
    born_at: float = inf
    ends_at: float = inf
    subject: S | None = None
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
    looking: bool = False
    place: int = 0
    planned_at: float = -inf
    spared: bool = False
    waiters: tuple[Waiter[S], ...] = ()
    holds: int = 0
    taken: bool = False

    def __lt__(self, other: Tracked[S]) -> bool:
        """Of two that are due together the older order is first."""
        return self.key < other.key

    def note(self, snapshot: Snapshot[S]) -> None:
        """Take in what a look showed, unless what is known was asked later."""
        if snapshot.at < self.seen_at:
            return
        self.subject = snapshot.subject if snapshot.keep else self.subject
        self.sms, self.phase, self.dated = snapshot.sms, snapshot.phase, snapshot.age is not None
        self.seen_at = self.readable_at = snapshot.at
        self.failures = self.misses = 0
        self.born_at = min(self.born_at, snapshot.at - (snapshot.age or 0.0))
        if snapshot.left is not None:
            ends_at = snapshot.at + snapshot.left
            self.ends_at = min(self.ends_at, ends_at) if ends_at - self.ends_at < SAME_END else ends_at
        elif self.ends_at == inf:
            self.ends_at = snapshot.at + UNKNOWN_LIFE

    def age(self, now: float) -> float | None:
        """Seconds since it was bought, None when that is not known."""
        if self.bought_at > -inf:
            return now - self.bought_at
        return now - self.born_at if self.dated else None

    def is_seen(self) -> bool:
        """Whether any answer told of it."""
        return self.seen_at > -inf

    def asked_at(self, now: float) -> float:
        """When the order was last asked about, now when never."""
        asked = max(self.seen_at, self.looked_at)
        return now if asked == -inf else asked

    def last_look_taken(self) -> bool:
        """Whether a look began in the last seconds before the end, or after it."""
        return self.looked_at >= self.ends_at - LEAD

    def gone_dark(self) -> bool:
        """Whether nothing readable came for half an hour."""
        return self.failures > 0 and self.looked_at - self.readable_at >= UNREADABLE_FOR

    def is_over(self) -> bool:
        """Whether no look can bring anything more."""
        return self.error is not None or self.phase is not Phase.OPEN

    def at_a_moment(self, now: float) -> bool:
        """Whether a moment has come that needs a look of its own: near the end, or a waiter's deadline."""
        last = self.ends_at - LEAD
        if self.looked_at < last <= now or self.looked_at < self.ends_at + 1.0 <= now:
            return True
        return any(self.looked_at < waiter.deadline <= now for waiter in self.waiters)

    def next_look_at(self, now: float) -> float:
        """When the next look is due: by the rhythm, but never past a moment that needs one."""
        if self.failures:
            pause = min(30.0, 2.0 * 2.0 ** (self.failures - 1))
        elif self.misses:
            pause = MISSING_PAUSE
        elif not self.is_seen():
            return now
        else:
            age = max(0.0, now - self.born_at)
            pause = max(FIRST_LOOK - age, rhythm(age, random.random()))  # noqa: S311 - spreads looks, hides nothing
        return min(now + pause, self.next_moment(now))

    def next_moment(self, now: float) -> float:
        """When the next look of its own is needed, whatever the list shows; inf when none is."""
        moments = (self.ends_at - LEAD, self.ends_at + 1.0, *[waiter.deadline for waiter in self.waiters])
        return max(now, min([moment for moment in moments if moment > self.looked_at], default=inf))

    def cut_at(self, began: float) -> float:
        """When a request begun at that time is given up: for a last look of its own, and that one soon after."""
        last = self.ends_at - LEAD
        cuts = (last if last > began else last + LAST_LOOK, *[waiter.deadline for waiter in self.waiters])
        return min([cut for cut in cuts if cut > began], default=inf)


@attrs.define(eq=False, repr=False, weakref_slot=False)
class Waiter(Wakeup, Generic[S]):
    """One wait: registered by `join`, gone by `leave`.

    Attributes:
        settles: whether its kind may settle the order.
        news: whether something was seen of the order that it was not told of.
        late: whether its time is over, and that of the last look.
        job: its turn; request: what of it is under way.
    """

    settles: ClassVar[bool] = True
    watch: Tracked[S]
    deadline: float = inf
    news: bool = attrs.field(default=False, init=False)
    late: bool = attrs.field(default=False, init=False)
    job: Job[S] | None = attrs.field(default=None, init=False)
    request: anyio.CancelScope | None = attrs.field(default=None, init=False)

    def __lt__(self, other: Waiter[S]) -> bool:
        """Of two with one deadline any may be first."""
        return self.watch < other.watch

    def timed_out(self) -> bool:
        """Whether the caller's own time is over, and a look was taken after that moment or would not end."""
        return self.late or self.watch.looked_at >= self.deadline
