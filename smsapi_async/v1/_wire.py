"""The wire of the v1 API: which bytes are which values. Never waits, never sends.

Source: https://5sim.net/docs and tests/samples/v1 (INDEX.md says where each was found). The quirks:

- An order's `sms` is null, [], a list or absent; its `operator` and `country` are absent, blank or capitalised.
- Instants have 0, 6 or 9 digits of fraction; Go's zero instant is none. Names mix snake_case and PascalCase.
- A field that cannot be read is None or its default, and noted; only the id of an order must be readable.
- The refusals and the price table have quirks of their own, which `_refusals.py` and `_offers.py` know.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Literal, TypeVar

from .._errors import SmsApiError
from .._fields import (
    UNREADABLE,
    Reader,
    each,
    each_of,
    field,
    flag_or_none,
    instant_or_none,
    number_or_none,
    path_of,
    price_or_none,
    readable,
    text,
    text_or_none,
    whole,
    whole_or_none,
    why,
)
from .._sending import BODY_CAP, CATALOGUE_CAP, LIST, Bounds, Call, Lane, Repeat, Reply, understood, unreadable
from .._values import Sms, oldest_first
from ._models import Country, Inbox, MaxPrice, Order, Page, Payment, Product, Profile, Status
from ._refusals import refusal

T = TypeVar("T")
Category = Literal["activation", "hosting"]


def call(
    name: str,
    path: str,
    parse: Callable[[Reply], T],
    *,
    repeat: Repeat = Repeat.FREELY,
    lane: Lane = Lane.LOOK,
    method: str = "GET",
    query: Iterable[tuple[str, str]] = (),
    body: Mapping[str, Any] | None = None,
    catalogue: bool = False,
    bounds: Bounds = LIST,
) -> Call[T]:
    """A call whose answer is compared with the refusals first, then read by `parse`."""

    def read(reply: Reply) -> T | SmsApiError:
        try:
            return refusal(name, repeat, reply) or parse(reply)
        except UNREADABLE as error:
            return unreadable(f"v1.{name}", repeat, reply, why(error), path_of(error))

    return Call(
        name=f"v1.{name}",
        provider="v1",
        path=path,
        read=understood(read),
        repeat=repeat,
        lane=Lane.CATALOGUE if catalogue else lane,
        method=method,
        query=tuple(query),
        body=None if body is None else json.dumps(body, separators=(",", ":")).encode(),
        key=not catalogue,
        cap=CATALOGUE_CAP if catalogue else BODY_CAP,
        bounds=bounds,
    )


# -- single values --------------------------------------------------------------------------------------------------


def _name(value: Any, _: Any = None) -> str | None:
    """A slug of the catalogue; some orders write it capitalised or after a blank (`Virtual62`)."""
    return (value if type(value) is str else text(value)).strip().lower() or None


def _status(value: Any, _: Any = None) -> str:
    word = (value if type(value) is str else text(value)).strip()
    return _STATUSES.get(word, word)


_STATUSES: Mapping[str, str] = {status.value: status for status in Status}


def _identity(value: Any, _: Any = None) -> int:
    """An id; 0 is Go's zero value, and no order has it."""
    found = whole(value)
    if found < 1:
        raise ValueError("an id above 0 is needed")
    return found


def _phone(value: Any, _: Any = None) -> str:
    """A phone with its plus; the account's own forwarding number is written without (`78009005040`)."""
    phone = (value if type(value) is str else text(value)).strip()
    return f"+{phone}" if phone.isdecimal() else phone


def _phone_or_none(value: Any, _: Any = None) -> str | None:
    return _phone(value) or None


def _inner_name(value: Any, _: Any = None) -> str | None:
    """`{"name": ...}`, where the documentation says array."""
    return text_or_none(value.get("name")) if isinstance(value, Mapping) else text_or_none(value)


def _names(raw: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """`[{"Name": ...}]`, `[...]`, null or absent."""
    return readable(raw, key, lambda names: each(names, _named, key), ())


def _named(item: Any) -> str:
    return text(item.get("Name") if isinstance(item, Mapping) else item)


def _flags(value: Any) -> tuple[str, ...]:
    """`{"ru": 1}`: the keys are what it says."""
    if value is not None and not isinstance(value, Mapping):
        raise TypeError("an object is needed")
    return tuple(value or ())


# -- objects --------------------------------------------------------------------------------------------------------

structure = Reader(
    {
        Sms: {
            "id": field(whole_or_none),
            "sender": field(text),
            "text": field(text),
            "code": field(text_or_none),
            "received_at": field(instant_or_none, "date"),
            "created_at": field(instant_or_none),
            "is_wave": field(lambda value, _: flag_or_none(value) or False),
            "wave_uuid": field(text_or_none),
        },
        Order: {
            "id": field(_identity),
            "phone": field(_phone),
            "product": field(_name),
            "operator": field(_name),
            "country": field(_name),
            "price": field(price_or_none),
            "status": field(_status),
            "expires_at": field(instant_or_none, "expires"),
            "created_at": field(instant_or_none),
            "sms": field(lambda value, _: read_messages(value, "sms")),
            "forwarding": field(flag_or_none),
            "forwarding_number": field(_phone_or_none),
        },
        Profile: {
            "id": field(whole_or_none),
            "email": field(text_or_none),
            "vendor": field(text_or_none),
            "balance": field(number_or_none),
            "frozen_balance": field(number_or_none),
            "rating": field(number_or_none),
            "default_country": field(_inner_name),
            "default_operator": field(_inner_name),
            "default_forwarding_number": field(_phone_or_none),
        },
        Payment: {
            "id": field(whole, "ID"),
            "type": field(text_or_none, "TypeName"),
            "provider": field(text_or_none, "ProviderName"),
            "amount": field(number_or_none, "Amount"),
            "balance": field(number_or_none, "Balance"),
            "created_at": field(instant_or_none, "CreatedAt"),
        },
        Product: {
            "category": field(text_or_none, "Category"),
            "quantity": field(whole_or_none, "Qty"),
            "price": field(price_or_none, "Price"),
        },
        MaxPrice: {
            "id": field(whole_or_none),
            "product": field(_name),
            "price": field(price_or_none),
            "created_at": field(instant_or_none),
        },
    }
)
"""The one configuration of this wire."""


def read_messages(raw: Any, where: str) -> tuple[Sms, ...]:
    """null, [], a list: oldest first. The provider documents no order; rows of an inbox write `ID` for `id`."""
    return oldest_first(each(raw, _message, where))


def _message(row: Any) -> Sms:
    return structure({**row, "id": row["ID"]} if "ID" in row else row, Sms)


# -- whole bodies ---------------------------------------------------------------------------------------------------


def read_order(reply: Reply) -> Order:
    return structure(reply.json(), Order)


def read_profile(reply: Reply) -> Profile:
    """Every field may be missing, but an answer with neither id nor balance is no profile."""
    raw = reply.json()
    if "id" not in raw and "balance" not in raw:
        raise LookupError("a profile is needed")
    return structure(raw, Profile)


def read_page(model: type[T]) -> Callable[[Reply], Page[T]]:
    """Reads a page of orders or payments; each list of it may be null, and all but `Data` absent.

    A row without a readable id is left out and counted.
    """

    def read(reply: Reply) -> Page[T]:
        raw = reply.json()
        items = each(raw["Data"], lambda row: structure(row, model), "Data")
        return Page(
            items=items,
            unread=len(raw["Data"] or ()) - len(items),
            total=readable(raw, "Total", whole_or_none, None),
            product_names=_names(raw, "ProductNames"),
            statuses=_names(raw, "Statuses"),
            payment_types=_names(raw, "PaymentTypes"),
            payment_providers=_names(raw, "PaymentProviders"),
            payment_statuses=_names(raw, "PaymentStatuses"),
        )

    return read


def read_inbox(reply: Reply) -> Inbox:
    raw = reply.json()
    return Inbox(sms=read_messages(raw["Data"], "Data"), total=readable(raw, "Total", whole_or_none, None))


def read_products(reply: Reply) -> Mapping[str, Product]:
    return each_of(reply.json() or {}, lambda _, raw: structure(raw, Product))


def read_countries(reply: Reply) -> Mapping[str, Country]:
    return each_of(reply.json() or {}, _country)


def _country(name: str, raw: Mapping[str, Any]) -> Country:
    """Beside `iso`, `prefix` and texts every key whose value is an object is an operator."""
    rest = {key: value for key, value in raw.items() if key not in _NO_OPERATORS and isinstance(value, Mapping)}
    return Country(
        name=name,
        iso=readable(raw, "iso", _flags, ()),
        prefixes=readable(raw, "prefix", _flags, ()),
        text_en=readable(raw, "text_en", text_or_none, None),
        text_ru=readable(raw, "text_ru", text_or_none, None),
        operators={operator: tuple(categories) for operator, categories in rest.items()},
    )


_NO_OPERATORS = ("iso", "prefix", "text_en", "text_ru")


def read_notification(reply: Reply) -> str:
    return text(reply.json()["text"])


def read_max_prices(reply: Reply) -> tuple[MaxPrice, ...]:
    """A list; one object in some editions of the documentation, which also disagree on `CreatedAt`."""
    raw = reply.json()
    return (_max_price(raw),) if isinstance(raw, Mapping) else each(raw, _max_price)


def _max_price(row: Any) -> MaxPrice:
    return structure({"created_at": row.get("CreatedAt"), "product": row["product"], **row}, MaxPrice)


def read_wallets(reply: Reply) -> Mapping[str, Decimal]:
    amounts = each_of(reply.json(), lambda _, value: number_or_none(value))
    return {name: amount for name, amount in amounts.items() if amount is not None}


def read_nothing(reply: Reply) -> None:
    """A body that is not documented: any successful answer will do but a gateway's page."""
    if reply.is_page:
        raise ValueError("a page")


def read_withdrawal(reply: Reply) -> None:
    """Not documented either; but this one spends, and words in place of JSON, or an error in it, may be a refusal."""
    answer = reply.json() if reply.body.strip() else {}
    if isinstance(answer, str) or (isinstance(answer, Mapping) and answer.keys() & {"error", "errors", "message"}):
        raise ValueError("words in place of an answer")
