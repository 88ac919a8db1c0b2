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

from tests.planted import MUTANTS, Mutant

PROJECT = Path(__file__).parent.parent
COPIED = ("smsapi_async", "tests", "pyproject.toml")


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
        """Return the output of a command that fails, nothing if it passes; raise if the command cannot be run."""
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
