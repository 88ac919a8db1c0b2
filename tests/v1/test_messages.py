"""Iterating over the messages of an order: each one once, and an end when nothing more can come."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from smsapi_async import AsyncClient, OrderExpiredError, WaitTimeoutError
from smsapi_async.sandbox import BAD_GATEWAY, Delivery, Mangle, Sandbox, Stall
from tests.opening import buy, second, status
from tests.support.messages import CODE

pytestmark = pytest.mark.usefixtures("steady")


async def test_messages_come_once_each_and_oldest_first(sandbox: Sandbox, client: AsyncClient) -> None:
    """Two may arrive between two looks."""
    order_id = await buy(client, sandbox, CODE, Delivery(5.5, "second"), Delivery(60, "third"))
    texts = []

    async for sms in client.messages(order_id):
        texts.append(sms.text)
        if len(texts) == 3:
            break

    assert texts == ["Telegram code 04217", "second", "third"]


async def test_the_same_text_again_is_a_new_message(sandbox: Sandbox, client: AsyncClient) -> None:
    """Also when it arrives in the same second."""
    order_id = await buy(client, sandbox, CODE, CODE, Delivery(30, CODE.text, CODE.code))

    texts = []

    with anyio.move_on_after(100):
        async for sms in client.messages(order_id):
            texts.append(sms.text)  # noqa: PERF401 - a comprehension would lose them at the end of the scope

    assert texts == [CODE.text] * 3


async def test_the_iteration_ends_when_the_order_closes(sandbox: Sandbox, client: AsyncClient) -> None:
    """After the last message was handed over."""
    order_id = await buy(client, sandbox, CODE)

    texts = [sms.text async for sms in client.messages(order_id)]

    assert texts == ["Telegram code 04217"]
    assert 900 <= anyio.current_time() < 903
    assert status(sandbox, order_id) == "FINISHED"


async def test_an_iteration_left_early_leaves_nothing_behind(sandbox: Sandbox, client: AsyncClient) -> None:
    """No task, no timer, no record."""
    order_id = await buy(client, sandbox, CODE)

    async for _ in client.messages(order_id):
        break
    sent = len(sandbox.requests)
    await anyio.sleep(300)

    assert len(sandbox.requests) == sent
    assert len(client._waits.poller.registry) == 0


async def test_an_iteration_may_be_taken_up_again(sandbox: Sandbox, client: AsyncClient) -> None:
    """A message handed over once does not come again, and known messages are not asked for again."""
    messages = client.messages(await buy(client, sandbox, CODE, Delivery(5.5, "second")))

    first = await anext(messages)
    await anyio.sleep(50)
    later = await anext(messages)

    assert (first.text, later.text) == ("Telegram code 04217", "second")
    assert second() == 56


async def test_half_an_hour_without_a_readable_answer_ends_the_iteration(sandbox: Sandbox, client: AsyncClient) -> None:
    """It would go on for ever."""
    sandbox.fail("user/check", BAD_GATEWAY, times=10_000)

    with pytest.raises(WaitTimeoutError, match="30 minutes"):
        await anext(client.messages(4711))

    assert 1800 <= anyio.current_time() <= 1830


@pytest.mark.parametrize("bad", [0, -1, True, "7", 1.5])
async def test_an_id_that_is_none_is_the_callers_mistake(sandbox: Sandbox, client: AsyncClient, bad: Any) -> None:
    """Named, and nothing is sent."""
    with pytest.raises(ValueError, match="order_id"):
        await client.await_code(bad)
    with pytest.raises(ValueError, match="order_id"):
        client.messages(bad)
    with pytest.raises(ValueError, match="timeout"):
        await client.await_code(1, timeout=-1)

    assert sandbox.requests == []


async def test_a_wait_that_gave_its_order_up_is_not_told_that_somebody_closed_it(
    sandbox: Sandbox, client: AsyncClient
) -> None:
    """The answer to its cancel is lost, and meanwhile the iterator sees what the cancel did."""
    order_id = await buy(client)
    sandbox.fail("user/cancel", Stall())

    async with anyio.create_task_group() as group:
        group.start_soon(read_all, client, order_id)
        with pytest.raises(OrderExpiredError):
            await client.await_code(order_id)

    assert status(sandbox, order_id) == "CANCELED"


async def read_all(client: AsyncClient, order_id: int) -> None:
    assert [sms async for sms in client.messages(order_id)] == []


async def test_messages_of_an_order_that_is_never_closed_end(sandbox: Sandbox, client: AsyncClient) -> None:
    """The provider may keep an order open past its end; the iteration went on for ever."""
    order_id = await buy(client)
    sandbox.fail("user/check", Mangle(lambda body: body.replace(b"TIMEOUT", b"PENDING")), times=10_000)

    assert [sms async for sms in client.messages(order_id)] == []

    assert 960 <= anyio.current_time() <= 1000
