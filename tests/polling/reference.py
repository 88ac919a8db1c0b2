"""A reference for the engine that keeps no plan: which orders must have been asked about by now."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

import attrs

from smsapi_async._polling.agenda import SWEEP_WITHIN
from smsapi_async._polling.endings import SLICES
from smsapi_async._polling.tracked import FIRST_LOOK, LEAD, MISSING_PAUSE, State, Tracked

NEARLY = 1e-6


@attrs.define
class Memory:
    """The memory of the reference for one order.

    Attributes:
        done: the last event from which the pause to the next look counts.
        covered: the time at which a trusted list last showed the order after its last look.
        confirm: True if a row has news of the order that only a look can confirm.
        in_flight: True while a look at the order is under way.
    """

    done: float
    covered: float = -inf
    confirm: bool = False
    in_flight: bool = False


class Reference:
    """The looks that must have been taken by now. It scans every order, and keeps no plan."""

    def __init__(self) -> None:
        self.memories: dict[int, Memory] = {}

    def late(self, orders: Iterator[Tracked[str]], now: float, *, trusted: bool, pair: float) -> dict[int, str]:
        """The orders that must have been asked about by now, each with the reason."""
        waits = [each for each in orders if each.waiters and not each.is_over()]
        for each in waits:
            memory = self.memories[each.key]
            if trusted and each.listed_at >= max(0.0, each.asked_at(0.0)):
                memory.covered = each.listed_at
        left = [each for each in waits if not self.memories[each.key].in_flight]
        to_begin = [each for each in left if each.state is not State.IN_LINE]  # these wait for a turn already
        wrong = dict(self._ending(to_begin, now, pair))
        for each in left:
            for moment, why in self._moments(each, now):
                if moment < now - NEARLY:
                    wrong[each.key] = f"{why} at {moment}, now it is {now}"
        return wrong

    def _moments(self, each: Tracked[str], now: float) -> Iterator[tuple[float, str]]:
        memory = self.memories[each.key]
        for moment in (each.ends_at - LEAD, each.ends_at + 1.0, *(waiter.deadline for waiter in each.waiters)):
            if moment > each.looked_at:
                yield moment, "it needed a look of its own"
        if memory.confirm:
            yield -inf, "its row was to be confirmed"
        yield self._by_rhythm(each, memory, now), "its rhythm wanted a look"

    def _by_rhythm(self, each: Tracked[str], memory: Memory, now: float) -> float:
        first = -inf
        if each.failures:
            pause = min(30.0, 2.0**each.failures)
        elif each.misses:
            pause = MISSING_PAUSE
        elif not each.is_seen():
            return memory.done
        else:
            first, pause = each.born_at + FIRST_LOOK, 1.1 * min(max(0.08 * (now - each.born_at), 2.0), 30.0)
        due = max(first, memory.done + pause)
        if memory.covered >= each.asked_at(0.0):
            due = max(due, max(first, memory.covered + pause) + SWEEP_WITHIN)
        return due

    def _ending(self, waits: list[Tracked[str]], now: float, pair: float) -> Iterator[tuple[int, str]]:
        """The first of the orders that end, if one after the other would be too late for some of them."""
        ends = sorted((each.ends_at, each.key) for each in waits if each.looked_at < each.ends_at - LEAD)
        begin = min((end - LEAD - pair * place for place, (end, _) in enumerate(ends)), default=inf)
        if begin + 1 / SLICES < now - NEARLY:
            yield ends[0][1], f"it had to be begun at {begin}, now it is {now}"
