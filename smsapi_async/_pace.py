"""When the next request may leave, and whose it is. Plain state: nothing here sleeps, sends or reads a clock.

Slots are spaced evenly and go to the lowest lane first, in each lane to who came first; a second bound is how many
requests are in flight. Whoever waits holds a Ticket. One ticket at a time is the *keeper*: its holder sleeps until the
next slot is due, so there is no background task; a keeper that leaves hands the office on without awaiting.
"""

from __future__ import annotations

import heapq
from itertools import count

import anyio
import attrs

from ._call import Lane, Provider

V1_PER_SECOND = 50.0
"""The provider documents 100 per second and key; five hits in ten minutes are a ten-minute ban."""

RENT_PER_SECOND = 1.0
"""The provider documents no number; its own newest client keeps to one request a second (2026)."""

IN_FLIGHT = 32
"""No httpx pool scales with its queue; a gate of our own before it does."""

KEPT_BACK = 8
"""Of these places the last ones are for cancels and purchases only."""

CATCH_UP = 0.005
"""Timers wake late; a slot taken up to 5 ms late does not push back the next one, as one taken after a pause does."""


@attrs.define(eq=False)
class Ticket:
    """A place in the queue; `granted` once the request may leave, `used` once its holder knows."""

    lane: Lane
    granted: bool = False
    used: bool = False
    left: bool = False
    event: anyio.Event = attrs.field(factory=anyio.Event)

    def wake(self) -> None:
        self.event.set()
        self.event = anyio.Event()


class Slots:
    """The queue of one provider and key."""

    def __init__(self, per_second: float, in_flight: int, kept_back: int = 0) -> None:
        if not per_second > 0:
            raise ValueError(f"per_second: requests a second, more than 0, not {per_second}")
        self._spacing = 1.0 / per_second
        self._room = in_flight
        self._kept_back = kept_back
        self._next_at = 0.0
        self._order = count()
        self._queue: list[tuple[Lane, int, Ticket]] = []
        self._keeper: Ticket | None = None
        self._latest: Ticket | None = None

    def enter(self, lane: Lane, now: float) -> Ticket:
        """Take a place; the ticket may be granted at once."""
        ticket = Ticket(lane)
        heapq.heappush(self._queue, (lane, next(self._order), ticket))
        self._grant(now)
        return ticket

    def seconds_to_sleep(self, ticket: Ticket, now: float) -> float | None:
        """How long the holder sleeps before it asks again; None: until it is woken."""
        if self._keeper not in (None, ticket) or not self._has_room():
            return None
        self._keeper = ticket
        return max(0.0, self._next_at - now)

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

    def _grant(self, now: float) -> None:
        # Further off it can only be after a run of another loop, whose clock began elsewhere.
        self._next_at = min(self._next_at, now + self._spacing)
        while self._queue and (self._queue[0][2].left or (self._has_room() and self._next_at <= now)):
            *_, ticket = heapq.heappop(self._queue)
            if ticket.left:
                continue
            ticket.granted = True
            self._room -= 1
            self._latest = ticket
            self._next_at = (self._next_at if now - self._next_at <= CATCH_UP else now) + self._spacing
            if self._keeper is ticket:
                self._keeper = None
            ticket.wake()
        self._appoint()

    def _has_room(self) -> bool:
        """Whether the first in the queue has a place in flight: stalled looks leave some to cancels and purchases."""
        urgent = bool(self._queue) and self._queue[0][0] < Lane.LOOK
        return self._room > (0 if urgent else self._kept_back)

    def _appoint(self) -> None:
        """Wake one waiting ticket to become the keeper, when there is none."""
        if self._keeper is None and self._has_room():
            first = next((ticket for *_, ticket in self._queue if not ticket.left), None)
            if first is not None:
                first.wake()


class Pace:
    """How fast requests leave, shared by every client that is given the same object, all in one event loop.

    Args:
        v1_per_second: requests a second to the v1 API. The provider allows 100.
        rent_per_second: requests a second to the rent API, one at a time.
    """

    def __init__(self, *, v1_per_second: float = V1_PER_SECOND, rent_per_second: float = RENT_PER_SECOND) -> None:
        self._slots: dict[Provider, Slots] = {
            "v1": Slots(v1_per_second, IN_FLIGHT, KEPT_BACK),
            "rent": Slots(rent_per_second, 1),
        }

    def slots(self, provider: Provider) -> Slots:
        return self._slots[provider]
