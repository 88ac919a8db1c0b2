"""Waits on orders that are made up, with and without a list. No provider, no HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf

import anyio

from smsapi_async import Sms
from smsapi_async._polling.listing import Known, Listing, Page
from smsapi_async._polling.poller import TURNS, Poller
from smsapi_async._polling.tracked import Phase, Snapshot, Waiter
from tests.support.desk import Account, no_list


class Fake:
    """An order that gets its SMS at a moment of the loop's clock; a look at it takes some time, or fails."""

    def __init__(self, arrives: float = inf, *, takes: float = 0.1, ends_at: float = inf) -> None:
        self.arrives = arrives
        self.takes = takes
        self.troubles: list[Exception] = []
        self.looks: list[float] = []
        self.at_once = 0
        self.ends_at = ends_at

    async def look(self) -> Snapshot[str]:
        at = anyio.current_time()
        self.looks.append(at)
        self.at_once += 1
        try:
            assert self.at_once == 1, "it is asked about twice at once"
            await anyio.sleep(self.takes)
        finally:
            self.at_once -= 1
        if self.troubles:
            raise self.troubles.pop(0)
        return self.shown(at)

    def shown(self, at: float) -> Snapshot[str]:
        sms = (Sms(text="code", code="1234"),) if self.arrives <= anyio.current_time() else ()
        ends_at = None if self.ends_at == inf else self.ends_at
        return Snapshot(subject="order", sms=sms, phase=Phase.OPEN, at=at, ends_at=ends_at)


def poller_of(orders: Mapping[int, Fake] | Sequence[Fake], turns: int = TURNS) -> Poller[str]:
    """The waits for these orders, each under its key. No list is asked."""
    return Poller(no_list(), lambda tracked: orders[tracked.key].look(), Account(), turns=turns)


class Listed:
    """A provider with a list that shows its orders without messages."""

    def __init__(self, orders: Mapping[int, Fake], *, takes: float = 0.1, trusted: bool = True) -> None:
        self.orders = orders
        self.takes = takes
        self.troubles: list[Exception] = []
        self.pages: list[float] = []
        self.account = Account(earned=trusted)
        listing: Listing[str] = Listing(self.page, least=2, every=1.0)
        self.poller: Poller[str] = Poller(listing, lambda tracked: orders[tracked.key].look(), self.account)

    async def page(self, _offset: int, _limit: int, known: Known[str]) -> Page[str]:
        at = anyio.current_time()
        self.pages.append(at)
        await anyio.sleep(self.takes)
        if self.troubles:
            raise self.troubles.pop(0)
        page: Page[str] = Page(rows=len(self.orders), lowest=0, at=at, last=len(self.orders))
        for key, order in self.orders.items():
            tracked = known.tracked(key)
            if tracked is not None and tracked.waiters:
                new = not tracked.is_seen() or order.arrives <= at
                page.snapshots.append((tracked, order.shown(at))) if new else page.quiet.append(tracked)
        return page


async def found(poller: Poller[str], key: int, timeout: float = inf) -> float:
    """Wait as the houses do. Return the time at which the code was found, or -1 after a timeout."""
    now = anyio.current_time()
    waiter = Waiter(poller.record(key, now), now + timeout)
    poller.join(waiter, now)
    try:
        while True:
            await poller.news(waiter)
            if waiter.tracked.sms:
                return anyio.current_time()
            if waiter.timed_out():
                return -1.0
    finally:
        poller.leave(waiter, anyio.current_time())


async def all_found(poller: Poller[str], keys: Iterable[int]) -> list[float]:
    """Wait for all of these orders side by side. Return the times at which their codes were found."""
    ends: list[float] = []

    async def wait(key: int) -> None:
        ends.append(await found(poller, key))

    async with anyio.create_task_group() as group:
        for key in keys:
            group.start_soon(wait, key)
    return ends


def is_idle(poller: Poller[str]) -> bool:
    """Return True if nothing is left of any wait."""
    queue = poller._agenda.queue
    return not (len(poller.registry) or queue.awaited or queue.spares or poller._turns or poller._idle.leader)
