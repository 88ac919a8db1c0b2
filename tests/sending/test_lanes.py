"""No lane starves: floods of each kind against each other, on the plain state, then with tasks that really wait."""

from __future__ import annotations

import random
from collections import deque
from itertools import count, pairwise

import anyio
import attrs
import pytest

from smsapi_async import Pace
from smsapi_async._sending.call import Lane
from smsapi_async._sending.pace import KEPT_BACK, Slots, Ticket
from tests.support.slow_wire import Wire, call, sender

FLOOD = 5_000
LATE = (Lane.LOOK, Lane.FINISH, Lane.CATALOGUE)


@attrs.define
class Line:
    """Requests of no length, as they would wait for these slots.

    Attributes:
        left: when each request left, of which lane, and for how long it had been the first of its lane.
    """

    slots: Slots
    now: float = 0.0
    left: list[tuple[float, Lane, float]] = attrs.field(factory=list)
    _waiting: dict[Lane, deque[Ticket]] = attrs.field(factory=lambda: {lane: deque() for lane in Lane})
    _first_since: dict[Lane, float] = attrs.field(factory=dict)

    def enter(self, lane: Lane, count: int = 1) -> None:
        for _ in range(count):
            if not self._waiting[lane]:
                self._first_since[lane] = self.now
            self._waiting[lane].append(self.slots.enter(lane, self.now))
            self._collect()

    def run(self, until: float) -> None:
        """Let time pass, slot by slot."""
        while self.now < until:
            keepers = [queue[0] for queue in self._waiting.values() if queue]
            pauses = [self.slots.seconds_to_sleep(ticket, self.now) for ticket in keepers[:1]]
            self.now = min([until, *(self.now + pause for pause in pauses if pause is not None)])
            self.slots.tick(self.now)
            self._collect()

    def _collect(self) -> None:
        for lane, queue in self._waiting.items():
            while queue and queue[0].granted:
                ticket = queue.popleft()
                ticket.used = True
                self.left.append((self.now, lane, self.now - self._first_since[lane]))
                self._first_since[lane] = self.now
                self.slots.leave(ticket, self.now)

    def times(self, lane: Lane, since: float = 0.0) -> list[float]:
        return [at for at, which, _ in self.left if which is lane and at >= since]

    def longest(self, lane: Lane) -> float:
        """The longest time for which a request was the first of its lane, those that still wait among them."""
        waits = [waited for _, which, waited in self.left if which is lane]
        return max([*waits, *([self.now - self._first_since[lane]] if self._waiting[lane] else [])])


def share(line: Line, lane: Lane, since: float = 10.0) -> float:
    """How much of the slots it had, once all had waited."""
    return len(line.times(lane, since)) / sum(at >= since for at, _, _ in line.left)


@pytest.mark.parametrize("late", LATE, ids=lambda lane: lane.name)
@pytest.mark.parametrize("flood", Lane, ids=lambda lane: lane.name)
def test_one_request_leaves_in_time_whatever_floods(flood: Lane, late: Lane) -> None:
    """A finish waited two minutes behind 1,500 looks, and the price table three."""
    line = Line(Slots(50, 32))
    line.enter(flood, FLOOD)
    line.run(30)
    line.enter(late)
    line.run(40)

    # In a flood of its own kind it is one of many.
    if flood is not late:
        assert len(line.times(late)) == 1
        assert line.longest(late) <= {Lane.LOOK: 5.1, Lane.FINISH: 2.1, Lane.CATALOGUE: 1.35}[late]


@pytest.mark.parametrize("urgent", [Lane.CANCEL, Lane.PURCHASE], ids=lambda lane: lane.name)
def test_urgent_lanes_keep_most_of_their_slots(urgent: Lane) -> None:
    """A cancel that comes too late costs the order's price: two slots of three are theirs, of purchases one of two."""
    line = Line(Slots(50, 32))
    for lane in (urgent, *LATE):
        line.enter(lane, FLOOD)
    line.run(60)

    assert share(line, urgent) == pytest.approx(2 / 3 if urgent is Lane.CANCEL else 1 / 2, abs=0.01)
    lanes = [lane for _, lane, _ in line.left]
    assert all(urgent in pair for pair in pairwise(lanes))


def test_looks_and_finishes_share_what_urgent_lanes_leave() -> None:
    """Neither is behind the other for ever; the catalogue takes its one request and no more."""
    line = Line(Slots(50, 32))
    for lane in Lane:
        line.enter(lane, FLOOD)
    line.run(60)

    assert share(line, Lane.LOOK) == pytest.approx(share(line, Lane.FINISH), abs=0.02)
    assert share(line, Lane.PURCHASE) == 0, "cancels are finite, and purchases wait for them"
    gaps = [later - earlier for earlier, later in pairwise(line.times(Lane.CATALOGUE))]
    assert 1.25 <= min(gaps) <= max(gaps) <= 2


def test_where_looks_have_stopped_the_others_go_on_once_a_second() -> None:
    """After the fourth hit: a finish leaves within 5 s although cancels wait too."""
    slots = Slots(50, 32, bans=True)
    for at in (1, 2, 3, 4):
        slots.hit(at)
    line = Line(slots, now=4)
    for lane in Lane:
        line.enter(lane, 300)
    line.run(100)

    assert [line.times(lane) for lane in (Lane.LOOK, Lane.CATALOGUE)] == [[], []]
    assert len(line.left) == 96
    assert line.longest(Lane.FINISH) <= 5
    assert share(line, Lane.CANCEL) == pytest.approx(2 / 3, abs=0.02)


def test_a_quiet_lane_is_served_in_the_usual_order() -> None:
    """Patience is for floods: what need not wait for long goes by urgency."""
    line = Line(Slots(50, 32))
    line.enter(Lane.CATALOGUE)
    for lane in reversed(Lane):
        line.enter(lane)
    line.run(1)

    assert [lane for _, lane, _ in line.left] == [Lane.CATALOGUE, *Lane]


@pytest.mark.parametrize("seed", range(40))
def test_no_lane_starves_whatever_the_others_do(seed: int) -> None:
    """Bursts of every lane at every moment, waiters that give up among them."""
    chance = random.Random(seed)
    line = Line(Slots(chance.choice([12, 20, 50]), 32))
    for _ in range(chance.randint(20, 60)):
        line.enter(chance.choice(list(Lane)), chance.choice([1, 1, 1, 10, 200]))
        line.run(line.now + chance.random() * 2)
        slots, waiter = line.slots, line.slots.enter(chance.choice(list(Lane)), line.now)
        slots.leave(waiter, line.now)
    line.run(line.now + 10)

    assert line.longest(Lane.FINISH) <= 5
    assert line.longest(Lane.CATALOGUE) <= 2
    assert line.longest(Lane.LOOK) <= 6


# -- places in flight -------------------------------------------------------------------------------------------------


def in_flight(slots: Slots, lane: Lane, since: int) -> int:
    """How many more of this lane may leave from then on, one a second."""
    return next(at for at in count(since) if not slots.enter(lane, at).granted) - since


def test_looks_that_stall_hold_up_neither_a_finish_nor_a_cancel() -> None:
    """Half of what looks leave is for finishes and the catalogue, the other half for cancels and purchases."""
    slots = Slots(50, 32, KEPT_BACK)
    lanes = (Lane.LOOK, Lane.FINISH, Lane.CATALOGUE, Lane.CANCEL)

    assert [in_flight(slots, lane, 100 * at) for at, lane in enumerate(lanes)] == [24, 4, 0, 4]


def test_a_look_without_a_place_does_not_stand_before_a_finish_with_one() -> None:
    """It is first in the order of urgency, and cannot leave."""
    slots = Slots(50, 32, KEPT_BACK)
    in_flight(slots, Lane.LOOK, 0)

    assert slots.enter(Lane.FINISH, 2_000).granted


# -- the pace as others see it -----------------------------------------------------------------------------------------


def test_the_spacing_can_be_asked_for() -> None:
    """A plan for many orders that end together counts in it."""
    slots = Slots(50, 32)
    seen = [slots.spacing]
    slots.hit(10)
    seen.append(slots.spacing)

    assert seen == [0.02, 0.04]


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("lane", [Lane.FINISH, Lane.CATALOGUE], ids=lambda lane: lane.name)
async def test_behind_1500_looks_a_finish_leaves_within_5_s_and_a_price_table_within_2(lane: Lane) -> None:
    """The list fails, so every one of 1,500 waits asks for itself, again and again."""
    wire = Wire(seconds=0.2)
    by = sender(wire, Pace())
    waited = -1.0

    async def looks() -> None:
        while True:
            await by.send(call())

    async with anyio.create_task_group() as group:
        for _ in range(1_500):
            group.start_soon(looks)
        await anyio.sleep(60)
        with anyio.move_on_after(30):
            await by.send(call("late", lane))
        waited = anyio.current_time() - 60 - wire.seconds
        group.cancel_scope.cancel()

    assert 0 <= waited <= (5 if lane is Lane.FINISH else 2)
