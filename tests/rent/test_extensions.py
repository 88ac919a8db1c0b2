"""An extension whose answer is lost is looked up in the number's own days, and never bought twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import anyio
import pytest

from smsapi_async import AsyncClient, InsufficientBalanceError, NothingBoughtError, NotSentError, SpendUnknownError
from smsapi_async.rent import RentedNumber
from smsapi_async.rent._purchases import _is_as_before, _is_longer
from smsapi_async.sandbox import (
    BAD_GATEWAY,
    Delay,
    Delivery,
    Fault,
    LostAfter,
    LostBefore,
    Mangle,
    Sandbox,
    Scenario,
    literal,
)
from smsapi_async.testing import open_client
from tests.support.lost_rents import AFTER, BEFORE, EXTEND, LIST, together, tzids

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("before", "now", "longer", "as_before"),
    [
        ({"days_bought": 1}, {"days_bought": 8}, True, False),
        ({"ends_in": DAY, "status": 1}, {"ends_in": 8 * DAY, "status": 1}, True, False),
        ({"ends_in": DAY / 72, "status": 0}, {"ends_in": DAY, "status": 1}, False, False),
        ({"days_bought": 1, "ends_in": DAY / 72}, {"days_bought": 1, "ends_in": DAY, "status": 1}, False, True),
        ({"days_bought": 1, "ends_in": DAY}, {"days_bought": 1, "ends_in": DAY}, False, True),
        ({"ends_in": DAY}, {"ends_in": DAY}, False, True),
        ({}, {"days_bought": 8, "ends_in": DAY}, False, False),
        ({"days_bought": 1, "ends_in": DAY}, {}, False, False),
        ({}, {}, False, False),
    ],
    ids=[
        "more days",
        "more time",
        "confirmed, days unknown",
        "confirmed",
        "the same",
        "the same time",
        "nothing told before",
        "nothing told now",
        "nothing told",
    ],
)
def test_a_number_is_longer_by_its_days_or_its_time(
    before: dict[str, Any], now: dict[str, Any], longer: bool, as_before: bool
):
    """An extension is claimed by it, or denied; what the list leaves out is no sign of either."""
    numbers = RentedNumber(tzid=1, **before), RentedNumber(tzid=1, **now)

    assert _is_longer(*numbers) is longer
    assert _is_as_before(*numbers) is as_before


@pytest.fixture
async def rented(client: AsyncClient) -> RentedNumber:
    """A number for a day that may be extended."""
    return await client.rent.buy_number(7, 1, extension=True)


@pytest.fixture
def sandbox() -> Sandbox:
    """Numbers of country 7 are confirmed by a message after a minute."""
    return Sandbox(scenario=Scenario(rent_plans={"7": [[Delivery(60, "code 0412", "0412")]]}))


@pytest.mark.parametrize("fault", AFTER, ids=repr)
async def test_a_lost_extension_shows_in_the_number_s_own_days(fault: Fault, sandbox, client, rented):
    """Sent again it would be paid for again."""
    await anyio.sleep(120)
    sandbox.fail(EXTEND, fault)

    number = await client.rent.extend(rented.tzid, 7)

    assert number.days_bought == 8
    assert sandbox.ledger.extensions == [rented.tzid]
    assert sandbox.count(EXTEND) == 1


@pytest.mark.parametrize("fault", BEFORE, ids=repr)
async def test_an_extension_that_left_no_trace_was_not_made(fault: Fault, sandbox, client, rented):
    """The number's days are what they were."""
    await anyio.sleep(120)
    sandbox.fail(EXTEND, fault)

    with pytest.raises(NothingBoughtError, match="not extended"):
        await client.rent.extend(rented.tzid, 7)

    assert sandbox.ledger.extensions == []


async def test_a_number_confirmed_meanwhile_is_not_extended_by_that(sandbox, client, rented):
    """Its time jumps from twenty minutes to a day, and nothing was paid."""
    await anyio.sleep(55)
    sandbox.fail(EXTEND, LostBefore())

    with pytest.raises(NothingBoughtError):
        await client.rent.extend(rented.tzid, 7)


async def test_with_a_shared_key_an_extension_is_not_claimed(sandbox, rented):
    """Another process may have extended it."""
    await anyio.sleep(120)
    async with open_client(sandbox, shared_key=True) as client:
        sandbox.fail(EXTEND, LostAfter())
        with pytest.raises(SpendUnknownError) as caught:
            await client.rent.extend(rented.tzid, 7)

    assert tzids(caught.value) == [rented.tzid]


async def test_an_extension_of_a_number_that_is_gone_stays_unknown(sandbox, client, rented):
    """There is no number to compare, before or after."""
    sandbox.fail(EXTEND, LostBefore())

    with pytest.raises(SpendUnknownError) as caught:
        await client.rent.extend(rented.tzid + 1, 7)

    assert tzids(caught.value) == []


async def test_an_extension_whose_number_cannot_be_read_afterwards_stays_unknown(sandbox, rented):
    """An earlier look that shows no change denies nothing."""
    await anyio.sleep(120)
    sandbox.fail(EXTEND, LostBefore())
    sandbox.fail(LIST, BAD_GATEWAY, times=9, after=2)
    async with open_client(sandbox, max_retries=0) as client:
        with pytest.raises(SpendUnknownError):
            await client.rent.extend(rented.tzid, 7)


async def test_without_knowing_its_days_a_number_is_not_extended(sandbox, rented):
    """A lost answer would look like a refusal."""
    sandbox.fail(LIST, BAD_GATEWAY, times=9)
    async with open_client(sandbox, max_retries=0) as client:
        with pytest.raises(NotSentError, match=r"^rent\.extend: "):
            await client.rent.extend(rented.tzid, 7)

    assert sandbox.count(EXTEND) == 0


async def test_a_refused_extension_is_no_lost_answer(sandbox, rented):
    """The provider's word is enough."""
    await anyio.sleep(120)
    async with open_client(sandbox) as client:
        sandbox.fail(EXTEND, literal("WARNING_LOW_BALANCE"))
        with pytest.raises(InsufficientBalanceError):
            await client.rent.extend(rented.tzid, 7)


async def test_two_extensions_of_one_number_do_not_hide_each_other(sandbox, client, rented):
    """One after the other: the loss of the first is not mistaken for the success of the second."""
    await anyio.sleep(120)
    sandbox.fail(EXTEND, LostAfter())

    first, second = await together(*[lambda: client.rent.extend(rented.tzid, 7)] * 2)

    assert (first.days_bought, second.days_bought) == (8, 15)
    assert len(sandbox.ledger.extensions) == 2


async def test_an_extension_for_a_caller_who_is_gone_is_told(sandbox, rented):
    """The extension is paid for, so `client.unsettled` lists its number."""
    await anyio.sleep(120)
    sandbox.fail(EXTEND, Delay(5))

    async def work() -> None:
        async with open_client(sandbox) as client:
            with anyio.move_on_after(3):
                await client.rent.extend(rented.tzid, 7)
            assert tzids(client.unsettled) == [rented.tzid]

    with pytest.warns(ResourceWarning, match="unsettled"):
        await work()

    assert sandbox.ledger.extensions == [rented.tzid]


@pytest.mark.parametrize("other", [False, True], ids=["a cached answer", "another number"])
async def test_an_answer_that_shows_no_extension_is_a_lost_one(other, sandbox, client, rented):
    """A cache answered: the days must have grown, and they must be those of this number."""
    await anyio.sleep(120)
    kept: list[bytes] = []

    def noted(body: bytes) -> bytes:
        kept.append(body)
        return body.replace(str(rented.tzid).encode(), b"77") if other else body

    sandbox.fail(EXTEND, Mangle(noted))
    first = await client.rent.extend(rented.tzid, 7)
    if not other:
        sandbox.fail(EXTEND, Mangle(lambda _: kept[0]))
        first = await client.rent.extend(rented.tzid, 7)

    assert first.tzid == rented.tzid
    assert first.days_bought == (8 if other else 15)
