"""The output for a user: results on stdout, everything said about them on stderr.

A text that came from outside, an SMS above all, is stripped of what could steer the terminal.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from decimal import Decimal
from io import TextIOWrapper
from typing import Annotated, Any, TextIO

import attrs
from cyclopts import Parameter, Token
from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.table import Table
from rich.text import Text

Json = Annotated[bool, Parameter(name="--json", negative=(), help="Print JSON.")]
Yes = Annotated[bool, Parameter(name=("--yes", "-y"), negative=(), help="Go on without a question.")]

_SPAN = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?")


def _seconds(_: object, tokens: Sequence[Token]) -> float:
    """The seconds of ``90``, ``90s``, ``5m`` or ``1h30m``."""
    text = tokens[0].value.strip().lower()
    found = _SPAN.fullmatch(text)
    hours, minutes, rest = found.groups(default="0") if found else ("0", "0", "0")
    seconds = int(hours) * 3600 + int(minutes) * 60 + float(rest)
    if not seconds:
        raise ValueError(f"seconds or a span such as 90s, 5m or 1h30m are needed, more than 0, not {text!r}")
    return seconds


Seconds = Annotated[float | None, Parameter(converter=_seconds)]

IN_CURRENCY = "amounts are in the account currency"

WHOLE = frozenset(("id", "tzid", "phone", "code"))
"""Columns that are never wrapped: they are copied."""

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
        value = value.astimezone().isoformat(sep=" ", timespec="seconds")
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
    """A line about what goes on. Where it cannot be written, the command goes on all the same."""
    with suppress(OSError):
        _write(sys.stderr, text)


def amount(price: Decimal | None) -> str:
    """A price with its currency, which no answer of the providers names."""
    return "an unknown price" if price is None else f"{clean(price)} (account currency)"


def _write(stream: TextIO | None, *lines: object) -> None:
    if stream is None:  # closed by the shell
        return
    for line in lines:
        stream.write(clean(line) + "\n")
    stream.flush()


def show_json(value: Any) -> None:
    """One JSON value on one line. Money is text, so that it is not rounded; a span is seconds."""
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
    """A table with a heading, or what is said when it would be empty.

    Where the terminal is too narrow for the table, each row is shown as lines of its own, so that nothing is cut off.
    """
    cells = [[clean(value) for value in row] for row in rows]
    if not cells:
        say(nothing)
        return
    if sys.stdout is not None:
        console = Console(width=None if sys.stdout.isatty() else UNBOUNDED, highlight=False)
        least = [_least(name, [row[place] for row in cells]) for place, name in enumerate(columns)]
        if sum(least) + GAP * (len(columns) - 1) <= console.width:
            console.print(_table(columns, cells, least))
        else:
            show(*_records(columns, cells))
    if not MONEY.isdisjoint(columns):
        say(IN_CURRENCY)


GAP = 2
MONEY = frozenset(("price", "cost", "balance"))
"""Columns of amounts."""


def _least(name: str, cells: Sequence[str]) -> int:
    """The width that a column needs. All but the columns of `WHOLE` may be wrapped between words."""
    texts = cells if name in WHOLE else [word for cell in cells for word in cell.split()]
    return max(map(cell_len, [*name.split(), *texts]))


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], least: Sequence[int]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, GAP, 0, 0))
    for name, width in zip(columns, least, strict=True):
        table.add_column(name, no_wrap=name in WHOLE, min_width=width)
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _records(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Each row as a line for each cell, and an empty line between the rows."""
    for number, row in enumerate(rows):
        yield from ("",) if number else ()
        yield from (f"{name}: {cell}" for name, cell in zip(columns, row, strict=True))


def need_user(what: str) -> None:
    """Go on only where somebody can be asked.

    Raises:
        StopError: there is no terminal.
    """
    if sys.stdin is None or sys.stderr is None or not sys.stdin.isatty():
        raise StopError(f"{what}: repeat it with --yes, since nobody can be asked here", 2)


def ask(question: Callable[[], str], *, what: str = "this spends money", refused: str = "nothing was spent") -> None:
    """Go on only after a yes. Where nobody can answer, the question is not even made, and nothing is sent.

    Args:
        what: why there is a question, for a program that forgot to answer it.
        refused: what became of it after a no.
    """
    need_user(what)
    sys.stderr.write(f"{clean(question())} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise StopError(refused, 1)


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
