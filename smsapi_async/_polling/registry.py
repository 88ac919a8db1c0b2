"""The one record of each order that is awaited or kept. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Generic, TypeVar

from .tracked import State, Tracked

S = TypeVar("S")


class Registry(Generic[S]):
    """Records by their keys. A record stays while a wait, a keeper or a request needs it."""

    def __init__(self) -> None:
        self._records: dict[int, Tracked[S]] = {}
        self._kept: Counter[int] = Counter()

    def __iter__(self) -> Iterator[Tracked[S]]:
        return iter(self._records.values())

    def __len__(self) -> int:
        return len(self._records)

    def get(self, key: int) -> Tracked[S] | None:
        """The record of the key, or None."""
        return self._records.get(key)

    def enter(self, tracked: Tracked[S]) -> Tracked[S]:
        """Enter a record, unless its key already has one. Return the record that counts."""
        return self._records.setdefault(tracked.key, tracked)

    def awaited(self) -> list[Tracked[S]]:
        """The orders that are awaited and not over."""
        return [tracked for tracked in self if tracked.waiters and not tracked.is_over()]

    def keep(self, tracked: Tracked[S]) -> Tracked[S]:
        """Keep the record, awaited or not, until `release` has been called as often."""
        self._kept[tracked.key] += 1
        return self.enter(tracked)

    def release(self, tracked: Tracked[S]) -> None:
        """Undo one `keep`, and drop the record if it is no longer needed."""
        self._kept[tracked.key] -= 1
        if not self._kept[tracked.key]:
            del self._kept[tracked.key]
        self.forget(tracked)

    def forget(self, tracked: Tracked[S]) -> None:
        """Drop the record, unless a wait, a keeper or a request still needs it."""
        if not tracked.waiters and tracked.key not in self._kept and tracked.state is not State.IN_FLIGHT:
            self._records.pop(tracked.key, None)
