"""Waits that are cancelled or closed, and waits that share their order."""

from __future__ import annotations

import asyncio

import anyio
import pytest

from smsapi_async import (
    Activation,
    AsyncClient,
    ClientClosedError,
    OrderClosedError,
    OrderExpiredError,
    WaitTimeoutError,
)
from smsapi_async.sandbox import Delay, Sandbox, Scenario, Stall
from smsapi_async.testing import open_client
from smsapi_async.v1 import Order
from tests.opening import buy, moments, second, status
from tests.support.messages import CODE

pytestmark = pytest.mark.usefixtures("steady")


# -- cancelled, closed ------------------------------------------------------------------------------------------------


async def test_a_cancelled_wait_sends_nothing_more(sandbox: Sandbox, client: AsyncClient) -> None:
    """The caller has the order's id, and decides about the order."""
    order_id = await buy(client)

    with anyio.move_on_after(7):
        await client.await_code(order_id)
    sent = len(sandbox.requests)
    await anyio.sleep(100)

    assert len(sandbox.requests) == sent
    assert sandbox.ledger.open == [order_id]
    assert client.unsettled == ()


async def test_a_wait_cancelled_in_the_middle_of_a_look_sends_nothing_more(
    sandbox: Sandbox, client: AsyncClient
) -> None:
    """The look under way dies with its task."""
    order_id = await buy(client)
    sandbox.fail("user/check", Stall())

    with anyio.move_on_after(7):
        await client.await_code(order_id)

    assert second() == 7
    assert sandbox.ledger.open == [order_id]


@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
@pytest.mark.parametrize("stalled", [False, True])
async def test_a_task_cancelled_by_asyncio_sends_nothing_more(
    sandbox: Sandbox, client: AsyncClient, stalled: bool
) -> None:
    """`task.cancel()` and `asyncio.timeout` throw into the waiting task itself."""
    order_id = await buy(client)
    if stalled:
        sandbox.fail("user/check", Stall())

    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(7):
            await client.await_code(order_id)

    assert not isinstance(caught.value, WaitTimeoutError)
    assert sandbox.ledger.open == [order_id]
    assert sandbox.count("GET /v1/user/cancel") == 0


async def test_closing_the_client_ends_its_waits_at_once(sandbox: Sandbox) -> None:
    """Also the one whose look is under way and never answered; the order stays open under its id."""
    ended: list[float] = []
    async with open_client(sandbox) as client:
        orders = [await buy(client) for _ in range(3)]
        sandbox.fail(f"user/check/{orders[0]}", Stall())

        async def wait(order_id: int) -> None:
            with pytest.raises(ClientClosedError):
                await client.await_code(order_id)
            ended.append(second())

        async with anyio.create_task_group() as group:
            for order_id in orders:
                group.start_soon(wait, order_id)
            await anyio.sleep(20)
            await client.aclose()

    assert ended == [20.0, 20.0, 20.0]
    assert sandbox.ledger.open == orders


async def test_after_closing_nothing_is_waited_for(sandbox: Sandbox) -> None:
    """Also of an order this client bought itself."""
    async with open_client(sandbox) as client:
        order_id = await buy(client)
        await client.aclose()

        with pytest.raises(ClientClosedError):
            await client.await_code(order_id)
        with pytest.raises(ClientClosedError):
            await anext(client.messages(order_id))


# -- several waits on one order ---------------------------------------------------------------------------------------


async def test_one_look_serves_every_wait_on_an_order(sandbox: Sandbox, client: AsyncClient) -> None:
    """Three parts of a program may ask for the same code."""
    order_id = await buy(client, sandbox, CODE)
    codes = []

    async def wait() -> None:
        codes.append(await client.await_code(order_id))

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(wait)

    assert codes == ["04217"] * 3
    assert moments(sandbox, "check") == [4.0, 6.0]
    assert sandbox.count("GET /v1/user/finish") == 1


async def test_only_the_last_wait_to_leave_settles_the_order(sandbox: Sandbox, client: AsyncClient) -> None:
    """A short timeout here must not take the number from who still waits there."""
    order_id = await buy(client)
    left: list[tuple[float, str]] = []

    async def wait(timeout: float) -> None:
        with pytest.raises(WaitTimeoutError):
            await client.await_code(order_id, timeout=timeout)
        left.append((second(), status(sandbox, order_id)))

    async with anyio.create_task_group() as group:
        group.start_soon(wait, 10)
        group.start_soon(wait, 20)

    assert left == [(10.0, "PENDING"), (20.0, "CANCELED")]


async def test_a_cancelled_wait_leaves_the_settling_to_the_others(sandbox: Sandbox, client: AsyncClient) -> None:
    """The look it held is taken by another at once."""
    order_id = await buy(client, sandbox, CODE)
    sandbox.fail("user/check", Stall())

    async def impatient() -> None:
        with anyio.move_on_after(7):
            await client.await_code(order_id)

    async with anyio.create_task_group() as group:
        group.start_soon(impatient)
        assert await client.await_code(order_id, timeout=600) == "04217"

    assert status(sandbox, order_id) == "FINISHED"


async def test_no_wait_settles_an_order_a_scope_looks_after(sandbox: Sandbox, client: AsyncClient) -> None:
    """The scope may want more of it, and settles it anyway."""
    async with client.activation("telegram", country="russia") as order:
        sandbox.world.receive(order.id, CODE.text, CODE.code, after=5)
        assert await client.await_code(order.id) == "04217"
        with pytest.raises(WaitTimeoutError):
            await client.await_code(order.id, timeout=5, match=lambda _: False)
        assert status(sandbox, order.id) == "RECEIVED"

    assert status(sandbox, order.id) == "FINISHED"


async def test_an_iterator_over_messages_keeps_no_wait_from_settling(sandbox: Sandbox, client: AsyncClient) -> None:
    """It is registered only inside `async for`, and settles nothing: the order would lapse."""
    order_id = await buy(client)
    texts: list[str] = []

    async def listen() -> None:
        texts.extend([sms.text async for sms in client.messages(order_id)])

    async with anyio.create_task_group() as group:
        group.start_soon(listen)
        with pytest.raises(OrderExpiredError):
            await client.await_code(order_id)

    assert texts == []
    assert sandbox.ledger.paid == 0


async def test_a_wait_of_another_loop_is_refused(sandbox: Sandbox) -> None:
    """Its records and events belong to one loop; the order was bought here, so no request would say so."""
    outcome: list[BaseException] = []
    async with open_client(sandbox) as client:
        order_id = await buy(client)

        def elsewhere() -> None:
            async def wait() -> None:
                await client.await_code(order_id)

            try:
                asyncio.run(wait())
            except RuntimeError as error:
                outcome.append(error)

        import threading  # noqa: PLC0415  only this test has a second loop

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()

        with pytest.raises(WaitTimeoutError):
            await client.await_code(order_id, timeout=1)

    assert "another event loop" in str(outcome[0])


# -- law and order among several waits --------------------------------------------------------------------------------


@pytest.mark.parametrize("settles_first", [False, True])
async def test_a_wait_that_may_not_settle_changes_nothing_for_one_that_may(
    sandbox: Sandbox, client: AsyncClient, settles_first: bool
) -> None:
    """The order in which the two joined decided about the refund."""
    order_id = await buy(client)

    async def wait(settle: bool) -> None:
        with pytest.raises(OrderExpiredError):
            await client.await_code(order_id, settle=settle)

    async with anyio.create_task_group() as group:
        for settle in (settles_first, not settles_first):
            group.start_soon(wait, settle)
            await anyio.sleep(1)

    assert status(sandbox, order_id) == "CANCELED"


async def test_a_wait_that_may_not_settle_keeps_no_code_s_order_open(sandbox: Sandbox, client: AsyncClient) -> None:
    """Its own match may be waiting for another message."""
    order_id = await buy(client, sandbox, CODE)

    async with anyio.create_task_group() as group:
        group.start_soon(_expect_nothing, client, order_id)
        assert await client.await_code(order_id) == "04217"
        assert status(sandbox, order_id) == "FINISHED"


async def _expect_nothing(client: AsyncClient, order_id: int) -> None:
    with pytest.raises(OrderClosedError):
        await client.await_code(order_id, settle=False, match=lambda sms: sms.sender == "nobody")


async def test_waits_that_end_with_a_held_order_all_see_it_settled(sandbox: Sandbox, client: AsyncClient) -> None:
    """The first to leave got its error with the order still open."""
    ended: list[str] = []

    async def wait(order: Activation) -> None:
        with pytest.raises(OrderExpiredError) as caught:
            await order.code()
        assert isinstance(caught.value.order, Order)
        ended.append(caught.value.order.status)

    async with client.activation("google", country="russia") as order, anyio.create_task_group() as group:
        group.start_soon(wait, order)
        group.start_soon(wait, order)

    assert ended == ["CANCELED", "CANCELED"]
    assert sandbox.count("GET /v1/user/cancel/") == 1


async def test_a_scope_left_while_a_wait_of_it_settles_sends_one_cancel(sandbox: Sandbox, client: AsyncClient) -> None:
    """Two cancels were sent, and two events."""
    sandbox.fail("user/cancel", Delay(4))

    async def wait(order: Activation) -> None:
        with pytest.raises(OrderExpiredError):
            await order.code()

    async with anyio.create_task_group() as group, client.activation("google", country="russia") as order:
        group.start_soon(wait, order)
        await anyio.sleep_until(891)

    assert sandbox.count("GET /v1/user/cancel/") == 1


async def test_a_wait_cancelled_while_its_code_is_finished_may_have_finished_it(
    sandbox: Sandbox, client: AsyncClient
) -> None:
    """The documents say so, and a new wait returns the code."""
    order_id = await buy(client, sandbox, CODE)
    sandbox.fail("user/finish", Stall(1))

    with anyio.move_on_after(6.5) as scope:
        await client.await_code(order_id)

    assert scope.cancelled_caught
    assert status(sandbox, order_id) == "FINISHED"
    assert await client.await_code(order_id) == "04217"


async def test_an_order_that_was_over_when_it_was_found_is_asked_for_its_code() -> None:
    """The answer to its purchase was lost, and the rows of the history have no messages."""
    sandbox = Sandbox(scenario=Scenario(plans={"telegram": [[CODE]]}, finish_after_sms=5))
    sandbox.listing_without_sms = True
    sandbox.fail("user/buy", Stall())
    async with open_client(sandbox) as client, client.activation("telegram", country="russia") as order:
        assert order.order.status == "FINISHED"
        assert await order.code() == "04217"
