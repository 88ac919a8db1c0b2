"""The look queue: each awaited order has one next look in every case. No loop, no provider."""

from __future__ import annotations

from math import inf

import pytest

from smsapi_async import AuthenticationError
from smsapi_async._polling.agenda import Look
from smsapi_async._polling.queue import LookQueue
from smsapi_async._polling.tracked import LEAD, Phase, State, Tracked, Waiter
from tests.support.desk import CODE, Desk, seen

pytestmark = pytest.mark.usefixtures("steady")


# -- the life of one order ------------------------------------------------------------------------------------------


def test_a_new_order_is_looked_at_after_four_seconds_and_every_two() -> None:
    """Four seconds is about the earliest that an SMS comes."""
    desk = Desk(least=inf)
    desk.wait(1)

    looks = [tenth / 10 for tenth in range(100) if desk.look_at_all(tenth / 10)]

    assert looks == [4.0, 6.0, 8.0]


def test_an_order_of_which_nothing_is_known_is_looked_at_at_once() -> None:
    """Its code may be there already."""
    desk = Desk(least=inf)
    desk.wait(1, 5.0, bought=False)

    assert desk.looks(5.0) == [1]


def test_an_order_has_a_place_in_every_state() -> None:
    """An order without a place would never be asked about again."""
    desk = Desk(least=inf)
    tracked = desk.wait(1)
    states = [tracked.state]

    desk.agenda.advance(4.0)
    states.append(tracked.state)
    desk.looks(4.0)
    states.append(tracked.state)
    desk.looked(tracked, seen(4.0))
    states.append(tracked.state)
    desk.leave(tracked)
    states.append(tracked.state)

    assert states == [State.PLANNED, State.IN_LINE, State.IN_FLIGHT, State.PLANNED, State.IDLE]


def test_a_second_wait_makes_no_second_look() -> None:
    """One look serves all waits for an order, whether it is due or under way."""
    desk = Desk(least=inf)
    tracked = desk.wait(1)
    desk.agenda.advance(4.0)

    desk.join(tracked, 4.0)
    assert desk.looks(4.0) == [1]
    desk.join(tracked, 4.1)

    assert desk.looks(9.0) == []


def test_a_wait_with_an_earlier_deadline_moves_the_look_forward() -> None:
    """A last look is due at a timeout."""
    desk = Desk(least=inf)
    tracked = desk.wait(1)

    desk.join(tracked, 0.0, deadline=1.5)

    assert desk.agenda.next_at() == 1.5


def test_an_order_that_leaves_and_comes_back_is_planned_again() -> None:
    """Its next look is due at the same moment as before. Taken for planned, the order would lapse unrefunded."""
    desk = Desk(least=inf)
    tracked = desk.registry.keep(desk.wait(1, left=900.0))
    desk.looks(4.0)
    desk.looked(tracked, seen(885.0))
    assert desk.agenda.next_at() == 890.0

    desk.leave(tracked)
    for key in range(2, 100):
        desk.leave(desk.wait(key, 885.0))
    desk.join(tracked, 886.0)

    assert desk.looks(890.0) == [1]


def test_an_order_that_is_over_has_no_look() -> None:
    """No look can bring anything more."""
    desk = Desk(least=inf)
    refused, closed = desk.wait(1), desk.wait(2)
    refused.error = AuthenticationError("wrong key")

    desk.looks(4.0)
    desk.looked(refused, seen(4.0))
    desk.looked(closed, seen(4.0, phase=Phase.CLOSED))

    assert (refused.state, closed.state) == (State.IDLE, State.IDLE)
    assert desk.looks(1000.0) == []


def test_another_answer_that_shows_the_end_takes_the_order_out() -> None:
    """A cancel was answered while the order's look stood in line."""
    desk = Desk(least=inf)
    tracked = desk.wait(1)
    desk.agenda.advance(4.0)

    desk.agenda.observed(tracked, seen(4.0, phase=Phase.CLOSED))

    assert desk.looks(5.0) == []


def test_an_order_that_is_open_again_is_planned_again() -> None:
    """One answer called it closed, the next one open. Its waits would else sleep for ever."""
    desk = Desk(least=inf)
    tracked = desk.wait(1)
    desk.agenda.observed(tracked, seen(1.0, phase=Phase.CLOSED))

    desk.agenda.observed(tracked, seen(1.5))
    desk.check()

    assert desk.looks(4.0) == [1]


def test_an_answer_about_an_order_without_waits_plans_nothing() -> None:
    """A scope keeps the record of its order, awaited or not."""
    desk = Desk(least=inf)
    tracked = desk.registry.keep(Tracked(1, readable_at=0.0))

    desk.agenda.observed(tracked, seen(1.0))
    desk.check()

    assert desk.agenda.next_at() == inf


# -- looks that are not made ----------------------------------------------------------------------------------------


def test_a_look_that_is_put_back_is_taken_again() -> None:
    """Its holder was cancelled, or had news of its own."""
    desk = Desk(least=inf)
    tracked = desk.wait(1)
    desk.looks(4.0)

    desk.give_back(Look(tracked), 4.1)

    assert desk.looks(4.1) == [1]


def test_a_look_is_not_put_back_for_an_order_without_waits() -> None:
    """The holder was its last waiter."""
    desk = Desk(least=inf)
    tracked = desk.wait(1)
    desk.looks(4.0)
    desk.leave(tracked)

    desk.give_back(Look(tracked), 4.1)

    assert desk.jobs(900.0) == []
    assert tracked.state is State.IDLE


def test_an_order_in_flight_keeps_its_record_although_its_waits_end() -> None:
    """A new wait would get a new record, and the order would be asked about twice at once."""
    desk = Desk(least=inf)
    tracked = desk.wait(1)
    desk.looks(4.0)
    desk.leave(tracked)
    assert desk.registry.get(1) is tracked

    desk.join(tracked, 4.1)
    assert desk.looks(4.1) == []
    desk.leave(tracked)
    desk.looked(tracked, seen(4.0))
    desk.registry.forget(tracked)

    assert desk.registry.get(1) is None


def test_a_wait_that_ends_takes_its_place_along() -> None:
    """Neither its plan nor its place in line is kept."""
    desk = Desk(least=inf)
    gone, in_line = desk.wait(1), desk.wait(2)
    desk.leave(gone)
    desk.agenda.advance(4.0)
    desk.leave(in_line)

    assert desk.jobs(5.0) == []


def test_an_order_that_gets_no_turn_before_its_end_is_given_up_in_time() -> None:
    """The wait ends while cancelling still refunds."""
    desk = Desk(least=inf)
    tracked = desk.wait(1, left=30.0)
    for now in (20.0, 20.25):
        desk.agenda.advance(now)
        desk.queue.guard_moments(now)

    assert desk.agenda.next_at() == 25.0
    assert desk.agenda.advance(25.0) == [tracked]
    assert tracked.last_look_taken()
    assert desk.looks(25.0) == []
    assert desk.looks(31.0) == [1]


def test_an_order_in_line_is_guarded_only_until_it_has_its_turn() -> None:
    """The guard of a look that was made must not count as one more."""
    desk = Desk(least=inf)
    tracked = desk.wait(1, left=30.0)
    desk.agenda.advance(20.0)
    desk.queue.guard_moments(20.0)
    assert desk.looks(20.0) == [1]
    desk.looked(tracked, seen(20.0, ends_at=30.0))

    desk.jobs(25.0)

    assert desk.passed == []


# -- which look is first --------------------------------------------------------------------------------------------


def test_of_late_looks_young_orders_come_first() -> None:
    """Their SMS is most likely to come now. An old order that is late by many of its intervals has its turn too."""
    desk = Desk(least=inf)
    old = desk.wait(1)
    desk.looks(4.0)
    desk.looked(old, seen(500.0))
    desk.waits((2, 3), 527.0)

    assert desk.looks(541.0) == [2, 3, 1]

    desk.looked(old, seen(541.0))
    late = old.next_look_at(541.0)
    desk.waits((4, 5), late + 290)

    assert desk.looks(late + 310) == [1, 4, 5]


def test_a_look_at_a_deadline_goes_before_looks_that_are_late() -> None:
    """The caller is back five seconds after its timeout."""
    desk = Desk(least=inf)
    desk.waits(range(5))
    desk.wait(9, 4.0, deadline=6.0)

    assert desk.looks(6.0)[0] == 9


# -- entries that count no more -------------------------------------------------------------------------------------


def test_void_plans_are_dropped() -> None:
    """Each keeps an order and lies at its end: thousands have come and gone by then."""
    desk = Desk(least=inf)
    desk.waits(range(5))

    for key in range(5, 2000):
        desk.leave(desk.wait(key, now=float(key)))

    assert len(desk.queue._planned) < 100


def test_an_order_planned_anew_many_times_is_kept_once() -> None:
    """Waits that come one after another plan its look each time."""
    desk = Desk(least=inf)
    tracked = desk.wait(1)
    for _ in range(1000):
        desk.join(tracked, 1.0)

    assert len(desk.queue._planned) < 100
    assert desk.looks(4.0) == [1]


# -- the queue's own test -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [State.PLANNED, State.SPARED, State.IN_LINE, State.IDLE])
def test_the_check_finds_an_order_without_a_place(state: State) -> None:
    """Every test of the engine leans on this check."""
    queue: LookQueue[str] = LookQueue(Desk().coverage)
    tracked: Tracked[str] = Tracked(1, readable_at=0.0)
    tracked.waiters = (Waiter(tracked),)
    queue.joined(tracked, 0.0)
    queue.check([tracked])

    tracked.state, tracked.turn = state, 99

    with pytest.raises(AssertionError, match="has no place"):
        queue.check([tracked])


def test_the_check_finds_a_place_without_an_order() -> None:
    """Such an order would be asked about although nothing waits for it."""
    desk = Desk()
    tracked = desk.wait(1)

    tracked.waiters = ()

    with pytest.raises(AssertionError, match="awaited: False"):
        desk.check()


# -- orders that end ------------------------------------------------------------------------------------------------


def test_the_last_look_is_due_ten_seconds_before_the_end() -> None:
    """Afterwards a cancel may not refund."""
    desk = Desk(least=inf)
    tracked = desk.wait(1, left=100.0)
    desk.looks(4.0)
    desk.looked(tracked, seen(89.0, ends_at=100.0))

    assert desk.looks(89.9) == []
    assert desk.looks(100.0 - LEAD) == [1]


def test_orders_that_end_together_are_begun_early_enough_for_all() -> None:
    """Otherwise the last of twenty orders would be cancelled after its end."""
    desk = Desk(least=inf, pair=0.5)
    orders = desk.waits(range(20), left=100.0)
    for tracked in orders:
        tracked.failures = 20
    desk.looks(4.0)
    for tracked in orders:
        desk.looked(tracked, seen(79.0, ends_at=100.0))

    assert desk.looks(80.4) == []
    assert desk.agenda.next_at() <= 80.75
    assert len(desk.looks(80.75)) == 20
    assert all(tracked.last_at == 80.75 for tracked in orders)


def test_an_order_begun_early_while_it_is_in_flight_is_looked_at_once_more() -> None:
    """The look under way began before, and may miss the code."""
    desk = Desk(least=inf, pair=10.0)
    orders = desk.waits((1, 2), left=100.0)
    desk.looks(75.0)
    assert {tracked.state for tracked in orders} == {State.IN_FLIGHT}
    desk.looks(80.25)

    desk.looked(orders[0], seen(75.0, ends_at=100.0), 81.0)

    assert desk.looks(81.0) == [1]


def test_an_end_that_moves_nearer_is_heeded_by_a_spared_order() -> None:
    """Its plan lies at the old end."""
    desk = Desk()
    orders = desk.waits(range(50))
    desk.sweep(3.0, range(50))
    desk.sweep(4.0, range(50))
    desk.looks(4.0)
    assert orders[0].state is State.SPARED

    desk.agenda.observed(orders[0], seen(4.5, CODE, ends_at=15.0))

    assert 0 in desk.looks(5.25)
