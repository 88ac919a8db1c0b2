"""The traps of docs/protocol/rent.md section 0, by their numbers. Traps that are tables stand in the files named here.

1 (sent once), 12: test_refusals.py · 13: test_operations.py.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import httpx
import pytest

from smsapi_async import AsyncClient, NotFoundError, NothingBoughtError, OutcomeUnknownError, Sms
from smsapi_async.rent import RentedNumber, Tariff
from smsapi_async.sandbox import BAD_GATEWAY, Delivery, Sandbox, Scenario
from tests.answers import RENT_KEY, answering


async def read_number(**fields: Any) -> RentedNumber:
    async with answering(json.dumps({"response": 1, "list": [{"tzid": 1, **fields}]})) as (client, _):
        (number,) = await client.rent.numbers()
        return number


async def test_1_a_get_that_spends_is_sent_once(sandbox: Sandbox, client: AsyncClient):
    """No idempotency key exists: sent again it would be paid again."""
    sandbox.fail("getRentNum", BAD_GATEWAY, times=9)
    sandbox.fail("extendRentState", BAD_GATEWAY, times=9)
    rent = sandbox.world.rent_book.buy(7, 1, extension=True)

    with pytest.raises(NothingBoughtError):
        await client.rent.buy_number(7, 1)
    with pytest.raises(NothingBoughtError):
        await client.rent.extend(rent.tzid, 1)

    assert sandbox.count("GET /api/rent/getRentNum.php") == 1
    assert sandbox.count("GET /api/rent/extendRentState.php") == 1


@pytest.mark.parametrize("extension", [False, True])
async def test_2_extension_is_always_sent(extension: bool, sandbox: Sandbox, client: AsyncClient):
    """Left out it means on: thirty more days are bought at the end. Off, nothing can be extended."""
    number = await client.rent.buy_number(7, 1, extension=extension)

    assert f"&extension={str(extension).lower()}&" in sandbox.requests[-1]
    assert (number.extension, bool(number.extensions)) == (extension, extension)
    assert sandbox.world.rents[number.tzid].extension is extension


@pytest.mark.parametrize("word", [1, "1", True, "true", "OK", "ok", " 1 ", 1.0], ids=repr)
async def test_3_success_has_many_forms(word: Any):
    """`str(x) == "1"` misreads closeRentNum, whose page prints true."""
    async with answering({"response": word, "balance": "1", "list": [{"tzid": 3715}]}) as (client, _):
        await client.rent.close(3715)
        await client.rent.reload_port(3715)
        assert (await client.rent.balance()).balance == 1
        assert [number.tzid for number in await client.rent.numbers()] == [3715]


async def test_3_success_may_be_told_by_nothing_but_the_fields():
    """`response` is absent from tariffs, and in other clients' tests from balances."""
    async with answering({"balance": "1", "list": [{"tzid": 3715}]}) as (client, _):
        assert (await client.rent.balance()).balance == 1
        assert (await client.rent.number(3715)).tzid == 3715
        with pytest.raises(OutcomeUnknownError):
            await client.rent.close(3715)


async def test_3_an_envelope_may_stand_inside_original():
    """A framework of the provider's wraps it so; one client unwraps it."""
    async with answering({"headers": {}, "original": {"response": 1, "balance": "5"}, "exception": None}) as (
        client,
        _,
    ):
        assert (await client.rent.balance()).balance == 5

    async with answering({"original": {"response": "ERROR_WRONG_TZID"}}) as (client, _):
        with pytest.raises(NotFoundError):
            await client.rent.close(1)


@pytest.mark.parametrize(
    ("wire", "span"),
    [
        (19, timedelta(minutes=19)),
        (5750, timedelta(days=3, hours=23, minutes=50)),
        ("19", timedelta(minutes=19)),
        (0, timedelta()),
        (None, None),
        ("", None),
    ],
)
async def test_4_time_is_minutes(wire: Any, span: timedelta | None):
    """`hours` and `days` are the same span rounded down, not parts to be added."""
    assert (await read_number(time=wire, hours=95, days=3)).ends_in == span


def message(id: int | None = 1, at: str | None = "2022-07-17 21:46:58", code: Any = "070051") -> dict[str, Any]:
    return {"id": id, "service": "Google", "text": "x", "code": code, "created_at": at}


def page(data: Any) -> dict[str, Any]:
    return {"current_page": 1, "data": data, "from": 1, "last_page": 1, "per_page": 20, "to": 0, "total": 0}


FORMS: dict[str, tuple[Any, list[int]]] = {
    "list": ([message(1), message(2)], [1, 2]),
    "empty list": ([], []),
    "null": (None, []),
    "page, flat": (page([message(1), message(2)]), [1, 2]),
    "page, lists": (page([[message(1), message(2)], [message(3)]]), [1, 2, 3]),
    "page, empty": (page([]), []),
    "page, null": (page(None), []),
    "page, filler": (page([{}]), []),
    "page without data": ({}, []),
    "lists, one empty": (page([[], [message(1)], [{}]]), [1]),
}


@pytest.mark.parametrize("form", FORMS)
async def test_5_messages_are_a_list_or_a_page_of_a_list_or_of_lists(form: str):
    """The documentation's own example of an empty message is {}."""
    wire, ids = FORMS[form]

    assert [sms.id for sms in (await read_number(messages=wire)).messages] == ids


@pytest.mark.parametrize("form", ["page", "list", "pages"])
async def test_5_every_form_of_the_provider_gives_the_same_messages(form: Any):
    """Forty-one messages are three pages, which come all at once."""
    plan = [Delivery(second, f"code {second:04}", f"{second:04}") for second in range(41)]
    sandbox = Sandbox(scenario=Scenario(rent_message_form=form, rent_plans={"7": [plan]}))
    rent = sandbox.world.rent_book.buy(7, 1, extension=True)
    sandbox.world.advance(sandbox.start + timedelta(seconds=60))
    async with httpx.AsyncClient(transport=sandbox.transport()) as http:
        client = AsyncClient(rent_key=sandbox.rent_key, rent_url=sandbox.rent_url, http_client=http)
        number = await client.rent.extend(rent.tzid, 1)
        await client.aclose()

    assert [sms.code for sms in number.messages] == [f"{second:04}" for second in range(41)]
    assert number.code == "0040"


CODES: dict[str, tuple[list[Any], str | None]] = {
    "leading zero": ([message()], "070051"),
    "null": ([message(code=None)], None),
    "blank": ([message(code=" ")], None),
    "absent": ([{"id": 1, "text": "x"}], None),
    "newest first": ([message(2, "2022-07-17 22:00:00", "2"), message(1, code="1")], "2"),
    "oldest first": ([message(1, code="1"), message(2, "2022-07-17 22:00:00", "2")], "2"),
    "the same second: the higher number": ([message(2, code="2"), message(1, code="1")], "2"),
    "no numbers: the later in the list": ([message(None, code="2"), message(None, code="1")], "1"),
    "no time: that of the message before": ([message(2, "2022-07-17 22:00:00", "2"), message(3, None, "3")], "3"),
    "no time: that of the number before": ([message(2, None, "2"), message(1, code="1")], "2"),
    "no time: that of the first number after": ([message(1, None, "1"), message(2, code="2")], "2"),
    "no time, numbered between others": (
        [message(3, "2022-07-17 22:00:00", "3"), message(2, None, "2"), message(1, code="1")],
        "3",
    ),
    "no times: the higher number": ([message(2, None, "2"), message(1, None, "1")], "2"),
    "the newest lacks one": ([message(2, "2022-07-17 22:00:00", ""), message(1, code="1")], "1"),
}


@pytest.mark.parametrize("case", CODES)
async def test_5_the_code_is_the_newest_that_is_not_blank(case: str):
    """The vendor's clients take the first message for the last, another client the last."""
    rows, code = CODES[case]

    assert (await read_number(messages=rows)).code == code


@pytest.mark.parametrize(
    ("zone", "hour"),
    [(None, 18), (UTC, 21), (timezone(timedelta(hours=-5)), 2)],
    ids=["Moscow by default", "UTC", "New York"],
)
async def test_5_the_times_of_messages_carry_no_zone(zone: Any, hour: int):
    """The same vendor's other API prints +03:00; an argument of the client sets another zone."""
    body = {"response": 1, "list": [{"tzid": 1, "messages": [message()]}]}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=body))
    told = {} if zone is None else {"rent_timezone": zone}
    async with httpx.AsyncClient(transport=transport) as http:
        client = AsyncClient(rent_key=RENT_KEY, rent_url="http://provider.test/api", http_client=http, **told)
        (number,) = await client.rent.numbers()
        await client.aclose()

    moment = number.messages[0].received_at
    assert moment is not None
    assert (moment.tzinfo, moment.hour, moment.minute, moment.second) == (UTC, hour, 46, 58)


@pytest.mark.parametrize("stamp", ["0000-00-00 00:00:00", "0001-01-01 00:00:00", "", None])
async def test_5_a_message_may_have_no_time(stamp: Any):
    """Zero dates are what PHP writes for none."""
    (sms,) = (await read_number(messages=[message(at=stamp)])).messages

    assert (sms.received_at, sms.created_at) == (None, None)


async def test_5_a_time_that_names_its_zone_is_believed():
    """Should the provider begin to write one."""
    (sms,) = (await read_number(messages=[message(at="2022-07-17T21:46:58+02:00")])).messages

    assert sms.received_at == datetime(2022, 7, 17, 19, 46, 58, tzinfo=UTC)


@pytest.mark.parametrize("wire", [[], {}, None], ids=str)
async def test_6_an_empty_map_comes_as_a_list(wire: Any):
    """PHP does not distinguish the two."""
    assert (await read_number(extend=wire)).extensions == {}

    async with answering(json.dumps({"code": 7, "days": wire, "count": wire})) as (client, _):
        assert await client.rent.tariffs(7) == (Tariff(country=7),)


async def test_6_maps_are_sorted_by_days():
    """Their keys are texts, in no order; placeholders of the documentation are no days."""
    number = await read_number(extend={"30": "900", "7": 210.5, "#days#": 1, "1": 30, "15": None, "²": 1})

    assert list(number.extensions.items()) == [(1, Decimal(30)), (7, Decimal("210.5")), (30, Decimal(900))]


@pytest.mark.parametrize(("wire", "available"), [(0, True), ("0", True), (1, False), (2, False), (None, None)])
async def test_7_reload_0_means_that_a_reload_is_available(wire: Any, available: bool | None):
    """The documents do not describe the meaning of 1 and null."""
    assert (await read_number(reload=wire)).port_reload_available is available


MONEY = [("251.5", "251.5"), (251.5, "251.5"), (10, "10"), ("1674.540", "1674.540"), ("36.125", "36.125")]


@pytest.mark.parametrize(("wire", "amount"), MONEY)
async def test_8_money_is_text_or_a_number(wire: Any, amount: str):
    """`sum` is text in one method and a number in another, sometimes with three decimals."""
    number = await read_number(sum=wire, extend={"1": wire})
    async with answering({"balance": wire, "zbalance": wire}) as (client, _):
        balance = await client.rent.balance()

    assert number.price == number.extensions[1] == balance.balance == balance.frozen == Decimal(amount)
    assert isinstance(number.price, Decimal)


PHONES: dict[str, tuple[Any, Any, str]] = {
    "national": (7, "9313358547", "+79313358547"),
    "with spaces round it": (46, " 9915584307", "+469915584307"),
    "starts with its country's digits": (7, "7012345678", "+77012345678"),
    "a number": (7, 9313358547, "+79313358547"),
    "country as text": ("7", "9313358547", "+79313358547"),
    "international": (7, "+79313358547", "+79313358547"),
    "no country": (None, "9313358547", "9313358547"),
    "none": (7, None, ""),
}


@pytest.mark.parametrize("case", PHONES)
async def test_9_the_phone_is_joined_from_country_and_number(case: str):
    """`number` is the national part; without its country it cannot be made whole."""
    country, number, phone = PHONES[case]

    assert (await read_number(country=country, number=number)).phone == phone


GONE = ("[]", "null", "NO_NUMBER", "ERROR_NO_OPERATIONS", "ERROR_NO_TZID", "ERROR_WRONG_TZID")


@pytest.mark.parametrize("form", GONE)
async def test_10_a_number_that_is_not_there_is_not_found_however_it_is_told(form: Any):
    """No source says which of the answers comes back."""
    sandbox = Sandbox(scenario=Scenario(rent_gone=form))
    async with httpx.AsyncClient(transport=sandbox.transport()) as http:
        client = AsyncClient(rent_key=sandbox.rent_key, rent_url=sandbox.rent_url, http_client=http)
        with pytest.raises(NotFoundError) as caught:
            await client.rent.number(5)
        assert await client.rent.numbers() == ()
        await client.aclose()

    assert caught.value.call == "rent.number"


@pytest.mark.parametrize(
    "body",
    [{"response": 1}, {"response": 1, "list": None}, {"list": []}, {"response": 1, "list": [{"tzid": 6}]}],
    ids=str,
)
async def test_10_a_list_without_it_says_the_same(body: Any):
    """Also one that holds another number."""
    async with answering(body) as (client, _):
        with pytest.raises(NotFoundError, match="number 5 is not active"):
            await client.rent.number(5)


TARIFF = {"code": 7, "enabled": True, "new": False, "position": 2, "days": {"1": 40}, "count": {"1": 5}, "extend": 30}
READ = Tariff(
    country=7,
    enabled=True,
    new=False,
    position=2,
    prices={1: Decimal(40)},
    stock={1: 5},
    extend_price=Decimal(30),
)
SHAPES: dict[str, tuple[Any, tuple[Tariff, ...]]] = {
    "one": (TARIFF, (READ,)),
    "one beside its envelope": ({"response": 1, **TARIFF}, (READ,)),
    "a map": ({"7": TARIFF}, (READ,)),
    "a map beside its envelope": ({"response": "1", "7": TARIFF}, (READ,)),
    "a map without the codes inside": ({"7": {**TARIFF, "code": None}}, (READ,)),
    "in the order of the site": (
        {"46": {"code": 46, "position": 3}, "7": TARIFF, "1": {"code": 1}},
        (Tariff(country=1), READ, Tariff(country=46, position=3)),
    ),
    "[]": ([], ()),
    "null": (None, ()),
    "{}": ({}, ()),
    "only the envelope": ({"response": 1}, ()),
    "stock lacks a length": (
        {"code": 7, "days": {"1": 40, "7": "251.5"}, "count": {"1": "5", "7": None}},
        (Tariff(country=7, prices={1: Decimal(40), 7: Decimal("251.5")}, stock={1: 5}),),
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_11_tariffs_have_no_envelope_and_many_shapes(shape: str):
    """One object with a country, a map without, [] or null when nothing is sold."""
    body, expected = SHAPES[shape]
    async with answering(json.dumps(body)) as (client, _):
        assert await client.rent.tariffs() == expected


async def test_unknown_fields_are_passed_over_and_missing_ones_are_none():
    """Only the tzid is certain."""
    assert await read_number(m_ext=True, checked_time="x", day_extend=[]) == RentedNumber(tzid=1)


@pytest.mark.parametrize(
    ("wire", "flag"),
    [(1, True), ("1", True), (True, True), (0, False), ("false", False), (None, None), ("2022-01-01", None)],
)
async def test_flags_are_bools_or_numbers_or_unknown(wire: Any, flag: bool | None):
    """`extension` is 0 or 1, `freeze` undescribed: an odd value must not hide the number."""
    number = await read_number(extension=wire, checked=wire, freeze=wire)

    assert (number.extension, number.checked, number.freeze) == (flag, flag, flag)


async def test_status_and_checked_are_told_apart(sandbox: Sandbox, client: AsyncClient):
    """True beside status 0 in one example, false beside 1 in another."""
    number = await read_number(status=0, checked=True)

    assert (number.status, number.checked) == (0, True)


def test_a_repr_shows_no_phone_and_no_code():
    """Values land in logs."""
    number = RentedNumber(
        tzid=1, number="9313358547", phone="+79313358547", messages=(Sms(text="415127", code="415127"),)
    )

    assert "9313358547" not in repr(number)
    assert "415127" not in repr(number)
