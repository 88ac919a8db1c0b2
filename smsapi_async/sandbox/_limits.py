"""The limit of requests a second, and the ban that follows too many refusals. Pure.
Source: docs/protocol/v1.md section 5, docs/protocol/rent.md section 4."""

from collections import deque

from attrs import define, field

HITS_BEFORE_BAN = 5
BAN = 600.0
"""Seconds: five hits in ten minutes bring ten minutes of refusals (docs). No document prints such a refusal."""


@define
class Limiter:
    """Counts requests by the second; `per_second` None: no limit."""

    per_second: int | None
    bans: bool
    _recent: deque[float] = field(factory=deque, init=False)
    _hits: deque[float] = field(factory=deque, init=False)
    _banned_until: float = field(default=float("-inf"), init=False)

    def refuses(self, at: float) -> bool:
        """Return True if the request that arrives at `at` seconds is one too many."""
        if self.per_second is None:
            return False
        if at < self._banned_until:
            return True
        while self._recent and self._recent[0] <= at - 1:
            self._recent.popleft()
        if len(self._recent) < self.per_second:
            self._recent.append(at)
            return False
        self._hit(at)
        return True

    def _hit(self, at: float) -> None:
        while self._hits and self._hits[0] <= at - BAN:
            self._hits.popleft()
        self._hits.append(at)
        if self.bans and len(self._hits) >= HITS_BEFORE_BAN:
            self._banned_until = at + BAN
