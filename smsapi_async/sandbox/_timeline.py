"""The clock of the world, and the acts that are due on it. Pure: time moves only by `advance`."""

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

Act = Callable[[], object]


class Timeline:
    """Acts in the order of their instants; acts of one instant run in the order in which they were planned."""

    def __init__(self, start: datetime) -> None:
        self.start = start
        self.now: datetime = start
        self._due: list[tuple[datetime, int, Act]] = []
        self._number = count()

    def after(self, seconds: float, act: Act) -> None:
        """Plan `act` for `seconds` from now."""
        self.at(self.now + timedelta(seconds=seconds), act)

    def at(self, instant: datetime, act: Act) -> None:
        """Plan `act` for an instant; an act in the past runs at the next `advance`."""
        heapq.heappush(self._due, (instant, next(self._number), act))

    def advance(self, now: datetime) -> None:
        """Let time pass until `now`, and run the acts that are due. An earlier instant does not move the clock back."""
        while self._due and self._due[0][0] <= max(now, self.now):
            instant, _, act = heapq.heappop(self._due)
            self.now = max(instant, self.now)
            act()
        self.now = max(now, self.now)
