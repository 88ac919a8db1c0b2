"""Orders and numbers that a client could not bring to their end: kept, reported, and tried once more at closing."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

import anyio
import attrs

from ._events import Events, tell_safely

T = TypeVar("T")

TryAgain = Callable[[], Awaitable[bool]]


@attrs.define
class Entry(Generic[T]):
    """One order or rented number, the reason why it is here, and how to try again; None if nothing must be undone."""

    subject: T
    why: str
    try_again: TryAgain | None
    told: bool = False
    tried: bool = False


class Unsettled(Generic[T]):
    """The register behind `client.unsettled`."""

    def __init__(self, tell: Callable[[T], object] | None, events: Events | None = None) -> None:
        self._entries: dict[Hashable, Entry[T]] = {}
        self._tell = tell
        self._events = events or Events()

    def holds(self, key: Hashable) -> bool:
        """Return True if the key is kept, whether it was reported or not."""
        return key in self._entries

    @property
    def keys(self) -> tuple[Hashable, ...]:
        return tuple(key for key, entry in self._entries.items() if entry.told)

    @property
    def subjects(self) -> tuple[T, ...]:
        """The orders and numbers that were reported. A late finish is not reported before the client closes."""
        return tuple(entry.subject for entry in self._entries.values() if entry.told)

    def add(self, key: Hashable, subject: T, why: str, try_again: TryAgain | None = None, *, tell: bool = True) -> None:
        """Keep an order or number. By default, log its id and hand it to the caller's own function, once."""
        before = self._entries.get(key)
        self._entries[key] = Entry(subject, why, try_again, told=before is not None and before.told)
        if tell:
            self._tell_of(key)

    def discard(self, key: Hashable) -> None:
        """Remove an order or number that came to its end after all."""
        self._entries.pop(key, None)

    async def try_again(self) -> None:
        """Try all of them once more, at the same time, so that one that hangs does not hold up the rest."""
        async with anyio.create_task_group() as group:
            for key, entry in self._entries.items():
                if entry.try_again is not None and not entry.tried:
                    entry.tried = True
                    group.start_soon(self._try_one, key, entry.try_again)

    def tell_of_all(self) -> None:
        """Report the orders and numbers that were not reported yet, because they are left for good."""
        for key in tuple(self._entries):
            self._tell_of(key)

    async def _try_one(self, key: Hashable, try_again: TryAgain) -> None:
        if await try_again():
            self.discard(key)

    def _tell_of(self, key: Hashable) -> None:
        entry = self._entries[key]
        if entry.told:
            return
        entry.told = True
        self._events.emit(logging.WARNING, "order.unsettled", id=key, why=entry.why)
        if self._tell is not None:
            tell_safely(self._tell, entry.subject, f"on_unsettled failed id={key}")
