"""The clock of the world and what is due on it. Pure: time moves only when somebody says what time it is."""

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

Act = Callable[[], object]


class Timeline:
    """Acts in the order of their instants; those of one instant in the order they were planned."""

    def __init__(self, start: datetime) -> None:
        self.start = start
        self.now: datetime = start
        self._due: list[tuple[datetime, int, Act]] = []
        self._number = count()

    def after(self, seconds: float, act: Act) -> None:
        """Plan `act` for `seconds` from now."""
        self.at(self.now + timedelta(seconds=seconds), act)

    def at(self, instant: datetime, act: Act) -> None:
        """Plan `act` for an instant; a past one is done at the next `advance`."""
        heapq.heappush(self._due, (instant, next(self._number), act))

    def advance(self, now: datetime) -> None:
        """Let time pass until `now`; an earlier instant changes nothing but does what is due."""
        while self._due and self._due[0][0] <= max(now, self.now):
            instant, _, act = heapq.heappop(self._due)
            self.now = max(instant, self.now)
            act()
        self.now = max(now, self.now)
