"""One look at the records, and which rows of it lost purchases share out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from .claims import Purchase

R = TypeVar("R")
P = TypeVar("P", bound=Purchase[Any])
P_contra = TypeVar("P_contra", bound=Purchase[Any], contravariant=True)


class Records(Protocol[P_contra, R]):
    """The rows that one look at the records showed."""

    # The newest rows.
    @property
    def rows(self) -> Sequence[R]: ...

    # Seconds until the answer was there.
    @property
    def latency(self) -> float: ...

    # True if every row could be read. Otherwise the records never show that nothing was bought.
    @property
    def are_whole(self) -> bool: ...

    # True if the time of a row can be compared with the time of a purchase. Otherwise nothing is claimed.
    @property
    def are_comparable(self) -> bool: ...

    # Return True if the row shows when it was made, as far as any row does. Otherwise it is not claimed.
    def is_certain(self, row: R, /) -> bool: ...

    # Return True if the row may be the purchase, apart from its time.
    def fits(self, purchase: P_contra, row: R, /) -> bool: ...

    # Return True if the row may be the purchase, and was made in its time.
    def may_be(self, purchase: P_contra, row: R, /) -> bool: ...

    # Return True if the row fits, and was made so near to the purchase's time that it is a candidate.
    def might_be(self, purchase: P_contra, row: R, /) -> bool: ...

    # The sort key of a purchase: the purchase that may take fewer of the later rows comes first.
    def ends(self, purchase: P_contra, /) -> Any: ...


def entangled(purchase: P, lost: Sequence[P], free: Sequence[R], records: Records[P, R]) -> tuple[list[P], list[R]]:
    """Collect the rows that may be this purchase, the other purchases that these may be, their rows, and so on."""
    group: list[P] = [purchase]
    while True:
        rows = [row for row in free if any(records.may_be(other, row) for other in group)]
        wider = [other for other in lost if other is purchase or any(records.may_be(other, row) for row in rows)]
        if len(wider) <= len(group):
            return group, rows
        group = wider


def paired(group: Sequence[P], rows: Sequence[R], records: Records[P, R]) -> list[tuple[P, R]]:
    """Pair each purchase with a row of its time, the rows oldest first. Return no pairs if that is uneven."""
    if len(group) != len(rows):
        return []
    pairs: list[tuple[P, R]] = []
    waiting = sorted(group, key=records.ends)
    for row in rows:
        taker = next((other for other in waiting if records.may_be(other, row)), None)
        if taker is None:
            return []
        waiting.remove(taker)
        pairs.append((taker, row))
    return pairs
