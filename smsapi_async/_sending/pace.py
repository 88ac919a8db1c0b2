"""When the next request may leave, and which one. Plain state: nothing here sleeps, sends or reads a clock.

Slots are spaced evenly. They go to the most urgent lane first, and in each lane to the request that entered first. A
second bound is the number of requests in flight. No lane starves: a lane that has waited for its `PATIENCE` takes the
next slot, but never two in a row.

Each waiting request holds a Ticket. One ticket at a time is the *keeper*: its holder sleeps until the next slot is due,
so there is no background task. A keeper that leaves passes the role on without awaiting.

When a provider says "too many", the spacing doubles; a quiet minute halves it again. Where repeated hits are a ban,
looks stop before the last hit.
"""

from __future__ import annotations

from collections import deque
from math import inf
from typing import Protocol
from weakref import WeakSet

import attrs

from .._values import seconds
from .._wakeup import Wakeup
from .call import Lane, Provider

V1_PER_SECOND = 50.0
"""The provider documents 100 per second and key. Five hits in ten minutes are a ten-minute ban."""

RENT_PER_SECOND = 1.0
"""The provider documents no number. Its own newest client keeps to one request a second (2026)."""

LOOK_EVERY = 1.0
"""With one request a second for each page of orders, a code is found half a second late on average."""

IN_FLIGHT = 32
"""Requests in flight. No httpx pool scales with its queue, so a gate of our own stands before the pool."""

KEPT_BACK = 8
"""Places in flight that are closed to looks; half as many are closed to finishes and the catalogue. Looks that stall
then hold up no other lane, and nothing holds up a cancel or a purchase."""

CATALOGUE_PER_SECOND = 1.0
CATALOGUE_IN_FLIGHT = 2
"""Ten price tables 0.6 s apart drew a 429 (v1, seen live in 2026). One table is up to 24 MB."""

SLOWEST = 1.0
"""The longest spacing after hits, in seconds. Twice the usual spacing is always allowed, and eight times where hits are
no ban. While looks have stopped, this is the spacing, unless the usual one is longer."""

QUIET = 60.0
"""Seconds without a hit after which the spacing is halved, until it is the usual one."""

HITS = 4
HITS_COUNT_FOR = 600.0
"""The fifth hit of ten minutes is a ban of ten minutes (https://5sim.net/docs, "Limits")."""

STOPPED = (Lane.LOOK, Lane.CATALOGUE)
"""Lanes that can wait when the next hit would be a ban. Cancels, purchases and finishes settle money."""

CATCH_UP = 0.005
"""Seconds. Timers wake late, so a slot taken up to 5 ms late does not push back the next one. A slot taken after a
pause does."""


PATIENCE = {Lane.LOOK: 5.0, Lane.FINISH: 2.0, Lane.CATALOGUE: 1.25}
"""Seconds of waiting after which a lane takes a slot before more urgent lanes. They count from the entry of the lane's
first request; for the catalogue also from its last slot. At 12 requests a second or more, a finish leaves within 5 s,
and a catalogue read every 2 s."""

AFTER_LATE = 1
AFTER_LATE_BEFORE_CANCELS = 2
"""Ordinary slots after one that went to a lane for its patience. Urgent lanes keep half of the slots, and cancels keep
two thirds: a cancel that comes too late costs the order's price."""


@attrs.define(eq=False, repr=False, weakref_slot=False)
class Ticket(Wakeup):
    """A place in the queue: `granted` once the request may leave, `used` once the ticket's holder knows."""

    lane: Lane
    entered_at: float
    granted: bool = False
    used: bool = False
    left: bool = False


class User(Protocol):
    """The part of a client that asks about its orders."""

    # True while it has orders to ask about.
    @property
    def is_busy(self) -> bool: ...


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
        self._served_at: dict[Lane, float] = dict.fromkeys(Lane, -inf)
        self._since_late = AFTER_LATE_BEFORE_CANCELS
        self._keeper: Ticket | None = None
        self._keeper_wakes_at = inf
        self._latest: Ticket | None = None
        self.users: WeakSet[User] = WeakSet()

    @property
    def sharing(self) -> int:
        """How many clients ask about orders through these slots now, at least one."""
        return max(1, sum(user.is_busy for user in self.users))

    @property
    def spacing(self) -> float:
        """Seconds between two slots now."""
        return self._spacing

    def resumes_at(self, lane: Lane) -> float:
        """The moment from which requests of this lane may leave again; -inf if they have not stopped."""
        return self._hits[-HITS] + HITS_COUNT_FOR if lane in STOPPED and self._stopped() else -inf

    def enter(self, lane: Lane, now: float) -> Ticket:
        """Enter the queue. The ticket may be granted at once."""
        ticket = Ticket(lane, now)
        self._queues[lane].append(ticket)
        self._grant(now)
        if self._keeper is not None and self._due()[1] < self._keeper_wakes_at:
            self._keeper.ring()  # it sleeps until looks go on, and this ticket need not wait for that
        return ticket

    def seconds_to_sleep(self, ticket: Ticket, now: float) -> float | None:
        """Seconds that the holder sleeps before it asks again; None if it sleeps until it is woken."""
        heads, at = self._due()
        if self._keeper not in (None, ticket) or not heads:
            return None
        self._keeper, self._keeper_wakes_at = ticket, at
        return max(0.0, at - now)

    def tick(self, now: float) -> None:
        """Hand out what is due after the keeper has slept."""
        self._keeper = None
        self._grant(now)

    def leave(self, ticket: Ticket, now: float) -> None:
        """Leave the queue, because the request is over or its holder has stopped waiting."""
        if ticket.granted:
            self._room += 1
            if not ticket.used and self._latest is ticket:
                self._next_at -= self._spacing
        ticket.left = True
        if self._keeper is ticket:
            self._keeper = None
        self._grant(now)

    def hit(self, now: float) -> int:
        """Record that the provider said "too many". Return how often it said so within ten minutes."""
        self._hits.append(now)
        self._ease(now)
        self._changed_at = now
        slowest = max(SLOWEST, (2 if self._bans else 8) * self._usual)
        self._spacing = max(SLOWEST, self._usual) if self._stopped() else min(slowest, 2 * self._spacing)
        self._next_at = max(self._next_at, now + self._spacing)
        if self._stopped():
            self._ring_stopped()
        return len(self._hits)

    def _ring_stopped(self) -> None:
        """Wake the requests that cannot leave for minutes, so that their waits can do something else."""
        for lane in STOPPED:
            for ticket in self._queues[lane]:
                ticket.ring()

    def _ease(self, now: float) -> None:
        # A hit can be later than now only after a run of another loop, whose clock began elsewhere.
        while self._hits and not now - HITS_COUNT_FOR < self._hits[0] <= now:
            self._hits.popleft()
        self._changed_at = now if self._stopped() else min(self._changed_at, now)
        while self._spacing > self._usual and now - self._changed_at >= QUIET:
            self._spacing = max(self._usual, self._spacing / 2)
            self._changed_at += QUIET

    def _stopped(self) -> bool:
        """Return True if the next hit would be a ban."""
        return self._bans and len(self._hits) >= HITS

    def _grant(self, now: float) -> None:
        self._ease(now)
        self._next_at = min(self._next_at, now + self._spacing)  # as in `_ease`
        while True:
            heads, at = self._due()
            if not heads or at > now:
                break
            self._hand_out(self._chosen(heads, now), now)
        if heads and self._keeper is None:
            heads[0].ring()  # so that it becomes the keeper

    def _hand_out(self, ticket: Ticket, now: float) -> None:
        self._queues[ticket.lane].popleft()
        ticket.granted = True
        self._room -= 1
        self._latest = ticket
        self._served_at[ticket.lane] = now
        self._next_at = (self._next_at if now - self._next_at <= CATCH_UP else now) + self._spacing
        if self._keeper is ticket:
            self._keeper = None
        ticket.ring()

    def _due(self) -> tuple[list[Ticket], float]:
        """The first ticket of each lane that may leave, the most urgent lane first, and the moment when one of them
        may.

        Lanes that have stopped come only if nothing else waits.
        """
        heads = []
        for lane, queue in self._queues.items():
            while queue and queue[0].left:
                queue.popleft()
            if queue and self._has_room_for(lane):
                heads.append(queue[0])
        going = [ticket for ticket in heads if not (ticket.lane in STOPPED and self._stopped())]
        if going or not heads:
            return going, self._next_at
        return heads, max(self._next_at, self.resumes_at(heads[0].lane))

    def _chosen(self, heads: list[Ticket], now: float) -> Ticket:
        """The ticket that takes a slot: of the most urgent lane, or of a lane that has waited for too long.

        Among several such lanes, it is the one that was served longest ago.
        """
        pause = AFTER_LATE_BEFORE_CANCELS if heads[0].lane is Lane.CANCEL else AFTER_LATE
        if self._since_late >= pause:
            late = [ticket for ticket in heads[1:] if self._is_late(ticket, now)]
            if late:
                self._since_late = 0
                return min(late, key=lambda ticket: self._served_at[ticket.lane])
        self._since_late += 1
        return heads[0]

    def _is_late(self, ticket: Ticket, now: float) -> bool:
        since = ticket.entered_at
        if ticket.lane is Lane.CATALOGUE:
            since = max(since, self._served_at[ticket.lane])
        waited = now - since  # negative only after a run of another loop, as in `_ease`
        return waited < 0 or waited >= PATIENCE.get(ticket.lane, inf)

    def _has_room_for(self, lane: Lane) -> bool:
        """Return True if the lane has a place in flight. Requests that stall leave some places to more urgent ones."""
        closed = 0 if lane < Lane.LOOK else self._kept_back if lane is Lane.LOOK else self._kept_back // 2
        return self._room > closed


class Pace:
    """The speed at which requests leave. Every client that is given the same object shares it, all in one event loop.

    Args:
        v1_per_second: requests per second to the v1 API. The provider allows 100.
        rent_per_second: requests per second to the rent API, one at a time.
        look_every: the least seconds between two looks at the whole list of orders, when many are awaited. With 0, the
            next look is sent as soon as the answer is there.
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
        """The slots to take first for large answers; None for the other lanes."""
        return self._catalogue if lane is Lane.CATALOGUE else None


def _rate(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise ValueError(f"{name}: requests a second, more than 0, are needed, not {value!r}")
    return value
