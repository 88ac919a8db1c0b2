"""Rents whose caller is gone or whose loop shuts down: a number that was hired is kept, and reported."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import anyio
import pytest

from smsapi_async import NothingBoughtError
from smsapi_async.sandbox import Delay, Fault, LostAfter, LostBefore, Sandbox, Stall
from smsapi_async.testing import VirtualLoop, open_client
from tests.support.lost_rents import BUY, tzids


@pytest.mark.parametrize("fault", [Delay(5), Stall()], ids=repr)
async def test_a_rent_bought_for_a_caller_who_is_gone_is_kept_and_told(fault: Fault, sandbox):
    """Closing the number would lose the money: it stays the caller's, and `client.unsettled` lists it."""
    told: list[Any] = []
    sandbox.fail(BUY, fault)

    async def work() -> None:
        async with open_client(sandbox, on_unsettled=told.append) as client:
            with anyio.move_on_after(2) as scope:
                await client.rent.buy_number(7, 1)
            assert scope.cancelled_caught
            assert tzids(client.unsettled) == sandbox.ledger.rents
            sandbox.fail(BUY, LostBefore())
            with pytest.raises(NothingBoughtError):
                await client.rent.buy_number(7, 1)

    with pytest.warns(ResourceWarning, match="unsettled"):
        await work()

    assert [number.tzid for number in told] == sandbox.ledger.rents == sandbox.ledger.open_rents


async def test_a_caller_who_leaves_before_the_request_does_hires_nothing(sandbox, client):
    """One request a second and one at a time: it may wait for long, and is never undone."""
    sandbox.fail("getBalance", Delay(20))
    async with anyio.create_task_group() as group:
        await client.rent.buy_number(7, 1)
        group.start_soon(client.rent.balance)
        await anyio.sleep(2)
        with anyio.move_on_after(3):
            await client.rent.buy_number(7, 1)

    await anyio.sleep(30)
    assert len(sandbox.ledger.rents) == 1


async def test_an_unknown_rent_that_nobody_hears_of_is_logged(sandbox, caplog):
    """Only the log names the candidates."""
    sandbox.fail(BUY, LostAfter())
    with caplog.at_level(logging.WARNING, "smsapi_async"), anyio.move_on_after(2):
        async with open_client(sandbox, shared_key=True) as client:
            await client.rent.buy_number(7, 1)

    assert f"purchase.unknown call=rent.buy_number candidates={sandbox.ledger.rents[0]}" in caplog.text


def test_a_loop_that_shuts_down_loses_no_rent(caplog):
    """`asyncio.run` cancels every task on its way out; the number is hired, and reported."""
    sandbox = Sandbox()
    sandbox.fail(BUY, Delay(5))
    told: list[Any] = []
    tasks: list[Any] = []

    async def main() -> None:
        async def work() -> None:
            async with open_client(sandbox, on_unsettled=told.append) as client:
                await client.rent.buy_number(7, 1)

        tasks.append(asyncio.create_task(work()))
        await asyncio.sleep(2)

    with pytest.warns(ResourceWarning, match="unsettled"), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())

    assert [number.tzid for number in told] == sandbox.ledger.rents
    assert len(told) == 1
