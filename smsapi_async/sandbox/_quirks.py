"""What a provider may do that no source rules out: its clocks, how its history behaves, fields that cannot be read.
Data that may be changed between requests; the shapes and the faces act on it."""

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
    """One field whose value cannot be read, or hardly: `Misprint("price", "1e999")`.

    As a quirk it spoils every answer; as `Mangle(Misprint(...))` the answers to some requests. A field that a body does
    not have stays away. Every source prints well-formed values; none says that a value always is.

    Attributes:
        field: the name on the wire; "sms.code" is the code of every message, "sms.+" one more item of the list.
        text: the JSON in its place; ``{}`` in it stands for the old value.
        where: answers about one order or rented number, rows of a list, or both.
        product: only orders of this product; None: all.
    """

    field: str
    text: str
    where: Literal["answers", "rows", "both"] = "both"
    product: str | None = None

    def __call__(self, body: bytes) -> bytes:
        """A whole body with the field spoiled wherever it stands; a body that is no JSON object stays as it is."""
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
        """An order or a rented number with the field spoiled."""
        if self.product not in (None, row.get("product")):
            return dict(row)
        return cast(dict[str, Any], _changed(row, self.field.split("."), self._misprinted))

    def _misprinted(self, old: Any) -> Written:
        return Written(self.text.replace(OLD, encode(old)))


def _changed(value: Any, path: list[str], change: Callable[[Any], Any]) -> Any:
    """A copy with the last part of the path changed; lists on the way are walked, a page object's `data` too."""
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
    """What may change between requests: the provider's clocks, its history, and fields that cannot be read."""

    clock_skew: timedelta = timedelta(0)
    """Every clock of the provider is wrong by this much: its records and `Date` alike."""
    date_skew: timedelta = timedelta(0)
    """`Date` is ahead of the clock that writes `created_at`. No source says that one clock writes both."""
    date_rate: float = 1.0
    """Seconds that `Date` runs in one second of the records' clock: more or less than 1 drifts."""
    date_text: str | None = None
    """The `Date` header, word for word. No source promises that a proxy on the way writes a date."""
    no_date: bool = False
    """Answers carry no `Date`."""
    history_lag: timedelta = timedelta(0)
    """The lists show a purchase this late. Whether history lags is not measured."""
    page_cap: int | None = None
    """The most rows of a page, whatever `limit` says. Whether `limit` is capped is unknown."""
    listing_without_sms: bool | Literal["absent", "[]", "null"] = False
    """Rows of the list say nothing of messages: no `sms` at all (True, "absent"), or always ``[]`` or null.

    The recorded rows hold empty lists or no key; none shows whether a row ever has a message."""
    listing_sms_lag: timedelta = timedelta(0)
    """Rows of the list show a message this late, while `check` shows it at once. No source says how fresh rows are."""
    listing_status_lag: timedelta = timedelta(0)
    """Rows of the list show a status this late, while `check` shows it at once. No source says how fresh rows are."""
    reverse_is_empty: bool = False
    """A page asked for newest first is empty, as one client's authors found."""
    rent_lag: timedelta = timedelta(0)
    """getRentState shows a rented number this late. Whether it lags a purchase is said nowhere."""
    misprints: tuple[Misprint, ...] = field(default=(), converter=tuple)
    """Fields that cannot be read, in every answer and row that has them."""

    def date(self, now: datetime, start: datetime) -> str | None:
        """The `Date` of an answer sent `now`; None when it has none. The clock drifts from `start` on."""
        if self.no_date or self.date_text is not None:
            return None if self.no_date else self.date_text
        shown = start + (now - start) * self.date_rate + self.clock_skew + self.date_skew
        return format_datetime(shown.astimezone(UTC), usegmt=True)

    def printed(self, row: Mapping[str, Any], where: Literal["answers", "rows"]) -> dict[str, Any]:
        """An order or a rented number as it leaves, with its misprints."""
        for misprint in self.misprints:
            if misprint.where in (where, "both"):
                row = misprint.spoil(row)
        return dict(row)
