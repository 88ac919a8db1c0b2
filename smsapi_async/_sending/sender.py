"""send(): a call waits for its slot, is tried, perhaps again, and its answer is read. Adds nothing to the bytes.

spend(): the same for a call that spends. Until its request leaves, its caller may go away and nothing happens; from
then on the outcome is found out, whatever happens to the caller.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from math import inf
from typing import Any, TypeAlias, TypeVar

import anyio
import attrs
from anyio.lowlevel import EventLoopToken, current_token

from .._errors import (
    AuthenticationError,
    ClientClosedError,
    NothingBoughtError,
    NotSentError,
    OutcomeUnknownError,
    RateLimitError,
    RefusedError,
    SmsApiError,
    SpendUnknownError,
)
from .._events import Events, kind
from .._fields import collect_unread
from .._shield import INTERRUPTS, Ended, UnderWay, protect_from_ctrl_c, shielded
from .call import Call, Reply
from .http import Http
from .pace import Pace, Slots, Ticket
from .retry import pause_before_retry
from .single_flight import SingleFlight

T = TypeVar("T")
Leaving: TypeAlias = Callable[[], AbstractContextManager[None]]
"""Entered when a request is about to leave, left when its answer is there or will not come."""


@attrs.define(eq=False)
class Spending:
    """A call that spends, on its way.

    Attributes:
        sent_at: when its request left, in seconds of the loop's clock; inf while none has.
        void: whether it is known that nothing came of it.
    """

    sent_at: float = attrs.field(default=inf, init=False)
    void: bool = attrs.field(default=False, init=False)

    @property
    def may_have_happened(self) -> bool:
        return self.sent_at < inf and not self.void

    @contextmanager
    def leaving(self, scope: anyio.CancelScope) -> Iterator[None]:
        """Around its request: from here on it may be carried out, unless no connection is made."""
        scope.shield = True
        self.sent_at = anyio.current_time()
        try:
            yield
        except NotSentError:
            self.sent_at = inf
            scope.shield = False
            raise


@attrs.define(eq=False)
class Timing:
    """Put around a request that is told of, in place of the `Leaving` it enters: when it left, and how it ended.

    Attributes:
        look: whether it was sent for a wait.
        left_at: when its request left, in seconds of the loop's clock; inf while none has.
    """

    leaving: Leaving
    look: bool
    asked_at: float = attrs.field(factory=anyio.current_time, init=False)
    left_at: float = attrs.field(default=inf, init=False)
    reply: Reply | None = attrs.field(default=None, init=False)

    @contextmanager
    def __call__(self) -> Iterator[None]:
        self.left_at = anyio.current_time()
        with self.leaving():
            yield

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
    """What every call of one client passes through."""

    def __init__(self, http: Http, pace: Pace, max_retries: int, events: Events | None = None) -> None:
        self.pace: Pace = pace
        self.events: Events = events or Events()
        self._http = http
        self._max_retries = max_retries
        self._flights = SingleFlight()
        self._reported: set[tuple[str, str]] = set()
        self._loop: EventLoopToken | None = None
        self._closing = False
        self._closed = False
        self.under_way: UnderWay = UnderWay()

    async def send(self, call: Call[T], *, once: bool = False, leaving: Leaving = nullcontext) -> T:
        """Send the call, again where `_retry` allows it, and read the answer.

        Args:
            once: leave repeating to the caller.
            leaving: put around every single request, once it has its slot.
        """
        failures, lost = 0, False
        while True:
            try:
                if self.events.wanted(logging.DEBUG):
                    return await self._exchange_told(call, Timing(leaving, once))
                return self._read(call, await self._exchange(call, leaving))
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

    async def spend(
        self,
        call: Call[T],
        spending: Spending,
        recover: Callable[[OutcomeUnknownError | None], Awaitable[T]],
        keep: Callable[[T], Awaitable[None]],
    ) -> T:
        """Send a call that spends, and see it through.

        Args:
            recover: finds out what became of it when the answer is lost, or raises what is to be said of it.
            keep: takes what was bought for a caller who is gone.
        """
        ended: Ended[T] = Ended()
        ended.scope.shield = False

        async def work() -> T:
            lost: OutcomeUnknownError | None = None
            try:
                try:
                    return await self.send(call, leaving=lambda: spending.leaving(ended.scope))
                except OutcomeUnknownError as error:
                    lost = error
                    return await recover(lost)
            except (RefusedError, NothingBoughtError, ClientClosedError):
                spending.void = True
                raise
            except (anyio.get_cancelled_exc_class(), *INTERRUPTS):
                if spending.sent_at < inf:  # the task itself was hit: the loop is being shut down, or Ctrl-C
                    with anyio.CancelScope(shield=True):
                        await self._salvage(call, lambda: recover(lost), keep)
                raise

        try:
            with self.under_way:
                await shielded(work, ended)
        except (anyio.get_cancelled_exc_class(), *INTERRUPTS):
            self._tell_of_loss(call, ended.error, logging.WARNING)
            if ended.result is not None:
                with suppress(anyio.get_cancelled_exc_class()):  # else Ctrl-C would be lost in it
                    await keep(ended.result)
            raise
        self._tell_of_loss(call, ended.error, logging.INFO)
        result = ended.unwrap()
        if result is None:
            raise SpendUnknownError("it was cut off", call=call.name)
        return result

    async def _salvage(
        self, call: Call[T], recover: Callable[[], Awaitable[T]], keep: Callable[[T], Awaitable[None]]
    ) -> None:
        """Find out what became of the call, for nobody is left who would be told."""
        try:
            result = await recover()
        except SmsApiError as error:
            self._tell_of_loss(call, error, logging.WARNING)
        else:
            await keep(result)

    def _tell_of_loss(self, call: Call[Any], error: Exception | None, level: int) -> None:
        """What is told of a purchase whose answer was lost and that was not found, also when its caller is gone.

        Args:
            level: how loud to say that it may have been bought.
        """
        if isinstance(error, NothingBoughtError):
            self.events.emit(logging.INFO, "purchase.void", call=call.name)
        elif isinstance(error, OutcomeUnknownError):
            candidates = getattr(error, "candidates", ())
            ids = tuple(getattr(found, "id", None) or getattr(found, "tzid", None) for found in candidates)
            self.events.emit(
                level, "purchase.unknown", call=call.name, candidates=ids, error=kind(error), why=str(error)
            )

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
            protect_from_ctrl_c()
        elif self._loop != token:
            raise RuntimeError("this client belongs to another event loop: open one client for each loop")

    def _check(self, call: Call[Any]) -> None:
        if self._closed or (self._closing and not call.settling):
            raise ClientClosedError("the client is closed", call=call.name)

    async def _exchange_told(self, call: Call[T], timing: Timing) -> T:
        """`_exchange` and reading the answer, told of when it has ended."""
        try:
            timing.reply = await self._exchange(call, timing)
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

    async def _exchange(self, call: Call[Any], leaving: Leaving) -> Reply:
        """One request in its own slot, for which a read of the catalogue waits in the slow lane first."""
        self.check_loop()
        self._check(call)
        slow = self.pace.slow_slots(call.lane)
        lines = (self.pace.slots(call.provider),) if slow is None else (slow, self.pace.slots(call.provider))
        tickets: list[Ticket] = []
        try:
            for slots in lines:
                tickets.append(ticket := slots.enter(call.lane, anyio.current_time()))
                while not ticket.granted:
                    await _await_turn(slots, ticket)
                ticket.used = True
            self._check(call)
            with leaving():
                return await self._http.exchange(call)
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
