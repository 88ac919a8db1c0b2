"""The run: draw a body and an answer around it, read it in both decoders, compare, and keep what was found."""

from __future__ import annotations

import random
import resource
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from itertools import product
from math import inf
from multiprocessing import get_context

import attrs

from smsapi_async import SmsApiError
from smsapi_async._sending import Reply
from tests.hostile import BODIES, LARGE, TABLES

from .mutating import Mutator
from .reading import CALLS, LEFT, PRICES, SMALL, Outcome, explained, read, uninstall, ways

SLOWEST = 0.5
"""Seconds of the processor that a read may take, the price table apart."""

MOST_FINDINGS = 20
NAMES = list(CALLS)
STATUSES = (200,) * 12 + (201, 204, 302, 400, 400, 401, 403, 404, 429, 500, 503)
HEADERS: tuple[dict[str, str], ...] = (
    {},
    {"date": "Thu, 01 Jan 2026 12:00:00 GMT"},
    {"date": "x" * 1_000},
    {"location": "/404.html"},
    {"date": "Thu, 01 Jan 99999999999 12:00:00 +9999"},
)


@attrs.define
class Report:
    """The result of a run.

    Attributes:
        findings: what broke a law, and how to see it again.
        differences: disagreements of the decoders that the code states, by their reason.
        tables, table_megabytes: what the largest price tables took, in seconds and memory.
    """

    executions: int = 0
    values: int = 0
    slowest: float = 0.0
    slowest_of: str = ""
    tables: float = 0.0
    table_megabytes: float = 0.0
    findings: list[str] = attrs.field(factory=list)
    differences: Counter[str] = attrs.field(factory=Counter)

    def add(self, name: str, outcome: Outcome, what: str) -> None:
        """Count a read."""
        self.executions += 1
        self.values += not outcome.error
        if outcome.seconds > self.slowest:
            self.slowest, self.slowest_of = outcome.seconds, f"{name} of {what}"

    def find(self, what: str, name: str, reply: Reply) -> None:
        """Keep a finding."""
        shown = f"{reply.body[:300]!r}{'...' if len(reply.body) > 300 else ''}"
        self.findings.append(f"{what}\n    {name}, HTTP {reply.status}, {dict(reply.headers)}, {shown}")

    def summary(self) -> str:
        lines = [
            f"{self.executions:,} executions, {self.values:,} of them read a value",
            f"slowest read: {self.slowest * 1e3:.0f} ms ({self.slowest_of})",
            f"largest memory: {megabytes_taken():.0f} MB, interpreter included",
            f"the largest price tables: {self.tables:.1f} s, {self.table_megabytes:.0f} MB",
            *(f"differs as stated, {count:,} times: {why}" for why, count in sorted(self.differences.items())),
            f"{len(self.findings)} findings",
            *self.findings,
        ]
        return "\n".join(lines)


def both(report: Report, name: str, reply: Reply, what: str) -> None:
    """Read an answer in both decoders, and compare."""
    outcomes: dict[str, Outcome] = {}
    for way, installed in ways().items():
        try:
            outcomes[way] = outcome = read(name, reply, installed)
        except Exception as error:  # noqa: BLE001 - it is what is looked for
            where = traceback.extract_tb(error.__traceback__)[-1]
            report.find(f"{way}: {error!r} at {where.filename}:{where.lineno}", name, reply)
            return
        report.add(name, outcome, what)
        if outcome.seconds > SLOWEST:
            report.find(f"{way}: {outcome.seconds:.2f} s", name, reply)
    fast, plain = outcomes["fast"], outcomes["plain"]
    if fast != plain:
        left = name == PRICES and len(reply.body) > SMALL
        if why := explained(LEFT if left else name, reply, fast, plain):
            report.differences[why] += 1
        else:
            report.find(f"they differ:\n    fast  {_short(fast)}\n    plain {_short(plain)}", name, reply)


def _short(outcome: Outcome) -> str:
    return f"{outcome}"[:500]


def corpus(report: Report, *, large: bool = True) -> None:
    """Read every body of the corpus with every reader whose cap lets it through; a whole table only as one."""
    try:
        for what, body in BODIES.items():
            for name in CALLS:
                both(report, name, Reply(status=200, headers={}, body=body), what)
        for what, made in LARGE.items() if large else ():
            body = made()
            for name, call in CALLS.items():
                if len(body) <= call.cap:
                    both(report, name, Reply(status=200, headers={}, body=body), what)
    finally:
        uninstall()


def tables(report: Report) -> None:
    """Read the largest tables that are allowed, each in a process of its own, which shows what memory it took."""
    with get_context("spawn").Pool(1, maxtasksperchild=1) as one_each:
        for seconds, megabytes in one_each.starmap(_read_table, product(TABLES, ways()), chunksize=1):
            report.executions += 1
            report.tables = max(report.tables, seconds)
            report.table_megabytes = max(report.table_megabytes, megabytes)


def _read_table(what: str, way: str) -> tuple[float, float]:
    ways()[way].install(unread=False)
    reply = Reply(status=200, headers={}, body=TABLES[what](), bounds=CALLS[PRICES].bounds)
    begun = time.thread_time()
    with suppress(SmsApiError):
        CALLS[PRICES].read(reply)
    return time.thread_time() - begun, megabytes_taken()


def megabytes_taken() -> float:
    """The most memory this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def readers_of(body: bytes) -> list[str]:
    """The readers that make a value of this seed; of a body that none can read, all."""
    reply, way = Reply(status=200, headers={}, body=body), ways()["plain"]
    return [name for name in CALLS if not read(name, reply, way).error] or NAMES


def run(
    report: Report,
    *,
    executions: int,
    seconds: float = inf,
    seed: int = 1,
    tell: Callable[[str], object] = lambda _: None,
) -> None:
    """Read mutated samples, until that number of reads or seconds is over, or enough was found."""
    draw = random.Random(seed)  # the same run for the same seed
    mutator = Mutator(draw)
    suited = [readers_of(seed.body) for seed in mutator.seeds]
    last, ends_at, told_at = report.executions + executions, time.monotonic() + seconds, report.executions
    try:
        while report.executions < last and time.monotonic() < ends_at and len(report.findings) < MOST_FINDINGS:
            place = draw.randrange(len(suited))
            body = mutator.body(mutator.seeds[place])
            reply = Reply(status=draw.choice(STATUSES), headers=draw.choice(HEADERS), body=body)
            for name in (draw.choice(suited[place]), draw.choice(suited[place]), draw.choice(NAMES)):
                both(report, name, reply, f"{reply.body[:60]!r}")
            if report.executions - told_at >= 1_000_000:
                told_at = report.executions
                tell(f"{report.executions:,} executions, slowest {report.slowest * 1e3:.0f} ms")
    finally:
        uninstall()
