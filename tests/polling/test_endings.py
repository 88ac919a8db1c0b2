"""Orders that end together: the first is begun early enough for all, and none too early."""

from __future__ import annotations

import random
from collections.abc import Sequence
from math import inf

import pytest

from smsapi_async._polling.endings import SLICES, Endings
from smsapi_async._polling.tracked import LEAD, Tracked

SLICE = 1 / SLICES


def filed(endings: Endings[str], ends: Sequence[float]) -> list[Tracked[str]]:
    """Orders that end at these moments."""
    orders = []
    for key, ends_at in enumerate(ends):
        tracked: Tracked[str] = Tracked(key, readable_at=0.0, ends_at=ends_at)
        endings.file(tracked, counts=True)
        orders.append(tracked)
    return orders


def exact_begin(ends: Sequence[float], each: float) -> float:
    """The moment for the first last look, so that each order in turn has its own ten seconds before its end."""
    return min((end - LEAD - each * place for place, end in enumerate(sorted(ends))), default=inf)


def begins_of(endings: Endings[str], each: float) -> list[tuple[float, Tracked[str]]]:
    """Follow the moments that the endings name: each order, and when it was begun."""
    begun: list[tuple[float, Tracked[str]]] = []
    while (now := endings.next_at()) < inf:
        begun += [(now, tracked) for tracked in endings.begin(now, each)]
    return begun


@pytest.mark.parametrize("seed", range(200))
def test_the_first_order_is_begun_when_an_exact_reckoning_says(seed: int) -> None:
    """A slice of a second is the only error."""
    chance = random.Random(seed)
    each = chance.choice([0.0, 0.04, 0.3, 2.0])
    ends = [round(chance.uniform(100, chance.choice([100, 110, 400])), 2) for _ in range(chance.randrange(1, 40))]
    endings: Endings[str] = Endings(each)
    orders = filed(endings, ends)
    left = dict(enumerate(ends))

    while left:
        exact = exact_begin(list(left.values()), each)
        assert endings.next_at() <= exact + SLICE
        assert endings.begin(exact - 1e-9, each) == []
        begun = endings.begin(exact + SLICE, each)
        assert min(left, key=lambda key: left[key]) in {tracked.key for tracked in begun}
        assert [tracked.ends_at // SLICE for tracked in begun] == sorted(tracked.ends_at // SLICE for tracked in begun)
        for tracked in begun:
            del left[tracked.key]

    assert endings.next_at() == inf
    assert {tracked.ends_in for tracked in orders} == {0}


@pytest.mark.parametrize("seed", range(100))
def test_the_endings_follow_orders_that_come_go_and_move(seed: int) -> None:
    """The moment they name is never later than an exact reckoning allows."""
    chance = random.Random(seed)
    endings: Endings[str] = Endings(0.5)
    orders = filed(endings, [chance.uniform(100, 120) for _ in range(15)])
    counted = set(range(15))

    for _ in range(100):
        tracked = chance.choice(orders)
        tracked.ends_at = chance.choice([tracked.ends_at, chance.uniform(100, 120), inf])
        counts = chance.random() < 0.7
        endings.file(tracked, counts=counts)
        (counted.add if counts and tracked.ends_at < inf else counted.discard)(tracked.key)
        assert endings.next_at() <= exact_begin([orders[key].ends_at for key in counted], 0.5) + SLICE

    begun = begins_of(endings, 0.5)
    assert sorted(tracked.key for _, tracked in begun) == sorted(counted)


@pytest.mark.parametrize("count", [1, 10, 1000])
def test_a_batch_of_one_end_is_begun_all_its_pairs_of_requests_earlier(count: int) -> None:
    """A thousand activations bought at once are the usual case."""
    endings: Endings[str] = Endings(0.04)
    filed(endings, [900.1] * count)

    [(began, _), *others] = begins_of(endings, 0.04)

    assert began == pytest.approx(900.25 - LEAD - 0.04 * (count - 1))
    assert len(others) == count - 1


def test_a_slower_pace_begins_the_orders_earlier() -> None:
    """The pace is halved by a hit, also between the purchase and the end."""
    endings: Endings[str] = Endings(0.1)
    filed(endings, [900.0] * 11)
    assert endings.begin(888.0, 0.1) == []

    assert len(endings.begin(888.0, 0.3)) == 11


def test_an_order_is_begun_once() -> None:
    """It may leave its slice and come back to it."""
    endings: Endings[str] = Endings(0.0)
    [tracked, other] = filed(endings, [900.0, 900.0])
    for counts in (False, True, True):
        endings.file(tracked, counts=counts)

    assert sorted(each.key for each in endings.begin(891.0, 0.0)) == [0, 1]
    assert endings.begin(899.0, 0.0) == []
    assert other.ends_in == 0


def test_orders_that_go_leave_nothing_behind() -> None:
    """A slice would keep each order that ever ended there."""
    endings: Endings[str] = Endings(0.0)
    filed(endings, [900.0])
    for key in range(1000):
        tracked: Tracked[str] = Tracked(key, readable_at=0.0, ends_at=900.0)
        endings.file(tracked, counts=True)
        endings.file(tracked, counts=False)

    assert sum(map(len, endings._slices.values())) < 20
