"""When the next request may leave, and whose it is. Plain state: nothing here sleeps, sends or reads a clock.

Slots are spaced evenly and go to the lowest lane first, in each lane to who came first; a second bound is how many
requests are in flight. Whoever waits holds a Ticket. One ticket at a time is the *keeper*: its holder sleeps until the
next slot is due, so there is no background task; a keeper that leaves hands the office on without awaiting.

A provider that says "too many" doubles the spacing; a quiet minute halves it again. Where repeated hits are a ban,
looks stop before the last one.
"""

from __future__ import annotations

from collections import deque

import attrs

from .._values import seconds
from .._wakeup import Wakeup
from .call import Lane, Provider

V1_PER_SECOND = 50.0
"""The provider documents 100 per second and key; five hits in ten minutes are a ten-minute ban."""

RENT_PER_SECOND = 1.0
"""The provider documents no number; its own newest client keeps to one request a second (2026)."""

LOOK_EVERY = 1.0
"""A code is found half a second late on average, for one request a second and page of orders."""

IN_FLIGHT = 32
"""No httpx pool scales with its queue; a gate of our own before it does."""

KEPT_BACK = 8
"""Of these places the last ones are for cancels and purchases only."""

CATALOGUE_PER_SECOND = 1.0
CATALOGUE_IN_FLIGHT = 2
"""Ten price tables 0.6 s apart drew a 429 (v1, seen live in 2026); one is up to 24 MB."""

SLOWEST = 1.0
"""Seconds between requests, at the most, unless the usual spacing is not much less."""

QUIET = 60.0
"""Seconds without a hit after which the spacing is halved, until it is the usual one."""

HITS = 4
HITS_COUNT_FOR = 600.0
"""The fifth hit of ten minutes is a ban of ten minutes (https://5sim.net/docs, "Limits")."""

STOPPED = (Lane.LOOK, Lane.CATALOGUE)
"""What can wait when the next hit would be a ban; cancels, purchases and finishes settle money."""

CATCH_UP = 0.005
"""Timers wake late; a slot taken up to 5 ms late does not push back the next one, as one taken after a pause does."""


@attrs.define(eq=False, repr=False, weakref_slot=False)
class Ticket(Wakeup):
    """A place in the queue; `granted` once the request may leave, `used` once its holder knows."""

    lane: Lane
    granted: bool = False
    used: bool = False
    left: bool = False


class Slots:
    """The queue of one provider and key."""

    def __init__(self, per_second: float, in_flight: int, kept_back: int = 0, *, bans: bool = False) -> None:
        self._usual = self._spacing = 1.0 / per_second
        self._bans = bans
        self._hits: deque[float] = deque()
        self._changed_at = 0.0
        self._room = in_flight
        self._kept_back = kept_back
        self._next_at = 0.0
        self._queues: dict[Lane, deque[Ticket]] = {lane: deque() for lane in sorted(Lane)}
        self._keeper: Ticket | None = None
        self._latest: Ticket | None = None

    def enter(self, lane: Lane, now: float) -> Ticket:
        """Take a place; the ticket may be granted at once."""
        ticket = Ticket(lane)
        self._queues[lane].append(ticket)
        self._grant(now)
        if self._keeper is not None and self._stopped() and self._next()[0] is ticket:
            self._keeper.ring()  # it sleeps until looks go on, and this one need not
        return ticket

    def seconds_to_sleep(self, ticket: Ticket, now: float) -> float | None:
        """How long the holder sleeps before it asks again; None: until it is woken."""
        following, at = self._next()
        if self._keeper not in (None, ticket) or not self._has_room_for(following):
            return None
        self._keeper = ticket
        return max(0.0, at - now)

    def tick(self, now: float) -> None:
        """The keeper slept: hand out what is due."""
        self._keeper = None
        self._grant(now)

    def leave(self, ticket: Ticket, now: float) -> None:
        """The request is over, or its holder gave up waiting."""
        if ticket.granted:
            self._room += 1
            if not ticket.used and self._latest is ticket:
                self._next_at -= self._spacing
        ticket.left = True
        if self._keeper is ticket:
            self._keeper = None
        self._grant(now)

    def hit(self, now: float) -> int:
        """The provider said that it was asked too often. How often it said so of late."""
        self._hits.append(now)
        self._ease(now)
        self._changed_at = now
        slowest = max(SLOWEST, 8 * self._usual)
        self._spacing = slowest if self._stopped() else min(slowest, 2 * self._spacing)
        self._next_at = max(self._next_at, now + self._spacing)
        return len(self._hits)

    def _ease(self, now: float) -> None:
        # Later than now it can only be after a run of another loop, whose clock began elsewhere.
        while self._hits and not now - HITS_COUNT_FOR < self._hits[0] <= now:
            self._hits.popleft()
        self._changed_at = now if self._stopped() else min(self._changed_at, now)
        while self._spacing > self._usual and now - self._changed_at >= QUIET:
            self._spacing = max(self._usual, self._spacing / 2)
            self._changed_at += QUIET

    def _stopped(self) -> bool:
        """Whether one hit more would be a ban."""
        return self._bans and len(self._hits) >= HITS

    def _grant(self, now: float) -> None:
        self._ease(now)
        self._next_at = min(self._next_at, now + self._spacing)  # as in `_ease`
        while True:
            ticket, at = self._next()
            if ticket is None or at > now or not self._has_room_for(ticket):
                break
            self._queues[ticket.lane].popleft()
            ticket.granted = True
            self._room -= 1
            self._latest = ticket
            self._next_at = (self._next_at if now - self._next_at <= CATCH_UP else now) + self._spacing
            if self._keeper is ticket:
                self._keeper = None
            ticket.ring()
        if ticket is not None and self._keeper is None and self._has_room_for(ticket):
            ticket.ring()  # to become the keeper

    def _next(self) -> tuple[Ticket | None, float]:
        """Who leaves next, and when. What has stopped comes after whatever may go on."""
        waiting: Ticket | None = None
        for lane, queue in self._queues.items():
            while queue and queue[0].left:
                queue.popleft()
            if queue and not (lane in STOPPED and self._stopped()):
                return queue[0], self._next_at
            waiting = waiting or (queue[0] if queue else None)
        return waiting, self._next_at if waiting is None else max(self._next_at, self._hits[-HITS] + HITS_COUNT_FOR)

    def _has_room_for(self, ticket: Ticket | None) -> bool:
        """Whether it has a place in flight: stalled looks leave some to cancels and purchases."""
        urgent = ticket is not None and ticket.lane < Lane.LOOK
        return self._room > (0 if urgent else self._kept_back)


class Pace:
    """How fast requests leave, shared by every client that is given the same object, all in one event loop.

    Args:
        v1_per_second: requests a second to the v1 API. The provider allows 100.
        rent_per_second: requests a second to the rent API, one at a time.
        look_every: seconds between two looks at the whole list of orders, at least, when many are awaited. 0 asks
            again as soon as the answer is there.
    """

    def __init__(
        self,
        *,
        v1_per_second: float = V1_PER_SECOND,
        rent_per_second: float = RENT_PER_SECOND,
        look_every: float = LOOK_EVERY,
    ) -> None:
        self._slots: dict[Provider, Slots] = {
            "v1": Slots(_rate("v1_per_second", v1_per_second), IN_FLIGHT, KEPT_BACK, bans=True),
            "rent": Slots(_rate("rent_per_second", rent_per_second), 1),
        }
        self.look_every: float = seconds("look_every", look_every) or 0.0
        self._catalogue = Slots(CATALOGUE_PER_SECOND, CATALOGUE_IN_FLIGHT)

    def slots(self, provider: Provider) -> Slots:
        return self._slots[provider]

    def slow_slots(self, lane: Lane) -> Slots | None:
        """The slots to be had first, for what is large."""
        return self._catalogue if lane is Lane.CATALOGUE else None


def _rate(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise ValueError(f"{name}: requests a second, more than 0, are needed, not {value!r}")
    return value
