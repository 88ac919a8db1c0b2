"""`python -m tests.attack 20000`: that many schedules on each loop, on all cores; or one of them again, by its seed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from .mass import LOOPS, everywhere, prepare, smallest, tried
from .report import Tally, replay, summary, table
from .schedule import Schedule, draw
from .shrink import add_arguments, from_arguments

SHRUNK = 3
"""Failures of a loop that are made small without being asked."""


def attack(seeds: range, loops: Sequence[str]) -> int:
    """Play these schedules on each loop. The exit code: 1 when a law was broken."""
    tallies = {loop: Tally() for loop in loops}
    for loop, tally in everywhere(seeds, loops):
        for seed, found in tally.broken:
            print(f"python -m tests.attack --seed {seed} --loop {loop}: {found.law}: {found.what}", flush=True)
        tallies[loop].add(tally)
    for loop, tally in tallies.items():
        print(f"\n{table(tally.cells)}\n\n{summary(loop, tally)}")
    for loop, tally in tallies.items():
        for seed in sorted({seed for seed, _ in tally.broken})[:SHRUNK]:
            tell(smallest(draw(seed), loop), loop)
    return int(any(tally.broken for tally in tallies.values()))


def again(schedule: Schedule, loops: Sequence[str], *, small: bool) -> int:
    """Play one schedule again, and say what broke. The exit code: 1 when a law was."""
    return max(tell(smallest(schedule, loop) if small else schedule, loop) for loop in loops)


def tell(schedule: Schedule, loop: str) -> int:
    """A schedule as data, how to play it again, and the laws it breaks."""
    found = tried(schedule, loop)[1]
    print(f"\n{schedule!r}\n{replay(schedule, loop)}")
    for each in found:
        print(f"    {each.law}: {each.what}")
    return int(bool(found))


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command and do it."""
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=300, help="schedules on each loop")
    parser.add_argument("--start", type=int, default=0, help="the first of these seeds")
    parser.add_argument("--seed", type=int, help="play this schedule alone")
    parser.add_argument("--loop", choices=LOOPS, help="on this loop alone")
    parser.add_argument("--shrink", action="store_true", help="leave out what the failure of --seed does not need")
    add_arguments(parser)
    given = parser.parse_args(arguments)
    loops = (given.loop,) if given.loop else LOOPS
    if given.seed is None:
        return attack(range(given.start, given.start + given.count), loops)
    prepare()
    return again(from_arguments(given.seed, given), loops, small=given.shrink)


if __name__ == "__main__":
    sys.exit(main())
