"""Which looks the list may spare. A missing message proves nothing until the list has shown messages in time. Pure.

Only three forms of a row without messages were ever recorded: `sms: []`, null, and no key at all. A list may also be
late. So a list spares no look until it has earned trust in this account, in one of two ways:

- It shows a message that is younger than the time since the previous sweep.
- It shows messages that looks of about the same moment showed too.

The list loses trust if it lacks a message that a look showed, or shows one that the previous sweep should have shown.
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
"""Messages that a look and the list must both show, one after the other. A late list may show one by chance."""

MOST_EXPECTED = 100
"""The most orders for which a sweep is expected to show what a look showed. The oldest one is dropped first."""

AUDIT_AFTER = 30.0
AUDITS_PER_SECOND = 2.0
"""An order that the list spares is still looked at after `AUDIT_AFTER` seconds. If many orders are spared, these looks
are limited to `AUDITS_PER_SECOND`. A list may go bad, and only a look shows that."""


class Trust(Protocol):
    """The account's knowledge of its list."""

    earned: bool


@attrs.frozen
class Expected:
    """The result of a look, which the next sweep must show too.

    Attributes:
        messages: the number of messages.
        at: when the order was asked for.
        fresh: whether the newest message came after a sweep had shown the order, as far as is known.
    """

    messages: int
    at: float
    fresh: bool


class Coverage(Generic[S]):
    """The state of the list: whether it shows messages in time, and which orders its last sweep showed."""

    def __init__(self, trust: Trust) -> None:
        self.expected: dict[int, Expected] = {}
        self.swept_from: float = -inf
        self._trust = trust
        self._witnesses = 0

    @property
    def trusted(self) -> bool:
        return self._trust.earned

    def answers_for(self, tracked: Tracked[S]) -> bool:
        """Return True if the list is trusted and has shown the order since the last request about the order."""
        return self._trust.earned and tracked.listed_at >= tracked.asked_at(0.0)

    def showed_last(self, tracked: Tracked[S]) -> bool:
        """Return True if the last whole sweep, or a later one, showed the order."""
        return tracked.listed_at >= self.swept_from

    def audit_at(self, now: float, spared: int) -> float:
        """The moment for a look that only checks the list."""
        return now + max(AUDIT_AFTER, spared / AUDITS_PER_SECOND)

    def looked(self, tracked: Tracked[S], snapshot: Snapshot[S]) -> None:
        """Process a look before `Tracked.note` records it.

        The next sweep must show the messages of the look. Trust is lost if the previous sweep should have shown them.
        """
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
        """Process a page before it is recorded: compare it with what looks and the previous sweep showed."""
        for key, messages in page.counted:
            self._hold_against(key, messages, page.at)
        for tracked in page.fewer:
            if page.at > tracked.seen_at + ALLOWED:
                self.lose()
        for tracked, snapshot in page.snapshots:
            self._weigh(tracked, snapshot)

    def lose(self) -> None:
        """Stop trusting the list. It spares no look until it earns trust again."""
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
        """Judge the list by a message that a sweep shows before any look."""
        if snapshot.news_age is None or tracked.listed_at == -inf or len(snapshot.sms) <= len(tracked.sms):
            return
        since = snapshot.at - tracked.listed_at
        if snapshot.news_age > since + ALLOWED:
            self.lose()
        elif snapshot.news_age <= since:
            self._trust.earned = True
