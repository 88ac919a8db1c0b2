"""Waiting for codes of rented numbers. Such a wait never closes its number, and ends only when the number is gone."""

from __future__ import annotations

from datetime import tzinfo
from math import inf

import anyio

from .._codes import Pick, Seen
from .._errors import NotFoundError, RentClosedError, WaitTimeoutError
from .._polling import Known, Listing, Page, Phase, Poller, Snapshot, Tracked, Waiter
from .._sending import Call, Reply, Sender
from .._values import Sms
from ._calls import all_numbers, one_number
from ._models import RentedNumber

EVERY = 1.5
"""Seconds between two looks at all numbers, at least: one request answers for all, and one a second may leave."""


class Waits:
    """Every wait of one client for a rented number. A code is handed over once, also across waits."""

    def __init__(self, sender: Sender, zone: tzinfo) -> None:
        self.turns: Poller[RentedNumber] = Poller(Listing(self._page, least=2, every=EVERY), self._look, most=1)
        self._sender = sender
        self._zone = zone
        self._seen: dict[int, Seen] = {}

    def watch(self, tzid: int) -> Tracked[RentedNumber]:
        """The watch of the number."""
        return self.turns.watch(tzid, anyio.current_time())

    async def sms(self, tzid: int, pick: Pick, *, timeout: float | None) -> Sms:
        """The newest message with a code that this client has not handed over yet."""
        self._sender.check_loop()
        seen = self._seen.setdefault(tzid, Seen())
        now = anyio.current_time()
        waiter = Waiter(self.watch(tzid), inf if timeout is None else now + timeout)
        self.turns.join(waiter, now)
        try:
            with self._sender.under_way:
                sms = await self._find(waiter, pick, seen)
        except BaseException as error:
            self._sender.events.wait_ended("rent", tzid, now, error)
            raise
        finally:
            self.turns.leave(waiter, anyio.current_time())
        self._sender.events.wait_ended("rent", tzid, now)
        return sms

    async def next_message(self, watch: Tracked[RentedNumber], seen: Seen) -> Sms | None:
        """The oldest message not handed over yet; None once the number is gone."""
        self._sender.check_loop()
        self.turns.join(waiter := Waiter(watch), anyio.current_time())
        try:
            with self._sender.under_way:
                return await self._next(waiter, seen)
        except RentClosedError:
            return None
        finally:
            self.turns.leave(waiter, anyio.current_time())

    async def _look(self, watch: Tracked[RentedNumber]) -> Snapshot[RentedNumber]:
        return await self._sender.send(_look_at_one(watch.key, self._zone), once=True)

    async def _page(self, _offset: int, _limit: int, known: Known[RentedNumber]) -> Page[RentedNumber]:
        return await self._sender.send(_look_at_all(known, self._zone), once=True)

    async def _find(self, waiter: Waiter[RentedNumber], pick: Pick, seen: Seen) -> Sms:
        while True:
            number = await self._news(waiter)
            found = pick(seen.new(number.messages))
            if found is not None:
                seen.add(pick.wanted(number.messages))
                return found
            if waiter.timed_out() or waiter.watch.gone_dark():
                what = f"number {number.tzid} got no code in time"
                raise WaitTimeoutError(what, call="await_rent_code", number=number)

    async def _next(self, waiter: Waiter[RentedNumber], seen: Seen) -> Sms:
        while True:
            number = await self._news(waiter)
            sms = seen.take(number.messages)
            if sms is not None:
                return sms
            if waiter.watch.gone_dark():
                what = "nothing readable came for 30 minutes"
                raise WaitTimeoutError(what, call="rent_messages", number=number)

    async def _news(self, waiter: Waiter[RentedNumber]) -> RentedNumber:
        """The number as last seen, after a look; RentClosedError when two looks in a row did not find it."""
        try:
            await self.turns.news(waiter)
        except NotFoundError as gone:
            what = f"number {waiter.watch.key} is not active"
            raise RentClosedError(what, call="await_rent_code", number=waiter.watch.subject) from gone
        return waiter.watch.subject or RentedNumber(tzid=waiter.watch.key)


class RentMessages:
    """An async iterator over the messages of a rented number: each once, oldest first, until the number is gone.

    It waits only inside ``async for``; left early, it leaves nothing behind.
    """

    def __init__(self, waits: Waits, tzid: int) -> None:
        self._waits = waits
        self._tzid = tzid
        self._watch: Tracked[RentedNumber] | None = None
        self._seen = Seen()

    def __aiter__(self) -> RentMessages:
        return self

    async def __anext__(self) -> Sms:
        self._watch = self._watch or self._waits.watch(self._tzid)
        sms = await self._waits.next_message(self._watch, self._seen)
        if sms is None:
            raise StopAsyncIteration
        return sms


def _look_at_one(tzid: int, zone: tzinfo) -> Call[Snapshot[RentedNumber]]:
    """The call that asks for one number, its answer read as a look.

    Its end is left out: a rent costs nothing more when it lapses, so no look must come before, and the wire counts
    whole minutes: 0 of them would bring a look a second.
    """
    asked = one_number(tzid, zone)
    return asked.reading(lambda reply: _snapshot(asked.read(reply), reply))


def _look_at_all(known: Known[RentedNumber], zone: tzinfo) -> Call[Page[RentedNumber]]:
    """The call that asks for all numbers, its answer read as a look at each that is awaited."""
    asked = all_numbers(zone)

    def read(reply: Reply) -> Page[RentedNumber]:
        numbers = asked.read(reply)
        page: Page[RentedNumber] = Page(rows=len(numbers), lowest=-inf, at=reply.arrived_at, whole=True)
        for number in numbers:
            watch = known(number.tzid)
            if watch is None or not watch.waiters:
                continue
            if watch.is_seen() and watch.sms == number.messages:
                page.quiet.append(watch)
            else:
                page.snapshots.append((watch, _snapshot(number, reply)))
        return page

    return asked.reading(read)


def _snapshot(number: RentedNumber, reply: Reply) -> Snapshot[RentedNumber]:
    return Snapshot(subject=number, sms=number.messages, phase=Phase.OPEN, left=None, age=None, at=reply.arrived_at)
