"""Attempt.spend(): a call that spends is sent once, and its outcome is known then. Knows no records.

The laws, each with its exit:

    the caller is already cancelled               nothing is sent, and the cancellation goes on
    nothing left, or the provider said no         that error: nothing was bought
    the answer was read                           the purchase, which the reading has registered
    anything else after the first byte            `recover` finds the purchase, or raises an error about the money
    the caller left meanwhile                     `abandon` takes the purchase, and the cancellation goes on

There is no list of exceptions: any exception after the first byte means an unknown outcome.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from math import inf
from typing import Any, Generic, TypeVar

import anyio
import attrs
from anyio.lowlevel import checkpoint

from .._errors import (
    ClientClosedError,
    NothingBoughtError,
    NotSentError,
    OutcomeUnknownError,
    RefusedError,
    SmsApiError,
    SpendUnknownError,
)
from .._events import kind
from .._shield import INTERRUPTS, Ended, shielded
from .call import Call
from .sender import Sender

T = TypeVar("T")

CHECKPOINTS = 4
"""Rounds of the event loop. On asyncio, a deadline that passed during CPU work needs one round to call its timer. Its
cancellation then needs a round for each task on the way: the caller's parent, the caller, and the child that sends."""


@attrs.define(eq=False)
class Attempt(Generic[T]):
    """A call that spends, on its way to a known outcome.

    Attributes:
        call: the call to send. Its `read` registers the purchase, before anything is awaited.
        recover: finds the purchase when no answer could be read, or raises an error that says what became of it.
        abandon: takes the purchase for a caller that is gone.
        sent_at: when the request left, in seconds of the loop's clock; inf while it has not left.
        void: whether it is known that nothing was bought.
    """

    call: Call[T]
    recover: Callable[[OutcomeUnknownError], Awaitable[T]]
    abandon: Callable[[T], Awaitable[None]]
    sent_at: float = attrs.field(default=inf, init=False)
    void: bool = attrs.field(default=False, init=False)

    @property
    def may_have_happened(self) -> bool:
        return self.sent_at < inf and not self.void

    async def spend(self, sender: Sender) -> T:
        """Send the call once, and return what was bought.

        Raises:
            RefusedError, NotSentError, ClientClosedError: nothing was bought.
            NothingBoughtError: the answer was lost, and nothing was bought.
            SpendUnknownError: the answer was lost, and the outcome is not known.
        """
        await let_cancellation_arrive()
        ended: Ended[T] = Ended()
        ended.scope.shield = False
        try:
            with sender.under_way:
                await shielded(lambda: _see_through(sender, self, ended.scope), ended)
        except (anyio.get_cancelled_exc_class(), *INTERRUPTS):
            _log_loss(sender, self, ended.error, logging.WARNING)
            if ended.result is not None:
                with suppress(anyio.get_cancelled_exc_class()):  # otherwise Ctrl-C would be lost in it
                    await self.abandon(ended.result)
            raise
        _log_loss(sender, self, ended.error, logging.INFO)
        result = ended.unwrap()
        if result is None:
            raise SpendUnknownError("it was cut off", call=self.call.name)
        return result


@attrs.frozen
class Leaving(Generic[T]):
    """The moment at which the request leaves. From then on, the caller's cancellation does not reach it."""

    attempt: Attempt[T]
    scope: anyio.CancelScope

    async def ready(self) -> None:
        """Let a cancellation that is on its way to the caller arrive first."""
        await let_cancellation_arrive()

    @contextmanager
    def leaving(self) -> Iterator[None]:
        """Record that the request leaves; undo that if no connection was made."""
        self.scope.shield = True
        self.attempt.sent_at = anyio.current_time()
        try:
            yield
        except NotSentError:
            self.attempt.sent_at = inf
            self.scope.shield = False
            raise


async def let_cancellation_arrive() -> None:
    """Raise the cancellation of a caller that is already cancelled or whose deadline has passed."""
    for _ in range(CHECKPOINTS):
        await checkpoint()
    while anyio.current_effective_deadline() <= anyio.current_time():
        await checkpoint()


async def _see_through(sender: Sender, attempt: Attempt[T], scope: anyio.CancelScope) -> T:
    """Do the work of the child task. If the task itself is hit, the outcome is found out before it ends."""
    lost = OutcomeUnknownError("it was cut off", call=attempt.call.name)
    hit = (anyio.get_cancelled_exc_class(), *INTERRUPTS)
    try:
        try:
            return await sender.send(attempt.call, departure=Leaving(attempt, scope))
        except hit:
            raise
        except BaseException as error:  # no list of what may be raised would ever be complete
            if attempt.sent_at == inf or isinstance(error, (RefusedError, ClientClosedError)):
                attempt.void = True
                raise
            lost = _as_lost(error, attempt)
        return await _recovered(attempt, lost)
    except hit:
        if attempt.may_have_happened:  # the loop is shutting down, or Ctrl-C came
            with anyio.CancelScope(shield=True):
                await _salvage(sender, attempt, lost)
        raise


async def _recovered(attempt: Attempt[T], lost: OutcomeUnknownError) -> T:
    """Return what the records show. If the search fails in an unforeseen way, the outcome stays unknown."""
    try:
        return await attempt.recover(lost)
    except NothingBoughtError:
        attempt.void = True
        raise
    except (SpendUnknownError, anyio.get_cancelled_exc_class(), *INTERRUPTS):
        raise
    except BaseException as error:  # noqa: BLE001 - as above
        failure = kind(error)
    what = f"the answer was lost, and looking for it ended with {failure}"
    raise SpendUnknownError(what, call=attempt.call.name, status=lost.status) from lost


async def _salvage(sender: Sender, attempt: Attempt[T], lost: OutcomeUnknownError) -> None:
    """Find out the outcome of a call whose caller gets no answer."""
    try:
        bought = await _recovered(attempt, lost)
    except SmsApiError as error:
        _log_loss(sender, attempt, error, logging.WARNING)
    else:
        await attempt.abandon(bought)


def _as_lost(error: BaseException, attempt: Attempt[Any]) -> OutcomeUnknownError:
    """The error as a lost answer. The words of a foreign error are left out: they may quote a phone or a code."""
    if isinstance(error, OutcomeUnknownError):
        return error
    return OutcomeUnknownError(f"{type(error).__name__} after it was sent", call=attempt.call.name)


def _log_loss(sender: Sender, attempt: Attempt[Any], error: Exception | None, level: int) -> None:
    """Emit the outcome of a purchase whose answer was lost and that was not found, even if its caller is gone.

    Args:
        level: the level of the event that says that something may have been bought.
    """
    name = attempt.call.name
    if isinstance(error, NothingBoughtError):
        sender.events.emit(logging.INFO, "purchase.void", call=name)
    elif isinstance(error, OutcomeUnknownError):
        candidates = getattr(error, "candidates", ())
        ids = tuple(getattr(found, "id", None) or getattr(found, "tzid", None) for found in candidates)
        sender.events.emit(level, "purchase.unknown", call=name, candidates=ids, error=kind(error), why=str(error))
