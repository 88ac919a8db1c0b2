"""send(): wait for a slot, try a call, perhaps try it again, and read its answer. Adds nothing to the bytes."""

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
from .explain import explain
from .http import Http
from .pace import Pace, Slots, Ticket
from .retry import pause_before_retry
from .single_flight import SingleFlight

T = TypeVar("T")


class Departure(Protocol):
    """The hooks that a call that spends puts around its request."""

    # Awaited last, right before the request leaves.
    async def ready(self) -> None: ...

    # Entered around the request, until its answer is there or will not come.
    def leaving(self) -> AbstractContextManager[None]: ...


def _nothing(_: object) -> None:
    """Do nothing, because nothing is shared with other clients."""


@attrs.define(eq=False)
class Timing:
    """The times of a request, for the event about it.

    Attributes:
        look: whether the request was sent for a wait.
        left_at: when the request left, in seconds of the loop's clock; inf while it has not left.
    """

    look: bool
    asked_at: float = attrs.field(factory=anyio.current_time, init=False)
    left_at: float = attrs.field(default=inf, init=False)
    reply: Reply | None = attrs.field(default=None, init=False)

    def tell(self, events: Events, call: Call[Any], error: BaseException | None = None) -> None:
        """Emit `call.ended` for a request that left. None leaves while the key is missing or the client closes."""
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
    """The way of every call of one client.

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
        """Seconds between two requests at the current pace."""
        return self.pace.slots(provider).spacing

    async def send(self, call: Call[T], *, once: bool = False, departure: Departure | None = None) -> T:
        """Send the call, repeat it where `retry` allows that, and read the answer.

        Args:
            once: leave repeating to the caller, which is a wait.
            departure: the hooks of a call that spends. They are called for every single request, once it has its slot.
        """
        failures, lost = 0, False
        while True:
            try:
                if self.events.wanted(logging.DEBUG):
                    return await self._exchange_told(call, departure, Timing(once))
                return self._read(call, await self._exchange(call, departure, look=once))
            except SmsApiError as error:
                explain(error, call, self._http)
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
        """Like `send`, for a read whose answer is the same for all callers. Equal reads in flight are sent once."""
        self.check_loop()
        self._check(call)
        return await self._flights.share((call.provider, call.path, call.query), lambda: self.send(call))

    def start_closing(self) -> None:
        """Send only calls that end an order from now on."""
        self._closing = True

    async def aclose(self) -> None:
        """Send nothing from now on."""
        self._closed = True
        await self._http.aclose()

    @property
    def closing(self) -> bool:
        return self._closing

    def check_loop(self) -> None:
        """Raise RuntimeError in a second event loop. One client belongs to the first event loop that used it."""
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
        """Run `_exchange`, read the answer, and emit an event at the end."""
        try:
            timing.reply = await self._exchange(call, departure, timing, look=timing.look)
            result = self._read(call, timing.reply)
        except BaseException as error:
            timing.tell(self.events, call, error)
            raise
        timing.tell(self.events, call)
        return result

    def _read(self, call: Call[T], reply: Reply) -> T:
        """Read an answer, and report each unreadable field once."""
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
        """Send one request in its own slot. A read of the catalogue waits in the slow lane first.

        Args:
            look: whether the request is sent for a wait. A wait does not stand in line while looks have stopped.
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
