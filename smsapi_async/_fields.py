"""Reading single JSON values leniently, for both wires. Each function is a structure hook: value, type in; value out.

Raises only what `UNREADABLE` names. A field that cannot be read costs that field, and a row that cannot be read costs
that row: both are noted by their place, in the collection that `collect_unread` has opened.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any, TypeAlias, TypeVar, cast

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, override

from ._errors import escaped

K = TypeVar("K")
T = TypeVar("T")

UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""The exceptions that reading a body of the wrong shape may raise; an OverflowError is an ArithmeticError."""

MOST_DIGITS = 30
"""Before the point, and zeros after it. `1e999999999` is nine characters of JSON and a gigabyte as an int."""

_TOO_LARGE = 10 ** (MOST_DIGITS + 1)
_QUOTATION = re.compile("['\"]")
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
    """A number that must not be missing."""
    found = number_or_none(value)
    if found is None:
        raise TypeError("a number is needed")
    return found


def price_or_none(value: Any, _: Any = None) -> Decimal | None:
    """A price: never less than nothing, which would give a budget money."""
    found = number_or_none(value)
    if found is not None and found < 0:
        raise ValueError("a price is not negative")
    return found


def price(value: Any, _: Any = None) -> Decimal:
    """A price that must not be missing."""
    found = price_or_none(value)
    if found is None:
        raise TypeError("a price is needed")
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
    return str(value) if isinstance(value, str) else str(number(value))


def text_or_none(value: Any, _: Any = None) -> str | None:
    """A text; blank is none."""
    return (value if type(value) is str else text(value)).strip() or None


def flag_or_none(value: Any, _: Any = None) -> bool | None:
    """true, false, 1, 0, perhaps as text; anything else counts as missing."""
    if value is None or value is True or value is False:
        return value
    return _FLAGS.get(str(value).strip().lower()) if isinstance(value, (str, int)) else None


def instant_or_none(value: Any, _: Any = None, *, zone: tzinfo = UTC) -> datetime | None:
    """An ISO instant with any number of digits of fraction, in UTC; blank and the years 0 and 1 are none.

    Args:
        zone: the zone of an instant that is written without one.
    """
    stamp = (value if type(value) is str else text(value)).strip()
    if stamp < "0002" and (not stamp or stamp.startswith(("0000-", "0001-"))):
        return None
    instant = datetime.fromisoformat(stamp)
    if instant.tzinfo is UTC:
        return instant
    return (instant if instant.tzinfo else instant.replace(tzinfo=zone)).astimezone(UTC)


# -- what could not be read ------------------------------------------------------------------------------------------


@attrs.define
class Unread:
    """The fields of one answer that could not be read.

    Attributes:
        fields: their places, such as ``Data[].price``: names of the wire, `[]` for the rows of a list and `{}` for the
            entries of a map. They never hold an index, a key of a map or a value.
    """

    fields: dict[str, None] = attrs.field(factory=dict)
    above: list[str] = attrs.field(factory=list, repr=False)

    def note(self, name: str) -> None:
        self.fields[_joined(*self.above, name)] = None


_unread: ContextVar[Unread | None] = ContextVar("unread", default=None)


@contextmanager
def collect_unread() -> Iterator[Unread]:
    """Collect what is noted inside: the fields that could not be read."""
    found = Unread()
    token = _unread.set(found)
    try:
        yield found
    finally:
        _unread.reset(token)


class below:  # noqa: N801 - reads as a statement
    """Fields noted inside stand below this name. Not a generator, which would cost as much as reading a message."""

    __slots__ = ("_found", "_name")

    def __init__(self, name: str) -> None:
        self._name = name
        self._found = _unread.get()

    def __enter__(self) -> None:
        if self._found is not None:
            self._found.above.append(self._name)

    def __exit__(self, *_: object) -> None:
        if self._found is not None:
            self._found.above.pop()


def note(name: str) -> None:
    """Note that the field of this name could not be read."""
    if (found := _unread.get()) is not None:
        found.note(name)


def _joined(*names: str) -> str:
    """`Data[]` and `price` are `Data[].price`; `days` and `{}` are `days{}`."""
    path = ""
    for name in names:
        path += f".{name}" if path and name and not name.startswith(("[", "{")) else name
    return path


def path_of(error: BaseException) -> str:
    """Where inside the body the reading failed, as far as it is known."""
    return error.path if isinstance(error, MisreadError) else ""


def why(error: BaseException) -> str:
    """The fault, up to the first quotation mark: the words of Python and of the decoders quote the value."""
    return escaped(_QUOTATION.split(str(error), 1)[0].rstrip(": "), 100) or type(error).__name__


# -- objects and lists -----------------------------------------------------------------------------------------------

READ_APART = override(omit=True)
"""An attribute that needs more than one value of the wire, and is filled in afterwards."""


def field(read: Callable[..., Any], wire_name: str | None = None) -> Any:
    """How one attribute is read, and its name on the wire where that differs."""
    return override(rename=wire_name, struct_hook=read)


Plan: TypeAlias = tuple[tuple[str, str, Callable[[Any, Any], Any], bool], ...]
"""For each field: its name, its name on the wire, the function that reads it, and whether it is needed."""


class Reader:
    """Reads objects into the models of one wire: unknown fields are passed over, missing ones take the default.

    The code that reads is generated when it is first needed, which keeps importing the package cheap.
    """

    def __init__(self, fields: Mapping[type, Mapping[str, Any]]) -> None:
        self._fields = fields
        self._generated: dict[type, Callable[[Any, Any], Any]] = {}
        self._plans: dict[type, Plan] = {}

    def __call__(self, raw: Any, model: type[T]) -> T:
        """Read the model, fast; when that fails, field by field.

        A field that cannot be read takes its default and is noted. One without a default must be readable.
        """
        if not isinstance(raw, dict):
            raise TypeError(f"an object is needed for {model.__name__}")
        read = self._generated.get(model) or self._generate(model)
        try:
            found: T = read(raw, model)
        except UNREADABLE:
            return self._by_field(raw, model)
        return found

    def _by_field(self, raw: Mapping[str, Any], model: type[T]) -> T:
        found = {}
        for name, wire_name, read, needed in self._plan(model):
            if wire_name not in raw:
                if needed:
                    raise MisreadError(wire_name, f"{wire_name} is missing")
                continue
            try:
                found[name] = read(raw[wire_name], None)
            except UNREADABLE as error:
                if needed:
                    raise MisreadError(wire_name, why(error)) from None
                note(wire_name)
        return model(**found)

    def _plan(self, model: type) -> Plan:
        """The plan by which the fields of the model are read one by one. It is made once."""
        plan = self._plans.get(model)
        if plan is None:
            hooks = self._fields[model]
            plan = self._plans[model] = tuple(
                (made.name, hooks[made.name].rename or made.name, read, made.default is attrs.NOTHING)
                for made in attrs.fields(cast("type[attrs.AttrsInstance]", model))
                if (read := hooks[made.name].struct_hook) is not None
            )
        return plan

    def _generate(self, model: type) -> Callable[[Any, Any], Any]:
        converter = cattrs.Converter(detailed_validation=False)
        read = self._generated[model] = make_dict_structure_fn(model, converter, **self._fields[model])
        return read


def readable(raw: Mapping[str, Any], name: str, read: Callable[[Any], T], default: T) -> T:
    """Read one field that may be missing. One that cannot be read is noted, and is the default."""
    value = raw.get(name)
    try:
        return read(value)
    except UNREADABLE:
        note(name)
        return default


def each(raw: Any, read: Callable[[Any], T], where: str = "") -> tuple[T, ...]:
    """Read the rows of a list; null is an empty one. A row that cannot be read is noted and left out."""
    if raw is None:
        return ()
    if not isinstance(raw, list):
        raise MisreadError(where, "a list is needed")
    if not raw:
        return ()
    with below(f"{where}[]"):
        return tuple(_rows(raw, read))


def _rows(rows: list[Any], read: Callable[[Any], T]) -> Iterator[T]:
    for row in rows:
        try:
            yield read(row)
        except UNREADABLE as error:
            note(path_of(error))


def each_of(raw: Mapping[K, Any], read: Callable[[K, Any], T], where: str = "") -> dict[K, T]:
    """Read the entries of a map; one that cannot be read is noted and left out. A map of nothing else is no answer."""
    found: dict[K, T] = {}
    with below(f"{where}{{}}"):
        for key, value in raw.items():
            try:
                found[key] = read(key, value)
            except UNREADABLE as error:
                note(path_of(error))
    if raw and not found:
        raise MisreadError(where, "no entry can be read")
    return found
