"""The records' clock: the time in the provider's own records at a moment of the loop's clock. Pure arithmetic.

The provider has two clocks. `Date` is in the header of each answer, and `created_at` is in its rows. The two may differ
by minutes. An answered purchase shows both together, so each purchase measures the difference.
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import TypeVar

T = TypeVar("T", float, tuple[float, float])

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

FIRST_YEAR, LAST_YEAR = 2000, 2100
"""An instant outside of these years is not the reading of a clock, and arithmetic with it may overflow."""

SAMPLES = 5
"""The median of five samples counts, so that one wrong instant changes nothing."""

AGREE = 5.0
"""Seconds by which two measurements may differ. More means that a clock was set, or that this machine was asleep."""


def is_plausible(instant: datetime) -> bool:
    """Return True if the instant may be the reading of a clock."""
    return FIRST_YEAR <= instant.year <= LAST_YEAR


class Offset:
    """The seconds by which `created_at` is ahead of `Date`. The account keeps them for every event loop."""

    def __init__(self) -> None:
        self._samples: deque[float] = deque(maxlen=SAMPLES)
        self.seconds: float | None = None

    def note(self, seconds: float) -> None:
        """Add the measurement of one answered purchase. `self.seconds` is the median of the last ones."""
        self._samples.append(seconds)
        self.seconds = _median(tuple(self._samples))

    @property
    def is_confirmed(self) -> bool:
        """True if a second purchase measured the same, or the offset is about zero. One row alone may be wrong."""
        found = self.seconds
        alike = 0 if found is None else sum(abs(sample - found) <= AGREE for sample in self._samples)
        return alike > 1 or (found is not None and abs(found) <= AGREE)


class Clock:
    """The records' clock as one client knows it, on its own event loop.

    Args:
        offset: the account's offset, which other clients share.
    Attributes:
        blur: seconds by which `records_at` may be ahead, because the purchase took long to be answered.
    """

    def __init__(self, offset: Offset | None = None) -> None:
        self._offset = offset or Offset()
        self._dates: deque[float] = deque(maxlen=SAMPLES)
        self._anchors: deque[tuple[float, float]] = deque(maxlen=SAMPLES)
        self._date: float | None = None
        self._anchor: float | None = None
        self.blur: float = 0.0

    def note(self, date: datetime | None, at: float) -> None:
        """Record the Date of an answer, and the loop's time when the answer was asked for."""
        if date is not None and is_plausible(date) and isfinite(at):
            self._dates.append(_seconds(date) - at)
            self._date = _median(tuple(self._dates))

    def bought(self, created_at: datetime | None, date: datetime | None, sent_at: float, latency: float = 0.0) -> None:
        """Measure the records' clock by an answered purchase. Its row was created right after the request left.

        Args:
            latency: seconds until the answer was there. The row was created at some moment within them.
        """
        if created_at is None or not is_plausible(created_at) or not isfinite(sent_at):
            return
        self._anchors.append((_seconds(created_at) - sent_at, latency))
        self._anchor, self.blur = _median(tuple(self._anchors)) or (None, 0.0)
        if date is not None and is_plausible(date):
            self._offset.note(_seconds(created_at) - _seconds(date))

    def records_at(self, at: float) -> datetime | None:
        """The records' clock at a moment of the loop's clock; None while nothing shows it.

        The purchases that were answered here measure the clock. Without one it is the Date, shifted by the account's
        offset if that is known.
        """
        zero = self._anchor
        if zero is None and self._date is not None:
            zero = self._date + (self._offset.seconds or 0.0)
        return None if zero is None else _instant(zero + at)

    def earliest_at(self, at: float) -> datetime | None:
        """The records' clock by the slower of the two clocks, because an unconfirmed measurement may be wrong."""
        zeros = [zero for zero in (self._anchor, self._date) if zero is not None]
        return _instant(min(zeros) + at) if zeros else None

    @property
    def is_measured(self) -> bool:
        """True if purchases measured the records' clock, and the Date does not contradict them."""
        offset = self._offset.seconds
        date = None if offset is None or self._date is None else self._date + offset
        if self._anchor is None or date is None:
            return self._anchor is not None or date is not None
        return self._offset.is_confirmed and abs(self._anchor - date) <= AGREE + self.blur


def _median(samples: tuple[T, ...]) -> T | None:
    """The middle sample, or the lower of two middle ones; None without samples."""
    return sorted(samples)[(len(samples) - 1) // 2] if samples else None


def _seconds(instant: datetime) -> float:
    return (instant - EPOCH).total_seconds()


def _instant(seconds: float) -> datetime | None:
    """The instant; None if it is outside of the plausible years."""
    years = seconds / (365.2425 * 86_400) + 1970
    return EPOCH + timedelta(seconds=seconds) if FIRST_YEAR <= years <= LAST_YEAR else None
