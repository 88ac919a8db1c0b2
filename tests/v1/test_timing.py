"""When an order ends: by the loop's own clock if it was bought here, else by the provider's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs
import pytest

from smsapi_async import Sms
from smsapi_async._polling import UNKNOWN_LIFE, Phase
from smsapi_async._sending import Clock
from smsapi_async.v1 import Order
from smsapi_async.v1._glance import Timing

BOUGHT = datetime(2026, 1, 1, 12, tzinfo=UTC)
ENDS = BOUGHT + timedelta(minutes=15)
ORDER = Order(id=1, created_at=BOUGHT, expires_at=ENDS, status="PENDING")


@attrs.frozen
class Purchase:
    order: Order
    sent_at: float


def timing(bought: Purchase | None = None, date: datetime | None = None, *, at: float = 0.0) -> Timing:
    """A provider whose Date was so at that moment."""
    clock = Clock()
    clock.note(date, at)
    return Timing(clock, lambda _: bought)


def after(seconds: float) -> datetime:
    return BOUGHT + timedelta(seconds=seconds)


@pytest.mark.parametrize("date", [None, after(300), after(-60), after(10**8)])
def test_an_order_bought_here_ends_its_span_after_its_purchase_was_sent(date: datetime | None) -> None:
    """No Date is needed: one that is minutes off would lose the refund, or end the wait early."""
    seen = timing(Purchase(ORDER, 7.0), date, at=50.0).snapshot(ORDER, 50.0)

    assert (seen.ends_at, seen.sure, seen.bought_at) == (907.0, True, 7.0)
    assert (seen.at, seen.phase, seen.subject) == (50.0, Phase.OPEN, ORDER)


def test_its_end_moves_with_its_expiry_alone() -> None:
    """The provider may prolong an order."""
    longer = attrs.evolve(ORDER, expires_at=ENDS + timedelta(seconds=60))

    assert timing(Purchase(ORDER, 7.0)).snapshot(longer, 50.0).ends_at == 967.0


@pytest.mark.parametrize("bought", [attrs.evolve(ORDER, expires_at=None), attrs.evolve(ORDER, created_at=None)])
def test_a_purchase_without_times_takes_them_from_a_later_answer(bought: Order) -> None:
    """A field that cannot be read costs that field only."""
    times = timing(Purchase(bought, 7.0))

    assert times.snapshot(bought, 7.0).ends_at == 7.0 + UNKNOWN_LIFE
    assert times.snapshot(ORDER, 50.0).ends_at == 907.0


TIMES = [
    pytest.param(ORDER, after(60), (940.0, True, 40.0), id="the provider's clock counts"),
    pytest.param(ORDER, after(-5), (1000.0, True, 100.0), id="no order lives longer than its span"),
    pytest.param(ORDER, after(-60), (1000.0, False, None), id="a clock before the purchase is none"),
    pytest.param(ORDER, after(9000), (1000.0, False, -8900.0), id="a clock past the end of an open order is none"),
    pytest.param(ORDER, None, (1000.0, False, None), id="without a clock the span is a guess"),
    pytest.param(attrs.evolve(ORDER, created_at=None), after(60), (940.0, True, None), id="an end is enough"),
    pytest.param(attrs.evolve(ORDER, expires_at=None), after(60), (1300.0, False, 40.0), id="twenty minutes"),
    pytest.param(attrs.evolve(ORDER, expires_at=after(-9)), None, (1300.0, False, None), id="an end before it began"),
    pytest.param(attrs.evolve(ORDER, expires_at=after(9000)), None, (1300.0, False, None), id="a span is no promise"),
]
"""order, Date, (end, whether it is sure, purchase): asked at second 100"""


@pytest.mark.parametrize(("order", "date", "expected"), TIMES)
def test_the_end_of_an_order_bought_elsewhere_is_read_from_the_answer(
    order: Order, date: datetime | None, expected: tuple[float, bool, float | None]
) -> None:
    """This machine's own calendar may be hours off; it is never asked."""
    seen = timing(date=date, at=100.0).snapshot(order, 100.0)

    assert (seen.ends_at, seen.sure, seen.bought_at) == expected


def test_the_age_of_a_message_needs_a_clock_that_was_measured() -> None:
    """Date and the times of messages come from two clocks: a late list would seem to be in time."""
    clock = Clock()
    clock.note(BOUGHT, 0.0)
    order = attrs.evolve(ORDER, sms=(Sms(created_at=after(20)),))
    assert Timing(clock, lambda _: None).snapshot(order, 30.0).news_age is None

    clock.bought(BOUGHT, None, 0.0)

    assert Timing(clock, lambda _: None).snapshot(order, 30.0).news_age == 10.0
    assert Timing(clock, lambda _: None).snapshot(attrs.evolve(order, sms=(Sms(),)), 30.0).news_age is None
