"""The linter of the prose: which sentences it finds, and where it looks for them."""

from __future__ import annotations

import pytest

from documenting import prose
from documenting.prose import ALLOWED, files, findings, long_sentences


def found(text: str, name: str = "page.md") -> list[tuple[int, str]]:
    return [(finding.line, finding.text) for finding in findings(name, text)]


@pytest.mark.parametrize(
    "sentence",
    [
        "Who waits gets the code.",
        "Whom the list does not show is asked about.",
        "What is left is given back.",
        "Whoever buys pays.",
        "Whatever comes is read.",
        "Whether nobody else waits.",
        "Those that wait are cancelled.",
        "Somebody bought it.",
        "Nobody waits for it.",
        "The caller gets his own code.",
        "A waiter sleeps until he is rung.",
        "The list shows him.",
        "It is closed lest money be lost.",
        "A stale entry counts no more.",
        "It ends after so many seconds.",
        "It stays unless told otherwise.",
        "It was slow of late.",
    ],
)
def test_an_inverted_or_dated_sentence_is_found(sentence):
    """Each word of STYLE that makes a reader start again at the beginning of the sentence."""
    assert found(sentence) == [(1, sentence)]


@pytest.mark.parametrize(
    "sentence",
    [
        "An order that the list does not show is asked about.",
        "What is an order?",
        "The price shows what is left.",
        "A waiter that nobody needs is cancelled.",
        "No more than three waits leave at once.",
        "It takes one request and no more.",
        "This theme has history.",
        "Call `lest()` or read <https://example.org/no-more/so%20many> first.",
    ],
)
def test_a_plain_sentence_is_left_alone(sentence):
    """A linter that is wrong is switched off."""
    assert found(sentence) == []


def test_a_page_is_read_without_its_titles_and_programs():
    """A title is no sentence, and a program has words of its own. Lines are those of the page."""
    page = "# What it costs\n\nOne line.\n\n```python\n# What is left\n```\n\n- **What is\n  left** stays.\n"
    page += "| a | Who b |\n"

    assert found(page) == [(9, "What is left** stays."), (11, "Who b")]


def test_a_sentence_in_the_middle_of_a_line_is_found():
    """Most docstrings begin with the act; the clause comes second."""
    assert found("It is closed. What is left\nis given back. Both are plain.") == [(1, "What is left is given back.")]


PROGRAM = '''"""A module.

What it holds.
"""

# -- what is left ------------------------------------------------------
# what the first line says,
# the second line continues
NUMBER = 3  # who needs it
# noqa: F401
import os  # noqa: F401  what a linter excuses

LEFT = 1
"""Those that are left."""


def act():
    """Do it. Nobody asks."""
    return "What a program prints is no prose."
'''


def test_a_program_is_read_by_its_comments_and_docstrings():
    """A comment beside code has no capital letter, and begins a sentence all the same."""
    assert sorted(found(PROGRAM, "module.py")) == [
        (3, "What it holds."),
        (7, "What the first line says, the second line continues"),
        (9, "Who needs it"),
        (11, "What a linter excuses"),
        (14, "Those that are left."),
        (18, "Nobody asks."),
    ]


def test_long_sentences_are_counted_and_never_forbidden(capsys):
    """A list may need its words; the number shows the writer where to look."""
    page = "It has " + "many " * 24 + "words. It is short."

    assert [(long.line, long.advice) for long in long_sentences("page.md", page)] == [(1, "27 words")]
    assert prose.main(["--long"]) == 0
    assert "words: " in capsys.readouterr().out


def test_the_command_fails_with_each_finding(monkeypatch, capsys):
    """`make lint` stops at it, and the line leads an editor to the place."""
    monkeypatch.setattr(prose, "files", lambda: [("page.md", "One.\nWhat is left.")])

    assert prose.main([]) == 1
    assert capsys.readouterr().out == "page.md:2: begin with the noun: What is left.\n"


def test_the_exceptions_are_few_and_needed():
    """An entry without a use would hide the next finding there."""
    texts = dict(files())

    assert len(ALLOWED) <= 10
    assert all(ALLOWED.values())
    assert {file for file, _ in ALLOWED} <= texts.keys()
    for file, part in ALLOWED:
        assert part in " ".join(texts[file].split())
