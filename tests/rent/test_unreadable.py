"""Bodies that cannot be read: the right error of the tree, where it went wrong, bounded memory, and nothing lost."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from smsapi_async import AsyncClient, NothingBoughtError, OutcomeUnknownError, UnreadableReplyError
from smsapi_async.rent import RentedNumber
from smsapi_async.sandbox import Mangle, Sandbox
from tests.answers import RENT_KEY, answering, parsed
from tests.rent.operations import CALLS, CLOSING, READS, SPENDING

ITEM = parsed("rent/openapi_getRentState_unpaginated_ok.json")["list"][0]
SMS = ITEM["messages"][0]

ITEMS: dict[str, tuple[Any, str]] = {
    "no tzid": ({name: value for name, value in ITEM.items() if name != "tzid"}, ".tzid"),
    "tzid null": ({**ITEM, "tzid": None}, ".tzid"),
    "tzid a fraction": ({**ITEM, "tzid": 1.5}, ".tzid"),
    "number a list": ({**ITEM, "number": []}, ".number"),
    "country a word": ({**ITEM, "country": "sweden"}, ".country"),
    "status a word": ({**ITEM, "status": "ok"}, ".status"),
    "rent an object": ({**ITEM, "rent": {}}, ".rent"),
    "time a word": ({**ITEM, "time": "soon"}, ".time"),
    "time beyond all": ({**ITEM, "time": 10**20}, ".time"),
    "extend a word": ({**ITEM, "extend": "1"}, ".extend"),
    "extend a full list": ({**ITEM, "extend": [1]}, ".extend"),
    "extend, a price": ({**ITEM, "extend": {"7": "cheap"}}, ".extend.7"),
    "sum true": ({**ITEM, "sum": True}, ".sum"),
    "reload a word": ({**ITEM, "reload": "no"}, ".reload"),
    "messages a word": ({**ITEM, "messages": "none"}, ".messages"),
    "messages[0] a word": ({**ITEM, "messages": ["x"]}, ".messages[0]"),
    "messages[1].id": ({**ITEM, "messages": [SMS, {**SMS, "id": "x"}]}, ".messages[1].id"),
    "messages[0].service": ({**ITEM, "messages": [{**SMS, "service": {}}]}, ".messages[0].service"),
    "messages[0].created_at": ({**ITEM, "messages": [{**SMS, "created_at": "noon"}]}, ".messages[0].created_at"),
    "messages.data": ({**ITEM, "messages": {"data": "x"}}, ".messages.data"),
    "messages.data[0][1]": ({**ITEM, "messages": {"data": [[SMS, 5]]}}, ".messages.data[0][1]"),
    "an item that is none": ("x", ""),
    "null": (None, ""),
}


@pytest.mark.in_turn
@pytest.mark.parametrize("name", ITEMS)
async def test_a_field_of_the_wrong_type_is_named(name: str):
    """With the path, the status and the first bytes a maintainer sees at once what the provider has changed."""
    item, path = ITEMS[name]
    async with answering(json.dumps({"response": 1, "list": [ITEM, item]}, default=float)) as (client, _):
        with pytest.raises(UnreadableReplyError) as caught:
            await client.rent.numbers()

    assert (caught.value.path, caught.value.status) == (f"list[1]{path}", 200)
    assert caught.value.call == "rent.numbers"
    for private in ("9915584307", "070051", "verification"):
        assert private not in caught.value.excerpt
        assert private not in str(caught.value)


BROKEN: dict[str, tuple[str, Any, str]] = {
    "numbers, list a word": ("numbers", {"response": 1, "list": "x"}, "list"),
    "numbers, nothing of it": ("numbers", {}, ""),
    "numbers, root list": ("numbers", [], ""),
    "numbers, null": ("numbers", None, ""),
    "number, a field": ("number", {"response": 1, "list": [{"tzid": []}]}, "list[0].tzid"),
    "tariffs, a word": ("tariffs", "x", ""),
    "tariffs, a list": ("tariffs", [1], ""),
    "tariffs, a country": ("tariffs", {"7": "x"}, "7"),
    "tariffs, no code": ("tariffs", {"russia": {"enabled": True}}, "russia.code"),
    "tariffs, days": ("tariffs", {"7": {"code": 7, "days": {"1": []}}}, "7.days.1"),
    "tariffs, count": ("tariffs", {"code": 7, "count": {"1": "many"}}, "count.1"),
    "tariffs, position": ("tariffs", {"code": 7, "position": "first"}, "position"),
    "balance, absent": ("balance", {"response": 1}, "balance"),
    "balance, null": ("balance", {"balance": None}, "balance"),
    "balance, frozen": ("balance", {"balance": 1, "zbalance": {}}, "zbalance"),
    "balance, a list": ("balance", [], ""),
}


@pytest.mark.in_turn
@pytest.mark.parametrize("name", BROKEN)
async def test_every_model_says_where_it_could_not_be_read(name: str):
    """The names are those of the wire."""
    call, body, path = BROKEN[name]
    async with answering(json.dumps(body)) as (client, _):
        with pytest.raises(UnreadableReplyError) as caught:
            await CALLS[call](client)

    assert (caught.value.path, caught.value.status) == (path, 200)


UNREADABLE = {
    "HTML": b"<html><body>Technical works</body></html>",
    "cut": b'{"response":1,"list":[{"tzid"',
    "empty": b"",
    "NaN": b'{"response":1,"balance":NaN}',
    "Infinity": b'{"response":1,"balance":-Infinity}',
    "100,000 brackets": b"[" * 100_000,
    "100,000 objects": b'{"response":' * 100_000,
    "wrong charset": '{"response":1,"text":"Ключ"}'.encode("cp1251"),
    "a literal without its envelope": b"NO_NUMBER",
}


@pytest.mark.in_turn
@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.parametrize("call", CALLS)
async def test_a_body_that_cannot_be_read_is_told_by_what_was_asked(name: str, call: str):
    """A read is unreadable, nothing was spent; anything else has an unknown outcome."""
    async with answering(UNREADABLE[name], records=call in SPENDING) as (client, provider):
        with pytest.raises((UnreadableReplyError, OutcomeUnknownError, NothingBoughtError)) as caught:
            await CALLS[call](client)

    if call in READS:
        assert isinstance(caught.value, UnreadableReplyError)
        assert (caught.value.status, len(caught.value.excerpt) <= 200) == (200, True)
    elif call in CLOSING:
        assert type(caught.value) is OutcomeUnknownError
    else:
        assert isinstance(caught.value.__cause__, OutcomeUnknownError)
        assert provider.lines[-1].startswith("GET /api/rent/getRentState.php"), "looked up"


@pytest.mark.parametrize(("call", "size"), [("number", 1_000_001), ("balance", 1_000_001), ("numbers", 64_000_001)])
async def test_no_more_of_a_body_is_read_than_its_cap(call: str, size: int):
    """Lists of numbers with all their messages may be long; one number is not."""
    async with answering(b" " * size) as (client, _):
        with pytest.raises(UnreadableReplyError, match=f"larger than {size - 1:,} bytes"):
            await CALLS[call](client)


async def test_a_long_list_of_numbers_is_read():
    """Two thousand messages are more than a megabyte."""
    messages = [{**SMS, "id": number, "text": "x" * 600} for number in range(2_000)]
    body = json.dumps({"response": 1, "list": [{**ITEM, "messages": messages}]}, default=str)
    async with answering(body) as (client, _):
        (number,) = await client.rent.numbers()

    assert len(number.messages) == 2_000


WRECKS: dict[str, tuple[Any, RentedNumber]] = {
    "only a tzid": ({"tzid": 7}, RentedNumber(tzid=7)),
    "sum": (
        {"tzid": 7, "number": "9313358547", "country": 7, "sum": "?", "status": 0},
        RentedNumber(tzid=7, number="9313358547", country=7, phone="+79313358547", status=0),
    ),
    "messages": (
        {"tzid": 7, "number": "9313358547", "country": 7, "sum": "40", "messages": "none"},
        RentedNumber(tzid=7, number="9313358547", country=7, phone="+79313358547", price=Decimal(40)),
    ),
    "everything": (
        {"tzid": "7", "number": 9313358547, "country": "7", "extend": 5, "time": [], "reload": "x", "rent": {}},
        RentedNumber(tzid=7, number="9313358547", country=7, phone="+79313358547"),
    ),
}


@pytest.mark.in_turn
@pytest.mark.parametrize("name", WRECKS)
@pytest.mark.parametrize("call", sorted(SPENDING))
@pytest.mark.parametrize("envelope", ["item", "list"])
async def test_a_purchase_that_cannot_be_modelled_still_gives_what_can(name: str, call: str, envelope: str):
    """It is paid for: its tzid is the handle of every other call. One client saw `list` where the page says item."""
    item, expected = WRECKS[name]
    body = {"response": 1, "item": item} if envelope == "item" else {"response": 1, "list": [item]}
    async with answering(body, records=True) as (client, _):
        assert await CALLS[call](client) == expected


@pytest.mark.in_turn
@pytest.mark.parametrize("item", [{}, [], {"number": "9313358547"}, {"tzid": None}, "x", 5], ids=str)
@pytest.mark.parametrize("call", sorted(SPENDING))
async def test_a_purchase_without_a_tzid_is_looked_up(item: Any, call: str):
    """What cannot be named cannot be handed over."""
    async with answering({"response": 1, "item": item}, records=True) as (client, provider):
        with pytest.raises((NothingBoughtError, OutcomeUnknownError)):
            await CALLS[call](client)

    assert provider.lines[-1].startswith("GET /api/rent/getRentState.php")


async def test_a_purchase_whose_answer_was_cut_is_found(sandbox: Sandbox, client: AsyncClient):
    """The list shows a tzid that was not there."""
    sandbox.fail("getRentNum", Mangle(lambda body: body[:-1]))

    number = await client.rent.buy_number(7, 1)

    assert [number.tzid] == list(sandbox.world.rents)
    assert sandbox.count("GET /api/rent/getRentNum.php") == 1


async def test_no_error_holds_the_key():
    """Also when a server in front repeats the request."""
    async with answering(f"<html>Bearer {RENT_KEY}</html>") as (client, _):
        with pytest.raises(UnreadableReplyError) as caught:
            await client.rent.balance()

    assert RENT_KEY not in str(caught.value)
    assert RENT_KEY not in caught.value.excerpt
