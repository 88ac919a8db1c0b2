"""Bodies that cannot be read: the right error of the tree, where it went wrong, bounded memory, and nothing lost."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import anyio.lowlevel
import attrs
import httpx
import pytest

from smsapi_async import AsyncClient, NothingBoughtError, OutcomeUnknownError, UnreadableReplyError
from smsapi_async.sandbox import Answer, Mangle, Sandbox
from smsapi_async.v1 import Order
from tests.answers import TOKEN, answering, parsed
from tests.v1.operations import CALLS, PURCHASES, READS, SPENDING

ORDER = parsed("v1/seed_check_received.json")
SMS = ORDER["sms"][0]

BROKEN_ORDERS: dict[str, tuple[Any, str]] = {
    "no id": ({name: value for name, value in ORDER.items() if name != "id"}, "id"),
    "id null": ({**ORDER, "id": None}, "id"),
    "id 0": ({**ORDER, "id": 0}, "id"),
    "id negative": ({**ORDER, "id": -5}, "id"),
    "id true": ({**ORDER, "id": True}, "id"),
    "id a fraction": ({**ORDER, "id": 1.5}, "id"),
    "id a word": ({**ORDER, "id": "first"}, "id"),
    "id a list": ({**ORDER, "id": [1]}, "id"),
    "phone an object": ({**ORDER, "phone": {"number": 1}}, "phone"),
    "product a list": ({**ORDER, "product": []}, "product"),
    "operator true": ({**ORDER, "operator": True}, "operator"),
    "country an object": ({**ORDER, "country": {}}, "country"),
    "price a word": ({**ORDER, "price": "cheap"}, "price"),
    "price true": ({**ORDER, "price": True}, "price"),
    "price a list": ({**ORDER, "price": [0, [1], 0]}, "price"),
    "status a list": ({**ORDER, "status": []}, "status"),
    "expires a word": ({**ORDER, "expires": "soon"}, "expires"),
    "created_at an object": ({**ORDER, "created_at": {}}, "created_at"),
    "forwarding_number an object": ({**ORDER, "forwarding_number": {}}, "forwarding_number"),
    "sms an object": ({**ORDER, "sms": {"text": "x"}}, "sms"),
    "sms a word": ({**ORDER, "sms": "none"}, "sms"),
    "sms[0] a word": ({**ORDER, "sms": ["x"]}, "sms[0]"),
    "sms[1] null": ({**ORDER, "sms": [SMS, None]}, "sms[1]"),
    "sms[0].date": ({**ORDER, "sms": [{**SMS, "date": "noon"}]}, "sms[0].date"),
    "sms[1].created_at": ({**ORDER, "sms": [SMS, {**SMS, "created_at": 12.5}]}, "sms[1].created_at"),
    "sms[0].code": ({**ORDER, "sms": [{**SMS, "code": {}}]}, "sms[0].code"),
    "sms[0].text": ({**ORDER, "sms": [{**SMS, "text": ["x"]}]}, "sms[0].text"),
    "sms[0].sender": ({**ORDER, "sms": [{**SMS, "sender": False}]}, "sms[0].sender"),
    "sms[0].id": ({**ORDER, "sms": [{**SMS, "id": "one"}]}, "sms[0].id"),
    "a list": ([ORDER], ""),
    "null": (None, ""),
    "a number": (5, ""),
}


@pytest.mark.in_turn
@pytest.mark.parametrize("name", BROKEN_ORDERS)
async def test_a_field_of_the_wrong_type_is_named(name: str):
    """With the path, the status and the first bytes a maintainer sees at once what the provider has changed."""
    body, path = BROKEN_ORDERS[name]
    async with answering(body) as (client, _):
        with pytest.raises(UnreadableReplyError) as caught:
            await client.v1.check(11631253)

    assert (caught.value.path, caught.value.status, caught.value.call) == (path, 200, "v1.check")
    assert path in str(caught.value)


PAYMENT = parsed("v1/seed_user_payments.json")["Data"][0]
BROKEN: dict[str, tuple[str, Any, str]] = {
    "profile, balance": ("profile", {"id": 1, "balance": {}}, "balance"),
    "profile, country": ("profile", {"id": 1, "default_country": [1]}, "default_country"),
    "profile, nothing of it": ("profile", {}, ""),
    "orders, no Data": ("orders", {"Total": 0}, ""),
    "orders, Data an object": ("orders", {"Data": {"1": ORDER}}, "Data"),
    "orders, a row": ("orders", {"Data": [ORDER, {**ORDER, "price": []}]}, "Data[1].price"),
    "orders, a message of a row": ("orders", {"Data": [{**ORDER, "sms": [5]}]}, "Data[0].sms[0]"),
    "orders, Total": ("orders", {"Data": [], "Total": "many"}, "Total"),
    "orders, Statuses": ("orders", {"Data": [], "Statuses": "PENDING"}, "Statuses"),
    "payments, ID": ("payments", {"Data": [{**PAYMENT, "ID": None}]}, "Data[0].ID"),
    "payments, CreatedAt": ("payments", {"Data": [{**PAYMENT, "CreatedAt": "then"}]}, "Data[0].CreatedAt"),
    "payments, types": ("payments", {"Data": [], "PaymentTypes": [{"Name": {}}]}, "PaymentTypes[0]"),
    "vendor_payments, a row": ("vendor_payments", {"Data": ["x"]}, "Data[0]"),
    "inbox, no Data": ("inbox", {}, ""),
    "inbox, date": ("inbox", {"Data": [{"ID": 1, "date": "x"}]}, "Data[0].date"),
    "inbox, Total": ("inbox", {"Data": [], "Total": []}, "Total"),
    "products, a word": ("products", {"telegram": "x"}, "telegram"),
    "products, Qty": ("products", {"telegram": {"Qty": "x"}}, "telegram.Qty"),
    "products, a list": ("products", ["telegram"], ""),
    "countries, a word": ("countries", {"england": "x"}, "england"),
    "countries, iso": ("countries", {"england": {"iso": "gb"}}, "england.iso"),
    "countries, prefix": ("countries", {"england": {"prefix": ["+44"]}}, "england.prefix"),
    "countries, text": ("countries", {"england": {"text_en": {}, "text_ru": 1}}, "england.text_en"),
    "prices, a list": ("prices", [1], ""),
    "prices, a country": ("prices", {"england": 5}, "england"),
    "prices, a product": ("prices", {"england": {"telegram": 5}}, "england"),
    "notification": ("notification", {}, ""),
    "notification, text": ("notification", {"text": {}}, ""),
    "max_prices, a word": ("max_prices", "x", ""),
    "max_prices, no product": ("max_prices", [{"id": 1}], "[0]"),
    "max_prices, price": ("max_prices", [{"product": "x", "price": "x"}], "[0].price"),
    "wallets": ("wallets", {"payeer": "x"}, "payeer"),
    "wallets, a list": ("wallets", [], ""),
}


@pytest.mark.in_turn
@pytest.mark.parametrize("name", BROKEN)
async def test_every_model_says_where_it_could_not_be_read(name: str):
    """The names are those of the wire."""
    call, body, path = BROKEN[name]
    async with answering(json.dumps(body, default=float)) as (client, _):
        with pytest.raises(UnreadableReplyError) as caught:
            await CALLS[call](client)

    assert (caught.value.path, caught.value.status) == (path, 200)


@pytest.mark.parametrize("body", ["5", '{"cost":"x"}', '{"count":1.5}', '{"count":1e999}', '{"rate24":[]}', "null"])
@pytest.mark.parametrize("filters", [{"country": "england"}, {"product": "telegram"}], ids=str)
async def test_an_offer_that_cannot_be_read_is_told_when_it_is_asked_for(body: str, filters: dict[str, str]):
    """Half a million offers are not read before they are wanted; the others stay readable."""
    turned = "product" in filters
    outer, inner = ("telegram", "england") if turned else ("england", "telegram")
    table = f'{{"{outer}":{{"{inner}":{{"good":{{"cost":1}},"bad":{body}}}}}}}'
    async with answering(table) as (client, _):
        prices = await client.v1.prices(**filters)

    assert prices["england"]["telegram"]["good"].cost == 1
    with pytest.raises(UnreadableReplyError) as caught:
        prices["england"]["telegram"]["bad"]
    assert caught.value.path.startswith(f"{outer}.{inner}.bad")
    assert (caught.value.call, caught.value.status) == ("v1.prices", 200)
    with pytest.raises(UnreadableReplyError):
        list(prices)


UNREADABLE = {
    "HTML": b"<html><body>Technical works</body></html>",
    "cut": b'{"id":1,"Data":[{"id"',
    "empty": b"",
    "NaN": b'{"id":1,"price":NaN,"Data":[NaN],"text":NaN}',
    "Infinity": b'{"id":1,"price":-Infinity,"Data":[Infinity],"text":Infinity}',
    "100,000 brackets": b"[" * 100_000,
    "100,000 objects": b'{"a":' * 100_000,
    "wrong charset": '{"text":"Ключ"}'.encode("cp1251"),
    "two values": b"{}{}",
    "a number of 5,000 digits": b'{"id":' + b"1" * 5_000 + b',"Data":[],"text":""}',
    "over a megabyte": b'{"id":1,"Data":[],"x":"' + b"x" * 1_000_000 + b'"}',
}


@pytest.mark.in_turn
@pytest.mark.parametrize("call", sorted(READS))
@pytest.mark.parametrize("name", UNREADABLE)
async def test_a_read_that_cannot_be_read_says_so(name: str, call: str):
    """Status and first bytes; nothing was spent, so it is safe to ask again."""
    async with answering(UNREADABLE[name]) as (client, _):
        with pytest.raises(UnreadableReplyError) as caught:
            await CALLS[call](client)

    assert caught.value.status == 200
    assert len(caught.value.excerpt) <= 200


@pytest.mark.in_turn
@pytest.mark.parametrize("call", sorted(SPENDING))
@pytest.mark.parametrize("name", [name for name in UNREADABLE if name != "empty"])
async def test_a_spending_call_that_cannot_be_read_is_an_unknown_outcome(name: str, call: str):
    """The money may be gone: a purchase is looked up, a payout stays unknown."""
    async with answering(UNREADABLE[name], records=True) as (client, provider):
        with pytest.raises((NothingBoughtError, OutcomeUnknownError)) as caught:
            await CALLS[call](client)

    if call in PURCHASES:
        assert isinstance(caught.value.__cause__, OutcomeUnknownError)
    assert len([line for line in provider.lines if "user/buy" in line or "reuse" in line or "withdraw" in line]) == 1


@pytest.mark.in_turn
@pytest.mark.parametrize("call", ["finish", "cancel", "ban"])
@pytest.mark.parametrize("name", UNREADABLE)
async def test_an_act_that_cannot_be_read_is_an_unknown_outcome(name: str, call: str):
    """The order may be closed: it is asked for again, not taken for open."""
    async with answering(UNREADABLE[name]) as (client, _):
        with pytest.raises(OutcomeUnknownError):
            await CALLS[call](client)


@pytest.mark.parametrize("call", ["set_max_price", "delete_max_price"])
@pytest.mark.parametrize("body", [b"", b"OK", b"null", b'{"id":14}'])
async def test_a_price_ceiling_takes_any_success(call: str, body: bytes):
    """What the provider answers is documented nowhere; only a gateway's page is no answer."""
    async with answering(body) as (client, _):
        assert await CALLS[call](client) is None

    async with answering("<html>502</html>") as (client, _):
        with pytest.raises(OutcomeUnknownError):
            await CALLS[call](client)


async def test_an_excerpt_holds_no_text_no_code_no_phone():
    """Errors are logged; a code is as good as a password."""
    body = {**ORDER, "price": "x", "email": "a@example.com"}
    async with answering(body) as (client, _):
        with pytest.raises(UnreadableReplyError) as caught:
            await client.v1.check(11631253)

    assert '"status":"RECEIVED"' in caught.value.excerpt.replace(" ", "")
    for private in ("79000381454", "09363", "suspended", "a@example.com", TOKEN):
        assert private not in str(caught.value)
        assert private not in caught.value.excerpt


class Endless(httpx.AsyncByteStream):
    """A body without an end, which counts what was taken of it."""

    def __init__(self) -> None:
        self.taken = 0

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        await anyio.lowlevel.checkpoint()
        self.taken += 1
        return b"x" * 100_000


@pytest.mark.parametrize(("call", "megabytes"), [("check", 1), ("orders", 1), ("prices", 64)])
async def test_no_more_of_a_body_is_read_than_its_cap(call: str, megabytes: int):
    """A body without an end would fill the memory."""
    body = Endless()
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=body))
    async with httpx.AsyncClient(transport=transport) as http:
        client = AsyncClient(TOKEN, v1_url="http://provider.test/v1", http_client=http, max_retries=0)
        with pytest.raises(UnreadableReplyError, match=f"larger than {megabytes},000,000 bytes"):
            await CALLS[call](client)
        await client.aclose()

    assert body.taken == megabytes * 10 + 1


async def test_a_large_catalogue_is_read():
    """The whole price table is 9 to 24 MB."""
    operators = {f"virtual{number}": {"cost": 0.0641, "count": number, "rate": 13.04} for number in range(40_000)}
    async with answering({"england": {"telegram": operators}}) as (client, _):
        prices = await client.v1.prices()

    assert len(prices) == 40_000
    assert prices["england"]["telegram"]["virtual7"].cost == Decimal("0.0641")


async def test_a_number_of_a_thousand_million_digits_is_never_written_out():
    """`1e999999999` is eleven characters; as an int it is a gigabyte and an hour."""
    for body in ('{"id":1e999999999}', '{"id":1,"price":1e999999999}', '{"id":1,"price":1e-999999999}'):
        async with answering(body) as (client, _):
            with pytest.raises(UnreadableReplyError):
                await client.v1.check(1)


WRECKS: dict[str, tuple[Any, Order]] = {
    "no phone": ({"id": 7}, Order(id=7)),
    "price": ({"id": 7, "phone": "+7900", "price": "?"}, Order(id=7, phone="+7900")),
    "sms": (
        {"id": 7, "phone": "+7900", "price": 2, "sms": {"a": 1}, "status": "PENDING", "country": 5},
        Order(id=7, phone="+7900", price=Decimal(2), status="PENDING", country="5"),
    ),
    "everything": (
        {"id": "7", "phone": 79001112233, "product": [], "operator": {}, "price": [], "status": {}, "expires": "x"},
        Order(id=7, phone="+79001112233"),
    ),
    "phone": ({"id": 7, "phone": ["+7900"], "product": "Telegram "}, Order(id=7, product="telegram")),
}


@pytest.mark.in_turn
@pytest.mark.parametrize("name", WRECKS)
@pytest.mark.parametrize("call", sorted(PURCHASES))
async def test_a_purchase_that_cannot_be_modelled_still_gives_what_can(name: str, call: str):
    """It is paid for: its id is what cancels it, its phone what it was bought for."""
    body, expected = WRECKS[name]
    product = "1day" if call == "buy_hosting" else "telegram"
    async with answering(body) as (client, provider):
        assert await CALLS[call](client) == attrs.evolve(expected, product=expected.product or product)

    assert len(provider.asked) == 1


@pytest.mark.parametrize("spoiled", ["charset", "bad gzip", lambda body: body[:-1]], ids=["charset", "bad gzip", "cut"])
async def test_a_purchase_whose_answer_was_spoiled_is_found(spoiled: Any, sandbox: Sandbox, client: AsyncClient):
    """UTF-16 that says it is UTF-8 is readable, as JSON names its own charset; the others are looked up."""
    sandbox.fail("user/buy", Mangle(spoiled))

    order = await client.v1.buy_activation("telegram", country="russia")

    assert order.phone == sandbox.world.orders[order.id].phone
    assert sandbox.count("GET /v1/user/buy/") == 1


async def test_a_success_without_an_id_is_no_purchase(sandbox: Sandbox, client: AsyncClient):
    """Trap 2: a 200 is not a success until the body is an order with an id."""
    sandbox.fail("user/buy", Answer(200, '{"status":"PENDING","phone":"+79000000000"}'))

    with pytest.raises(NothingBoughtError):
        await client.v1.buy_activation("telegram")
