"""The records' clock: what an answered purchase measures, and what a wrong instant may not do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import inf, isfinite, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsapi_async._sending import Clock, Offset

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_nothing_is_known_before_the_first_answer():
    """This machine's own clock is not asked."""
    clock = Clock()
    clock.note(None, 5.0)

    assert (clock.records_at(0.0), clock.is_measured) == (None, False)


def test_a_date_is_the_clock_until_a_purchase_measures_it():
    """It is better than nothing, and it is not called measured."""
    clock = Clock()
    clock.note(after(10), 10.0)

    assert (clock.records_at(25.0), clock.is_measured) == (after(25), False)


@pytest.mark.parametrize("wrong", [after(3600), after(-3600), datetime(2099, 1, 1, tzinfo=UTC)])
def test_one_wrong_date_does_nothing(wrong):
    """A gateway in the middle may answer once with a clock of its own."""
    clock = Clock()
    for at in (0.0, 1.0, 2.0, 3.0):
        clock.note(after(at), at)
    clock.note(wrong, 4.0)

    assert clock.records_at(4.0) == after(4)


def test_a_purchase_measures_the_clock_without_any_date():
    """Its row was created when its request left."""
    clock = Clock()
    clock.bought(after(300), None, 100.0)

    assert (clock.records_at(160.0), clock.is_measured) == (after(360), True)


@pytest.mark.parametrize("ahead", [-60, 7, 300])
def test_the_offset_of_both_clocks_serves_other_loops(ahead):
    """The account keeps it: a client that has bought nothing shifts its Dates by it."""
    offset, other = Offset(), Clock()
    Clock(offset).bought(after(0), after(ahead), 50.0)
    client = Clock(offset)
    client.note(after(ahead), 8.0)
    other.note(after(ahead), 8.0)

    assert (client.records_at(8.0), client.is_measured) == (after(0), True)
    assert (other.records_at(8.0), other.is_measured) == (after(ahead), False)


def test_a_date_that_drifts_away_makes_the_clock_uncertain():
    """One of the clocks was set, or this machine slept; no measurement says which. The anchor still counts."""
    clock = Clock()
    clock.bought(after(0), after(0), 0.0)
    for at in (600.0, 601.0, 602.0):
        clock.note(after(at + 5), at)
    assert clock.is_measured

    for at in (1200.0, 1201.0, 1202.0, 1203.0, 1204.0):
        clock.note(after(at + 9), at)

    assert (clock.records_at(1200.0), clock.is_measured) == (after(1200), False)


def test_a_purchase_that_took_long_is_blurred_by_that():
    """Its row was created at some moment of those twenty seconds."""
    clock = Clock()
    clock.bought(after(20), None, 0.0, latency=20.0)
    assert clock.blur == 20.0

    for sent_at in (30.0, 40.0):
        clock.bought(after(sent_at), None, sent_at, latency=0.5)

    assert (clock.records_at(50.0), clock.blur) == (after(50), 0.5)


@pytest.mark.parametrize(
    "instant", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), datetime(1999, 12, 31, tzinfo=UTC)]
)
def test_an_instant_that_no_clock_shows_changes_nothing(instant):
    """Arithmetic with it would overflow, in the middle of a purchase."""
    clock = Clock()
    clock.note(instant, 0.0)
    clock.bought(instant, NOON, 0.0)
    assert clock.records_at(0.0) is None

    clock.bought(NOON, instant, 0.0)

    assert clock.records_at(0.0) == NOON


@pytest.mark.parametrize("at", [inf, -inf, nan, 1e300, -1e12])
def test_a_moment_that_is_none_has_no_instant(at):
    """A purchase that was not sent has the moment inf."""
    clock = Clock()
    if not isfinite(at):
        clock.bought(NOON, NOON, at)
        clock.note(NOON, at)
    clock.note(NOON, 0.0)

    assert clock.records_at(at) is None


@given(
    st.lists(st.tuples(st.datetimes(timezones=st.just(UTC)), st.floats(0, 1e9)), max_size=8),
    st.lists(st.tuples(st.datetimes(timezones=st.just(UTC)), st.floats(0, 1e9)), max_size=8),
    st.floats(),
)
def test_no_reading_of_any_clock_raises(dates, rows, at):
    """An exception here would come between an answer and its order."""
    clock = Clock()
    for date, asked in dates:
        clock.note(date, asked)
    for created, sent in rows:
        clock.bought(created, dates[0][0] if dates else None, sent)

    found = clock.records_at(at)

    assert found is None or found.tzinfo is UTC
    assert clock.is_measured in (True, False)


@pytest.mark.parametrize(("first", "second", "measured"), [(3, None, True), (3600, None, False), (3600, 3600, True)])
def test_a_measurement_far_from_the_date_counts_once_a_second_one_confirms_it(first, second, measured):
    """One row may be wrong. Clocks that are far apart are seen by every purchase."""
    clock = Clock(Offset())
    clock.note(after(10), 10.0)
    for seconds in (first, second):
        if seconds is not None:
            clock.bought(after(seconds + 10), after(10), 10.0)

    assert clock.is_measured is measured
    assert clock.earliest_at(20.0) == after(20)
