"""Which looks the list may spare: absence is no evidence until presence was seen. Pure.

`sms: []`, null and no key at all are the only forms ever recorded of a row without messages, and a list may be late. So
a list spares no look before it has earned trust, in this account: with a message younger than the time since the sweep
before, or with messages that looks of about the same moment showed too. It loses trust with a message that it lacks
although a look had shown it, or that it should have shown in the sweep before.
"""

from __future__ import annotations

from math import inf
from typing import Generic, Protocol, TypeVar

import attrs

from .listing import Page
from .tracked import Snapshot, Tracked

S = TypeVar("S")

ALLOWED = 2.0
"""Seconds by which a list may be late."""

SAME_MOMENT = 2.0
WITNESSES = 3
"""Messages that look and list must show alike, one after the other. A late list may show one by chance."""

MOST_EXPECTED = 100
"""Orders of which a sweep is expected to show what a look showed; the oldest gives way."""

AUDIT_AFTER = 30.0
AUDITS_PER_SECOND = 2.0
"""An order that the list spares is looked at after half a minute all the same, or in its turn where many are spared: a
list may go bad, and only a look shows that."""


class Trust(Protocol):
    """What the account knows of its list."""

    earned: bool


@attrs.frozen
class Expected:
    """What a look showed of an order.

    Attributes:
        messages: how many.
        at: when it was asked.
        fresh: whether a sweep had shown the order without the newest of them, as far as is known since it came.
    """

    messages: int
    at: float
    fresh: bool


class Coverage(Generic[S]):
    """What is known of the list: whether it shows messages in time, and which orders its last sweep showed."""

    def __init__(self, trust: Trust) -> None:
        self.expected: dict[int, Expected] = {}
        self.swept_from: float = -inf
        self._trust = trust
        self._witnesses = 0

    @property
    def trusted(self) -> bool:
        return self._trust.earned

    def answers_for(self, tracked: Tracked[S]) -> bool:
        """Return True if the list may spare a look at the order, which it showed since it was last asked about."""
        return self._trust.earned and tracked.listed_at >= tracked.asked_at(0.0)

    def showed_last(self, tracked: Tracked[S]) -> bool:
        """Return True if the last whole sweep, or a later one, showed the order."""
        return tracked.listed_at >= self.swept_from

    def audit_at(self, now: float, spared: int) -> float:
        """The moment for a look that only proves the list."""
        return now + max(AUDIT_AFTER, spared / AUDITS_PER_SECOND)

    def looked(self, tracked: Tracked[S], snapshot: Snapshot[S]) -> None:
        """Take in a look, before it is noted: the next sweep must show its messages, and one before perhaps should."""
        if not snapshot.sms:
            return
        new = len(snapshot.sms) > len(tracked.sms)
        listed = tracked.listed_at
        if new and snapshot.news_age is not None and listed > snapshot.at - snapshot.news_age + ALLOWED:
            self.lose()
        young = snapshot.news_age is None or snapshot.news_age <= snapshot.at - listed + ALLOWED
        self.expected.pop(tracked.key, None)
        self.expected[tracked.key] = Expected(len(snapshot.sms), snapshot.at, new and listed > -inf and young)
        if len(self.expected) > MOST_EXPECTED:
            del self.expected[next(iter(self.expected))]

    def listed(self, page: Page[S]) -> None:
        """Take in a page, before it is noted: hold it against what looks showed, and against the sweep before."""
        for key, messages in page.counted:
            self._hold_against(key, messages, page.at)
        for tracked in page.fewer:
            if page.at > tracked.seen_at + ALLOWED:
                self.lose()
        for tracked, snapshot in page.snapshots:
            self._weigh(tracked, snapshot)

    def lose(self) -> None:
        """From now on the list spares no look."""
        self._trust.earned = False
        self._witnesses = 0

    def _hold_against(self, key: int, messages: int, at: float) -> None:
        expected = self.expected.get(key)
        if expected is None or at < expected.at:
            return
        if at > expected.at + ALLOWED:
            del self.expected[key]
            if messages < expected.messages:
                self.lose()
        elif messages >= expected.messages:
            del self.expected[key]
            self._witness(expected.fresh)

    def _witness(self, fresh: bool) -> None:
        self._witnesses += fresh
        if self._witnesses >= WITNESSES:
            self._trust.earned = True

    def _weigh(self, tracked: Tracked[S], snapshot: Snapshot[S]) -> None:
        """Weigh a message that a sweep shows first."""
        if snapshot.news_age is None or tracked.listed_at == -inf or len(snapshot.sms) <= len(tracked.sms):
            return
        since = snapshot.at - tracked.listed_at
        if snapshot.news_age > since + ALLOWED:
            self.lose()
        elif snapshot.news_age <= since:
            self._trust.earned = True
