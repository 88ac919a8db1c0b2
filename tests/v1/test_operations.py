"""Every operation of `client.v1`: what it sends to the byte, and what the sandbox's answer becomes."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs
import httpx
import pytest

from smsapi_async import AsyncClient, AuthenticationError, Sms
from smsapi_async.sandbox import Sandbox, Scenario
from smsapi_async.v1 import Country, Inbox, MaxPrice, Offer, Order, Page, Payment, Product, Profile
from tests.answers import answering, parsed
from tests.v1.operations import CALLS, GUEST

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
ID = 1090123457
PHONE = "+79000389373"
BOUGHT = Order(
    id=ID,
    phone=PHONE,
    product="telegram",
    operator="mts",
    country="russia",
    price=Decimal("0.2875"),
    status="PENDING",
    expires_at=START + timedelta(minutes=15),
    created_at=START,
    forwarding=False,
)
SLOT = timedelta(milliseconds=20)
"""Between two requests at fifty a second."""
AGAIN = attrs.evolve(BOUGHT, id=ID + 13, created_at=START + SLOT, expires_at=START + SLOT + timedelta(minutes=15))
CHECKED = attrs.evolve(BOUGHT, operator=None)
LISTED = attrs.evolve(BOUGHT, forwarding=None)
HOSTING = Order(
    id=ID,
    phone=PHONE,
    product="1day",
    price=Decimal(8),
    status="PENDING",
    expires_at=START + timedelta(days=1),
    created_at=START,
)
SMS = Sms(sender="Telegram", text="Telegram code 09363", code="09363", received_at=START, created_at=START)
CHARGE = Payment(
    id=30011934,
    type="charge",
    provider="admin",
    amount=Decimal(100),
    balance=Decimal(100),
    created_at=START - timedelta(days=1),
)
PAYMENT = Payment(
    id=30011935,
    type="buy",
    provider="telegram",
    amount=Decimal("-0.2875"),
    balance=Decimal("99.7125"),
    created_at=START,
)
PROFILE = Profile(
    id=1,
    email="user@example.com",
    vendor="demo",
    balance=Decimal(100),
    frozen_balance=Decimal(0),
    rating=Decimal(96),
    default_country="russia",
    default_forwarding_number="+78009005040",
)

World = Callable[[Sandbox, AsyncClient], Awaitable[object]]


async def untouched(sandbox: Sandbox, client: AsyncClient) -> None:
    """Nothing was bought."""


async def bought(sandbox: Sandbox, client: AsyncClient) -> None:
    await client.v1.buy_activation("telegram", country="russia", reuse=True)


async def delivered(sandbox: Sandbox, client: AsyncClient) -> None:
    await bought(sandbox, client)
    sandbox.world.receive(ID, SMS.text, "09363")


async def hosted(sandbox: Sandbox, client: AsyncClient) -> None:
    await client.v1.buy_hosting("1day")
    sandbox.world.receive(ID, SMS.text, "09363")


async def hosted_by_an_operator(sandbox: Sandbox, client: AsyncClient) -> None:
    shelf = sandbox.world.catalogue.hosting["1day"]
    shelf.hosting = attrs.evolve(shelf.hosting, operator="beeline")


async def limited(sandbox: Sandbox, client: AsyncClient) -> None:
    await client.v1.set_max_price("telegram", 30)


@attrs.frozen
class Row:
    """A call in a world, the line and body it sends, and what it gives."""

    act: Callable[[AsyncClient], Awaitable[Any]]
    line: str
    result: Any
    world: World = untouched
    body: Any = None


def offers(prices: Any) -> dict[str, Decimal | None]:
    return {f"{offer.country}/{offer.product}/{offer.operator}": offer.cost for offer in prices}


RUSSIAN_TELEGRAM = {
    "russia/telegram/beeline": Decimal("0.32"),
    "russia/telegram/mts": Decimal("0.2875"),
    "russia/telegram/tele2": Decimal("0.3256"),
}
PAGED = "limit=5&offset=0&order=id&reverse=true"

ROWS = {
    "profile": Row(lambda c: c.v1.profile(), "GET /v1/user/profile", PROFILE),
    "orders": Row(
        lambda c: c.v1.orders("activation"),
        "GET /v1/user/orders?category=activation",
        Page(items=(LISTED,), total=1),
        bought,
    ),
    "orders, every parameter": Row(
        lambda c: c.v1.orders("hosting", limit=5, offset=0, order="id", reverse=True),
        f"GET /v1/user/orders?category=hosting&{PAGED}",
        Page(total=0),
    ),
    "orders, forward": Row(
        lambda c: c.v1.orders("hosting", offset=3, reverse=False),
        "GET /v1/user/orders?category=hosting&offset=3&reverse=false",
        Page(total=0),
    ),
    "payments": Row(
        lambda c: c.v1.payments(),
        "GET /v1/user/payments",
        Page(
            items=(CHARGE, PAYMENT),
            total=2,
            payment_types=("charge", "buy"),
            payment_providers=("admin", "telegram"),
        ),
        bought,
    ),
    "payments, every parameter": Row(
        lambda c: c.v1.payments(limit=5, offset=0, order="id", reverse=True),
        f"GET /v1/user/payments?{PAGED}",
        Page(items=(CHARGE,), total=1, payment_types=("charge",), payment_providers=("admin",)),
    ),
    "products": Row(
        lambda c: c.v1.products("usa", "virtual40"),
        "GET /v1/guest/products/usa/virtual40",
        {
            "telegram": Product(category="activation", quantity=300, price=Decimal("1.1")),
            "whatsapp": Product(category="activation", quantity=300, price=Decimal("0.9")),
        },
    ),
    "prices of a product somewhere": Row(
        lambda c: c.v1.prices(country="russia", product="telegram"),
        "GET /v1/guest/prices?country=russia&product=telegram",
        RUSSIAN_TELEGRAM,
    ),
    "prices of a country": Row(
        lambda c: c.v1.prices(country="usa"),
        "GET /v1/guest/prices?country=usa",
        {"usa/telegram/virtual40": Decimal("1.1"), "usa/whatsapp/virtual40": Decimal("0.9")},
    ),
    "prices of a product": Row(
        lambda c: c.v1.prices(product="vkontakte"),
        "GET /v1/guest/prices?product=vkontakte",
        {"russia/vkontakte/beeline": Decimal("0.21")},
    ),
    "notification": Row(lambda c: c.v1.notification("ru"), "GET /v1/guest/flash/ru", ""),
    "buy_activation": Row(
        lambda c: c.v1.buy_activation("telegram", country="russia"),
        "GET /v1/user/buy/activation/russia/any/telegram",
        BOUGHT,
    ),
    "buy_activation, every option": Row(
        lambda c: c.v1.buy_activation(
            "telegram",
            country="russia",
            forwarding=True,
            number="+79001234567",
            reuse=True,
            voice=True,
            ref="a-b_9",
            max_price="0.3",
        ),
        "GET /v1/user/buy/activation/russia/any/telegram"
        "?forwarding=1&number=79001234567&reuse=1&voice=1&ref=a-b_9&maxPrice=0.3",
        attrs.evolve(BOUGHT, forwarding=True, forwarding_number="+79001234567"),
    ),
    "buy_activation, options off": Row(
        lambda c: c.v1.buy_activation("telegram", operator="mts", forwarding=False, reuse=False, voice=False),
        "GET /v1/user/buy/activation/any/mts/telegram",
        BOUGHT,
    ),
    "buy_hosting": Row(
        lambda c: c.v1.buy_hosting("1day", country="russia", operator="beeline"),
        "GET /v1/user/buy/hosting/russia/beeline/1day",
        attrs.evolve(HOSTING, country="russia"),
        hosted_by_an_operator,
    ),
    "reuse": Row(
        lambda c: c.v1.reuse("telegram", PHONE),
        "GET /v1/user/reuse/telegram/79000389373",
        AGAIN,
        delivered,
    ),
    "reuse without the plus": Row(
        lambda c: c.v1.reuse("telegram", PHONE[1:]),
        "GET /v1/user/reuse/telegram/79000389373",
        AGAIN,
        delivered,
    ),
    "check": Row(
        lambda c: c.v1.check(ID),
        f"GET /v1/user/check/{ID}",
        attrs.evolve(CHECKED, status="RECEIVED", sms=(SMS,)),
        delivered,
    ),
    "finish": Row(
        lambda c: c.v1.finish(ID),
        f"GET /v1/user/finish/{ID}",
        attrs.evolve(CHECKED, status="FINISHED", sms=(SMS,)),
        delivered,
    ),
    "cancel": Row(
        lambda c: c.v1.cancel(ID), f"GET /v1/user/cancel/{ID}", attrs.evolve(CHECKED, status="CANCELED"), bought
    ),
    "ban": Row(lambda c: c.v1.ban(ID), f"GET /v1/user/ban/{ID}", attrs.evolve(CHECKED, status="BANNED"), bought),
    "inbox": Row(
        lambda c: c.v1.inbox(ID),
        f"GET /v1/user/sms/inbox/{ID}",
        Inbox(sms=(attrs.evolve(SMS, id=3027531),), total=1),
        hosted,
    ),
    "max_prices": Row(
        lambda c: c.v1.max_prices(),
        "GET /v1/user/max-prices",
        (MaxPrice(id=14, product="telegram", price=Decimal(30), created_at=START),),
        limited,
    ),
    "set_max_price": Row(
        lambda c: c.v1.set_max_price("telegram", 30),
        "POST /v1/user/max-prices",
        None,
        body=parsed("v1/docs_request_max_prices_post.json"),
    ),
    "set_max_price with decimals": Row(
        lambda c: c.v1.set_max_price("telegram", Decimal("0.0641")),
        "POST /v1/user/max-prices",
        None,
        body={"product_name": "telegram", "price": Decimal("0.0641")},
    ),
    "delete_max_price": Row(
        lambda c: c.v1.delete_max_price("telegram"),
        "DELETE /v1/user/max-prices",
        None,
        limited,
        body=parsed("v1/docs_request_max_prices_delete.json"),
    ),
    "vendor": Row(lambda c: c.v1.vendor(), "GET /v1/user/vendor", PROFILE),
    "wallets": Row(
        lambda c: c.v1.wallets(),
        "GET /v1/vendor/wallets",
        {"fkwallet": Decimal("43339.55"), "payeer": Decimal("2117.32"), "unitpay": Decimal("97.6")},
    ),
    "vendor_orders": Row(
        lambda c: c.v1.vendor_orders("hosting", limit=5, offset=0, order="id", reverse=True),
        f"GET /v1/vendor/orders?category=hosting&{PAGED}",
        Page(total=0),
    ),
    "vendor_payments": Row(
        lambda c: c.v1.vendor_payments(limit=5, offset=0, order="id", reverse=True),
        f"GET /v1/vendor/payments?{PAGED}",
        Page(total=0),
    ),
    "withdraw": Row(
        lambda c: c.v1.withdraw(receiver="1", method="qiwi", amount=1, fee="unitpay"),
        "POST /v1/vendor/withdraw",
        None,
        body=parsed("v1/seed_request_vendor_withdraw.json"),
    ),
}


@pytest.mark.parametrize("name", ROWS)
async def test_an_operation_sends_this_and_gives_that(name: str, sandbox: Sandbox, client: AsyncClient):
    """The provider ignores what it does not know: a misspelt parameter costs money without a word."""
    row = ROWS[name]
    await row.world(sandbox, client)

    result = await row.act(client)

    sent = sandbox.log[-1]
    assert sent.line == row.line
    assert (json.loads(sent.body, parse_float=Decimal) if sent.body else None) == row.body
    assert sent.headers.get("content-type") == ("application/json" if sent.body else None)
    assert sent.headers["accept"] == "application/json"
    key = None if "/guest/" in sent.line else f"Bearer {sandbox.token}"
    assert sent.headers.get("authorization") == key
    assert (offers(result) if name.startswith("prices") else result) == row.result


async def test_products_and_countries_are_whole_maps(sandbox: Sandbox, client: AsyncClient):
    """Without a place every product, and of every country its operators."""
    products = await client.v1.products()
    countries = await client.v1.countries()

    assert sandbox.requests == ["GET /v1/guest/products/any/any", "GET /v1/guest/countries"]
    assert products["1day"] == Product(category="hosting", quantity=14, price=Decimal(8))
    assert products["1688"] == Product(category="activation", quantity=935, price=Decimal(4))
    assert countries["england"] == Country(
        name="england",
        iso=("gb",),
        prefixes=("+44",),
        text_en="England",
        text_ru="Англия",
        operators={"vodafone": ("activation",)},
    )


async def test_the_whole_price_table_is_asked_without_a_filter(sandbox: Sandbox, client: AsyncClient):
    """Nine megabytes in one answer."""
    prices = await client.v1.prices()

    assert sandbox.requests == ["GET /v1/guest/prices"]
    assert len(prices) == len(list(prices)) == 19
    assert prices["russia"]["whatsapp"]["megafon"] == Offer(
        country="russia",
        product="whatsapp",
        operator="megafon",
        cost=Decimal("0.5"),
        count=500,
        rate=Decimal("35.2"),
        rates={1: Decimal(40), 24: Decimal("36.1"), 720: Decimal(31)},
    )


def test_every_operation_has_its_row():
    """A new method of the API must be put here."""
    rows = {name.partition(",")[0].partition(" ")[0] for name in ROWS}

    assert rows | {"countries"} == set(CALLS)


@pytest.mark.parametrize("call", CALLS)
async def test_the_key_goes_only_where_it_is_needed(call: str):
    """The catalogue needs none, and what is not sent cannot leak."""
    async with answering("", 401) as (client, provider):
        with pytest.raises(AuthenticationError):
            await CALLS[call](client)

    assert ("authorization" in provider.asked[0].headers) == (call not in GUEST)


async def test_the_catalogue_is_read_without_any_key(sandbox: Sandbox):
    """A price watcher needs no account."""
    async with httpx.AsyncClient(transport=sandbox.transport()) as http:
        client = AsyncClient(v1_url=sandbox.v1_url, http_client=http)

        assert (await client.v1.products("usa"))["telegram"].quantity == 300
        await client.aclose()


async def test_a_provider_that_names_no_vendor_is_read(sandbox: Sandbox):
    """Live profiles lack the two vendor fields."""
    plain = Sandbox(scenario=Scenario(vendor=None))
    async with httpx.AsyncClient(transport=plain.transport()) as http:
        client = AsyncClient(plain.token, v1_url=plain.v1_url, http_client=http)

        assert await client.v1.profile() == attrs.evolve(PROFILE, vendor=None, default_forwarding_number=None)
        await client.aclose()
