"""Orders and payments of others: a lost purchase must not claim them, and they must not hide its own order."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import anyio
import pytest

from smsapi_async import SpendUnknownError
from smsapi_async.sandbox import Answer, Delay, LostAfter, LostBefore, Mangle, Offer, Sandbox, Scenario, Stall
from smsapi_async.sandbox._orders import Wish
from smsapi_async.testing import open_client
from tests.opening import open_elsewhere
from tests.support.lost_orders import BOOK, BUY, HISTORY, ids
from tests.support.lost_purchases import answer_twice, outcome

NO_HISTORY = Answer(200, '{"Data":[],"ProductNames":[],"Statuses":[],"Total":0}')


async def bought_elsewhere(sandbox: Any) -> int:
    """An order of another program with the same key."""
    async with open_elsewhere(sandbox) as other:
        return (await other.v1.buy_activation("telegram")).id


async def test_an_order_that_is_awaited_is_not_taken_for_a_lost_purchase(sandbox, client):
    """Two callers would wait for one code, and both would settle the order."""
    await client.v1.buy_activation("facebook")
    order_id = await bought_elsewhere(sandbox)
    sandbox.fail(BUY, LostBefore())
    async with anyio.create_task_group() as group:
        group.start_soon(client.await_code, order_id)

        with pytest.raises(SpendUnknownError) as caught:
            await client.v1.buy_activation("telegram")

        assert ids(caught.value) == [order_id]
        group.cancel_scope.cancel()


async def test_an_order_that_a_scope_took_up_is_not_taken_for_a_lost_purchase(sandbox, client):
    """The orders that a crash left open are resumed while others buy."""
    await client.v1.buy_activation("facebook")
    order_id = await bought_elsewhere(sandbox)
    sandbox.fail(BUY, LostBefore())
    async with client.resume(order_id):
        with pytest.raises(SpendUnknownError) as caught:
            await client.v1.buy_activation("telegram")

    assert ids(caught.value) == [order_id]


@pytest.mark.parametrize("empty", [False, True], ids=["in the history", "in the book"])
async def test_a_purchase_in_flight_does_not_hide_the_order_of_a_lost_one(empty):
    """The one order that there is was made late. A purchase in flight has made none: it is about to be refused."""
    offers = (Offer("russia", "telegram", "mts", "0.2", 1), Offer("russia", "facebook", "mts", "0.2", 9))
    sandbox, found = Sandbox(scenario=Scenario(offers=offers)), list[Any]()
    async with open_client(sandbox) as client, anyio.create_task_group() as group:
        await client.v1.buy_activation("facebook")
        sandbox.fail(BUY, LostBefore())
        sandbox.fail(BUY, Delay(25))
        if empty:
            sandbox.fail(HISTORY, NO_HISTORY, times=10)
        group.start_soon(outcome, lambda: client.v1.buy_activation("telegram"), found)
        await anyio.sleep(8)
        sandbox.world.order_book.buy(Wish(country="russia", operator="any", product="telegram"))
        group.start_soon(outcome, lambda: client.v1.buy_activation("telegram"), [])

    assert isinstance(found[0], SpendUnknownError)
    assert ids(found[0]) == ([] if empty else [max(sandbox.world.orders)])


@pytest.mark.parametrize("field", ["TypeName", "ProviderName"])
async def test_a_payment_that_does_not_tell_what_it_is_for_forbids_to_deny(field, sandbox, client):
    """It may be the payment of the lost purchase, whose order the history does not show yet."""
    await client.v1.buy_activation("facebook")
    sandbox.fail(BUY, LostAfter())
    sandbox.fail(HISTORY, NO_HISTORY, times=10)
    sandbox.fail(BOOK, Mangle(lambda body: body.replace(f'"{field}":"'.encode(), f'"{field}":{{}},"x":"'.encode())))

    with pytest.raises(SpendUnknownError):
        await client.v1.buy_activation("telegram")


async def test_an_answer_that_was_given_before_is_a_lost_one(sandbox, client):
    """A cache answered, or the provider by mistake: two callers would share one number, and one was paid for unseen."""
    answer_twice(sandbox, BUY)

    first, second = [await client.v1.buy_activation("telegram") for _ in range(2)]

    assert [first.id, second.id] == sandbox.ledger.purchases


async def test_the_row_of_an_earlier_lost_purchase_is_not_taken_when_answers_are_slow(sandbox, client):
    """A slow answer blurs the window of a row: it reaches back to a purchase of fifteen seconds before."""
    await client.v1.buy_activation("facebook")
    sandbox.fail(BUY, LostAfter())
    sandbox.fail(HISTORY, NO_HISTORY, times=3)
    with pytest.raises(SpendUnknownError):
        await client.v1.buy_activation("telegram")
    await anyio.sleep(5)
    sandbox.fail(BUY, LostBefore())
    sandbox.fail(HISTORY, Delay(12), times=10)

    with pytest.raises(SpendUnknownError) as caught:
        await client.v1.buy_activation("telegram")

    assert ids(caught.value) == sandbox.ledger.purchases[1:]


@pytest.mark.parametrize("again", ["another client", "the same number"])
async def test_an_answer_that_was_given_to_another_call_is_a_lost_one(again, sandbox, client):
    """The client beside shares the account, and a number that is bought again has an order of its own."""
    kept: list[bytes] = []

    def noted(body: bytes) -> bytes:
        kept.append(body)
        return body

    sandbox.fail("user/reuse" if again == "the same number" else BUY, Mangle(noted))
    if again == "the same number":
        first = await client.v1.buy_activation("telegram", reuse=True)
        sandbox.world.receive(first.id, "code 1234", "1234")
        await client.v1.finish(first.id)
        one = await client.v1.reuse("telegram", first.phone)
        sandbox.world.receive(one.id, "code 1234", "1234")
        await client.v1.finish(one.id)
        sandbox.fail("user/reuse", Mangle(lambda _: kept[0]))
        two = await client.v1.reuse("telegram", first.phone)
    else:
        one = await client.v1.buy_activation("telegram")
        sandbox.fail(BUY, Mangle(lambda _: kept[0]))
        async with open_client(sandbox) as other:
            two = await other.v1.buy_activation("telegram")

    assert [one.id, two.id] == sandbox.ledger.purchases[-2:]


@pytest.mark.parametrize("gap", [4.3, 4.6, 4.9, 5.2])
async def test_a_book_that_counts_whole_seconds_hides_no_payment(gap):
    """An order of just before the window must not explain the payment of the lost purchase."""
    sandbox = Sandbox()
    async with open_client(sandbox) as client:
        await client.v1.profile()  # from here on the provider's clock is known, and this loop's
        await anyio.sleep(10.7)
        for _ in range(3):
            await client.v1.buy_activation("facebook")
        await anyio.sleep(30)
        await client.v1.buy_activation("telegram")
        await anyio.sleep(gap)
        sandbox.fail(BUY, LostAfter())
        sandbox.fail(HISTORY, NO_HISTORY, times=10)
        sandbox.fail(BOOK, Mangle(lambda body: re.sub(rb"(T\d\d:\d\d:\d\d)\.\d+Z", rb"\1Z", body)), times=10)

        with pytest.raises(SpendUnknownError):
            await client.v1.buy_activation("telegram")


@pytest.mark.parametrize(("old", "new"), [('"buy"', '"Buy"'), ('"buy"', '"order"'), ('"telegram"', '"Telegram"')])
async def test_a_payment_in_other_words_forbids_to_deny(old, new, sandbox, client):
    """Only two of the types are known, and lists write names as they like."""
    await client.v1.buy_activation("facebook")
    sandbox.fail(BUY, LostAfter())
    sandbox.fail(HISTORY, NO_HISTORY, times=10)
    sandbox.fail(BOOK, Mangle(lambda body: body.replace(old.encode(), new.encode())))

    with pytest.raises(SpendUnknownError):
        await client.v1.buy_activation("telegram")


async def test_records_that_lack_a_known_order_deny_nothing(sandbox, client):
    """They lag: the lost order may be missing for the same reason."""
    await client.v1.buy_activation("facebook")
    await client.v1.buy_activation("telegram")
    await anyio.sleep(2)
    sandbox.history_lag = timedelta(seconds=15)
    sandbox.fail(BUY, LostAfter())

    with pytest.raises(SpendUnknownError):
        await client.v1.buy_activation("telegram")


@pytest.mark.parametrize("silent", [HISTORY, BOOK])
async def test_a_provider_that_falls_silent_holds_the_search_for_two_minutes_at_most(silent, sandbox, client):
    """Each look repeated its request four times, with thirty seconds for each."""
    sandbox.fail(BUY, LostAfter())
    sandbox.fail(HISTORY, NO_HISTORY if silent == BOOK else Stall(1000), times=100)
    sandbox.fail(BOOK, Stall(1000), times=100)
    began = anyio.current_time()

    with pytest.raises(SpendUnknownError):
        await client.v1.buy_activation("telegram")

    assert anyio.current_time() - began <= 110


async def test_a_purchase_in_flight_for_minutes_leaves_the_payment_of_a_lost_one_unexplained():
    """It is not waited for without end: whose the payment is stays unknown."""
    sandbox, found = Sandbox(), list[Any]()
    async with open_client(sandbox, request_timeout=200) as client, anyio.create_task_group() as group:
        await client.v1.buy_activation("facebook")
        sandbox.fail(BUY, LostAfter())
        sandbox.fail(BUY, Delay(150))
        sandbox.fail(HISTORY, NO_HISTORY, times=20)
        group.start_soon(outcome, lambda: client.v1.buy_activation("telegram"), found)
        await anyio.sleep(9)
        group.start_soon(outcome, lambda: client.v1.buy_activation("telegram"), [])
        await anyio.sleep(70)

        assert [type(error) for error in found] == [SpendUnknownError]
