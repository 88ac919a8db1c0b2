"""Teaches the reference what the docstrings of this package write and its parser does not know.

    Args:
        clock_skew, history_lag: names that share one explanation.
    Raises:
        NoNumbersError, InsufficientBalanceError,
        ProviderUnavailableError: the same of errors.

The parser wants a line for each name, and an empty line before a section. Of a class that attrs
gives its `__init__` it does not know the parameters, which are the attributes then. A class that the
client makes for its users loses its `__init__`: what it is made from is no business of theirs. A
method that a docstring names becomes a link.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from griffe import Class, Extension, Object

SECTION = re.compile(r"^((?:Args|Attributes|Raises|Source):)", re.MULTILINE)
OTHERS = re.compile(r"^ +and those of (.+)$", re.MULTILINE)
ERRORS = re.compile(r"^( +)((?:\w+Error,\s+)+\w+Error): ", re.MULTILINE)
ARGUMENTS = re.compile(r"^( +)((?:[a-z_]+, )+[a-z_]+): (.*)$", re.MULTILINE)
NAMED = re.compile(r"(?<![`\[])`(?:([A-Za-z]\w*)\.)?([a-z_]+)`(?![`\]])")
HANDED_OUT = {"Activation", "Messages", "Prices", "Rent", "RentMessages", "Rows", "V1"}
"""Classes that the client makes for its users."""
INTERNAL = {("V1", "iter_open_orders"), ("Rent", "purchases")}
"""Members for the package itself."""
HOUSES = {
    "client": "smsapi_async.AsyncClient",
    "AsyncClient": "smsapi_async.AsyncClient",
    "v1": "smsapi_async.v1.V1",
    "rent": "smsapi_async.rent.Rent",
}
"""The class that a name before a dot stands for."""


class OurWords(Extension):
    """Rewrites each docstring before it is parsed."""

    def on_class(self, *, cls: Class, **_: Any) -> None:
        if cls.name in HANDED_OUT:
            cls.members.pop("__init__", None)
        for name in [name for owner, name in INTERNAL if owner == cls.name]:
            cls.members.pop(name, None)

    def on_object(self, *, obj: Object, **_: Any) -> None:
        if obj.docstring is None:
            return
        text = NAMED.sub(partial(_linked, obj), obj.docstring.value)
        text = SECTION.sub(r"\n\1", text)
        text = OTHERS.sub(r"\nThe errors of \1", text)
        text = ERRORS.sub(_one_line, text)
        text = ARGUMENTS.sub(_line_each, text)
        if obj.is_class and "__init__" not in obj.members:
            text = re.sub(r"^Args:$", "Attributes:", text, flags=re.MULTILINE)
        obj.docstring.value = text


def _linked(obj: Object, found: re.Match[str]) -> str:
    """Return a name as a link to the method that it stands for, or as it is."""
    owner, name = found.groups()
    home = obj if obj.is_class else obj.parent
    if owner is None and home is not None and home.is_class and obj.name != name:
        member = home.members.get(name)
        if member is not None and member.is_function:
            return f"[{found[0]}][{home.path}.{name}]"
    if owner in HOUSES:
        return f"[{found[0]}][{HOUSES.get(name) or f'{HOUSES[owner]}.{name}'}]"
    return found[0]


def _one_line(found: re.Match[str]) -> str:
    names = re.sub(r",\s+", " | ", found[2])
    return f"{found[1]}{names}: "


def _line_each(found: re.Match[str]) -> str:
    return "\n".join(f"{found[1]}{name}: {found[3]}" for name in found[2].split(", "))
