"""The client itself: one loop, closing, recovery after a crash, and several hundred orders at once."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from typing import Any

import anyio
import httpx
import pytest

from smsapi_async import AsyncClient, ClientClosedError, NotFoundError, Pace, Sms, SmsApiError, WaitTimeoutError
from smsapi_async.sandbox import Answer, Delay, Delivery, NotConnected, Offer, Sandbox, Scenario, Stall
from smsapi_async.testing import open_client
from smsapi_async.v1 import Order
from tests.opening import moments, second

MANY = 60
OFFERS = (Offer("russia", "telegram", "mts", "0.2875", 10_000),)


def big_sandbox(**options: Any) -> Sandbox:
    """Enough numbers and money for hundreds."""
    return Sandbox(scenario=Scenario(balance="1000", offers=OFFERS, **options))


async def buy(client: AsyncClient) -> int:
    return (await client.v1.buy_activation("telegram", country="russia")).id


# -- hundreds at once -------------------------------------------------------------------------------------------------


class Counting(httpx.AsyncBaseTransport):
    """Counts the requests in flight, each of which takes a fifth of a second."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._inner = sandbox.transport()
        self.now = self.most = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await anyio.sleep(0.2)
            return await self._inner.handle_async_request(request)
        finally:
            self.now -= 1


@pytest.mark.usefixtures("untraced")
async def test_sixty_callers_get_their_own_codes() -> None:
    """All settled, the account balanced, and never more than 32 requests in flight."""
    plans = [[Delivery(8 + nth % 20, f"Telegram code {10_000 + nth}", f"{10_000 + nth}")] for nth in range(MANY)]
    sandbox = big_sandbox(plans={"telegram": plans})
    transport = Counting(sandbox)
    codes: dict[int, str] = {}

    async def work(client: AsyncClient) -> None:
        async with client.activation("telegram", country="russia") as order:
            codes[order.id] = await order.code()

    async with open_client(sandbox, transport=transport) as client, anyio.create_task_group() as group:
        for _ in range(MANY):
            group.start_soon(work, client)

    assert codes == {order.id: order.sms[0].code for order in sandbox.world.orders.values()}
    assert len(codes) == MANY
    assert transport.most <= 32
    assert {order.status for order in sandbox.world.orders.values()} == {"FINISHED"}
    assert sandbox.ledger.balance_ok()


@pytest.mark.usefixtures("untraced")
async def test_sixty_orders_without_code_are_all_cancelled_in_time() -> None:
    """They end in the same few seconds, and each cancel costs a slot: none lapses."""
    sandbox = big_sandbox(lifetime=40)
    outcomes: list[str] = []

    async def work(client: AsyncClient) -> None:
        with pytest.raises(SmsApiError) as caught:
            await client.await_code(await buy(client))
        outcomes.append(type(caught.value).__name__)

    async with open_client(sandbox) as client, anyio.create_task_group() as group:
        for _ in range(MANY):
            group.start_soon(work, client)

    assert outcomes == ["OrderExpiredError"] * MANY
    assert {order.status for order in sandbox.world.orders.values()} == {"CANCELED"}
    assert sandbox.ledger.paid == 0


async def test_trouble_with_one_order_concerns_no_other() -> None:
    """One is missing, one unreadable, one stalls, one has a `match` that raises, one is cancelled."""
    sandbox = big_sandbox(plans={"telegram": [[Delivery(8, "Telegram code 04217", "04217")]]})
    ends: dict[str, Any] = {}

    def raises(_: Sms) -> bool:
        raise ZeroDivisionError

    async def work(client: AsyncClient, name: str, order_id: int) -> None:
        with anyio.move_on_after(5 if name == "cancelled" else 1000):
            try:
                ends[name] = await client.await_code(order_id, match=raises if name == "raises" else None)
            except (NotFoundError, ZeroDivisionError) as error:
                ends[name] = type(error).__name__
            if name.startswith("good"):
                ends[name] = second()

    async with open_client(sandbox, pace=Pace(v1_per_second=10_000)) as client:
        names = ["missing", "unreadable", "stalls", "raises", "cancelled", *(f"good{nth}" for nth in range(50))]
        orders = {name: 7 if name == "missing" else await buy(client) for name in names}
        sandbox.fail(f"check/{orders['unreadable']}", Answer(200, "<html>"), times=3)
        sandbox.fail(f"check/{orders['stalls']}", Stall(), times=1)
        async with anyio.create_task_group() as group:
            for name, order_id in orders.items():
                group.start_soon(work, client, name, order_id)

    assert {ends.pop(f"good{nth}") for nth in range(50)} <= {8, 9, 10, 11}
    assert ends == {"missing": "NotFoundError", "unreadable": "04217", "stalls": "04217", "raises": "ZeroDivisionError"}


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("seed", range(2))
async def test_random_cancellation_strands_nobody(seed: int) -> None:
    """Short waits, timeouts, cancellations and scopes on 40 orders; the patient get their codes, the money balances."""
    chance = random.Random(seed)
    plans = [[Delivery(chance.uniform(1, 90), "Telegram code 04217", "04217")] for _ in range(40)]
    sandbox = big_sandbox(plans={"telegram": plans})
    codes: list[str] = []

    async def patient(client: AsyncClient, order_id: int) -> None:
        codes.append(await client.await_code(order_id))

    async def restless(client: AsyncClient, order_id: int) -> None:
        for _ in range(chance.randrange(8)):
            await anyio.sleep(chance.uniform(0, 15))
            with anyio.move_on_after(chance.choice([0, 0.01, 1, 5])):
                with suppress(WaitTimeoutError):
                    await client.await_code(order_id, timeout=chance.choice([0, 0.5, 3, None]), settle=False)

    async with open_client(sandbox) as client, anyio.create_task_group() as group:
        for _ in plans:
            order_id = await buy(client)
            group.start_soon(patient, client, order_id)
            for _ in range(chance.randrange(4)):
                group.start_soon(restless, client, order_id)

    assert codes == ["04217"] * 40
    assert sandbox.ledger.balance_ok()


# -- closing ----------------------------------------------------------------------------------------------------------


async def test_a_closed_client_sends_nothing(sandbox: Sandbox, client: AsyncClient) -> None:
    """The call raises instead of hanging."""
    await client.aclose()
    await client.aclose()

    with pytest.raises(ClientClosedError):
        await client.v1.profile()
    assert sandbox.requests == []
    assert repr(client) == "<AsyncClient: closed, 0 unsettled>"


async def test_closing_takes_no_longer_than_its_bound(sandbox: Sandbox) -> None:
    """However many shields are inside one another."""
    with pytest.warns(ResourceWarning, match="unsettled"):  # noqa: PT031 - the closing warns
        async with open_client(sandbox, settle_timeout=20) as client:
            async with client.activation("google", country="russia"):
                sandbox.fail("user/", NotConnected(), times=10_000)
            before = second()

    assert second() - before == 20


async def test_a_cancelled_closing_takes_no_longer_than_the_cancel_timeout(sandbox: Sandbox) -> None:
    """The client is closed all the same."""
    with pytest.warns(ResourceWarning, match="unsettled"):  # noqa: PT031 - the closing warns
        async with open_client(sandbox, settle_timeout=20, cancel_timeout=7) as client:
            async with client.activation("google", country="russia"):
                sandbox.fail("user/", NotConnected(), times=10_000)
            before = second()
            with anyio.move_on_after(3) as scope:
                await client.aclose()

    assert scope.cancelled_caught
    assert second() - before == 10


async def test_a_purchase_under_way_completes_before_the_client_is_closed(sandbox: Sandbox) -> None:
    """The order is paid for, so its buyer gets it."""
    bought: list[Order] = []
    sandbox.fail("user/buy", Stall(5))
    async with open_client(sandbox) as client, anyio.create_task_group() as group:

        async def work() -> None:
            bought.append(await client.v1.buy_activation("telegram", country="russia"))

        group.start_soon(work)
        await anyio.sleep(1)
        await client.aclose()

    assert [order.id for order in bought] == sandbox.ledger.purchases


async def test_what_is_lost_while_closing_is_tried_then_too(sandbox: Sandbox) -> None:
    """A purchase whose buyer was cancelled becomes unsettled only when it ends."""
    sandbox.fail("user/buy", Stall(5))
    sandbox.fail("user/cancel", Answer(401))
    async with open_client(sandbox) as client:
        async with anyio.create_task_group() as group:
            group.start_soon(client.v1.buy_activation, "telegram")
            await anyio.sleep(1)
            group.cancel_scope.cancel()
        await client.aclose()

    assert [order.status for order in sandbox.world.orders.values()] == ["CANCELED"]


async def test_a_client_handed_in_stays_open(sandbox: Sandbox) -> None:
    """The HTTP client belongs to the caller."""
    async with httpx.AsyncClient(transport=sandbox.transport()) as http:
        async with AsyncClient(sandbox.token, v1_url=sandbox.v1_url, http_client=http):
            pass

        assert not http.is_closed


# -- one loop ---------------------------------------------------------------------------------------------------------


def test_a_second_event_loop_is_refused(sandbox: Sandbox) -> None:
    """Its events and connections belong to the first."""
    client = AsyncClient(sandbox.token)

    async def enter() -> None:
        async with client:
            pass

    async def use() -> None:
        with pytest.raises(RuntimeError, match="another event loop"):
            await client.v1.profile()
        with pytest.raises(RuntimeError, match="another event loop"):
            await client.aclose()
        with pytest.raises(RuntimeError, match="another event loop"):
            await anext(client.rent_messages(1))
        with pytest.raises(RuntimeError, match="another event loop"):
            await client.await_rent_code(1)

    asyncio.run(enter())
    asyncio.run(use())


# -- recovery ---------------------------------------------------------------------------------------------------------


async def test_what_a_crash_left_open_is_found_and_resumed(sandbox: Sandbox, client: AsyncClient) -> None:
    """Newest first; the closed ones are left out."""
    first, closed, hosting = await buy(client), await buy(client), None
    await client.v1.cancel(closed)
    hosting = (await client.v1.buy_hosting("3hours", country="russia", operator="any")).id

    async with open_client(sandbox) as other:
        found = [order.id async for order in other.iter_open_orders()]
        for order_id in found:
            async with other.resume(order_id):
                pass

    assert found == [first, hosting]
    assert sandbox.ledger.open == [hosting]
    assert moments(sandbox, "user/orders")


async def test_a_second_closing_returns_with_the_first(sandbox: Sandbox) -> None:
    """Nothing is sent after any of them returned."""
    ends = []
    async with open_client(sandbox) as client, anyio.create_task_group() as group:
        order = await client.v1.buy_activation("telegram", country="russia")
        sandbox.fail("user/cancel", Delay(15))

        async def close() -> None:
            await client.aclose()
            ends.append(second())

        async with client.resume(order):
            group.start_soon(close)
            await anyio.sleep(1)
            await client.aclose()
            ends.append(second())

    assert ends == [15, 15]


class SlowToClose:
    """The HTTP layer of a client, replaced by one that closes slowly."""

    async def aclose(self) -> None:
        await anyio.sleep(5)


@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
async def test_a_closing_cut_off_by_the_task_s_own_cancel_is_a_closing(sandbox: Sandbox) -> None:
    """No shield keeps it off; the next closing must not wait for ever."""
    client = AsyncClient(sandbox.token)
    client._sender._http = SlowToClose()  # type: ignore[assignment]
    closing = asyncio.ensure_future(client.aclose())
    await anyio.sleep(1)

    closing.cancel()
    await client.aclose()

    assert second() == 5
    with pytest.raises(asyncio.CancelledError):
        await closing


async def test_a_client_left_in_a_hurry_closes_in_a_hurry(sandbox: Sandbox) -> None:
    """Ctrl-C is delivered once, and the scope inside has taken it; a service that lingers is killed."""
    with pytest.warns(ResourceWarning, match="unsettled"):  # noqa: PT031 - the closing warns
        with anyio.CancelScope() as scope:
            async with open_client(sandbox) as client, client.activation("telegram", country="russia"):
                sandbox.fail("/user/", NotConnected(), times=10_000)
                scope.cancel()
                await anyio.sleep(1)

    assert second() <= 21


@pytest.mark.parametrize("name", ["match", "extract"])
async def test_a_choice_that_is_no_function_is_refused_before_the_wait(client: AsyncClient, name: str) -> None:
    """It would come to light when the SMS does."""
    wrong: dict[str, Any] = {name: "Google"}
    with pytest.raises(ValueError, match=f"^{name}: "):
        await client.await_code(1, **wrong)
