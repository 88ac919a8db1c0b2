"""A list that is late may earn trust by chance, and loses it again; a list in time earns and keeps it."""

from __future__ import annotations

import random
from statistics import median

import pytest

from smsapi_async import Sms
from smsapi_async._polling.listing import LONGEST_PERIOD, Page
from smsapi_async._polling.tracked import Tracked
from tests.support.desk import CODE, Desk, seen

pytestmark = pytest.mark.usefixtures("steady")


class Late:
    """Orders whose messages a list shows only after a while."""

    def __init__(self, by: float, *, dated: bool, seed: int, trusted: bool) -> None:
        chance = random.Random(seed)
        self.by = by
        self.dated = dated
        self.desk = Desk(trusted=trusted)
        self.desk.waits(range(50), left=4000.0)
        self.arrives = {key: chance.uniform(5.0, 300.0) for key in range(50)}
        self.found: dict[int, float] = {}
        self.trusted_for = 0.0

    def messages(self, key: int, at: float) -> tuple[Sms, ...]:
        return (CODE,) if self.arrives[key] <= at else ()

    def news_age(self, key: int, at: float, messages: tuple[Sms, ...]) -> float | None:
        return at - self.arrives[key] if self.dated and messages else None

    def sweep(self, now: float) -> None:
        for ask in self.desk.asks(now):
            page: Page[str] = Page(rows=50, lowest=0, at=now)
            for key in range(50):
                tracked, sms = self.desk.registry.get(key), self.messages(key, now - self.by)
                if key in self.desk.coverage.expected:
                    page.counted.append((key, len(sms)))
                if tracked is not None and len(sms) > len(tracked.sms):
                    age = self.news_age(key, now, sms)
                    page.snapshots.append((tracked, seen(now, *sms, ends_at=None, news_age=age)))
                elif tracked is not None:
                    page.quiet.append(tracked)
            for tracked in self.desk.page_came(ask, page, now):
                self.heed(tracked, now)

    def step(self, now: float) -> None:
        self.trusted_for += 0.5 * self.desk.coverage.trusted
        self.sweep(now)
        for key in self.desk.looks(now):
            tracked, sms = self.desk.of(key), self.messages(key, now)
            self.desk.looked(tracked, seen(now, *sms, ends_at=None, news_age=self.news_age(key, now, sms)))
            self.heed(tracked, now)

    def heed(self, tracked: Tracked[str], now: float) -> None:
        if tracked.sms and tracked.waiters:
            self.found[tracked.key] = now - self.arrives[tracked.key]
            self.desk.leave(tracked)


@pytest.mark.parametrize("dated", [True, False], ids=["dated", "undated"])
@pytest.mark.parametrize("trusted", [True, False], ids=["trusted", "new"])
@pytest.mark.parametrize("by", [30.0, 90.0, 400.0])
def test_a_list_that_is_late_never_stays_trusted(by: float, trusted: bool, dated: bool) -> None:
    """Every code would come as late as the list."""
    late = Late(by, dated=dated, seed=int(by), trusted=trusted)

    for half in range(2, 700):
        late.step(half / 2)

    assert len(late.found) == 50
    assert late.trusted_for <= (60.0 if trusted else 0.0)
    assert not late.desk.coverage.trusted
    assert sum(seconds > 27 for seconds in late.found.values()) <= (5 if trusted else 0)


def test_a_list_in_time_earns_trust_and_finds_every_code() -> None:
    """Thousands of looks are spared."""
    on_time = Late(0.0, dated=True, seed=1, trusted=False)

    for half in range(2, 700):
        on_time.step(half / 2)

    assert len(on_time.found) == 50
    assert on_time.trusted_for > 250
    assert max(on_time.found.values()) < 2 * LONGEST_PERIOD  # few waits are left by then
    assert median(on_time.found.values()) < 3
