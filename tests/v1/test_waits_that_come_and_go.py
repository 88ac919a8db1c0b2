"""Many callers with short timeouts, and callers that are cancelled: no other wait loses a code or a refund by them."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import anyio
import pytest

from smsapi_async import AsyncClient, OrderClosedError, OrderExpiredError, WaitTimeoutError
from smsapi_async.sandbox import Delay, Delivery, Hosting, Offer, Sandbox, Scenario, Tariff
from smsapi_async.testing import open_client

pytestmark = pytest.mark.usefixtures("untraced")

OFFERS = (Offer("russia", "telegram", "mts", "0.2", 5_000), Offer("russia", "other", "mts", "0.2", 5_000))


def built(*deliveries: Delivery, lifetime: float = 900, **more: Any) -> Sandbox:
    plans: dict[str, Any] = {"telegram": [deliveries], "other": [()]}
    return Sandbox(scenario=Scenario(balance=10_000, lifetime=lifetime, offers=OFFERS, plans=plans, **more))


async def buy(client: AsyncClient, product: str = "telegram") -> int:
    return (await client.v1.buy_activation(product, country="russia")).id


async def expire(client: AsyncClient, order_id: int, **options: Any) -> None:
    with suppress(OrderClosedError, OrderExpiredError, WaitTimeoutError):
        await client.await_code(order_id, **options)


async def test_callers_that_are_cancelled_one_after_the_other_break_off_no_look_for_ever() -> None:
    """Answers take a second, and each caller stays two: the look of the next to leave was cut, again and again."""
    sandbox = built(Delivery(30, "code 123456", "123456"))
    sandbox.fail("user/check", Delay(1), times=10_000)
    codes: list[str] = []
    async with open_client(sandbox) as client, anyio.create_task_group() as group:
        order_id = await buy(client)

        async def poll(begins: float) -> None:
            await anyio.sleep(begins)
            while not codes and anyio.current_time() < 800:
                with anyio.move_on_after(2):
                    codes.append(await client.await_code(order_id))

        for nth in range(3):
            group.start_soon(poll, nth * 0.7)

    assert codes
    assert anyio.current_time() <= 80


async def test_short_timeouts_beside_a_wait_do_not_hold_up_its_code() -> None:
    """Each deadline cut the look, and each cut look slowed the next one down."""
    sandbox = built(Delivery(30, "code 123456", "123456"))
    sandbox.fail("user/check", Delay(1), times=10_000)
    async with open_client(sandbox) as client, anyio.create_task_group() as group:
        order_id = await buy(client)

        async def poll(begins: float) -> None:
            await anyio.sleep(begins)
            while True:
                with suppress(WaitTimeoutError):
                    await client.await_code(order_id, timeout=5, settle=False)
                    break

        for nth in range(12):
            group.start_soon(poll, nth * 0.4)

        assert await client.await_code(order_id) == "123456"
        assert anyio.current_time() <= 45
        group.cancel_scope.cancel()


async def test_one_list_answers_for_the_timeouts_of_many_rented_numbers() -> None:
    """A look for each deadline took every slot, and the list that answers for all of them was never asked."""
    numbers, late = 20, list[float]()
    arrives = {nth: 200.0 + 10 * nth for nth in range(numbers)}
    plans = {"7": [[Delivery(arrives[nth], f"code {nth:04}", f"{nth:04}")] for nth in range(numbers)]}
    tariff = Tariff(7, "Russia", {1: 1}, {1: 100}, 1)
    sandbox = Sandbox(scenario=Scenario(rent_balance=10_000, rent_plans=plans, tariffs=(tariff,)))
    async with open_client(sandbox) as client, anyio.create_task_group() as group:

        async def poll(tzid: int, arrives: float) -> None:
            while True:
                with suppress(WaitTimeoutError):
                    await client.await_rent_code(tzid, timeout=5)
                    late.append(anyio.current_time() - arrives)
                    return

        bought = [(anyio.current_time(), await client.rent.buy_number(7, 1)) for _ in range(numbers)]
        await anyio.sleep(70)
        for nth, (at, number) in enumerate(bought):
            group.start_soon(poll, number.tzid, at + arrives[nth])

    assert len(late) == numbers
    assert max(late) <= 6


async def test_a_wait_survives_a_thousand_failed_looks() -> None:
    """Two to the power of a thousand is no number of seconds."""
    sandbox = Sandbox(scenario=Scenario())
    async with open_client(sandbox) as client:
        tracked = client._waits.record(1)
        tracked.failures = 5_000

        assert tracked.next_look_at(10.0) <= 40.0


@pytest.mark.parametrize("beside", ["messages", "a wait that settles nothing"])
async def test_a_cancel_that_was_put_off_is_done_beside_who_settles_nothing(beside: str) -> None:
    """A watcher of the order changes nothing: it lapsed, and was paid."""
    sandbox = built(cancel_lock=60)
    async with open_client(sandbox) as client, anyio.create_task_group() as group:
        order_id = await buy(client)
        group.start_soon(expire, client, await buy(client, "other"))

        async def watch() -> None:
            if beside == "messages":
                async for _ in client.messages(order_id):
                    pass
            else:
                await expire(client, order_id, settle=False)

        group.start_soon(watch)
        await expire(client, order_id, timeout=30)
        await anyio.sleep(120)

        assert sandbox.world.orders[order_id].status == "CANCELED"


async def test_the_orders_of_two_clients_that_end_together_are_all_cancelled() -> None:
    """Each planned its ends as if the pace of the account were its own."""
    sandbox = built(lifetime=300)
    async with open_client(sandbox) as one, open_client(sandbox) as two, anyio.create_task_group() as group:
        for nth in range(600):
            client = (one, two)[nth % 2]
            group.start_soon(expire, client, await buy(client, "other"))

    assert sandbox.ledger.paid == 0


async def test_an_end_that_the_provider_moves_a_little_is_followed() -> None:
    """Half a minute is the code that came in it."""
    sandbox = built(Delivery(320, "code 123456", "123456"), lifetime=300)
    async with open_client(sandbox) as client, anyio.create_task_group() as group:
        order_id = await buy(client)

        async def move() -> None:
            await anyio.sleep(100)
            sandbox.world.orders[order_id].expires_at += timedelta(seconds=40)

        group.start_soon(move)

        assert await client.await_code(order_id) == "123456"


async def test_messages_of_a_hosting_order_go_on_until_it_is_closed() -> None:
    """The documented example of a day's hosting expires after three hours."""
    hosting = Hosting("1day", "0.5", lifetime=3 * 3600)
    sandbox = Sandbox(
        scenario=Scenario(hosting=(hosting,), lapses_late=7200, plans={"1day": [[Delivery(3.2 * 3600, "hello")]]})
    )
    async with open_client(sandbox) as client:
        order = await client.v1.buy_hosting("1day", country="russia")
        texts = [sms.text async for sms in client.messages(order.id)]

    assert texts == ["hello"]


async def test_a_hosting_order_is_no_sign_that_the_list_of_activations_is_late() -> None:
    """It never stands there: taken for missing, it cost the list its trust for a minute."""
    sandbox = Sandbox()
    async with open_client(sandbox) as client, anyio.create_task_group() as group:
        order = await client.v1.buy_hosting("3hours", country="russia")
        group.start_soon(expire, client, order.id)
        await anyio.sleep(1)

        assert client._waits.record(order.id).shown
        group.cancel_scope.cancel()
