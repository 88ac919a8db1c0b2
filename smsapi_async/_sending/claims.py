"""What the purchases of one account know of each other: those in flight, those given up, and whose is what.

The clients of several event loops share it, in several threads. Nothing here sends or reads records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from math import inf
from threading import RLock
from typing import Any, Generic, TypeVar

import anyio
import attrs
from anyio.lowlevel import EventLoopToken, current_token

from .spend import Attempt

R = TypeVar("R")

POLL = 0.5
"""Seconds between two looks at purchases in flight, at most: those of another event loop cannot wake this one."""

CLAIMS_KEPT = 50_000
"""Claims kept, the newest. At fifty purchases a second this is a quarter of an hour, and rows of the last ten minutes
may be candidates."""

NAMED_KEPT = 10_000
"""Orders in use that are remembered as such, the newest: one matters for the minute in which it was bought."""

GIVEN_UP_KEPT = 1_000


@attrs.define(eq=False, kw_only=True)
class Purchase(Generic[R]):
    """One purchase until its outcome is known.

    Attributes:
        asked: its request, options and all.
        attempt: the call that carries it out.
        lost_at: when it was clear that no answer would come, in seconds of the loop's clock; inf while one may.
        found: what came of it.
        on_found: registers what came of it with its client, before anything is awaited.
        loop: the event loop it is made in, whose clock its times are of.
        begun_after: how many purchases the account had given up when this one began.
        given_up: the number of this one among those; 0 before.
    """

    asked: object = attrs.field(default=None, repr=False)
    attempt: Attempt[R] | None = None
    lost_at: float = inf
    found: R | None = None
    on_found: Callable[[R], object] = repr
    loop: EventLoopToken | None = None
    begun_after: int = 0
    given_up: int = 0

    @property
    def sent_at(self) -> float:
        """When its request left, in seconds of the loop's clock; inf while none has."""
        return inf if self.attempt is None else self.attempt.sent_at

    @property
    def call(self) -> str:
        """The name of the call that carries it out."""
        return "" if self.attempt is None else self.attempt.call.name

    @property
    def is_open(self) -> bool:
        """True if it was sent, and it is not known what came of it."""
        return self.found is None and self.attempt is not None and self.attempt.may_have_happened

    @property
    def is_flying(self) -> bool:
        """True if it was sent, and may still be answered."""
        return self.is_open and self.lost_at == inf

    def equals(self, other: Purchase[R]) -> bool:
        """Return True if the two asked for the same."""
        return self.asked == other.asked


P = TypeVar("P", bound=Purchase[Any])


class Claims(Generic[P]):
    """What the purchases of one account know of each other: those in flight, those given up, and whose is what.

    The clients of several event loops share it, in several threads. Its lock is held only by plain functions.
    """

    def __init__(self) -> None:
        self.lock: AbstractContextManager[Any] = RLock()
        self.pending: list[P] = []
        self.given_up: list[P] = []
        self._count = 0
        self._marks: dict[int, object] = {}
        self._named: dict[int, None] = {}
        self._held: dict[int, EventLoopToken] = {}
        self._waiting: list[tuple[EventLoopToken, anyio.Event]] = []

    @contextmanager
    def under_way(self, purchase: P) -> Iterator[None]:
        """Around a purchase, from before its request leaves until its outcome is known."""
        with self.lock:
            purchase.loop, purchase.begun_after = current_token(), self._count
            self.pending.append(purchase)
        try:
            yield
        finally:
            with self.lock, suppress(ValueError):  # it was buried
                self.pending.remove(purchase)
            self.wake(purchase.loop)

    def claim(self, key: int, mark: object = None) -> None:
        """The order or number belongs to a purchase that is known."""
        with self.lock:
            _keep(self._marks, key, mark, CLAIMS_KEPT)

    def name(self, key: int) -> None:
        """A caller uses the order or number, whoever bought it: no lost purchase takes it."""
        with self.lock:
            _keep(self._named, key, None, NAMED_KEPT)

    @property
    def marks(self) -> tuple[object, ...]:
        """What was noted with each claim."""
        with self.lock:
            return tuple(self._marks.values())

    def is_free(self, key: int) -> bool:
        """Return True if no purchase is known to own it."""
        return key not in self._marks

    def is_named(self, key: int) -> bool:
        """Return True if a caller uses it, or was told that it may be its own."""
        return key in self._named

    def give_up(self, purchase: P, candidates: Sequence[int]) -> None:
        """Its caller is told of the candidates: no other purchase takes them, nor what turns up later for it."""
        self._count += 1
        purchase.given_up = self._count
        self.given_up = [*self.given_up[1 - GIVEN_UP_KEPT :], purchase]
        for key in candidates:
            _keep(self._named, key, None, NAMED_KEPT)

    def bury(self, purchase: P) -> None:
        """Its event loop is over: nothing more will be heard of it."""
        self.pending.remove(purchase)
        self.give_up(purchase, ())

    def hold(self, key: int) -> bool:
        """Take the key, unless a holder in a living event loop has it."""
        with self.lock:
            holder = self._held.get(key)
            if holder is not None and is_running(holder):
                return False
            self._held[key] = current_token()
            return True

    def release(self, key: int) -> None:
        """Give a key back that was taken with `hold`."""
        with self.lock:
            loop = self._held.pop(key)
        self.wake(loop)

    def wake(self, here: EventLoopToken | None) -> None:
        """Something has changed: wake the waiters of this event loop. Those of others look by themselves."""
        for loop, event in tuple(self._waiting):
            if loop == here:
                event.set()

    async def changed(self) -> None:
        """Wait until something may have changed."""
        waiting = current_token(), anyio.Event()
        self._waiting.append(waiting)
        try:
            with anyio.move_on_after(POLL):
                await waiting[1].wait()
        finally:
            self._waiting.remove(waiting)


def is_running(loop: EventLoopToken) -> bool:
    """Return True if the event loop is not over. May be asked from any thread."""
    native: Any = loop.native_token
    if hasattr(native, "is_closed"):
        return not native.is_closed()
    try:
        native.run_sync_soon(_nothing, idempotent=True)
    except RuntimeError:  # trio.RunFinishedError
        return False
    return True


def _nothing() -> None:
    """Run in trio's loop, to learn whether it runs."""


def _keep(memory: dict[int, Any], key: int, value: object, most: int) -> None:
    """Keep the newest."""
    memory[key] = value
    if len(memory) > most:
        del memory[next(iter(memory))]
