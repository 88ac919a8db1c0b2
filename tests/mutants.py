"""Proof that the tests see: defects planted by hand, each in a law of money, which a named test and the attack notice.

    python -m tests.mutants

The package and its tests are copied into a temporary folder, where all of these checks pass. Then one defect at a time
is planted there, and every check that is said to notice it must fail. One line for each; the exit code is 1 when a
check passed over a defect. A defect that no longer fits the code ends the program: it is to be planted anew.
"""

# ruff: noqa: T201 - a program: it prints

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import attrs

PROJECT = Path(__file__).parent.parent
COPIED = ("smsapi_async", "tests", "pyproject.toml")
PYTEST = "pytest -x -q -p no:cacheprovider "
ATTACK = "tests.attack 150"
LONG_ATTACK = "tests.attack 700 --loop asyncio"
"""For what takes asyncio's own cancel at the wrong moment, twice."""


@attrs.frozen
class Mutant:
    """A defect, and what notices it.

    Attributes:
        name: the defect in words.
        file: where it is planted.
        old: the text in its place, which is there once.
        new: the defect.
        killed_by: commands that must fail, as the arguments of `python -m`.
    """

    name: str
    file: str
    old: str
    new: str
    killed_by: tuple[str, ...]

    def planted(self, source: str) -> str:
        """The source with the defect."""
        if source.count(self.old) != 1:
            raise ValueError(f"{self.file}: {source.count(self.old)} times, not once:\n{self.old}")
        return source.replace(self.old, self.new)


MUTANTS = (
    Mutant(
        "a purchase is sent again after a lost answer",
        "smsapi_async/_sending/retry.py",
        "if repeat is Repeat.NEVER and not isinstance(error, NotSentError):",
        "if repeat is Repeat.NEVER and not isinstance(error, (NotSentError, OutcomeUnknownError)):",
        (PYTEST + "tests/v1/test_purchases.py::test_a_lost_answer_to_a_purchase_is_found_in_the_history", ATTACK),
    ),
    Mutant(
        "work is shielded in the caller's own task, not in a child",
        "smsapi_async/_shield.py",
        "            group.start_soon(child)\n",
        "            await child()\n",
        (PYTEST + "tests/test_shield.py::test_task_cancel_does_not_reach_the_work", LONG_ATTACK),
    ),
    Mutant(
        "no last look is taken before the end of an order or of a wait",
        "smsapi_async/_polling/tracked.py",
        "moments = (self.ends_at - LEAD, self.ends_at + 1.0, *[waiter.deadline for waiter in self.waiters])",
        "moments = (self.ends_at + 1.0,)",
        (PYTEST + "tests/v1/test_waits.py::test_ten_seconds_before_its_end_an_order_is_cancelled_for_a_refund", ATTACK),
    ),
    Mutant(
        "an order that the list shows no more is never looked at again",
        "smsapi_async/_polling/queue.py",
        "self._spare_no_more(now, unless_listed_since=sweep.began if self.listing.is_trusted(now) else inf)",
        "self._swept_from = sweep.began",
        (PYTEST + "tests/polling/test_queue.py::test_whom_a_sweep_does_not_show_goes_back_to_his_own_rhythm",),
    ),
    Mutant(
        "an order that is somebody's already is claimed for a lost purchase",
        "smsapi_async/v1/_purchases.py",
        "return [row for row in records.rows if row.id not in claimed]",
        "return list(records.rows)",
        (PYTEST + "tests/v1/test_purchases_together.py::test_a_purchase_in_flight_is_waited_for", ATTACK),
    ),
    Mutant(
        "a refused cancel is taken for the order's end",
        "smsapi_async/v1/_settle.py",
        'if refusal.reason.lower() == "hosting order":',
        "if refusal.reason:",
        (PYTEST + "tests/v1/test_settle.py::test_an_order_with_a_message_is_finished_instead", ATTACK),
    ),
)


@attrs.frozen
class Copy:
    """The package and its tests in a folder of their own."""

    folder: Path

    @classmethod
    def made(cls, folder: Path) -> Copy:
        """Copy them."""
        for name in COPIED:
            source = PROJECT / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, folder / name)
        return cls(folder)

    def failure(self, command: str) -> str:
        """What the command says when it fails, nothing when it passes; what keeps it from being run is an error."""
        self._check()
        run = self._run("-m", *command.split())
        if run.returncode not in (0, 1):
            raise RuntimeError(f"{command} cannot be run:\n{run.stdout}{run.stderr}")
        return (run.stdout + run.stderr or "it failed") if run.returncode else ""

    def _check(self) -> None:
        """It is the copy that is tested, and it can be imported."""
        run = self._run("-c", "import smsapi_async; print(smsapi_async.__file__)")
        if run.returncode or not Path(run.stdout.strip()).is_relative_to(self.folder):
            raise RuntimeError(f"the copy cannot be imported:\n{run.stdout}{run.stderr}")

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )


def survived(copy: Copy, mutant: Mutant) -> list[str]:
    """Plant the mutant: the commands that passed over it."""
    file = copy.folder / mutant.file
    source = file.read_text(encoding="utf-8")
    file.write_text(mutant.planted(source), encoding="utf-8")
    try:
        return [command for command in mutant.killed_by if not copy.failure(command)]
    finally:
        file.write_text(source, encoding="utf-8")


def main() -> int:
    """Plant them all. The exit code: 1 when one survived."""
    blind = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Copy.made(Path(folder).resolve())
        for command in sorted({command for mutant in MUTANTS for command in mutant.killed_by}):
            if failure := copy.failure(command):
                raise RuntimeError(f"{command} fails before anything is planted:\n{failure}")
        for mutant in MUTANTS:
            began = time.perf_counter()
            passed = survived(copy, mutant)
            blind += bool(passed)
            end = f"SURVIVED {', '.join(passed)}" if passed else "killed"
            print(f"{time.perf_counter() - began:6.1f} s  {mutant.name}: {end}", flush=True)
    return int(blind > 0)


if __name__ == "__main__":
    sys.exit(main())
