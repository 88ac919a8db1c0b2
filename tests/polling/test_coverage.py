"""The looks that a list may spare: absence is no evidence until presence was seen. No loop, no provider."""

from __future__ import annotations

from itertools import pairwise
from math import inf

import pytest

from smsapi_async import Sms
from smsapi_async._polling.coverage import ALLOWED, AUDIT_AFTER, AUDITS_PER_SECOND, MOST_EXPECTED, WITNESSES
from smsapi_async._polling.listing import Page
from smsapi_async._polling.tracked import State, Tracked
from tests.support.desk import CODE, Desk, seen

pytestmark = pytest.mark.usefixtures("steady")


def page_of(desk: Desk, now: float, news: Tracked[str], news_age: float | None) -> Page[str]:
    """A page that shows a message of one order, and of the others nothing."""
    page: Page[str] = Page(rows=len(desk.registry), lowest=0, at=now)
    page.snapshots.append((news, seen(now, CODE, news_age=news_age)))
    page.quiet.extend(tracked for tracked in desk.registry if tracked is not news)
    return page


def counted(desk: Desk, now: float, key: int, messages: int) -> None:
    """Bring a sweep whose row of this order has this many messages."""
    [ask] = desk.asks(now)
    page: Page[str] = Page(rows=50, lowest=0, at=now, quiet=list(desk.registry), counted=[(key, messages)])
    desk.page_came(ask, page, now)


def look_finds(desk: Desk, tracked: Tracked[str], at: float, news_age: float | None = None) -> None:
    """Bring one more message with a look."""
    desk.looks(at)
    assert tracked.state is State.IN_FLIGHT
    sms = (*tracked.sms, Sms(text=f"code {at}", code="1"))
    desk.looked(tracked, seen(at, *sms, news_age=news_age))


# -- before it is earned --------------------------------------------------------------------------------------------


def test_a_list_without_messages_spares_no_look() -> None:
    """`sms: []`, null and no key at all are the only rows without messages on record. They prove nothing."""
    desk = Desk(trusted=False)
    orders = desk.waits(range(50))

    looks = []
    for tenth in range(300):
        desk.sweep(tenth / 10, range(50))
        looks += desk.look_at_all(tenth / 10)

    assert not desk.coverage.trusted
    assert all(looks.count(tracked.key) >= 12 for tracked in orders)


# -- how it is earned -----------------------------------------------------------------------------------------------


def test_a_message_younger_than_the_sweep_before_earns_trust() -> None:
    """The list showed it as soon as it could."""
    desk = Desk(trusted=False)
    first, *_ = desk.waits(range(50))
    desk.sweep(3.0, range(50))

    [ask] = desk.asks(4.0)
    desk.page_came(ask, page_of(desk, 4.0, first, 0.9), 4.0)

    assert desk.coverage.trusted


@pytest.mark.parametrize("news_age", [None, 1.5])
def test_a_message_that_may_be_older_earns_none(news_age: float | None) -> None:
    """Within two seconds of the sweep before it is no sign against the list either."""
    desk = Desk(trusted=False)
    first, *_ = desk.waits(range(50))
    desk.sweep(3.0, range(50))

    [ask] = desk.asks(4.0)
    desk.page_came(ask, page_of(desk, 4.0, first, news_age), 4.0)

    assert not desk.coverage.trusted


def test_a_message_of_an_order_listed_first_earns_none() -> None:
    """When the list might have shown it before is unknown."""
    desk = Desk(trusted=False)
    first, *_ = desk.waits(range(50))

    [ask] = desk.asks(4.0)
    desk.page_came(ask, page_of(desk, 4.0, first, 0.0), 4.0)

    assert not desk.coverage.trusted


def test_a_row_that_shows_a_known_message_earns_none() -> None:
    """A code was filled into it; the message itself is old."""
    desk = Desk(trusted=False)
    first, *_ = desk.waits(range(50))
    desk.sweep(3.0, range(50))
    first.note(seen(3.5, Sms(text="code 1234")))

    [ask] = desk.asks(4.0)
    desk.page_came(ask, page_of(desk, 4.0, first, 0.5), 4.0)

    assert not desk.coverage.trusted


def witness(desk: Desk, tracked: Tracked[str], at: float, *, shows: int = 1) -> None:
    """Find a message with a look, and show this many with a sweep of about the same moment."""
    desk.sweep(at - 1.0, [each.key for each in desk.registry])
    look_finds(desk, tracked, at)
    counted(desk, at + 0.5, tracked.key, shows)


def test_messages_that_looks_and_sweeps_show_alike_earn_trust() -> None:
    """One alone may be chance: a late list shows some message at last just when a look finds it."""
    desk = Desk(trusted=False)
    orders = desk.waits(range(50))

    earned = []
    for number in range(WITNESSES):
        witness(desk, orders[number], 4.0 + 6 * number)
        earned.append(desk.coverage.trusted)

    assert earned == [False] * (WITNESSES - 1) + [True]


def test_witnesses_count_one_after_the_other() -> None:
    """A sweep in between that lacks a message shows that the list is late."""
    desk = Desk(trusted=False)
    orders = desk.waits(range(50))
    witness(desk, orders[0], 4.0)
    witness(desk, orders[1], 10.0)

    look_finds(desk, orders[2], 16.0)
    counted(desk, 18.1, 2, 0)
    witness(desk, orders[3], 24.0)

    assert not desk.coverage.trusted


def test_a_message_that_the_list_could_have_shown_long_ago_is_no_witness() -> None:
    """An order that no sweep showed since the message came proves nothing of the list's delay."""
    desk = Desk(trusted=False)
    orders = desk.waits(range(50))
    for number in range(WITNESSES + 1):
        at = 4.0 + 6 * number
        look_finds(desk, orders[number], at)  # no sweep came before
        counted(desk, at + 0.5, number, 1)
        for tracked in orders:
            tracked.listed_at = -inf

    assert not desk.coverage.trusted


# -- how it is lost -------------------------------------------------------------------------------------------------


def test_a_sweep_that_lacks_what_a_look_had_shown_costs_the_trust() -> None:
    """The list is late by more than two seconds."""
    desk = Desk()
    tracked, *_ = desk.waits(range(50))
    look_finds(desk, tracked, 4.0)

    counted(desk, 4.0 + ALLOWED, 0, 0)
    assert desk.coverage.trusted
    counted(desk, 6.1, 0, 0)

    assert not desk.coverage.trusted


def test_a_sweep_asked_before_the_look_is_not_held_against_it() -> None:
    """The message came between them."""
    desk = Desk()
    tracked, *_ = desk.waits(range(50))
    [ask] = desk.asks(3.0)
    look_finds(desk, tracked, 4.0)

    desk.page_came(ask, Page(rows=1, lowest=0, at=3.0, counted=[(0, 0), (1, 0)]), 6.5)

    assert desk.coverage.trusted


def test_a_sweep_that_shows_what_a_look_had_shown_keeps_the_trust() -> None:
    """A message that a look has shown is expected in one sweep only."""
    desk = Desk()
    tracked, *_ = desk.waits(range(50))
    look_finds(desk, tracked, 4.0)

    counted(desk, 9.0, 0, 1)
    counted(desk, 15.0, 0, 0)

    assert desk.coverage.trusted


def test_a_look_that_finds_what_the_list_did_not_show_costs_the_trust() -> None:
    """Otherwise every code would come as late as the list."""
    desk = Desk()
    orders = desk.waits(range(50))
    desk.sweep(3.0, range(50))
    orders[0].waiters[0].deadline = 4.0
    desk.queue.replan(orders[0], 4.0)
    assert desk.looks(4.0) == [0]

    desk.looked(orders[0], seen(5.2, CODE, news_age=4.3))

    assert not desk.coverage.trusted
    assert len(desk.looks(6.0)) == 49


@pytest.mark.parametrize("news_age", [None, 0.0, 4.0])
def test_a_look_that_finds_what_came_since_the_sweep_is_no_sign(news_age: float | None) -> None:
    """A look without the time of the message is no sign either."""
    desk = Desk()
    orders = desk.waits(range(50))
    desk.sweep(3.0, range(50))
    orders[0].waiters[0].deadline = 4.0
    desk.queue.replan(orders[0], 4.0)
    desk.looks(4.0)

    desk.looked(orders[0], seen(5.0, CODE, news_age=news_age))

    assert desk.coverage.trusted


def test_a_look_that_finds_nothing_new_is_no_sign() -> None:
    """The list was asked after the message was known."""
    desk = Desk()
    orders = desk.waits(range(50))
    look_finds(desk, orders[0], 4.0)
    desk.sweep(5.0, range(50))
    orders[0].waiters[0].deadline = 6.0
    desk.queue.replan(orders[0], 6.0)
    desk.looks(6.0)

    desk.looked(orders[0], seen(6.0, *orders[0].sms, news_age=5.0))

    assert desk.coverage.trusted


def test_a_page_that_shows_what_an_earlier_one_should_have_shown_costs_the_trust() -> None:
    """The looks that it puts off would never find that out."""
    desk = Desk()
    orders = desk.waits(range(50))
    desk.sweep(3.0, range(50))
    desk.sweep(5.0, range(50))
    [ask] = desk.asks(6.0)

    desk.page_came(ask, page_of(desk, 6.0, orders[0], 4.0), 6.0)

    assert not desk.coverage.trusted
    assert len(desk.looks(8.5)) == 50


@pytest.mark.parametrize(("after", "trusted"), [(1.0, True), (2.5, False)])
def test_a_row_with_fewer_messages_than_before_costs_the_trust(after: float, trusted: bool) -> None:
    """Two seconds are allowed."""
    desk = Desk()
    tracked, *_ = desk.waits(range(50), -70.0)
    desk.agenda.observed(tracked, seen(3.0, CODE))

    [ask] = desk.asks(3.0 + after)
    desk.page_came(ask, Page(rows=1, lowest=0, at=3.0 + after, quiet=[tracked], fewer=[tracked]), 6.0)

    assert desk.coverage.trusted is trusted


@pytest.mark.parametrize(("bought", "trusted"), [(3.0, True), (1.0, False)])
def test_a_sweep_that_lacks_a_new_order_costs_the_trust(bought: float, trusted: bool) -> None:
    """A list that comes late with orders comes late with codes. An order bought a second ago may be on its way."""
    desk = Desk()
    desk.waits(range(50))
    desk.wait(50, bought)

    desk.sweep(3.9, range(50))

    assert desk.coverage.trusted is trusted


def test_a_failed_page_does_not_hide_that_the_list_is_late() -> None:
    """A sweep with trouble proves nothing, though: what it lacks may stand on the page that failed."""
    desk = Desk()
    desk.waits(range(1, 61), -70.0)
    desk.sweep(0.0, range(60, 0, -1), cap=15)
    desk.wait(61, 0.0)
    first, *others = desk.asks(3.0)

    for ask in others:
        desk.answer(ask, range(60 - ask.offset, 45 - ask.offset, -1), 3.0)
    desk.page_failed(first, None, 3.0)

    assert desk.coverage.trusted


def test_a_sweep_that_lacks_an_older_order_keeps_the_trust() -> None:
    """Such an order stands in no list, late or not."""
    desk = Desk()
    desk.waits(range(51), -70.0)

    desk.sweep(2.0, range(50))

    assert desk.coverage.trusted


def test_an_order_below_the_last_page_is_no_sign_of_a_late_list() -> None:
    """Its page was not asked for."""
    desk = Desk()
    desk.waits([*range(8, 58), 1, 2])

    desk.sweep(3.0, range(57, 7, -1))
    desk.sweep(3.9, range(57, 7, -1))

    assert desk.coverage.trusted
    assert desk.looks(4.0) == [1, 2]


def test_an_unsure_row_is_no_sign_of_a_late_list() -> None:
    """The list did show the order; only the news is to be confirmed."""
    desk = Desk()
    desk.waits(range(50))

    [ask] = desk.asks(3.0)
    desk.answer(ask, range(50), 3.0, unsure=[7])

    assert desk.looks(3.0) == [7]
    assert desk.looks(4.9) == []


def test_only_the_newest_hundred_orders_are_held_against_a_sweep() -> None:
    """A list without messages would keep every order for ever."""
    desk = Desk(least=inf)
    orders = desk.waits(range(MOST_EXPECTED + 20))

    desk.looks(4.0)
    for tracked in orders:
        desk.looked(tracked, seen(4.0, CODE))

    assert list(desk.coverage.expected) == list(range(20, MOST_EXPECTED + 20))


# -- audits ---------------------------------------------------------------------------------------------------------


def test_a_spared_order_is_looked_at_every_half_minute_all_the_same() -> None:
    """A list may go bad, and only a look shows that."""
    desk = Desk()
    desk.wait(7)
    desk.waits(range(4), 0.0)

    looks = [
        (key, at)
        for at in range(1, 110)
        if desk.sweep(at, [7, *range(4)]) and (keys := desk.look_at_all(at))
        for key in keys
    ]

    audits = [at for key, at in looks if key == 7]
    assert len(audits) == 3
    assert all(AUDIT_AFTER <= later - earlier <= AUDIT_AFTER + 16 for earlier, later in pairwise(audits))


def test_where_many_are_spared_each_has_an_audit_in_its_turn() -> None:
    """Thousands of audits would be the looks that the list is to spare."""
    desk = Desk()
    desk.waits(range(200))

    looks = 0
    for at in range(1, 800):
        desk.sweep(at, range(200))
        looks += len(desk.look_at_all(at))

    assert 0.8 * AUDITS_PER_SECOND < looks / 800 < 1.2 * AUDITS_PER_SECOND
