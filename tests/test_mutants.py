"""The defects of `tests/mutants.py`, which takes minutes to plant them (`make mutants`): here only that it can."""

from __future__ import annotations

import re

import pytest

from tests.mutants import PROJECT
from tests.planted import MUTANTS, Mutant

each_mutant = pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)


@each_mutant
def test_a_defect_has_its_place(mutant: Mutant) -> None:
    """Code moves on; a defect that is planted nowhere proves nothing."""
    source = (PROJECT / mutant.file).read_text(encoding="utf-8")

    planted = mutant.planted(source)

    assert planted != source
    compile(planted, mutant.file, "exec")


@each_mutant
def test_a_test_that_notices_a_defect_exists(mutant: Mutant) -> None:
    """A command that cannot be run fails as well, and has noticed nothing."""
    named = [re.search(r"(tests/\S+\.py)::(\w+)$", command) for command in mutant.killed_by]

    found = [(PROJECT / name[1]).read_text(encoding="utf-8").count(f"def {name[2]}(") for name in named if name]

    assert found == [1]


def test_a_defect_without_a_place_is_refused() -> None:
    """In two places it would be another defect, in none it would be none."""
    mutant = Mutant("", "x.py", "a", "b", ())

    assert mutant.planted("xax") == "xbx"
    for source in ("axa", "x"):
        with pytest.raises(ValueError, match="not once"):
            mutant.planted(source)
