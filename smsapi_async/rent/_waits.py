"""Waiting for codes of rented numbers. A wait never closes its number, and may last as long as the number does."""

from __future__ import annotations

from datetime import tzinfo
from math import inf

import anyio
import attrs

from .._codes import Inbox, Marks, Pick
from .._errors import NotFoundError, RentClosedError, WaitTimeoutError
from .._polling import PATIENCE, Known, Listing, Page, Phase, Poller, Snapshot, Tracked, Trust, Waiter
from .._sending import Call, Reply, Sender
from .._values import Sms
from ._calls import all_numbers, one_number
from ._models import RentedNumber
from ._purchases import Purchases

EVERY = 1.5
"""The least seconds between two looks at all numbers. One request answers for all, and one a second may leave."""

FIRST_PICKS = 6
"""Twentieths of a second for which a wait without `match` lets waits with `match` choose first. Such a wait may be busy
with a request for others."""


@attrs.define(eq=False, repr=False, weakref_slot=False)
class NumberWait(Waiter[RentedNumber]):
    """One caller's wait for a code of a rented number."""

    pick: Pick = attrs.field(kw_only=True)
    began_at: float = attrs.field(kw_only=True)


class Waits:
    """Every wait of one client for a rented number. A code is handed over once, even across waits.

    Args:
        purchases: knows when a number was bought here, and is told of numbers in use and of those that are gone.
    """

    def __init__(
        self,
        sender: Sender,
        zone: tzinfo,
        purchases: Purchases,
        trust: Trust,
    ) -> None:
        self.poller: Poller[RentedNumber] = Poller(
            Listing(self._page, least=2, every=EVERY), self._look, trust, turns=1
        )
        self._sender = sender
        self._zone = zone
        self._purchases = purchases
        self._inboxes: dict[int, Inbox] = {}

    def record(self, tzid: int) -> Tracked[RentedNumber]:
        """The record of the number."""
        tracked = self.poller.record(tzid, anyio.current_time())
        bought_at = self._purchases.bought_at(tzid)
        if bought_at is None:
            self._purchases.name(tzid)
        tracked.bought_at = -inf if bought_at is None else bought_at
        return tracked

    async def sms(self, tzid: int, pick: Pick, *, timeout: float | None) -> Sms:
        """Wait for the next message with a code that this client has not handed over yet."""
        self._sender.check_loop()
        now = anyio.current_time()
        waiter = NumberWait(self.record(tzid), inf if timeout is None else now + timeout, pick=pick, began_at=now)
        self.poller.join(waiter, now)
        try:
            with self._sender.under_way:
                sms = await self._find(waiter)
        except BaseException as error:
            self._sender.events.wait_ended("rent", tzid, now, error)
            raise
        finally:
            self.poller.leave(waiter, anyio.current_time())
        self._sender.events.wait_ended("rent", tzid, now)
        return sms

    async def next_message(self, tracked: Tracked[RentedNumber], read: Marks) -> Sms | None:
        """The oldest message not handed over yet; None once the number is gone."""
        self._sender.check_loop()
        self.poller.join(waiter := Waiter(tracked), anyio.current_time())
        try:
            with self._sender.under_way:
                return await self._next(waiter, read)
        except RentClosedError:
            return None
        finally:
            self.poller.leave(waiter, anyio.current_time())

    async def _look(self, tracked: Tracked[RentedNumber]) -> Snapshot[RentedNumber]:
        return await self._sender.send(_look_at_one(tracked.key, self._zone), once=True)

    async def _page(self, _offset: int, _limit: int, known: Known[RentedNumber]) -> Page[RentedNumber]:
        return await self._sender.send(_look_at_all(known, self._zone), once=True)

    async def _find(self, waiter: NumberWait) -> Sms:
        while True:
            await self._news(waiter)
            await _let_others_pick(waiter)
            number = number_of(waiter.tracked)
            found = self._inbox(waiter, number).next(waiter.pick, number.messages) if waiter.tracked.is_seen() else None
            if found is not None:
                return found
            if waiter.timed_out() or waiter.tracked.gone_dark():
                what = f"number {number.tzid} got no code in time"
                raise WaitTimeoutError(what, call="await_rent_code", number=number)

    def _inbox(self, waiter: NumberWait, number: RentedNumber) -> Inbox:
        """The codes of the number, beginning with the messages that the first readable answer shows.

        In the first minute after the purchase, nothing counts as old: the answer may be late, and every message is
        news.
        """
        inbox = self._inboxes.get(number.tzid)
        if inbox is None:
            there = Marks()
            if waiter.began_at - waiter.tracked.bought_at > PATIENCE:
                there.put(number.messages)
            inbox = self._inboxes[number.tzid] = Inbox(there)
        return inbox

    async def _next(self, waiter: Waiter[RentedNumber], read: Marks) -> Sms:
        while True:
            await self._news(waiter)
            number = number_of(waiter.tracked)
            sms = read.take(number.messages)
            if sms is not None:
                return sms
            if waiter.tracked.gone_dark():
                what = "nothing readable came for 30 minutes"
                raise WaitTimeoutError(what, call="rent_messages", number=number)

    async def _news(self, waiter: Waiter[RentedNumber]) -> None:
        """Return after a look. Raise RentClosedError if two looks in a row did not find the number."""
        try:
            await self.poller.news(waiter)
        except NotFoundError as gone:
            self._purchases.gone(waiter.tracked.key, waiter.tracked.subject)
            what = f"number {waiter.tracked.key} is not active"
            raise RentClosedError(what, call="await_rent_code", number=waiter.tracked.subject) from gone


class RentMessages:
    """An async iterator over the messages of a rented number: each once, oldest first, until the number is gone.

    It waits only inside ``async for``. A loop that is left early leaves nothing behind.
    """

    def __init__(self, waits: Waits, tzid: int) -> None:
        self._waits = waits
        self._tzid = tzid
        self._tracked: Tracked[RentedNumber] | None = None
        self._read = Marks()

    def __aiter__(self) -> RentMessages:
        return self

    async def __anext__(self) -> Sms:
        self._tracked = self._tracked or self._waits.record(self._tzid)
        sms = await self._waits.next_message(self._tracked, self._read)
        if sms is None:
            raise StopAsyncIteration
        return sms


def number_of(tracked: Tracked[RentedNumber]) -> RentedNumber:
    """The number as last seen. If it was never seen, only its tzid is known."""
    return tracked.subject or RentedNumber(tzid=tracked.key)


async def _let_others_pick(waiter: NumberWait) -> None:
    """Let the waits with a `match` see the news first, so that each gets the messages that it is for."""
    for _ in range(FIRST_PICKS if waiter.pick.match is None else 0):
        if not any(map(_is_choosing, waiter.tracked.waiters)):
            break
        await anyio.sleep(0.05)


def _is_choosing(waiter: Waiter[RentedNumber]) -> bool:
    return isinstance(waiter, NumberWait) and waiter.news and waiter.pick.match is not None


def _look_at_one(tzid: int, zone: tzinfo) -> Call[Snapshot[RentedNumber]]:
    """The call that asks for one number, with its answer read as a look.

    The number's end is left out. A rent costs nothing more when it lapses, so no look must come before that. The wire
    counts whole minutes, and 0 of them would bring a look every second.
    """
    asked = one_number(tzid, zone)
    return asked.reading(lambda reply: _snapshot(asked.read(reply), reply))


def _look_at_all(known: Known[RentedNumber], zone: tzinfo) -> Call[Page[RentedNumber]]:
    """The call that asks for all numbers, with its answer read as a look at each awaited number."""
    asked = all_numbers(zone)

    def read(reply: Reply) -> Page[RentedNumber]:
        numbers = asked.read(reply)
        page: Page[RentedNumber] = Page(rows=len(numbers), lowest=-inf, at=reply.sent_at, whole=True)
        for number in numbers:
            if number.tzid in known.expected:
                page.counted.append((number.tzid, len(number.messages)))
            tracked = known.tracked(number.tzid)
            if tracked is None or not tracked.waiters:
                continue
            if tracked.is_seen() and tracked.sms == number.messages:
                page.quiet.append(tracked)
            elif len(number.messages) < len(tracked.sms):
                page.quiet.append(tracked)
                page.fewer.append(tracked)
            else:
                page.snapshots.append((tracked, _snapshot(number, reply)))
        return page

    return asked.reading(read)


def _snapshot(number: RentedNumber, reply: Reply) -> Snapshot[RentedNumber]:
    return Snapshot(subject=number, sms=number.messages, phase=Phase.OPEN, at=reply.sent_at)
