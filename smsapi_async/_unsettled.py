"""What a client could not bring to its end: kept, told, and tried once more when the client closes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

import attrs

from ._log import logger

T = TypeVar("T")

TryAgain = Callable[[], Awaitable[bool]]


@attrs.frozen
class Entry(Generic[T]):
    """One order or rented number, and how to try again; None where nothing must be undone."""

    subject: T
    try_again: TryAgain | None


class Unsettled(Generic[T]):
    """The register behind `client.unsettled`."""

    def __init__(self, tell: Callable[[T], object] | None) -> None:
        self._entries: dict[Hashable, Entry[T]] = {}
        self._tell = tell

    @property
    def keys(self) -> tuple[Hashable, ...]:
        return tuple(self._entries)

    @property
    def subjects(self) -> tuple[T, ...]:
        return tuple(entry.subject for entry in self._entries.values())

    def add(self, key: Hashable, subject: T, why: str, try_again: TryAgain | None = None, *, tell: bool = True) -> None:
        """Keep it; unless told otherwise log it with its id and hand it to the caller's own function."""
        self._entries[key] = Entry(subject, try_again)
        if tell:
            logger.warning("order.unsettled id=%s why=%s", key, why)
        if self._tell is None or not tell:
            return
        try:
            self._tell(subject)
        except Exception:  # noqa: BLE001 - the caller's function must not keep an order from being registered
            logger.exception("on_unsettled failed id=%s", key)

    def discard(self, key: Hashable) -> None:
        """It came to its end after all."""
        self._entries.pop(key, None)

    async def try_again(self) -> None:
        """Ask each once more; what succeeds is dropped."""
        for key, entry in tuple(self._entries.items()):
            if entry.try_again is not None and await entry.try_again():
                self.discard(key)
