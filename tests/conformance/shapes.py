"""How a body should look, and where one differs: names and kinds of fields, never a value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from attrs import define, field, frozen

KINDS = {str: "text", bool: "flag", int: "int", Decimal: "number", type(None): "null", list: "list", dict: "object"}
DIGITS = re.compile(r"\d(?:[\s().-]*\d){2,}")
LONGEST = 80


@frozen
class Each:
    """An object whose names are data, like countries: only its values have a shape."""

    shape: Any


@define
class Seen:
    """The result for a body: where it differs, and which of the fields that may be absent it had."""

    differences: list[str] = field(factory=list)
    present: set[str] = field(factory=set)
    absent: set[str] = field(factory=set)

    def differs(self, line: str) -> None:
        """Note a difference, once for all rows that have it."""
        if line not in self.differences:
            self.differences.append(line)

    @property
    def open_fields(self) -> str:
        """Name the fields that may be absent: those that were there, and those that were not."""
        both = (("has", self.present), ("lacks", self.absent - self.present))
        return "; ".join(f"{verb} {', '.join(sorted(names))}" for verb, names in both if names)


def look(shape: Any, value: Any, seen: Seen, path: str = "") -> None:
    """Compare a body with its shape.

    A shape is the name of a kind, or several with `|` between; a list of the one shape of every row; an `Each`; or the
    fields of an object, where a name that ends in `?` may be absent.
    """
    if isinstance(shape, str):
        if not set(shape.split("|")) & {"any", *_kinds(value)}:
            seen.differs(f"{path or 'the body'}: {_kinds(value)[0]}, believed {shape}")
    elif isinstance(shape, list):
        _look_at_rows(shape[0], value, seen, path)
    elif isinstance(shape, Each):
        _look_at_rows(shape.shape, list(value.values()) if isinstance(value, dict) else value, seen, path)
    elif isinstance(value, dict):
        _look_at_fields(shape, value, seen, path)
    else:
        seen.differs(f"{path or 'the body'}: {_kinds(value)[0]}, believed object")


def _look_at_rows(shape: Any, rows: Any, seen: Seen, path: str) -> None:
    if not isinstance(rows, list):
        seen.differs(f"{path or 'the body'}: {_kinds(rows)[0]}, believed several rows")
        return
    for row in rows:
        look(shape, row, seen, f"{path}[]")


def _look_at_fields(shape: Mapping[str, Any], value: Mapping[str, Any], seen: Seen, path: str) -> None:
    known = {name.removesuffix("?"): name for name in shape}
    for name, wished in known.items():
        place = f"{path}.{name}".lstrip(".")
        if name in value:
            look(shape[wished], value[name], seen, place)
        elif not wished.endswith("?"):
            seen.differs(f"{place}: missing")
        if wished.endswith("?"):
            (seen.present if name in value else seen.absent).add(place)
    for name in sorted(set(value) - set(known)):
        seen.differs(f"{path}.{masked(name)}: not known, {_kinds(value[name])[0]}".lstrip("."))


def _kinds(value: Any) -> list[str]:
    """The kind of a value; a whole number is a number too."""
    kind = KINDS[type(value)]
    return [kind, "number"] if kind == "int" else [kind]


def masked(text: str, *secrets: str | None) -> str:
    """A text of the provider without keys, phones and codes, on one line and not long."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "[key]")
    text = DIGITS.sub("[digits]", text)
    plain = "".join(letter if letter.isprintable() else "?" for letter in text)
    return plain if len(plain) <= LONGEST else f"{plain[:LONGEST]}..."
