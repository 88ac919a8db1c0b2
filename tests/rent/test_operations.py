"""Every operation of `client.rent`: what it sends to the byte, and what the sandbox's answer becomes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs
import httpx
import pytest

from smsapi_async import AsyncClient, NotFoundError, Sms
from smsapi_async.rent import Balance, RentedNumber, Tariff
from smsapi_async.sandbox import Sandbox
from tests.answers import answering
from tests.rent.operations import CALLS, PATHS

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
TZID = 10000371
FRESH = RentedNumber(
    tzid=TZID,
    number="9313366466",
    country=7,
    phone="+79313366466",
    status=0,
    checked=False,
    days_bought=1,
    ends_in=timedelta(minutes=20),
    extension=False,
    price=Decimal(40),
    port_reload_available=True,
    freeze=False,
)
EXTENDABLE = attrs.evolve(
    FRESH,
    extension=True,
    extensions={1: Decimal(30), 7: Decimal(210), 15: Decimal(450), 30: Decimal(900)},
)
MESSAGE = Sms(id=1, sender="Google", text="code 070051", code="070051", received_at=START, created_at=START)
CONFIRMED = attrs.evolve(FRESH, status=1, checked=True, ends_in=timedelta(days=1), messages=(MESSAGE,))
RUSSIA = Tariff(
    country=7,
    name="Russia",
    enabled=True,
    new=True,
    position=1,
    prices={1: Decimal(40), 7: Decimal("251.5"), 15: Decimal(450), 30: Decimal(900)},
    stock={1: 20, 7: 12, 15: 6, 30: 3},
    extend_price=Decimal(30),
)
SWEDEN = Tariff(
    country=46,
    name="Sweden",
    enabled=True,
    new=False,
    position=2,
    prices={1: Decimal("36.125"), 7: Decimal(200)},
    stock={1: 20, 7: 0},
    extend_price=Decimal(36),
)
KAZAKHSTAN = Tariff(
    country=77,
    name="Kazakhstan",
    enabled=False,
    new=False,
    position=3,
    prices={1: Decimal(50)},
    stock={1: 5},
    extend_price=Decimal(45),
)

World = Callable[[Sandbox, AsyncClient], Awaitable[object]]


async def untouched(sandbox: Sandbox, client: AsyncClient) -> None:
    """Nothing was rented."""


async def rented(sandbox: Sandbox, client: AsyncClient) -> None:
    sandbox.world.rent_book.buy(7, 1, extension=False)


async def extendable(sandbox: Sandbox, client: AsyncClient) -> None:
    sandbox.world.rent_book.buy(7, 1, extension=True)


async def confirmed(sandbox: Sandbox, client: AsyncClient) -> None:
    await rented(sandbox, client)
    sandbox.world.receive_rent(TZID, MESSAGE.text, "070051", "Google")


@attrs.frozen
class Row:
    """A call in a world, the line it sends, and what it gives."""

    act: Callable[[AsyncClient], Awaitable[Any]]
    line: str
    result: Any
    world: World = untouched


ROWS = {
    "tariffs": Row(lambda c: c.rent.tariffs(), "GET /api/rent/tariffsRent.php", (RUSSIA, SWEDEN, KAZAKHSTAN)),
    "tariffs of a country": Row(
        lambda c: c.rent.tariffs(46), "GET /api/rent/tariffsRent.php?country=46", (attrs.evolve(SWEDEN, name=None),)
    ),
    "tariffs of nowhere": Row(lambda c: c.rent.tariffs(999), "GET /api/rent/tariffsRent.php?country=999", ()),
    "buy_number": Row(
        lambda c: c.rent.buy_number(7, 1),
        "GET /api/rent/getRentNum.php?country=7&days=1&extension=false&pagination=false",
        FRESH,
    ),
    "buy_number that renews": Row(
        lambda c: c.rent.buy_number(7, 1, extension=True),
        "GET /api/rent/getRentNum.php?country=7&days=1&extension=true&pagination=false",
        EXTENDABLE,
    ),
    "numbers": Row(
        lambda c: c.rent.numbers(), "GET /api/rent/getRentState.php?pagination=false", (CONFIRMED,), confirmed
    ),
    "numbers, none": Row(lambda c: c.rent.numbers(), "GET /api/rent/getRentState.php?pagination=false", ()),
    "number": Row(
        lambda c: c.rent.number(TZID),
        f"GET /api/rent/getRentState.php?tzid={TZID}&pagination=false",
        CONFIRMED,
        confirmed,
    ),
    "extend": Row(
        lambda c: c.rent.extend(TZID, 7),
        f"GET /api/rent/extendRentState.php?tzid={TZID}&days=7",
        attrs.evolve(EXTENDABLE, days_bought=8, price=Decimal(250), ends_in=timedelta(minutes=19)),
        extendable,
    ),
    "reload_port": Row(lambda c: c.rent.reload_port(TZID), f"GET /api/rent/portReload.php?tzid={TZID}", None, rented),
    "close": Row(lambda c: c.rent.close(TZID), f"GET /api/rent/closeRentNum.php?tzid={TZID}", None, rented),
    "balance": Row(
        lambda c: c.rent.balance(),
        "GET /api/getBalance.php",
        Balance(balance=Decimal("960.00"), frozen=Decimal(40)),
        rented,
    ),
}


@pytest.mark.parametrize("name", ROWS)
async def test_an_operation_sends_this_and_gives_that(name: str, sandbox: Sandbox, client: AsyncClient):
    """`extension` left out renews for thirty days: it is always there, in lower case."""
    row = ROWS[name]
    await row.world(sandbox, client)

    result = await row.act(client)

    sent = sandbox.log[-1]
    assert sent.line == row.line
    assert (sent.body, "content-type" in sent.headers) == (b"", False)
    assert sent.headers["authorization"] == f"Bearer {sandbox.rent_key}"
    assert sent.headers["accept"] == "application/json"
    assert sandbox.rent_key not in sent.line
    assert result == row.result


def test_every_operation_has_its_row():
    """A new method of the API must be put here."""
    assert {name.partition(",")[0].partition(" ")[0] for name in ROWS} == set(CALLS)


async def test_what_an_operation_did_is_seen_afterwards(sandbox: Sandbox, client: AsyncClient):
    """A port reloaded is none to reload again; a number closed is gone."""
    await rented(sandbox, client)

    await client.rent.reload_port(TZID)
    assert (await client.rent.number(TZID)).port_reload_available is False

    await client.rent.close(TZID)
    with pytest.raises(NotFoundError):
        await client.rent.number(TZID)


async def test_an_extension_adds_its_days(sandbox: Sandbox, client: AsyncClient):
    """To what was bought, to the time left, and to the price."""
    await extendable(sandbox, client)
    sandbox.world.receive_rent(TZID, "x")

    number = await client.rent.extend(TZID, 7)

    assert (number.days_bought, number.price) == (8, Decimal(250))
    assert timedelta(days=7, hours=23) < (number.ends_in or timedelta()) <= timedelta(days=8)


@pytest.mark.parametrize("call", CALLS)
async def test_the_key_can_travel_in_the_query(call: str, sandbox: Sandbox):
    """Trap 13: it leaks into logs there, so the header is the default; some hosts know no other way."""
    async with httpx.AsyncClient(transport=sandbox.transport()) as http:
        client = AsyncClient(
            rent_key=sandbox.rent_key, rent_url=sandbox.rent_url, http_client=http, rent_key_in="query"
        )
        await rented(sandbox, client)
        if call in {"tariffs", "numbers", "balance", "buy_number"}:
            await CALLS[call](client)
        else:
            with pytest.raises(NotFoundError):
                await CALLS[call](client)
        await client.aclose()

    assert sandbox.requests[-1].endswith(f"apikey={sandbox.rent_key}")
    assert "authorization" not in sandbox.log[-1].headers


@pytest.mark.parametrize("call", CALLS)
async def test_every_method_has_its_path(call: str):
    """With the suffix every source has; getBalance stands outside of `rent/`."""
    async with answering({"response": "ERROR_WRONG_KEY"}, records=call in {"extend", "buy_number"}) as (
        client,
        provider,
    ):
        with pytest.raises(Exception, match="ERROR_WRONG_KEY"):
            await CALLS[call](client)

    assert provider.lines[-1].partition("?")[0] == f"GET /api/{PATHS[call]}"
