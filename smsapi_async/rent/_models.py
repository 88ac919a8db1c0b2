"""The answers of the rent API as frozen values. They know no wire; what is missing there is None or the default here.

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
        tzid: the provider's number of the operation: the handle of every other call.
        number: the national part, as the provider writes it.
        country: the dial code.
        phone: ``+`` and digits, joined from the two; the bare number when the provider left the country out.
        status: 0 while it is being confirmed, 1 once it is.
        checked: the provider's own flag of confirmation; it does not always agree with `status`.
        days_bought: days bought in all.
        ends_in: time left; while `status` is 0, of the 20 minutes in which a first message must arrive.
        extensions: the lengths in days it may be extended by now, with their prices; empty when it may not.
        extension: True if it renews by itself, for 30 more days at its end.
        price: what was paid.
        port_reload_available: True if `reload_port` would do something; None when the provider does not say.
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
        prices: by length in days.
        stock: numbers to be had, by length in days; a length may be missing.
        extend_price: what an extension costs, a day presumably.
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
    """The account's money. `frozen` is held for operations under way, an unconfirmed rent among them."""

    balance: Decimal
    frozen: Decimal | None = None
