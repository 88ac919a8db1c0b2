"""Purchases and extensions of rented numbers: each is sent once, and one whose answer is lost is looked for.

The record is the list of active numbers (getRentState): a purchase shows as a tzid that was not there before, an
extension as more days or more time of its number. Nothing here is ever undone: a number closed is lost for good.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import anyio
import attrs

from .._call import Call
from .._errors import NothingBoughtError, OutcomeUnknownError, SmsApiError, SpendUnknownError
from .._log import logger
from .._sender import Sender
from .._shield import Ended, shielded
from .._unsettled import Unsettled
from ._models import RentedNumber

LOOKS = (1.0, 3.0, 6.0)
"""Seconds before each look at the list, ten in all."""

Fetch = Callable[[], Awaitable[tuple[RentedNumber, ...]]]


@attrs.define(eq=False)
class Purchase:
    """One purchase until its outcome is known."""

    country: int
    lost: bool = False
    found: RentedNumber | None = None


class Purchases:
    """Every spending call of one client to the rent API."""

    def __init__(self, sender: Sender, unsettled: Unsettled[Any], numbers: Fetch, *, shared_key: bool) -> None:
        self._sender = sender
        self._unsettled = unsettled
        self._numbers = numbers
        self._shared_key = shared_key
        self._known: set[int] | None = None
        self._pending: list[Purchase] = []
        self._changed = anyio.Event()
        self._extending = anyio.Lock()

    async def buy(self, call: Call[RentedNumber], country: int) -> RentedNumber:
        """Send the purchase once and see it through; a caller cancelled meanwhile finds it in `client.unsettled`."""
        return await self._see_through(lambda: self._buy(call, Purchase(country)), call)

    async def extend(self, call: Call[RentedNumber], tzid: int) -> RentedNumber:
        """Send the extension once and see it through; a caller cancelled meanwhile finds it in `client.unsettled`."""
        return await self._see_through(lambda: self._extend(call, tzid), call)

    async def _see_through(self, work: Callable[[], Awaitable[RentedNumber]], call: Call[RentedNumber]) -> RentedNumber:
        ended: Ended[RentedNumber] = Ended()
        try:
            with self._sender.under_way:
                await shielded(work, ended)
        except anyio.get_cancelled_exc_class():
            if ended.result is not None:
                why = f"{call.name} went through while its caller was cancelled; it is never undone"
                self._unsettled.add(ended.result.tzid, ended.result, why)
            raise
        if ended.error is not None:
            raise ended.error
        if ended.result is None:
            raise SpendUnknownError("the call was cut off", call=call.name)
        return ended.result

    # -- buying -----------------------------------------------------------------------------------------------------

    async def _buy(self, call: Call[RentedNumber], purchase: Purchase) -> RentedNumber:
        if self._known is None:
            self._known = {number.tzid for number in await self._numbers()}
        self._pending.append(purchase)
        try:
            try:
                number = await self._sender.send(call)
            except OutcomeUnknownError as lost:
                number = await self._find(call, purchase, lost)
            self._known.add(number.tzid)
        finally:
            self._pending.remove(purchase)
            self._changed.set()
            self._changed = anyio.Event()
        return number

    async def _find(self, call: Call[RentedNumber], purchase: Purchase, lost: OutcomeUnknownError) -> RentedNumber:
        purchase.lost = True
        candidates: tuple[RentedNumber, ...] = ()
        looked = False
        for pause in LOOKS:
            await anyio.sleep(pause)
            while any(not other.lost and other.country == purchase.country for other in self._pending):
                await self._changed.wait()
            try:
                listed = await self._numbers()
            except SmsApiError as trouble:
                logger.info("purchase.records_unread call=%s error=%s", call.name, type(trouble).__name__)
                continue
            looked = True
            candidates = self._assign(purchase, listed)
            if purchase.found is not None:
                return purchase.found
        if looked and not candidates:
            raise NothingBoughtError("the answer was lost and no new number is listed", call=call.name) from lost
        raise SpendUnknownError(
            f"the answer was lost, {len(candidates)} new numbers may have come of it",
            call=call.name,
            status=lost.status,
            candidates=candidates,
        ) from lost

    def _assign(self, purchase: Purchase, listed: tuple[RentedNumber, ...]) -> tuple[RentedNumber, ...]:
        """Give k lost purchases their k new numbers; the new numbers when that cannot be done."""
        if purchase.found is not None:
            return ()
        rivals = [other for other in self._pending if other.country == purchase.country and other.found is None]
        claimed = {other.found.tzid for other in self._pending if other.found is not None} | (self._known or set())
        new = [number for number in listed if number.tzid not in claimed and number.country in (purchase.country, None)]
        new.sort(key=lambda number: number.tzid)
        if not self._shared_key and len(new) == len(rivals):
            for other, number in zip(rivals, new, strict=True):
                other.found = number
        return tuple(new)

    # -- extending --------------------------------------------------------------------------------------------------

    async def _extend(self, call: Call[RentedNumber], tzid: int) -> RentedNumber:
        async with self._extending:
            before = await self._number(tzid)
            try:
                return await self._sender.send(call)
            except OutcomeUnknownError as lost:
                return await self._grown(call, before, tzid, lost)

    async def _grown(
        self, call: Call[RentedNumber], before: RentedNumber | None, tzid: int, lost: OutcomeUnknownError
    ) -> RentedNumber:
        now = None
        for pause in LOOKS:
            await anyio.sleep(pause)
            try:
                now = await self._number(tzid)
            except SmsApiError as trouble:
                logger.info("purchase.records_unread call=%s error=%s", call.name, type(trouble).__name__)
                continue
            if before is not None and now is not None and _is_longer(before, now) and not self._shared_key:
                return now
        if before is not None and now is not None and not _is_longer(before, now):
            raise NothingBoughtError("the answer was lost and the number is not extended", call=call.name) from lost
        raise SpendUnknownError(
            "the answer was lost and the number does not tell",
            call=call.name,
            status=lost.status,
            candidates=() if now is None else (now,),
        ) from lost

    async def _number(self, tzid: int) -> RentedNumber | None:
        return next((number for number in await self._numbers() if number.tzid == tzid), None)


def _is_longer(before: RentedNumber, now: RentedNumber) -> bool:
    more_days = (now.days_bought or 0) > (before.days_bought or 0)
    more_time = (now.ends_in or timedelta()) > (before.ends_in or timedelta())
    return more_days or more_time
