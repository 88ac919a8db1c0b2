"""Several purchases at once lose their answers: each gets its own order, none is claimed twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import anyio
import pytest

from smsapi_async import NothingBoughtError, NotSentError, SpendUnknownError
from smsapi_async._sending import Attempt, Clock
from smsapi_async._sending.records import entangled, paired
from smsapi_async.sandbox import (
    INTERNAL_ERROR,
    Answer,
    Delay,
    Delivery,
    LostAfter,
    LostBefore,
    NotConnected,
    Sandbox,
    Scenario,
    Stall,
)
from smsapi_async.testing import open_client
from smsapi_async.v1 import Order
from smsapi_async.v1._matching import Purchase, Records
from tests.support.lost_orders import BOOK, BUY, HISTORY
from tests.support.lost_purchases import outcome, together


@pytest.mark.parametrize("k", [2, 5, 20])
async def test_k_lost_purchases_share_out_k_orders(k: int, sandbox, client):
    """An outage takes many answers at once; every number is paid for and each caller gets one."""
    sandbox.fail(BUY, LostAfter(), times=k)

    orders = await together(*[lambda: client.v1.buy_activation("telegram")] * k)

    assert sorted(order.id for order in orders) == sandbox.ledger.purchases
    assert sandbox.count(BUY) == k


async def test_fewer_orders_than_lost_purchases_are_given_to_nobody(sandbox, client):
    """One of the two was made. The records do not show whose it is, so both callers get it as a candidate."""
    sandbox.fail(BUY, LostAfter())
    sandbox.fail(BUY, LostBefore())

    errors = await together(*[lambda: client.v1.buy_activation("telegram")] * 2)

    assert [type(error) for error in errors] == [SpendUnknownError] * 2
    assert {error.candidates[0].id for error in errors} == set(sandbox.ledger.purchases)


async def test_lost_purchases_in_different_countries_do_not_confuse_each_other(sandbox, client):
    """The rows distinguish them."""
    sandbox.fail(BUY, LostAfter(), times=2)

    russian, english = await together(
        lambda: client.v1.buy_activation("telegram", country="russia"),
        lambda: client.v1.buy_activation("telegram", country="england"),
    )

    assert (russian.country, english.country) == ("russia", "england")


async def test_a_lost_purchase_from_anywhere_leaves_a_certain_one_alone(sandbox, client):
    """The order of `any` may be the other call's: unequal calls are not shared out."""
    sandbox.fail(BUY, LostAfter(), times=2)

    errors = await together(
        lambda: client.v1.buy_activation("facebook"), lambda: client.v1.buy_activation("facebook", country="england")
    )

    assert [type(error) for error in errors] == [SpendUnknownError] * 2
    assert all(len(error.candidates) == 2 for error in errors)


@pytest.mark.parametrize("options", [{"reuse": True}, {"voice": True}, {"operator": "mts"}, {"max_price": 3}], ids=str)
async def test_lost_purchases_with_other_options_are_not_shared_out(options, sandbox, client):
    """No row shows that a number may be bought again: swapped, a caller would hold an order it did not ask for."""
    sandbox.fail(BUY, LostAfter(), times=2)

    errors = await together(
        lambda: client.v1.buy_activation("telegram", country="russia"),
        lambda: client.v1.buy_activation("telegram", country="russia", **options),
    )

    assert [type(error) for error in errors] == [SpendUnknownError] * 2
    assert all(len(error.candidates) == 2 for error in errors)


async def test_a_purchase_lost_later_does_not_spoil_an_earlier_one(sandbox, client):
    """Lost ten seconds apart, one made, one not: each caller gets the truth."""
    sandbox.fail(BUY, LostAfter())
    sandbox.fail(BUY, LostBefore())
    sandbox.history_lag = timedelta(seconds=9)

    made, failed = await together(*[lambda: client.v1.buy_activation("telegram")] * 2, apart=8.5)

    assert made.id in sandbox.ledger.purchases
    assert isinstance(failed, NothingBoughtError)


async def test_an_order_found_for_it_while_the_payments_are_read_is_returned(sandbox, client):
    """The other's lookup gives both their orders. A page that was read before must not deny the first one."""
    await client.v1.buy_activation("facebook")
    sandbox.fail(BUY, LostAfter(), times=2)
    sandbox.history_lag = timedelta(hours=1)
    sandbox.fail(BOOK, Delay(5))
    found: list[Any] = []
    async with anyio.create_task_group() as group:
        for _ in range(2):
            group.start_soon(outcome, lambda: client.v1.buy_activation("telegram"), found)
            await anyio.sleep(2)
        await anyio.sleep_until(11)  # the first has looked for the last time
        sandbox.history_lag = timedelta(0)

    assert sorted(order.id for order in found) == sandbox.ledger.purchases[1:]


async def test_a_purchase_in_flight_is_waited_for(sandbox, client):
    """Its order is already in the history, and is not the lost one."""
    sandbox.fail(BUY, Delay(20))
    sandbox.fail(BUY, LostAfter())

    slow, lost = await together(*[lambda: client.v1.buy_activation("telegram")] * 2, apart=0.1)

    assert {slow.id, lost.id} == set(sandbox.ledger.purchases)
    assert sandbox.ledger.purchases.index(slow.id) == 0
    assert anyio.current_time() >= 20


async def test_nothing_is_denied_before_a_later_purchase_in_flight_has_its_answer(sandbox, client):
    """A row behind the window may be the lost one's, carried out late, until the other has said that it is its own."""
    await client.v1.buy_activation("facebook")
    sandbox.fail(BUY, LostBefore())
    sandbox.fail(BUY, Delay(25))
    found: list[Any] = []
    async with anyio.create_task_group() as group:
        group.start_soon(outcome, lambda: client.v1.buy_activation("telegram"), found)
        await anyio.sleep(8)
        group.start_soon(outcome, lambda: client.v1.buy_activation("telegram"), [])
        await anyio.sleep(4)
        assert found == []
    assert [type(error) for error in found] == [NothingBoughtError]
    assert anyio.current_time() == pytest.approx(33, abs=0.5)


@pytest.mark.parametrize(("stall", "sent_after", "delay"), [(4, 2, 15), (20, 8, 25)], ids=["soon", "late"])
async def test_a_purchase_sent_while_the_history_is_read_is_waited_for(stall, sent_after, delay, sandbox, client):
    """A row of its may be in the answer while its own answer is not there yet: claimed, it would have two owners."""
    sandbox.fail(BUY, LostBefore())
    sandbox.fail(HISTORY, Stall(stall, processed=False))
    found: list[Any] = []
    async with anyio.create_task_group() as group:
        group.start_soon(outcome, lambda: client.v1.buy_activation("telegram"), found)
        await anyio.sleep(sent_after)
        sandbox.fail(BUY, Delay(delay))
        later = await client.v1.buy_activation("telegram")
        assert sandbox.ledger.purchases == [later.id]

    assert [type(error) for error in found] == [NothingBoughtError]


async def test_a_purchase_in_flight_that_is_in_the_way_of_another_lost_one_is_waited_for(sandbox, client):
    """Two are lost and two rows may be theirs, but the second row is of a third purchase, whose answer is late."""
    sandbox.fail(BUY, LostBefore())
    sandbox.fail(BUY, LostAfter())
    sandbox.fail(BUY, Delay(12))
    found: list[Any] = []
    async with anyio.create_task_group() as group:
        for begins in (0, 2.5, 5.6):
            await anyio.sleep_until(begins)
            group.start_soon(outcome, lambda: client.v1.buy_activation("telegram"), found)

    bought, answered = sandbox.ledger.purchases
    assert [order.id for order in found if isinstance(order, Order)] == [answered]
    unknown = [error for error in found if isinstance(error, SpendUnknownError)]
    assert [[getattr(row, "id", None) for row in error.candidates] for error in unknown] == [[bought]] * 2


async def test_a_lost_purchase_does_not_take_a_reused_number(sandbox):
    """Both rows are telegram's; the phone shows only whose the reused one is.

    The price of a reuse is documented nowhere, so the payment of the reused number explains nothing. Nothing is denied.
    """
    plans = {"telegram": [[Delivery(1, "code 04217", "04217")]]}
    sandbox = Sandbox(scenario=Scenario(plans=plans))
    async with open_client(sandbox) as client:
        first = await client.v1.buy_activation("telegram", reuse=True)
        await client.await_code(first.id)
        sandbox.fail(BUY, LostBefore())
        sandbox.fail("GET /v1/user/reuse/", Delay(5))

        failed, again = await together(
            lambda: client.v1.buy_activation("telegram"), lambda: client.v1.reuse("telegram", first.phone)
        )

    assert again.id == sandbox.ledger.purchases[1]
    assert isinstance(failed, SpendUnknownError)
    assert failed.candidates == ()


async def test_a_purchase_that_has_not_left_is_not_waited_for(sandbox, client):
    """It could not have made the row; it may be waiting for its slot for long."""
    sandbox.fail(BUY, LostAfter(), times=40)

    orders = await together(*[lambda: client.v1.buy_activation("telegram")] * 40)

    assert sorted(order.id for order in orders) == sandbox.ledger.purchases
    assert anyio.current_time() < 5


async def test_a_purchase_that_has_not_left_explains_no_payment(sandbox, client):
    """The book shows a purchase that the history lacks: it is not one that has found no connection yet."""
    sandbox.fail(BUY, LostAfter())
    sandbox.fail(BUY, NotConnected(), times=4)
    sandbox.fail(HISTORY, Answer(200, '{"Data":[],"Total":0}', "application/json"), times=9)

    lost, waiting = await together(*[lambda: client.v1.buy_activation("telegram")] * 2, apart=8.7)

    assert [type(lost), type(waiting)] == [SpendUnknownError, NotSentError]


async def test_what_was_named_to_one_caller_is_not_claimed_for_another(sandbox, client):
    """The first caller has it as a candidate, and may have taken it; the second caller has it as well."""
    await client.v1.buy_activation("facebook")  # from here on the windows of all others are certain
    sandbox.fail(BUY, LostAfter())
    sandbox.fail(BUY, LostBefore(), times=2)
    errors = await together(*[lambda: client.v1.buy_activation("telegram")] * 2)
    assert [type(error) for error in errors] == [SpendUnknownError] * 2

    with pytest.raises(NothingBoughtError):
        await client.v1.buy_activation("telegram")

    sandbox.fail(BUY, LostAfter())
    order = await client.v1.buy_activation("telegram")
    assert sandbox.ledger.purchases[1:] == [errors[0].candidates[0].id, order.id]


async def test_what_turns_up_for_one_caller_later_is_not_claimed_for_another(sandbox):
    """The caller's outcome was unknown before the history had the order; another caller's is since then."""
    sandbox.history_lag = timedelta(seconds=12)
    sandbox.fail(BUY, LostAfter(), times=2)
    sandbox.fail(BUY, LostBefore())
    sandbox.fail(BOOK, INTERNAL_ERROR, times=2)
    products = ("telegram", "facebook", "telegram")
    async with open_client(sandbox, max_retries=0) as client:
        errors = await together(*[partial(client.v1.buy_activation, product) for product in products], apart=2.3)

    assert [type(error) for error in errors] == [SpendUnknownError] * 3
    assert [order.id for order in errors[2].candidates] == sandbox.ledger.purchases[:1]


async def test_an_order_is_remembered_for_an_hour(sandbox, client):
    """Long enough for every look into the records; a service that runs for months does not grow."""
    first = await client.v1.buy_activation("telegram")
    await anyio.sleep(3000)
    second = await client.v1.buy_activation("telegram")
    assert client._purchases.bought(first.id) is not None

    await anyio.sleep(700)
    third = await client.v1.buy_activation("telegram")

    assert client._purchases.bought(first.id) is None
    assert None not in [client._purchases.bought(order.id) for order in (second, third)]


def purchase(sent_at: float, lost_at: float) -> Purchase:
    made = Purchase("activation", "telegram", lost_at=lost_at)
    made.attempt = cast("Attempt[Order]", SimpleNamespace(sent_at=sent_at))
    return made


def records(*ages: float) -> Records[Order]:
    """Rows created N seconds after the loop's clock began."""
    zero, clock = datetime(2026, 1, 1, tzinfo=UTC), Clock()
    clock.note(zero, 0.0)
    rows = [Order(id=number, product="telegram", created_at=zero + timedelta(seconds=age)) for number, age in
            enumerate(ages)]  # fmt: skip
    return Records(tuple(rows), clock)


def test_each_row_goes_to_a_purchase_of_its_time():
    """The first row fits both, the second one only the longer of the two."""
    long, short = purchase(0, 60), purchase(0, 10)
    seen = records(5, 50)

    pairs = paired([long, short], seen.rows, seen)

    assert [(other, row.id) for other, row in pairs] == [(short, 0), (long, 1)]


def test_rows_that_do_not_come_out_even_are_given_to_nobody():
    """Three and three, yet two of the purchases can only be the same row: so not all of the rows are theirs."""
    group = [purchase(0, 60), purchase(0, 1), purchase(0, 2)]
    seen = records(1, 30, 50)

    assert entangled(group[0], group, seen.rows, seen) == (group, list(seen.rows))
    assert paired(group, seen.rows, seen) == []
