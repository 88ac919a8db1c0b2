"""Our beliefs about the answer to each operation. A field that the sources do not agree on ends in `?`.
Source: docs/reference/operations.md, tests/samples."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from attrs import frozen

from smsapi_async import AsyncClient
from tests.conformance.shapes import Each

Act = Callable[[AsyncClient], Awaitable[Any]]
UNKNOWN_ID = 1
NOWHERE = "nowhere"


def newest_first(body: Any) -> str | None:
    """Asked for with `order=id&reverse=true`."""
    ids = [row.get("id", row.get("ID")) for row in body.get("Data") or ()]
    return None if ids == sorted(ids, reverse=True) else "the rows are not newest first"


@frozen
class Belief:
    """An operation, the status and the content type of its answer, and the shape or the text of its body."""

    name: str
    act: Act
    shape: Any = None
    status: int = 200
    text: str = ""
    needs_key: bool = True
    also: Callable[[Any], str | None] = lambda _body: None
    """Return the other faults of a body that has the right shape."""

    @property
    def content_type(self) -> str:
        """Refusals of v1 are plain text."""
        return "text/plain" if self.text else "application/json"


SMS = {
    "created_at": "text", "date": "text", "sender": "text", "text": "text", "code": "text", "id?": "int",
}  # fmt: skip
CHECKED = {
    "id": "int", "phone": "text", "product": "text", "price": "number", "status": "text", "expires": "text",
    "sms": [SMS], "created_at": "text", "operator?": "text", "country?": "text", "forwarding?": "flag",
    "forwarding_number?": "text|null",
}  # fmt: skip
BOUGHT = {
    **{name: kind for name, kind in CHECKED.items() if name != "operator?"},
    "operator": "text",
    "sms": "null|list",
}
LISTED = {**{name: kind for name, kind in CHECKED.items() if name != "sms"}, "sms?": "list|null"}
ORDERS = {"Data": [LISTED], "Total": "int", "ProductNames?": "list|null", "Statuses?": "list|null"}
PAYMENT = {
    "ID": "int", "TypeName": "text", "ProviderName": "text", "Amount": "number", "Balance": "number",
    "CreatedAt": "text",
}  # fmt: skip
PAYMENTS = {"Data": [PAYMENT], "Total": "int", "PaymentTypes": "list|null", "PaymentProviders": "list|null"}
VENDOR_PAYMENTS = {**PAYMENTS, "PaymentStatuses": "list|null"}
PROFILE = {
    "id": "int", "email": "text", "balance": "number", "rating": "number", "frozen_balance": "number",
    "default_country": {"name": "text", "iso": "text", "prefix": "text"}, "default_operator": {"name": "text"},
    "vendor?": "text", "default_forwarding_number?": "text", "did_order?": "flag", "is_totp?": "flag",
    "last_order?": "text", "last_top_orders?": "text", "last_top_idx?": "int", "total_active_orders?": "int",
}  # fmt: skip
OFFER = {
    "cost": "number", "count": "int", "rate?": "number", "rate1?": "number", "rate3?": "number", "rate24?": "number",
    "rate72?": "number", "rate168?": "number", "rate720?": "number",
}  # fmt: skip
MAX_PRICE = {"id": "int", "product": "text", "price": "number", "CreatedAt?": "text", "created_at?": "text"}
PAGE: dict[str, Any] = {"limit": 5, "order": "id", "reverse": True}

V1_READS = (
    Belief("countries", lambda c: c.v1.countries(), Each("object"), needs_key=False),
    Belief(
        "products",
        lambda c: c.v1.products("england"),
        Each({"Category": "text", "Qty": "int", "Price": "number"}),
        needs_key=False,
    ),
    Belief(
        "prices of one product in one country",
        lambda c: c.v1.prices(country="england", product="telegram"),
        Each(Each(Each(OFFER))),
        needs_key=False,
    ),
    Belief("notification", lambda c: c.v1.notification("en"), {"text": "text"}, needs_key=False),
    Belief(
        "products of an unknown country",
        lambda c: c.v1.products(NOWHERE),
        status=400,
        text="bad country",
        needs_key=False,
    ),
    Belief(
        "prices of an unknown country",
        lambda c: c.v1.prices(country=NOWHERE),
        status=400,
        text="country is incorrect",
        needs_key=False,
    ),
    Belief("profile", lambda c: c.v1.profile(), PROFILE),
    Belief("orders, activation", lambda c: c.v1.orders("activation", **PAGE), ORDERS, also=newest_first),
    Belief("orders, hosting", lambda c: c.v1.orders("hosting", **PAGE), ORDERS, also=newest_first),
    Belief("payments", lambda c: c.v1.payments(**PAGE), PAYMENTS, also=newest_first),
    Belief("max_prices", lambda c: c.v1.max_prices(), [MAX_PRICE]),
    Belief("vendor", lambda c: c.v1.vendor(), PROFILE),
    Belief("wallets", lambda c: c.v1.wallets(), Each("number")),
    Belief("vendor_orders", lambda c: c.v1.vendor_orders("activation", **PAGE), ORDERS, also=newest_first),
    Belief("vendor_payments", lambda c: c.v1.vendor_payments(**PAGE), VENDOR_PAYMENTS),
    Belief("check of an unknown order", lambda c: c.v1.check(UNKNOWN_ID), status=404, text="order not found"),
    Belief("inbox of an unknown order", lambda c: c.v1.inbox(UNKNOWN_ID), status=404, text="record not found"),
)

MESSAGE = {"id": "int", "service": "text", "text": "text", "code": "text|null", "created_at": "text"}
NUMBER = {
    "tzid": "int", "number": "text", "country": "int", "status": "int", "rent": "int", "time": "int", "hours": "int",
    "days": "int", "messages": [MESSAGE], "extend": "object|list", "extension?": "int", "checked?": "flag",
    "checked_time?": "text", "day_extend?": "number|text", "sum?": "text|number", "reload?": "int|null",
    "m_ext?": "flag", "freeze?": "flag",
}  # fmt: skip
TARIFF = {
    "code": "int", "enabled": "flag", "new": "flag", "position": "int", "days": "object|list", "count": "object|list",
    "extend": "number|text", "name?": "text", "confirm?": "flag", "response?": "any",
}  # fmt: skip
NUMBERS = {"response": "int", "list": [NUMBER]}

RENT_READS = (
    Belief("balance", lambda c: c.rent.balance(), {"response": "int", "balance": "text", "zbalance": "number"}),
    Belief("tariffs", lambda c: c.rent.tariffs(), Each({**TARIFF, "name": "text"})),
    Belief("tariffs of one country", lambda c: c.rent.tariffs(7), TARIFF),
    Belief("numbers", lambda c: c.rent.numbers(), NUMBERS),
    Belief("number that does not exist", lambda c: c.rent.number(UNKNOWN_ID), NUMBERS),
)
