"""A caller that leaves in the middle of a call that spends: the purchase is handed over or given back, never lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Any

import anyio
import attrs
import pytest

from smsapi_async import AsyncClient, Pace
from smsapi_async.sandbox import Delay, Delivery, Fault, Ledger, LostAfter, NotConnected, Sandbox, Scenario
from smsapi_async.testing import open_client
from tests.interrupting import RUNS, Run, run_on_asyncio

BEGUN, LEFT = 200.0, 200.4
"""When the call is made, and when its caller leaves."""

Spend = Callable[[], Awaitable[object]]


# -- the calls --------------------------------------------------------------------------------------------------------


async def buy_activation(client: AsyncClient) -> Spend:
    return lambda: client.v1.buy_activation("telegram", country="russia")


async def enter_scope(client: AsyncClient) -> Spend:
    async def work() -> None:
        async with client.activation("telegram", country="russia"):
            raise AssertionError("not reached")

    return work


async def reuse(client: AsyncClient) -> Spend:
    first = await client.v1.buy_activation("telegram", country="russia", reuse=True)
    await client.await_code(first.id)
    return lambda: client.v1.reuse("telegram", first.phone)


async def buy_hosting(client: AsyncClient) -> Spend:
    return lambda: client.v1.buy_hosting("1day", country="russia")


async def buy_number(client: AsyncClient) -> Spend:
    await client.rent.buy_number(46, 1)
    return lambda: client.rent.buy_number(7, 1)


async def extend(client: AsyncClient) -> Spend:
    number = await client.rent.buy_number(7, 1, extension=True)
    return lambda: client.rent.extend(number.tzid, 7)


@attrs.frozen
class Kind:
    """A call that spends.

    Attributes:
        request: a part of its line.
        made: the ids that it made, by the provider's account.
        undone: True if the purchase is given back when its caller has left.
    """

    prepare: Callable[[AsyncClient], Awaitable[Spend]]
    request: str
    made: Callable[[Ledger], list[int]]
    undone: bool = False


KINDS = [
    Kind(buy_activation, "/buy/activation/", lambda ledger: ledger.purchases, undone=True),
    Kind(enter_scope, "/buy/activation/", lambda ledger: ledger.purchases, undone=True),
    Kind(reuse, "/user/reuse/", lambda ledger: ledger.purchases[1:], undone=True),
    Kind(buy_hosting, "/buy/hosting/", lambda ledger: ledger.purchases),
    Kind(buy_number, "/getRentNum", lambda ledger: ledger.rents[1:]),
    Kind(extend, "/extendRentState", lambda ledger: ledger.extensions),
]

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.prepare.__name__)


# -- the ways to leave ------------------------------------------------------------------------------------------------


async def stay(spend: Spend) -> None:
    await spend()


async def by_scope(spend: Spend) -> None:
    with anyio.move_on_at(LEFT):
        await spend()


async def by_group(spend: Spend) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(stay, spend)
        await anyio.sleep_until(LEFT)
        group.cancel_scope.cancel()


async def by_task_cancel(spend: Spend) -> None:
    task = asyncio.ensure_future(stay(spend))
    for moment in (LEFT, LEFT + 0.1):
        await anyio.sleep_until(moment)
        task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def by_timeout(spend: Spend) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout_at(LEFT):
            await spend()


Way = Callable[[Spend], Awaitable[None]]
Program = Callable[[Way], Awaitable[None]]


def leaves(run: Run, way: Way) -> Callable[[Program], None]:
    return lambda program: run(lambda: program(way))


def is_stopped(run: Run) -> Callable[[Program], None]:
    def leave(program: Program) -> None:
        with pytest.raises(KeyboardInterrupt):
            run(lambda: program(stay), LEFT)

    return leave


def ends_with_its_loop(program: Program) -> None:
    tasks: list[Any] = []

    async def main() -> None:
        tasks.append(asyncio.ensure_future(program(stay)))
        await anyio.sleep_until(LEFT)

    run_on_asyncio(main)
    assert tasks[0].cancelled()


LEAVES: dict[str, Callable[[Program], None]] = {
    **{f"{way.__name__}-{name}": leaves(run, way) for way in (by_scope, by_group) for name, run in RUNS.items()},
    **{f"{way.__name__}-asyncio": leaves(run_on_asyncio, way) for way in (by_task_cancel, by_timeout)},
    **{f"by_ctrl_c-{name}": is_stopped(run) for name, run in RUNS.items()},
    "by_end_of_loop-asyncio": ends_with_its_loop,
}

every_way = pytest.mark.parametrize("leave", LEAVES.values(), ids=LEAVES)


# -- what must hold ---------------------------------------------------------------------------------------------------


WORLD = Scenario(
    plans={"telegram": [[Delivery(3, "Telegram code 04217", "04217")]]},
    rent_plans={"7": [[Delivery(60, "code 0412", "0412")]]},
)


@attrs.define
class Seen:
    """The requests of a program, and the results that it got."""

    kind: Kind
    sandbox: Sandbox = attrs.field(factory=lambda: Sandbox(scenario=WORLD))
    told: list[Any] = attrs.field(factory=list)
    left_at: float = 0.0

    def program(self, fault: Fault | None = None) -> Program:
        """One that makes the call at its second 200; without a fault the call has to wait for its slot."""
        pace = Pace(v1_per_second=0.1, rent_per_second=0.1) if fault is None else Pace(rent_per_second=10)

        async def run(way: Way) -> None:
            async with open_client(self.sandbox, pace=pace, on_unsettled=self.told.append) as client:
                spend = await self.kind.prepare(client)
                await anyio.sleep_until(BEGUN)
                if fault is None:
                    await client.v1.profile()
                    await client.rent.balance()
                else:
                    self.sandbox.fail(self.kind.request, fault, times=9)
                try:
                    await way(spend)
                finally:
                    self.left_at = anyio.current_time()
                await anyio.sleep(60)

        return run

    @property
    def sent(self) -> int:
        """How often the call's request arrived."""
        return sum(entry.at >= BEGUN and self.kind.request in entry.line for entry in self.sandbox.log)


@every_way
@every_kind
@pytest.mark.parametrize("fault", [Delay(5), LostAfter()], ids=["in flight", "being looked for"])
def test_what_is_bought_for_a_caller_who_leaves_is_given_back_or_told(fault: Fault, kind: Kind, leave: Any) -> None:
    """An activation is cancelled again; a hosting order, a rent and an extension are paid for and kept."""
    seen = Seen(kind)

    with nullcontext() if kind.undone else pytest.warns(ResourceWarning, match="unsettled"):
        leave(seen.program(fault))

    (made,) = kind.made(seen.sandbox.ledger)
    assert seen.sent == 1
    assert [getattr(one, "id", None) or one.tzid for one in seen.told] == ([] if kind.undone else [made])
    assert (made in (*seen.sandbox.ledger.open, *seen.sandbox.ledger.open_rents)) is not kind.undone


@every_way
@every_kind
@pytest.mark.parametrize("fault", [NotConnected(), None], ids=["before it is connected", "before its slot comes"])
def test_nothing_is_bought_for_a_caller_who_left_before(fault: Fault | None, kind: Kind, leave: Any) -> None:
    """Not then, and not later: its caller has left."""
    seen = Seen(kind)

    leave(seen.program(fault))

    assert (seen.sent, seen.told, kind.made(seen.sandbox.ledger)) == (0, [], [])
    assert seen.left_at == pytest.approx(LEFT, abs=0.15)
