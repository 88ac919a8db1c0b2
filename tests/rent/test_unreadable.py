"""Bodies that cannot be read: the right error of the tree, where it went wrong, bounded memory, and nothing lost."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from smsapi_async import AsyncClient, NothingBoughtError, NotSentError, OutcomeUnknownError, UnreadableReplyError
from smsapi_async.rent import RentedNumber
from smsapi_async.sandbox import Mangle, Sandbox
from tests.answers import RENT_KEY, answering, parsed
from tests.rent.operations import CALLS, CLOSING, READS, SPENDING, spend

ITEM = parsed("rent/openapi_getRentState_unpaginated_ok.json")["list"][0]
SMS = ITEM["messages"][0]

WITHOUT_TZID: dict[str, Any] = {
    "no tzid": {name: value for name, value in ITEM.items() if name != "tzid"},
    "tzid null": {**ITEM, "tzid": None},
    "tzid a fraction": {**ITEM, "tzid": 1.5},
    "tzid a word": {**ITEM, "tzid": "first"},
    "an item that is none": "x",
    "null": None,
}


@pytest.mark.in_turn
@pytest.mark.parametrize("name", WITHOUT_TZID)
async def test_a_number_without_a_readable_tzid_costs_no_other(name: str):
    """It is left out of the list; but it may be the one asked for, which is then not absent."""
    item = WITHOUT_TZID[name]
    body = json.dumps({"response": 1, "list": [ITEM, item]}, default=float)
    async with answering(body) as (client, _):
        assert [number.tzid for number in await client.rent.numbers()] == [ITEM["tzid"]]
        assert (await client.rent.number(ITEM["tzid"])).tzid == ITEM["tzid"]
        with pytest.raises(UnreadableReplyError) as caught:
            await client.rent.number(7)

    assert (caught.value.path, caught.value.status, caught.value.call) == ("list[].tzid", 200, "rent.number")
    for private in ("9915584307", "070051", "verification"):
        assert private not in caught.value.excerpt
        assert private not in str(caught.value)


@pytest.mark.parametrize("name", WITHOUT_TZID)
async def test_a_list_with_a_number_that_cannot_be_named_is_no_evidence(name: str):
    """The number may have been there before the purchase, or have come of it."""
    body = json.dumps({"response": 1, "list": [WITHOUT_TZID[name]]}, default=float)
    async with answering(body) as (client, provider):
        with pytest.raises(NotSentError):
            await client.rent.buy_number(7, 1)

    assert not any("getRentNum" in line for line in provider.lines)


NOTHING_READABLE: dict[str, tuple[str, Any, str]] = {
    "numbers, list a word": ("numbers", {"response": 1, "list": "x"}, "list"),
    "numbers, nothing of it": ("numbers", {}, ""),
    "numbers, root list": ("numbers", [], ""),
    "numbers, null": ("numbers", None, ""),
    "tariffs, a word": ("tariffs", "x", ""),
    "tariffs, a list": ("tariffs", [1], ""),
    "tariffs, a country": ("tariffs", {"7": "x"}, ""),
    "tariffs, no code": ("tariffs", {"russia": {"enabled": True}}, ""),
    "tariffs, code": ("tariffs", {"code": "x", "days": {}}, "code"),
    "balance, absent": ("balance", {"response": 1}, "balance"),
    "balance, null": ("balance", {"balance": None}, "balance"),
    "balance, a list": ("balance", [], ""),
}


@pytest.mark.in_turn
@pytest.mark.parametrize("name", NOTHING_READABLE)
async def test_an_answer_of_which_nothing_can_be_read_is_unreadable(name: str):
    """Read as empty it would say that there is nothing."""
    call, body, path = NOTHING_READABLE[name]
    async with answering(json.dumps(body)) as (client, _):
        with pytest.raises(UnreadableReplyError) as caught:
            await CALLS[call](client)

    assert (caught.value.path, caught.value.status) == (path, 200)


UNREADABLE = {
    "HTML": b"<html><body>Technical works</body></html>",
    "cut": b'{"response":1,"list":[{"tzid"',
    "empty": b"",
    "33 levels": b'{"response":1,"balance":1,"new":' + b"[" * 32 + b"]" * 32 + b"}",
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


@pytest.mark.parametrize(("call", "size"), [("number", 1_000_001), ("balance", 1_000_001), ("numbers", 4_000_001)])
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
        assert await spend(client, call, expected.tzid) == expected


@pytest.mark.in_turn
@pytest.mark.parametrize("item", [{}, [], {"number": "9313358547"}, {"tzid": None}, "x", 5], ids=str)
@pytest.mark.parametrize("call", sorted(SPENDING))
async def test_a_purchase_without_a_tzid_is_looked_up(item: Any, call: str):
    """A number without an id cannot be handed over."""
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
