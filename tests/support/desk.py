"""An agenda on a desk: its jobs are taken and answered by hand, at times the test names. No loop, no provider.

After each step the look queue must be sound.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf

import attrs

from smsapi_async import OutcomeUnknownError, Sms, SmsApiError
from smsapi_async._polling.agenda import Agenda, Chore, Job, Look
from smsapi_async._polling.coverage import Coverage
from smsapi_async._polling.listing import Ask, Listing, Page
from smsapi_async._polling.queue import LookQueue
from smsapi_async._polling.registry import Registry
from smsapi_async._polling.tracked import Phase, Snapshot, Tracked, Waiter

CODE = Sms(text="code 1234", code="1234")
UNREADABLE = OutcomeUnknownError("lost")


@attrs.define
class Account:
    """An account's knowledge of its list."""

    earned: bool = False


async def never(*_: object) -> Page[str]:
    raise AssertionError("nothing is sent here")


def no_list() -> Listing[str]:
    """A list that is never asked: looks at single orders are all there is."""
    return Listing(never, least=inf, every=inf)


async def nothing() -> None:
    raise AssertionError("nothing is done here")


def chore() -> Chore:
    return Chore(nothing)


def seen(
    at: float,
    *sms: Sms,
    ends_at: float | None = 900.0,
    news_age: float | None = None,
    phase: Phase = Phase.OPEN,
    sure: bool = True,
    bought_at: float | None = None,
) -> Snapshot[str]:
    """The snapshot of an answer that was asked for then."""
    return Snapshot(
        subject="",
        sms=sms,
        phase=phase,
        at=at,
        ends_at=ends_at,
        sure=sure,
        news_age=news_age,
        bought_at=bought_at,
    )


class Desk:
    """An agenda, and what the turns do with it.

    Args:
        trusted: whether the list has earned trust before.
        pair: seconds that the last two requests of an order take.
    """

    def __init__(self, *, least: float = 5, every: float = 1.0, trusted: bool = True, pair: float = 0.0) -> None:
        self.account = Account(earned=trusted)
        self.pair = pair
        self.coverage: Coverage[str] = Coverage(self.account)
        self.registry: Registry[str] = Registry()
        self.listing: Listing[str] = Listing(never, least=least, every=every)
        self.agenda: Agenda[str] = Agenda(self.registry, self.listing, self.coverage, lambda: self.pair)
        self.queue: LookQueue[str] = self.agenda.queue
        self.passed: list[Tracked[str]] = []

    def check(self) -> None:
        self.queue.check(self.registry)

    # -- waits ------------------------------------------------------------------------------------------------------

    def wait(
        self, key: int, now: float = 0.0, *, left: float = 900.0, bought: bool = True, deadline: float = inf
    ) -> Tracked[str]:
        """A wait begins, for an order that was bought just now or of which nothing is known."""
        tracked = self._new(key, now, left=left, bought=bought)
        return self.join(tracked, now, deadline)

    def _new(self, key: int, now: float, *, left: float = 900.0, bought: bool = True) -> Tracked[str]:
        tracked: Tracked[str] = Tracked(key, readable_at=now)
        if bought:
            tracked.note(seen(now, ends_at=now + left))
            tracked.bought_at = now
        return tracked

    def waits(self, keys: Iterable[int], now: float = 0.0, *, left: float = 900.0) -> list[Tracked[str]]:
        """A wait begins for each of these orders, which were bought just now."""
        orders = [self._join(self._new(key, now, left=left), now, inf) for key in keys]
        self.check()
        return orders

    def join(self, tracked: Tracked[str], now: float, deadline: float = inf) -> Tracked[str]:
        """One more wait begins."""
        tracked = self._join(tracked, now, deadline)
        self.check()
        return tracked

    def _join(self, tracked: Tracked[str], now: float, deadline: float) -> Tracked[str]:
        tracked = self.registry.enter(tracked)
        tracked.waiters += (Waiter(tracked, deadline),)
        self.queue.joined(tracked, now)
        return tracked

    def leave(self, tracked: Tracked[str]) -> None:
        """The oldest wait for the order ends."""
        tracked.waiters = tracked.waiters[1:]
        self.queue.left(tracked)
        self.registry.forget(tracked)
        self.check()

    def of(self, key: int) -> Tracked[str]:
        tracked = self.registry.get(key)
        assert tracked is not None
        return tracked

    # -- jobs -------------------------------------------------------------------------------------------------------

    def jobs(self, now: float, *, hand: bool = True) -> list[Job[str]]:
        """Take everything that is due then."""
        self.passed = self.agenda.advance(now)
        jobs = []
        while (job := self.agenda.take(now, turns=True, hand=hand, chores=hand)) is not None:
            jobs.append(job)
        self.queue.guard_moments(now)
        self.check()
        return jobs

    def looks(self, now: float) -> list[int]:
        """Take the looks that are due then, and no pages."""
        return [job.tracked.key for job in self.jobs(now, hand=False) if isinstance(job, Look)]

    def asks(self, now: float) -> list[Ask]:
        """Take the pages that are due then, and no looks."""
        self.agenda.advance(now)
        asks = list(self.listing.asks)
        self.listing.asks.clear()
        self.check()
        return asks

    # -- answers ----------------------------------------------------------------------------------------------------

    def looked(self, tracked: Tracked[str], snapshot: Snapshot[str], now: float | None = None) -> None:
        """A look that was taken brought this."""
        now = snapshot.at if now is None else now
        self.agenda.looked(tracked, snapshot, now)
        tracked.looked_at = snapshot.at
        self.queue.looked(tracked, tracked.next_look_at(now))
        self.check()

    def look_at_all(self, now: float) -> list[int]:
        """Take the looks that are due then; they bring nothing new."""
        keys = self.looks(now)
        for key in keys:
            self.looked(self.of(key), seen(now, *self.of(key).sms, ends_at=None))
        return keys

    def give_back(self, job: Job[str], now: float) -> None:
        self.agenda.give_back(job, now)
        self.check()

    def answer(self, ask: Ask, keys: Sequence[int], now: float, *, unsure: Sequence[int] = ()) -> None:
        """The page came, and showed these rows, of which nothing is new."""
        page: Page[str] = Page(rows=len(keys), lowest=min(keys, default=inf), at=now)
        for position, key in enumerate(keys):
            tracked = self.registry.get(key)
            if tracked is None:
                continue
            page.last = position + 1
            if key in unsure:
                page.unsure.append(tracked)
            elif not tracked.is_seen():
                page.snapshots.append((tracked, seen(now)))
            else:
                page.quiet.append(tracked)
        self.page_came(ask, page, now)

    def page_came(self, ask: Ask, page: Page[str], now: float) -> list[Tracked[str]]:
        news = self.agenda.page_came(ask, page, now)
        self.check()
        return news

    def page_failed(self, ask: Ask, error: SmsApiError | None, now: float) -> None:
        self.agenda.page_failed(ask, error, now)
        self.check()

    def sweep(self, now: float, listed: Sequence[int], *, cap: int = 1000) -> list[tuple[int, int]]:
        """One walk down the list. Return the offset and limit of each page."""
        asked = []
        self.agenda.advance(now)
        while self.listing.asks:
            ask = self.listing.asks.popleft()
            asked.append((ask.offset, ask.limit))
            self.answer(ask, listed[ask.offset : ask.offset + min(ask.limit, cap)], now)
        return asked


def newest_first(count: int) -> list[int]:
    return list(range(count, 0, -1))
