"""The prose of the project, checked: comments, docstrings, pages and the changelog avoid inverted and dated words.

    python -m documenting.prose          print each finding with its line and the words to write instead, and fail
    python -m documenting.prose --long   print the sentences of more than 25 words; none of them is forbidden

The text of programs is not prose: strings, fenced blocks, and words in backticks are passed over.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
SOURCES = ("smsapi_async", "tests", "benchmarks", "documenting", "examples")
PAGES = ("*.md", "docs/**/*.md")
LONGEST = 25
"""Words of a sentence that is understood at the first reading."""

RULES = {
    "begin with the noun": re.compile(
        r"^(?:Whom?|What|Whoever|Whomever|Whatever|Whether|Those (?:that|who))\b(?!.*\?$)"
    ),
    "name the task, waiter, user or program": re.compile(r"^(?:Somebody|Nobody|Everybody)\b|\b(?:he|him|his)\b"),
    "write 'so that ... not'": re.compile(r"\b[Ll]est\b"),
    "write 'no longer', or 'none is left'": re.compile(
        r"(?<!and )(?<!are )(?<!for )(?<![Cc]osts )\b[Nn]o more\b(?! than\b)"
    ),
    "write the number, or 'N'": re.compile(r"\b[Ss]o many\b"),
    "write 'by default'": re.compile(r"\b[Uu]nless (?:told|asked) otherwise\b"),
    "write 'recently'": re.compile(r"\bof late\b"),
}
"""Advice, each with the words that it replaces."""

FACT = "a statement about the provider stays as it was collected"
ALLOWED = {
    ("docs/protocol/rent.md", "Whether it exists today is unknown."): FACT,
    ("docs/protocol/rent.md", "What extendRentState will accept now."): FACT,
    ("docs/protocol/rent.md", "Whether it is unique across rents is unknown."): FACT,
    ("docs/protocol/rent.md", "Whether the default of a library is refused is unknown."): FACT,
    ("docs/protocol/v1.md", "which the seed's snippet sends, is taken is not verified."): FACT,
}
"""A file and a part of a sentence in it that stay, each with the reason."""

# Directives and the rules between sections are no prose; a reason after a directive is.
NO_PROSE = re.compile(r"^(?:type: |noqa|fmt: |pragma: |!|-\*-|-- )")
EXCUSE = re.compile(r"^noqa: [A-Z0-9, ]+? {2,}")
BEFORE = re.compile(r"\A(?:[\s>]|[-*] |\*\*)*")
TITLE = re.compile(r"^#+ .*$", re.MULTILINE)
FENCED = re.compile(r"^( *)(```|~~~).*?^\1\2`*$", re.MULTILINE | re.DOTALL)
UNREAD = re.compile(r"<!--.*?-->|``.+?``|`[^`]+`|<[^<>\n]+>|https?://\S+", re.DOTALL)
BLOCK_ENDS = re.compile(r"\n[ \t]*\n|\n(?=[ \t]*(?:[-*|#>] ?|\d+\. |:::|[\w, ]+: ))|\|")
SENTENCE_ENDS = re.compile(r"(?<=[.!?:])[\")]?\s+(?=[\"(]?[A-Z`])")


class Passage(NamedTuple):
    """Lines of prose that belong together: a comment, a docstring, a page."""

    line: int
    text: str


class Sentence(NamedTuple):
    """One sentence on one line, and the line of the file where it begins."""

    line: int
    text: str


class Finding(NamedTuple):
    """A sentence that breaks a rule."""

    file: str
    line: int
    advice: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.advice}: {self.text}"


def passages(name: str, text: str) -> Iterator[Passage]:
    """Yield the prose of a file, by the ending of its name."""
    if name.endswith(".py"):
        yield from _docstrings(text)
        yield from _comments(text)
    else:
        yield Passage(1, TITLE.sub("", FENCED.sub(_only_lines, text)))


def _docstrings(text: str) -> Iterator[Passage]:
    """Yield each string that stands for itself; below an attribute it is the attribute's docstring."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield Passage(node.lineno, node.value.value)


def _comments(text: str) -> Iterator[Passage]:
    """Yield the comments; those that fill lines below each other are one text."""
    lines: list[str] = []
    first = last = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.COMMENT:
            continue
        words = EXCUSE.sub("", token.string.lstrip("#: ").rstrip("- "))
        line, column = token.start
        if NO_PROSE.match(words):
            continue
        is_beside_code = bool(token.line[:column].strip())
        if lines and (line != last + 1 or is_beside_code):
            yield _opened(first, lines)
            lines = []
        first, last = (first if lines else line), (0 if is_beside_code else line)
        lines.append(words)
    if lines:
        yield _opened(first, lines)


def _opened(line: int, lines: list[str]) -> Passage:
    """Return a comment with a capital letter: beside code it has none, and begins a sentence all the same."""
    text = "\n".join(lines)
    return Passage(line, text[:1].upper() + text[1:])


def _only_lines(found: re.Match[str]) -> str:
    return "\n" * found[0].count("\n")


def sentences(passage: Passage) -> Iterator[Sentence]:
    """Yield the sentences of a passage; a row of a list and a cell of a table are one at least."""
    text = UNREAD.sub(lambda found: "`" + _only_lines(found), passage.text)
    begin = 0
    for end, after in [*_ends(text), (len(text), len(text))]:
        words = text[begin:end]
        said = BEFORE.sub("", words)
        sentence, ahead = " ".join(said.split()), len(words) - len(said)
        if sentence:
            yield Sentence(passage.line + text.count("\n", 0, begin + ahead), sentence)
        begin = after


def _ends(text: str) -> list[tuple[int, int]]:
    found = [match.span() for ends in (BLOCK_ENDS, SENTENCE_ENDS) for match in ends.finditer(text)]
    return sorted(found)


def findings(name: str, text: str) -> Iterator[Finding]:
    """Yield the sentences of a file that break a rule and are not allowed."""
    for passage in passages(name, text):
        for line, sentence in sentences(passage):
            for advice, words in RULES.items():
                if words.search(sentence) and not _is_allowed(name, sentence):
                    yield Finding(name, line, advice, sentence)


def _is_allowed(name: str, sentence: str) -> bool:
    return any(name == file and part in sentence for file, part in ALLOWED)


def long_sentences(name: str, text: str) -> Iterator[Finding]:
    """Yield the sentences of more than 25 words."""
    for passage in passages(name, text):
        for line, sentence in sentences(passage):
            if (words := len(re.findall(r"[\w'-]+|`", sentence))) > LONGEST:
                yield Finding(name, line, f"{words} words", sentence)


def files() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every file with prose."""
    found = [file for folder in SOURCES for file in (ROOT / folder).rglob("*.py")]
    found += [file for pattern in PAGES for file in ROOT.glob(pattern)]
    for file in sorted(found):
        yield file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Check every file; return 1 if there is a finding."""
    if "--long" in arguments:
        sys.stdout.writelines(f"{found}\n" for file in files() for found in long_sentences(*file))
        return 0
    those = sorted(found for file in files() for found in findings(*file))
    sys.stdout.writelines(f"{found}\n" for found in those)
    return 1 if those else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
