"""Every call of `client.rent` with its simplest arguments, for tables that go through all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from smsapi_async import AsyncClient

Act = Callable[[AsyncClient], Awaitable[Any]]

CALLS: dict[str, Act] = {
    "tariffs": lambda client: client.rent.tariffs(),
    "buy_number": lambda client: client.rent.buy_number(7, 1),
    "numbers": lambda client: client.rent.numbers(),
    "number": lambda client: client.rent.number(3715),
    "extend": lambda client: client.rent.extend(3715, 1),
    "reload_port": lambda client: client.rent.reload_port(3715),
    "close": lambda client: client.rent.close(3715),
    "balance": lambda client: client.rent.balance(),
}


async def spend(client: AsyncClient, call: str, tzid: int) -> Any:
    """Rent a number, or extend the one that the answer is about."""
    return await (CALLS[call](client) if call == "buy_number" else client.rent.extend(tzid, 1))


PATHS = {
    "tariffs": "rent/tariffsRent.php",
    "buy_number": "rent/getRentNum.php",
    "numbers": "rent/getRentState.php",
    "number": "rent/getRentState.php",
    "extend": "rent/extendRentState.php",
    "reload_port": "rent/portReload.php",
    "close": "rent/closeRentNum.php",
    "balance": "getBalance.php",
}
SPENDING = {"buy_number", "extend"}
CLOSING = {"reload_port", "close"}
READS = set(CALLS) - SPENDING - CLOSING
EVERY = tuple(CALLS)
TZID = ("number", "extend", "reload_port", "close")
