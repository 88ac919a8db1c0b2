"""A rent or an extension whose answer is lost is looked up in the list of numbers, and never bought twice."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import anyio
import attrs
import pytest

from smsapi_async import (
    AsyncClient,
    InsufficientBalanceError,
    NoNumbersError,
    NothingBoughtError,
    NotSentError,
    OutcomeUnknownError,
    Pace,
    SpendUnknownError,
)
from smsapi_async._sending.lost_purchases import paired
from smsapi_async.rent import RentedNumber
from smsapi_async.rent._purchases import Numbers, Purchase, _is_as_before, _is_longer
from smsapi_async.sandbox import (
    BAD_GATEWAY,
    INTERNAL_ERROR,
    INTERNAL_ERROR_AFTER,
    MAINTENANCE,
    Cut,
    Delay,
    Delivery,
    Fault,
    LostAfter,
    LostBefore,
    Mangle,
    NotConnected,
    Reset,
    Sandbox,
    Scenario,
    Stall,
    literal,
)
from smsapi_async.testing import VirtualLoop, open_client
from tests.opening import open_elsewhere

BUY = "GET /api/rent/getRentNum.php"
EXTEND = "GET /api/rent/extendRentState.php"
LIST = "GET /api/rent/getRentState.php"
DAY = timedelta(days=1)

AFTER = [
    LostAfter(), Reset(), Cut(), Cut(at=0), Stall(), Delay(31), INTERNAL_ERROR_AFTER,
    attrs.evolve(BAD_GATEWAY, processed=True), attrs.evolve(MAINTENANCE, processed=True),
    literal("TRY_AGAIN_LATER", processed=True), literal("DUPLICATE_OPERATION", processed=True),
]  # fmt: skip
BEFORE = [LostBefore(), Reset(processed=False), INTERNAL_ERROR, BAD_GATEWAY, MAINTENANCE, literal("TRY_AGAIN_LATER")]


async def outcome(buy: Callable[[], Awaitable[RentedNumber]], into: list[Any]) -> None:
    """The number, or the error that was raised instead."""
    try:
        into.append(await buy())
    except (SpendUnknownError, NothingBoughtError) as error:
        into.append(error)


async def together(*purchases: Callable[[], Awaitable[RentedNumber]], apart: float = 0.01) -> list[Any]:
    """The outcomes of purchases begun so many seconds apart. Those begun in one moment know of the same numbers."""
    ends: list[list[Any]] = [[] for _ in purchases]
    async with anyio.create_task_group() as group:
        for buy, into in zip(purchases, ends, strict=True):
            group.start_soon(outcome, buy, into)
            await anyio.sleep(apart)
    return [end for (end,) in ends]


def tzids(found: Any) -> list[int]:
    """Of the numbers, or of the candidates that an error names."""
    return [number.tzid for number in getattr(found, "candidates", found)]


# -- buying -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", AFTER, ids=repr)
async def test_a_lost_answer_to_a_rent_is_found_in_the_list(fault: Fault, sandbox, client):
    """A rent is dear and is never undone: it is handed over, and no second one is bought."""
    sandbox.fail(BUY, fault)

    number = await client.rent.buy_number(7, 1)

    assert sandbox.ledger.rents == [number.tzid]
    assert sandbox.count(BUY) == 1


@pytest.mark.parametrize("fault", BEFORE, ids=repr)
async def test_a_rent_that_left_no_trace_was_not_made(fault: Fault, sandbox, client):
    """Three looks in ten seconds show no new number."""
    sandbox.fail(BUY, fault)

    with pytest.raises(NothingBoughtError, match=r"^rent\.buy_number: ") as caught:
        await client.rent.buy_number(7, 1)

    assert isinstance(caught.value.__cause__, OutcomeUnknownError)
    assert (sandbox.count(BUY), sandbox.count(LIST)) == (1, 4)


async def test_the_list_is_looked_at_for_ten_seconds(sandbox):
    """It may lag behind; the first look leaves it a second."""
    sandbox.fail(BUY, LostBefore())
    async with open_client(sandbox, pace=Pace(rent_per_second=10)) as client:
        with pytest.raises(NothingBoughtError):
            await client.rent.buy_number(7, 1)

    lost, *looks = [entry.at for entry in sandbox.log][1:]
    assert [at - lost for at in looks] == pytest.approx([1, 4, 10])


async def test_a_rent_that_never_left_is_sent_again(sandbox, client):
    """No connection was made, so nothing was bought."""
    sandbox.fail(BUY, NotConnected())

    number = await client.rent.buy_number(7, 1)

    assert (sandbox.ledger.rents, sandbox.count(BUY)) == ([number.tzid], 1)


async def test_a_refused_rent_is_no_lost_answer(sandbox, client):
    """The provider's word is enough."""
    with pytest.raises(NoNumbersError):
        await client.rent.buy_number(46, 7)

    assert [line.partition("?")[0] for line in sandbox.requests] == [LIST, BUY]


async def test_numbers_held_before_are_not_taken_for_the_lost_one(sandbox):
    """They are read once, before the first purchase."""
    async with open_elsewhere(sandbox) as other:
        before = await other.rent.buy_number(7, 1)
    async with open_client(sandbox) as client:
        first = await client.rent.buy_number(7, 1)
        sandbox.lose_next_reply()
        second = await client.rent.buy_number(7, 1)
        sandbox.fail(BUY, LostBefore())
        with pytest.raises(NothingBoughtError):
            await client.rent.buy_number(7, 1)

    assert sandbox.ledger.rents == [before.tzid, first.tzid, second.tzid]


async def test_without_knowing_what_is_held_nothing_is_bought(sandbox):
    """A lost answer could not be looked up; the error says that nothing was spent."""
    sandbox.fail(LIST, BAD_GATEWAY, times=9)
    async with open_client(sandbox, max_retries=0) as client:
        with pytest.raises(NotSentError, match=r"^rent\.buy_number: .*nothing spent"):
            await client.rent.buy_number(7, 1)

    assert sandbox.count(BUY) == 0


async def test_a_first_purchase_does_not_take_another_s_loss_for_something_held(sandbox):
    """Both ask what is held; the one that asks later must not see what the other one just lost."""
    sandbox.fail(BUY, LostAfter())
    async with open_client(sandbox) as client:
        numbers = await together(*[lambda: client.rent.buy_number(7, 1)] * 2)

    assert sorted(number.tzid for number in numbers) == sandbox.ledger.rents


@pytest.mark.parametrize("rate", [1, 10])
async def test_lost_rents_share_out_the_new_numbers(rate: int, sandbox):
    """Each is paid for, each caller gets one."""
    sandbox.fail(BUY, LostAfter(), times=4)

    async with open_client(sandbox, pace=Pace(rent_per_second=rate)) as client:
        numbers = await together(*[lambda: client.rent.buy_number(7, 1)] * 4)

    assert sorted(number.tzid for number in numbers) == sandbox.ledger.rents
    assert sandbox.count(BUY) == 4


async def test_lost_rents_of_two_countries_do_not_confuse_each_other(sandbox, client):
    """The list says which country a number is of."""
    sandbox.fail(BUY, LostAfter(), times=2)

    russian, swedish = await together(lambda: client.rent.buy_number(7, 1), lambda: client.rent.buy_number(46, 1))

    assert (russian.country, swedish.country) == (7, 46)


async def test_lost_rents_of_two_lengths_do_not_confuse_each_other(sandbox, client):
    """The first is connected at its second try, after the other was sent: the list says how long each one is."""
    sandbox.fail(BUY, NotConnected())
    sandbox.fail(BUY, LostAfter(), times=2)

    short, long = await together(lambda: client.rent.buy_number(7, 1), lambda: client.rent.buy_number(7, 7))

    assert (short.days_bought, long.days_bought) == (1, 7)


async def test_fewer_new_numbers_than_lost_rents_are_given_to_nobody(sandbox):
    """One of two was made. Whose it is cannot be told, now or a moment later."""
    sandbox.fail(BUY, LostAfter())
    sandbox.fail(BUY, LostBefore())
    async with open_client(sandbox, pace=Pace(rent_per_second=10)) as client:
        errors = await together(*[lambda: client.rent.buy_number(7, 1)] * 2, apart=0)

    assert [type(error) for error in errors] == [SpendUnknownError] * 2
    assert {tzids(error)[0] for error in errors} == set(sandbox.ledger.rents)


async def test_a_number_that_was_listed_before_a_lost_rent_is_not_its_own(sandbox):
    """Of two rents the first was made, and the second knows its number already."""
    sandbox.fail(BUY, LostAfter())
    sandbox.fail(BUY, LostBefore())
    async with open_client(sandbox, pace=Pace(rent_per_second=10)) as client:
        first, second = await together(*[lambda: client.rent.buy_number(7, 1)] * 2)

    assert [first.tzid] == sandbox.ledger.rents
    assert isinstance(second, NothingBoughtError)


async def test_a_number_hired_elsewhere_before_is_not_taken_for_a_lost_rent(sandbox, client):
    """A person hired it on the provider's pages after this client's first purchase."""
    await client.rent.buy_number(7, 1)
    async with open_elsewhere(sandbox) as other:
        await other.rent.buy_number(7, 1)
    sandbox.fail(BUY, LostBefore())

    with pytest.raises(NothingBoughtError):
        await client.rent.buy_number(7, 1)


async def test_an_answer_that_was_given_before_is_a_lost_one(sandbox, client):
    """A cache answered: two callers would share one number, and the second one would be paid for unseen."""
    answers: list[bytes] = []

    def noted(body: bytes) -> bytes:
        answers.append(body)
        return body

    sandbox.fail(BUY, Mangle(noted))
    sandbox.fail(BUY, Mangle(lambda _: answers[0]))

    first, second = [await client.rent.buy_number(7, 1) for _ in range(2)]

    assert [first.tzid, second.tzid] == sandbox.ledger.rents


async def test_two_new_numbers_for_one_lost_rent_are_both_named(sandbox, client):
    """Somebody else bought in the same seconds."""
    sandbox.fail(BUY, LostAfter())
    found: list[Any] = []
    async with open_elsewhere(sandbox) as other, anyio.create_task_group() as group:
        group.start_soon(outcome, lambda: client.rent.buy_number(7, 1), found)
        await anyio.sleep(0.5)
        await other.rent.buy_number(7, 1)

    assert isinstance(found[0], SpendUnknownError)
    assert tzids(found[0]) == sandbox.ledger.rents


@pytest.mark.parametrize("fault", [Delay(3), LostAfter()], ids=repr)
async def test_it_is_known_for_an_hour_when_a_number_was_bought(fault, sandbox, client):
    """A wait for a fresh number is patient with a list that lags; a service that runs for months does not grow."""
    sandbox.fail(BUY, fault)
    began = anyio.current_time()
    first = await client.rent.buy_number(7, 1)
    assert client.rent.purchases.bought_at(first.tzid) == pytest.approx(began, abs=1.1)

    await anyio.sleep(3700)
    second = await client.rent.buy_number(7, 1)

    assert client.rent.purchases.bought_at(first.tzid) is None
    assert client.rent.purchases.bought_at(second.tzid) is not None


async def test_with_a_shared_key_no_number_is_claimed(sandbox):
    """Another process may have hired it."""
    sandbox.lose_next_reply()
    async with open_client(sandbox, shared_key=True) as client:
        with pytest.raises(SpendUnknownError) as caught:
            await client.rent.buy_number(7, 1)

    assert tzids(caught.value) == sandbox.ledger.rents


@pytest.mark.parametrize("good_looks", [0, 1, 2])
async def test_a_list_that_cannot_be_read_denies_nothing(good_looks: int, sandbox):
    """Also not when an earlier look saw nothing: the list may lag."""
    sandbox.fail(BUY, LostBefore())
    sandbox.fail(LIST, BAD_GATEWAY, times=9, after=1 + good_looks)
    async with open_client(sandbox, max_retries=0) as client:
        with pytest.raises(SpendUnknownError):
            await client.rent.buy_number(7, 1)


@pytest.mark.parametrize("rate", [1, 10])
async def test_a_rent_in_flight_is_waited_for(rate: int, sandbox):
    """A row does not tell when it was bought: claimed, the number would have two owners."""
    sandbox.fail(BUY, LostBefore())
    sandbox.fail(BUY, Delay(20))

    async with open_client(sandbox, pace=Pace(rent_per_second=rate)) as client:
        failed, slow = await together(*[lambda: client.rent.buy_number(7, 1)] * 2)

    assert isinstance(failed, NothingBoughtError)
    assert sandbox.ledger.rents == [slow.tzid]


async def test_a_rent_that_has_not_left_is_not_waited_for(sandbox):
    """It could not have hired the number, and may look for a connection for long."""
    sandbox.fail(BUY, LostAfter())
    sandbox.fail(BUY, NotConnected(), times=4)
    async with open_client(sandbox, pace=Pace(rent_per_second=10)) as client, anyio.create_task_group() as group:

        async def unconnected() -> None:
            await anyio.sleep(0.5)
            with pytest.raises(NotSentError):
                await client.rent.buy_number(7, 1)

        group.start_soon(unconnected)
        number = await client.rent.buy_number(7, 1)

        assert anyio.current_time() < 2
        assert sandbox.ledger.rents == [number.tzid]


async def test_what_was_named_to_one_caller_is_not_claimed_for_another(sandbox):
    """He may have taken it. Numbers that are new after that are claimed again, once his may not turn up any more."""
    sandbox.fail(BUY, LostAfter())
    sandbox.fail(BUY, LostBefore())
    async with open_client(sandbox, pace=Pace(rent_per_second=10)) as client:
        errors = await together(*[lambda: client.rent.buy_number(7, 1)] * 2, apart=0)
        sandbox.fail(BUY, LostAfter(), times=2)
        with pytest.raises(SpendUnknownError) as soon:
            await client.rent.buy_number(7, 1)
        await anyio.sleep(60)
        later = await client.rent.buy_number(7, 1)

    assert sandbox.ledger.rents == [tzids(errors[0])[0], tzids(soon.value)[0], later.tzid]


def rented_number(tzid: int) -> RentedNumber:
    return RentedNumber(tzid=tzid, country=7, days_bought=1)


def test_each_number_goes_to_a_rent_it_may_have_come_of():
    """The later purchase knows of the first number already, so the second one is its own."""
    early, late = Purchase(7, 1, frozenset()), Purchase(7, 1, frozenset({1}))

    seen = Numbers((rented_number(1), rented_number(2)))

    pairs = paired([early, late], seen.rows, seen)

    assert {number.tzid: other for other, number in pairs} == {1: early, 2: late}
    assert paired([late, Purchase(7, 1, frozenset({1}))], seen.rows, seen) == []


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


# -- extending --------------------------------------------------------------------------------------------------------


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
    """Neither before nor after is it there to compare."""
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
    """A lost answer could not be told from a refusal."""
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


# -- callers who are gone ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Delay(5), Stall()], ids=repr)
async def test_a_rent_bought_for_a_caller_who_is_gone_is_kept_and_told(fault: Fault, sandbox):
    """Closing it would lose the money: it is his, and `client.unsettled` says so."""
    told: list[Any] = []
    sandbox.fail(BUY, fault)

    async def work() -> None:
        async with open_client(sandbox, on_unsettled=told.append) as client:
            with anyio.move_on_after(2) as scope:
                await client.rent.buy_number(7, 1)
            assert scope.cancelled_caught
            assert tzids(client.unsettled) == sandbox.ledger.rents
            sandbox.fail(BUY, LostBefore())
            with pytest.raises(NothingBoughtError):
                await client.rent.buy_number(7, 1)

    with pytest.warns(ResourceWarning, match="unsettled"):
        await work()

    assert [number.tzid for number in told] == sandbox.ledger.rents == sandbox.ledger.open_rents


async def test_an_extension_for_a_caller_who_is_gone_is_told(sandbox, rented):
    """It is paid for; he will want to know."""
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


async def test_a_caller_who_leaves_before_the_request_does_hires_nothing(sandbox, client):
    """One request a second and one at a time: it may wait for long, and is never undone."""
    sandbox.fail("getBalance", Delay(20))
    async with anyio.create_task_group() as group:
        await client.rent.buy_number(7, 1)
        group.start_soon(client.rent.balance)
        await anyio.sleep(2)
        with anyio.move_on_after(3):
            await client.rent.buy_number(7, 1)

    await anyio.sleep(30)
    assert len(sandbox.ledger.rents) == 1


async def test_an_unknown_rent_that_nobody_hears_of_is_logged(sandbox, caplog):
    """The candidates would be known to nobody else."""
    sandbox.fail(BUY, LostAfter())
    with caplog.at_level(logging.WARNING, "smsapi_async"), anyio.move_on_after(2):
        async with open_client(sandbox, shared_key=True) as client:
            await client.rent.buy_number(7, 1)

    assert f"purchase.unknown call=rent.buy_number candidates={sandbox.ledger.rents[0]}" in caplog.text


def test_a_loop_that_shuts_down_loses_no_rent(caplog):
    """`asyncio.run` cancels every task on its way out; the number is hired, and told."""
    sandbox = Sandbox()
    sandbox.fail(BUY, Delay(5))
    told: list[Any] = []
    tasks: list[Any] = []

    async def main() -> None:
        async def work() -> None:
            async with open_client(sandbox, on_unsettled=told.append) as client:
                await client.rent.buy_number(7, 1)

        tasks.append(asyncio.create_task(work()))
        await asyncio.sleep(2)

    with pytest.warns(ResourceWarning, match="unsettled"), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())

    assert [number.tzid for number in told] == sandbox.ledger.rents
    assert len(told) == 1
