"""Odd behaviour that no source rules out: the provider's clocks, its history, and fields that cannot be read.
The data may be changed between requests; the shapes and the faces read it."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any, Literal, cast

from attrs import define, field, frozen

from ._message import Written, encode

ONE_MORE = "+"
OLD = "{}"


@frozen
class Misprint:
    """One field whose value is hard or impossible to read: `Misprint("price", "1e999")`.

    As a quirk it spoils every answer; as `Mangle(Misprint(...))` the answers to some requests. It adds no field to a
    body that lacks it. Every source prints well-formed values; no source says that a value always is.

    Attributes:
        field: the name on the wire. "sms.code" is the code of every message, "sms.+" adds an item to the list.
        text: the JSON to write instead; ``{}`` in it stands for the old value.
        where: answers about one order or rented number, rows of a list, or both.
        product: only orders of this product; None: all.
    """

    field: str
    text: str
    where: Literal["answers", "rows", "both"] = "both"
    product: str | None = None

    def __call__(self, body: bytes) -> bytes:
        """Return a body with each occurrence of the field spoiled; a body that is no JSON object stays as it is."""
        try:
            value = json.loads(body, parse_float=Decimal)
        except ValueError:
            return body
        return encode(self._everywhere(value)).encode()

    def _everywhere(self, value: Any) -> Any:
        for name in ("Data", "list"):
            if isinstance(value, dict) and isinstance(value.get(name), list):
                return {**value, name: [self.spoil(row) for row in value[name]]}
        if isinstance(value, dict) and isinstance(value.get("item"), dict):
            return {**value, "item": self.spoil(value["item"])}
        return self.spoil(value) if isinstance(value, dict) else value

    def spoil(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return an order or a rented number with the field spoiled."""
        if self.product not in (None, row.get("product")):
            return dict(row)
        return cast(dict[str, Any], _changed(row, self.field.split("."), self._misprinted))

    def _misprinted(self, old: Any) -> Written:
        return Written(self.text.replace(OLD, encode(old)))


def _changed(value: Any, path: list[str], change: Callable[[Any], Any]) -> Any:
    """Return a copy with the last part of the path changed. Lists on the way are walked, a page object's `data` too."""
    if not path:
        return change(value)
    if isinstance(value, list):
        if path == [ONE_MORE]:
            return [*value, change(None)]
        return [_changed(item, path, change) for item in value]
    if not isinstance(value, Mapping):
        return value
    name = path[0] if path[0] in value else "data"
    if name not in value:
        return dict(value)
    return {**value, name: _changed(value[name], path[1:] if name == path[0] else path, change)}


@define(kw_only=True, eq=False)
class Quirks:
    """Settings that may change between requests: the provider's clocks, its history, and fields that cannot be read."""

    clock_skew: timedelta = timedelta(0)
    """The error of every clock of the provider: its records and `Date` alike."""
    date_skew: timedelta = timedelta(0)
    """The lead of `Date` over the clock that writes `created_at`. No source says that one clock writes both."""
    date_rate: float = 1.0
    """Seconds that `Date` runs in one second of the records' clock; 1 is no drift."""
    date_text: str | None = None
    """The `Date` header, word for word. No source promises that a proxy on the way writes a date."""
    no_date: bool = False
    """Answers carry no `Date`."""
    history_lag: timedelta = timedelta(0)
    """The lists show a purchase this late. No measurement shows if the history lags."""
    page_cap: int | None = None
    """The most rows of a page, for any `limit`. No source says if `limit` is capped."""
    listing_without_sms: bool | Literal["absent", "[]", "null"] = False
    """Rows of the list show no messages: no `sms` at all (True, "absent"), or always ``[]`` or null.

    The recorded rows hold empty lists or no key; none of them shows a message."""
    listing_sms_lag: timedelta = timedelta(0)
    """Rows of the list show a message this late, while `check` shows it at once. No source says how fresh rows are."""
    listing_status_lag: timedelta = timedelta(0)
    """Rows of the list show a status this late, while `check` shows it at once. No source says how fresh rows are."""
    reverse_is_empty: bool = False
    """A page asked for newest first is empty, as one client's authors found."""
    rent_lag: timedelta = timedelta(0)
    """getRentState shows a rented number this late. No source says if it lags a purchase."""
    misprints: tuple[Misprint, ...] = field(default=(), converter=tuple)
    """Fields that cannot be read, in every answer and row that has them."""

    def date(self, now: datetime, start: datetime) -> str | None:
        """Return the `Date` of an answer sent `now`; None if it has none. The clock drifts from `start` on."""
        if self.no_date or self.date_text is not None:
            return None if self.no_date else self.date_text
        shown = start + (now - start) * self.date_rate + self.clock_skew + self.date_skew
        return format_datetime(shown.astimezone(UTC), usegmt=True)

    def printed(self, row: Mapping[str, Any], where: Literal["answers", "rows"]) -> dict[str, Any]:
        """Return an order or a rented number with its misprints."""
        for misprint in self.misprints:
            if misprint.where in (where, "both"):
                row = misprint.spoil(row)
        return dict(row)
