"""The answers of the v1 API as frozen values. They know no wire; a missing field is None or the default named here.

Source: https://5sim.net/docs; the fields as recorded in tests/samples/v1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Generic, TypeVar

import attrs

from .._values import Phone, Sms, hidden, masked_phone

T = TypeVar("T")


class Status(StrEnum):
    """The six states of an order that the provider documents. It may send others, so a status is compared as text.

    Attributes:
        PENDING: the order is open, and its number is being prepared.
        RECEIVED: the order is open and waits for its SMS, or has some. It is no evidence of a code.
        CANCELED: the order was given back and refunded.
        TIMEOUT: the order ran out of time.
        FINISHED: the order is closed and paid.
        BANNED: the number was reported as already used.
    """

    PENDING = "PENDING"
    RECEIVED = "RECEIVED"
    CANCELED = "CANCELED"
    TIMEOUT = "TIMEOUT"
    FINISHED = "FINISHED"
    BANNED = "BANNED"


@attrs.frozen(kw_only=True)
class Order:
    """One purchase: an activation or a hosting order.

    Attributes:
        id: the provider's number of the order.
        phone: ``+`` and digits.
        product: what the number was bought for; for a hosting order its length, such as ``1day``.
        operator: the mobile network or pool, in lower case; missing in some answers.
        country: where the number is from; missing for hosting orders.
        price: the price of the order.
        status: a `Status`, or the provider's own word if it is none of the six. RECEIVED is no evidence of a code.
        expires_at: when the provider closes the order by itself.
        created_at: when the order was bought, by the provider's clock.
        sms: the messages so far, oldest first.
        forwarding: True if calls are forwarded.
        forwarding_number: the number that calls are forwarded to.
    """

    id: int
    phone: Phone = attrs.field(default="", repr=masked_phone)
    product: str | None = None
    operator: str | None = None
    country: str | None = None
    price: Decimal | None = None
    status: str = ""
    expires_at: datetime | None = None
    created_at: datetime | None = None
    sms: tuple[Sms, ...] = ()
    forwarding: bool | None = None
    forwarding_number: Phone | None = attrs.field(default=None, repr=masked_phone)

    @property
    def code(self) -> str | None:
        """The newest code that is not blank, or None."""
        return next((sms.code for sms in reversed(self.sms) if sms.code), None)


@attrs.frozen(kw_only=True)
class Profile:
    """The account. `balance` and `frozen_balance` are in the account's currency, which no answer names."""

    id: int | None = None
    email: str | None = attrs.field(default=None, repr=hidden)
    vendor: str | None = None
    balance: Decimal | None = None
    frozen_balance: Decimal | None = None
    rating: Decimal | None = None
    default_country: str | None = None
    default_operator: str | None = None
    default_forwarding_number: Phone | None = attrs.field(default=None, repr=masked_phone)


@attrs.frozen(kw_only=True)
class Payment:
    """One entry of the account's book.

    Attributes:
        type: ``charge``, ``buy`` or another word of the provider.
        provider: the payment system; for a purchase the product.
        amount: negative for a purchase.
        balance: the balance after the entry.
    """

    id: int
    type: str | None = None
    provider: str | None = None
    amount: Decimal | None = None
    balance: Decimal | None = None
    created_at: datetime | None = None


@attrs.frozen(kw_only=True)
class Page(Generic[T]):
    """One page of a list.

    Attributes:
        total: the provider's own number. It is often not the number of rows, so do not rely on it.
        unread: rows left out because they had no readable id.
    """

    items: tuple[T, ...] = ()
    total: int | None = None
    unread: int = 0
    product_names: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    payment_types: tuple[str, ...] = ()
    payment_providers: tuple[str, ...] = ()
    payment_statuses: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Product:
    """A product for sale. A purchase may find another `quantity` and `price`; `prices()` is closer to them."""

    category: str | None = None
    quantity: int | None = None
    price: Decimal | None = None


@attrs.frozen(kw_only=True)
class Offer:
    """One line of the price table.

    Attributes:
        cost: the price of one number.
        count: how many numbers the provider says it has. A count above 0 is no promise.
        rate: percent of orders that got their SMS. None means unknown, not zero.
        rates: the same for each window in hours, if the provider gives it.
    """

    country: str
    product: str
    operator: str
    cost: Decimal | None = None
    count: int | None = None
    rate: Decimal | None = None
    rates: Mapping[int, Decimal] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Country:
    """A country of the catalogue, and the operators that sell there, each with the categories that it sells."""

    name: str
    iso: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    text_en: str | None = None
    text_ru: str | None = None
    operators: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class MaxPrice:
    """The account's own price ceiling for a product."""

    id: int | None = None
    product: str | None = None
    price: Decimal | None = None
    created_at: datetime | None = None


@attrs.frozen(kw_only=True)
class Inbox:
    """The messages of one order. `total` is the provider's own number."""

    sms: tuple[Sms, ...] = ()
    total: int | None = None


Wallets = Mapping[str, Decimal]
"""The amount that each payment system of a partner holds, by its name."""

MakeOffer = Callable[[str, str, str, Any], Offer]


class Prices:
    """The price table: country, then product, then operator, then `Offer`. A loop over the table gives the offers.

    For example, ``prices["england"]["telegram"]["virtual53"].cost``. The whole table has half a million offers, so each
    offer is made when it is asked for.
    """

    __slots__ = ("_make", "_table")

    def __init__(self, table: Mapping[str, Mapping[str, Mapping[str, Any]]], make: MakeOffer) -> None:
        self._table = table
        self._make = make

    def __getitem__(self, country: str) -> Mapping[str, Mapping[str, Offer]]:
        return _Branch(self._table[country], lambda product, offers: self._offers(country, product, offers))

    def __contains__(self, country: object) -> bool:
        return country in self._table

    def __iter__(self) -> Iterator[Offer]:
        for country, products in self._table.items():
            for product, offers in products.items():
                for operator, raw in offers.items():
                    yield self._make(country, product, operator, raw)

    def __len__(self) -> int:
        """The number of offers."""
        return sum(len(offers) for _, products in self._table.items() for offers in products.values())

    def __bool__(self) -> bool:
        """Return True if there is any offer, without counting them."""
        return any(offers for _, products in self._table.items() for offers in products.values())

    def __repr__(self) -> str:
        return f"<Prices: {len(self._table)} countries>"

    @property
    def countries(self) -> tuple[str, ...]:
        """The countries of the table."""
        return tuple(self._table)

    def get(self, country: str) -> Mapping[str, Mapping[str, Offer]] | None:
        """The country's part of the table, or None.

        Args:
            country: the name of a country, such as ``england``; `Prices.countries` lists those of the table.
        """
        return self[country] if country in self._table else None

    def _offers(self, country: str, product: str, offers: Mapping[str, Any]) -> Mapping[str, Offer]:
        return _Branch(offers, lambda operator, raw: self._make(country, product, operator, raw))


class _Branch(Mapping[str, T]):
    """A part of the table whose values are made when they are asked for."""

    __slots__ = ("_make", "_raw")

    def __init__(self, raw: Mapping[str, Any], make: Callable[[str, Any], T]) -> None:
        self._raw = raw
        self._make = make

    def __getitem__(self, key: str) -> T:
        return self._make(key, self._raw[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)
