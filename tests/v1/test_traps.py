"""The traps of docs/protocol/v1.md section 0, by their numbers. Traps that are tables stand in the files named here.

2, 14: test_samples.py, test_unreadable.py · 3, 8, 9, 16: test_refusals.py · 7: test_unreadable.py · 10:
test_arguments.py · 12: test_pagination.py.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from smsapi_async import AsyncClient, LowRatingError, NothingBoughtError, OutcomeUnknownError
from smsapi_async.sandbox import BAD_GATEWAY, Sandbox, Scenario
from smsapi_async.testing import open_client
from smsapi_async.v1 import Order, Status
from tests.answers import answering
from tests.v1.operations import CALLS


@pytest.mark.parametrize("call", ["buy_activation", "buy_hosting", "reuse"])
async def test_1_a_get_that_spends_is_sent_once(call: str, sandbox: Sandbox, client: AsyncClient):
    """No idempotency key exists: sent again it would be paid again."""
    sandbox.fail("user/buy", BAD_GATEWAY, times=9)
    sandbox.fail("user/reuse", BAD_GATEWAY, times=9)

    with pytest.raises(NothingBoughtError):
        await CALLS[call](client)

    assert sandbox.count("GET /v1/user/buy/") + sandbox.count("GET /v1/user/reuse/") == 1


async def test_18_an_account_without_rating_is_told_when_it_may_buy_again():
    """24 hours after it lost its rating, which is 24 hours after the refusal at the latest."""
    sandbox = Sandbox(scenario=Scenario(rating=0))
    async with open_client(sandbox) as client:
        with pytest.raises(LowRatingError) as caught:
            await client.v1.buy_activation("telegram")

    assert caught.value.possible_at == sandbox.start + timedelta(days=1)


@pytest.mark.parametrize("call", ["profile", "check", "prices"])
async def test_1_a_read_is_sent_again(call: str, sandbox: Sandbox, client: AsyncClient):
    """Reading changes nothing: three more tries are worth their second."""
    sandbox.fail("GET", BAD_GATEWAY, times=9)

    with pytest.raises(OutcomeUnknownError):
        await CALLS[call](client)

    assert len(sandbox.requests) == 4


async def read_order(**fields: Any) -> Order:
    async with answering({"id": 1, **fields}) as (client, _):
        return await client.v1.check(1)


async def test_4_received_is_no_evidence_of_a_code():
    """Fresh orders have come back RECEIVED with no SMS."""
    order = await read_order(status="RECEIVED", sms=[])

    assert (order.status, order.code) == (Status.RECEIVED, None)


@pytest.mark.parametrize("status", [*Status, "RESERVED", "expired", ""])
async def test_4_a_status_is_an_open_set(status: str):
    """An unknown word is kept as it was, and never raises."""
    order = await read_order(status=status)

    assert order.status == status
    assert isinstance(order.status, Status) == (status in list(Status))


def sms(code: str | None, at: str = "2026-01-01T12:00:00Z", text: str = "x") -> dict[str, Any]:
    return {"created_at": at, "date": at, "sender": "x", "text": text, "code": code}


NO_SMS: dict[str, dict[str, Any]] = {"null": {"sms": None}, "[]": {"sms": []}, "absent": {}}


@pytest.mark.parametrize("form", NO_SMS)
async def test_5_no_sms_has_three_forms(form: str):
    """A fresh purchase has null, a check [], some rows of the history nothing."""
    assert (await read_order(**NO_SMS[form])).sms == ()


CODES: dict[str, tuple[list[dict[str, Any]], str | None]] = {
    "leading zero": ([sms("09363")], "09363"),
    "only zeros": ([sms("0000")], "0000"),
    "blank": ([sms("")], None),
    "spaces": ([sms("  ")], None),
    "null": ([sms(None)], None),
    "absent": ([{"text": "hello"}], None),
    "a number": ([{"code": 12345}], "12345"),
    "spaces round it": ([sms(" 123 456 ")], "123 456"),
    "the second lacks one": ([sms("111"), sms("", "2026-01-01T12:01:00Z")], "111"),
    "the newest of two": ([sms("111"), sms("222", "2026-01-01T12:01:00Z")], "222"),
    "newest first on the wire": ([sms("222", "2026-01-01T12:01:00Z"), sms("111")], "222"),
    "a fraction tells": ([sms("222", "2026-01-01T12:00:00.5Z"), sms("111", "2026-01-01T12:00:00.25Z")], "222"),
    "the same moment: the later row": ([sms("111"), sms("222")], "222"),
    "only a date": ([sms("111"), {"date": "2026-01-01T11:00:00Z", "code": "000"}], "111"),
}


@pytest.mark.parametrize("case", CODES)
async def test_5_the_code_is_the_newest_that_is_not_blank(case: str):
    """Codes are text: a zero in front counts."""
    rows, code = CODES[case]

    assert (await read_order(sms=rows)).code == code


LEAF = {"cost": 4, "count": 1, "rate": 99.99}
NESTINGS: dict[str, tuple[dict[str, str], Any]] = {
    "all": ({}, {"russia": {"telegram": {"mts": LEAF}}}),
    "a country": ({"country": "russia"}, {"russia": {"telegram": {"mts": LEAF}}}),
    "a product": ({"product": "telegram"}, {"telegram": {"russia": {"mts": LEAF}}}),
    "both": ({"country": "russia", "product": "telegram"}, {"russia": {"telegram": {"mts": LEAF}}}),
    "a product, the other way round": ({"product": "telegram"}, {"russia": {"telegram": {"mts": LEAF}}}),
}


@pytest.mark.parametrize("case", NESTINGS)
async def test_6_prices_come_one_way_round_whatever_was_asked(case: str):
    """`guest/prices?product=` nests product > country > operator, the other three country > product > operator."""
    filters, body = NESTINGS[case]
    async with answering(body) as (client, _):
        prices = await client.v1.prices(**filters)

    assert prices["russia"]["telegram"]["mts"].cost == Decimal(4)
    assert [(offer.country, offer.product, offer.operator) for offer in prices] == [("russia", "telegram", "mts")]


async def test_6_a_country_that_is_named_like_the_product_is_not_turned():
    """Both were asked for: the country is outside."""
    async with answering({"chad": {"chad": {"mts": LEAF, "tele2": LEAF}}}) as (client, _):
        prices = await client.v1.prices(country="chad", product="chad")

    assert list(prices["chad"]["chad"]) == ["mts", "tele2"]


@pytest.mark.parametrize("body", ["null", "{}", "[]"])
@pytest.mark.parametrize(
    "filters", [{}, {"product": "telegram"}, {"country": "russia", "product": "telegram"}], ids=str
)
async def test_6_nothing_sold_is_an_empty_table(body: str, filters: dict[str, str]):
    """Two clients saw null, one {}."""
    async with answering(body) as (client, _):
        prices = await client.v1.prices(**filters)

    assert (list(prices), len(prices), prices.countries) == ([], 0, ())


async def test_11_the_price_of_a_product_is_not_what_a_purchase_costs(sandbox: Sandbox, client: AsyncClient):
    """The catalogue names the cheapest operator, whether it has stock or not; the order says what was paid."""
    product = (await client.v1.products("england"))["telegram"]
    order = await client.v1.buy_activation("telegram", country="england")

    assert product.price == Decimal("0.0641")
    assert order.price == Decimal("0.8")


STAMPS: dict[str, datetime | None] = {
    "2018-10-13T08:28:38.809469028Z": datetime(2018, 10, 13, 8, 28, 38, 809469, tzinfo=UTC),
    "2018-10-13T08:28:38.307041Z": datetime(2018, 10, 13, 8, 28, 38, 307041, tzinfo=UTC),
    "2018-10-13T08:28:38Z": datetime(2018, 10, 13, 8, 28, 38, tzinfo=UTC),
    "2018-10-13T11:28:38+03:00": datetime(2018, 10, 13, 8, 28, 38, tzinfo=UTC),
    "2018-10-13T08:28:38": datetime(2018, 10, 13, 8, 28, 38, tzinfo=UTC),
    "1970-12-01T00:00:00.000000Z": datetime(1970, 12, 1, tzinfo=UTC),
    "0001-01-01T00:00:00Z": None,
    "0000-00-00 00:00:00": None,
    "": None,
    "  ": None,
}


@pytest.mark.parametrize("stamp", [*STAMPS, None])
async def test_13_an_instant_has_0_6_or_9_digits_and_may_be_none(stamp: str | None):
    """Go's zero instant was found in no source; it would be an order that expired two thousand years ago."""
    order = await read_order(expires=stamp, created_at=stamp)

    assert order.expires_at == order.created_at == (STAMPS[stamp] if stamp is not None else None)
    assert order.expires_at is None or order.expires_at.tzinfo is UTC


MONEY = {
    "21": "21",
    "0.0641": "0.0641",
    "21.6408": "21.6408",
    '"0.2875"': "0.2875",
    "0": "0",
    "1e2": "100",
}


@pytest.mark.parametrize("wire", MONEY)
async def test_15_money_is_an_exact_decimal(wire: str):
    """As a float 0.0641 is not 0.0641."""
    async with answering(f'{{"id":1,"price":{wire}}}') as (client, _):
        order = await client.v1.check(1)

    assert order.price == Decimal(MONEY[wire])
    assert isinstance(order.price, Decimal)


async def test_15_only_an_amount_may_be_negative():
    """A payment is, when money leaves; an order with such a price would give a budget money."""
    async with answering('{"Data":[{"ID":1,"Amount":-0.2}],"id":1,"price":-0.2}') as (client, _):
        payments, order = await client.v1.payments(), await client.v1.check(1)

    assert (payments.items[0].amount, order.price) == (Decimal("-0.2"), None)


@pytest.mark.parametrize("form", ["number", "float", "text"])
@pytest.mark.parametrize("digits", [0, 6, 9])
async def test_13_15_every_form_of_the_provider_gives_the_same_order(form: Any, digits: Any):
    """However instants and money are written."""
    sandbox = Sandbox(scenario=Scenario(money_form=form, timestamp_digits=digits))
    async with httpx.AsyncClient(transport=sandbox.transport()) as http:
        client = AsyncClient(sandbox.token, v1_url=sandbox.v1_url, http_client=http)
        order = await client.v1.buy_activation("telegram", country="russia")
        profile = await client.v1.profile()
        await client.aclose()

    assert (order.price, order.created_at) == (Decimal("0.2875"), datetime(2026, 1, 1, 12, tzinfo=UTC))
    assert profile.balance == Decimal("99.7125")


async def test_17_requests_carry_a_user_agent_of_our_own():
    """Cloudflare refuses the default names of some libraries with 403 `error code: 1010`."""
    async with answering("null") as (client, provider):
        await client.v1.prices()

    assert provider.asked[0].headers["user-agent"].startswith("smsapi-async/")


@pytest.mark.parametrize(
    ("wire", "operator"),
    [("virtual62", "virtual62"), ("Virtual62", "virtual62"), (" MTS", "mts"), ("", None), (None, None)],
)
async def test_19_an_operator_is_lower_case_as_the_catalogue_writes_it(wire: str | None, operator: str | None):
    """Some orders write it capitalised, after a blank, or not at all."""
    assert (await read_order(operator=wire)).operator == operator


async def test_19_operators_of_the_prices_may_be_missing_from_the_countries(sandbox: Sandbox, client: AsyncClient):
    """17 against 13 for England: neither list is one to validate against."""
    prices, countries = await client.v1.prices(country="england"), await client.v1.countries()

    assert "virtual52" in prices["england"]["telegram"]
    assert "virtual52" not in countries["england"].operators


async def test_unknown_fields_are_passed_over_and_missing_ones_are_none():
    """Undocumented fields come and go: only the id can be relied on."""
    assert await read_order(did_order=True, extra={"a": [1]}) == Order(id=1)


OFFER: dict[str, tuple[Any, Decimal | None, dict[int, Decimal]]] = {
    "absent is unknown": ({}, None, {}),
    "0 is zero": ({"rate": 0}, Decimal(0), {}),
    "below 20 %": ({"rate": 4.24}, Decimal("4.24"), {}),
    "windows": ({"rate1": 1, "rate720": 99.5}, None, {1: Decimal(1), 720: Decimal("99.5")}),
    "a window of null": ({"rate24": None, "rates": 5, "ratex": 5, "rate²": 5}, None, {}),
}


@pytest.mark.parametrize("case", OFFER)
async def test_a_rate_that_is_absent_is_not_zero(case: str):
    """The documentation leaves it out below 20 %, the wire does as it likes."""
    leaf, rate, rates = OFFER[case]
    async with answering({"russia": {"telegram": {"mts": leaf}}}) as (client, _):
        offer = (await client.v1.prices())["russia"]["telegram"]["mts"]

    assert (offer.rate, offer.rates, offer.cost, offer.count) == (rate, rates, None, None)


async def test_inbox_rows_tell_voice_from_text():
    """`is_wave` is false, true, absent or null; `wave_uuid` blank is none."""
    rows = [{"ID": 1, "is_wave": True, "wave_uuid": "u"}, {"ID": 2, "wave_uuid": ""}, {"id": 3, "is_wave": None}]
    async with answering({"Data": rows}) as (client, _):
        inbox = await client.v1.inbox(1)

    assert [(sms.id, sms.is_wave, sms.wave_uuid) for sms in inbox.sms] == [
        (1, True, "u"), (2, False, None), (3, False, None),
    ]  # fmt: skip


async def test_an_inbox_may_hold_null():
    """As every list of this provider."""
    async with answering(json.dumps({"Data": None, "Total": None})) as (client, _):
        inbox = await client.v1.inbox(1)

    assert (inbox.sms, inbox.total) == ((), None)


@pytest.mark.parametrize("body", [[], None], ids=str)
async def test_no_price_ceilings_is_an_empty_list(body: Any):
    """Live answers are []; null is what Go writes for none."""
    async with answering(json.dumps(body)) as (client, _):
        assert await client.v1.max_prices() == ()


async def test_a_price_ceiling_names_its_time_in_one_of_two_ways():
    """The field table says created_at, the example CreatedAt."""
    rows = [
        {"product": "a", "created_at": "2020-06-24T15:37:08Z"},
        {"product": "b", "CreatedAt": "2020-06-24T15:37:08Z"},
    ]
    async with answering(rows) as (client, _):
        first, second = await client.v1.max_prices()

    assert first.created_at == second.created_at == datetime(2020, 6, 24, 15, 37, 8, tzinfo=UTC)


async def test_defaults_of_a_profile_come_as_objects_or_names():
    """Its field table says array, its example an object; strings may be blank."""
    async with answering({"id": 1, "default_country": "russia", "default_operator": {"name": "any"}}) as (client, _):
        profile = await client.v1.profile()

    assert (profile.default_country, profile.default_operator) == ("russia", "any")


async def test_lists_beside_a_page_hold_names_or_objects():
    """Only ever seen empty: perhaps {"Name"}, as those of the payments."""
    body = {"Data": None, "ProductNames": ["telegram", {"Name": "vkontakte"}], "Statuses": [{"Name": "PENDING"}]}
    async with answering(body) as (client, _):
        page = await client.v1.orders("activation")

    assert (page.items, page.product_names, page.statuses) == ((), ("telegram", "vkontakte"), ("PENDING",))


async def test_a_wallet_without_an_amount_is_left_out():
    """Nothing is not zero."""
    async with answering({"payeer": None, "unitpay": 1}) as (client, _):
        assert await client.v1.wallets() == {"unitpay": Decimal(1)}
