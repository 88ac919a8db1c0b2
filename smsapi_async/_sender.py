"""send(): a call waits for its slot, is tried, perhaps again, and its answer is read. Adds nothing to the bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import anyio
from anyio.lowlevel import EventLoopToken, current_token

from ._call import Call, Reply
from ._errors import ClientClosedError, SmsApiError
from ._http import Http
from ._log import logger
from ._pace import Pace, Slots, Ticket
from ._retry import pause_before_retry
from ._shield import UnderWay

T = TypeVar("T")


class Sender:
    """What every call of one client passes through."""

    def __init__(self, http: Http, pace: Pace, max_retries: int) -> None:
        self._http = http
        self._pace = pace
        self._max_retries = max_retries
        self._loop: EventLoopToken | None = None
        self._closing = False
        self._closed = False
        self.under_way: UnderWay = UnderWay()

    async def send(self, call: Call[T], *, once: bool = False) -> T:
        """Send the call, again where `_retry` allows it, and read the answer.

        Args:
            once: leave repeating to the caller.
        """
        failures = 0
        while True:
            try:
                return call.read(await self.exchange(call))
            except SmsApiError as error:
                failures += 1
                pause = None if once else pause_before_retry(error, failures, call.repeat, self._max_retries)
                if pause is None:
                    raise
                logger.debug("call.repeated call=%s failures=%d pause=%.1f", call.name, failures, pause)
            await anyio.sleep(pause)

    async def exchange(self, call: Call[Any]) -> Reply:
        """One request in its own slot."""
        self._check(call)
        async with self._slot(call):
            self._check(call)
            return await self._http.exchange(call)

    def start_closing(self) -> None:
        """From now on only calls that end an order are sent."""
        self._closing = True

    async def aclose(self) -> None:
        """From now on nothing is sent."""
        self._closed = True
        await self._http.aclose()

    @property
    def closing(self) -> bool:
        return self._closing

    def check_loop(self) -> None:
        """One client belongs to one event loop, the first that used it."""
        token = current_token()
        if self._loop is None:
            self._loop = token
        elif self._loop != token:
            raise RuntimeError("this client belongs to another event loop: open one client for each loop")

    def _check(self, call: Call[Any]) -> None:
        self.check_loop()
        if self._closed or (self._closing and not call.settling):
            raise ClientClosedError("the client is closed", call=call.name)

    @asynccontextmanager
    async def _slot(self, call: Call[Any]) -> AsyncIterator[None]:
        slots = self._pace.slots(call.provider)
        ticket = slots.enter(call.lane, anyio.current_time())
        try:
            while not ticket.granted:
                await _await_turn(slots, ticket)
            yield
        finally:
            slots.leave(ticket, anyio.current_time())


async def _await_turn(slots: Slots, ticket: Ticket) -> None:
    """Sleep until the ticket is woken; the keeper sleeps until the next slot is due."""
    pause = slots.seconds_to_sleep(ticket, anyio.current_time())
    event = ticket.event
    if pause is None:
        await event.wait()
        return
    with anyio.move_on_after(pause):
        await event.wait()
    slots.tick(anyio.current_time())
