"""Making a failing schedule small: parts are left out while the same law stays broken. Plays many runs, prints none.

Nothing is drawn anew, so the seed and the kept parts describe a small schedule.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import attrs

from .schedule import Schedule, draw

PARTS = ("deeds", "troubles", "events", "quirks", "interruptions", "plans")
Part = tuple[str, str]
"""A part of a schedule: one of `PARTS`, and the number or name of the piece."""


def pieces(schedule: Schedule) -> dict[str, list[str]]:
    """All that can be left out of a schedule, by parts."""
    return {
        "deeds": [str(deed.number) for deed in schedule.deeds],
        "troubles": [str(trouble.number) for trouble in schedule.troubles],
        "events": [str(event.number) for event in schedule.events],
        "quirks": list(schedule.quirks),
        "interruptions": [str(deed.number) for deed in schedule.deeds if deed.interruption],
        "plans": list(schedule.plans),
    }


def without(schedule: Schedule, left_out: Iterable[Part]) -> Schedule:
    """The schedule with fewer pieces."""
    gone = set(left_out)

    def stays(part: str, name: object) -> bool:
        return (part, str(name)) not in gone

    deeds = [deed for deed in schedule.deeds if stays("deeds", deed.number)]
    return attrs.evolve(
        schedule,
        deeds=tuple(
            deed if stays("interruptions", deed.number) else attrs.evolve(deed, interruption=None) for deed in deeds
        ),
        troubles=tuple(trouble for trouble in schedule.troubles if stays("troubles", trouble.number)),
        events=tuple(event for event in schedule.events if stays("events", event.number)),
        quirks={name: value for name, value in schedule.quirks.items() if stays("quirks", name)},
        plans={product: plans for product, plans in schedule.plans.items() if stays("plans", product)},
    )


def shrunk(schedule: Schedule, fails: Callable[[Schedule], bool]) -> Schedule:
    """The schedule without every piece that the failure does not need."""
    left: list[Part] = [(part, name) for part, names in pieces(schedule).items() for name in names]
    gone: list[Part] = []
    size = max(1, len(left) // 2)
    while True:
        before = len(left)
        for start in range(0, len(left), size):
            chunk = left[start : start + size]
            if chunk and fails(without(schedule, (*gone, *chunk))):
                gone += chunk
        left = [piece for piece in left if piece not in gone]
        if size == 1 and len(left) == before:
            return without(schedule, gone)
        size = max(1, size // 2)


def kept(schedule: Schedule) -> Iterator[str]:
    """Yield the arguments of a command that plays this part of the seed's schedule."""
    whole, now = pieces(draw(schedule.seed)), pieces(schedule)
    for part in PARTS:
        possible = [name for name in whole[part] if part != "interruptions" or name in now["deeds"]]
        if now[part] != possible:
            yield f"--keep-{part}={','.join(now[part])}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Read the file that `kept` writes."""
    for part in PARTS:
        parser.add_argument(f"--keep-{part}", metavar="0,3", help=f"of the {part} of --seed only these")


def from_arguments(seed: int, given: Any) -> Schedule:
    """The schedule of a seed, only what the command keeps of it."""
    schedule = draw(seed)
    gone = []
    for part, names in pieces(schedule).items():
        keep = getattr(given, f"keep_{part}")
        if keep is not None:
            gone += [(part, name) for name in names if name not in keep.split(",")]
    return without(schedule, gone)
