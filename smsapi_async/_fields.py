"""Reading single JSON values leniently, for both wires. Each function is a structure hook: value, type in; value out.

Raises only what `UNREADABLE` names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

import cattrs
from cattrs.gen import make_dict_structure_fn, override

T = TypeVar("T")

UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, cattrs.BaseValidationError)
"""What reading a body of the wrong shape may raise."""


def number_or_none(value: Any, _: Any = None) -> Decimal | None:
    """Money and rates: an int, a fraction, or the same as text."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        raise TypeError("a number is needed")
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        raise ValueError("a finite number is needed")
    return number


def number(value: Any, _: Any = None) -> Decimal:
    """The same where it must be there."""
    found = number_or_none(value)
    if found is None:
        raise TypeError("a number is needed")
    return found


def whole(value: Any, _: Any = None) -> int:
    """An int, perhaps as text or as a fraction without one."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)) or int(value) != Decimal(value):
        raise TypeError("a whole number is needed")
    return int(value)


def whole_or_none(value: Any, _: Any = None) -> int | None:
    return None if value is None or value == "" else whole(value)


def text(value: Any, _: Any = None) -> str:
    """A text; null is the empty one."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise TypeError("a text is needed")
    return str(value)


def text_or_none(value: Any, _: Any = None) -> str | None:
    """A text; blank is none."""
    return text(value).strip() or None


def flag_or_none(value: Any, _: Any = None) -> bool | None:
    """true, false, 1, 0, perhaps as text."""
    return None if value is None else str(value).strip().lower() in ("true", "1")


def instant_or_none(value: Any, _: Any = None) -> datetime | None:
    """An ISO instant with any number of digits of fraction; blank and the year 1 are none."""
    stamp = text(value).strip()
    if not stamp or stamp.startswith("0001-"):
        return None
    instant = datetime.fromisoformat(stamp)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


READ_APART = override(omit=True)
"""An attribute that needs more than one value of the wire, and is filled in afterwards."""


def field(read: Callable[..., Any], wire_name: str | None = None) -> Any:
    """How one attribute is read, and its name on the wire where that differs."""
    return override(rename=wire_name, struct_hook=read)


class Reader:
    """Reads objects into the models of one wire: unknown fields are passed over, missing ones take the default."""

    def __init__(self, fields: Mapping[type, Mapping[str, Any]]) -> None:
        self._fast = _converter(fields, detailed=False)
        self._exact = _converter(fields, detailed=True)

    def __call__(self, raw: Any, model: type[T]) -> T:
        """The model, read fast; when that fails, read again slowly for an error that says where."""
        if not isinstance(raw, Mapping):
            raise TypeError(f"an object is needed for {model.__name__}")
        try:
            return self._fast.structure(raw, model)
        except UNREADABLE:
            return self._exact.structure(raw, model)


def _converter(fields: Mapping[type, Mapping[str, Any]], *, detailed: bool) -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=detailed)
    for model, hooks in fields.items():
        converter.register_structure_hook(model, make_dict_structure_fn(model, converter, **hooks))
    return converter


def path_of(error: BaseException) -> str:
    """Where inside the body the reading failed, as far as it is known."""
    if not isinstance(error, cattrs.BaseValidationError):
        return ""
    return cattrs.transform_error(error)[0].rpartition(" @ ")[2].removeprefix("$").removeprefix(".")
