"""Bringing an order to its right end, with every answer of the provider on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest

from smsapi_async import AsyncClient
from smsapi_async.sandbox import (
    API_LIMIT,
    BAD_GATEWAY,
    GATEWAY_BUSY,
    INTERNAL_ERROR_AFTER,
    MAINTENANCE,
    NO_SUCH_PAGE,
    TO_NO_SUCH_PAGE,
    Answer,
    Cut,
    Delay,
    DoneUnseen,
    Fault,
    LostAfter,
    LostBefore,
    Misprint,
    NotConnected,
    NotDone,
    Reset,
    Sandbox,
    Scenario,
    Stall,
)
from smsapi_async.testing import open_client
from smsapi_async.v1 import Order
from smsapi_async.v1._settle import Settlement
from tests.opening import second


async def buy(client: AsyncClient, product: str = "telegram") -> Order:
    return await client.v1.buy_activation(product, country="russia")


async def leave(client: AsyncClient, order: Order) -> Order:
    """Settle the order as a scope does."""
    return await client._settler.settle(Settlement(order, finish=False))


TROUBLES: list[Fault] = [
    API_LIMIT,
    BAD_GATEWAY,
    INTERNAL_ERROR_AFTER,
    MAINTENANCE,
    Cut(),
    LostBefore(),
    LostAfter(),
    NotConnected(),
    Reset(),
    Answer(503, "ip address limit is 100 requests per second"),
    Answer(400, "server offline"),
    Answer(400, "try it tomorrow"),
]


@pytest.mark.parametrize("fault", TROUBLES, ids=lambda fault: str(fault)[:40])
@pytest.mark.parametrize("times", [1, 6])
async def test_trouble_is_asked_through(sandbox: Sandbox, client: AsyncClient, fault: Fault, times: int) -> None:
    """Both acts may be repeated; a refusal after a lost answer is resolved by a check."""
    order = await buy(client)
    sandbox.fail("user/cancel", fault, times=times)

    left = await leave(client, order)

    assert left.status == "CANCELED"
    assert client.unsettled == ()
    assert second() < 60


@pytest.mark.parametrize("answer", ["order not found", "order expired", "same"])
async def test_an_order_closed_already_is_settled(answer: str) -> None:
    """In any words of the provider; the true state is read back."""
    sandbox = Sandbox(scenario=Scenario(closed_answer=answer))  # type: ignore[arg-type]  # the words of the scenario
    async with open_client(sandbox) as client:
        order = await buy(client)
        await client.v1.cancel(order.id)

        assert (await leave(client, order)).status == "CANCELED"


async def test_an_order_that_is_closed_is_not_asked_about(sandbox: Sandbox, client: AsyncClient) -> None:
    """Nothing is left to do."""
    order = await client.v1.cancel((await buy(client)).id)
    sent = len(sandbox.requests)

    assert await leave(client, order) == order
    assert len(sandbox.requests) == sent


async def test_an_order_the_provider_does_not_know_is_settled(sandbox: Sandbox, client: AsyncClient) -> None:
    """Another account's, or one it forgot."""
    assert await leave(client, Order(id=4711)) == Order(id=4711)
    assert client.unsettled == ()


async def test_an_order_with_a_message_is_finished_instead(sandbox: Sandbox, client: AsyncClient) -> None:
    """`order has sms`."""
    order = await buy(client)
    sandbox.world.receive(order.id, "hello")

    left = await leave(client, order)

    assert (left.status, [sms.text for sms in left.sms]) == ("FINISHED", ["hello"])
    assert [line.split("/")[3] for line in sandbox.requests[1:]] == ["cancel", "check", "finish"]


async def test_an_order_that_has_lost_its_message_is_cancelled_instead(sandbox: Sandbox, client: AsyncClient) -> None:
    """`order no sms` to a finish: the money is still to be had."""
    order = await buy(client)

    left = await client._settler.settle(Settlement(order, finish=True))

    assert left.status == "CANCELED"


async def test_a_hosting_order_is_left_as_it_is(sandbox: Sandbox, client: AsyncClient) -> None:
    """`hosting order` ends the asking."""
    order = await client.v1.buy_hosting("3hours", country="russia", operator="any")

    await leave(client, order)

    assert sandbox.ledger.open == [order.id]
    assert client.unsettled == ()


@pytest.mark.parametrize("status", [401, 403])
async def test_a_key_that_is_turned_away_ends_the_asking(sandbox: Sandbox, client: AsyncClient, status: int) -> None:
    """Asking again does no good until the user acts."""
    order = await buy(client)
    sandbox.fail("user/cancel", Answer(status))

    await leave(client, order)

    assert second() == 0
    assert client.unsettled == (order,)


async def test_what_was_unsettled_and_is_settled_is_forgotten(sandbox: Sandbox, client: AsyncClient) -> None:
    """No caller is left to be notified."""
    order = await buy(client)
    sandbox.fail("user/cancel", Answer(401))
    await leave(client, order)

    await leave(client, order)

    assert client.unsettled == ()


async def test_an_order_cut_off_by_the_bound_is_kept_as_last_seen(sandbox: Sandbox) -> None:
    """The message that forbade the cancel is not lost with the finish that stalled."""
    async with open_client(sandbox) as client:
        order = await buy(client)
        sandbox.world.receive(order.id, "Telegram code 04217", "04217")
        sandbox.fail("user/finish", Stall(processed=False))

        left = await client._settler.settle(Settlement(order, finish=False), 5)

        assert second() == 5
        assert left.code == "04217"
        assert client.unsettled == (left,)
    assert sandbox.world.orders[order.id].status == "FINISHED"


@pytest.fixture
async def stubborn() -> AsyncIterator[tuple[Sandbox, AsyncClient]]:
    """A provider that takes no cancel, and a client in a hurry."""
    sandbox = Sandbox(scenario=Scenario(cancel_lock=10_000))
    with pytest.warns(ResourceWarning, match="unsettled"):
        async with open_client(sandbox, settle_timeout=30, cancel_timeout=4) as client:
            yield sandbox, client


async def test_pauses_between_cancels_grow(stubborn: tuple[Sandbox, AsyncClient]) -> None:
    """2 s, half as much again each time, never more than 10."""
    sandbox, client = stubborn

    await leave(client, await buy(client))

    asked = [round(entry.at) for entry in sandbox.log if "cancel" in entry.line]
    assert asked == [0, 2, 5, 10, 16, 26]
    assert second() == 30


async def test_a_cancelled_caller_is_held_for_the_cancel_timeout(stubborn: tuple[Sandbox, AsyncClient]) -> None:
    """From the moment of the caller's cancellation."""
    _, client = stubborn
    order = await buy(client)

    with anyio.move_on_after(10) as scope:
        await leave(client, order)

    assert scope.cancelled_caught
    assert second() == 14
    assert [left.id for left in client.unsettled if isinstance(left, Order)] == [order.id]


async def test_what_fails_at_closing_too_stays_unsettled(sandbox: Sandbox) -> None:
    """The warning of the closing client names it."""
    with pytest.warns(ResourceWarning, match="unsettled"):  # noqa: PT031 - the closing warns
        async with open_client(sandbox) as client:
            order = await buy(client)
            sandbox.fail("user/cancel", Answer(401), times=10)
            await leave(client, order)

    assert client.unsettled == (order,)
    assert second() == 0


async def test_an_order_kept_on_purpose_is_told_of_and_left(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """A hosting order whose buyer was cancelled: it is paid, and the buyer keeps it."""
    with pytest.warns(ResourceWarning, match="unsettled"):  # noqa: PT031 - the closing warns
        async with open_client(sandbox) as client:
            order = await client.v1.buy_hosting("3hours", country="russia", operator="any")
            client._settler.leave_open(order, "its buyer is gone")

    assert f"id={order.id} why=its buyer is gone" in caplog.text
    assert sandbox.ledger.open == [order.id]


async def test_an_order_said_twice_to_be_over_is_settled(sandbox: Sandbox, client: AsyncClient) -> None:
    """Its status may lag behind its end, and there is nothing left to do."""
    order = await buy(client)
    sandbox.fail("user/cancel", Answer(400, "order expired"), times=100)

    await leave(client, order)

    assert client.unsettled == ()
    assert second() == 2


@pytest.mark.parametrize("checked", [False, True])
async def test_an_order_too_fresh_to_be_known_is_cancelled_a_little_later(
    sandbox: Sandbox, client: AsyncClient, checked: bool
) -> None:
    """The provider's other servers may lag behind a purchase; to believe them would leave it open, and paid."""
    order = await buy(client)
    sandbox.fail("user/cancel", Answer(404, "order not found"), times=3 if checked else 1)
    sandbox.fail("user/check", Answer(404, "order not found"), times=0 if checked else 1)

    left = await leave(client, order)

    assert left.status == "CANCELED"
    assert client.unsettled == ()
    assert second() < 12


async def test_an_order_that_is_not_known_twice_is_settled(sandbox: Sandbox, client: AsyncClient) -> None:
    """There is nothing to cancel. Within a minute of its purchase the provider may not know it everywhere."""
    order = await buy(client)
    sandbox.fail("/user/", Answer(404, "order not found"), times=100)

    await leave(client, order)

    assert client.unsettled == ()
    assert 60 <= second() <= 70


# -- an act is done when the provider shows it done -------------------------------------------------------------------


@pytest.mark.parametrize("fault", [NotDone(), NO_SUCH_PAGE, TO_NO_SUCH_PAGE, GATEWAY_BUSY], ids=str)
async def test_an_answer_that_does_not_close_the_order_ends_nothing(
    sandbox: Sandbox, client: AsyncClient, fault: Fault
) -> None:
    """A 200 with the order still open, or a gateway's page: it counted as settled, and the order was paid."""
    order = await buy(client)
    sandbox.fail("user/cancel", fault, times=3)
    sandbox.fail("user/check", NO_SUCH_PAGE, times=1)

    left = await leave(client, order)

    assert left.status == "CANCELED"
    assert sandbox.world.orders[order.id].status == "CANCELED"


async def test_an_act_done_unseen_is_settled_by_a_check(sandbox: Sandbox, client: AsyncClient) -> None:
    """The answer showed the order as it was before."""
    order = await buy(client)
    sandbox.fail("user/cancel", DoneUnseen())

    left = await leave(client, order)

    assert left.status == "CANCELED"
    assert sandbox.count("GET /v1/user/cancel/") == 1


async def test_two_settlements_of_one_order_send_one_cancel(sandbox: Sandbox, client: AsyncClient) -> None:
    """A scope is left while a wait of its child still settles."""
    order = await buy(client)
    sandbox.fail("user/cancel", Delay(3))

    async with anyio.create_task_group() as group:
        group.start_soon(leave, client, order)
        group.start_soon(leave, client, order)

    assert sandbox.count("GET /v1/user/cancel/") == 1


async def test_a_settlement_whose_caller_is_gone_is_taken_over(sandbox: Sandbox) -> None:
    """The one that waited for it does not count on it."""
    async with open_client(sandbox, cancel_timeout=1) as client:
        left = order = await buy(client)
        sandbox.fail("user/cancel", Stall())

        async with anyio.create_task_group() as group:

            async def hurried() -> None:
                with anyio.move_on_after(5):
                    await leave(client, order)

            group.start_soon(hurried)
            await anyio.sleep(2)
            left = await leave(client, order)

        assert left.status == "CANCELED"
        assert client.unsettled == ()


async def test_an_order_seen_closed_leaves_the_register(sandbox: Sandbox) -> None:
    """It stayed there until the client closed, which then took its whole bound."""
    sandbox.fail("user/finish", Answer(502, "<html>"), times=8)
    async with open_client(sandbox) as client:
        order = await buy(client)
        sandbox.world.receive(order.id, "code 04217", "04217")
        await client.await_code(order.id)
        assert client._unsettled.holds(order.id)
        sandbox.world.order_book.finish(order.id)

        await client.v1.check(order.id)

        assert not client._unsettled.holds(order.id)
        began = anyio.current_time()
    assert anyio.current_time() == began


@pytest.mark.parametrize("text", ['"x"', "null"])
async def test_an_order_whose_messages_cannot_be_read_is_finished_on_the_provider_s_word(text: str) -> None:
    """It says that the order has an SMS: cancelling it again and again took the whole bound."""
    sandbox = Sandbox(scenario=Scenario().with_code("telegram", "1234", after=2))
    sandbox.misprints = (Misprint("sms", text),)
    async with open_client(sandbox) as client:
        async with client.activation("telegram", country="russia") as order:
            await anyio.sleep(5)
        assert anyio.current_time() <= 10
        assert sandbox.world.orders[order.id].status == "FINISHED"
        assert client.unsettled == ()
