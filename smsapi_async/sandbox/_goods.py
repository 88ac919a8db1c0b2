"""The parts of a scenario: offers, countries, hosting, tariffs, and the SMS to come. Data only.
Source: docs/protocol/v1.md and docs/protocol/rent.md, section 2 of each."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from attrs import converters, field, frozen


def money(value: Decimal | int | float | str) -> Decimal:
    """Return an exact amount. It goes through `str`, because `Decimal(0.2)` is not 0.2."""
    return Decimal(str(value))


def prices(value: Mapping[Any, Decimal | int | float | str]) -> Mapping[str, Decimal]:
    """Return amounts by name."""
    return {str(name): money(amount) for name, amount in value.items()}


def _by_days(value: Mapping[Any, Decimal | int | float | str]) -> Mapping[int, Decimal]:
    return {int(days): money(amount) for days, amount in value.items()}


def names(value: Iterable[str]) -> frozenset[str]:
    """Return a set of slugs; JSON has only lists."""
    return frozenset(value)


def _stock(value: Mapping[Any, int]) -> Mapping[int, int]:
    return {int(days): int(count) for days, count in value.items()}


@frozen
class Delivery:
    """One SMS to come, `after` seconds from the purchase. A blank `code`: the provider found none in the text."""

    after: float = field(converter=float)
    text: str
    code: str = ""
    sender: str = "Telegram"
    code_after: float | None = field(default=None, converter=converters.optional(float))
    """Seconds from the SMS until its `code` is filled in; None: at once. No source says when."""
    timed: bool = True
    """True if it carries its times. Every source prints them; no source says that they are always there."""


Plan = tuple[Delivery, ...]


@frozen
class Offer:
    """The offer of one operator of one country for one product. `rate` None: the key is left out of `guest/prices`."""

    country: str
    product: str
    operator: str
    cost: Decimal = field(converter=money)
    count: int = 1000
    rate: Decimal | None = field(default=None, converter=converters.optional(money))
    rates: Mapping[str, Decimal] = field(factory=dict, converter=prices)
    """Undocumented `rate1`, `rate24`, ... by their wire names."""


@frozen
class Country:
    """A country of the v1 catalogue. Its numbers are `prefix`, `mobile`, and `digits` more digits."""

    name: str
    iso: str
    prefix: str
    text_en: str
    text_ru: str | None = None
    mobile: str = "900"
    digits: int = 7
    unlisted: frozenset[str] = field(default=frozenset(), converter=names)
    """Operators that sell here and are missing from `guest/countries`."""


@frozen
class Hosting:
    """A hosting product: its name is its duration; `lifetime` in seconds."""

    product: str
    cost: Decimal = field(converter=money)
    count: int = 10
    lifetime: float = field(default=86400, converter=float)
    country: str = "russia"
    operator: str = "any"
    """The name under which it is listed and sold, besides `any`. No document names an operator of a hosting product."""


@frozen
class Tariff:
    """The rent price list of one country: prices by `days`, stock by `count`; `extend` is the price of a day more."""

    code: int
    name: str
    days: Mapping[int, Decimal] = field(converter=_by_days)
    count: Mapping[int, int] = field(converter=_stock)
    extend: Decimal = field(converter=money)
    enabled: bool = True
    new: bool = False
    position: int = 1
    confirm: bool = True
    mobile: str = "931"
