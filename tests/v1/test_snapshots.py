"""What an answer shows of an order's time: the provider's own clock, or the span that was sold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from smsapi_async._polling.tracked import Phase
from smsapi_async.v1 import Order
from smsapi_async.v1._glance import snapshot

BOUGHT = datetime(2026, 1, 1, 12, tzinfo=UTC)
ENDS = BOUGHT + timedelta(minutes=15)
Instant = datetime | None


def after(seconds: float) -> datetime:
    return BOUGHT + timedelta(seconds=seconds)


TIMES = [
    pytest.param((BOUGHT, ENDS, after(60), False), (60, 840), id="the provider's clock counts"),
    pytest.param((BOUGHT, ENDS, after(1), True), (1, 899), id="a fresh order too"),
    pytest.param((BOUGHT, ENDS, after(-3), False), (0, 903), id="a clock some seconds behind is the same clock"),
    pytest.param((BOUGHT, ENDS, after(-60), False), (None, None), id="a clock further behind is another"),
    pytest.param((BOUGHT, ENDS, after(-60), True), (None, 900), id="then the span that was sold counts"),
    pytest.param((BOUGHT, ENDS, after(9000), True), (9000, 900), id="a clock past the end of an open order is another"),
    pytest.param((BOUGHT, ENDS, after(9000), False), (9000, None), id="and of an order bought elsewhere tells no end"),
    pytest.param((BOUGHT, ENDS, None, True), (None, 900), id="without Date the span counts"),
    pytest.param((BOUGHT, ENDS, None, False), (None, None), id="without Date and purchase there is no end"),
    pytest.param((None, None, after(60), True), (None, None), id="an order without times has none"),
    pytest.param((None, ENDS, after(60), False), (None, 840), id="an end without a beginning is enough"),
    pytest.param((BOUGHT, after(-9), None, True), (None, None), id="an end before the beginning is none"),
    pytest.param((None, ENDS, None, True), (None, None), id="nor is one without Date and beginning"),
]
"""(created, expires, Date, fresh), (age, left)"""


@pytest.mark.parametrize(("answer", "expected"), TIMES)
def test_time_is_read_off_the_answer(
    answer: tuple[Instant, Instant, Instant, bool], expected: tuple[float | None, float | None]
) -> None:
    """This machine's clock may be hours off; it is never asked."""
    created, expires, date, fresh = answer
    order = Order(id=1, created_at=created, expires_at=expires, status="PENDING")

    seen = snapshot(order, date, 7.0, fresh=fresh)

    assert (seen.age, seen.left) == expected
    assert (seen.at, seen.phase, seen.subject) == (7.0, Phase.OPEN, order)
