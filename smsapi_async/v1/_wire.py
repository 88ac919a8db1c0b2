"""The wire of the v1 API: which bytes are which values, and which are refusals. Never waits, never sends.

Source: https://5sim.net/docs and tests/samples/v1 (INDEX.md says where each was found). The quirks:

- Errors are plain text and come with any status: `no free phones` with 200 on a purchase, with 400 on reuse. So the
  whole trimmed text is compared first, in lower case, and only then the status is asked.
- An order's `sms` is null, [], a list or absent; its `operator` and `country` are absent, blank or capitalised.
- Instants have 0, 6 or 9 digits of fraction; Go's zero instant is none. Names mix snake_case and PascalCase.
- An unknown route answers 302 to /404.html, which is never followed.
- The price table has quirks of its own, which `_offers.py` knows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from .._call import BODY_CAP, CATALOGUE_CAP, Call, Lane, Repeat, Reply, masked, unreadable
from .._errors import (
    AccountBlockedError,
    AuthenticationError,
    BadParameterError,
    InsufficientBalanceError,
    LowRatingError,
    NoNumbersError,
    NotFoundError,
    OrderStateError,
    OutcomeUnknownError,
    ProviderUnavailableError,
    RateLimitError,
    RefusedError,
    ReuseRefusedError,
)
from .._fields import (
    UNREADABLE,
    Reader,
    each,
    field,
    flag_or_none,
    instant_or_none,
    number_or_none,
    path_of,
    read_at,
    text,
    text_or_none,
    whole,
    whole_or_none,
)
from .._values import Sms
from ._models import Country, Inbox, MaxPrice, Order, Page, Payment, Product, Profile, Status

T = TypeVar("T")
Category = Literal["activation", "hosting"]

REFUSALS: Mapping[str, type[RefusedError]] = MappingProxyType(
    {
        "no free phones": NoNumbersError,
        "not enough product qty": NoNumbersError,
        "not enough user balance": InsufficientBalanceError,
        "not enough rating": LowRatingError,
        "select country": BadParameterError,
        "select operator": BadParameterError,
        "select product": BadParameterError,
        "bad country": BadParameterError,
        "bad operator": BadParameterError,
        "bad product": BadParameterError,
        "no product": BadParameterError,
        "product is empty": BadParameterError,
        "country is incorrect": BadParameterError,
        "product is incorrect": BadParameterError,
        "product_name is empty": BadParameterError,
        "server offline": ProviderUnavailableError,
        "reuse not possible": ReuseRefusedError,
        "reuse false": ReuseRefusedError,
        "reuse expired": ReuseRefusedError,
        "order not found": NotFoundError,
        "record not found": NotFoundError,
        "hosting order not found": NotFoundError,
        "<html><head><title>not found</title></head><body>not found</body></html>": NotFoundError,
        "order expired": OrderStateError,
        "order has sms": OrderStateError,
        "order no sms": OrderStateError,
        "hosting order": OrderStateError,
        "you need to wait time": OrderStateError,
        "token expired": AuthenticationError,
        "token invalid": AuthenticationError,
        "unauthorized": AuthenticationError,
        "error code: 1010": AccountBlockedError,
        "api limit is 100 requests per second": RateLimitError,
        "too many requests": RateLimitError,
        "ip address limit is 100 requests per second": RateLimitError,
    }
)
"""The provider's own words, each with what it means. `internal error` is left out: it may follow a purchase."""

BARRED = timedelta(days=1)  # an account without rating may not buy; "Rating" of the docs
_BY_STATUS: Mapping[int, type[RefusedError]] = {
    401: AuthenticationError,
    403: AccountBlockedError,
    404: NotFoundError,
    429: RateLimitError,
}


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
) -> Call[T]:
    """A call whose answer is first held against the refusals and then read by `parse`."""

    def read(reply: Reply) -> T:
        _raise_refusal(name, repeat, reply)
        try:
            return parse(reply)
        except UNREADABLE as error:
            raise unreadable(f"v1.{name}", repeat, reply, masked(str(error))[:100], path_of(error)) from error

    return Call(
        name=f"v1.{name}",
        provider="v1",
        path=path,
        read=read,
        repeat=repeat,
        lane=Lane.CATALOGUE if catalogue else lane,
        method=method,
        query=tuple(query),
        body=None if body is None else json.dumps(body, separators=(",", ":")).encode(),
        key=not catalogue,
        cap=CATALOGUE_CAP if catalogue else BODY_CAP,
    )


def _raise_refusal(name: str, repeat: Repeat, reply: Reply) -> None:
    word = _word(reply)
    known = REFUSALS.get(word.lower())
    if known is LowRatingError and reply.date is not None:
        raise LowRatingError(word, call=f"v1.{name}", status=reply.status, possible_at=reply.date + BARRED)
    if known is not None:
        raise known(word if len(word) < 60 else "not found", call=f"v1.{name}", status=reply.status)
    if 200 <= reply.status < 300 and word.lower() != "internal error":
        return
    # The refusals of a payout are documented nowhere: only what is turned away before it is carried out is one.
    if reply.status in _BY_STATUS or (400 <= reply.status < 500 and name != "withdraw"):
        kind = _BY_STATUS.get(reply.status, RefusedError)
        raise kind(masked(word)[:300], call=f"v1.{name}", status=reply.status)
    if reply.headers.get("location", "").endswith("/404.html"):
        raise NotFoundError("no such route", call=f"v1.{name}", status=reply.status)
    if 300 <= reply.status < 400:
        raise unreadable(f"v1.{name}", repeat, reply, "a redirect, which is never followed")
    raise OutcomeUnknownError(f"HTTP {reply.status}: {reply.excerpt()!r}", call=f"v1.{name}", status=reply.status)


def _word(reply: Reply) -> str:
    """The text of a refusal: the whole body, or what a JSON envelope without an `id` says (seen nowhere; low)."""
    if len(reply.body) > 2_000:
        return reply.text[:300]
    word = reply.text
    if word.startswith(("{", '"')):
        try:
            body = reply.json()
        except ValueError:
            return word
        if isinstance(body, dict) and "id" not in body:
            body = body.get("message", body.get("error"))
        return body.strip() if isinstance(body, str) else word
    return word


# -- single values --------------------------------------------------------------------------------------------------


def _name(value: Any, _: Any = None) -> str | None:
    """A slug of the catalogue; some orders write it capitalised or after a blank (`Virtual62`)."""
    return text(value).strip().lower() or None


def _status(value: Any, _: Any = None) -> str:
    word = text(value).strip()
    return Status(word) if word in Status.__members__ else word


def _identity(value: Any, _: Any = None) -> int:
    """An id; 0 is Go's zero value and nobody's order."""
    found = whole(value)
    if found < 1:
        raise ValueError("an id above 0 is needed")
    return found


def _phone(value: Any, _: Any = None) -> str:
    """A phone with its plus; the account's own forwarding number is written without (`78009005040`)."""
    phone = text(value).strip()
    return f"+{phone}" if phone.isdecimal() else phone


def _inner_name(value: Any, _: Any = None) -> str | None:
    """`{"name": ...}`, where the documentation says array."""
    return text_or_none(value.get("name")) if isinstance(value, Mapping) else text_or_none(value)


def _names(raw: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """`[{"Name": ...}]`, `[...]`, null or absent."""
    return each(raw.get(key), lambda item: text(item.get("Name") if isinstance(item, Mapping) else item), key)


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
            "price": field(number_or_none),
            "status": field(_status),
            "expires_at": field(instant_or_none, "expires"),
            "created_at": field(instant_or_none),
            "sms": field(lambda value, _: read_messages(value)),
            "forwarding": field(flag_or_none),
            "forwarding_number": field(lambda value, _: _phone(value) or None),
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
            "default_forwarding_number": field(lambda value, _: _phone(value) or None),
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
            "price": field(number_or_none, "Price"),
        },
        MaxPrice: {
            "id": field(whole_or_none),
            "product": field(_name),
            "price": field(number_or_none),
            "created_at": field(instant_or_none),
        },
    }
)
"""The one configuration of this wire."""


def read_messages(raw: Any, where: str = "") -> tuple[Sms, ...]:
    """null, [], a list: oldest first. The provider documents no order; rows of an inbox write `ID` for `id`."""
    rows = each(raw, _message, where)
    return tuple(sorted(rows, key=lambda sms: sms.created_at or sms.received_at or _BEGINNING))


def _message(row: Any) -> Sms:
    return structure({**row, "id": row["ID"]} if "ID" in row else row, Sms)


_BEGINNING = datetime.min.replace(tzinfo=UTC)


# -- whole bodies ---------------------------------------------------------------------------------------------------


def read_order(reply: Reply) -> Order:
    return structure(reply.json(), Order)


def read_purchase(reply: Reply) -> Order:
    """An order; one that cannot be read whole is paid for, so whatever of it can be read, its id at least."""
    raw = reply.json()
    try:
        return structure(raw, Order)
    except UNREADABLE:
        return structure.salvage(raw, Order, "id")


def read_profile(reply: Reply) -> Profile:
    """Every field may be missing, but an answer with neither id nor balance is no profile."""
    raw = reply.json()
    if "id" not in raw and "balance" not in raw:
        raise LookupError("a profile is needed")
    return structure(raw, Profile)


def read_page(model: type[T]) -> Callable[[Reply], Page[T]]:
    """Reads a page of orders or payments; each list of it may be null, and all but `Data` absent."""

    def read(reply: Reply) -> Page[T]:
        raw = reply.json()
        return Page(
            items=each(raw["Data"], lambda row: structure(row, model), "Data"),
            total=read_at("Total", whole_or_none, raw.get("Total")),
            product_names=_names(raw, "ProductNames"),
            statuses=_names(raw, "Statuses"),
            payment_types=_names(raw, "PaymentTypes"),
            payment_providers=_names(raw, "PaymentProviders"),
            payment_statuses=_names(raw, "PaymentStatuses"),
        )

    return read


def read_inbox(reply: Reply) -> Inbox:
    raw = reply.json()
    return Inbox(sms=read_messages(raw["Data"], "Data"), total=read_at("Total", whole_or_none, raw.get("Total")))


def read_products(reply: Reply) -> Mapping[str, Product]:
    read = partial(structure, model=Product)
    return {name: read_at(name, read, raw) for name, raw in (reply.json() or {}).items()}


def read_countries(reply: Reply) -> Mapping[str, Country]:
    return {name: read_at(name, partial(_country, name), raw) for name, raw in (reply.json() or {}).items()}


def _country(name: str, raw: Mapping[str, Any]) -> Country:
    """Beside `iso`, `prefix` and texts every key whose value is an object is an operator."""
    rest = {key: value for key, value in raw.items() if key not in ("iso", "prefix") and isinstance(value, Mapping)}
    return Country(
        name=name,
        iso=read_at("iso", _flags, raw.get("iso")),
        prefixes=read_at("prefix", _flags, raw.get("prefix")),
        text_en=read_at("text_en", text_or_none, raw.get("text_en")),
        text_ru=read_at("text_ru", text_or_none, raw.get("text_ru")),
        operators={operator: tuple(categories) for operator, categories in rest.items()},
    )


def read_notification(reply: Reply) -> str:
    return text(reply.json()["text"])


def read_max_prices(reply: Reply) -> tuple[MaxPrice, ...]:
    """A list; one object in some editions of the documentation, which also disagree on `CreatedAt`."""
    raw = reply.json()
    return (_max_price(raw),) if isinstance(raw, Mapping) else each(raw, _max_price)


def _max_price(row: Any) -> MaxPrice:
    return structure({"created_at": row.get("CreatedAt"), "product": row["product"], **row}, MaxPrice)


def read_wallets(reply: Reply) -> Mapping[str, Decimal]:
    amounts = {name: read_at(name, number_or_none, value) for name, value in reply.json().items()}
    return {name: amount for name, amount in amounts.items() if amount is not None}


def read_nothing(reply: Reply) -> None:
    """A body that is not documented: any successful answer will do but a gateway's page."""
    if reply.text.startswith("<"):
        raise ValueError("a page")


def read_withdrawal(reply: Reply) -> None:
    """Not documented either; but this one spends, and words in place of JSON may be a refusal."""
    if reply.body.strip():
        reply.json()
