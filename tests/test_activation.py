"""The scope of one order: its codes and messages, an order that exists already, and several scopes on one order."""

from __future__ import annotations

import gc
from datetime import timedelta

import anyio
import pytest

from smsapi_async import AsyncClient, OrderClosedError, OrderExpiredError, OrderStateError, WaitTimeoutError
from smsapi_async.rent import RentedNumber
from smsapi_async.sandbox import NotConnected, Request, Sandbox, Stall
from smsapi_async.testing import open_client
from smsapi_async.v1 import Order
from tests.opening import moments, second, statuses
from tests.support.messages import CODE, THREE_MESSAGES

pytestmark = pytest.mark.usefixtures("steady")


@pytest.fixture
def sandbox() -> Sandbox:
    """The orders of `telegram` receive three messages."""
    return Sandbox(scenario=THREE_MESSAGES)


def last_looks(request: Request) -> bool:
    return "user/check" in request.line and anyio.current_time() > 865


# -- inside -----------------------------------------------------------------------------------------------------------


async def test_an_order_whose_code_was_taken_is_finished(sandbox: Sandbox, client: AsyncClient) -> None:
    """The six lines of the README."""
    async with client.activation("telegram", country="russia") as order:
        assert order.phone.startswith("+7")
        assert order.id == order.order.id
        assert await order.code() == "04217"
        assert statuses(sandbox) == ["RECEIVED"]

    assert statuses(sandbox) == ["FINISHED"]
    assert order.order.status == "FINISHED"
    assert client.unsettled == ()


async def test_a_second_code_is_one_in_a_new_message(client: AsyncClient) -> None:
    """The first one again would be typed in again; the same one in a new message was asked for."""
    async with client.activation("telegram", country="russia") as order:
        first, at = await order.code(), second()
        again, again_at = await order.code(), second()
        last = await order.sms(timeout=timedelta(seconds=60))

    assert (first, at, again, last.code) == ("04217", 6, "04217", "88888")
    assert 30 <= again_at <= 32


async def test_a_timeout_inside_leaves_the_order_open_for_more(sandbox: Sandbox, client: AsyncClient) -> None:
    """The scope settles it, not the wait."""
    async with client.activation("telegram", country="russia") as order:
        with pytest.raises(WaitTimeoutError):
            await order.code(timeout=3)

        assert await order.code() == "04217"


async def test_messages_of_the_scope_are_those_of_the_order(sandbox: Sandbox, client: AsyncClient) -> None:
    """A caller that read the message has the code: the order is finished."""
    async with client.activation("telegram", country="russia") as order:
        assert (await anext(order.messages())).text == CODE.text

    assert statuses(sandbox) == ["FINISHED"]


async def test_a_banned_order_needs_no_settling(sandbox: Sandbox, client: AsyncClient) -> None:
    """A ban has given the order back already."""
    async with client.activation("telegram", country="russia") as order:
        assert (await order.ban()).status == "BANNED"

        with pytest.raises(OrderClosedError):
            await order.code()

    assert statuses(sandbox) == ["BANNED"]
    assert sandbox.count("GET /v1/user/cancel") == 0


async def test_an_order_with_a_message_cannot_be_banned(client: AsyncClient) -> None:
    """The refused ban changes nothing for the order."""
    async with client.activation("telegram", country="russia") as order:
        await order.code()

        with pytest.raises(OrderStateError):
            await order.ban()


async def test_nothing_of_a_scope_works_outside_of_it(client: AsyncClient) -> None:
    """Outside, the order would stay unsettled."""
    scope = client.activation("telegram", country="russia")
    with pytest.raises(RuntimeError, match="async with"):
        scope.phone  # noqa: B018
    with pytest.raises(RuntimeError, match="async with"):
        await scope.code()
    async with scope:
        pass

    assert scope.id
    with pytest.raises(RuntimeError, match="async with"):
        await scope.code()


async def test_a_scope_is_entered_once(sandbox: Sandbox, client: AsyncClient) -> None:
    """A second time would buy a second number, also after the first is settled."""
    async with client.activation("telegram", country="russia") as scope:
        with pytest.raises(RuntimeError, match="once"):
            await scope.__aenter__()
    with pytest.raises(RuntimeError, match="once"):
        await scope.__aenter__()

    assert len(sandbox.ledger.purchases) == 1


async def test_a_scope_never_left_warns(client: AsyncClient) -> None:
    """Its order has no owner, and is paid."""
    scope = client.activation("telegram", country="russia")
    order_id = (await scope.__aenter__()).id

    with pytest.warns(ResourceWarning, match=str(order_id)):  # noqa: PT031 - both lose it
        del scope
        gc.collect()


async def test_a_scope_shows_neither_phone_nor_code(client: AsyncClient) -> None:
    """A repr ends in a log."""
    async with client.activation("telegram", country="russia") as order:
        await order.code()

        assert order.phone not in repr(order)
        assert "04217" not in repr(order)


# -- an order that exists ---------------------------------------------------------------------------------------------


async def test_an_order_is_resumed_by_its_id(sandbox: Sandbox, client: AsyncClient) -> None:
    """After a crash; the code that came meanwhile is there at once, and the phone known."""
    bought = await client.v1.buy_activation("telegram", country="russia")
    await anyio.sleep(20)

    async with open_client(sandbox) as other, other.resume(bought.id) as order:
        assert order.phone == bought.phone
        assert (await order.code(), second()) == ("04217", 20)

    assert statuses(sandbox) == ["FINISHED"]


async def test_an_order_is_resumed_by_itself(sandbox: Sandbox, client: AsyncClient) -> None:
    """Nothing is asked before it is needed."""
    bought = await client.v1.buy_activation("telegram", country="russia")

    async with client.resume(bought) as order:
        assert order.order == bought
        assert sandbox.count("GET /v1/user/check") == 0

    assert statuses(sandbox) == ["CANCELED"]


async def test_a_resumed_hosting_order_is_left_open(sandbox: Sandbox, client: AsyncClient) -> None:
    """It is paid for its hours; nothing can be given back."""
    bought = await client.v1.buy_hosting("3hours", country="russia", operator="any")
    sandbox.world.receive(bought.id, "code 4711", "4711", after=5)

    async with client.resume(bought.id) as order:
        assert await order.code() == "4711"

    assert sandbox.ledger.open == [bought.id]
    assert not any("finish" in line or "cancel" in line for line in sandbox.requests)
    assert client.unsettled == ()


async def test_a_closed_order_may_be_resumed_for_its_code(sandbox: Sandbox, client: AsyncClient) -> None:
    """The scope does not settle the closed order again."""
    bought = await client.v1.buy_activation("telegram", country="russia")
    await client.await_code(bought.id)
    sent = len(sandbox.requests)

    async with client.resume(bought.id) as order:
        assert await order.code() == "04217"

    assert len(sandbox.requests) == sent + 1


async def test_an_order_that_ends_inside_its_scope_is_cancelled_in_time(sandbox: Sandbox, client: AsyncClient) -> None:
    """The wait gives up ten seconds before, and leaving the scope cancels."""
    with pytest.raises(OrderExpiredError):
        async with client.activation("google", country="russia") as order:
            await order.code()

    assert 890 <= second() <= 891
    assert sandbox.ledger.paid == 0


async def test_at_its_end_an_order_is_cancelled_before_the_scope_is_told(sandbox: Sandbox, client: AsyncClient) -> None:
    """A caller that handles the error slowly would lose the refund."""
    async with client.activation("google", country="russia") as order:
        with pytest.raises(OrderExpiredError) as caught:
            await order.code()
        assert second() == 890
        assert caught.value.order == order.order
        assert order.order.status == "CANCELED"
        await anyio.sleep(60)

    assert len(moments(sandbox, "cancel")) == 1
    assert sandbox.ledger.paid == 0


async def test_a_code_that_only_the_cancel_tells_of_is_the_scopes(sandbox: Sandbox, client: AsyncClient) -> None:
    """No look was answered for the last half minute: the order is paid for, and its code would be lost."""
    async with client.activation("google", country="russia") as order:
        sandbox.world.receive(order.id, "code 4711", "4711", after=870)
        sandbox.fail(last_looks, Stall())
        assert await order.code() == "4711"
        assert statuses(sandbox) == ["RECEIVED"]

    assert statuses(sandbox) == ["FINISHED"]
    assert len(moments(sandbox, "finish")) == 1


async def test_messages_of_an_order_that_gets_none_end_with_its_cancel(sandbox: Sandbox, client: AsyncClient) -> None:
    """Ten seconds before its end: an order that lapses may not be refunded."""
    async with client.activation("google", country="russia") as order:
        assert [sms.text async for sms in order.messages()] == []
        assert second() == 890

    assert statuses(sandbox) == ["CANCELED"]
    assert sandbox.ledger.paid == 0


async def test_a_message_that_only_the_cancel_tells_of_is_read(sandbox: Sandbox, client: AsyncClient) -> None:
    """An order with a message is paid for."""
    async with client.activation("google", country="russia") as order:
        sandbox.world.receive(order.id, "code 4711", "4711", after=870)
        sandbox.fail(last_looks, Stall())
        assert [sms.code async for sms in order.messages()] == ["4711"]


async def test_a_wait_that_settles_nothing_settles_nothing_in_a_scope(sandbox: Sandbox, client: AsyncClient) -> None:
    """Its caller said so; the scope does, later."""
    async with client.activation("google", country="russia") as order:
        with pytest.raises(OrderExpiredError):
            await client.await_code(order.id, settle=False)
        assert moments(sandbox, "cancel") == []

    assert statuses(sandbox) == ["CANCELED"]


async def test_a_timeout_near_the_end_is_kept_without_a_network(sandbox: Sandbox) -> None:
    """The scope goes on with the cancel, for its own bound."""
    async with (
        open_client(sandbox, settle_timeout=60) as client,
        client.activation("google", country="russia") as order,
    ):
        await anyio.sleep(880)
        sandbox.fail(lambda _: anyio.current_time() < 930, NotConnected(), times=1000)
        with pytest.raises(OrderExpiredError):
            await order.code(timeout=12)
        assert second() <= 880 + 12 + 10


async def test_an_order_that_cannot_be_cancelled_at_its_end_is_told_of_once(sandbox: Sandbox) -> None:
    """Only the scope reports it, and the scope tries again."""
    told: list[Order | RentedNumber] = []
    async with open_client(sandbox, settle_timeout=5, on_unsettled=told.append) as client:
        async with client.activation("google", country="russia") as order:
            sandbox.fail("user/cancel", Stall(), times=2)
            with pytest.raises(OrderExpiredError):
                await order.code()
            assert not told

        assert told == [order.order]
        assert client.unsettled == (order.order,)

    assert not client.unsettled


async def test_an_id_that_is_none_is_the_callers_mistake(client: AsyncClient) -> None:
    """Before anything is sent."""
    with pytest.raises(ValueError, match="order"):
        client.resume(0)


# -- several scopes, several waits ------------------------------------------------------------------------------------


async def test_the_last_of_two_scopes_on_an_order_settles_it(sandbox: Sandbox, client: AsyncClient) -> None:
    """Otherwise the first scope to leave would cancel the order while the other one waits for its code."""
    async with client.activation("telegram", country="russia") as first, anyio.create_task_group() as group:
        sandbox.world.receive(first.id, CODE.text, CODE.code, CODE.sender, after=60)

        async def other() -> None:
            async with client.resume(first.id):
                await anyio.sleep(20)

        group.start_soon(other)
        assert await first.code() == CODE.code

    assert sandbox.world.orders[first.id].status == "FINISHED"


async def test_a_message_one_wait_passes_over_is_there_for_the_next(sandbox: Sandbox, client: AsyncClient) -> None:
    """Two services may write to one number."""
    async with client.activation("telegram", country="russia") as order:
        for sender, code in (("A", "1111"), ("B", "2222")):
            sandbox.world.receive(order.id, f"code {code}", code, sender, after=3)

        second_code = await order.code(match=lambda sms: sms.sender == "B")
        first_code = await order.code(match=lambda sms: sms.sender == "A")
        assert (first_code, second_code) == ("1111", "2222")
