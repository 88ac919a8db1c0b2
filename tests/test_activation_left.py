"""The settling of an order when its scope is left, and when the client around the scope is closed."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import pytest

from smsapi_async import AsyncClient, NoNumbersError
from smsapi_async.sandbox import NotConnected, Sandbox, Scenario, Stall
from smsapi_async.testing import open_client
from tests.opening import moments, second, statuses
from tests.support.messages import THREE_MESSAGES

pytestmark = pytest.mark.usefixtures("steady")


@pytest.fixture
def sandbox() -> Sandbox:
    """The orders of `telegram` receive three messages."""
    return Sandbox(scenario=THREE_MESSAGES)


# -- the ways out; all of them meet all states in test_ways_out.py ----------------------------------------------------


async def test_an_order_without_code_is_cancelled_on_the_way_out(sandbox: Sandbox, client: AsyncClient) -> None:
    """For a refund."""
    async with client.activation("telegram", country="russia"):
        pass

    assert statuses(sandbox) == ["CANCELED"]
    assert sandbox.ledger.paid == 0


async def test_a_sold_out_product_leaves_nothing_to_settle(sandbox: Sandbox, client: AsyncClient) -> None:
    """No order, no warning."""
    with pytest.raises(NoNumbersError):
        async with client.activation("telegram", country="russia", operator="tele2"):
            raise AssertionError("not reached")

    assert sandbox.ledger.purchases == []


LOCKED = Scenario(cancel_lock=10_000)


async def test_what_cannot_be_settled_in_time_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """To the log with its id, to `on_unsettled`, in `client.unsettled`, and by a note on the caller's own error."""
    sandbox, told = Sandbox(scenario=LOCKED), list[Any]()
    with pytest.warns(ResourceWarning, match="unsettled"):  # noqa: PT031 - the client's closing warns
        async with open_client(sandbox, settle_timeout=20, on_unsettled=told.append) as client:
            order = client.activation("telegram", country="russia")
            with pytest.raises(KeyError) as caught:
                async with order:
                    raise KeyError("mine")

            assert second() == 20
            assert client.unsettled == (order.order,) == tuple(told)
            assert f"id={order.id}" in caplog.text
            assert str(order.id) in caught.value.__notes__[0]
            assert repr(client) == "<AsyncClient: open, 1 unsettled>"


async def test_an_on_unsettled_that_fails_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """It is the caller's own function, and the caller cannot catch its error."""

    def fail(_: Any) -> None:
        raise ZeroDivisionError

    with pytest.warns(ResourceWarning, match="unsettled"):  # noqa: PT031 - the client's closing warns
        async with open_client(Sandbox(scenario=LOCKED), settle_timeout=20, on_unsettled=fail) as client:
            async with client.activation("telegram", country="russia"):
                pass
            assert len(client.unsettled) == 1
    assert "on_unsettled failed" in caplog.text


async def test_a_cancelled_scope_settles_its_order_before_the_cancellation_goes_on(
    sandbox: Sandbox, client: AsyncClient
) -> None:
    """The number would be paid and abandoned."""
    with anyio.move_on_after(3) as scope:
        async with client.activation("telegram", country="russia") as order:
            await order.code()

    assert scope.cancelled_caught
    assert statuses(sandbox) == ["CANCELED"]


async def test_a_collapsing_task_group_settles_all_its_orders(sandbox: Sandbox, client: AsyncClient) -> None:
    """One part of a program fails, the numbers of the others are given back."""

    async def work() -> None:
        async with client.activation("google", country="russia") as order:
            await order.code()

    with pytest.raises(ExceptionGroup) as caught:  # noqa: PT012 - the group is the world
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(work)
            await anyio.sleep(50)
            raise KeyError("mine")

    assert caught.group_contains(KeyError)
    assert statuses(sandbox) == ["CANCELED"] * 5
    assert sandbox.ledger.paid == 0


@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
async def test_asyncios_own_ways_of_cancelling_settle_the_order(sandbox: Sandbox, client: AsyncClient) -> None:
    """They throw into the task itself, past a plain shield."""

    async def work() -> None:
        async with client.activation("google", country="russia") as order:
            await order.code()

    async def fail() -> None:
        await asyncio.sleep(9)
        raise KeyError("mine")

    task = asyncio.create_task(work())
    await asyncio.sleep(8)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(work(), 8)
    with pytest.raises(ExceptionGroup):  # noqa: PT012 - the group is the world
        async with asyncio.TaskGroup() as group:
            group.create_task(work())
            group.create_task(fail())

    assert statuses(sandbox) == ["CANCELED"] * 3


async def test_ctrl_c_gets_no_more_than_the_cancel_timeout() -> None:
    """trio raises it inside the body. A user who stops a program does not wait for two minutes."""
    sandbox = Sandbox(scenario=LOCKED)
    with pytest.warns(ResourceWarning, match="unsettled"):  # noqa: PT031 - the client's closing warns
        async with open_client(sandbox, cancel_timeout=7, settle_timeout=30) as client:
            with pytest.raises(KeyboardInterrupt):
                async with client.activation("telegram", country="russia"):
                    raise KeyboardInterrupt

            assert second() == 7


# -- closing around it ------------------------------------------------------------------------------------------------


async def test_closing_the_client_settles_the_orders_of_open_scopes(sandbox: Sandbox, client: AsyncClient) -> None:
    """Their own way out comes too late to send anything."""
    async with open_client(sandbox) as other:
        async with (
            other.activation("google", country="russia") as first,
            other.activation("telegram", country="russia") as later,
            other.resume(await client.v1.buy_hosting("3hours", country="russia", operator="any")) as hosting,
        ):
            await later.code()
            await other.aclose()
            sent = len(sandbox.requests)

        assert other.unsettled == ()
        assert (first.order.status, later.order.status) == ("CANCELED", "FINISHED")
        assert sandbox.ledger.open == [hosting.id]
        assert len(sandbox.requests) == sent


async def test_a_scope_that_hangs_at_closing_holds_up_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """All are asked at the same time; one after the other, the first took the time of all."""
    sandbox, told = Sandbox(), list[Any]()
    with pytest.warns(ResourceWarning, match="unsettled"):  # noqa: PT031 - the client's closing warns
        async with (
            open_client(sandbox, settle_timeout=20, on_unsettled=told.append) as client,
            client.activation("google", country="russia") as stuck,
            client.activation("google", country="russia"),
        ):
            sandbox.fail(f"cancel/{stuck.id}", Stall(processed=False), times=100)
            await client.aclose()

            assert second() == 20
            assert statuses(sandbox) == ["PENDING", "CANCELED"]
            assert [order.id for order in told] == [stuck.id]
    assert len(told) == 1


async def test_a_network_that_comes_back_while_closing_settles_the_order(sandbox: Sandbox) -> None:
    """The second try."""
    async with open_client(sandbox, settle_timeout=15) as client:
        async with client.activation("google", country="russia"):
            sandbox.fail("user/", NotConnected(), times=12)
        assert len(client.unsettled) == 1
        sent = moments(sandbox, "cancel")

    assert sent == []
    assert statuses(sandbox) == ["CANCELED"]
