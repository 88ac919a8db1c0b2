"""The report of an attack: how often every cell was reached, and how to play a failure again. Plays nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import attrs

from .cells import CELLS, FAULTS, REQUESTS, SPENDING
from .laws import Broken
from .run import Outcome
from .schedule import Schedule
from .shrink import kept


@attrs.define
class Tally:
    """The counts of many runs; cells are counted once a run."""

    runs: int = 0
    cells: Counter[tuple[str, str]] = attrs.field(factory=Counter)
    spending: int = 0
    """Runs in which a call that spends met a fault."""
    broken: list[tuple[int, Broken]] = attrs.field(factory=list)
    """Seed, and what broke."""

    def count(self, seed: int, run: Outcome | None, broken: Iterable[Broken]) -> None:
        """Add one run; None when it came to no end."""
        arrivals = run.records.arrivals if run else ()
        met = {(each.request, each.fault) for each in arrivals if each.request and each.fault}
        self.runs += 1
        self.cells.update(met)
        self.spending += any(request in SPENDING for request, _ in met)
        self.broken += [(seed, each) for each in broken]

    def add(self, other: Tally) -> None:
        """Add the counts of another."""
        self.runs += other.runs
        self.cells += other.cells
        self.spending += other.spending
        self.broken += other.broken

    @property
    def smallest(self) -> tuple[tuple[str, str], int]:
        """The cell that was reached least, and how often."""
        cell = min(CELLS, key=lambda cell: self.cells[cell])
        return cell, self.cells[cell]


def table(cells: Mapping[tuple[str, str], int]) -> str:
    """In how many runs each request met each fault."""
    width = max(map(len, FAULTS))
    lines = [
        f"{fault:>{width}}"
        + "".join(f"{cells[request, fault]:>9}" if (request, fault) in CELLS else " " * 8 + "-" for request in REQUESTS)
        for fault in FAULTS
    ]
    short = "".join(f"{request.replace('buy activation', 'activ.').replace('buy ', '')[:8]:>9}" for request in REQUESTS)
    return "\n".join([" " * width + short, *lines])


def replay(schedule: Schedule, loop: str) -> str:
    """The command that plays this schedule again."""
    return " ".join([f"python -m tests.attack --seed {schedule.seed} --loop {loop}", *kept(schedule)])


def summary(loop: str, tally: Tally) -> str:
    """Return the result of one loop, in a few lines."""
    (request, fault), least = tally.smallest
    share = tally.spending / max(1, tally.runs)
    return (
        f"{loop}: {tally.runs} schedules, {share:.0%} of them met a fault on a call that spends\n"
        f"{loop}: smallest cell {request} x {fault}, reached in {least} schedules\n"
        f"{loop}: {len({seed for seed, _ in tally.broken})} schedules broke a law"
    )
