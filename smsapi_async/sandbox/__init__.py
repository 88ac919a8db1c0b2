"""A faithful local provider of both APIs, for tests, demos and the curious.

    sandbox = Sandbox(scenario=Scenario(plans={"telegram": [[Delivery(5, "Telegram code 12345", "12345")]]}))
    http = httpx.AsyncClient(transport=sandbox.transport())          # or transport2() for httpx2, or app for a server
    ...
    assert sandbox.ledger.balance_ok() and not sandbox.ledger.open

`python -m smsapi_async.sandbox` serves it on localhost. It imports nothing of the client: a second witness."""

from ._accounts import Entry
from ._faults import (
    API_LIMIT,
    BAD_GATEWAY,
    INTERNAL_ERROR,
    INTERNAL_ERROR_AFTER,
    IP_LIMIT,
    MAINTENANCE,
    TOO_MANY_REQUESTS,
    Answer,
    Chunked,
    Cut,
    Delay,
    Fault,
    LostAfter,
    LostBefore,
    Mangle,
    NotConnected,
    Reset,
    Stall,
    literal,
)
from ._goods import Country, Delivery, Hosting, Offer, Plan, Tariff
from ._ledger import Ledger, Withdrawal
from ._message import Request, Response
from ._orders import Order, Sms
from ._proxy import Proxy
from ._rents import Rent, RentMessage
from ._sandbox import LogEntry, Sandbox
from ._scenario import Scenario
from ._world import World

__all__ = [
    "API_LIMIT",
    "BAD_GATEWAY",
    "INTERNAL_ERROR",
    "INTERNAL_ERROR_AFTER",
    "IP_LIMIT",
    "MAINTENANCE",
    "TOO_MANY_REQUESTS",
    "Answer",
    "Chunked",
    "Country",
    "Cut",
    "Delay",
    "Delivery",
    "Entry",
    "Fault",
    "Hosting",
    "Ledger",
    "LogEntry",
    "LostAfter",
    "LostBefore",
    "Mangle",
    "NotConnected",
    "Offer",
    "Order",
    "Plan",
    "Proxy",
    "Rent",
    "RentMessage",
    "Request",
    "Reset",
    "Response",
    "Sandbox",
    "Scenario",
    "Sms",
    "Stall",
    "Tariff",
    "Withdrawal",
    "World",
    "literal",
]
