"""The price table: always nested the same way, its offers read when they are asked for. Never waits, never sends.

Source: https://5sim.net/docs and tests/samples/v1. `guest/prices?product=` nests product > country > operator; the
other three nest country > product > operator. An answer that finds nothing is `null` or `{}`. `rate` is absent or any
value, including 0.

The whole table is half a million offers. With msgspec, of the extra `fast`, its countries stay bytes until they are
asked for. A country that is not nested as it should be then raises only when it is asked for. A field of an offer that
cannot be read is None.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, Mapping
from functools import cache, partial
from typing import Any, TypeAlias, TypeVar

import attrs

from .._errors import SmsApiError
from .._fields import UNREADABLE, MisreadError, number_or_none, price_or_none, readable, whole_or_none
from .._quoting import name_or_mark
from .._sending import MEGABYTE, Repeat, Reply, refuse_excess, understood, unreadable
from ._models import Offer, Prices

T = TypeVar("T")
Products: TypeAlias = Mapping[str, Mapping[str, Any]]
ReadField: TypeAlias = Callable[[Mapping[str, Any], str, Callable[[Any], Any]], Any]
Split: TypeAlias = Callable[[bytes], "Mapping[str, Any] | None"]

LONGEST_NAME = 10
"""The longest name of a rate. A longer name would be a number of hours beyond all bounds."""

SMALL = 1 * MEGABYTE
"""A table up to this size is decoded at once. A country takes 0.1 to 0.6 MB."""


def read_prices(country: str | None, product: str | None) -> Callable[[Reply], Prices]:
    """The function that reads a table that was asked for with these filters."""

    def read(reply: Reply) -> Prices:
        table: Mapping[str, Products] | None = None if product is not None else _unread(reply)
        if table is None:
            table = _checked(reply.json(float) or {})
            if product is not None and country is None and set(table) == {product}:
                table = {place: {product: offers} for place, offers in table[product].items()}
        return Prices(table, make_offer)

    return read


def _checked(table: Any) -> dict[str, Products]:
    for name, inner in table.items():
        if not isinstance(inner, dict) or not all(isinstance(offers, dict) for offers in inner.values()):
            raise MisreadError(name_or_mark(name), "objects are needed below")
    found: dict[str, Products] = table
    return found


class Unread(Mapping[str, T]):
    """An object whose values stay bytes. Each is decoded when it is first asked for, but a loop over all keeps none."""

    def __init__(self, raw: Mapping[str, Any], read: Callable[[str, Any], T]) -> None:
        self._raw = raw
        self._read = read
        self._known: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        if name not in self._known:
            self._known[name] = self._read(name, self._raw[name])
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def __contains__(self, name: object) -> bool:
        return name in self._raw

    def items(self) -> ItemsView[str, T]:
        return Passing(self)

    def passing(self) -> Iterator[tuple[str, T]]:
        return ((name, self._read(name, raw)) for name, raw in self._raw.items())


class Passing(ItemsView[str, T]):
    _mapping: Unread[T]

    def __iter__(self) -> Iterator[tuple[str, T]]:
        return self._mapping.passing()


def _unread(reply: Reply) -> Mapping[str, Products] | None:
    """The table with its countries still bytes; None if it is to be decoded whole, or is not an object."""
    split = _splitter() if len(reply.body) > SMALL else None
    if split is None:
        return None
    refuse_excess(reply.body, reply.bounds)

    def products(country: str, raw: Any) -> Products:
        found = split(raw)
        return _part(reply, raw, country) if found is None else Unread(found, partial(offers, country))

    def offers(country: str, product: str, raw: Any) -> Mapping[str, Any]:
        return _part(reply, raw, country, product)

    countries = split(reply.body)
    return None if countries is None else Unread(countries, products)


def _part(reply: Reply, raw: Any, *path: str) -> dict[str, Any]:
    """Decode the products of a country, or the offers of a product, of which only the bytes are known."""
    part = attrs.evolve(reply, body=bytes(raw))

    def read(part: Reply) -> dict[str, Any] | SmsApiError:
        try:
            found: dict[str, Any] = part.json(float)
            country, *product = path
            _checked({country: {product[0]: found} if product else found})
        except UNREADABLE as error:
            return unreadable("v1.prices", Repeat.FREELY, part, type(error).__name__, ".".join(map(name_or_mark, path)))
        return found

    decoded: dict[str, Any] = understood(read)(part)
    return decoded


@cache
def _splitter() -> Split | None:
    try:
        import msgspec
    except ImportError:
        return None
    decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])

    def split(body: bytes) -> Mapping[str, Any] | None:
        """Return None for a body that is not an object; `json` then says what is wrong."""
        try:
            found: Mapping[str, Any] = decoder.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        return found

    return split


def make_offer(country: str, product: str, operator: str, raw: Any) -> Offer:
    """Make one offer. A field that cannot be read is None, and an offer that is not an object has no fields."""
    try:
        return _offer(country, product, operator, raw, _strictly)
    except UNREADABLE:
        return _offer(country, product, operator, raw if isinstance(raw, dict) else {}, _leniently)


def _offer(country: str, product: str, operator: str, raw: Mapping[str, Any], read: ReadField) -> Offer:
    """Read the fields of an offer. `rate1`, `rate24`, ... are percentages over that many hours."""
    return Offer(
        country=country,
        product=product,
        operator=operator,
        cost=read(raw, "cost", price_or_none),
        count=read(raw, "count", whole_or_none),
        rate=read(raw, "rate", number_or_none),
        rates={
            int(key[4:]): rate
            for key in raw
            if key.startswith("rate")
            and key[4:].isdecimal()
            and len(key) < LONGEST_NAME
            and (rate := read(raw, key, number_or_none)) is not None
        },
    )


def _strictly(raw: Mapping[str, Any], name: str, read: Callable[[Any], T]) -> T:
    return read(raw.get(name))


def _leniently(raw: Mapping[str, Any], name: str, read: Callable[[Any], T]) -> T | None:
    return readable(raw, name, read, None)
