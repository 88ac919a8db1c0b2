"""A loop that shuts down, and Ctrl-C, lose no purchase: its order is given back or registered."""

from __future__ import annotations

import asyncio
import signal
from decimal import Decimal
from typing import Any

import anyio
import httpx
import pytest
import trio
from trio.testing import MockClock

from smsapi_async import AsyncClient
from smsapi_async.sandbox import API_LIMIT, Delay, LostAfter, LostBefore, Sandbox
from smsapi_async.testing import VirtualLoop, open_client
from tests.support.lost_orders import BUY


@pytest.mark.parametrize("fault", [Delay(5), LostAfter(), LostBefore()], ids=repr)
def test_a_loop_that_shuts_down_loses_no_purchase(fault):
    """`asyncio.run` cancels every task on its way out, also the one that carries the purchase out."""
    sandbox = Sandbox()
    sandbox.fail(BUY, fault)

    async def main() -> None:
        async def work() -> None:
            async with open_client(sandbox) as client:
                await client.v1.buy_activation("telegram")

        global task  # noqa: PLW0603  a task without a reference may vanish
        task = asyncio.create_task(work())
        await asyncio.sleep(1)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())

    assert (sandbox.ledger.open, sandbox.ledger.paid) == ([], Decimal(0))
    assert sandbox.count(BUY) == 1


task: Any = None


class Interrupting(httpx.AsyncBaseTransport):
    """Ctrl-C is pressed once the first such request is carried out."""

    def __init__(self, sandbox: Sandbox, *, inside: bool, act: str = "/buy/") -> None:
        self._inner = sandbox.transport()
        self._inside = inside
        self._acts = [act]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        if self._acts and self._acts[0] in request.url.path:
            self._acts.clear()
            press() if self._inside else protected_press()
            await anyio.sleep(1)
        return response


def press() -> None:
    signal.raise_signal(signal.SIGINT)


@trio.lowlevel.enable_ki_protection
def protected_press() -> None:
    """The protection is of the code itself: a function of its own, or `press` were protected too."""
    signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("inside", [True, False], ids=["in the child task", "in the caller"])
def test_ctrl_c_on_trio_loses_no_purchase(inside):
    """trio raises it in the task that runs: in the one that buys, or in the one that waits for it."""
    sandbox = Sandbox()

    async def main() -> None:
        async with open_client(sandbox, transport=Interrupting(sandbox, inside=inside)) as client:
            await client.v1.buy_activation("telegram")

    with pytest.raises(KeyboardInterrupt):
        trio.run(main, clock=MockClock(autojump_threshold=0))

    assert len(sandbox.ledger.purchases) == 1
    assert (sandbox.ledger.open, sandbox.ledger.paid) == ([], Decimal(0))


def test_ctrl_c_in_the_task_that_settles_leaves_no_number_behind():
    """trio may raise it there; a client that is not closed has no second try."""
    sandbox = Sandbox()
    sandbox.fail("user/cancel", API_LIMIT)

    async def main() -> None:
        async with httpx.AsyncClient(transport=Interrupting(sandbox, inside=True, act="/cancel/")) as http:
            client = AsyncClient(sandbox.token, v1_url=sandbox.v1_url, http_client=http)
            async with client.activation("telegram"):
                pass

    with pytest.raises(KeyboardInterrupt):
        trio.run(main, clock=MockClock(autojump_threshold=0))

    assert (sandbox.ledger.open, sandbox.ledger.paid) == ([], Decimal(0))


def test_ctrl_c_on_asyncio_loses_no_purchase():
    """The runner cancels the main task, which waits for the purchase."""
    sandbox = Sandbox()

    async def main() -> None:
        async with open_client(sandbox, transport=Interrupting(sandbox, inside=True)) as client:
            await client.v1.buy_activation("telegram")

    with pytest.raises(KeyboardInterrupt), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())

    assert len(sandbox.ledger.purchases) == 1
    assert (sandbox.ledger.open, sandbox.ledger.paid) == ([], Decimal(0))
