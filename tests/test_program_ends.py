"""The ways a whole program ends, Ctrl-C, sys.exit, the end of its loop: no number is lost in any of them."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

import anyio
import attrs
import httpx
import pytest
import trio
from trio.testing import MockClock

import smsapi_async
from smsapi_async import AsyncClient
from smsapi_async.sandbox import Delay, LostAfter, Sandbox, Scenario, Stall
from smsapi_async.testing import VirtualLoop, open_client
from smsapi_async.v1._settle import Settlement
from tests.interrupting import RUNS, Run
from tests.opening import second

HURRIED = 7.0

each_loop = pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)


@attrs.define
class Program:
    """One that does its work with one client, and is looked at when it has ended."""

    work: Callable[[Sandbox, AsyncClient], Awaitable[None]]
    sandbox: Sandbox = attrs.field(factory=Sandbox)
    told: list[Any] = attrs.field(factory=list)
    ended_at: int = 0

    async def __call__(self) -> None:
        try:
            async with open_client(self.sandbox, cancel_timeout=HURRIED, on_unsettled=self.told.append) as client:
                await self.work(self.sandbox, client)
        finally:
            self.ended_at = second()

    @property
    def statuses(self) -> set[str]:
        return {order.status for order in self.sandbox.world.orders.values()}


# -- Ctrl-C -----------------------------------------------------------------------------------------------------------


def pressed_in_line(number: int, where: str) -> tuple[bool, Sandbox]:
    """A purchase and its scope on trio, with Ctrl-C inside the n-th line that runs of our files that end so.

    Return whether as many lines ran, and the world.
    """
    ours, sandbox, lines, before = str(Path(smsapi_async.__file__).parent), Sandbox(), count(1), sys.gettrace()

    def line(frame: FrameType, event: str, arg: object) -> Any:
        if event == "line" and next(lines) == number:
            signal.raise_signal(signal.SIGINT)
        return line

    def call(frame: FrameType, event: str, arg: object) -> Any:
        file = frame.f_code.co_filename
        inside = file.startswith(ours) and not file.startswith(f"{ours}/sandbox/") and file.endswith(where)
        return line if inside else None

    async def main() -> None:
        sys.settrace(call)
        try:
            async with open_client(sandbox) as client, client.activation("telegram", country="russia"):
                pass
        finally:
            sys.settrace(before)

    try:
        trio.run(main, clock=MockClock(autojump_threshold=0))
    except (KeyboardInterrupt, ExceptionGroup):
        sys.settrace(before)
    return next(lines) > number, sandbox


@pytest.mark.filterwarnings(
    "ignore::RuntimeWarning",  # a coroutine made in the very line is never awaited
    "ignore:Async generator:ResourceWarning",  # httpx's, in the midst of reading
)
@pytest.mark.parametrize(
    ("where", "step", "lines"),
    [("", 9, 1000), ("_settle.py", 1, 40), ("spend.py", 1, 40)],
    ids=["ours", "settle", "spend"],
)
def test_ctrl_c_between_any_two_lines_leaves_no_number_behind(where: str, step: int, lines: int) -> None:
    """trio raises it wherever our code happens to be, also right after the purchase.

    Every ninth line is tried, and every line of what buys and of what settles.
    """
    number = 0
    for number in range(1, 100_000, step):
        reached, sandbox = pressed_in_line(number, where)
        assert sandbox.ledger.open == [], f"in line {number}"
        if not reached:
            break

    assert number > lines


async def await_code(sandbox: Sandbox, client: AsyncClient) -> None:
    async with client.activation("google", country="russia") as order:
        await order.code()


async def buy_slowly(sandbox: Sandbox, client: AsyncClient) -> None:
    sandbox.fail("user/buy", Delay(5))
    await await_code(sandbox, client)


async def lose_the_purchase(sandbox: Sandbox, client: AsyncClient) -> None:
    sandbox.fail("user/buy", LostAfter())
    sandbox.fail("user/orders", Delay(5))
    await await_code(sandbox, client)


async def settle_slowly(sandbox: Sandbox, client: AsyncClient) -> None:
    async with client.activation("google", country="russia"):
        sandbox.fail("user/cancel", Stall(5, processed=False))


async def be_cancelled_and_settle_slowly(sandbox: Sandbox, client: AsyncClient) -> None:
    with anyio.move_on_after(1):
        await settle_slowly(sandbox, client)


async def be_cancelled_and_buy_slowly(sandbox: Sandbox, client: AsyncClient) -> None:
    with anyio.move_on_after(1):
        await buy_slowly(sandbox, client)


async def await_three_codes(sandbox: Sandbox, client: AsyncClient) -> None:
    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(await_code, sandbox, client)


async def close_slowly(sandbox: Sandbox, client: AsyncClient) -> None:
    order = await client.v1.buy_activation("google", country="russia")
    sandbox.fail("user/cancel", Stall(5, processed=False), times=2)
    await client._settler.settle(Settlement(order, finish=False), 1)


@each_loop
@pytest.mark.parametrize(
    ("work", "ended_at"),
    [
        (await_code, 3),
        (buy_slowly, 5),
        (lose_the_purchase, 6),
        (settle_slowly, 5),
        (be_cancelled_and_settle_slowly, 5),
        (be_cancelled_and_buy_slowly, 5),
        (await_three_codes, 3),
        (close_slowly, 6),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_ctrl_c_leaves_no_number_behind(run: Run, work: Any, ended_at: int) -> None:
    """Wherever the program is, its orders are given back before it ends."""
    program = Program(work)

    with pytest.raises((KeyboardInterrupt, BaseExceptionGroup), check=is_ctrl_c):
        run(program, 3)

    assert (program.ended_at, program.statuses) == (ended_at, {"CANCELED"})
    assert program.sandbox.ledger.paid == 0


def is_ctrl_c(error: BaseException) -> bool:
    """Return True for a Ctrl-C, also inside the groups that a caller opened."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_ctrl_c(one) for one in error.exceptions)
    return isinstance(error, KeyboardInterrupt)


@each_loop
def test_ctrl_c_in_the_moment_of_a_cancellation_loses_no_purchase(run: Run) -> None:
    """A program that sees Ctrl-C in a way of its own, too, cancels at the same time."""
    scopes: list[anyio.CancelScope] = []

    async def work(sandbox: Sandbox, client: AsyncClient) -> None:
        with anyio.CancelScope() as scope:
            scopes.append(scope)
            await buy_slowly(sandbox, client)

    def cancel() -> None:
        scopes[0].cancel()

    program = Program(work)
    with pytest.raises(KeyboardInterrupt):
        run(program, 3, along=cancel)

    assert program.sandbox.ledger.paid == 0


@each_loop
def test_ctrl_c_waits_for_a_provider_no_longer_than_promised(run: Run) -> None:
    """`cancel_timeout` for the scope, and once more for the closing; then the order is named."""
    program = Program(await_code, Sandbox(scenario=Scenario(cancel_lock=9999)))

    with pytest.warns(ResourceWarning, match="unsettled"), pytest.raises(KeyboardInterrupt):
        run(program, 3)

    assert [order.id for order in program.told] == program.sandbox.ledger.open
    assert program.ended_at == 3 + 2 * HURRIED


@each_loop
def test_a_second_ctrl_c_ends_the_program(run: Run) -> None:
    """Nothing is promised for the number; who presses twice wants out."""
    program = Program(await_code, Sandbox(scenario=Scenario(cancel_lock=9999)))

    with pytest.warns(ResourceWarning, match="unsettled"), pytest.raises(KeyboardInterrupt):
        run(program, 3, 4)

    assert program.ended_at <= 4 + 2 * HURRIED


# -- sys.exit ---------------------------------------------------------------------------------------------------------


@each_loop
def test_sys_exit_gives_the_number_back_and_keeps_its_status(run: Run) -> None:
    """Also when the client's own closing follows."""

    async def work(sandbox: Sandbox, client: AsyncClient) -> None:
        async with client.activation("google", country="russia"):
            sandbox.fail("user/cancel", Stall(5, processed=False))
            sys.exit(3)

    program = Program(work)
    with pytest.raises(SystemExit) as caught:
        run(program)

    assert (caught.value.code, program.ended_at, program.statuses) == (3, 5, {"CANCELED"})


@each_loop
def test_sys_exit_is_not_lost_in_a_cancellation(run: Run) -> None:
    """The scope that cancels meanwhile would swallow it, and the program go on."""

    async def work(sandbox: Sandbox, client: AsyncClient) -> None:
        with anyio.move_on_after(2):
            async with client.activation("google", country="russia"):
                sandbox.fail("user/cancel", Stall(5, processed=False))
                sys.exit(3)

    program = Program(work)
    with pytest.raises(SystemExit):
        run(program)

    assert program.statuses == {"CANCELED"}


# -- the end of the loop ----------------------------------------------------------------------------------------------


def end_with_a_task(work: Callable[[], Awaitable[None]]) -> None:
    """`asyncio.run` of a program that returns at second 3, while a task of its own still works: it is cancelled."""
    tasks: list[Any] = []

    async def main() -> None:
        tasks.append(asyncio.ensure_future(work()))
        await anyio.sleep(3)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())
    assert tasks[0].cancelled()


@pytest.mark.parametrize("work", [await_code, buy_slowly, lose_the_purchase, settle_slowly, await_three_codes])
def test_the_end_of_an_asyncio_program_gives_the_numbers_of_its_tasks_back(work: Any) -> None:
    """Every task is cancelled then, also those that carry purchases and settlements out."""
    program = Program(work)

    end_with_a_task(program)

    assert program.statuses == {"CANCELED"}
    assert program.sandbox.ledger.paid == 0


@pytest.mark.parametrize("work", [await_code, buy_slowly, lose_the_purchase, settle_slowly])
def test_the_end_of_an_asyncio_program_finds_its_client_open(work: Any) -> None:
    """One that is never closed gets no second try: the first must do."""
    sandbox = Sandbox()

    end_with_a_task(lambda: work(sandbox, client_of(sandbox)))

    assert [order.status for order in sandbox.world.orders.values()] == ["CANCELED"]


def test_the_end_of_an_asyncio_program_settles_for_a_client_closed_before_its_tasks() -> None:
    """The closing has given the number back; the task finds nothing left to do."""
    sandbox = Sandbox()
    tasks: list[Any] = []

    async def main() -> None:
        async with open_client(sandbox) as client:
            tasks.append(asyncio.ensure_future(settle_late(sandbox, client)))
            await anyio.sleep(3)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())

    assert tasks[0].cancelled()
    assert [order.status for order in sandbox.world.orders.values()] == ["CANCELED"]


def client_of(sandbox: Sandbox) -> AsyncClient:
    """One that is not opened and closed in a generator of its own, as `open_client` is."""
    http = httpx.AsyncClient(transport=sandbox.transport())
    return AsyncClient(sandbox.token, v1_url=sandbox.v1_url, http_client=http)


async def settle_late(sandbox: Sandbox, client: AsyncClient) -> None:
    async with client.activation("google", country="russia"):
        await anyio.sleep_forever()


async def numbers(sandbox: Sandbox) -> AsyncGenerator[str, None]:
    """A generator that keeps a client and a number."""
    async with client_of(sandbox) as client, client.activation("google", country="russia") as order:
        while True:
            yield order.phone


@each_loop
@pytest.mark.filterwarnings("ignore:asynchronous generator:ResourceWarning")  # asyncio, of what httpx then begins
def test_a_generator_left_open_to_the_end_of_the_loop_gives_its_number_back(run: Run) -> None:
    """Both loops close what generators are left: asyncio in a task of its own, trio in a cancelled one."""
    sandbox = Sandbox()
    kept = []

    async def main() -> None:
        kept.append(numbers(sandbox))
        await anext(kept[0])

    run(main)

    assert [order.status for order in sandbox.world.orders.values()] == ["CANCELED"]


@each_loop
@pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning")  # trio warns of it
def test_a_generator_nobody_holds_gives_its_number_back(run: Run) -> None:
    """The collector finds it, and the loop closes it."""
    sandbox = Sandbox()

    async def main() -> None:
        await anext(numbers(sandbox))
        gc.collect()
        await anyio.sleep(1)
        assert [order.status for order in sandbox.world.orders.values()] == ["CANCELED"]

    run(main)
