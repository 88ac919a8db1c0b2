"""A short run of the fuzzer, the same one each time; and that it would find what it looks for."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from smsapi_async._sending import Call, Reply
from smsapi_async._sending import call as call_file
from tests.fuzz import reading, running
from tests.fuzz.mutating import Mutator, planted
from tests.fuzz.running import Report, both, run


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    """The decoders that a broken test left."""
    yield
    reading.uninstall()


def test_a_short_run_finds_nothing(untraced: None) -> None:
    """`make fuzz` is the long one. About a quarter of the answers can be read: else the readers would not be tested."""
    report = Report()

    run(report, executions=40_000, seed=20_261_128)

    assert report.findings == []
    assert (report.executions >= 40_000, report.values > report.executions / 5) == (True, True)
    assert all(report.differences)


def test_a_seed_is_a_run() -> None:
    """A finding can be found again."""
    bodies = []
    for _ in range(2):
        mutator = Mutator(random.Random(5))
        bodies.append([mutator.body(seed) for seed in mutator.seeds])

    assert bodies[0] == bodies[1]


def test_the_places_of_a_seed_are_its_values_and_names() -> None:
    """A mutation hits a value as a whole, also one that is full of commas and brackets."""
    body = b'{"a\\"": [1, "x,]"], "b": {}}'
    seed = planted(body)

    assert sorted(body[start:end] for start, end in seed.values) == [b'"x,]"', b"1", b'[1, "x,]"]', body, b"{}"]
    assert sorted(body[start:end] for start, end in seed.names) == [b'"a\\""', b'"b"']
    assert planted(b"]").values == [(0, 1)]


BREAKS: dict[str, Any] = {
    "a stray error": lambda reply: reply.headers["x"],
    "a slow read": lambda reply: sum(range(30_000_000)),
    "two values": lambda reply: type(call_file._quick_decoder(float)[0]).__name__,
}


@pytest.mark.parametrize("name", BREAKS)
def test_what_breaks_a_law_is_found(name: str, monkeypatch: pytest.MonkeyPatch, untraced: None) -> None:
    """An error of another tree, a read that holds the loop, decoders that disagree."""
    calls: dict[str, Call[Any]] = dict(reading.CALLS)
    monkeypatch.setattr(reading, "CALLS", calls)
    calls["v1.check"] = calls["v1.check"].reading(BREAKS[name])
    monkeypatch.setattr(running, "SLOWEST", 0.1)
    report = Report()

    both(report, "v1.check", Reply(status=200, headers={}, body=b"{}"), name)

    words = {"a stray error": "KeyError('x')", "a slow read": " s\n", "two values": "they differ"}[name]
    assert words in report.findings[0]
    assert report.findings[0] in report.summary()
