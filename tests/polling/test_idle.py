"""Waiters with nothing to do, and the leader among them. No loop."""

from __future__ import annotations

from math import inf

from smsapi_async._polling.agenda import Look
from smsapi_async._polling.idle import FEW, FEW_VOID, Idle
from smsapi_async._polling.tracked import LAST_LOOK_OF_A_TIMEOUT, LEAD, Tracked, Waiter


def joined(idle: Idle[str], deadline: float = inf) -> Waiter[str]:
    """A wait that has begun."""
    tracked: Tracked[str] = Tracked(1, readable_at=0.0)
    waiter = Waiter(tracked, deadline)
    tracked.waiters = (waiter,)
    idle.joined(waiter)
    return waiter


def parked(idle: Idle[str], deadline: float = inf) -> Waiter[str]:
    waiter = joined(idle, deadline)
    idle.park(waiter)
    return waiter


def leave(idle: Idle[str], waiter: Waiter[str]) -> None:
    waiter.tracked.waiters = ()
    idle.left(waiter)


def test_the_waiter_that_was_parked_last_is_picked() -> None:
    """It stays longest, as a rule."""
    idle: Idle[str] = Idle()
    parked(idle)
    last = parked(idle)

    assert idle.pick(0.0) is last


def test_a_waiter_that_stays_is_picked_before_one_that_is_about_to_leave() -> None:
    """A request dies with the task of its holder."""
    idle: Idle[str] = Idle()
    staying = parked(idle)
    parked(idle, deadline=LEAD / 2)

    assert idle.pick(0.0) is staying


def test_of_waiters_that_all_leave_soon_the_last_is_picked() -> None:
    """A look by one of them is better than none; only a few are asked."""
    idle: Idle[str] = Idle()
    waiters = [parked(idle, deadline=1.0) for _ in range(2 * FEW)]

    assert idle.pick(0.0) is waiters[-1]


def test_only_a_waiter_with_nothing_to_do_is_picked() -> None:
    """The others are dropped from the parked; they park again when they are done."""
    idle: Idle[str] = Idle()
    leader, rung, busy, with_news, gone = (parked(idle) for _ in range(5))
    idle.lead(leader, 10.0)
    rung.ring()
    busy.job = Look(busy.tracked)
    with_news.news = True
    leave(idle, gone)

    assert idle.pick(0.0) is None


def test_the_leader_lends_a_hand_where_no_other_waiter_is_parked() -> None:
    """Else a single waiter would never ask the list."""
    idle: Idle[str] = Idle()
    leader = joined(idle)
    assert idle.hand(0.0) is None
    idle.lead(leader, 10.0)
    assert idle.hand(0.0) is leader

    other = parked(idle)
    assert idle.hand(0.0) is other

    leave(idle, other)
    leader.news = True
    assert idle.hand(0.0) is None


def test_a_successor_is_rung_to_lead() -> None:
    """It sleeps, and has to reckon when something is due."""
    idle: Idle[str] = Idle()
    idle.elect(0.0)
    assert idle.leader is None
    waiter = parked(idle)

    idle.elect(0.0)

    assert idle.leader is waiter
    assert waiter.rung
    assert idle.sleeps_until == -inf


def test_a_leader_that_leaves_lays_the_office_down() -> None:
    """Any other waiter that leaves changes nothing."""
    idle: Idle[str] = Idle()
    leader, other = joined(idle), joined(idle)
    idle.lead(leader, 10.0)

    leave(idle, other)
    assert idle.leader is leader
    leave(idle, leader)

    assert idle.leader is None


def test_a_waiter_is_late_once_the_time_of_its_last_look_is_over() -> None:
    """A waiter that has left is never late."""
    idle: Idle[str] = Idle()
    late, gone, later = joined(idle, 5.0), joined(idle, 5.0), joined(idle, 6.0)
    leave(idle, gone)

    assert idle.next_timeout() == 5.0 + LAST_LOOK_OF_A_TIMEOUT
    assert idle.late(5.0) == []
    assert idle.late(5.0 + LAST_LOOK_OF_A_TIMEOUT) == [late]
    assert idle.late(6.0 + LAST_LOOK_OF_A_TIMEOUT) == [later]
    assert idle.next_timeout() == inf


def test_waiters_that_have_left_are_not_kept() -> None:
    """Each would keep its order, and its texts, until its timeout."""
    idle: Idle[str] = Idle()
    staying = parked(idle, 3600.0)

    for _ in range(500):
        leave(idle, parked(idle, 3600.0))

    assert len(idle._parked) <= 2 + FEW_VOID
    assert len(idle._timeouts) <= 2 + FEW_VOID
    assert idle.pick(0.0) is staying


def test_a_waiter_that_parks_many_times_is_kept_a_few_times() -> None:
    """It parks after each of its turns."""
    idle: Idle[str] = Idle()
    waiter = joined(idle)

    for _ in range(500):
        idle.park(waiter)

    assert len(idle._parked) <= 2 + FEW_VOID
    assert idle.pick(0.0) is waiter
