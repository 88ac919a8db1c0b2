"""A faithful local provider of both APIs, for tests, demos and the curious. No key, no money, no network.

    sandbox = Sandbox(scenario=Scenario().with_code("telegram", "04217", after=5))
    http = httpx.AsyncClient(transport=sandbox.transport())          # or transport2() for httpx2, or app for a server
    ...
    sandbox.ledger.assert_settled()

The world: `Scenario` sets the goods, and which SMS come when, from Python or from JSON. While it runs,
`sandbox.world` holds every order and rent, and `world.receive(order_id, text, code)` sends one more SMS. Time is the
event loop's: on virtual time twenty minutes are over at once.

Faults: `sandbox.lose_next_reply()` makes the next purchase and loses its answer, `no_numbers(sandbox, 60)` sells
nothing for a minute, and `refuse_keys(sandbox)` bans the account. `sandbox.fail(match, fault)` applies a `Fault` to
any request: no connection, a reset, half a body, a gateway's page, an answer that never comes.
`Proxy` breaks real connections in front of a served sandbox.

Results: `sandbox.ledger` is the account of all money. `assert_settled()`, `assert_bought(1)` and `assert_paid("0.20")`
show ids and states when they fail; `print(sandbox.ledger)` shows all in four lines. `sandbox.requests` lists the
requests that arrived, and `sandbox.count("GET /v1/user/buy/")` counts them.

`python -m smsapi_async.sandbox` serves it on localhost; `smsapi_async.testing` brings it into pytest. It imports
nothing of the client, so it is a second witness: any client in any language may be tested against it."""

from ._accounts import Entry
from ._faults import (
    API_LIMIT,
    BAD_GATEWAY,
    GATEWAY_BUSY,
    INTERNAL_ERROR,
    INTERNAL_ERROR_AFTER,
    IP_LIMIT,
    MAINTENANCE,
    NO_SUCH_PAGE,
    TO_NO_SUCH_PAGE,
    TOO_MANY_REQUESTS,
    Answer,
    Chunked,
    Cut,
    Delay,
    DoneUnseen,
    Fault,
    LostAfter,
    LostBefore,
    Mangle,
    NotConnected,
    NotDone,
    Reset,
    Stall,
    literal,
)
from ._goods import Country, Delivery, Hosting, Offer, Plan, Tariff
from ._ledger import Ledger, Withdrawal
from ._message import Request, Response
from ._orders import Order, Sms
from ._proxy import Proxy
from ._quirks import Misprint, Quirks
from ._rents import Rent, RentMessage
from ._sandbox import LogEntry, Sandbox
from ._scenario import Scenario
from ._troubles import ignore_acts, no_numbers, refuse_keys
from ._world import World

__all__ = [
    "API_LIMIT",
    "BAD_GATEWAY",
    "GATEWAY_BUSY",
    "INTERNAL_ERROR",
    "INTERNAL_ERROR_AFTER",
    "IP_LIMIT",
    "MAINTENANCE",
    "NO_SUCH_PAGE",
    "TOO_MANY_REQUESTS",
    "TO_NO_SUCH_PAGE",
    "Answer",
    "Chunked",
    "Country",
    "Cut",
    "Delay",
    "Delivery",
    "DoneUnseen",
    "Entry",
    "Fault",
    "Hosting",
    "Ledger",
    "LogEntry",
    "LostAfter",
    "LostBefore",
    "Mangle",
    "Misprint",
    "NotConnected",
    "NotDone",
    "Offer",
    "Order",
    "Plan",
    "Proxy",
    "Quirks",
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
    "ignore_acts",
    "literal",
    "no_numbers",
    "refuse_keys",
]
