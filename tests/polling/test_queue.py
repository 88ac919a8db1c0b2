"""What is asked next, as plain values: the timeline of looks, and what the list spares. No loop, no provider."""

from __future__ import annotations

import random
from math import inf

import pytest

from smsapi_async._polling.listing import Ask, Page
from smsapi_async._polling.queue import Look
from smsapi_async._polling.tracked import LEAD
from tests.desk import CODE, Desk, chore, newest_first, seen

pytestmark = pytest.mark.usefixtures("steady")


# -- what the list spares -------------------------------------------------------------------------------------------


def test_an_order_the_list_answers_for_is_not_looked_at() -> None:
    """Its look is put off as if the page had been a look at it."""
    desk = Desk()
    for key in range(50):
        desk.wait(key)

    looks = []
    for now in range(1, 60):
        looks += desk.looks(now)
        desk.sweep(now, range(50))

    assert looks == []
    assert desk.looks(64) == list(range(50))


def test_an_order_the_list_lacks_keeps_its_own_rhythm() -> None:
    """It has another account, or stays for days."""
    desk = Desk()
    for key in range(50):
        desk.wait(key)
    desk.schedule.watches[49].bought_at = -inf

    desk.sweep(3.0, range(49))

    assert desk.looks(4.0) == [49]


def test_the_list_spares_no_look_at_a_deadline_or_near_the_end() -> None:
    """A row proves a code and never that there is none."""
    desk = Desk()
    for key in range(50):
        desk.wait(key)
    desk.schedule.watches[7].waiters[0].deadline = 3.5
    desk.schedule.watches[8].ends_at = 3.9 + LEAD
    desk.sweep(3.0, range(50))

    assert sorted(desk.looks(4.0)) == [7, 8]


def test_a_page_asked_after_such_a_moment_is_the_look() -> None:
    """Nothing is asked twice; but a list that is not trusted spares nothing."""
    desk = Desk()
    watches = [desk.wait(key) for key in range(50)]
    [ask] = desk.asks(3.0)
    watches[7].waiters[0].deadline = watches[8].waiters[0].deadline = 3.5
    for watch in watches[7:9]:
        desk.schedule.plan(watch, 3.5)
    desk.schedule.advance(3.6)

    desk.answer(ask, range(50), 3.7)
    assert watches[7].waiters[0].timed_out()
    assert watches[8].waiters[0].timed_out()
    assert desk.looks(4.0) == []

    watches[9].waiters[0].deadline = 4.5
    desk.listing.distrust(4.4)
    [ask] = desk.asks(4.6)
    desk.answer(ask, range(50), 4.6)
    assert not watches[9].waiters[0].timed_out()


def test_a_look_that_waits_for_its_turn_is_spared_by_a_page_that_comes_meanwhile() -> None:
    """Nothing is asked twice."""
    desk = Desk()
    for key in range(50):
        desk.wait(key)
    [ask] = desk.asks(1.0)
    desk.schedule.advance(4.0)

    desk.answer(ask, range(49), 4.5)

    assert desk.looks(4.6) == [49]
    assert desk.looks(7.6) == list(range(49))  # no sweep came meanwhile


def desk_that_spares(orders: int) -> Desk:
    """The list has shown all of them, sweep after sweep."""
    desk = Desk()
    for key in range(orders):
        desk.wait(key)
    for at in (1.0, 5.0):
        desk.sweep(at, range(orders))
        assert desk.looks(at) == []
    return desk


def test_while_the_list_shows_an_order_nothing_else_is_planned_for_it() -> None:
    """Of ten thousand orders each would be taken from the timeline, and put back, every few seconds."""
    desk = desk_that_spares(50)

    assert min(at for at, watch in desk.schedule._due if at == watch.planned_at) == 900.0 - LEAD
    for at in range(6, 300):
        desk.sweep(float(at), range(50))
        assert desk.looks(float(at)) == []


def test_whom_a_sweep_does_not_show_goes_back_to_his_own_rhythm() -> None:
    """The list may leave out an order that is still waited for."""
    desk = desk_that_spares(50)

    desk.sweep(6.5, range(1, 50))

    assert desk.looks(8.0) == [0]


def test_a_row_of_an_order_nobody_waits_for_stands_for_no_other() -> None:
    """A scope whose code is not asked for yet has its order in the list, too."""
    desk = desk_that_spares(51)
    desk.leave(desk.schedule.watches[50])

    desk.sweep(6.5, range(1, 51))

    assert desk.looks(8.0) == [0]


def test_an_order_the_last_sweep_did_not_show_keeps_its_rhythm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spared by what a sweep before had shown it would be found a minute late."""
    monkeypatch.setattr("random.random", random.Random(1).random)
    desk = Desk()
    for key in range(50):
        desk.wait(key)
    for at in range(1, 201):
        desk.sweep(float(at), range(50))
        desk.looks(float(at))
    seen_last: set[int] = set()

    for tenth in range(2000, 2180):
        desk.sweep(tenth / 10, [])
        seen_last.update(desk.looks(tenth / 10))

    assert seen_last == set(range(50))


def test_plans_that_count_no_more_are_cleared_away() -> None:
    """Each keeps an order, and lies at that order's end: thousands have come and gone by then."""
    desk = Desk()
    for key in range(5):
        desk.wait(key)

    for key in range(5, 2000):
        desk.leave(desk.wait(key, now=float(key)))

    assert len(desk.schedule._due) < 100


def test_an_order_without_an_end_leaves_no_plan_behind() -> None:
    """It would lie in the timeline for ever."""
    desk = Desk()
    watch = desk.wait(1)
    watch.ends_at = -inf

    desk.schedule.plan(watch, watch.next_moment(5.0))

    assert inf not in [at for at, _ in desk.schedule._due]


def test_what_a_row_cannot_prove_is_asked_of_an_order_that_was_spared() -> None:
    """Also where a look at it failed a moment ago: then after the pause of a failure."""
    desk = desk_that_spares(50)
    desk.schedule.watches[0].failures = 1

    [ask] = desk.asks(6.0)
    desk.answer(ask, range(50), 6.0, unsure=[0])

    assert desk.looks(7.9) == []
    assert desk.looks(8.0) == [0]


def test_orders_are_looked_at_while_a_sweep_stalls() -> None:
    """A page may take half a minute to fail."""
    desk = desk_that_spares(50)
    [_] = desk.asks(6.0)

    assert desk.looks(8.9) == []
    assert desk.schedule.next_at() == 9.0
    assert desk.looks(9.0) == list(range(50))


def test_a_list_that_lacks_a_new_order_is_distrusted() -> None:
    """A list that comes late with orders comes late with codes; what was bought a second ago may be on its way."""
    desk = Desk()
    for key in range(50):
        desk.wait(key)
    desk.wait(50)

    desk.sweep(1.4, range(50))
    assert desk.listing.is_trusted(1.4)
    desk.sweep(3.9, range(50))
    assert len(desk.looks(4.0)) == 51


def test_a_list_that_lacked_an_order_is_trusted_again_after_a_minute() -> None:
    """An order of a minute is no new one: the list does not hold it, late or not."""
    desk = Desk()
    watches = [desk.wait(key) for key in range(51)]
    for now in range(2, 200):
        desk.sweep(now, range(50))
        looks = desk.looks(now + 0.5)
        for key in looks:
            desk.looked(watches[key], seen(now + 0.5, left=900 - now), now + 0.5)
        if now > 130:
            assert looks in ([], [50])


def test_an_order_listed_below_the_last_page_is_no_sign_of_a_late_list() -> None:
    """It was not asked for."""
    desk = Desk()
    for key in [*range(8, 58), 1, 2]:
        desk.wait(key)

    desk.sweep(3.0, range(57, 7, -1))
    desk.sweep(3.9, range(57, 7, -1))

    assert desk.looks(4.0) == [1, 2]


def test_a_look_that_finds_what_the_list_did_not_show_distrusts_it() -> None:
    """Else every code would come as late as the list."""
    desk = Desk()
    watches = [desk.wait(key) for key in range(50)]
    desk.sweep(3.0, range(50))
    desk.looks(4.0)

    desk.looked(watches[0], seen(5.0, CODE, news_age=4.0), 5.0)

    assert len(desk.looks(6.0)) == 49


@pytest.mark.parametrize("news_age", [None, 0.0, 3.0])
def test_a_look_that_finds_what_came_since_the_list_was_asked_is_no_sign(news_age: float | None) -> None:
    """Nor is one that does not tell when it came."""
    desk = Desk()
    watches = [desk.wait(key) for key in range(50)]
    desk.sweep(3.0, range(50))
    desk.looks(4.0)

    desk.looked(watches[0], seen(5.0, CODE, news_age=news_age), 5.0)
    desk.looked(watches[0], seen(5.0, CODE, news_age=9.0), 5.0)

    assert desk.looks(4.9) == []


def test_a_page_that_shows_what_an_earlier_one_should_have_shown_distrusts_the_list() -> None:
    """Looks it puts off would never find that out."""
    desk = Desk()
    watches = [desk.wait(key) for key in range(50)]
    desk.sweep(3.0, range(50))
    desk.sweep(5.0, range(50))
    [ask] = desk.asks(6.0)
    page: Page[str] = Page(rows=50, lowest=0, at=6.0, snapshots=[(watches[0], seen(6.0, CODE, news_age=4.0))])

    page.quiet.extend(watches[1:])
    desk.schedule.page_came(ask, page, 6.0)

    assert len(desk.looks(8.5)) == 50


def test_an_unsure_row_is_no_sign_of_a_late_list() -> None:
    """The list did show the order; only what it shows is to be proved."""
    desk = Desk()
    for key in range(50):
        desk.wait(key)

    [ask] = desk.asks(3.0)
    desk.answer(ask, range(50), 3.0, unsure=[7])

    assert desk.looks(3.0) == [7]
    assert desk.looks(4.9) == []


# -- what a page brings ---------------------------------------------------------------------------------------------


def test_what_a_row_cannot_prove_is_looked_at_at_once_and_not_with_every_page() -> None:
    """A list shows for seconds what a look has not confirmed."""
    desk = Desk()
    watches = [desk.wait(key) for key in range(50)]
    looks = []

    for tenth in range(10, 80):
        now = tenth / 10
        for ask in desk.asks(now):
            desk.answer(ask, range(50), now, unsure=[7])
        for key in desk.looks(now):
            looks.append((key, now))
            desk.looked(watches[key], seen(now), now)

    assert [key for key, _ in looks] == [7] * len(looks)
    assert looks[0] == (7, 1.0)
    assert 2 <= len(looks) <= 4


def test_trouble_with_an_order_is_not_hurried_by_its_row() -> None:
    """Its looks come more and more rarely, also while the list goes on to show something."""
    desk = Desk()
    watch, *_ = [desk.wait(key) for key in range(50)]
    watch.failures, watch.looked_at = 5, 1.0
    desk.schedule.plan(watch, watch.next_look_at(1.0))

    for now in range(2, 12):
        for ask in desk.asks(now):
            desk.answer(ask, range(50), now, unsure=[0])

    assert 0 not in desk.looks(20.0)
    assert 0 in desk.looks(31.5)


def test_what_a_whole_list_lacks_is_looked_at() -> None:
    """At once, for it stood there before; but what it never showed keeps its own rhythm."""
    desk = Desk()
    watches = [desk.wait(key) for key in range(6)]

    def sweep(now: float, *quiet: int) -> None:
        [ask] = desk.asks(now)
        page: Page[str] = Page(rows=len(quiet), lowest=-inf, at=now, whole=True)
        page.quiet.extend(watches[key] for key in quiet)
        desk.schedule.page_came(ask, page, now)

    sweep(0.0, 0, 1, 2, 3, 4)
    sweep(1.0, 1, 2, 3, 4)

    assert desk.looks(1.0) == [0]


# -- whose turn it is -----------------------------------------------------------------------------------------------


def test_looks_that_cannot_wait_come_first_then_pages_then_other_looks_then_chores() -> None:
    """A page answers for many, and a chore is nothing anybody waits for."""
    desk = Desk()
    for key in range(5):
        desk.wait(key)
    urgent = desk.wait(9)
    urgent.waiters[0].deadline = 4.2
    assert desk.schedule.add(chore)

    kinds = [type(job) for job in desk.jobs(4.5)]

    assert kinds[0] is Look
    assert kinds[1] is Ask
    assert kinds[2:7] == [Look] * 5
    assert len(kinds) == 8


def test_a_long_list_leaves_every_ninth_turn_to_a_late_look() -> None:
    """An order no list shows would else be looked at when the walk is over, and the next walk follows at once."""
    desk = Desk()
    for key in range(1, 31):
        desk.wait(key)
    desk.sweep(0.0, newest_first(30), cap=1)
    for watch in desk.schedule.watches.values():
        watch.listed_at = -inf

    kinds = [type(job) for job in desk.jobs(4.0)]

    assert kinds[:18] == [*[Ask] * 8, Look] * 2
    assert kinds.count(Look) == 30


def test_what_is_due_at_nearly_the_same_time_is_done_together_where_many_wait() -> None:
    """Thousands of looks a second are put off by the list, and each would wake somebody."""
    desk = Desk(least=inf)
    for key in range(50):
        desk.wait(key, 0.01)
    assert desk.schedule.next_at() == 4.05

    desk.leave(desk.schedule.watches[0])

    assert desk.schedule.next_at() == 4.01


def test_whoever_is_busy_with_his_own_order_does_nothing_for_others() -> None:
    """Pages and chores stay until somebody rests."""
    desk = Desk()
    for key in range(5):
        desk.wait(key)
    desk.schedule.add(chore)

    assert {type(job) for job in desk.jobs(4.5, spare=False)} == {Look}
    assert len(desk.jobs(4.5)) == 2


def test_a_chore_is_taken_on_only_where_many_wait() -> None:
    """A single one cannot be spared."""
    desk = Desk()
    for key in range(4):
        desk.wait(key)

    assert not desk.schedule.add(chore)
    desk.wait(5)
    assert desk.schedule.add(chore)


def test_of_late_looks_young_orders_come_first() -> None:
    """Their SMS is most likely to come now; an old one that is late by many of its intervals has its turn too."""
    desk = Desk(least=inf)
    old = desk.wait(1)
    old.looked_at = 500.0
    desk.schedule.plan(old, 530.0)
    for key in (2, 3):
        desk.wait(key, 527.0)

    assert desk.looks(535.0) == [2, 3, 1]

    desk.looked(old, seen(535.0, left=365), 535.0)
    late = old.next_look_at(535.0)
    for key in (4, 5):
        desk.wait(key, late + 300)

    assert desk.looks(late + 310) == [1, 4, 5]


def test_what_is_given_back_is_dealt_again() -> None:
    """Its holder was cancelled, or had news of his own."""
    desk = Desk()
    for key in range(5):
        desk.wait(key)
    desk.schedule.add(chore)
    jobs = desk.jobs(4.5)

    for job in jobs:
        desk.schedule.give_back(job, 4.5)
    again = desk.jobs(4.5)

    assert [type(job) for job in again] == [type(job) for job in jobs]


def test_a_wait_that_ends_takes_its_place_in_the_queue_along() -> None:
    """Neither is its plan kept."""
    desk = Desk(least=inf)
    gone, in_line = desk.wait(1), desk.wait(2)
    desk.leave(gone)
    assert desk.looks(4.0) == [2]
    desk.schedule.give_back(Look(in_line), 4.0)
    in_line.looking, in_line.place = False, 0
    desk.leave(in_line)

    assert desk.jobs(5.0) == []
    assert desk.schedule.next_at() == inf


def test_an_order_that_gets_no_turn_before_its_end_is_passed_over_in_time() -> None:
    """The wait ends while cancelling still refunds."""
    desk = Desk(least=inf)
    watch = desk.wait(1, left=30.0)
    desk.schedule.advance(20.0)
    desk.schedule.guard_ends()

    assert desk.schedule.next_at() == 25.0
    assert desk.schedule.advance(25.0) == [watch]
    assert watch.last_look_taken()
    assert desk.looks(25.0) == []
    assert desk.looks(31.0) == [1]
