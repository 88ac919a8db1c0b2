"""A wait for one order: it returns the code, or raises the reason, and settles the order."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import anyio
import pytest

from smsapi_async import AsyncClient, NoCodeError, OrderClosedError, OrderExpiredError, Sms, WaitTimeoutError
from smsapi_async.sandbox import Delivery, Mangle, Sandbox, Scenario, Stall
from smsapi_async.testing import open_client
from smsapi_async.v1 import Order
from tests.opening import buy, moments, second, status
from tests.support.messages import CODE

pytestmark = pytest.mark.usefixtures("steady")

NO_CODE = Delivery(5, "Welcome to Telegram")


# -- a code ---------------------------------------------------------------------------------------------------------


async def test_a_found_code_is_returned_and_its_order_finished(sandbox: Sandbox, client: AsyncClient) -> None:
    """The whole promise; an order left open would cost rating and hold the number."""
    order_id = await buy(client, sandbox, CODE)

    code = await client.await_code(order_id)

    assert (code, second()) == ("04217", 6)
    assert moments(sandbox, "check") == [4.0, 6.0]
    assert status(sandbox, order_id) == "FINISHED"
    assert client.unsettled == ()


async def test_without_settle_a_found_code_leaves_the_order_open(sandbox: Sandbox, client: AsyncClient) -> None:
    """More messages may be wanted."""
    order_id = await buy(client, sandbox, CODE)

    sms = await client.await_sms(order_id, settle=False)

    assert (sms.code, sms.text, sms.sender) == ("04217", "Telegram code 04217", "Telegram")
    assert status(sandbox, order_id) == "RECEIVED"


async def test_a_stalled_finish_holds_the_code_back_for_two_seconds_only(sandbox: Sandbox) -> None:
    """A code is typed into a form that times out; the finish can wait for the closing of the client."""
    sandbox.fail("user/finish", Stall(processed=False))
    async with open_client(sandbox) as client:
        order_id = await buy(client, sandbox, CODE)

        code = await client.await_code(order_id)

        assert (code, second()) == ("04217", 8)
        assert client.unsettled == ()
        assert status(sandbox, order_id) == "RECEIVED"
    assert status(sandbox, order_id) == "FINISHED"


async def test_a_late_finish_is_worth_no_warning(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """No money hangs on it, and the closing client does it."""
    told: list[Any] = []
    sandbox.fail("user/finish", Stall(processed=False))
    async with open_client(sandbox, on_unsettled=told.append) as client:
        await client.await_code(await buy(client, sandbox, CODE))

    assert told == []
    assert "unsettled" not in caplog.text


async def test_a_code_the_provider_did_not_find_is_read_from_the_text(sandbox: Sandbox, client: AsyncClient) -> None:
    """The provider's own reader misses some messages; the user sees the code all the same."""

    assert await client.await_code(await buy(client, sandbox, Delivery(5, "Your code is 77120"))) == "77120"


async def test_extract_is_asked_before_the_provider(sandbox: Sandbox, client: AsyncClient) -> None:
    """A user with an `extract` function knows the product better than the provider."""

    assert (
        await client.await_code(await buy(client, sandbox, CODE), extract=lambda text: text.split()[-1][::-1])
        == "71240"
    )


async def test_what_extract_does_not_find_is_the_providers_code(sandbox: Sandbox, client: AsyncClient) -> None:
    """None says: not mine."""

    assert await client.await_code(await buy(client, sandbox, CODE), extract=lambda _: None) == "04217"


async def test_a_message_without_a_code_is_waited_past(sandbox: Sandbox, client: AsyncClient) -> None:
    """A greeting may come first."""

    assert (
        await client.await_code(await buy(client, sandbox, NO_CODE, Delivery(20, "Telegram code 04217", "04217")))
        == "04217"
    )
    assert second() == 20


async def test_match_passes_over_messages_of_others(sandbox: Sandbox, client: AsyncClient) -> None:
    """A number may get codes of a service that the user did not ask for."""

    def ours(sms: Sms) -> bool:
        return sms.sender == "Telegram"

    assert (
        await client.await_code(
            await buy(
                client, sandbox, Delivery(5, "Other 1111", "1111", "Other"), Delivery(9, "Telegram code 04217", "04217")
            ),
            match=ours,
        )
        == "04217"
    )


async def test_the_newest_code_is_the_code(sandbox: Sandbox, client: AsyncClient) -> None:
    """A user who asked for the code again needs the second one."""

    assert (
        await client.await_code(await buy(client, sandbox, CODE, Delivery(5.5, "Telegram code 55555", "55555")))
        == "55555"
    )


async def test_received_is_no_evidence_of_a_code(sandbox: Sandbox) -> None:
    """Fresh orders have come back RECEIVED with nothing in them."""
    sandbox = Sandbox(scenario=Scenario(fresh_status="RECEIVED", plans={"telegram": [[Delivery(30, "c 12", "0412")]]}))
    async with open_client(sandbox) as client:
        assert await client.await_code(await buy(client)) == "0412"

        assert anyio.current_time() >= 30


async def test_the_code_of_a_finished_order_is_returned_at_once(sandbox: Sandbox, client: AsyncClient) -> None:
    """After a crash between the code and its use."""
    order_id = await buy(client, sandbox, CODE)
    await client.await_code(order_id)
    before = len(sandbox.requests)

    async with open_client(sandbox) as other:
        assert await other.await_code(order_id) == "04217"

    assert second() == 6
    assert len(sandbox.requests) == before + 1


# -- no code --------------------------------------------------------------------------------------------------------


async def test_ten_seconds_before_its_end_an_order_is_cancelled_for_a_refund(
    sandbox: Sandbox, client: AsyncClient
) -> None:
    """An order that lapses may not be refunded."""
    order_id = await buy(client)

    with pytest.raises(OrderExpiredError) as caught:
        await client.await_code(order_id)

    assert 890 <= anyio.current_time() < 891.1
    assert moments(sandbox, "check")[-1] == moments(sandbox, "cancel")[0]
    assert caught.value.order is not None
    assert (caught.value.order.id, caught.value.order.status) == (order_id, "CANCELED")
    assert sandbox.ledger.paid == 0


async def test_without_settle_an_order_without_code_stays_open_at_its_end(
    sandbox: Sandbox, client: AsyncClient
) -> None:
    """The caller said so."""
    order_id = await buy(client)

    with pytest.raises(OrderExpiredError):
        await client.await_code(order_id, settle=False)

    assert sandbox.count("GET /v1/user/cancel") == 0
    assert sandbox.ledger.open == [order_id]


@pytest.mark.parametrize("timeout", [30, 30.0, timedelta(seconds=30)])
async def test_a_timeout_ends_the_wait_to_the_second(
    sandbox: Sandbox, client: AsyncClient, timeout: float | timedelta
) -> None:
    """It is a TimeoutError for code that knows only those."""
    order_id = await buy(client)

    with pytest.raises(TimeoutError) as caught:
        await client.await_code(order_id, timeout=timeout)

    assert isinstance(caught.value, WaitTimeoutError)
    assert (second(), moments(sandbox, "check")[-1]) == (30, 30.0)
    assert status(sandbox, order_id) == "CANCELED"
    assert sandbox.ledger.paid == 0


async def test_a_timeout_of_zero_takes_one_look(sandbox: Sandbox, client: AsyncClient) -> None:
    """The way to ask: is it there by now?"""
    order_id = await buy(client)

    with pytest.raises(WaitTimeoutError):
        await client.await_code(order_id, timeout=0, settle=False)

    assert moments(sandbox, "check") == [0.0]


async def test_a_code_that_lands_during_the_cancel_is_returned(sandbox: Sandbox, client: AsyncClient) -> None:
    """The provider refuses the cancel: the code is paid for, so the caller gets it."""
    sandbox.fail("user/cancel", Stall(2, processed=False))
    order_id = await buy(client, sandbox, Delivery(31, "Telegram code 04217", "04217"))

    assert await client.await_code(order_id, timeout=30) == "04217"
    assert second() == 32
    assert status(sandbox, order_id) == "FINISHED"


async def test_a_code_that_lands_during_the_cancel_waits_no_longer_for_its_finish(sandbox: Sandbox) -> None:
    """The two seconds hold on this way too; it was lost, with the order, when the finish stalled to the bound."""
    sandbox.fail("user/cancel", Stall(2, processed=False))
    sandbox.fail("user/finish", Stall(processed=False))
    async with open_client(sandbox) as client:
        order_id = await buy(client, sandbox, Delivery(31, "Telegram code 04217", "04217"))

        assert await client.await_code(order_id, timeout=30) == "04217"
        assert second() == 34
    assert status(sandbox, order_id) == "FINISHED"


async def test_a_message_that_lands_during_the_cancel_and_is_not_wanted_finishes_the_order(
    sandbox: Sandbox, client: AsyncClient
) -> None:
    """The order has a message, so it is too late to cancel it."""
    sandbox.fail("user/cancel", Stall(2, processed=False))
    order_id = await buy(client, sandbox, Delivery(31, "Other 1111", "1111", "Other"))

    with pytest.raises(WaitTimeoutError) as caught:
        await client.await_code(order_id, timeout=30, match=lambda sms: sms.sender == "Telegram")

    assert caught.value.order is not None
    assert [sms.text for sms in caught.value.order.sms] == ["Other 1111"]
    assert status(sandbox, order_id) == "FINISHED"


async def test_messages_without_a_code_at_the_end_are_in_the_error(sandbox: Sandbox, client: AsyncClient) -> None:
    """A human may still read the code out of them; the order has an SMS, so it can only be finished."""
    order_id = await buy(client, sandbox, NO_CODE)

    with pytest.raises(NoCodeError) as caught:
        await client.await_code(order_id)

    assert type(caught.value) is NoCodeError
    assert caught.value.order is not None
    assert [sms.text for sms in caught.value.order.sms] == ["Welcome to Telegram"]
    assert 890 <= anyio.current_time() < 891.1
    assert status(sandbox, order_id) == "FINISHED"
    assert sandbox.count("GET /v1/user/cancel") == 0


async def test_the_messages_survive_an_answer_that_leaves_them_out(sandbox: Sandbox, client: AsyncClient) -> None:
    """An order without an `sms` key is an answer the wire knows; the texts are the caller's last hope."""
    sandbox.fail("user/finish", Mangle(lambda body: body.replace(b'"sms"', b'"gone"')))

    with pytest.raises(NoCodeError) as caught:
        await client.await_code(await buy(client, sandbox, NO_CODE))

    assert caught.value.order is not None
    assert [sms.text for sms in caught.value.order.sms] == ["Welcome to Telegram"]


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("TIMEOUT", OrderExpiredError),
        ("CANCELED", OrderClosedError),
        ("BANNED", OrderClosedError),
        ("FINISHED", OrderClosedError),
    ],
)
async def test_a_closed_order_without_code_ends_the_wait(
    sandbox: Sandbox, client: AsyncClient, word: str, kind: type[NoCodeError]
) -> None:
    """Nothing more can come."""
    order_id = await buy(client, sandbox, NO_CODE)
    sandbox.world.orders[order_id].status = word

    with pytest.raises(kind) as caught:
        await client.await_code(order_id)

    assert caught.value.order is not None
    assert caught.value.order.status == word
    assert second() == 4
    assert sandbox.count("GET /v1/user/") == 2


async def test_an_unknown_status_is_an_open_order(sandbox: Sandbox, client: AsyncClient) -> None:
    """The provider may invent more."""
    sandbox.fail("user/check", Mangle(lambda body: body.replace(b'"PENDING"', b'"PREPARING"')), times=2)

    assert await client.await_code(await buy(client, sandbox, Delivery(9, "Telegram code 04217", "04217"))) == "04217"


async def test_a_timeout_is_kept_while_the_provider_refuses_the_cancel() -> None:
    """`you need to wait time` may last for minutes; the caller is back, and the order is cancelled a little later."""
    sandbox = Sandbox(scenario=Scenario(cancel_lock=60))
    async with open_client(sandbox) as client:
        order_id = await buy(client)

        with pytest.raises(WaitTimeoutError) as caught:
            await client.await_code(order_id, timeout=10)

        assert anyio.current_time() <= 15
        assert caught.value.order is not None
        assert [order.id for order in client.unsettled if isinstance(order, Order)] == [order_id]
        await anyio.sleep(50)
    assert status(sandbox, order_id) == "CANCELED"


async def test_a_cancel_that_came_too_early_goes_on_beside_another_wait() -> None:
    """A client may run for days before it closes, and the order would lapse."""
    sandbox = Sandbox(scenario=Scenario(cancel_lock=60))
    async with open_client(sandbox) as client:
        early, other = await buy(client), await buy(client)
        with pytest.raises(WaitTimeoutError):
            await client.await_code(early, timeout=10)

        with pytest.raises(WaitTimeoutError):
            await client.await_code(other, timeout=70)

        assert client.unsettled == ()
        assert status(sandbox, early) == "CANCELED"


async def test_a_cancel_left_over_does_not_end_an_order_that_is_awaited_again() -> None:
    """The timeout of the first wait is over, and the caller has decided to wait on."""
    sandbox = Sandbox(scenario=Scenario(cancel_lock=20))
    async with open_client(sandbox) as client:
        order_id, other = await buy(client, sandbox, Delivery(60, "code 04217", "04217")), await buy(client)
        with pytest.raises(WaitTimeoutError):
            await client.await_code(order_id, timeout=3)

        async with anyio.create_task_group() as group:
            group.start_soon(partial(client.await_code, other, settle=False))
            assert await client.await_code(order_id) == "04217"
            await anyio.sleep(20)
            group.cancel_scope.cancel()

        assert client.unsettled == ()
    assert status(sandbox, order_id) == "FINISHED"


async def test_an_answer_about_another_order_is_no_answer(sandbox: Sandbox, client: AsyncClient) -> None:
    """A cache on the way gave one order's code to another."""
    mine, other = await buy(client), await buy(client, sandbox, Delivery(1, "code 1111", "1111"))
    swap = str(mine).encode(), str(other).encode()
    sandbox.fail(
        f"check/{mine}", Mangle(lambda body: body.replace(*swap).replace(b"[]", b'[{"code":"1111"}]')), times=2
    )
    sandbox.world.receive(mine, "code 2222", "2222", after=10)

    assert await client.await_code(mine) == "2222"


async def test_a_hosting_order_is_left_open_when_a_wait_for_it_ends(sandbox: Sandbox, client: AsyncClient) -> None:
    """It is paid for its hours and cannot be given back."""
    order = await client.v1.buy_hosting("3hours", country="russia", operator="any")

    with pytest.raises(WaitTimeoutError):
        await client.await_code(order.id, timeout=60)

    assert sandbox.ledger.open == [order.id]
    assert sandbox.count("GET /v1/user/cancel") == 0


async def test_a_hosting_order_hands_its_code_over_and_stays_open(sandbox: Sandbox, client: AsyncClient) -> None:
    """More codes are to come."""
    order = await client.v1.buy_hosting("3hours", country="russia", operator="any")
    sandbox.world.receive(order.id, "code 4711", "4711", after=10)

    assert await client.await_code(order.id) == "4711"
    assert sandbox.ledger.open == [order.id]
    assert sandbox.count("GET /v1/user/finish") == 0
