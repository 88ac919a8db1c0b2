"""A wait for one order in trouble: networks and limits that fail end no wait before its end."""

from __future__ import annotations

import anyio
import attrs
import pytest

from smsapi_async import (
    AsyncClient,
    AuthenticationError,
    NotFoundError,
    OrderExpiredError,
    RateLimitError,
    WaitTimeoutError,
)
from smsapi_async.sandbox import (
    API_LIMIT,
    BAD_GATEWAY,
    INTERNAL_ERROR,
    IP_LIMIT,
    MAINTENANCE,
    Answer,
    Cut,
    Delay,
    Fault,
    LostAfter,
    LostBefore,
    NotConnected,
    Reset,
    Sandbox,
    Scenario,
    Stall,
)
from smsapi_async.testing import open_client
from smsapi_async.v1 import Order
from tests.opening import buy, moments, second, status
from tests.support.messages import CODE

pytestmark = pytest.mark.usefixtures("steady")

CHECK = "/user/check/"
MISSING = Answer(404, "order not found")


# -- trouble --------------------------------------------------------------------------------------------------------

TROUBLES: list[Fault] = [
    API_LIMIT,
    IP_LIMIT,
    INTERNAL_ERROR,
    BAD_GATEWAY,
    MAINTENANCE,
    Answer(200, '{"id": "no', "application/json"),
    Cut(),
    LostBefore(),
    LostAfter(),
    NotConnected(),
    Reset(),
]


@pytest.mark.parametrize("fault", TROUBLES, ids=lambda fault: str(fault)[:30])
async def test_trouble_slows_the_looks_down_and_ends_no_wait(
    sandbox: Sandbox, client: AsyncClient, fault: Fault
) -> None:
    """A provider that is down for a minute must not cost the number."""
    sandbox.fail("user/check", fault, times=3)

    assert await client.await_code(await buy(client, sandbox, CODE)) == "04217"
    assert second() == 4 + 2 + 4 + 8


@pytest.mark.parametrize("scope", [False, True])
async def test_the_last_look_is_taken_although_looks_have_stopped(
    sandbox: Sandbox, client: AsyncClient, scope: bool
) -> None:
    """It may show a code that will be paid for; and a scope that cancels unseen hears of it too late."""
    sandbox.fail(lambda request: CHECK in request.line and anyio.current_time() > 330, API_LIMIT, times=4)
    order_id = await buy(client, sandbox, attrs.evolve(CODE, after=500))

    if scope:
        async with client.resume(order_id) as order:
            assert await order.code() == "04217"
    else:
        assert await client.await_code(order_id) == "04217"

    assert status(sandbox, order_id) == "FINISHED"


@pytest.mark.parametrize("fault", [API_LIMIT, IP_LIMIT], ids=repr)
async def test_after_four_hits_of_a_limit_looks_stop_until_the_fifth_is_no_ban(
    sandbox: Sandbox, client: AsyncClient, fault: Fault
) -> None:
    """A ban of ten minutes would turn the cancel away too; the code is there when looks go on."""
    sandbox.fail("user/check", fault, times=4)

    assert await client.await_code(await buy(client, sandbox, CODE)) == "04217"
    assert moments(sandbox, "/check/") == [4, 6, 10, 18, 604]


async def test_a_scope_is_entered_although_looks_have_stopped(sandbox: Sandbox) -> None:
    """Its order would run out of time before anybody knew when."""
    sandbox = Sandbox(scenario=Scenario(lifetime=120))
    async with open_client(sandbox, max_retries=0) as client:
        order_id = await buy(client)
        await stop_looks(sandbox, client)
        async with client.resume(order_id):
            assert second() <= 5

    assert status(sandbox, order_id) == "CANCELED"


async def test_a_look_that_is_held_up_gives_way_to_the_last_one_of_a_timeout(sandbox: Sandbox) -> None:
    """It stands in line until looks go on, long after; the last one may be asked, and shows the code."""
    async with open_client(sandbox, max_retries=0) as client:
        order_id = await buy(client, sandbox, attrs.evolve(CODE, after=12))
        await stop_looks(sandbox, client)

        assert await client.await_code(order_id, timeout=20) == "04217"

    assert 20 <= moments(sandbox, "check")[0] <= 25


async def stop_looks(sandbox: Sandbox, client: AsyncClient) -> None:
    """Four hits of a limit, as many as are no ban."""
    sandbox.fail("user/profile", API_LIMIT, times=4)
    for _ in range(4):
        with pytest.raises(RateLimitError):
            await client.v1.profile()


async def test_an_order_that_ends_while_looks_have_stopped_is_cancelled_in_time(sandbox: Sandbox) -> None:
    """Cancels go on; one that is refused because of an SMS brings its code."""
    sandbox = Sandbox(scenario=Scenario(lifetime=300))
    sandbox.fail("user/check", API_LIMIT, times=4)
    async with open_client(sandbox) as client:
        empty, full = await buy(client), await buy(client, sandbox, CODE)
        async with anyio.create_task_group() as group:
            group.start_soon(gives_up, client, empty)
            assert await client.await_code(full) == "04217"

    assert (status(sandbox, empty), status(sandbox, full)) == ("CANCELED", "FINISHED")
    assert second() < 300


async def gives_up(client: AsyncClient, order_id: int) -> None:
    with pytest.raises(OrderExpiredError):
        await client.await_code(order_id)


async def test_a_look_that_never_answers_is_given_up_and_repeated(sandbox: Sandbox, client: AsyncClient) -> None:
    """`request_timeout` bounds it."""
    sandbox.fail("user/check", Stall())

    assert await client.await_code(await buy(client, sandbox, CODE)) == "04217"
    assert second() == 4 + 30 + 2


async def test_trouble_until_the_end_leaves_the_order_in_unsettled(sandbox: Sandbox) -> None:
    """The wait ends at its end, and the caller learns that nothing could be done."""
    with pytest.warns(ResourceWarning, match="unsettled"):  # noqa: PT031 - the client's closing warns
        async with open_client(sandbox) as client:
            order_id = await buy(client)
            sandbox.fail("user/", NotConnected(), times=10_000)

            with pytest.raises(OrderExpiredError):
                await client.await_code(order_id)

            assert second() == 890 + 120
            assert [order.id for order in client.unsettled if isinstance(order, Order)] == [order_id]


async def test_half_an_hour_without_a_readable_answer_ends_the_wait() -> None:
    """The end of the order is not known either: another process bought it."""
    sandbox = Sandbox(scenario=Scenario(lifetime=9000))
    async with open_client(sandbox) as buyer:
        order_id = await buy(buyer)
    sandbox.fail("user/", BAD_GATEWAY, times=10_000)
    with pytest.warns(ResourceWarning, match="unsettled"):  # noqa: PT031 - the client's closing warns
        async with open_client(sandbox) as client:
            with pytest.raises(WaitTimeoutError, match="30 minutes"):
                await client.await_code(order_id)

            assert 1800 + 120 <= anyio.current_time() <= 1830 + 120
            assert [order.id for order in client.unsettled if isinstance(order, Order)] == [order_id]
            assert client.unsettled[0].phone == ""


async def test_one_failed_look_after_an_hour_ends_no_wait(sandbox: Sandbox, client: AsyncClient) -> None:
    """The half hour counts from the last readable answer, not from the beginning."""
    order = await client.v1.buy_hosting("3hours", country="russia", operator="any")
    sandbox.world.receive(order.id, "code 4711", "4711", after=3700)
    sandbox.fail("user/check", BAD_GATEWAY, after=120)

    assert await client.await_code(order.id) == "4711"
    assert 3700 <= anyio.current_time() <= 3730
    assert sandbox.count("GET /v1/user/check/") > 121


async def test_a_wrong_key_ends_the_wait_at_once(sandbox: Sandbox, client: AsyncClient) -> None:
    """It will not pass by itself; the order stays open for who has the right one."""
    order_id = await buy(client)
    sandbox.fail("user/check", Answer(401))

    with pytest.raises(AuthenticationError):
        await client.await_code(order_id)

    assert moments(sandbox, "check") == [4.0]
    assert sandbox.ledger.open == [order_id]


async def test_after_a_wrong_key_another_wait_asks_again(sandbox: Sandbox, client: AsyncClient) -> None:
    """The scope around the waits keeps the order. A wait that gets the old error would never find the code."""
    order_id = await buy(client, sandbox, CODE)
    async with open_client(sandbox) as other, other.resume(order_id) as order:
        sandbox.fail("user/check", Answer(401))
        with pytest.raises(AuthenticationError):
            await order.code()

        assert await order.code() == "04217"


async def test_an_order_missing_twice_is_not_found(sandbox: Sandbox, client: AsyncClient) -> None:
    """Once may be a slip of a lagging replica."""
    with pytest.raises(NotFoundError):
        await client.await_code(12345)

    assert moments(sandbox, "check") == [0.0, 2.0]


async def test_an_order_missing_once_is_waited_for(sandbox: Sandbox, client: AsyncClient) -> None:
    """One `order not found` may be a slip of the provider."""
    async with open_client(sandbox) as buyer:
        order_id = await buy(buyer, sandbox, CODE)
    sandbox.fail("user/check", MISSING)

    assert await client.await_code(order_id) == "04217"
    assert moments(sandbox, "check")[:2] == [0.0, 2.0]


async def test_an_order_just_bought_may_be_missing_for_a_minute(sandbox: Sandbox, client: AsyncClient) -> None:
    """The record may lag behind the purchase, and the money is spent."""
    sandbox.fail("user/check", MISSING, times=25)

    assert await client.await_code(await buy(client, sandbox, CODE)) == "04217"
    assert second() == 4 + 25 * 2


async def test_an_order_bought_over_a_minute_ago_is_not_found_at_last(sandbox: Sandbox, client: AsyncClient) -> None:
    """Patience has its end."""
    sandbox.fail("user/check", MISSING, times=100)

    with pytest.raises(NotFoundError):
        await client.await_code(await buy(client))

    assert second() == 60


async def test_trouble_after_a_missing_order_slows_down_too(sandbox: Sandbox, client: AsyncClient) -> None:
    """A look every two seconds into a rate limit earns a ban."""
    order_id = await buy(client, sandbox, CODE)
    sandbox.fail("user/check", MISSING)
    sandbox.fail("user/check", API_LIMIT, times=3)

    await client.await_code(order_id)

    assert moments(sandbox, "check") == [4, 6, 8, 12, 20]


# -- the end, near ----------------------------------------------------------------------------------------------------


async def test_a_last_look_that_stalls_does_not_cost_the_refund(sandbox: Sandbox, client: AsyncClient) -> None:
    """A request may take 30 s, the lead is 10: it is given up in time to cancel."""
    order_id = await buy(client)

    async def stall_later() -> None:
        await anyio.sleep(860)
        sandbox.fail("user/check", Stall(), times=100)

    async with anyio.create_task_group() as group:
        group.start_soon(stall_later)
        with pytest.raises(OrderExpiredError) as caught:
            await client.await_code(order_id)
        assert caught.value.order is not None
        assert caught.value.order.status == "CANCELED"
    assert anyio.current_time() <= 896
    assert sandbox.ledger.paid == 0


@pytest.mark.parametrize("latency", [3, 8, 12, 20])
async def test_a_slow_network_does_not_cost_the_refund(sandbox: Sandbox, client: AsyncClient, latency: float) -> None:
    """The answer is old when it comes: the time left counts from when it was asked for."""
    sandbox.fail("/v1/", Delay(latency), times=1_000)
    order_id = await buy(client)

    with pytest.raises(OrderExpiredError):
        await client.await_code(order_id)

    assert status(sandbox, order_id) == "CANCELED"


async def test_a_slow_network_does_not_cost_the_refund_of_a_stored_order(sandbox: Sandbox, client: AsyncClient) -> None:
    """Bought by a program that is gone: every look at it is slow, the first as well."""
    async with open_client(sandbox) as gone:
        order_id = await buy(gone)
    sandbox.fail("/v1/", Delay(12), times=1_000)

    with pytest.raises(OrderExpiredError):
        await client.await_code(order_id)

    assert status(sandbox, order_id) == "CANCELED"


async def test_a_look_that_stalls_holds_a_timeout_up_for_three_seconds_only(
    sandbox: Sandbox, client: AsyncClient
) -> None:
    """A last look is owed to the caller, and two seconds are left for settling."""
    order_id = await buy(client)
    sandbox.fail("user/check", Stall(), times=100)

    with pytest.raises(WaitTimeoutError):
        await client.await_code(order_id, timeout=20)

    assert second() == 23


async def test_a_slow_network_makes_no_burst_of_last_looks(sandbox: Sandbox, client: AsyncClient) -> None:
    """Latency makes each answer's end a little later than the one before: the last look must not run after it."""
    sandbox.fail("user/check", Delay(0.1), times=1000)
    order_id = await buy(client)

    with pytest.raises(OrderExpiredError):
        await client.await_code(order_id)

    assert len([at for at in moments(sandbox, "check") if at > 889]) <= 2
