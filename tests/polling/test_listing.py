"""Which pages of a list are asked, and when, as plain values. No loop, no provider."""

from __future__ import annotations

from math import inf

import pytest

from smsapi_async import RateLimitError, RefusedError
from tests.support.desk import UNREADABLE, Desk, newest_first

pytestmark = pytest.mark.usefixtures("steady")


# -- which pages a sweep asks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("waits", "pages"), [(4, 0), (5, 1)])
def test_a_handful_of_waits_makes_the_list_be_asked(waits: int, pages: int) -> None:
    """For fewer orders, single looks cost less than pages of rows."""
    desk = Desk()
    desk.waits(range(waits))

    assert len(desk.asks(0.0)) == pages


@pytest.mark.parametrize(("waits", "limit"), [(5, 100), (80, 160), (800, 1000)])
def test_the_first_page_is_asked_for_twice_as_many_rows_as_wait(waits: int, limit: int) -> None:
    """Finished orders stand between them. More than a thousand rows are never asked for."""
    desk = Desk()
    desk.waits(range(waits))

    [ask] = desk.asks(0.0)

    assert (ask.offset, ask.limit) == (0, limit)


def test_a_sweep_goes_on_below_the_first_page_while_orders_are_waited_for_there() -> None:
    """Each page asks where the one before it ended."""
    desk = Desk()
    desk.waits(range(1, 1501))

    assert desk.sweep(0.0, newest_first(1500)) == [(0, 1000), (1000, 1000)]


def test_a_sweep_asks_no_page_for_two_orders() -> None:
    """Such orders are looked at one by one."""
    desk = Desk()
    desk.waits([*range(8, 108), 1, 2])

    assert desk.sweep(0.0, range(107, 7, -1)) == [(0, 204)]


def test_the_next_sweep_asks_at_once_for_all_that_was_needed() -> None:
    """A twentieth and twenty rows more are asked, for orders that are bought meanwhile."""
    desk = Desk()
    desk.waits(range(1, 1501))
    desk.sweep(0.0, newest_first(1500))

    assert desk.sweep(1.0, newest_first(1500)) == [(0, 1000), (1000, 1000)]


def test_a_capped_page_is_learnt_from_the_page_below_it() -> None:
    """Nothing says how many rows a page may have; once known, all pages are asked at the same time."""
    desk = Desk()
    desk.waits(range(1, 61))

    assert desk.sweep(0.0, newest_first(60), cap=15) == [(0, 120), (15, 100), (30, 15), (45, 15)]
    assert desk.sweep(1.0, newest_first(60), cap=15) == [(15 * page, 15) for page in range(6)]


def test_once_a_page_is_known_to_be_whole_the_others_are_asked_at_the_same_time() -> None:
    """One after the other ten pages would take ten round trips."""
    desk = Desk()
    desk.waits(range(1, 10_001))
    [first] = desk.asks(0.0)

    desk.answer(first, newest_first(10_000)[:1000], 0.2)

    assert [(ask.offset, ask.limit) for ask in desk.asks(0.2)] == [(1000 * page, 1000) for page in range(1, 10)]


def test_a_list_that_ends_above_the_awaited_is_not_taken_for_capped() -> None:
    """A purchase between two pages moves the last row below the offset: it was shown before."""
    desk = Desk()
    desk.waits(range(1, 60))
    [ask] = desk.asks(0.0)
    desk.answer(ask, range(70, 30, -1), 0.0)
    [below] = desk.asks(0.0)
    desk.answer(below, [31], 0.0)
    [end] = desk.asks(0.0)
    desk.answer(end, [], 0.0)

    assert desk.sweep(1.0, range(70, 30, -1)) == [(0, 63), (40, 100)]


def test_a_sweep_ends_with_the_list() -> None:
    """Orders of another account, or of another category, are not on it."""
    desk = Desk()
    desk.waits(range(1, 11))

    assert desk.sweep(0.0, range(20, 5, -1)) == [(0, 100), (15, 100)]


def test_a_sweep_does_not_walk_the_whole_history() -> None:
    """Orders kept for a month stand below everything. A page for each thousand rows above them would help no wait."""
    desk = Desk()
    history = range(100_000, 5, -1)
    desk.waits([*range(99_901, 100_001), 1, 2, 3])

    asked = desk.sweep(0.0, history)

    assert sum(limit for _, limit in asked) < 3_000


def test_a_refused_page_is_asked_shorter() -> None:
    """Perhaps the page was too long."""
    desk = Desk()
    desk.waits(range(800))
    limits = []

    for now in (0.0, 10.0, 20.0, 30.0):
        [ask] = desk.asks(now)
        limits.append(ask.limit)
        desk.page_failed(ask, RefusedError("bad limit"), now)

    assert limits == [1000, 250, 100, 100]


@pytest.mark.parametrize("error", [RateLimitError("too many requests"), UNREADABLE])
def test_trouble_that_is_no_answer_about_the_page_leaves_its_length(error: RefusedError) -> None:
    """Shorter pages would be more requests, and there were too many already."""
    desk = Desk()
    desk.waits(range(800))
    [ask] = desk.asks(0.0)

    desk.page_failed(ask, error, 0.0)

    assert [ask.limit for ask in desk.asks(10.0)] == [1000]


def test_a_refusal_makes_no_page_longer_than_was_learnt() -> None:
    """Pages asked at the same time would leave gaps between them."""
    desk = Desk()
    desk.waits(range(1, 61))
    desk.sweep(0.0, newest_first(60), cap=15)
    for ask in desk.asks(1.0):
        desk.page_failed(ask, RefusedError("bad limit"), 1.0)

    assert desk.sweep(10.0, newest_first(60), cap=15) == [(15 * page, 15) for page in range(6)]


# -- when the next sweep begins -------------------------------------------------------------------------------------


def test_from_fifty_waits_on_a_sweep_follows_the_other() -> None:
    """Sweeps begin a second apart, but never before the answer to the last one is there."""
    desk = Desk()
    desk.waits(range(50))
    [ask] = desk.asks(0.0)

    desk.answer(ask, range(50), 0.4)
    assert desk.agenda.next_at() == 1.0
    [ask] = desk.asks(1.0)
    assert desk.agenda.next_at() == 4.0  # the first look at an order
    desk.answer(ask, range(50), 2.7)
    assert desk.agenda.next_at() == 2.7


@pytest.mark.parametrize(("age", "pause"), [(0, 1.0), (100, 4.0), (300, 12.0), (600, 15.0)])
def test_fewer_waits_ask_the_list_at_half_the_interval_of_the_youngest(age: float, pause: float) -> None:
    """The older the orders, the less is gained by asking often; a young one is not made to wait for the old."""
    desk = Desk()
    desk.waits(range(9))
    desk.wait(9, 10.0)

    desk.sweep(10.0 + age, range(10))

    assert desk.listing.next_at == 10.0 + age + pause


def test_unknown_orders_have_the_list_asked_as_if_they_were_new() -> None:
    """One of these orders may be new."""
    desk = Desk()
    for key in range(9):
        desk.wait(key, bought=False)
    [ask] = desk.asks(50.0)

    desk.answer(ask, range(9), 50.0, unsure=range(9))

    assert desk.listing.next_at == 51.0


def test_a_list_that_fails_is_asked_more_rarely_and_never_given_up() -> None:
    """The pause grows to eight seconds. The first page that comes ends it."""
    desk = Desk()
    desk.waits(range(50))
    now, pauses = 0.0, []

    for _ in range(5):
        [ask] = desk.asks(now)
        desk.page_failed(ask, UNREADABLE, now)
        pauses.append(desk.listing.next_at - now)
        now = desk.listing.next_at
    desk.sweep(now, range(50))

    assert pauses == [2, 4, 8, 8, 8]
    assert desk.listing.next_at == now + 1


def test_a_list_that_shows_nothing_is_asked_ever_more_rarely() -> None:
    """A provider whose list is empty costs one request in ten minutes."""
    desk = Desk()
    desk.waits(range(50))
    now, pauses = 0.0, []

    for _ in range(11):
        desk.sweep(now, [])
        pauses.append(desk.listing.next_at - now)
        now = desk.listing.next_at

    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]


def test_a_failed_page_of_a_sweep_ends_it_when_the_others_are_there() -> None:
    """The pages that came count all the same, and the next sweep is not delayed."""
    desk = Desk()
    desk.waits(range(1, 61))
    desk.sweep(0.0, newest_first(60), cap=15)
    first, *others = desk.asks(1.0)

    desk.page_failed(first, UNREADABLE, 1.0)
    assert desk.listing.next_at == inf
    for ask in others:
        desk.answer(ask, newest_first(60)[ask.offset : ask.offset + 15], 1.1)

    assert desk.listing.next_at == 2.0
    assert desk.of(1).listed_at == 1.1
    assert desk.of(60).listed_at == 0.0
