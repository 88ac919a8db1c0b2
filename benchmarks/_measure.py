"""The tools of every benchmark: a number beside its bar, a provider to ask, a process of one's own, the memory.

A number is compared with its bar and never with another run's. All output is also written, one JSON a line, to the
file that `BENCHMARK_ROWS` names: from it `python -m benchmarks` makes its table.
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import anyio
import attrs

HERE = Path(__file__).parent
PAGE = os.sysconf("SC_PAGE_SIZE")
TOKEN = "a-token-that-opens-nothing"  # noqa: S105


def bar(number: str, what: str, measured: float, limit: float, unit: str = "", *, least: bool = False) -> None:
    """Print a number beside its bar.

    Args:
        least: the bar is the least and not the most.
    """
    met = measured >= limit if least else measured <= limit
    sign = "≥" if least else "≤"
    row = {
        "bar": f"{number}",
        "what": what,
        "limit": f"{sign} {_text(limit)}{unit}",
        "measured": f"{_text(measured)}{unit}",
        "met": met,
    }
    print(f"{number}: {what}: {row['measured']} (bar {row['limit']}) {'met' if met else 'NOT MET'}", flush=True)
    _write(row)


def beside(what: str, measured: str) -> None:
    """Print a number without a bar: a floor, a peer, a rival."""
    print(f"     {what}: {measured}", flush=True)
    _write({"beside": what, "measured": measured})


def _text(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:.3g}"


def _write(row: dict[str, Any]) -> None:
    if path := os.environ.get("BENCHMARK_ROWS"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def peer(name: str) -> Any:
    """A library that is installed only to be measured beside ours."""
    return import_module(name)


def alone(module: str, *arguments: object) -> Any:
    """Run a part of a benchmark in a fresh process. Return its last line, which is JSON."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=HERE.parent)
    return json.loads(answer.stdout.splitlines()[-1])


@attrs.frozen
class Asked:
    """A provider that runs."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def ask(self, what: str, **query: object) -> Any:
        """`stats`, `reset`, `begin` or `arrived`: see `_provider`."""
        connection = HTTPConnection("127.0.0.1", self.port)
        connection.request("GET", f"/control/{what}?{urlencode(query)}")
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer


@contextmanager
def provider(orders: int = 1000, round_trip: float = 0.0, page_cap: int = 1000) -> Iterator[Asked]:
    """A bare provider in a process of its own."""
    told = json.dumps({"orders": orders, "round_trip": round_trip, "page_cap": page_cap})
    command = [sys.executable, "-m", "benchmarks._provider", told]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HERE.parent) as server:
        assert server.stdout
        assert server.stdin
        try:
            yield Asked(int(server.stdout.readline()))
        finally:
            server.stdin.close()


async def until(done: Callable[[], object], longest: float) -> None:
    """Wait until it is done, but no longer than `longest` seconds."""
    with anyio.move_on_after(longest):
        while not done():  # noqa: ASYNC110 - the provider is another process
            await anyio.sleep(0.3)


def middle(values: Sequence[float]) -> float:
    return statistics.median(values)


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the value below which `percent` of the values lie."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def resident() -> int:
    """Return the bytes of this process in memory, after a garbage collection."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def draw(name: str, title: str, across: str, up: str) -> Any:
    """Begin a curve of matplotlib's; `save` ends it. The same numbers make the same file."""
    plotting = peer("matplotlib")
    plotting.use("svg")
    plotting.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": name, "font.size": 9})
    figure, axes = peer("matplotlib.pyplot").subplots(figsize=(6.4, 3.8), layout="constrained")
    axes.set(title=title, xlabel=across, ylabel=up)
    axes.grid(visible=True, color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.file, axes.chart = HERE / f"{name}.svg", figure
    return axes


def save(axes: Any) -> None:
    axes.legend(frameon=False, fontsize=8)
    axes.chart.savefig(axes.file, metadata={"Date": None, "Creator": None})
    print(f"     drawn: {axes.file.relative_to(HERE.parent)}", flush=True)
