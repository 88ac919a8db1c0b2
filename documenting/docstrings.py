"""Teaches the reference what the docstrings of this package write and its parser does not know.

    Args:
        clock_skew, history_lag: names that share one explanation.
    Raises:
        NoNumbersError, InsufficientBalanceError,
        ProviderUnavailableError: the same of errors.

The parser wants a line for each name, and an empty line before a section. Of a class that attrs
gives its `__init__` it does not know the parameters, which are the attributes then.
"""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object

SECTION = re.compile(r"^((?:Args|Attributes|Raises|Source):)", re.MULTILINE)
OTHERS = re.compile(r"^ +and those of (.+)$", re.MULTILINE)
ERRORS = re.compile(r"^( +)((?:\w+Error,\s+)+\w+Error): ", re.MULTILINE)
ARGUMENTS = re.compile(r"^( +)((?:[a-z_]+, )+[a-z_]+): (.*)$", re.MULTILINE)


class OurWords(Extension):
    """Rewrites each docstring before it is parsed."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        if obj.docstring is None:
            return
        text = SECTION.sub(r"\n\1", obj.docstring.value)
        text = OTHERS.sub(r"\nThe errors of \1", text)
        text = ERRORS.sub(_one_line, text)
        text = ARGUMENTS.sub(_line_each, text)
        if obj.is_class and "__init__" not in obj.members:
            text = re.sub(r"^Args:$", "Attributes:", text, flags=re.MULTILINE)
        obj.docstring.value = text


def _one_line(found: re.Match[str]) -> str:
    names = re.sub(r",\s+", " | ", found[2])
    return f"{found[1]}{names}: "


def _line_each(found: re.Match[str]) -> str:
    return "\n".join(f"{found[1]}{name}: {found[3]}" for name in found[2].split(", "))
