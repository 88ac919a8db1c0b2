"""The next request: the order of jobs, and the effect of a page. No loop, no provider."""

from __future__ import annotations

from math import ceil, inf, nextafter

import pytest

from smsapi_async._polling.agenda import SWEEP_WITHIN, TICK, Chore, Look
from smsapi_async._polling.listing import Ask, Page
from smsapi_async._polling.tracked import LEAD, State
from tests.support.desk import CODE, UNREADABLE, Desk, chore, newest_first, seen

pytestmark = pytest.mark.usefixtures("steady")


# -- whose turn it is -----------------------------------------------------------------------------------------------


def test_looks_of_ends_come_first_then_chores_then_pages_then_looks_of_deadlines_then_the_others() -> None:
    """A chore takes no turn, and a page answers for many orders, also for those whose callers' time is over."""
    desk = Desk()
    desk.waits(range(5))
    desk.wait(8, left=14.0)
    desk.wait(9, deadline=4.2)
    desk.agenda.add(chore(), 4.5)

    jobs = desk.jobs(4.5)

    assert [type(job) for job in jobs] == [Look, Chore, Ask, *[Look] * 6]
    assert [job.tracked.key for job in (jobs[0], jobs[3]) if isinstance(job, Look)] == [8, 9]


def test_without_a_turn_only_chores_are_dealt() -> None:
    """Looks that stall hold up no finish."""
    desk = Desk()
    desk.waits(range(5))
    desk.agenda.add(chore(), 4.5)
    desk.agenda.advance(4.5)

    assert isinstance(desk.agenda.take(4.5, turns=False, hand=True, chores=True), Chore)
    assert desk.agenda.take(4.5, turns=False, hand=True, chores=True) is None


def test_a_chore_is_not_due_before_its_moment() -> None:
    """A chore that failed is tried again after a pause."""
    desk = Desk(least=inf)
    desk.wait(1)
    desk.agenda.add(chore(), 3.0)

    assert desk.agenda.next_at() == 3.0
    assert desk.jobs(2.9) == []
    assert [type(job) for job in desk.jobs(3.0)] == [Chore]


def test_a_long_list_leaves_every_ninth_turn_to_a_late_look() -> None:
    """An order that no list shows would else wait for the whole walk, and the next walk follows at once."""
    desk = Desk()
    desk.waits(range(1, 31))
    desk.sweep(0.0, newest_first(30), cap=1)
    for tracked in desk.registry:
        tracked.listed_at = -inf

    kinds = [type(job) for job in desk.jobs(4.0)]

    assert kinds[:18] == [*[Ask] * 8, Look] * 2
    assert kinds.count(Look) == 30


def test_a_page_is_asked_although_the_looks_before_it_are_spared() -> None:
    """Eight pages went before, so a look has its turn; but the list answers for all looks in line."""
    desk = Desk()
    desk.waits(range(30))
    desk.agenda._streak = 8
    [ask] = desk.asks(3.0)
    desk.agenda.advance(4.0)
    desk.answer(ask, range(30), 4.0)

    assert [type(job) for job in desk.jobs(5.0)] == [Ask]


def test_jobs_that_belong_to_no_order_wait_for_a_free_waiter() -> None:
    """A waiter that is busy with its own order does nothing for others."""
    desk = Desk()
    desk.waits(range(5))
    desk.agenda.add(chore(), 1.0)

    assert {type(job) for job in desk.jobs(4.5, hand=False)} == {Look}
    assert desk.agenda.wants_a_hand
    assert {type(job) for job in desk.jobs(4.5)} == {Chore, Ask}
    assert not desk.agenda.wants_a_hand


def test_jobs_that_are_given_back_are_dealt_again() -> None:
    """Their holders were cancelled, or had news of their own."""
    desk = Desk()
    desk.waits(range(5))
    desk.agenda.add(chore(), 4.5)
    jobs = desk.jobs(4.5)

    for job in jobs:
        desk.give_back(job, 4.5)
    again = desk.jobs(4.5)

    assert [type(job) for job in again] == [type(job) for job in jobs]


# -- when something is due ------------------------------------------------------------------------------------------


def test_looks_that_are_nearly_due_are_made_together_where_many_wait() -> None:
    """Each moment of its own would wake a waiter."""
    desk = Desk(least=inf)
    orders = desk.waits(range(50), 0.01)
    assert desk.agenda.next_at() == pytest.approx(4.05)

    desk.leave(orders[0])

    assert desk.agenda.next_at() == 4.01


def test_the_leader_never_wakes_just_before_a_look_is_due() -> None:
    """Rounding a moment may bring one a trifle earlier. The leader would wake, find nothing due, and begin again."""
    just_after = (nextafter(number * TICK, inf) for number in range(1, 79))
    moment = next(each for each in just_after if ceil(each / TICK) * TICK < each)
    desk = Desk(least=inf)
    for key in range(50):
        desk.wait(key, deadline=moment)

    assert len(desk.looks(desk.agenda.next_at())) == 50


def test_a_sweep_is_due_only_where_a_handful_waits() -> None:
    """For fewer orders the list is not asked."""
    desk = Desk()
    orders = desk.waits(range(5))
    desk.sweep(0.0, range(5))
    assert desk.agenda.next_at() == 1.0

    desk.leave(orders[0])

    assert not desk.agenda.lists
    assert desk.agenda.next_at() == 4.0


# -- what the list spares -------------------------------------------------------------------------------------------


def test_an_order_that_the_list_shows_is_not_looked_at() -> None:
    """Its look is put off as if the page had been a look at it."""
    desk = Desk()
    desk.waits(range(50))

    looks = []
    for now in range(1, 30):
        desk.sweep(now, range(50))
        looks += desk.looks(now)

    assert looks == []
    assert desk.of(0).state is State.SPARED


def test_an_order_that_the_list_lacks_keeps_its_own_rhythm() -> None:
    """It belongs to another account, or the list is short."""
    desk = Desk()
    desk.waits(range(50))
    desk.of(49).bought_at = -inf

    desk.sweep(3.0, range(49))

    assert desk.looks(4.0) == [49]


def test_the_list_spares_no_look_at_a_deadline_or_near_the_end() -> None:
    """A row proves a code, but never that there is none."""
    desk = Desk()
    for key in range(48):
        desk.wait(key)
    desk.wait(48, deadline=3.5)
    desk.wait(49, left=3.9 + LEAD)
    desk.sweep(3.0, range(50))

    assert sorted(desk.looks(4.0)) == [48, 49]


def test_a_page_asked_after_such_a_moment_counts_as_the_look() -> None:
    """Nothing is asked twice."""
    desk = Desk()
    desk.waits(range(49))
    tracked = desk.wait(49, deadline=3.5)
    [ask] = desk.asks(3.0)
    desk.agenda.advance(3.6)

    page: Page[str] = Page(rows=50, lowest=0, at=3.7, quiet=list(desk.registry))

    assert desk.page_came(ask, page, 3.8) == [tracked]
    assert tracked.waiters[0].timed_out()
    assert desk.looks(3.9) == []


def test_a_page_without_trust_counts_as_no_look() -> None:
    """The list may be late."""
    desk = Desk(trusted=False)
    desk.waits(range(49))
    tracked = desk.wait(49, deadline=3.5)
    [ask] = desk.asks(3.0)
    desk.agenda.advance(3.6)

    desk.answer(ask, range(50), 3.7)

    assert not tracked.waiters[0].timed_out()
    assert desk.looks(3.9) == [49]


def test_a_look_in_line_is_spared_by_a_page_that_comes_meanwhile() -> None:
    """Nothing is asked twice."""
    desk = Desk()
    desk.waits(range(50))
    [ask] = desk.asks(1.0)
    desk.agenda.advance(4.0)

    desk.answer(ask, range(49), 4.5)

    assert desk.looks(4.6) == [49]
    assert desk.looks(4.5 + SWEEP_WITHIN) == []
    assert desk.looks(4.6 + SWEEP_WITHIN) == list(range(49))  # no sweep came meanwhile


def desk_that_spares(orders: int) -> Desk:
    """The list has shown all of them, sweep after sweep."""
    desk = Desk()
    desk.waits(range(orders))
    for at in (1.0, 5.0):
        desk.sweep(at, range(orders))
        assert desk.looks(at) == []
    return desk


def test_an_order_that_a_sweep_does_not_show_goes_back_to_its_own_rhythm() -> None:
    """The list may leave out an order that is still awaited."""
    desk = desk_that_spares(50)

    desk.sweep(6.5, range(1, 50))

    assert desk.looks(8.0) == [0]


def test_a_row_of_an_order_without_waits_stands_for_no_other() -> None:
    """A scope whose code is not awaited yet has its order in the list, too."""
    desk = desk_that_spares(51)
    desk.registry.keep(desk.of(50))
    desk.leave(desk.of(50))

    desk.sweep(6.5, range(1, 51))

    assert desk.looks(8.0) == [0]


def test_an_order_that_the_last_sweep_did_not_show_keeps_its_rhythm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spared by an earlier sweep its code would be found a minute late."""
    monkeypatch.undo()
    desk = Desk()
    desk.waits(range(50))
    for at in range(1, 201):
        desk.sweep(float(at), range(50))
        desk.look_at_all(float(at))
    seen_last: set[int] = set()

    for tenth in range(2000, 2230):
        desk.sweep(tenth / 10, [])
        seen_last.update(desk.looks(tenth / 10))

    assert seen_last == set(range(50))


def test_orders_are_looked_at_while_a_sweep_stalls() -> None:
    """A page may take half a minute to fail."""
    desk = desk_that_spares(50)
    [_] = desk.asks(6.0)

    assert desk.looks(8.9) == []
    assert desk.agenda.next_at() == 9.0
    assert desk.looks(9.0) == list(range(50))


def test_orders_are_looked_at_once_sweeps_stop() -> None:
    """The other waits have left, and the few that remain ask no list."""
    desk = desk_that_spares(5)
    desk.leave(desk.of(4))

    looks = [key for tenth in range(50, 150) for key in desk.looks(tenth / 10)]

    assert sorted(looks) == [0, 1, 2, 3]


def test_orders_are_looked_at_when_another_client_loses_the_trust() -> None:
    """Two clients of one account share what was learnt of its list."""
    desk = desk_that_spares(50)
    desk.account.earned = False

    desk.sweep(7.0, range(50))

    assert len(desk.looks(9.0)) == 50


def test_orders_are_looked_at_when_a_sweep_fails() -> None:
    """It answers for none."""
    desk = desk_that_spares(50)
    [ask] = desk.asks(7.0)

    desk.page_failed(ask, UNREADABLE, 7.5)

    assert len(desk.looks(7.5)) == 50


# -- what a page brings ---------------------------------------------------------------------------------------------


def test_a_code_in_a_row_is_news_at_once() -> None:
    """A message with a code proves itself."""
    desk = Desk()
    first, *_ = desk.waits(range(5))
    [ask] = desk.asks(1.0)

    page: Page[str] = Page(rows=5, lowest=0, at=1.0, snapshots=[(first, seen(1.0, CODE))])

    assert desk.page_came(ask, page, 1.2) == [first]
    assert (first.sms, first.listed_at, first.shown) == ((CODE,), 1.0, True)


def test_an_unsure_row_is_looked_at_at_once_and_not_with_every_page() -> None:
    """A list shows for seconds what a look has not confirmed."""
    desk = Desk()
    orders = desk.waits(range(50))
    looks = []

    for tenth in range(10, 80):
        now = tenth / 10
        for ask in desk.asks(now):
            desk.answer(ask, range(50), now, unsure=[7])
        for key in desk.looks(now):
            looks.append((key, now))
            desk.looked(orders[key], seen(now))

    assert {key for key, _ in looks} == {7}
    assert looks[0] == (7, 1.0)
    assert 2 <= len(looks) <= 4


def test_an_order_with_trouble_is_not_hurried_by_its_row() -> None:
    """Its looks come more and more rarely, also while the list goes on to show something."""
    desk = Desk()
    tracked, *_ = desk.waits(range(50))
    tracked.failures, tracked.looked_at = 5, 1.0
    desk.queue.replan(tracked, tracked.next_look_at(1.0))

    for now in range(2, 12):
        for ask in desk.asks(now):
            desk.answer(ask, range(50), now, unsure=[0])

    assert 0 not in desk.looks(20.0)
    assert 0 in desk.looks(31.5)


def test_an_unsure_row_of_a_spared_order_plans_its_look() -> None:
    """A look at it failed a moment ago, so it is asked after the pause of a failure."""
    desk = desk_that_spares(50)
    desk.of(0).failures = 1

    [ask] = desk.asks(6.0)
    desk.answer(ask, range(50), 6.0, unsure=[0])

    assert desk.looks(7.9) == []
    assert desk.looks(8.0) == [0]


def test_an_order_that_a_whole_list_lacks_is_looked_at() -> None:
    """It stood there before. An order that the list never showed keeps its own rhythm."""
    desk = Desk()
    orders = desk.waits(range(6))

    def sweep(now: float, *quiet: int) -> None:
        [ask] = desk.asks(now)
        page: Page[str] = Page(rows=len(quiet), lowest=-inf, at=now, whole=True)
        page.quiet.extend(orders[key] for key in quiet)
        desk.page_came(ask, page, now)

    sweep(0.0, 0, 1, 2, 3, 4)
    sweep(1.0, 1, 2, 3, 4)

    assert desk.looks(1.0) == [0]
