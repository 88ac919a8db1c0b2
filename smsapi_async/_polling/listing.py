"""Sweeps of a provider's list: when the next begins, which pages it asks, and what was learnt of the list.

One page answers for as many orders as it has rows. A sweep walks the list, newest first, as far down as orders are
waited for. How many rows a page may have the first pages tell; then the rest is asked at the same time. A list that
fails is asked more rarely, and never given up.

Pure: nothing here sends, sleeps or reads a clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from math import ceil, inf
from typing import Generic, TypeAlias, TypeVar

import attrs

from .._errors import ProviderUnavailableError, RateLimitError, RefusedError, SmsApiError
from .tracked import Snapshot, Tracked, rhythm

S = TypeVar("S")

MOST_ROWS = 1000
"""Asked for in one page; whether the provider caps it is documented nowhere, so the first page tells."""

FIRST_ROWS = 100
WORTH_A_PAGE = 3
"""Orders for which one page more is asked; fewer are looked at one by one."""

MANY = 50
"""From so many waits on a sweep follows the other; with fewer, none comes sooner than half the youngest's own look."""

LONGEST_PERIOD = 15.0
DISTRUST = 60.0
"""Seconds for which a list that showed something too late puts no look off."""

LAG_ALLOWED = 1.5
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 8.0
LONGEST_PAUSE_OF_USELESS = 600.0
"""Seconds between sweeps that fail, and between those that show nothing: a list that is empty, or without messages."""


@attrs.define
class Page(Generic[S]):
    """What one page of a list showed.

    Attributes:
        rows: how many rows it had.
        lowest: the lowest key among them; inf of an empty page.
        at: when it was asked, in seconds of the loop's clock.
        last: how many rows down the last awaited one stood; 0 when none did.
        snapshots: awaited orders with messages not seen before, their codes in them; and those seen for the first time.
        quiet: awaited orders of which nothing is new.
        unsure: awaited orders of which something is new that a row cannot prove.
        whole: it is the whole list, so that what it lacks needs a look.
    """

    rows: int
    lowest: float
    at: float
    last: int = 0
    snapshots: list[tuple[Tracked[S], Snapshot[S]]] = attrs.field(factory=list)
    quiet: list[Tracked[S]] = attrs.field(factory=list)
    unsure: list[Tracked[S]] = attrs.field(factory=list)
    whole: bool = False

    @property
    def found(self) -> int:
        return len(self.snapshots) + len(self.quiet) + len(self.unsure)


@attrs.define(eq=False)
class Sweep:
    """One walk down the list.

    Attributes:
        came: whether any of its pages came; trouble: whether any did not.
        whole_pages: whether it is known how many rows a page has, so that several can be asked at the same time.
    """

    began: float
    under_way: int = 0
    pages: int = 0
    found: int = 0
    rows: int = 0
    last: int = 0
    lowest: float = inf
    came: bool = False
    whole_pages: bool = False
    ended: bool = False
    trouble: bool = False


@attrs.frozen(eq=False)
class Ask:
    """The job of asking for one page."""

    sweep: Sweep
    offset: int
    limit: int


Known: TypeAlias = "Callable[[int], Tracked[S] | None]"
"""Who is awaited under this key, None for nobody."""
ReadPage: TypeAlias = "Callable[[int, int, Known[S]], Awaitable[Page[S]]]"
"""offset, limit, the awaited -> the page."""


@attrs.frozen
class Waiting(Generic[S]):
    """How many orders are awaited, and which, so far as they are not over: to gather these takes a while."""

    count: int
    watches: Callable[[], list[Tracked[S]]]


class Listing(Generic[S]):
    """The sweeps: when the next begins, which pages it asks, and what was learnt of the list.

    Args:
        read: asks for one page.
        least: how many must wait before a list is asked at all.
        every: seconds between two sweeps, at least.
    """

    def __init__(self, read: ReadPage[S], *, least: float, every: float) -> None:
        self.read: ReadPage[S] = read
        self.least: float = least
        self.next_at: float = -inf
        self.asks: deque[Ask] = deque()
        self._every = every
        self._most = MOST_ROWS
        self._needed = 0
        self._failures = 0
        self._trusted_from = -inf

    def is_trusted(self, now: float) -> bool:
        """Whether it may stand for looks."""
        return now >= self._trusted_from

    def begin(self, waiting: int, now: float) -> None:
        """Begin a sweep for so many orders."""
        self.next_at = inf
        sweep = Sweep(now)
        rows = self._needed + self._needed // 20 + 20 if self._needed else max(FIRST_ROWS, 2 * waiting)
        limit = min(self._most, rows)
        self._ask(sweep, 0, limit, ceil(rows / limit) if self._needed else 1)

    def answered(self, ask: Ask, page: Page[S], waiting: Waiting[S], now: float) -> None:
        """A page came: ask for the next ones if they are worth it, or end the sweep."""
        sweep = ask.sweep
        sweep.came = True
        sweep.found += page.found
        goes_on = page.lowest < sweep.lowest  # else its rows are those of the page before, moved down by new ones
        sweep.lowest = min(sweep.lowest, page.lowest)
        sweep.rows = max(sweep.rows, ask.offset + page.rows)
        sweep.last = max(sweep.last, ask.offset + page.last if page.last else 0)
        sweep.ended = sweep.ended or page.whole or not page.rows
        if goes_on and 0 < ask.offset < ask.limit:
            self._most = ask.offset  # the page before it was short, and not the last: so many rows a page has
        sweep.whole_pages = sweep.whole_pages or page.rows == ask.limit or (goes_on and ask.offset > 0)
        self._over(sweep, waiting, now)

    def failed(self, ask: Ask, error: SmsApiError | None, waiting: Waiting[S], now: float) -> None:
        """A page did not come."""
        if isinstance(error, RefusedError) and not isinstance(error, (RateLimitError, ProviderUnavailableError)):
            self._most = min(self._most, max(FIRST_ROWS, self._most // 4))  # perhaps it was too long a page
        ask.sweep.trouble = True
        self._over(ask.sweep, waiting, now)

    def distrust(self, now: float) -> None:
        """It showed something too late: for a while it puts no look off."""
        self._trusted_from = now + DISTRUST

    def _ask(self, sweep: Sweep, offset: int, limit: int, pages: int) -> None:
        sweep.under_way += pages
        sweep.pages += pages
        self.asks.extend(Ask(sweep, offset + number * limit, limit) for number in range(pages))

    def _over(self, sweep: Sweep, waiting: Waiting[S], now: float) -> None:
        sweep.under_way -= 1
        if sweep.under_way:
            return
        unseen = [] if sweep.found >= waiting.count and not sweep.trouble else waiting.watches()
        below = sum(watch.key < sweep.lowest for watch in unseen)
        worth = below >= WORTH_A_PAGE and sweep.pages < waiting.count and sweep.rows - sweep.last < MOST_ROWS
        if worth and not sweep.ended and not sweep.trouble:
            limit = min(self._most, max(sweep.rows, FIRST_ROWS))
            self._ask(sweep, sweep.rows, limit, ceil(below / limit) if sweep.whole_pages else 1)
        elif sweep.found:
            self._learn(sweep, unseen, now)
            self.next_at = max(now, sweep.began + self._period(waiting, now))
        else:
            self._failures += 1
            longest = LONGEST_PAUSE_OF_USELESS if sweep.came else LONGEST_PAUSE
            self.next_at = now + min(longest, FIRST_PAUSE * 2.0 ** min(self._failures, 10))

    def _learn(self, sweep: Sweep, unseen: list[Tracked[S]], now: float) -> None:
        self._failures = 0
        self._needed = max(sweep.last, self._needed if sweep.trouble else 0)
        missing = (watch for watch in unseen if sweep.lowest < watch.key and not watch.shown)
        if not sweep.trouble and any(LAG_ALLOWED < sweep.began - watch.bought_at < DISTRUST for watch in missing):
            self.distrust(now)

    def _period(self, waiting: Waiting[S], now: float) -> float:
        if waiting.count >= MANY:
            return self._every
        youngest = max((watch.born_at for watch in waiting.watches() if watch.born_at < inf), default=now)
        return max(self._every, min(LONGEST_PERIOD, rhythm(now - youngest, 0.5) / 2))
