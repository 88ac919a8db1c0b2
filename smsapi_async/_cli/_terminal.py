"""What a user sees: results on stdout, everything said about them on stderr.

A text that came from outside, an SMS above all, is stripped of what could steer the terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from io import TextIOWrapper
from typing import Annotated, Any, TextIO

import attrs
from cyclopts import Parameter
from cyclopts.validators import Number
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.table import Table
from rich.text import Text

Json = Annotated[bool, Parameter(name="--json", negative=(), help="Print JSON.")]
Yes = Annotated[bool, Parameter(name=("--yes", "-y"), negative=(), help="Do not ask before money is spent.")]

Seconds = Annotated[float | None, Parameter(validator=Number(gt=0))]

UNBOUNDED = 1000
"""Columns of an output that is no terminal: nothing is cut off there."""


class StopError(Exception):
    """The command ends here, with a word to the user and an exit code."""

    def __init__(self, what: str, code: int) -> None:
        super().__init__(what)
        self.code = code


def clean(value: object) -> str:
    """The value as a line of text; nothing in it steers the terminal."""
    if value is None:
        return "-"
    if isinstance(value, datetime):
        value = f"{value.astimezone():%Y-%m-%d %H:%M:%S}"
    if isinstance(value, Decimal):
        value = f"{value:f}"
    return "".join(letter if letter.isprintable() else " " for letter in str(value))


def accept_every_letter() -> None:
    """Write what the terminal's encoding lacks as an escape: a code that is paid for is shown in any case."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def show(*lines: object) -> None:
    """Results, a line each."""
    _write(sys.stdout, *lines)


def say(text: object) -> None:
    """A line about what goes on."""
    _write(sys.stderr, text)


def _write(stream: TextIO | None, *lines: object) -> None:
    if stream is None:  # closed by the shell
        return
    for line in lines:
        stream.write(clean(line) + "\n")
    stream.flush()


def show_json(value: Any) -> None:
    """One JSON value on one line. Money is text, lest it be rounded; a span is seconds."""
    show(json.dumps(value, default=_as_json))


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return attrs.asdict(value, recurse=False)


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], nothing: str = "") -> None:
    """A table with a heading, or what is said when it would be empty."""
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(clean(value)) for value in row))
    if not table.row_count:
        say(nothing)
        return
    if sys.stdout is not None:
        console = Console(width=None if sys.stdout.isatty() else UNBOUNDED, highlight=False)
        console.print(table)


def ask(question: Callable[[], str]) -> None:
    """Go on only after a yes. Where nobody can answer, the question is not even made, and nothing spent."""
    if sys.stdin is None or sys.stderr is None or not sys.stdin.isatty():
        raise StopError("this spends money: repeat it with --yes, since nobody can be asked here", 2)
    sys.stderr.write(f"{clean(question())} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise StopError("nothing was spent", 1)


@contextmanager
def countdown(what: str, seconds: float) -> Iterator[None]:
    """The time that is left, second by second, where somebody is there to see it."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with Progress(SpinnerColumn(), TextColumn(what), BarColumn(), _Left(), console=console, transient=True) as progress:
        progress.add_task(what, total=seconds)
        yield


class _Left(ProgressColumn):
    """Minutes and seconds until the end."""

    def render(self, task: Task) -> Text:
        left = max(0, round((task.total or 0) - (task.elapsed or 0)))
        return Text(f"{left // 60}:{left % 60:02}")
