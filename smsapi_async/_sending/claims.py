"""Knowledge that the purchases of one account share: those in flight, those given up, and the owner of each order.

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
"""The most seconds between two checks of purchases in flight. Another event loop cannot wake this one."""

CLAIMS_KEPT = 50_000
"""Claims kept; the oldest ones are dropped. At fifty purchases a second they cover a quarter of an hour, and rows of
the last ten minutes may be candidates."""

NAMED_KEPT = 10_000
"""Orders in use that are remembered as such, the newest: one matters for the minute in which it was bought."""

GIVEN_UP_KEPT = 1_000


@attrs.define(eq=False, kw_only=True)
class Purchase(Generic[R]):
    """One purchase until its outcome is known.

    Attributes:
        asked: the request with all its options.
        attempt: the call that carries the purchase out.
        lost_at: when it was clear that no answer would come, in seconds of the loop's clock; inf while one may come.
        found: the result of the purchase.
        on_found: registers the result with the purchase's client, before anything is awaited.
        loop: the event loop of the purchase. The times of the purchase are of that loop's clock.
        begun_after: how many purchases the account had given up when this one began.
        given_up: the number of this purchase among those given up; 0 before that.
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
        """When the request left, in seconds of the loop's clock; inf while it has not left."""
        return inf if self.attempt is None else self.attempt.sent_at

    @property
    def call(self) -> str:
        """The name of the call that carries the purchase out."""
        return "" if self.attempt is None else self.attempt.call.name

    @property
    def is_open(self) -> bool:
        """True if the purchase was sent and its outcome is not known."""
        return self.found is None and self.attempt is not None and self.attempt.may_have_happened

    @property
    def is_flying(self) -> bool:
        """True if the purchase was sent and may still be answered."""
        return self.is_open and self.lost_at == inf

    def equals(self, other: Purchase[R]) -> bool:
        """Return True if both purchases asked for the same."""
        return self.asked == other.asked


@attrs.frozen
class Claim:
    """An order or number that belongs to a known purchase.

    Attributes:
        mark: the house's own note about it.
        made: when it was made, if that tells two purchases of one key apart.
        loop: the event loop of its purchase.
    """

    mark: object = None
    made: object = None
    loop: EventLoopToken | None = None


P = TypeVar("P", bound=Purchase[Any])


class Claims(Generic[P]):
    """Knowledge that the purchases of one account share.

    The clients of several event loops share it, in several threads. Only plain functions hold its lock.
    """

    def __init__(self) -> None:
        self.lock: AbstractContextManager[Any] = RLock()
        self.pending: list[P] = []
        self.given_up: list[P] = []
        self._count = 0
        self._claimed: dict[int, Claim] = {}
        self._named: dict[int, None] = {}
        self._held: dict[int, EventLoopToken] = {}
        self._waiting: list[tuple[EventLoopToken, anyio.Event]] = []

    @contextmanager
    def under_way(self, purchase: P) -> Iterator[None]:
        """Register a purchase from before its request leaves until its outcome is known."""
        with self.lock:
            purchase.loop, purchase.begun_after = current_token(), self._count
            self.pending.append(purchase)
        try:
            yield
        finally:
            with self.lock, suppress(ValueError):  # `bury` removed it
                self.pending.remove(purchase)
            self.wake(purchase.loop)

    def claim(self, key: int, claim: Claim) -> None:
        """Record that the order or number belongs to a known purchase."""
        with self.lock:
            _keep(self._claimed, key, claim, CLAIMS_KEPT)

    def was_answered(self, key: int, claim: Claim) -> bool:
        """Return True if another purchase of the same event loop got the same order or number before."""
        known = self._claimed.get(key)
        return known is not None and (known.made, known.loop) == (claim.made, claim.loop)

    def name(self, key: int) -> None:
        """Record that a caller uses the order or number, even if it was bought elsewhere. No lost purchase takes it
        then."""
        with self.lock:
            _keep(self._named, key, None, NAMED_KEPT)

    @property
    def marks(self) -> tuple[object, ...]:
        """The marks that were recorded with the claims."""
        with self.lock:
            return tuple(claim.mark for claim in self._claimed.values())

    def is_free(self, key: int) -> bool:
        """Return True if no known purchase owns the key."""
        return key not in self._claimed

    def is_named(self, key: int) -> bool:
        """Return True if a caller uses the order or number, or got it as a candidate."""
        return key in self._named

    def give_up(self, purchase: P, candidates: Sequence[int]) -> None:
        """Record that a purchase was given up, and that its caller gets the candidates.

        No other purchase takes the candidates, or a row that appears for the given-up purchase later.
        """
        self._count += 1
        purchase.given_up = self._count
        self.given_up = [*self.given_up[1 - GIVEN_UP_KEPT :], purchase]
        for key in candidates:
            _keep(self._named, key, None, NAMED_KEPT)

    def bury(self, purchase: P) -> None:
        """Give up a purchase whose event loop is over, because its outcome can no longer be learned."""
        self.pending.remove(purchase)
        self.give_up(purchase, ())

    def hold(self, key: int) -> bool:
        """Take the key and return True, unless a holder in a living event loop has it."""
        with self.lock:
            holder = self._held.get(key)
            if holder is not None and is_running(holder):
                return False
            self._held[key] = current_token()
            return True

    def release(self, key: int) -> None:
        """Give back a key that was taken with `hold`."""
        with self.lock:
            loop = self._held.pop(key)
        self.wake(loop)

    def wake(self, here: EventLoopToken | None) -> None:
        """Wake the waiters of this event loop after a change. The waiters of other loops check by themselves."""
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
    """Return True if the event loop is not over. Any thread may ask."""
    native: Any = loop.native_token
    if hasattr(native, "is_closed"):
        return not native.is_closed()
    try:
        native.run_sync_soon(_nothing, idempotent=True)
    except RuntimeError:  # trio.RunFinishedError
        return False
    return True


def _nothing() -> None:
    """Do nothing; trio's loop runs it only if the loop is alive."""


def _keep(memory: dict[int, Any], key: int, value: object, most: int) -> None:
    """Keep the newest."""
    memory[key] = value
    if len(memory) > most:
        del memory[next(iter(memory))]
