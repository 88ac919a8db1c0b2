"""The pages of docs/protocol: what cites them finds what it names, and they have every answer that our tables have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rent import literals as rent_literals
from tests.v1 import literals as v1_literals

ROOT = Path(__file__).parents[1]
PAGES = {house: (ROOT / f"docs/protocol/{house}.md").read_text(encoding="utf-8") for house in ("v1", "rent")}
PAGE = re.compile(r"docs/protocol/(v1|rent)\.md")
NUMBERS = re.compile(r"\b(section|trap)s? ((?:[\d.]*\d(?: \([^)]*\))?(?:, | and )?)+)")
ELSEWHERE = re.compile(r"fact[ ]sheet|(?<!docs/)protocol/(?:v1|rent|samples)|(?<![/\w])(?:v1|rent)\.md")
SAMPLE = re.compile(r"tests/samples/(?:v1|rent)/[\w.]+\w")

INVENTED = {"SOMETHING_NEW", "Unauthorized", "this country sleeps today", "your address is blocked"}
"""Answers of our tests that no source has: they must be read as refusals too."""


def lines() -> Iterator[tuple[str, str]]:
    """Every line of the sources, and where it stands."""
    for folder in ("smsapi_async", "tests", "examples", "benchmarks", "documenting"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
                yield f"{file.relative_to(ROOT)}:{number}", line


def citations() -> Iterator[tuple[str, str, str, str]]:
    """Where, the page, and what of it: numbers behind a page are of that page, others on the line are of each."""
    for place, line in lines():
        before, *pairs = PAGE.split(line)
        named = pairs[::2]
        parts = [(named, before), *(([page], text) for page, text in zip(named, pairs[1::2], strict=True))]
        for pages, text in parts:
            for kind, numbers in NUMBERS.findall(text):
                of = named if "of each" in text else pages
                yield from ((place, page, kind, each) for page in of for each in re.findall(r"\d+(?:\.\d)?", numbers))


def is_there(page: str, kind: str, number: str) -> bool:
    if kind == "trap":
        return f"\n| {number} | " in PAGES[page].partition("\n## 1.")[0]
    return re.search(rf"^###? {re.escape(number)}\.? ", PAGES[page], re.MULTILINE) is not None


def test_what_is_cited_of_the_protocol_is_there():
    """A source that a reader cannot look up is no source."""
    cited = list(citations())

    assert [each for each in cited if not is_there(*each[1:])] == []
    assert len({place for place, *_ in cited}) > 20


def test_no_source_is_cited_that_is_not_in_the_repository():
    """The facts are in docs/protocol, and every recorded answer is a file."""
    found = list(lines())

    assert [(place, line) for place, line in found if ELSEWHERE.search(line)] == []
    assert [line for _, line in found for file in SAMPLE.findall(line) if not (ROOT / file).is_file()] == []


@pytest.mark.parametrize(
    ("house", "words"),
    [
        ("v1", {literal.body for literal in v1_literals.REFUSALS}),
        ("rent", {literal.word for literal in rent_literals.LITERALS}),
    ],
)
def test_the_table_of_errors_has_every_refusal_that_is_read(house, words):
    """A refusal that is read by guess would stand in the code alone."""
    table = PAGES[house].partition("\n## 4.")[2].partition("\n## 5.")[0]

    pages = {word for word in words if "nginx" in word}

    assert {word for word in words - pages - INVENTED if word and f"`{word}`" not in table} == set()
    assert len(words) > 20
