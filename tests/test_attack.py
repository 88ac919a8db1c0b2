"""The attack of `tests/attack.py`, a few hundred schedules of it; `make attack N=20000` plays more."""

from __future__ import annotations

import pytest

from tests import attack


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
@pytest.mark.parametrize("start", range(0, 150, 10))
def test_no_law_is_broken_whatever_goes_wrong(start, loop):
    """Examples show what we thought of; random schedules also show what we did not."""
    found = {seed: attack.broken(attack.play(seed, loop)) for seed in range(start, start + 10)}

    assert {f"--seed {seed} --loop {loop}": what for seed, what in found.items() if what} == {}


def test_a_schedule_is_played_the_same_way_again():
    """A seed that fails is of use only if it fails again."""
    first, second = (attack.play(47, "trio").sandbox.log for _ in range(2))

    assert [(entry.at, entry.line) for entry in first] == [(entry.at, entry.line) for entry in second]
