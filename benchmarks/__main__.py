"""Runs the benchmarks, each in a process of its own, and writes `RESULTS.md`: subject, bar, measured, met or not.

A bar that is not met does not end the run; a benchmark that crashes does, and the table stays as it was.

    python -m benchmarks [NAME ...]      all of them, or these only, whose results are printed and not written
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks._measure import HERE

QUESTIONS: dict[str, tuple[str, ...]] = {
    "call_cost": (),
    "burst": (),
    "connections": (),
    "decoding": (),
    "waiting_memory": (),
    "detection": (),
    "rhythm": (),
    "pace_kept": (),
    "import_cost": (),
    "second_client": (),
    "install_size": (),
    "ten_thousand": ("2000",),  # `make soak` runs it with all of them
    "rivals": (),
}
LIBRARIES = (
    *("anyio", "attrs", "cattrs", "httpx", "httpcore", "httpx2", "msgspec", "trio", "uvicorn", "orjson"),
    *("PyFiveSim", "fivesim", "PanjSim", "onlinesimru", "aiohttp", "requests"),
)
COMMAND = "make bench"
VERDICT = {True: "met", False: "**not met**"}


def run(name: str) -> list[dict[str, Any]]:
    """Return the output of the benchmark, as rows."""
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows"
        rows.touch()
        command = [sys.executable, "-m", f"benchmarks.{name}", *QUESTIONS[name]]
        subprocess.run(command, check=True, cwd=HERE.parent, env={**os.environ, "BENCHMARK_ROWS": str(rows)})
        return [json.loads(line) for line in rows.read_text(encoding="utf-8").splitlines()]


def question(name: str) -> str:
    """Return the first line of the benchmark's docstring."""
    return (HERE / f"{name}.py").read_text(encoding="utf-8").partition('"""')[2].partition("\n")[0]


def written(found: dict[str, list[dict[str, Any]]], seconds: float) -> str:
    bars = [row for rows in found.values() for row in rows if "bar" in row]
    bars.sort(key=lambda row: int(row["bar"][1:]))
    met = sum(row["met"] for row in bars)
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    lines = [
        "# What the benchmarks measured",
        "",
        f"Written by `{COMMAND}`, never by hand; {seconds / 60:.0f} minutes, {met} of {len(bars)} bars met.",
        "Ratios and delays are of one run, floor and peers beside ours; another run, another day, is not to be",
        "compared with it.",
        "",
        f"{platform.python_implementation()} {platform.python_version()} on {machine}; {libraries}.",
        "",
        "| # | what | bar | measured | |",
        "|---|---|---|---|---|",
        *(
            f"| {row['bar']} | {row['what']} | {row['limit']} | {row['measured']} | {VERDICT[row['met']]} |"
            for row in bars
        ),
    ]
    for name, rows in found.items():
        lines += ["", f"## {name}", "", question(name), ""]
        if (HERE / f"{name}.svg").is_file():
            lines += [f"![{name}]({name}.svg)", ""]
        beside = [row for row in rows if "beside" in row]
        lines += ["| beside it | measured |", "|---|---|"] if beside else []
        lines += [f"| {row['beside']} | {row['measured']} |" for row in beside]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def main(names: list[str]) -> None:
    begun = time.monotonic()
    found = {}
    for name in names or QUESTIONS:
        print(f"== {name}: {question(name)}", flush=True)
        since = time.monotonic()
        found[name] = run(name)
        print(f"     {time.monotonic() - since:.0f} s", flush=True)
    if not names:
        (HERE / "RESULTS.md").write_text(written(found, time.monotonic() - begun), encoding="utf-8")
        print("written: benchmarks/RESULTS.md")


if __name__ == "__main__":
    main(sys.argv[1:])
