"""The things a scenario is made of: offers, countries, hosting, tariffs, and the SMS to come. Data only.
Source: docs/protocol/v1.md and docs/protocol/rent.md, section 2 of each."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from attrs import converters, field, frozen


def money(value: Decimal | int | float | str) -> Decimal:
    """`str` first: `Decimal(0.2)` is not 0.2."""
    return Decimal(str(value))


def prices(value: Mapping[Any, Decimal | int | float | str]) -> Mapping[str, Decimal]:
    """Amounts by name."""
    return {str(name): money(amount) for name, amount in value.items()}


def _by_days(value: Mapping[Any, Decimal | int | float | str]) -> Mapping[int, Decimal]:
    return {int(days): money(amount) for days, amount in value.items()}


def names(value: Iterable[str]) -> frozenset[str]:
    """A set of slugs; JSON has only lists."""
    return frozenset(value)


def _stock(value: Mapping[Any, int]) -> Mapping[int, int]:
    return {int(days): int(count) for days, count in value.items()}


@frozen
class Delivery:
    """One SMS to come: `after` seconds from the purchase. A blank `code` is a text in which the provider found none."""

    after: float = field(converter=float)
    text: str
    code: str = ""
    sender: str = "Telegram"
    code_after: float | None = field(default=None, converter=converters.optional(float))
    """Seconds from the SMS until its `code` is filled in; blank before. None: at once. No source says when."""
    timed: bool = True
    """Whether it carries its times. Every source prints them; none says that they are always there."""


Plan = tuple[Delivery, ...]


@frozen
class Offer:
    """What one operator of one country sells for one product. `rate` None: the key is left out of `guest/prices`."""

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
    """A country of the v1 catalogue; the numbers sold are `prefix`, `mobile`, and `digits` digits."""

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
    """Under whose name it is listed and sold besides `any`; no document names an operator of a hosting product."""


@frozen
class Tariff:
    """The rent price list of one country: price by `days`, numbers left by `count`, `extend` for one more day."""

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
