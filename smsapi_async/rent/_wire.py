"""The wire of the rent API: which bytes are which values. Never waits, never sends.

Source: https://onlinesim.io/docs/api/en/rent and tests/samples/rent (INDEX.md says where each was found). The quirks:

- An envelope may sit inside `original`.
- `time` is minutes; `hours` and `days` are the same span rounded down. Empty maps come as `[]`.
- `messages` is a list, or a page whose `data` is a list or a list of lists; `[{}]` holds no message.
- `reload` 0 means that a port reload IS available. Money is a text or a number. `number` lacks the country.
- Tariffs have no envelope: one object with `country=`, a map of them without, `[]` or null when nothing is sold.
- The documentation's own examples hold placeholder keys where lengths in days should be: they are passed over.
- A field that cannot be read is None or its default, and noted; only the tzid of a number must be readable.
- Successes and refusals have quirks of their own, which `_refusals.py` knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta, tzinfo
from decimal import Decimal
from typing import Any, TypeVar

import attrs

from .._errors import SmsApiError
from .._fields import (
    READ_APART,
    UNREADABLE,
    MisreadError,
    Reader,
    below,
    each,
    each_of,
    field,
    flag_or_none,
    instant_or_none,
    number,
    number_or_none,
    path_of,
    price,
    price_or_none,
    readable,
    text,
    text_or_none,
    whole,
    whole_or_none,
    why,
)
from .._sending import BODY_CAP, LIST_CAP, Call, Lane, Repeat, Reply, understood, unreadable
from .._values import Sms, oldest_first
from ._models import Balance, RentedNumber, Tariff
from ._refusals import NONE_ACTIVE, by_status, literal_of, message_of, refusal, says_success

T = TypeVar("T")

ALL_AT_ONCE = ("pagination", "false")
"""The parameter that makes `messages` a plain list."""


def call(
    name: str,
    path: str,
    parse: Callable[[Any], T | SmsApiError],
    *,
    repeat: Repeat = Repeat.FREELY,
    lane: Lane = Lane.LOOK,
    query: Iterable[tuple[str, str]] = (),
    when_none: Callable[[], T | SmsApiError] | None = None,
    large: bool = False,
) -> Call[T]:
    """A call whose answer is compared with the refusals first, then read by `parse`.

    Args:
        when_none: the value of an answer that says nothing is active.
    """

    def read(reply: Reply) -> T | SmsApiError:
        if 300 <= reply.status < 400:
            return unreadable(f"rent.{name}", repeat, reply, "a redirect, which is never followed")
        try:
            body = _opened(reply.json())
        except ValueError as refused:
            error = by_status(name, repeat, reply, "")
            return error or unreadable(f"rent.{name}", repeat, reply, f"no JSON, {why(refused)}")
        literal = literal_of(body)
        if literal is None and not says_success(body):
            error = by_status(name, repeat, reply, message_of(body))
            if error is not None:
                return error
        if literal is not None:
            if literal.upper() in NONE_ACTIVE and when_none is not None:
                return when_none()
            return refusal(name, repeat, literal, reply)
        try:
            return parse(body)
        except UNREADABLE as error:
            return unreadable(f"rent.{name}", repeat, reply, why(error), path_of(error))

    return Call(
        name=f"rent.{name}",
        provider="rent",
        path=path,
        read=understood(read),
        repeat=repeat,
        lane=lane,
        query=tuple(query),
        cap=LIST_CAP if large else BODY_CAP,
    )


def _opened(body: Any) -> Any:
    """The envelope, taken out of `original` where a framework wrapped it once more."""
    if isinstance(body, Mapping) and "response" not in body and isinstance(body.get("original"), Mapping):
        return body["original"]
    return body


# -- single values --------------------------------------------------------------------------------------------------


def _map(value: Any, read: Callable[[Any], T], where: str) -> dict[int, T]:
    """A map keyed by days, `[]` when empty; keys that are no number are the documentation's placeholders."""
    if value is None or value == []:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError("an object is needed")
    lengths = {int(key): inner for key, inner in value.items() if key.isdecimal() and inner is not None}
    return each_of(dict(sorted(lengths.items())), lambda _, inner: read(inner), where)


def _prices(value: Any, where: str) -> Mapping[int, Decimal]:
    return _map(value, price, where)


def _stock(value: Any, _: Any = None) -> Mapping[int, int]:
    return _map(value, whole, "count")


def _minutes(value: Any, _: Any = None) -> timedelta | None:
    found = number_or_none(value)
    return None if found is None else timedelta(minutes=float(found))


def _reload(value: Any, _: Any = None) -> bool | None:
    """0 is documented as available; what 1 and null mean is not."""
    found = whole_or_none(value)
    return None if found is None else found == 0


def _join(country: int | None, national: str) -> str:
    """The phone from its parts. A number with a plus is whole; one without a country cannot be made so."""
    if national.startswith("+") or not national or country is None:
        return national
    return f"+{country}{national}"


# -- objects --------------------------------------------------------------------------------------------------------

structure = Reader(
    {
        RentedNumber: {
            "tzid": field(whole),
            "number": field(lambda value, _: text(value).strip()),
            "country": field(whole_or_none),
            "status": field(whole_or_none),
            "checked": field(flag_or_none),
            "days_bought": field(whole_or_none, "rent"),
            "ends_in": field(_minutes, "time"),
            "extensions": field(lambda value, _: _prices(value, "extend"), "extend"),
            "extension": field(flag_or_none),
            "price": field(price_or_none, "sum"),
            "port_reload_available": field(_reload, "reload"),
            "freeze": field(flag_or_none),
            "phone": READ_APART,
            "messages": READ_APART,
        },
        Tariff: {
            "country": field(whole, "code"),
            "name": field(text_or_none),
            "enabled": field(flag_or_none),
            "new": field(flag_or_none),
            "position": field(whole_or_none),
            "prices": field(lambda value, _: _prices(value, "days"), "days"),
            "stock": field(_stock, "count"),
            "extend_price": field(price_or_none, "extend"),
        },
        Balance: {"balance": field(number), "frozen": field(number_or_none, "zbalance")},
        Sms: {
            "id": field(whole_or_none),
            "sender": field(text, "service"),
            "text": field(text),
            "code": field(text_or_none),
            "received_at": READ_APART,
            "created_at": READ_APART,
            "is_wave": READ_APART,
            "wave_uuid": READ_APART,
        },
    }
)
"""The one configuration of this wire."""


def read_messages(raw: Any, zone: tzinfo) -> tuple[Sms, ...]:
    """A list, or a page whose `data` is a list or a list of lists: oldest first. Empty objects are filler."""
    with below("messages"):
        found = _rows(raw.get("data"), zone, "data") if isinstance(raw, Mapping) else _rows(raw, zone, "")
    return oldest_first(found)


def _rows(raw: Any, zone: tzinfo, where: str) -> list[Sms]:
    """The messages of a list, in which each entry is one, or a list of them; never a list of such lists."""
    pages = each(raw, lambda entry: _page(entry, zone), where)
    return [sms for page in pages for sms in page]


def _page(entry: Any, zone: tzinfo) -> tuple[Sms, ...]:
    if isinstance(entry, list):
        return each([row for row in entry if row != {}], lambda row: _one(row, zone))
    return () if entry == {} else (_one(entry, zone),)


def _one(row: Any, zone: tzinfo) -> Sms:
    found = structure(row, Sms)
    moment = readable(row, "created_at", lambda stamp: instant_or_none(stamp, zone=zone), None)
    return attrs.evolve(found, received_at=moment, created_at=moment)


# -- whole bodies ---------------------------------------------------------------------------------------------------


def read_purchase(zone: tzinfo) -> Callable[[Any], RentedNumber]:
    """Reads the number bought: `item`, or the only entry of `list`. It is paid for: its tzid alone will do."""

    def read(body: Any) -> RentedNumber:
        raw, *_ = _entries(body)
        return _rented(raw, zone)

    return read


def read_numbers(zone: tzinfo, *, complete: bool = False) -> Callable[[Any], tuple[RentedNumber, ...]]:
    """Reads the active numbers; after a `response` of success `list` may be empty, null or missing.

    Args:
        complete: refuse a list that holds an entry without a readable tzid, which is left out otherwise.
    """

    def read(body: Any) -> tuple[RentedNumber, ...]:
        if not {"response", "list", "item"} & set(body):
            raise LookupError("a list is needed")
        entries = _entries(body)
        numbers = each(entries, lambda raw: _rented(raw, zone), "list")
        if complete and len(numbers) < len(entries):
            raise MisreadError("list[].tzid", "a tzid is needed")
        return numbers

    return read


def read_number(tzid: int, zone: tzinfo) -> Callable[[Any], RentedNumber | None]:
    """Reads one number out of the active ones. It is None only if every entry has a readable tzid and none is its."""

    def read(body: Any) -> RentedNumber | None:
        found = next((number for number in read_numbers(zone)(body) if number.tzid == tzid), None)
        if found is None:
            read_numbers(zone, complete=True)(body)
        return found

    return read


def _entries(body: Mapping[str, Any]) -> Any:
    item = body.get("item")
    return [item] if item else body.get("list") or []


def _rented(raw: Any, zone: tzinfo) -> RentedNumber:
    found = structure(raw, RentedNumber)
    nothing: tuple[Sms, ...] = ()
    messages = readable(raw, "messages", lambda value: read_messages(value, zone), nothing)
    return attrs.evolve(found, messages=messages, phone=_join(found.country, found.number))


def read_tariffs(body: Any) -> tuple[Tariff, ...]:
    """One object, a map of them, `[]` or null; in the order of the provider's site."""
    if body is None or body == []:
        return ()
    if "code" in body:
        return (structure(body, Tariff),)
    tariffs = each_of({key: raw for key, raw in body.items() if key != "response"}, _tariff)
    return tuple(sorted(tariffs.values(), key=lambda tariff: tariff.position or 0))


def _tariff(code: str, raw: Any) -> Tariff:
    """One of a map: its key is the country, inside or not."""
    return structure({**raw, "code": raw.get("code") or code}, Tariff)


def read_balance(body: Any) -> Balance:
    return structure(body, Balance)


def read_success(body: Any) -> None:
    """Nothing but that it was a success; without a word of it there is none."""
    if not says_success(body):
        raise LookupError("a `response` is needed")
