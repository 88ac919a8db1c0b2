"""send(): a call waits for its slot, is tried, perhaps again, and its answer is read. Adds nothing to the bytes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from math import inf
from typing import Any, Protocol, TypeVar

import anyio
import attrs
from anyio.lowlevel import EventLoopToken, current_token

from .._errors import (
    AuthenticationError,
    ClientClosedError,
    NotSentError,
    OutcomeUnknownError,
    RateLimitError,
    RefusedError,
    SmsApiError,
)
from .._events import Events, kind
from .._fields import collect_unread
from .._shield import UnderWay, protect_from_ctrl_c
from .call import Call, Provider, Reply
from .clock import Clock
from .http import Http
from .pace import Pace, Slots, Ticket
from .retry import pause_before_retry
from .single_flight import SingleFlight

T = TypeVar("T")


class Departure(Protocol):
    """What a call that spends wants to know of its request."""

    # Awaited last, right before the request leaves.
    async def ready(self) -> None: ...

    # Around the request, until its answer is there or will not come.
    def leaving(self) -> AbstractContextManager[None]: ...


def _nothing(_: object) -> None:
    """Nothing is shared with other clients."""


@attrs.define(eq=False)
class Timing:
    """When a request was asked for and when it left, for the event about it.

    Attributes:
        look: whether it was sent for a wait.
        left_at: when its request left, in seconds of the loop's clock; inf while none has.
    """

    look: bool
    asked_at: float = attrs.field(factory=anyio.current_time, init=False)
    left_at: float = attrs.field(default=inf, init=False)
    reply: Reply | None = attrs.field(default=None, init=False)

    def tell(self, events: Events, call: Call[Any], error: BaseException | None = None) -> None:
        """`call.ended`, of a request that left; where the key is missing or the client closed none does."""
        stayed = self.reply is None and isinstance(error, (AuthenticationError, ClientClosedError))
        if stayed or self.left_at == inf:
            return
        events.emit(
            logging.DEBUG,
            "call.ended",
            call=call.name,
            provider=call.provider,
            look=self.look,
            status=self.reply.status if self.reply else getattr(error, "status", None),
            error=None if error is None else kind(error),
            seconds=anyio.current_time() - self.left_at,
            queued=self.left_at - self.asked_at,
        )


class Sender:
    """What every call of one client passes through.

    Args:
        clock: the records' clock of the v1 API, which learns from every answer.
        joined: called once, with the event loop that the client belongs to from then on.
    """

    def __init__(
        self,
        http: Http,
        pace: Pace,
        max_retries: int,
        events: Events | None = None,
        *,
        clock: Clock | None = None,
        joined: Callable[[EventLoopToken], None] = _nothing,
    ) -> None:
        self.pace: Pace = pace
        self.events: Events = events or Events()
        self.clock: Clock = clock or Clock()
        self._joined = joined
        self._http = http
        self._max_retries = max_retries
        self._flights = SingleFlight()
        self._reported: set[tuple[str, str]] = set()
        self._loop: EventLoopToken | None = None
        self._closing = False
        self._closed = False
        self.under_way: UnderWay = UnderWay()

    def spacing(self, provider: Provider) -> float:
        """Seconds between two requests at the present pace."""
        return self.pace.slots(provider).spacing

    async def send(self, call: Call[T], *, once: bool = False, departure: Departure | None = None) -> T:
        """Send the call, again where `_retry` allows it, and read the answer.

        Args:
            once: leave repeating to the caller, a wait.
            departure: of a call that spends; it is asked before every single request, which has its slot then.
        """
        failures, lost = 0, False
        while True:
            try:
                if self.events.wanted(logging.DEBUG):
                    return await self._exchange_told(call, departure, Timing(once))
                return self._read(call, await self._exchange(call, departure, look=once))
            except SmsApiError as error:
                if isinstance(error, RateLimitError):
                    hits = self.pace.slots(call.provider).hit(anyio.current_time())
                    self.events.emit(logging.INFO, "pace.hit", provider=call.provider, hits=hits)
                failures += 1
                lost = lost or isinstance(error, OutcomeUnknownError)
                if isinstance(error, RefusedError) and lost:
                    error.after_loss = True
                if once:
                    self.events.emit(logging.INFO, "look.failed", call=call.name, error=kind(error))
                pause = None if once else pause_before_retry(error, failures, call.repeat, self._max_retries)
                if pause is None:
                    raise
                self.events.emit(logging.DEBUG, "call.repeated", call=call.name, failures=failures, pause=pause)
            await anyio.sleep(pause)

    async def share(self, call: Call[T]) -> T:
        """`send` a read of what is the same for everybody; equal ones in flight are sent once."""
        self.check_loop()
        self._check(call)
        return await self._flights.share((call.provider, call.path, call.query), lambda: self.send(call))

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
            self._joined(token)
            protect_from_ctrl_c()
        elif self._loop != token:
            raise RuntimeError("this client belongs to another event loop: open one client for each loop")

    def _check(self, call: Call[Any]) -> None:
        if self._closed or (self._closing and not call.settling):
            raise ClientClosedError("the client is closed", call=call.name)

    async def _exchange_told(self, call: Call[T], departure: Departure | None, timing: Timing) -> T:
        """`_exchange` and reading the answer, with an event when it has ended."""
        try:
            timing.reply = await self._exchange(call, departure, timing, look=timing.look)
            result = self._read(call, timing.reply)
        except BaseException as error:
            timing.tell(self.events, call, error)
            raise
        timing.tell(self.events, call)
        return result

    def _read(self, call: Call[T], reply: Reply) -> T:
        """Read an answer, and report each field that cannot be read once."""
        with collect_unread() as unread:
            result = call.read(reply)
        for field in unread.fields:
            if (call.name, field) not in self._reported:
                self._reported.add((call.name, field))
                self.events.emit(logging.INFO, "field.unread", call=call.name, field=field)
        return result

    async def _exchange(
        self, call: Call[Any], departure: Departure | None, timing: Timing | None = None, *, look: bool
    ) -> Reply:
        """One request in its own slot, for which a read of the catalogue waits in the slow lane first.

        Args:
            look: whether it is sent for a wait, which has more to do than to stand in line while looks have stopped.
        """
        self.check_loop()
        self._check(call)
        slow = self.pace.slow_slots(call.lane)
        lines = (self.pace.slots(call.provider),) if slow is None else (slow, self.pace.slots(call.provider))
        tickets: list[Ticket] = []
        try:
            for slots in lines:
                tickets.append(ticket := slots.enter(call.lane, anyio.current_time()))
                while not ticket.granted:
                    if look and slots.resumes_at(call.lane) > anyio.current_time():
                        raise NotSentError("looks have stopped: the next hit would be a ban", call=call.name)
                    await _await_turn(slots, ticket)
                ticket.used = True
            if departure is not None:
                await departure.ready()
            self._check(call)
            if timing is not None:
                timing.left_at = anyio.current_time()
            with nullcontext() if departure is None else departure.leaving():
                reply = await self._http.exchange(call)
            if call.provider == "v1":
                self.clock.note(reply.date, reply.sent_at)
            return reply
        finally:
            now = anyio.current_time()
            for slots, ticket in zip(lines, tickets, strict=False):
                slots.leave(ticket, now)


async def _await_turn(slots: Slots, ticket: Ticket) -> None:
    """Sleep until the ticket is woken; the keeper sleeps until the next slot is due."""
    pause = slots.seconds_to_sleep(ticket, anyio.current_time())
    ticket.hush()
    if pause is None:
        await ticket.sleep()
        return
    with anyio.move_on_after(pause):
        await ticket.sleep()
    slots.tick(anyio.current_time())
