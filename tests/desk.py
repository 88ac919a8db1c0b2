"""A schedule on a desk: its jobs are taken and answered by hand, at times the test names. No loop, no provider."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from smsapi_async import OutcomeUnknownError, Sms
from smsapi_async._polling.listing import Ask, Listing, Page
from smsapi_async._polling.queue import Job, Look, LookQueue
from smsapi_async._polling.tracked import Phase, Snapshot, Tracked, Waiter

CODE = Sms(text="code 1234", code="1234")
UNREADABLE = OutcomeUnknownError("lost")


async def never(*_: object) -> Page[str]:
    raise AssertionError("nothing is sent here")


def no_list() -> Listing[str]:
    """For whom looks at single orders are all there is."""
    return Listing(never, least=inf, every=inf)


async def chore() -> None:
    raise AssertionError("nothing is done here")


def seen(at: float, *sms: Sms, left: float | None = 900.0, news_age: float | None = None) -> Snapshot[str]:
    return Snapshot(subject="", sms=sms, phase=Phase.OPEN, left=left, age=None, at=at, news_age=news_age)


class Desk:
    """A schedule, and what the turns do with it."""

    def __init__(self, *, least: float = 5, every: float = 1.0) -> None:
        self.listing: Listing[str] = Listing(never, least=least, every=every)
        self.schedule: LookQueue[str] = LookQueue(self.listing)
        self.passed: list[Tracked[str]] = []

    def wait(self, key: int, now: float = 0.0, *, left: float = 900.0, bought: bool = True) -> Tracked[str]:
        """Somebody begins to wait for an order that was bought just now, or of which nothing is known."""
        watch: Tracked[str] = Tracked(key, readable_at=now)
        if bought:
            watch.note(seen(now, left=left))
            watch.bought_at = now
        self.schedule.watches[key] = watch
        watch.waiters += (Waiter(watch),)
        self.schedule.joined(watch, now)
        return watch

    def leave(self, watch: Tracked[str]) -> None:
        watch.waiters = ()
        self.schedule.left(watch)

    def jobs(self, now: float, *, spare: bool = True) -> list[Job[str]]:
        """Everything that is due then."""
        self.passed = self.schedule.advance(now)
        jobs = []
        while (job := self.schedule.take(now, spare=spare, chores=spare)) is not None:
            jobs.append(job)
        self.schedule.guard_ends()
        return jobs

    def looks(self, now: float) -> list[int]:
        return [job.watch.key for job in self.jobs(now, spare=False) if isinstance(job, Look)]

    def asks(self, now: float) -> list[Ask]:
        self.schedule.advance(now)
        asks = list(self.listing.asks)
        self.listing.asks.clear()
        return asks

    def looked(self, watch: Tracked[str], snapshot: Snapshot[str], now: float) -> None:
        """A look that began at that time brought this."""
        self.schedule.looked(watch, snapshot, now)
        watch.looked_at, watch.looking = now, False
        self.schedule.plan(watch, watch.next_look_at(now))

    def answer(self, ask: Ask, keys: Sequence[int], now: float, *, unsure: Sequence[int] = ()) -> None:
        """The page came, and showed these rows, of which nothing is new."""
        page: Page[str] = Page(rows=len(keys), lowest=min(keys, default=inf), at=now)
        for position, key in enumerate(keys):
            watch = self.schedule.watches.get(key)
            if watch is None:
                continue
            page.last = position + 1
            if key in unsure:
                page.unsure.append(watch)
            elif not watch.is_seen():
                page.snapshots.append((watch, seen(now)))
            else:
                page.quiet.append(watch)
        self.schedule.page_came(ask, page, now)

    def sweep(self, now: float, listed: Sequence[int], *, cap: int = 1000) -> list[tuple[int, int]]:
        """One walk down the list; the offset and limit of each page."""
        asked = []
        self.schedule.advance(now)
        while self.listing.asks:
            ask = self.listing.asks.popleft()
            asked.append((ask.offset, ask.limit))
            self.answer(ask, listed[ask.offset : ask.offset + min(ask.limit, cap)], now)
        return asked


def newest_first(count: int) -> list[int]:
    return list(range(count, 0, -1))
