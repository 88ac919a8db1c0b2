"""A caller cancelled in the middle of a purchase loses no order, and pays for none that it does not get."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import anyio
import pytest

from smsapi_async import ClientClosedError, Pace, PriceTooHighError, SpendUnknownError
from smsapi_async.sandbox import Delay, LostAfter, Mangle, NotConnected, Sandbox, Scenario, Stall
from smsapi_async.testing import VirtualLoop, open_client
from smsapi_async.v1 import Order
from tests.support.lost_orders import BUY, ids
from tests.support.lost_purchases import outcome

CANCEL = "GET /v1/user/cancel/"
WITHDRAW = {"receiver": "1", "method": "visa", "amount": "10", "fee": "payeer"}


async def cancelled_after(seconds: float, work: Callable[[], Awaitable[object]]) -> None:
    """Cancel the work by a scope, as both loops can."""
    with anyio.move_on_after(seconds) as scope:
        await work()
    assert scope.cancelled_caught


# -- on both loops ----------------------------------------------------------------------------------------------------


async def test_an_activation_bought_for_a_caller_who_is_gone_is_given_back(sandbox, client):
    """The answer comes after the caller left: the number is cancelled, the money comes back."""
    sandbox.fail(BUY, Delay(5))

    await cancelled_after(1, lambda: client.v1.buy_activation("telegram"))

    assert (len(sandbox.ledger.purchases), sandbox.ledger.open, sandbox.ledger.paid) == (1, [], 0)
    assert client.unsettled == ()
    assert 5 <= anyio.current_time() < 6


async def test_a_lost_purchase_of_a_caller_who_is_gone_is_found_and_given_back(sandbox, client):
    """No caller waits for the answer, and still nothing stays bought."""
    sandbox.fail(BUY, Stall())

    await cancelled_after(1, lambda: client.v1.buy_activation("telegram"))

    assert (len(sandbox.ledger.purchases), sandbox.ledger.open, sandbox.ledger.paid) == (1, [], 0)


async def test_what_cannot_be_given_back_in_time_is_registered(sandbox):
    """`cancel_timeout` bounds how long a cancelled caller is kept."""
    told: list[Any] = []
    sandbox = Sandbox(scenario=Scenario(cancel_lock=60))
    async with open_client(sandbox, on_unsettled=told.append) as client:
        sandbox.fail(BUY, Delay(5))
        await cancelled_after(1, lambda: client.v1.buy_activation("telegram"))

        assert ids(client.unsettled) == sandbox.ledger.open == [order.id for order in told]
        assert anyio.current_time() <= 16

        await anyio.sleep(60)
    assert (client.unsettled, sandbox.ledger.open) == ((), [])


async def test_a_hosting_order_bought_for_a_caller_who_is_gone_is_kept_and_told(sandbox):
    """It cannot be cancelled: it stays the caller's, and `client.unsettled` lists it."""
    told: list[Any] = []
    sandbox.fail(BUY, Delay(5))

    async def work() -> None:
        async with open_client(sandbox, on_unsettled=told.append) as client:
            await cancelled_after(1, lambda: client.v1.buy_hosting("1day"))

            assert ids(client.unsettled) == sandbox.ledger.purchases

    with pytest.warns(ResourceWarning, match="unsettled"):
        await work()

    assert [order.id for order in told] == sandbox.ledger.purchases
    assert sandbox.count(CANCEL) == 0


async def test_a_caller_who_leaves_before_the_request_does_buys_nothing(sandbox):
    """The purchase waits for its slot. Sent without a caller, it would cost rating or money."""
    async with open_client(sandbox, pace=Pace(v1_per_second=0.1)) as client:
        await client.v1.profile()

        await cancelled_after(5, lambda: client.v1.buy_hosting("1day"))
        await anyio.sleep(20)

    assert sandbox.ledger.purchases == []


async def test_a_caller_who_is_cancelled_already_buys_nothing(sandbox, client):
    """Clean-up code that buys is a mistake, and a cheap one."""
    await client.v1.profile()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await client.v1.buy_hosting("1day")

    assert sandbox.ledger.purchases == []


async def test_a_caller_who_leaves_while_no_connection_is_made_buys_nothing(sandbox, client):
    """No request left, so nothing is at stake: the pause before the next attempt ends with the caller."""
    sandbox.fail(BUY, NotConnected(), times=3)

    await cancelled_after(1, lambda: client.v1.buy_activation("telegram"))

    assert sandbox.requests == []
    assert anyio.current_time() == 1


async def test_an_unknown_outcome_that_nobody_hears_of_is_logged(sandbox, client, caplog):
    """Only the log names the candidates."""
    sandbox.fail(BUY, LostAfter())

    async def buy() -> None:
        async with open_client(sandbox, shared_key=True) as other:
            await other.v1.buy_activation("telegram")

    with caplog.at_level(logging.WARNING, "smsapi_async"):
        await cancelled_after(1, buy)

    assert f"purchase.unknown call=v1.buy_activation candidates={sandbox.ledger.purchases[0]}" in caplog.text


async def test_a_payout_completes_although_its_caller_is_gone(sandbox, client):
    """There is no way back and no record: at least it is not cut in the middle."""
    sandbox.fail("POST /v1/vendor/withdraw", Delay(5))

    await cancelled_after(1, lambda: client.v1.withdraw(**WITHDRAW))

    assert len(sandbox.ledger.withdrawals) == 1
    assert anyio.current_time() == 5


async def test_a_payout_whose_answer_is_lost_stays_unknown(sandbox, client):
    """No record shows a payout, so nothing is looked up or sent again."""
    sandbox.lose_next_reply()

    with pytest.raises(SpendUnknownError, match=r"^v1\.withdraw: ") as caught:
        await client.v1.withdraw(**WITHDRAW)

    assert (caught.value.candidates, len(sandbox.requests)) == ((), 1)


async def test_closing_the_client_lets_a_purchase_in_flight_complete(sandbox, client):
    """`aclose` waits for it; the one that has not left is refused."""
    sandbox.fail(BUY, LostAfter())
    found: list[Any] = []

    async with anyio.create_task_group() as group:
        group.start_soon(outcome, lambda: client.v1.buy_activation("telegram"), found)
        await anyio.sleep(0.5)
        await client.aclose()
        assert [order.id for order in found] == sandbox.ledger.purchases
    with pytest.raises(ClientClosedError):
        await client.v1.buy_activation("telegram")


async def test_an_order_above_the_ceiling_is_given_back(sandbox):
    """The provider ignored `maxPrice`; the caller does not pay for that."""
    sandbox = Sandbox(scenario=Scenario(ignores_max_price=True))
    async with open_client(sandbox) as client:
        with pytest.raises(PriceTooHighError, match=r"above the ceiling of 0\.1; .* given back at once") as caught:
            await client.v1.buy_activation("telegram", country="russia", max_price=Decimal("0.1"))

    assert caught.value.order.status == "CANCELED"
    assert (sandbox.ledger.open, sandbox.ledger.paid) == ([], Decimal(0))


async def test_a_lost_order_above_the_ceiling_is_given_back(sandbox):
    """An order found in the history is also held against the ceiling."""
    sandbox = Sandbox(scenario=Scenario(ignores_max_price=True))
    sandbox.lose_next_reply()
    async with open_client(sandbox) as client:
        with pytest.raises(PriceTooHighError):
            await client.v1.buy_activation("telegram", country="russia", max_price=Decimal("0.1"))

    assert (sandbox.ledger.open, sandbox.ledger.paid) == ([], Decimal(0))


async def test_an_order_above_the_ceiling_is_given_back_although_its_buyer_leaves(sandbox):
    """The buyer leaves while the order is given back: the cancellation goes on after it."""
    sandbox = Sandbox(scenario=Scenario(ignores_max_price=True))
    sandbox.fail(CANCEL, Delay(5))
    async with open_client(sandbox) as client:
        await cancelled_after(1, lambda: client.v1.buy_activation("telegram", country="russia", max_price="0.1"))

        assert round(anyio.current_time()) == 5
        assert (client.unsettled, sandbox.ledger.paid) == ((), 0)


async def test_an_order_above_the_ceiling_that_cannot_be_given_back_is_named(sandbox):
    """The error names the order, and `client.unsettled` lists it."""
    sandbox = Sandbox(scenario=Scenario(ignores_max_price=True, cancel_lock=60))
    async with open_client(sandbox, settle_timeout=20) as client:
        with pytest.raises(PriceTooHighError) as caught:
            await client.v1.buy_activation("telegram", country="russia", max_price="0.1")

        assert (caught.value.order,) == client.unsettled
        assert ids(client.unsettled) == sandbox.ledger.open
        await anyio.sleep(60)
    assert sandbox.ledger.paid == 0


async def test_a_hosting_order_that_is_not_told_as_one_is_kept_all_the_same(sandbox, client):
    """Its answer may leave the product out; the call knew it."""
    scope, told = anyio.CancelScope(), ["id", "phone"]

    def cut(body: bytes) -> bytes:
        scope.cancel()
        return json.dumps({key: value for key, value in json.loads(body).items() if key in told}).encode()

    sandbox.fail("/buy/hosting", Mangle(cut))
    with pytest.warns(ResourceWarning, match="unsettled"):  # noqa: PT031 - the closing warns
        async with open_client(sandbox) as buyer:
            with scope:
                await buyer.v1.buy_hosting("3hours", country="russia")

            assert [order.id for order in buyer.unsettled if isinstance(order, Order)] == sandbox.ledger.purchases
    assert sandbox.count("GET /v1/user/cancel") == 0


# -- asyncio's own ways, which know no scopes -------------------------------------------------------------------------


async def by_task_cancel(buy: Callable[[], Awaitable[object]]) -> None:
    task = asyncio.create_task(outcome(buy, []))
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def by_task_cancel_twice(buy: Callable[[], Awaitable[object]]) -> None:
    task = asyncio.create_task(outcome(buy, []))
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def by_timeout(buy: Callable[[], Awaitable[object]]) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await buy()
    assert uncancelled()


async def by_wait_for(buy: Callable[[], Awaitable[object]]) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(buy(), 1)
    assert uncancelled()


def uncancelled() -> bool:
    """A cancellation counted once too often would end the caller's next wait."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() == 0


async def by_collapse(buy: Callable[[], Awaitable[object]]) -> None:
    async def fail() -> None:
        await asyncio.sleep(1)
        raise LookupError

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(outcome(buy, []))
            group.create_task(fail())

    with pytest.raises(ExceptionGroup):
        await both()


@pytest.mark.parametrize("anyio_backend", [("asyncio", {"loop_factory": VirtualLoop})], ids=["asyncio"])
@pytest.mark.parametrize("fault", [Delay(5), LostAfter(), Stall()], ids=repr)
@pytest.mark.parametrize("leave", [by_task_cancel, by_task_cancel_twice, by_timeout, by_wait_for, by_collapse])
async def test_asyncio_s_own_cancellations_lose_no_purchase(leave, fault, sandbox, client):
    """These throw into the awaiting task itself, through any shield around an await."""
    sandbox.fail(BUY, fault)

    await leave(lambda: client.v1.buy_activation("telegram"))

    assert (len(sandbox.ledger.purchases), sandbox.ledger.open, sandbox.ledger.paid) == (1, [], 0)
