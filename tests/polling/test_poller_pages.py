"""Requests that waiters make besides looks at their orders: pages of the list, and chores."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import pytest

from smsapi_async import OutcomeUnknownError, RefusedError
from smsapi_async._polling.poller import CUT_CHORE_WAITS, GRACE
from smsapi_async._polling.tracked import Tracked
from tests.opening import second
from tests.support.made_up_orders import Fake, Listed, all_found, found, is_idle, poller_of

# -- the list -------------------------------------------------------------------------------------------------------


async def test_a_list_finds_the_codes_of_many_orders() -> None:
    """One page answers for all of them."""
    orders = {key: Fake(arrives=30.0, takes=0) for key in range(40)}
    provider = Listed(orders)
    many: list[bool] = []

    async def see_many() -> None:
        await anyio.sleep(5)
        many.append(provider.poller.many)

    ends: list[float] = []
    async with anyio.create_task_group() as group:
        group.start_soon(see_many)
        ends += await all_found(provider.poller, orders)

    assert many == [True]
    assert max(ends) < 32
    assert sum(len(order.looks) for order in orders.values()) < 200
    assert is_idle(provider.poller)


@pytest.mark.parametrize("error", [RefusedError("bad limit"), OutcomeUnknownError("lost")])
async def test_a_list_that_fails_leaves_the_looks(error: Exception) -> None:
    """The orders keep their own rhythm."""
    orders = {key: Fake(arrives=30.0, takes=0) for key in range(10)}
    provider = Listed(orders)
    provider.troubles = [error] * 100

    ends = await all_found(provider.poller, orders)

    assert max(ends) < 35
    assert is_idle(provider.poller)


async def test_a_page_is_given_to_another_when_its_holder_has_news() -> None:
    """Its caller is not held until a page that stalls has come."""
    orders = {key: Fake(takes=0) for key in range(3)}
    provider = Listed(orders, takes=500)
    ends: dict[int, float] = {}
    holders: list[Tracked[str]] = []

    async def wait(key: int) -> None:
        ends[key] = await found(provider.poller, key)

    async with anyio.create_task_group() as group:
        for key in orders:
            group.start_soon(wait, key)
        await anyio.sleep(10)
        holders += [
            each for each in provider.poller.registry if any(waiter.request is not None for waiter in each.waiters)
        ]
        orders[holders[0].key].arrives = 0.0
        provider.poller.observe(holders[0], orders[holders[0].key].shown(10.0), 10.0)
        await anyio.sleep(1)
        group.cancel_scope.cancel()

    [holder] = holders
    assert ends == {holder.key: pytest.approx(10 + GRACE, abs=GRACE)}
    assert provider.pages[-1] == ends[holder.key]
    assert is_idle(provider.poller)


async def test_a_waiter_looks_at_the_order_of_one_that_asks_for_a_page() -> None:
    """Otherwise the look at that order would wait until the page has come."""
    orders = {1: Fake(takes=0), 2: Fake(takes=0)}
    provider = Listed(orders, takes=500)

    async with anyio.create_task_group() as group:
        for key in orders:
            group.start_soon(found, provider.poller, key)
        await anyio.sleep(100)
        group.cancel_scope.cancel()

    assert min(len(order.looks) for order in orders.values()) > 10
    assert is_idle(provider.poller)


# -- chores ---------------------------------------------------------------------------------------------------------


async def test_a_chore_is_done_again_until_it_is_done() -> None:
    """An order is to be finished, and the provider does not answer."""
    poller = poller_of([Fake(arrives=60, takes=0)])
    done: list[float] = []

    async def finish() -> float | None:
        done.append(anyio.current_time())
        return 5.0 if len(done) < 3 else None

    async with anyio.create_task_group() as group:
        group.start_soon(found, poller, 0)
        await anyio.sleep(1)
        poller.add_chore(finish, 3.0)

    assert done == [3.0, 8.0, 13.0]
    assert is_idle(poller)


async def test_a_chore_that_stalls_is_broken_off_and_begun_again() -> None:
    """Its holder has an order of its own."""
    poller = poller_of([Fake(arrives=14, takes=0)])
    begun: list[float] = []

    async def finish() -> float | None:
        begun.append(anyio.current_time())
        await anyio.sleep(500)
        return None

    async with anyio.create_task_group() as group:
        group.start_soon(found, poller, 0)
        await anyio.sleep(1)
        poller.add_chore(finish, 2.0)

    # Its own order is due before the bound is over, and it is the only one who could ask.
    assert begun[:2] == [2.0, pytest.approx(4.0 + GRACE + CUT_CHORE_WAITS)]
    assert second() < 25
    assert is_idle(poller)


async def test_chores_take_no_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that takes finishes slowly must not hold up codes, nor codes the finishes."""
    monkeypatch.setattr("smsapi_async._polling.poller.CHORES", 3)
    poller = poller_of({key: Fake(arrives=20, takes=0) for key in range(8)}, turns=1)
    under_way: set[int] = set()
    most = 0

    def chore(number: int) -> Callable[[], Awaitable[float | None]]:
        async def work() -> None:
            nonlocal most
            under_way.add(number)
            most = max(most, len(under_way))
            try:
                await anyio.sleep(3)
            finally:
                under_way.discard(number)

        return work

    async with anyio.create_task_group() as group:
        for key in range(8):
            group.start_soon(found, poller, key)
        await anyio.sleep(1)
        for number in range(8):
            poller.add_chore(chore(number), 1.0)

    assert most == 3
    assert second() < 27
