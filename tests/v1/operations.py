"""Every call of `client.v1` with its simplest arguments, for tables that go through all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from smsapi_async import AsyncClient

Act = Callable[[AsyncClient], Awaitable[Any]]

PHONE = "+79000381454"

CALLS: dict[str, Act] = {
    "profile": lambda client: client.v1.profile(),
    "orders": lambda client: client.v1.orders("activation"),
    "payments": lambda client: client.v1.payments(),
    "products": lambda client: client.v1.products("russia", "beeline"),
    "prices": lambda client: client.v1.prices(country="russia", product="telegram"),
    "countries": lambda client: client.v1.countries(),
    "notification": lambda client: client.v1.notification("en"),
    "buy_activation": lambda client: client.v1.buy_activation("telegram"),
    "buy_hosting": lambda client: client.v1.buy_hosting("1day"),
    "reuse": lambda client: client.v1.reuse("telegram", PHONE),
    "check": lambda client: client.v1.check(11631253),
    "finish": lambda client: client.v1.finish(11631253),
    "cancel": lambda client: client.v1.cancel(11631253),
    "ban": lambda client: client.v1.ban(11631253),
    "inbox": lambda client: client.v1.inbox(1),
    "max_prices": lambda client: client.v1.max_prices(),
    "set_max_price": lambda client: client.v1.set_max_price("telegram", 30),
    "delete_max_price": lambda client: client.v1.delete_max_price("telegram"),
    "vendor": lambda client: client.v1.vendor(),
    "wallets": lambda client: client.v1.wallets(),
    "vendor_orders": lambda client: client.v1.vendor_orders("activation"),
    "vendor_payments": lambda client: client.v1.vendor_payments(),
    "withdraw": lambda client: client.v1.withdraw(receiver="1", method="qiwi", amount=1, fee="unitpay"),
}

GUEST = {"products", "prices", "countries", "notification"}
PURCHASES = {"buy_activation", "buy_hosting", "reuse"}
SPENDING = PURCHASES | {"withdraw"}
CHANGING = {"finish", "cancel", "ban", "set_max_price", "delete_max_price"}
READS = set(CALLS) - SPENDING - CHANGING
EVERY = tuple(CALLS)
"""Refusals that any call may meet."""
KEYED = tuple(name for name in CALLS if name not in GUEST)
