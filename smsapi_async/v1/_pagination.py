"""The provider's lists, walked page by page, newest first. Each row comes once, although new rows push old ones down.

`Total` is never trusted (3 with one row, 999999 with five). The length of a page is not trusted either: the first page
shows how long pages are. A reversed list may come empty although `Total` is not 0, or come oldest first. Such a list is
read forward to its end.

Rows without a readable id are left out, but they count for the length of a page.

A walk always ends. It stops where pages bring nothing new, and it raises an error beyond a number of pages and rows
that no account has.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

import attrs

from .._errors import UnreadableReplyError
from .._sending import Call, Reply
from ._lifecycle import is_open
from ._models import Order, Page
from ._wire import Category, call, read_page

PAGE_SIZE = 100

REPEATED = 2
"""Repeats of one page after which the provider counts as one that ignores the offset. One repeat is no proof: a page of
new rows pushes the page just read to exactly where the next one is asked for."""

STALE = 100
"""Pages in succession without a new row. No account buys a hundred pages of orders while we ask for a hundred pages."""

MOST_PAGES = 10_000
MOST_ROWS = 1_000_000
"""Bounds of one walk. At 50 requests a second this many pages take three minutes; this many ids take 100 MB."""


class Row(Protocol):
    """The fields that every row has."""

    @property
    def id(self) -> int: ...

    @property
    def created_at(self) -> datetime | None: ...


R = TypeVar("R", bound=Row)


@attrs.frozen
class Listing(Generic[R]):
    """A page, and the provider's clock when the page was asked for."""

    page: Page[R]
    date: datetime
    at: float


Fetch = Callable[[int, bool], Awaitable[Listing[R]]]
"""Takes the offset and whether to reverse; returns the page."""


def listing(
    path: str, model: type[R], offset: int, *, reverse: bool, category: Category | None = None
) -> Call[Listing[R]]:
    """The call for one page. The provider knows only the lower-case words true and false."""
    paging = (("limit", str(PAGE_SIZE)), ("offset", str(offset)), ("order", "id"), ("reverse", str(reverse).lower()))
    query = paging if category is None else (("category", category), *paging)
    asked = call(path.removeprefix("user/").replace("/", "_"), path, read_page(model), query=query)

    def read(reply: Reply) -> Listing[R]:
        return Listing(asked.read(reply), reply.date or datetime.now(UTC), reply.arrived_at)

    return asked.reading(read)


class Rows(Generic[R]):
    """An async iterator over the rows of a list, newest first. It asks for a page only when the page is needed.

    Attributes:
        unread: the number of rows so far that were left out because they had no readable id.
    """

    def __init__(self, fetch: Fetch[R], *, call: str = "v1.orders", max_age: timedelta | None = None) -> None:
        self.unread: int = 0
        self._call = call
        self._fetch = fetch
        self._pages = 0
        self._rows = 0
        self._stale = 0
        self._max_age = max_age
        self._seen: set[int] = set()
        self._ready: list[R] = []
        self._offset = 0
        self._page_size = 1
        self._last_page: tuple[int, ...] = ()
        self._repeated = 0
        self._done = False

    def __aiter__(self) -> Rows[R]:
        return self

    async def __anext__(self) -> R:
        while not self._ready:
            if self._done:
                raise StopAsyncIteration
            await self._ask()
        return self._ready.pop()

    async def _ask(self) -> None:
        listed = await self._page(self._offset, reverse=True)
        page = listed.page
        if not self._offset and _is_not_reversed(page):
            self._done = True
            page = await self._forward()
        self._take(page, listed.date)

    async def _page(self, offset: int, *, reverse: bool) -> Listing[R]:
        if self._pages >= MOST_PAGES or self._rows >= MOST_ROWS:
            what = f"the list has no end: {self._rows:,} rows on {self._pages:,} pages"
            raise UnreadableReplyError(what, call=self._call)
        listed = await self._fetch(offset, reverse)
        self._pages += 1
        self._rows += _length(listed.page)
        return listed

    async def _forward(self) -> Page[R]:
        """Read the whole list of a provider that gives it only oldest first."""
        rows: dict[int, R] = {}
        unread = offset = stale = 0
        while stale < REPEATED:
            page = (await self._page(offset, reverse=False)).page
            if not _length(page):
                break
            stale = 0 if any(row.id not in rows for row in page.items) else stale + 1
            rows.update({row.id: row for row in page.items})
            unread += page.unread
            offset += _length(page)
        return Page(items=tuple(reversed(rows.values())), unread=unread)

    def _take(self, page: Page[R], date: datetime) -> None:
        rows, length = page.items, _length(page)
        ids = tuple(row.id for row in rows)
        if not self._offset:
            self._page_size = max(1, length)
        self._repeated = self._repeated + 1 if ids == self._last_page else 0
        self._ready = [row for row in reversed(rows) if row.id not in self._seen]
        self._stale = 0 if self._ready else self._stale + 1
        ignored = self._repeated == REPEATED or self._stale == STALE
        self._done = self._done or length < self._page_size or ignored or self._too_old(rows, date)
        self._last_page = ids
        self._offset += length
        self.unread += page.unread
        self._seen.update(ids)

    def _too_old(self, rows: Sequence[R], date: datetime) -> bool:
        """Return True if all rows of a page are older than asked for. A page without rows proves nothing."""
        limit = self._max_age
        if limit is None or not rows:
            return False
        return all(row.created_at is not None and date - row.created_at > limit for row in rows)


def _is_not_reversed(page: Page[Any]) -> bool:
    """Return True if the first page shows that the provider does not know `reverse`."""
    ids = [row.id for row in page.items]
    return page.total != 0 if not _length(page) else len(ids) > 1 and ids == sorted(ids)


def _length(page: Page[R]) -> int:
    """The number of rows that the provider sent."""
    return len(page.items) + page.unread


class OpenOrders:
    """An async iterator over the open orders of several categories."""

    def __init__(self, lists: Sequence[Rows[Order]]) -> None:
        self._lists = list(lists)

    def __aiter__(self) -> OpenOrders:
        return self

    async def __anext__(self) -> Order:
        while self._lists:
            async for order in self._lists[0]:
                if is_open(order):
                    return order
            self._lists.pop(0)
        raise StopAsyncIteration
