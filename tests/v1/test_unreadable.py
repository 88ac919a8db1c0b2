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

WITHOUT_ID: dict[str, tuple[Any, str]] = {
    "no id": ({name: value for name, value in ORDER.items() if name != "id"}, "id"),
    "id null": ({**ORDER, "id": None}, "id"),
    "id 0": ({**ORDER, "id": 0}, "id"),
    "id negative": ({**ORDER, "id": -5}, "id"),
    "id true": ({**ORDER, "id": True}, "id"),
    "id a fraction": ({**ORDER, "id": 1.5}, "id"),
    "id a word": ({**ORDER, "id": "first"}, "id"),
    "id a list": ({**ORDER, "id": [1]}, "id"),
    "a list": ([ORDER], ""),
    "null": (None, ""),
    "a number": (5, ""),
}


@pytest.mark.in_turn
@pytest.mark.parametrize("name", WITHOUT_ID)
async def test_an_order_needs_its_id(name: str):
    """With the path, the status and the first bytes a maintainer sees at once what the provider has changed."""
    body, path = WITHOUT_ID[name]
    async with answering(body) as (client, _):
        with pytest.raises(UnreadableReplyError) as caught:
            await client.v1.check(11631253)

    assert (caught.value.path, caught.value.status, caught.value.call) == (path, 200, "v1.check")
    assert path in str(caught.value)


NOTHING_READABLE: dict[str, tuple[str, Any, str]] = {
    "profile, nothing of it": ("profile", {}, ""),
    "orders, no Data": ("orders", {"Total": 0}, ""),
    "orders, Data an object": ("orders", {"Data": {"1": ORDER}}, "Data"),
    "inbox, no Data": ("inbox", {}, ""),
    "inbox, Data a word": ("inbox", {"Data": "none"}, "Data"),
    "products, a word": ("products", {"telegram": "x"}, ""),
    "products, a list": ("products", ["telegram"], ""),
    "countries, a word": ("countries", {"england": "x"}, ""),
    "prices, a list": ("prices", [1], ""),
    "prices, a country": ("prices", {"england": 5}, "england"),
    "prices, a product": ("prices", {"england": {"telegram": 5}}, "england"),
    "notification": ("notification", {}, ""),
    "notification, text": ("notification", {"text": {}}, ""),
    "max_prices, a word": ("max_prices", "x", ""),
    "max_prices, no product": ("max_prices", {"id": 1}, ""),
    "wallets": ("wallets", {"payeer": "x"}, ""),
    "wallets, a list": ("wallets", [], ""),
}


@pytest.mark.in_turn
@pytest.mark.parametrize("name", NOTHING_READABLE)
async def test_an_answer_of_which_nothing_can_be_read_is_unreadable(name: str):
    """Read as empty it would say that there is nothing."""
    call, body, path = NOTHING_READABLE[name]
    async with answering(json.dumps(body, default=float)) as (client, _):
        with pytest.raises(UnreadableReplyError) as caught:
            await CALLS[call](client)

    assert (caught.value.path, caught.value.status) == (path, 200)


UNREADABLE = {
    "HTML": b"<html><body>Technical works</body></html>",
    "cut": b'{"id":1,"Data":[{"id"',
    "empty": b"",
    "33 levels": b'{"id":1,"Data":[],"text":"","new":' + b"[" * 32 + b"]" * 32 + b"}",
    "two million objects": b'{"id":1,"Data":[],"text":"","new":[' + b"{}," * 2_000_000 + b"{}]}",
    "100,000 brackets": b"[" * 100_000,
    "100,000 objects": b'{"a":' * 100_000,
    "wrong charset": '{"text":"Ключ"}'.encode("cp1251"),
    "two values": b"{}{}",
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
    """No document describes the provider's answer; only a gateway's page is no answer."""
    async with answering(body) as (client, _):
        assert await CALLS[call](client) is None

    async with answering("<html>502</html>") as (client, _):
        with pytest.raises(OutcomeUnknownError):
            await CALLS[call](client)


async def test_an_excerpt_holds_no_text_no_code_no_phone():
    """Errors are logged; a code is as good as a password."""
    body = {**ORDER, "id": None, "email": "a@example.com"}
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
    for size in ("1e999999999", "1e-999999999"):
        async with answering(f'{{"id":{size}}}') as (client, _):
            with pytest.raises(UnreadableReplyError):
                await client.v1.check(1)
        async with answering(f'{{"id":1,"price":{size}}}') as (client, _):
            assert await client.v1.check(1) == Order(id=1)


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
