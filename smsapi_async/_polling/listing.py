"""Sweeps of a provider's list: when the next one begins, which pages it asks for, and what was learned about the list.

One page answers for as many orders as it has rows. A sweep walks down the list, newest first, as far as orders are
awaited. The first pages show how many rows a page may have; the other pages are then asked for at the same time. A list
that fails is asked less often, but is never given up.

Pure: nothing here sends, sleeps or reads a clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Container
from math import ceil, inf
from typing import Generic, TypeAlias, TypeVar

import attrs

from .._errors import ProviderUnavailableError, RateLimitError, RefusedError, SmsApiError
from .tracked import Snapshot, Tracked, rhythm

S = TypeVar("S")

MOST_ROWS = 1000
"""Rows asked for in one page. No document says whether the provider caps this number, so the first page shows it."""

FIRST_ROWS = 100
WORTH_A_PAGE = 3
"""Orders for which one more page is asked for. Fewer orders are looked at one by one."""

MANY = 50
"""From this many waits on, one sweep follows the other. With fewer waits, no sweep comes sooner than half the interval
between looks at the youngest order."""

SILENT = 10
BLIND_PAGE = 0.2
"""Seconds between sweeps for each page of a sweep, after `SILENT` sweeps without a message. This holds while the list
is not trusted, because single looks need most of the pace then."""

LONGEST_PERIOD = 15.0
NEW_FOR = 60.0
ROW_LAG = 1.5
"""Seconds. A list that lacks an order of an age between `ROW_LAG` and `NEW_FOR` is late. A list that lacks an older
order does not hold it."""

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 8.0
LONGEST_PAUSE_OF_USELESS = 600.0
"""Longest pauses in seconds: between sweeps that fail, and between sweeps that show no awaited order."""


@attrs.define
class Page(Generic[S]):
    """One page of a list, as it was read.

    Attributes:
        rows: the number of rows.
        lowest: the lowest key among the rows; inf for an empty page.
        at: when the page was asked for, in seconds of the loop's clock.
        last: the position of the last awaited row, counted from 1; 0 if there is none.
        snapshots: awaited orders with new messages, including their codes, and orders that are seen for the first time.
        quiet: awaited orders without news.
        unsure: awaited orders with news that a row cannot prove.
        fewer: awaited orders that had more messages before.
        counted: the key and the number of messages of each row whose order looks had shown.
        whole: whether the page is the whole list. An order that a whole list lacks needs a look.
    """

    rows: int
    lowest: float
    at: float
    last: int = 0
    snapshots: list[tuple[Tracked[S], Snapshot[S]]] = attrs.field(factory=list)
    quiet: list[Tracked[S]] = attrs.field(factory=list)
    unsure: list[Tracked[S]] = attrs.field(factory=list)
    fewer: list[Tracked[S]] = attrs.field(factory=list)
    counted: list[tuple[int, int]] = attrs.field(factory=list)
    whole: bool = False

    @property
    def found(self) -> int:
        return len(self.snapshots) + len(self.quiet) + len(self.unsure)


@attrs.define(eq=False)
class Sweep:
    """One walk down the list.

    Attributes:
        came: whether any of its pages came.
        trouble: whether any of its pages failed.
        messages: whether it showed a message.
        whole_pages: whether the number of rows in a page is known, so that several pages can be asked for at the same
            time.
    """

    began: float
    under_way: int = 0
    pages: int = 0
    found: int = 0
    rows: int = 0
    last: int = 0
    lowest: float = inf
    came: bool = False
    messages: bool = False
    whole_pages: bool = False
    ended: bool = False
    trouble: bool = False


@attrs.frozen(eq=False)
class Ask:
    """The job of asking for one page."""

    sweep: Sweep
    offset: int
    limit: int


@attrs.frozen
class Known(Generic[S]):
    """The context for reading a page.

    Attributes:
        tracked: returns the record of a key, or None for an unknown key.
        expected: the keys of orders whose messages looks had shown.
    """

    tracked: Callable[[int], Tracked[S] | None]
    expected: Container[int]


ReadPage: TypeAlias = "Callable[[int, int, Known[S]], Awaitable[Page[S]]]"
"""Takes the offset, the limit and what is known; returns the page."""


@attrs.frozen
class Waiting(Generic[S]):
    """The orders that a sweep is for.

    Attributes:
        count: the number of awaited orders.
        orders: returns those that are not over. Collecting them takes a while.
        trusted: whether the list spares looks at them.
    """

    count: int
    orders: Callable[[], list[Tracked[S]]]
    trusted: bool


class Listing(Generic[S]):
    """The sweeps: when the next one begins, which pages it asks for, and what was learned about the list.

    Args:
        read: asks for one page.
        least: how many orders must wait before the list is asked at all.
        every: the least seconds between two sweeps.
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
        self._silent = 0

    def begin(self, waiting: int, now: float) -> None:
        """Begin a sweep for that many orders."""
        self.next_at = inf
        sweep = Sweep(now)
        rows = self._needed + self._needed // 20 + 20 if self._needed else max(FIRST_ROWS, 2 * waiting)
        limit = min(self._most, rows)
        self._ask(sweep, 0, limit, ceil(rows / limit) if self._needed else 1)

    def answered(self, ask: Ask, page: Page[S], waiting: Waiting[S], now: float) -> bool:
        """Process a page: ask for the next pages if they are worth it, otherwise end the sweep.

        Return True if the list is late.
        """
        sweep = ask.sweep
        sweep.came = True
        sweep.found += page.found
        sweep.messages = sweep.messages or any(snapshot.sms for _, snapshot in page.snapshots)
        goes_on = page.lowest < sweep.lowest  # otherwise its rows are the previous page's, moved down by new ones
        sweep.lowest = min(sweep.lowest, page.lowest)
        sweep.rows = max(sweep.rows, ask.offset + page.rows)
        sweep.last = max(sweep.last, ask.offset + page.last if page.last else 0)
        sweep.ended = sweep.ended or page.whole or not page.rows
        if goes_on and 0 < ask.offset < ask.limit:
            self._most = ask.offset  # the page before it was short and not the last, so a page has this many rows
        sweep.whole_pages = sweep.whole_pages or page.rows == ask.limit or (goes_on and ask.offset > 0)
        return self._over(sweep, waiting, now)

    def failed(self, ask: Ask, error: SmsApiError | None, waiting: Waiting[S], now: float) -> None:
        """Process a failed page. It may hold what the sweep lacks, so the sweep no longer proves that the list is
        late."""
        if isinstance(error, RefusedError) and not isinstance(error, (RateLimitError, ProviderUnavailableError)):
            self._most = min(self._most, max(FIRST_ROWS, self._most // 4))  # perhaps the page was too long
        ask.sweep.trouble = True
        self._over(ask.sweep, waiting, now)

    def _ask(self, sweep: Sweep, offset: int, limit: int, pages: int) -> None:
        sweep.under_way += pages
        sweep.pages += pages
        self.asks.extend(Ask(sweep, offset + number * limit, limit) for number in range(pages))

    def _over(self, sweep: Sweep, waiting: Waiting[S], now: float) -> bool:
        sweep.under_way -= 1
        if sweep.under_way:
            return False
        unseen = [] if sweep.found >= waiting.count and not sweep.trouble else waiting.orders()
        below = sum(tracked.key < sweep.lowest for tracked in unseen)
        worth = below >= WORTH_A_PAGE and sweep.pages < waiting.count and sweep.rows - sweep.last < MOST_ROWS
        if worth and not sweep.ended and not sweep.trouble:
            limit = min(self._most, max(sweep.rows, FIRST_ROWS))
            self._ask(sweep, sweep.rows, limit, ceil(below / limit) if sweep.whole_pages else 1)
        elif sweep.found:
            late = self._learn(sweep, unseen)
            self.next_at = max(now, sweep.began + self._period(sweep, waiting, now))
            return late
        else:
            self._failures += 1
            longest = LONGEST_PAUSE_OF_USELESS if sweep.came else LONGEST_PAUSE
            self.next_at = now + min(longest, FIRST_PAUSE * 2.0 ** min(self._failures, 10))
        return False

    def _learn(self, sweep: Sweep, unseen: list[Tracked[S]]) -> bool:
        self._failures = 0
        self._silent = 0 if sweep.messages else self._silent + 1
        self._needed = max(sweep.last, self._needed if sweep.trouble else 0)
        missing = (tracked for tracked in unseen if sweep.lowest < tracked.key and not tracked.shown)
        return not sweep.trouble and any(ROW_LAG < sweep.began - tracked.bought_at < NEW_FOR for tracked in missing)

    def _period(self, sweep: Sweep, waiting: Waiting[S], now: float) -> float:
        if waiting.count >= MANY:
            blind = not waiting.trusted and self._silent > SILENT
            return max(self._every, BLIND_PAGE * sweep.pages) if blind else self._every
        youngest = max((tracked.born_at for tracked in waiting.orders() if tracked.born_at < inf), default=now)
        return max(self._every, min(LONGEST_PERIOD, rhythm(now - youngest, 0.5) / 2))
