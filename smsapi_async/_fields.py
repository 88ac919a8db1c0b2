"""Reading single JSON values leniently, for both wires. Each function is a structure hook: value, type in; value out.

Raises only what `UNREADABLE` names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

import cattrs
from cattrs.gen import make_dict_structure_fn, override

T = TypeVar("T")

UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError)
"""What reading a body of the wrong shape may raise."""

MOST_DIGITS = 30
"""Before the point, and zeros after it. `1e999999999` is nine characters of JSON and a gigabyte as an int."""

_TOO_LARGE = 10 ** (MOST_DIGITS + 1)
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


class MisreadError(ValueError):
    """A value inside a body that cannot be read; `path` says where, in the names of the wire."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(what)
        self.path = path


def number_or_none(value: Any, _: Any = None) -> Decimal | None:
    """Money and rates: an int, a fraction, or the same as text."""
    if type(value) is Decimal:
        number = value
    elif value is None or value == "":
        return None
    elif isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        raise TypeError("a number is needed")
    else:
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite() or not -MOST_DIGITS <= number.adjusted() <= MOST_DIGITS:
        raise ValueError("a number of sensible size is needed")
    return number


def number(value: Any, _: Any = None) -> Decimal:
    """The same where it must be there."""
    found = number_or_none(value)
    if found is None:
        raise TypeError("a number is needed")
    return found


def whole(value: Any, _: Any = None) -> int:
    """An int, perhaps as text or as a fraction of nothing (`3.0`)."""
    if type(value) is int and -_TOO_LARGE < value < _TOO_LARGE:
        return value
    found = number(value)
    if found != found.to_integral_value():
        raise ValueError("a whole number is needed")
    return int(found)


def whole_or_none(value: Any, _: Any = None) -> int | None:
    return None if value is None or value == "" else whole(value)


def text(value: Any, _: Any = None) -> str:
    """A text; null is the empty one."""
    if type(value) is str:
        return value
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise TypeError("a text is needed")
    return str(value)


def text_or_none(value: Any, _: Any = None) -> str | None:
    """A text; blank is none."""
    return (value if type(value) is str else text(value)).strip() or None


def flag_or_none(value: Any, _: Any = None) -> bool | None:
    """true, false, 1, 0, perhaps as text; anything else is as good as not told."""
    return value if value is None or value is True or value is False else _FLAGS.get(str(value).strip().lower())


def instant_or_none(value: Any, _: Any = None, *, zone: tzinfo = UTC) -> datetime | None:
    """An ISO instant with any number of digits of fraction, in UTC; blank and the years 0 and 1 are none.

    Args:
        zone: where the clock hangs that wrote an instant without a zone.
    """
    stamp = (value if type(value) is str else text(value)).strip()
    if stamp < "0002" and (not stamp or stamp.startswith(("0000-", "0001-"))):
        return None
    instant = datetime.fromisoformat(stamp)
    if instant.tzinfo is UTC:
        return instant
    return (instant if instant.tzinfo else instant.replace(tzinfo=zone)).astimezone(UTC)


READ_APART = override(omit=True)
"""An attribute that needs more than one value of the wire, and is filled in afterwards."""


def field(read: Callable[..., Any], wire_name: str | None = None) -> Any:
    """How one attribute is read, and its name on the wire where that differs."""
    return override(rename=wire_name, struct_hook=read)


class Reader:
    """Reads objects into the models of one wire: unknown fields are passed over, missing ones take the default.

    What reads is generated when it is first needed, which keeps importing the package cheap.
    """

    def __init__(self, fields: Mapping[type, Mapping[str, Any]]) -> None:
        self._fields = fields
        self._generated: dict[type, Callable[[Any, Any], Any]] = {}

    def __call__(self, raw: Any, model: type[T]) -> T:
        """The model, read fast; when that fails, read again slowly for an error that says where."""
        if not isinstance(raw, dict):
            raise TypeError(f"an object is needed for {model.__name__}")
        read = self._generated.get(model) or self._generate(model)
        try:
            found: T = read(raw, model)
        except UNREADABLE:
            for wire_name, reader in self._readers(model).values():
                read_at(wire_name, reader, raw.get(wire_name))
            raise
        return found

    def salvage(self, raw: Any, model: type[T], *needed: str) -> T:
        """The model with every field that can be read; the others take the default. The needed ones must be there."""
        found = {}
        for name, (wire_name, read) in self._readers(model).items():
            try:
                found[name] = read(raw[wire_name])
            except UNREADABLE:
                if name in needed:
                    raise
        return model(**found)

    def _generate(self, model: type) -> Callable[[Any, Any], Any]:
        converter = cattrs.Converter(detailed_validation=False)
        read = self._generated[model] = make_dict_structure_fn(model, converter, **self._fields[model])
        return read

    def _readers(self, model: type) -> dict[str, tuple[str, Callable[[Any], Any]]]:
        hooks = {name: hook for name, hook in self._fields[model].items() if hook.struct_hook}
        return {name: (hook.rename or name, partial(_plainly, hook.struct_hook)) for name, hook in hooks.items()}


def _plainly(hook: Callable[[Any, Any], Any], value: Any) -> Any:
    return hook(value, None)


def read_at(where: str, read: Callable[[Any], T], value: Any) -> T:
    """The value read; an error that says where it stood."""
    try:
        return read(value)
    except UNREADABLE as error:
        inner = path_of(error)
        path = where + inner if inner.startswith("[") or not inner else f"{where}.{inner}"
        raise MisreadError(path, str(error)) from error


def each(raw: Any, read: Callable[[Any], T], where: str = "") -> tuple[T, ...]:
    """The rows of a list read; null is an empty one."""
    if raw is None:
        return ()
    if not isinstance(raw, list):
        raise MisreadError(where, "a list is needed")
    try:
        return tuple([read(row) for row in raw])
    except UNREADABLE:
        return tuple(read_at(f"{where}[{position}]", read, row) for position, row in enumerate(raw))


def path_of(error: BaseException) -> str:
    """Where inside the body the reading failed, as far as it is known."""
    return error.path if isinstance(error, MisreadError) else ""
