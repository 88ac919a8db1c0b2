"""The answers of the rent API as frozen values. They know no wire; a missing field is None or the default here.

Source: https://onlinesim.io/docs/api/en/rent; the fields as recorded in tests/samples/rent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

import attrs

from .._values import Phone, Sms, masked_phone

CountryCode = int
"""The provider's dial code of a country: 7 is Russia, and 77 stands for Kazakhstan."""


@attrs.frozen(kw_only=True)
class RentedNumber:
    """A number hired for days.

    Attributes:
        tzid: the provider's number of the operation, which every other call takes.
        number: the national part, as the provider writes it.
        country: the dial code.
        phone: ``+`` and digits, joined from `country` and `number`; only the number if the provider left the country
            out.
        status: 0 while the number is being confirmed, 1 once it is confirmed.
        checked: the provider's own flag of confirmation. It does not always agree with `status`.
        days_bought: days bought in all.
        ends_in: the time left. While `status` is 0, the time left of the 20 minutes in which a first message must
            arrive.
        extensions: the lengths in days by which the number may be extended now, with their prices; empty if it may not
            be.
        extension: True if the number renews by itself, for 30 more days at its end.
        price: the price paid.
        port_reload_available: True if `reload_port` would do something; None if the provider does not say.
        messages: the messages so far, oldest first. Their times are UTC, converted from the client's `rent_timezone`.
        freeze: the provider's own flag, unexplained.
    """

    tzid: int
    number: str = attrs.field(default="", repr=masked_phone)
    country: CountryCode | None = None
    phone: Phone = attrs.field(default="", repr=masked_phone)
    status: int | None = None
    checked: bool | None = None
    days_bought: int | None = None
    ends_in: timedelta | None = None
    extensions: Mapping[int, Decimal] = attrs.field(factory=dict)
    extension: bool | None = None
    price: Decimal | None = None
    port_reload_available: bool | None = None
    messages: tuple[Sms, ...] = ()
    freeze: bool | None = None

    @property
    def code(self) -> str | None:
        """The newest code that is not blank, or None."""
        return next((sms.code for sms in reversed(self.messages) if sms.code), None)


@attrs.frozen(kw_only=True)
class Tariff:
    """One country of the rent price list.

    Attributes:
        prices: the prices by length in days.
        stock: the numbers available, by length in days; a length may be missing.
        extend_price: the price of an extension, presumably for one day.
    """

    country: CountryCode
    name: str | None = None
    enabled: bool | None = None
    new: bool | None = None
    position: int | None = None
    prices: Mapping[int, Decimal] = attrs.field(factory=dict)
    stock: Mapping[int, int] = attrs.field(factory=dict)
    extend_price: Decimal | None = None


@attrs.frozen(kw_only=True)
class Balance:
    """The account's money. `frozen` is held for operations under way, including an unconfirmed rent."""

    balance: Decimal
    frozen: Decimal | None = None
