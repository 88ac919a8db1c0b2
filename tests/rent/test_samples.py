"""Every sample of the rent documentation, read by the call it answers: the whole value that must come of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest

from smsapi_async import NothingBoughtError, OutcomeUnknownError, Sms
from smsapi_async.rent import Balance, RentedNumber, Tariff
from tests.answers import answering, parsed, sample, sample_names
from tests.rent.operations import CALLS, spend

MOMENT = datetime(2022, 7, 17, 18, 46, 58, tzinfo=UTC)
"""21:46:58 in Moscow."""
GOOGLE = Sms(
    id=1,
    sender="Google",
    text="Your verification code is 070051",
    code="070051",
    received_at=MOMENT,
    created_at=MOMENT,
)
SEED = RentedNumber(
    tzid=3715,
    number="9313358547",
    country=7,
    phone="+79313358547",
    status=0,
    checked=False,
    days_bought=1,
    ends_in=timedelta(minutes=19),
    extensions={1: Decimal(30), 7: Decimal(210), 15: Decimal(450), 30: Decimal(900)},
    port_reload_available=True,
)
LEASED = RentedNumber(
    tzid=10000,
    number="9915584307",
    country=46,
    phone="+469915584307",
    status=1,
    checked=True,
    days_bought=4,
    ends_in=timedelta(minutes=5750),
    extension=True,
    price=Decimal("251.5"),
    port_reload_available=False,
    messages=(GOOGLE,),
    freeze=True,
)
BOUGHT = attrs.evolve(
    LEASED,
    number="9108501010",
    phone="+469108501010",
    status=0,
    days_bought=0,
    ends_in=timedelta(minutes=19),
    price=Decimal("215.5"),
    messages=(),
)

READ: dict[str, tuple[str, Any]] = {
    "seed_getRentNum_ok.json": ("buy_number", SEED),
    "openapi_getRentNum_ok.json": ("buy_number", BOUGHT),
    "openapi_getRentState_unpaginated_ok.json": ("numbers", (LEASED,)),
    "openapi_extendRentState_ok.json": ("extend", LEASED),
    "openapi_closeRentNum_ok.json": ("close", None),
    "openapi_tariffsRent_one_country_ok.json": (
        "tariffs",
        (Tariff(country=46, enabled=True, new=True, position=1, extend_price=Decimal(0)),),
    ),
    "openapi_getBalance_ok.json": ("balance", Balance(balance=Decimal("230.25"), frozen=Decimal("120.5"))),
    "jsdocs_tariffs_all_unwrapped.fragment.json": (
        "tariffs",
        (Tariff(country=1, name="USA", enabled=True, new=False, position=1, extend_price=Decimal(1)),),
    ),
}
"""File -> the call it answers, and what that call must give. Keys that are placeholders say nothing."""

APART = {
    "seed_getRentNum_ok.as_printed.txt": "not JSON, read below; its mended twin is in READ",
    "seed_messages_data_list_of_lists.fragment.json": "the `data` of a page of messages, read below",
    "jsdocs_rent_item_unwrapped.fragment.json": "an item without its envelope, read below",
    "olddocs_extendRentState_ok.json": "its item is a placeholder: an extension nothing is told of, read below",
    "openapi_webhook_newSms.json": "no response: what the provider sends to its customer's own server",
}


@pytest.mark.parametrize("name", READ)
async def test_a_sample_is_read_whole(name: str):
    """Not that it raises nothing: each field, the missing ones too."""
    call, expected = READ[name]
    async with answering(sample(f"rent/{name}"), records=call in {"buy_number", "extend"}) as (client, _):
        found = spend(client, call, expected.tzid) if call == "extend" else CALLS[call](client)
        assert await found == expected


async def test_the_seed_as_it_is_printed_is_an_unknown_outcome():
    """Should a provider ever answer so, the number is looked up."""
    async with answering(sample("rent/seed_getRentNum_ok.as_printed.txt"), records=True) as (client, _):
        with pytest.raises(NothingBoughtError) as caught:
            await client.rent.buy_number(7, 1)

    assert isinstance(caught.value.__cause__, OutcomeUnknownError)


async def test_messages_may_come_in_pages_of_a_list():
    """The seed's own table: `data` is a list of lists."""
    item = {"tzid": 1, "messages": {"data": parsed("rent/seed_messages_data_list_of_lists.fragment.json")}}
    async with answering({"response": 1, "list": [item]}) as (client, _):
        (number,) = await client.rent.numbers()

    moment = datetime(2019, 12, 12, 7, 50, 43, tzinfo=UTC)
    assert number.messages == (
        Sms(id=1, sender="service", text="message", code="sms code", received_at=moment, created_at=moment),
    )


async def test_an_item_of_the_vendor_s_own_client_is_read():
    """`extend` and `messages` are [], `sum` a number, `time` an absurd one."""
    item = parsed("rent/jsdocs_rent_item_unwrapped.fragment.json")
    async with answering(json.dumps({"response": 1, "list": [item]})) as (client, _):
        numbers = await client.rent.numbers()

    assert numbers == (
        RentedNumber(
            tzid=1,
            number="1234567890",
            country=7,
            phone="+71234567890",
            status=1,
            checked=False,
            days_bought=1,
            ends_in=timedelta(minutes=1234567890),
            extension=False,
            price=Decimal(10),
            port_reload_available=True,
        ),
    )


async def test_an_extension_that_tells_nothing_is_looked_up():
    """`item` is [] on the old page: the money may be spent."""
    async with answering(sample("rent/olddocs_extendRentState_ok.json"), records=True) as (client, provider):
        with pytest.raises(OutcomeUnknownError):
            await client.rent.extend(3715, 1)

    assert provider.lines[-1].startswith("GET /api/rent/getRentState.php")


def test_every_sample_has_its_row():
    """A new one must be put into a table, or excused by name."""
    assert {f"rent/{name}" for name in (*READ, *APART)} == sample_names("rent")
