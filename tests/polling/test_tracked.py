"""The rhythm of looks, and what was observed of an order. No loop, no provider."""

from __future__ import annotations

import random
from collections.abc import Callable
from math import inf
from statistics import mean, quantiles

import pytest

from smsapi_async import Sms
from smsapi_async._polling.tracked import (
    FIRST_LOOK,
    LAST_LOOK,
    LEAD,
    MISSING_PAUSE,
    UNREADABLE_FOR,
    Phase,
    Snapshot,
    Tracked,
    Waiter,
    rhythm,
)
from tests.support.desk import CODE, seen

EXPIRY = 900.0


def new(**known: float) -> Tracked[str]:
    return Tracked(1, readable_at=0.0, **known)  # type: ignore[arg-type]


def wait_for(tracked: Tracked[str], deadline: float) -> Waiter[str]:
    waiter = Waiter(tracked, deadline)
    tracked.waiters += (waiter,)
    return waiter


# -- the rhythm -----------------------------------------------------------------------------------------------------


def looks_until(arrival: float, chance: Callable[[], float]) -> tuple[int, float | None]:
    """How many looks an order costs whose SMS arrives then, and how late it is found; None: never."""
    looks, at = 1, FIRST_LOOK
    while at < arrival:
        if at >= EXPIRY - LEAD:
            return looks, None
        at = min(at + rhythm(at, chance()), EXPIRY - LEAD)
        looks += 1
    return looks, at - arrival


def test_the_rhythm_keeps_its_numbers() -> None:
    """Fewer looks find a code later, more are refused by the provider's limits."""
    chance = random.Random(1)
    arrivals = [inf if chance.random() < 0.3 else chance.lognormvariate(3.2189, 1.0) for _ in range(20_000)]

    found = [looks_until(arrival, chance.random) for arrival in arrivals]

    late = [seconds for _, seconds in found if seconds is not None]
    assert mean(looks for looks, _ in found) <= 32
    assert mean(late) <= 2.1
    assert quantiles(late, n=20)[-1] <= 6.5


@pytest.mark.parametrize(
    ("age", "chance", "pause"), [(0, 0.5, 2), (25, 0.5, 2), (100, 0.5, 8), (900, 0.5, 30), (100, 0, 7.2), (100, 1, 8.8)]
)
def test_the_pause_grows_with_the_age(age: float, chance: float, pause: float) -> None:
    """8 % of it, between 2 and 30 s, give or take a tenth."""
    assert rhythm(age, chance) == pytest.approx(pause)


@pytest.mark.usefixtures("steady")
@pytest.mark.parametrize(
    ("known", "pause"),
    [
        ({}, 0.0),
        ({"seen_at": 100.0, "born_at": 100.0}, FIRST_LOOK),
        ({"seen_at": 100.0, "born_at": 0.0}, 8.0),
        ({"seen_at": 100.0, "born_at": 0.0, "misses": 1}, MISSING_PAUSE),
        ({"failures": 1}, 2.0),
        ({"failures": 3, "seen_at": 100.0, "born_at": 0.0}, 8.0),
        ({"failures": 9}, 30.0),
        ({"seen_at": 100.0, "born_at": 0.0, "ends_at": 113.0}, 3.0),
    ],
)
def test_the_next_look_follows_from_what_is_known(known: dict[str, float], pause: float) -> None:
    """A failure slows the looks down; no look is planned past a moment that needs one."""
    assert new(**known).next_look_at(100.0) == 100.0 + pause


# -- moments --------------------------------------------------------------------------------------------------------


def test_an_order_needs_a_look_before_its_end_and_one_after_it() -> None:
    """The first while cancelling still refunds, the second to see what became of the order."""
    tracked = new(ends_at=100.0, seen_at=0.0)
    moments = []

    for now in (50.0, 90.0, 99.0, 101.0, 200.0):
        if tracked.at_a_moment(now):
            moments.append(now)
            tracked.looked_at = now

    assert moments == [90.0, 101.0]
    assert tracked.next_moment(200.0) == inf


def test_a_waiter_needs_a_look_at_its_deadline() -> None:
    """A code that came just before is found."""
    tracked = new(seen_at=0.0)
    waiter = wait_for(tracked, 7.0)

    assert tracked.next_moment(1.0) == 7.0
    assert (tracked.at_a_moment(6.9), tracked.at_a_moment(7.0)) == (False, True)
    tracked.looked_at = 7.0
    assert waiter.timed_out()
    assert not tracked.at_a_moment(8.0)


def test_a_waiter_that_is_late_has_timed_out_without_a_look() -> None:
    """A look that would not end must not hold the caller."""
    waiter = wait_for(new(), 7.0)

    assert not waiter.timed_out()
    waiter.late = True

    assert waiter.timed_out()


@pytest.mark.parametrize(
    ("ends_at", "deadline", "began", "cut"),
    [
        (inf, inf, 5.0, inf),
        (100.0, inf, 5.0, 90.0),  # the last look is its own
        (100.0, inf, 90.0, 90.0 + LAST_LOOK),
        (100.0, inf, 92.0, 92.0 + LAST_LOOK),
        (100.0, 20.0, 5.0, 20.0),
        (100.0, 20.0, 20.0, 90.0),
    ],
)
def test_a_request_is_given_up_for_a_last_look(ends_at: float, deadline: float, began: float, cut: float) -> None:
    """An answer that stalls must cost neither the refund nor the caller's time."""
    tracked = new(ends_at=ends_at)
    wait_for(tracked, deadline)

    assert tracked.cut_at(began) == cut


def test_an_order_goes_dark_after_half_an_hour_without_a_readable_answer() -> None:
    """The provider may be down for good; the caller is to hear of it."""
    tracked = new()
    tracked.looked_at = UNREADABLE_FOR
    assert not tracked.gone_dark()

    tracked.failures = 1

    assert tracked.gone_dark()


# -- what answers show ----------------------------------------------------------------------------------------------


def test_a_guessed_end_gives_way_to_one_that_is_read() -> None:
    """A reading more than a minute later is another end; a nearer one is latency, and the earliest counts."""
    tracked = new()

    def ends(at: float, ends_at: float | None, *, sure: bool = True) -> float:
        tracked.note(seen(at, ends_at=ends_at, sure=sure))
        return tracked.ends_at

    assert ends(0, None) == inf
    assert ends(1, 1200.0, sure=False) == 1200
    assert ends(2, 1300.0, sure=False) == 1200
    assert ends(3, 900.0) == 900
    assert ends(4, 901.0) == 900
    assert ends(5, 3040.0) == 3040


def test_an_end_that_moves_takes_an_early_beginning_back() -> None:
    """The order no longer ends together with the others."""
    tracked = new()
    tracked.note(seen(0.0, ends_at=100.0))
    tracked.early_at = 80.0
    tracked.note(seen(1.0, ends_at=100.5))
    assert tracked.last_at == 80.0

    tracked.note(seen(2.0, ends_at=500.0))

    assert tracked.last_at == 490.0


def test_an_answer_that_was_asked_for_earlier_takes_nothing_back() -> None:
    """A look that was under way when a page showed the code comes back without it."""
    tracked = new()
    tracked.note(Snapshot(subject="page", sms=(CODE,), phase=Phase.OPEN, at=10.0))

    tracked.note(Snapshot(subject="look", sms=(), phase=Phase.OPEN, at=9.9))

    assert (tracked.subject, tracked.sms) == ("page", (CODE,))


def test_a_row_without_messages_leaves_only_its_phone() -> None:
    """The client keeps no order of a list of thousands, but a report needs the phone."""
    tracked = new()

    tracked.note(Snapshot(subject="row", sms=(), phase=Phase.OPEN, at=1.0, keep=False, phone="+1555"))
    tracked.note(Snapshot(subject="row", sms=(), phase=Phase.OPEN, at=2.0, keep=False))

    assert (tracked.subject, tracked.phone) == (None, "+1555")


@pytest.mark.parametrize(("bought_at", "created_at", "age"), [(4.0, None, 6.0), (-inf, 3.0, 7.0), (-inf, None, None)])
def test_the_age_counts_from_the_purchase(bought_at: float, created_at: float | None, age: float | None) -> None:
    """An order without a known purchase has none, although its first answer begins the rhythm."""
    tracked = new(bought_at=bought_at)

    tracked.note(seen(5.0, Sms(text="x"), bought_at=created_at))

    assert tracked.age(10.0) == age
    assert tracked.is_seen()
