"""A rent whose answer is lost is looked up in the list of numbers, and never bought twice."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import anyio
import pytest

from smsapi_async import NoNumbersError, NothingBoughtError, NotSentError, OutcomeUnknownError, Pace, SpendUnknownError
from smsapi_async._sending.records import paired
from smsapi_async.rent import RentedNumber
from smsapi_async.rent._purchases import Numbers, Purchase
from smsapi_async.sandbox import BAD_GATEWAY, Delay, Fault, LostAfter, LostBefore, NotConnected
from smsapi_async.testing import open_client
from tests.opening import open_elsewhere
from tests.support.lost_purchases import answer_twice, beside
from tests.support.lost_rents import AFTER, BEFORE, BUY, LIST, together, tzids


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
    """One of two rents was made. The records do not show which one, now or a moment later."""
    sandbox.fail(BUY, LostAfter())
    sandbox.fail(BUY, LostBefore())
    async with open_client(sandbox, pace=Pace(rent_per_second=10)) as client:
        errors = await together(*[lambda: client.rent.buy_number(7, 1)] * 2, apart=0)

    assert [type(error) for error in errors] == [SpendUnknownError] * 2
    assert {tzids(error)[0] for error in errors} == set(sandbox.ledger.rents)


async def test_a_number_that_was_listed_before_a_lost_rent_is_not_its_own(sandbox):
    """The first of two rents was made, and the second one knows that number already."""
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
    answer_twice(sandbox, BUY)

    first, second = [await client.rent.buy_number(7, 1) for _ in range(2)]

    assert [first.tzid, second.tzid] == sandbox.ledger.rents


async def test_two_new_numbers_for_one_lost_rent_are_both_named(sandbox, client):
    """Another process bought in the same seconds."""
    sandbox.fail(BUY, LostAfter())

    async with open_elsewhere(sandbox) as other:
        found = await beside(*(partial(each.rent.buy_number, 7, 1) for each in (client, other)), after=0.5)

    assert isinstance(found, SpendUnknownError)
    assert tzids(found) == sandbox.ledger.rents


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
    """A row has no time of purchase: the number might be claimed, and get two owners."""
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
    """The first caller may have taken the number. New numbers are claimed again once that rent is too old."""
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


async def test_a_list_that_lacks_a_number_just_rented_denies_nothing(sandbox, client):
    """It lags: the number of the lost rent may be missing for the same reason."""
    await client.rent.buy_number(7, 1)
    await anyio.sleep(2)
    sandbox.rent_lag = timedelta(seconds=30)
    sandbox.fail(BUY, LostAfter())

    with pytest.raises(SpendUnknownError):
        await client.rent.buy_number(7, 1)


async def test_equal_price_lists_in_flight_are_read_once(sandbox, client):
    """At one request a second ten of them took nine seconds."""
    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(client.rent.tariffs)

    assert sandbox.count("GET /api/rent/tariffsRent.php") == 1
