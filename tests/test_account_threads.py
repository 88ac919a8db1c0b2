"""One account under several event loops: in other threads, in earlier runs, and in loops that have died."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import anyio
import pytest
from anyio.lowlevel import EventLoopToken

from smsapi_async import NothingBoughtError, SpendUnknownError
from smsapi_async._sending import Attempt
from smsapi_async.rent._purchases import Purchase as Rental
from smsapi_async.sandbox import Delay, LostAfter, LostBefore, Sandbox
from smsapi_async.testing import open_client
from smsapi_async.v1._matching import Purchase
from tests.support import lost_rents as rents
from tests.support.lost_orders import BUY, ids
from tests.support.lost_purchases import outcome


class Threaded(Sandbox):
    """A world for several event loops, each of which has a clock of its own."""

    def _loop_time(self) -> float:
        return time.monotonic()


class Turns:
    """Lets threads wait for each other, each in its own loop."""

    def __init__(self) -> None:
        self.done: set[str] = set()

    async def until(self, name: str) -> None:
        while name not in self.done:
            await anyio.sleep(0.01)


def in_threads(*programs: Callable[[], Awaitable[None]]) -> None:
    """Run each program in a thread and an event loop of its own, one half on each library."""
    errors: list[BaseException] = []

    def run(program: Callable[[], Awaitable[None]], backend: str) -> None:
        try:
            anyio.run(program, backend=backend)
        except BaseException as error:  # noqa: BLE001 - it is raised in the test
            errors.append(error)

    threads = [
        threading.Thread(target=run, args=(program, backend))
        for program, backend in zip(programs, ("asyncio", "trio"), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look after a tenth of the time, because threads live on real time."""
    monkeypatch.setattr("smsapi_async._sending.lost_purchases.LOOKS", (0.1, 0.3, 0.6))
    monkeypatch.setattr("smsapi_async._sending.claims.POLL", 0.05)


@pytest.mark.socket
@pytest.mark.usefixtures("quick")
def test_clients_in_two_threads_do_not_give_one_order_to_two_lost_purchases():
    """Their clocks cannot be compared: each names the order, and neither takes it."""
    sandbox, found = Threaded(), list[Any]()

    async def lose(fault: Any) -> None:
        async with open_client(sandbox) as client:
            sandbox.fail(BUY, fault)
            await outcome(lambda: client.v1.buy_activation("telegram"), found)

    in_threads(partial(lose, LostAfter()), partial(lose, LostBefore()))

    assert [type(error) for error in found] == [SpendUnknownError] * 2
    assert sandbox.ledger.purchases in [ids(error) for error in found]


@pytest.mark.socket
@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_an_order_of_an_earlier_run_is_not_taken_for_a_lost_purchase(backend):
    """A program calls `asyncio.run` for each job, and the key is the same."""
    sandbox, found = Threaded(), list[Any]()

    async def buy(*faults: Any) -> None:
        async with open_client(sandbox) as client:
            for fault in faults:
                sandbox.fail(BUY, fault)
            await outcome(lambda: client.v1.buy_activation("telegram"), found)

    anyio.run(buy, backend=backend)
    anyio.run(buy, LostBefore(), backend=backend)

    assert [found[0].id] == sandbox.ledger.purchases
    assert isinstance(found[1], NothingBoughtError)


@pytest.mark.socket
@pytest.mark.usefixtures("quick")
def test_a_purchase_in_flight_in_another_thread_is_waited_for():
    """Its row is there before its answer, and a lost purchase of this thread must not take it."""
    sandbox, found = Threaded(), list[Any]()
    bought: list[int] = []
    turns = Turns()

    async def slow() -> None:
        async with open_client(sandbox) as client:
            sandbox.fail(BUY, Delay(1.5))
            turns.done.add("ready")
            bought.append((await client.v1.buy_activation("telegram")).id)

    async def lose() -> None:
        await turns.until("ready")
        async with open_client(sandbox) as client:
            await anyio.sleep(0.2)
            sandbox.fail(BUY, LostBefore())
            await outcome(lambda: client.v1.buy_activation("telegram"), found)

    in_threads(slow, lose)

    assert bought == sandbox.ledger.purchases
    assert ids(found[0]) == []


def of_a_dead_loop(purchase: Any) -> Any:
    """A purchase whose loop was closed while it was in flight."""
    loop = asyncio.new_event_loop()
    loop.close()
    purchase.loop = EventLoopToken(type(None), loop)  # type: ignore[arg-type]  # of asyncio, as far as we ask
    purchase.attempt = Attempt(None, None, None)  # type: ignore[arg-type]
    purchase.attempt.sent_at = 1.0
    return purchase


async def test_an_order_of_a_loop_that_has_died_is_named_and_not_taken(sandbox, client):
    """That purchase will never report, so it is not waited for. The order may belong to it."""
    dead = of_a_dead_loop(Purchase("activation", "telegram"))
    claims = client._purchases._lost.claims
    claims.pending.append(dead)
    sandbox.fail(BUY, LostAfter())

    with pytest.raises(SpendUnknownError) as caught:
        await client.v1.buy_activation("telegram")

    assert ids(caught.value) == sandbox.ledger.purchases
    assert (claims.pending, claims.given_up[0]) == ([], dead)
    assert anyio.current_time() < 12


async def test_a_number_of_a_loop_that_has_died_is_named_and_not_taken(sandbox, client):
    """The same for numbers, which have no time of purchase."""
    client.rent.purchases._lost.claims.pending.append(of_a_dead_loop(Rental(7, 1, frozenset())))
    sandbox.fail(rents.BUY, LostAfter())

    with pytest.raises(SpendUnknownError) as caught:
        await client.rent.buy_number(7, 1)

    assert rents.tzids(caught.value) == sandbox.ledger.rents


async def test_what_a_dead_loop_gave_up_before_does_not_matter_later(sandbox, client):
    """A purchase that began afterwards cannot have made the same row."""
    claims = client._purchases._lost.claims
    claims.give_up(of_a_dead_loop(Purchase("activation", "telegram")), ())
    sandbox.fail(BUY, LostAfter())

    order = await client.v1.buy_activation("telegram")

    assert sandbox.ledger.purchases == [order.id]


async def test_an_extension_of_a_loop_that_has_died_holds_nothing(sandbox, client):
    """The number may be extended again."""
    number = await client.rent.buy_number(7, 1, extension=True)
    sandbox.world.receive_rent(number.tzid, "code 1234", "1234")
    claims = client.rent.purchases._lost.claims
    claims._held[number.tzid] = of_a_dead_loop(Rental(7, 1, frozenset())).loop

    assert (await client.rent.extend(number.tzid, 7)).days_bought == 8
