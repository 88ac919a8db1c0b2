"""Many schedules on all cores, and one of them alone: every run is judged, a run that does not end too. Prints nothing.

Its own module, because a spawned process imports what it is to do by name, and `__main__` has another one there.
"""

from __future__ import annotations

import gc
import multiprocessing
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress

from .laws import Broken, broken
from .report import Tally
from .run import Outcome, play
from .schedule import Schedule, draw
from .shrink import shrunk

LOOPS = ("asyncio", "trio")
CHUNK = 50
"""Schedules that a process plays at a time."""


SPINS_AFTER = 20.0
"""Seconds of the processor for what takes a twentieth of one: tasks wake each other, and time stands still."""


class SpinningError(SystemExit):
    """A run that does not come to rest; asyncio lets no other exception out of the middle of its loop."""


def tried(schedule: Schedule, loop: str) -> tuple[Outcome | None, list[Broken]]:
    """One run, and every law that it broke."""
    try:
        with _watched():
            outcome = play(schedule, loop)
    except (Exception, SpinningError) as error:  # noqa: BLE001 - a finding like any other
        return None, [Broken("every_run_comes_to_its_end", repr(error))]
    return outcome, broken(outcome)


@contextmanager
def _watched() -> Iterator[None]:
    """Stop a run that spins, where the system counts the CPU of a process."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(*_: object) -> None:
        raise SpinningError("time stands still")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, SPINS_AFTER, SPINS_AFTER / 10)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def smallest(schedule: Schedule, loop: str) -> Schedule:
    """The least of a schedule that still breaks the first law it broke; the whole one, when it breaks none."""
    laws = [each.law for each in tried(schedule, loop)[1]]
    return (
        shrunk(schedule, lambda less: any(each.law == laws[0] for each in tried(less, loop)[1])) if laws else schedule
    )


def chunk(loop: str, seeds: range) -> Tally:
    """The counts of some seeds on one loop."""
    tally = Tally()
    for seed in seeds:
        outcome, found = tried(draw(seed), loop)
        tally.count(seed, outcome, found)
    return tally


def everywhere(seeds: range, loops: Iterable[str]) -> Iterator[tuple[str, Tally]]:
    """The counts of these schedules on each loop, as they come from all cores."""
    work = [(loop, seeds[start : start + CHUNK]) for start in range(0, len(seeds), CHUNK) for loop in loops]
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn"), initializer=prepare) as pool:
        yield from zip([loop for loop, _ in work], pool.map(chunk, *zip(*work, strict=True)), strict=True)


def prepare() -> None:
    """Load what is needed, and have the collector pass over it: it looks for what a run leaves after every run."""
    with suppress(ImportError):
        import trio  # noqa: F401, PLC0415
    gc.collect()
    gc.freeze()
