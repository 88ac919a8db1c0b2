"""A caller that is cancelled already sends nothing that spends, however it was cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import anyio
import pytest

from smsapi_async import AsyncClient, Budget, Pace
from smsapi_async.sandbox import Ledger, Sandbox
from smsapi_async.testing import VirtualLoop, open_client
from tests.busy import work_for
from tests.test_spending_cut_short import KINDS, WORLD, Kind, Spend

WITHDRAW = {"receiver": "1", "method": "visa", "amount": "10", "fee": "payeer"}


async def withdraw(client: AsyncClient) -> Spend:
    return lambda: client.v1.withdraw(**WITHDRAW)  # type: ignore[arg-type]


def paid_out(ledger: Ledger) -> list[int]:
    return [1 for _ in ledger.withdrawals]


every_kind = pytest.mark.parametrize(
    "kind", [*KINDS, Kind(withdraw, "/vendor/withdraw", paid_out)], ids=lambda kind: kind.prepare.__name__
)

# -- the ways in which a caller is cancelled before its call ----------------------------------------------------------


async def by_deadline(spend: Spend) -> None:
    """Its deadline passed while it worked."""
    with anyio.move_on_after(1) as scope:
        work_for(2)
        await spend()
    assert scope.cancelled_caught


async def by_outer_deadline(spend: Spend) -> None:
    """The deadline of a scope around its task group did."""

    async def caller() -> None:
        await spend()

    with anyio.move_on_after(1) as scope:
        async with anyio.create_task_group() as group:
            work_for(2)
            group.start_soon(caller)
    assert scope.cancelled_caught


async def by_scope(spend: Spend) -> None:
    """Its scope was cancelled."""
    with anyio.CancelScope() as scope:
        scope.cancel()
        await spend()
    assert scope.cancelled_caught


async def by_scope_after_work(spend: Spend) -> None:
    """Its scope was cancelled by another task, in the round of the loop in which it calls."""

    scope = anyio.CancelScope()

    async def cancel() -> None:
        scope.cancel()

    async with anyio.create_task_group() as group:
        with scope:
            group.start_soon(cancel)
            await spend()
    assert scope.cancelled_caught


async def by_task_cancel(spend: Spend) -> None:
    """asyncio's own cancel came right before."""

    async def caller() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await spend()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(caller())


async def by_task_cancel_of_another(spend: Spend) -> None:
    """asyncio's own cancel comes from another task, in the round of the loop in which it calls."""

    async def caller() -> None:
        await spend()

    task = asyncio.create_task(caller())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def by_timeout(spend: Spend) -> None:
    """asyncio's own timeout passed while it worked."""
    with suppress(TimeoutError):
        async with asyncio.timeout(1):
            work_for(2)
            await spend()
            raise AssertionError("not reached")


async def by_outer_timeout(spend: Spend) -> None:
    """The timeout of the task group of asyncio that it belongs to passed while it worked."""

    async def caller() -> None:
        work_for(2)
        await spend()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1), asyncio.TaskGroup() as group:
            group.create_task(caller())


Way = Callable[[Spend], Awaitable[None]]

ON_BOTH: tuple[Way, ...] = (by_deadline, by_outer_deadline, by_scope, by_scope_after_work)
ON_ASYNCIO: tuple[Way, ...] = (by_task_cancel, by_task_cancel_of_another, by_timeout, by_outer_timeout)

on_asyncio = pytest.mark.parametrize("anyio_backend", [("asyncio", {"loop_factory": VirtualLoop})], ids=["asyncio"])


async def nothing_is_sent(way: Way, kind: Kind) -> None:
    """Make the call in that way, and see that the provider and the budgets know nothing of it."""
    sandbox, budgets = Sandbox(scenario=WORLD), [Budget(per_order=500, money=5000) for _ in "vr"]
    pace = Pace(rent_per_second=10)
    async with open_client(sandbox, pace=pace, budget=budgets[0], rent_budget=budgets[1]) as client:
        spend = await kind.prepare(client)
        await anyio.sleep(1)
        made, left = kind.made(sandbox.ledger), [budget.left for budget in budgets]

        await way(spend)
        await anyio.sleep(60)

        assert kind.made(sandbox.ledger) == made
        assert [budget.left for budget in budgets] == left
        assert client.unsettled == ()
    assert kind.made(sandbox.ledger) == made


@every_kind
@pytest.mark.parametrize("way", ON_BOTH, ids=lambda way: way.__name__)
async def test_a_caller_that_is_cancelled_already_buys_nothing(way, kind):
    """A hosting order or a payout sent for it could not be undone."""
    await nothing_is_sent(way, kind)


@on_asyncio
@every_kind
@pytest.mark.parametrize("way", ON_ASYNCIO, ids=lambda way: way.__name__)
async def test_a_caller_cancelled_already_in_asyncio_s_own_way_buys_nothing(way, kind):
    """These cancel the task and not a scope, and their timers ring a round of the loop late."""
    await nothing_is_sent(way, kind)


# -- while it waits for its slot --------------------------------------------------------------------------------------


@every_kind
async def test_a_deadline_that_passes_while_others_work_buys_nothing(kind):
    """Its slot comes in the very round of the loop in which the deadline is seen to have passed."""

    async def limited(spend: Spend) -> None:
        with anyio.move_on_after(1):
            await spend()

    await late_slot(kind, limited)


@on_asyncio
@every_kind
async def test_a_timeout_of_asyncio_that_passes_while_others_work_buys_nothing(kind):
    """The cancellation reaches the task that sends two rounds of the loop later."""

    async def limited(spend: Spend) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await spend()

    await late_slot(kind, limited)


async def late_slot(kind: Kind, limited: Way) -> None:
    sandbox = Sandbox(scenario=WORLD)
    async with open_client(sandbox, pace=Pace(v1_per_second=2, rent_per_second=2)) as client:
        spend = await kind.prepare(client)
        await anyio.sleep(60)
        made = kind.made(sandbox.ledger)
        await client.v1.profile()
        await client.rent.balance()  # both slots are taken for half a second

        async def work() -> None:
            await anyio.sleep(0.4)
            work_for(5)

        async with anyio.create_task_group() as group:
            group.start_soon(work)
            await limited(spend)
        await anyio.sleep(60)

        assert kind.made(sandbox.ledger) == made
