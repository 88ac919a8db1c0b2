"""Masks private parts of a text from outside, before an error, an event or a log line shows the text.

`escaped`, beside the errors, escapes and cuts.
"""

from __future__ import annotations

import re

from ._errors import MOST, escaped

MOST_READ = 2_000
"""Characters that are searched; the rest of a text is cut off first."""


# -- what is private --------------------------------------------------------------------------------------------------

_FIELD = re.compile(
    r'("(?:text|code|phone|number|email)"\s*:\s*)(?:"(?:[^"\\]|\\.)*"?|[^,}\]\s]+)', re.IGNORECASE | re.DOTALL
)
_LITERAL = re.compile(r'("(?:message|error|response|reason|status)"\s*:\s*)?"((?:[^"\\]|\\.)*)"?', re.DOTALL)
_PLAIN = re.compile(r"[A-Za-z0-9_.:+/-]{0,40}")
"""A value that is no message, such as a name, a number or an instant."""

_GAP = r"\s\x00-\x20\x7f-\xa0()_\-\u00ad\u200b-\u200f\u2010-\u2015\u202a-\u202e\u2060-\u2069"
_DIGITS = re.compile(rf"\d(?:[{_GAP}]{{0,2}}\d){{3,}}")
"""Four digits or more, as codes are written: ``482-913``."""

_PHONE = re.compile(rf"\d(?:[./{_GAP}]{{0,2}}\d){{6,}}")
"""Seven digits or more, as phones are written: ``+7 (900) 038-14-54``, ``555.123.4567``."""

_MIXED = re.compile(r"\b(?=\w*\d)(?![a-z_]{3,}\d{1,2}\b)\w{4,}\b")
"""A code of letters and digits. A name with a number at its end, such as ``virtual53``, is no code."""

_NAME = re.compile(r"[a-z][a-z_-]{0,39}[0-9]{0,2}")


def masked(text: str) -> str:
    """Return the text without anything that may be a phone, a code or a message."""
    text = text[:MOST_READ]
    if text.lstrip().startswith(("{", "[", '"')):
        text = _LITERAL.sub(_without_messages, text)
    return _MIXED.sub("…", _DIGITS.sub("…", without_phones(_FIELD.sub(r'\1"…"', text))))


def _without_messages(literal: re.Match[str]) -> str:
    return literal[0] if literal[1] or _PLAIN.fullmatch(literal[2]) else '"…"'


def without_phones(text: str) -> str:
    """Return the text without anything that may be a phone; other numbers stay."""
    return _PHONE.sub("…", text)


def name_or_mark(key: str) -> str:
    """Return a key of a map, for a path, if it is a name such as ``england``; else a mark, as it may be private."""
    return key if _NAME.fullmatch(key) else "{}"


def shown(value: object) -> str:
    """Return a caller's value as the error that refuses it shows it."""
    if isinstance(value, (str, bytes)):
        value = value[: MOST + 1]
    try:
        words = repr(value)
    except Exception:  # noqa: BLE001 - an int of more than 4,300 digits, or a `__repr__` of the caller's
        return f"this {type(value).__name__}"
    return escaped(without_phones(words[:MOST_READ]))
