"""Every way out of a scope meets every state of its order: the order is settled, or reported as unsettled."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from contextlib import aclosing, contextmanager, nullcontext
from math import inf
from typing import Any

import anyio
import attrs
import pytest
import trio

from smsapi_async._activation import Activation
from smsapi_async.sandbox import BAD_GATEWAY, Answer, Sandbox, Scenario, Stall
from smsapi_async.testing import open_client
from tests.opening import moments, status

pytestmark = pytest.mark.usefixtures("steady")

LEAVING = 20.0
ORDINARY, HURRIED, LATE = 18.0, 7.0, 9.0
"""Seconds a settling may take: `settle_timeout`, `cancel_timeout`, and that one counted from two seconds later."""

SMS = ("Telegram code 04217", "04217")


# -- the states of the order ------------------------------------------------------------------------------------------


async def nothing(sandbox: Sandbox, order: Activation) -> None:
    """Happens to the order."""


async def code_taken(sandbox: Sandbox, order: Activation) -> None:
    sandbox.world.receive(order.id, *SMS, after=3)
    assert await order.code() == "04217"


async def sms_not_taken(sandbox: Sandbox, order: Activation) -> None:
    sandbox.world.receive(order.id, *SMS, after=3)


async def sms_during_the_cancel(sandbox: Sandbox, order: Activation) -> None:
    """`order has sms`."""
    sandbox.fail("user/cancel", Stall(4, processed=False))
    sandbox.world.receive(order.id, *SMS, after=LEAVING + 2)


async def sms_during_the_lock(sandbox: Sandbox, order: Activation) -> None:
    sandbox.world.receive(order.id, *SMS, after=LEAVING + 4)


async def hangs(sandbox: Sandbox, order: Activation) -> None:
    sandbox.fail("user/cancel", Stall(processed=False), times=100)


async def three_gateways(sandbox: Sandbox, order: Activation) -> None:
    sandbox.fail("user/cancel", BAD_GATEWAY, times=3)


async def key_turned_away(sandbox: Sandbox, order: Activation) -> None:
    sandbox.fail("user/cancel", Answer(401))


async def said_to_be_over(sandbox: Sandbox, order: Activation) -> None:
    """Its status lags behind."""
    sandbox.fail("user/cancel", Answer(400, "order expired"), times=100)


async def closed_elsewhere(sandbox: Sandbox, order: Activation) -> None:
    sandbox.world.order_book.cancel(order.id)


def locked(seconds: float, **more: Any) -> Scenario:
    """Cancelling is refused until N seconds after the task left: `you need to wait time`."""
    return Scenario(cancel_lock=LEAVING + seconds, **more)


@attrs.frozen
class State:
    """An order when its scope is left.

    Attributes:
        end: the status it is brought to.
        takes: seconds its settling needs; the cancels of a locked order come after 0, 2, 5, 9.5 and 16.25 s.
        gives_up: seconds after which asking goes on no longer.
        at_closing: whether a second try, with as much time as the first, brings it to its end.
    """

    name: str
    end: str
    takes: float = 0.0
    prepare: Callable[[Sandbox, Activation], Awaitable[None]] = nothing
    scenario: Scenario = attrs.field(factory=Scenario)
    gives_up: float = inf
    at_closing: bool = True


STATES = [
    State("no sms", "CANCELED"),
    State("code taken", "FINISHED", 0, code_taken),
    State("sms not taken", "FINISHED", 0, sms_not_taken),
    State("sms during the cancel", "FINISHED", 4, sms_during_the_cancel),
    State("sms during the lock", "FINISHED", 5, sms_during_the_lock, locked(9999)),
    State("locked shortly", "CANCELED", 5, scenario=locked(4)),
    State("locked for longer", "CANCELED", 16.25, scenario=locked(10)),
    State("locked for good", "PENDING", inf, scenario=locked(9999), at_closing=False),
    State("three bad gateways", "CANCELED", 3.5, three_gateways),
    State("the provider hangs", "PENDING", inf, hangs, at_closing=False),
    State("the key is turned away", "CANCELED", inf, key_turned_away, gives_up=0),
    State("expires meanwhile", "TIMEOUT", 5, scenario=locked(9999, lifetime=LEAVING + 3)),
    State("expired before", "TIMEOUT", scenario=Scenario(lifetime=10)),
    State("said to be over", "PENDING", 2, said_to_be_over),
    State("closed elsewhere", "CANCELED", 0, closed_elsewhere),
]


# -- the ways out -----------------------------------------------------------------------------------------------------


@attrs.define
class Visit:
    """A task in the scope of an order.

    Attributes:
        error: the error that it left with.
        left_at: when the scope let it go.
    """

    sandbox: Sandbox
    state: State
    order: Activation
    error: BaseException | None = None
    left_at: float = inf

    async def __call__(self, until: float = inf, error: Exception | None = None) -> None:
        """Stay, by default for ever."""
        try:
            async with self.order:
                with self._watched():
                    await self.state.prepare(self.sandbox, self.order)
                    await anyio.sleep(until - anyio.current_time())
                    if error is not None:
                        raise error
        finally:
            self.left_at = anyio.current_time()

    async def generator(self) -> AsyncGenerator[None, None]:
        """Stay until the generator is closed."""
        try:
            async with self.order:
                with self._watched():
                    await self.state.prepare(self.sandbox, self.order)
                    yield
        finally:
            self.left_at = anyio.current_time()

    @contextmanager
    def _watched(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self.error = error
            raise


async def by_return(visit: Visit) -> None:
    await visit(until=LEAVING)


async def by_exception(visit: Visit) -> None:
    with pytest.raises(KeyError) as caught:
        await visit(until=LEAVING, error=KeyError("mine"))
    assert caught.value is visit.error


async def by_return_and_cancelled(visit: Visit) -> None:
    with anyio.move_on_after(LEAVING + 2):
        await visit(until=LEAVING)


async def by_exception_and_cancelled(visit: Visit) -> None:
    with pytest.raises(KeyError) as caught:
        with anyio.move_on_after(LEAVING + 2):
            await visit(until=LEAVING, error=KeyError("mine"))
    assert caught.value is visit.error


async def by_move_on_after(visit: Visit) -> None:
    with anyio.move_on_after(LEAVING) as scope:
        await visit()
    assert scope.cancelled_caught


async def by_fail_after(visit: Visit) -> None:
    with pytest.raises(TimeoutError):
        with anyio.fail_after(LEAVING):
            await visit()


async def fail() -> None:
    await anyio.sleep_until(LEAVING)
    raise LookupError("of a neighbour")


async def by_collapse(visit: Visit) -> None:
    async def neighbours() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(visit)
            group.start_soon(fail)

    with pytest.raises(ExceptionGroup) as caught:
        await neighbours()
    assert caught.group_contains(LookupError)


async def by_grandparent(visit: Visit) -> None:
    async def parent() -> None:
        async with anyio.create_task_group() as children:
            children.start_soon(visit)

    with anyio.move_on_after(LEAVING):
        async with anyio.create_task_group() as parents:
            parents.start_soon(parent)


async def by_closed_generator(visit: Visit) -> None:
    async with aclosing(visit.generator()) as generator:
        await anext(generator)
        await anyio.sleep_until(LEAVING)


async def by_task_cancel(visit: Visit, times: int = 1) -> None:
    task = asyncio.create_task(visit())
    for second in range(times):
        await anyio.sleep_until(LEAVING + second)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def by_task_cancel_twice(visit: Visit) -> None:
    await by_task_cancel(visit, times=2)


async def by_asyncio_timeout(visit: Visit) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(LEAVING):
            await visit()


async def by_exception_and_asyncio_timeout(visit: Visit) -> None:
    """Such a cancellation comes once, so it must go on; the error it was thrown into is its context."""
    with pytest.raises((KeyError, TimeoutError)) as caught:
        async with asyncio.timeout(LEAVING + 2):
            await visit(until=LEAVING, error=KeyError("mine"))
    assert any(error is visit.error for error in chain(caught.value))


def chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


async def by_wait_for(visit: Visit) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(visit(), LEAVING)


async def by_asyncio_collapse(visit: Visit) -> None:
    async def neighbours() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(visit())
            group.create_task(fail())

    with pytest.raises(ExceptionGroup) as caught:
        await neighbours()
    assert caught.group_contains(LookupError)


async def by_trio_timeout(visit: Visit) -> None:
    with pytest.raises(trio.TooSlowError):
        with trio.fail_after(LEAVING):
            await visit()


async def by_nursery_collapse(visit: Visit) -> None:
    async def neighbours() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(visit)
            nursery.start_soon(fail)

    with pytest.raises(ExceptionGroup) as caught:
        await neighbours()
    assert caught.group_contains(LookupError)


Way = Callable[[Visit], Awaitable[None]]
BOTH: dict[Way, float] = {
    by_return: ORDINARY,
    by_exception: ORDINARY,
    by_return_and_cancelled: LATE,
    by_exception_and_cancelled: LATE,
    by_move_on_after: HURRIED,
    by_fail_after: HURRIED,
    by_collapse: HURRIED,
    by_grandparent: HURRIED,
    by_closed_generator: HURRIED,
}
ASYNCIO: dict[Way, float] = {
    by_task_cancel: HURRIED,
    by_task_cancel_twice: HURRIED,
    by_asyncio_timeout: HURRIED,
    by_exception_and_asyncio_timeout: LATE,
    by_wait_for: HURRIED,
    by_asyncio_collapse: HURRIED,
}
TRIO: dict[Way, float] = {by_trio_timeout: HURRIED, by_nursery_collapse: HURRIED}

every_state = pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)


def every_way(ways: Iterable[Way]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("way", ways, ids=lambda way: way.__name__)


# -- what must hold ---------------------------------------------------------------------------------------------------


@every_state
@every_way(BOTH)
async def test_a_way_out_that_both_loops_have_settles_the_order(way: Way, state: State, caplog) -> None:
    """Within its bound; what is still open then is named, tried again by the closing, and named once."""
    await leave(way, state, caplog)


@every_state
@every_way(ASYNCIO)
@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
async def test_a_way_out_of_asyncio_s_own_settles_the_order(way: Way, state: State, caplog) -> None:
    """These throw into the task itself, past a plain shield."""
    await leave(way, state, caplog)


@every_state
@every_way(TRIO)
@pytest.mark.parametrize("anyio_backend", ["trio"], indirect=True)
async def test_a_way_out_of_trio_s_own_settles_the_order(way: Way, state: State, caplog) -> None:
    """A user of trio writes trio's scopes."""
    await leave(way, state, caplog)


async def leave(way: Way, state: State, caplog: pytest.LogCaptureFixture) -> None:
    sandbox, told = Sandbox(scenario=state.scenario), list[Any]()
    bound = {**BOTH, **ASYNCIO, **TRIO}[way]
    settled = state.takes <= bound
    stuck = not settled and not state.at_closing

    with pytest.warns(ResourceWarning, match="unsettled") if stuck else nullcontext():
        async with open_client(
            sandbox, settle_timeout=ORDINARY, cancel_timeout=HURRIED, on_unsettled=told.append
        ) as client:
            visit = Visit(sandbox, state, client.activation("telegram", country="russia"))
            await way(visit)

            left_open = [] if settled else [visit.order.id]
            assert visit.left_at == pytest.approx(LEAVING + min(state.takes, bound, state.gives_up), abs=0.2)
            assert visit.order.order.status == status(sandbox, visit.order.id) == (state.end if settled else "PENDING")
            assert list(client.unsettled) == told
            assert ids_in(getattr(visit.error, "__notes__", [])) == (left_open if visit.error else [])
            asked = len(moments(sandbox, "user/cancel"))

    assert visit.order.order.status == status(sandbox, visit.order.id) == state.end
    assert (sandbox.ledger.paid == 0) is (state.end == "CANCELED")
    assert (len(moments(sandbox, "user/cancel")) > asked) is not settled
    assert [order.id for order in told] == ids_in(caplog.messages) == left_open


def ids_in(texts: Iterable[str]) -> list[int]:
    """The orders that texts say are unsettled."""
    return [int(found[1]) for text in texts if "unsettled" in text and (found := re.search(r"(\d{10})", text))]
