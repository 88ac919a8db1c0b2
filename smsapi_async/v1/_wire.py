"""The wire of the v1 API: which bytes are which values, and which are refusals. Never waits, never sends.

Source: https://5sim.net/docs and tests/samples/v1 (INDEX.md says where each was found). The quirks:

- Errors are plain text and come with any status: `no free phones` with 200 on a purchase, with 400 on reuse. So the
  whole trimmed text is compared first, in lower case, and only then the status is asked.
- An order's `sms` is null, [], a list or absent; its `operator` and `country` are absent, blank or capitalised.
- Instants have 0, 6 or 9 digits of fraction; Go's zero instant is none. Names mix snake_case and PascalCase.
- `guest/prices?product=` nests product > country > operator, the other three country > product > operator; nothing
  found is `null` or `{}`.
- An unknown route answers 302 to /404.html, which is never followed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
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
    field,
    flag_or_none,
    instant_or_none,
    number_or_none,
    path_of,
    text,
    text_or_none,
    whole,
    whole_or_none,
)
from .._values import Sms
from ._models import Country, Inbox, MaxPrice, Offer, Order, Page, Payment, Prices, Product, Profile, Status

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
            raise unreadable(f"v1.{name}", repeat, reply, type(error).__name__, path_of(error)) from error

    return Call(
        name=f"v1.{name}",
        provider="v1",
        path=path,
        read=read,
        repeat=repeat,
        lane=lane,
        method=method,
        query=tuple(query),
        body=None if body is None else json.dumps(body, separators=(",", ":")).encode(),
        key=not catalogue,
        cap=CATALOGUE_CAP if catalogue else BODY_CAP,
    )


def _raise_refusal(name: str, repeat: Repeat, reply: Reply) -> None:
    word = _word(reply)
    known = REFUSALS.get(word.lower())
    if known is not None:
        raise known(word if len(word) < 60 else "not found", call=f"v1.{name}", status=reply.status)
    if 200 <= reply.status < 300 and word.lower() != "internal error":
        return
    if 400 <= reply.status < 500 and name != "withdraw":
        kind = _BY_STATUS.get(reply.status, RefusedError)
        raise kind(masked(word)[:300], call=f"v1.{name}", status=reply.status)
    if reply.headers.get("location", "").endswith("/404.html"):
        raise NotFoundError("no such route", call=f"v1.{name}", status=reply.status)
    if 300 <= reply.status < 400:
        raise unreadable(f"v1.{name}", repeat, reply, "a redirect, which is never followed")
    raise OutcomeUnknownError(f"HTTP {reply.status}: {reply.excerpt()!r}", call=f"v1.{name}", status=reply.status)


def _word(reply: Reply) -> str:
    """The text of a refusal: the whole body, or what a JSON envelope of only an error says."""
    if len(reply.body) > 2_000:
        return reply.text[:300]
    word = reply.text
    if word.startswith(('{"message"', '{"error"', '"')):
        try:
            body = json.loads(word)
        except ValueError:
            return word
        inner = body if isinstance(body, str) else body.get("message", body.get("error"))
        return inner.strip() if isinstance(inner, str) else word
    return word


# -- single values --------------------------------------------------------------------------------------------------


def _name(value: Any, _: Any = None) -> str | None:
    """A slug of the catalogue; some orders write it capitalised or after a blank (`Virtual62`)."""
    return text(value).strip().lower() or None


def _status(value: Any, _: Any = None) -> str:
    word = text(value).strip()
    return Status(word) if word in Status.__members__ else word


def _inner_name(value: Any, _: Any = None) -> str | None:
    """`{"name": ...}`, where the documentation says array."""
    return text_or_none(value.get("name")) if isinstance(value, Mapping) else text_or_none(value)


def _names(value: Any) -> tuple[str, ...]:
    """`[{"Name": ...}]`, `[...]` or null."""
    return tuple(text(item.get("Name") if isinstance(item, Mapping) else item) for item in value or ())


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
            "is_wave": field(lambda value, _: bool(value)),
            "wave_uuid": field(text_or_none),
        },
        Order: {
            "id": field(whole),
            "phone": field(text),
            "product": field(_name),
            "operator": field(_name),
            "country": field(_name),
            "price": field(number_or_none),
            "status": field(_status),
            "expires_at": field(instant_or_none, "expires"),
            "created_at": field(instant_or_none),
            "sms": field(lambda value, _: read_messages(value)),
            "forwarding": field(flag_or_none),
            "forwarding_number": field(text_or_none),
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
            "default_forwarding_number": field(text_or_none),
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


def read_messages(raw: Any) -> tuple[Sms, ...]:
    """null, [], a list: oldest first. The provider documents no order; rows of an inbox write `ID` for `id`."""
    rows = [structure({**row, "id": row.get("id", row.get("ID"))}, Sms) for row in raw or ()]
    return tuple(sorted(rows, key=lambda sms: sms.created_at or _BEGINNING))


_BEGINNING = datetime.min.replace(tzinfo=UTC)


# -- whole bodies ---------------------------------------------------------------------------------------------------


def read_order(reply: Reply) -> Order:
    return structure(reply.json(), Order)


def read_purchase(reply: Reply) -> Order:
    """An order; of one that cannot be read whole at least its id and phone, because it is paid for."""
    raw = reply.json()
    try:
        return structure(raw, Order)
    except UNREADABLE:
        phone = raw.get("phone")
        return Order(id=whole(raw["id"]), phone=phone if isinstance(phone, str) else "")


def read_profile(reply: Reply) -> Profile:
    return structure(reply.json(), Profile)


def read_page(model: type[T]) -> Callable[[Reply], Page[T]]:
    """Reads a page of orders or payments; every list of it may be null or absent."""

    def read(reply: Reply) -> Page[T]:
        raw = reply.json()
        return Page(
            items=tuple(structure(row, model) for row in raw.get("Data") or ()),
            total=whole_or_none(raw.get("Total")),
            product_names=_names(raw.get("ProductNames")),
            statuses=_names(raw.get("Statuses")),
            payment_types=_names(raw.get("PaymentTypes")),
            payment_providers=_names(raw.get("PaymentProviders")),
            payment_statuses=_names(raw.get("PaymentStatuses")),
        )

    return read


def read_inbox(reply: Reply) -> Inbox:
    raw = reply.json()
    return Inbox(sms=read_messages(raw.get("Data")), total=whole_or_none(raw.get("Total")))


def read_products(reply: Reply) -> Mapping[str, Product]:
    return {name: structure(raw, Product) for name, raw in (reply.json() or {}).items()}


def read_countries(reply: Reply) -> Mapping[str, Country]:
    """Beside `iso`, `prefix` and texts every key whose value is an object is an operator."""
    return {name: _country(name, raw) for name, raw in (reply.json() or {}).items()}


def _country(name: str, raw: Mapping[str, Any]) -> Country:
    rest = {key: value for key, value in raw.items() if key not in ("iso", "prefix") and isinstance(value, Mapping)}
    return Country(
        name=name,
        iso=tuple(raw.get("iso") or ()),
        prefixes=tuple(raw.get("prefix") or ()),
        text_en=text_or_none(raw.get("text_en")),
        text_ru=text_or_none(raw.get("text_ru")),
        operators={operator: tuple(categories) for operator, categories in rest.items()},
    )


def read_prices(product: str | None) -> Callable[[Reply], Prices]:
    """Reads the table, whichever way round it came for this product."""

    def read(reply: Reply) -> Prices:
        table = reply.json(parse_float=float) or {}
        _check_nesting(table)
        if product is not None and set(table) == {product}:
            table = {country: {product: offers} for country, offers in table[product].items()}
        return Prices(table, make_offer)

    return read


def _check_nesting(table: Any) -> None:
    for name, inner in table.items():
        if not isinstance(inner, dict) or not all(isinstance(offers, dict) for offers in inner.values()):
            raise TypeError(f"objects are needed below {name}")


def make_offer(country: str, product: str, operator: str, raw: Any) -> Offer:
    """One offer; `rate1`, `rate24`, ... are percentages over so many hours."""
    leaf = raw if isinstance(raw, Mapping) else {}
    return Offer(
        country=country,
        product=product,
        operator=operator,
        cost=number_or_none(leaf.get("cost")),
        count=whole_or_none(leaf.get("count")),
        rate=number_or_none(leaf.get("rate")),
        rates={
            int(key[4:]): rate
            for key, value in leaf.items()
            if key.startswith("rate") and key[4:].isdigit() and (rate := number_or_none(value)) is not None
        },
    )


def read_notification(reply: Reply) -> str:
    return text(reply.json().get("text"))


def read_max_prices(reply: Reply) -> tuple[MaxPrice, ...]:
    """A list; one object in some editions of the documentation, which also disagree on `CreatedAt`."""
    raw = reply.json() or []
    rows = raw if isinstance(raw, list) else [raw]
    return tuple(structure({"created_at": row.get("CreatedAt"), **row}, MaxPrice) for row in rows)


def read_wallets(reply: Reply) -> Mapping[str, Decimal]:
    amounts = {name: number_or_none(value) for name, value in reply.json().items()}
    return {name: amount for name, amount in amounts.items() if amount is not None}


def read_nothing(reply: Reply) -> None:
    """A body that is not documented: any successful answer will do."""


def read_withdrawal(reply: Reply) -> None:
    """Not documented either; but this one spends, and words in place of JSON may be a refusal."""
    if reply.body.strip():
        reply.json()
