"""Failed looks: their effect on the waits of the order, and the trouble that a wait endures."""

from __future__ import annotations

import anyio
import pytest

from smsapi_async import AuthenticationError, NotFoundError, OutcomeUnknownError
from smsapi_async._polling.tracked import PATIENCE, UNREADABLE_FOR, Waiter
from tests.opening import second
from tests.support.made_up_orders import Fake, found, is_idle, poller_of


async def test_an_error_meets_also_a_wait_that_begins_while_it_is_reported() -> None:
    """Without the error, the late wait would sleep for ever: no look is planned for it."""
    fake = Fake(takes=0)
    fake.troubles = [AuthenticationError("wrong key")]
    poller = poller_of({1: fake})
    tracked = poller.record(1, 0.0)
    first, late = Waiter(tracked), Waiter(tracked)
    poller.join(first, 0.0)
    with pytest.raises(AuthenticationError):
        await poller.news(first)

    poller.join(late, anyio.current_time())

    with pytest.raises(AuthenticationError):
        await poller.news(late)
    assert len(fake.looks) == 1


async def test_a_wait_that_begins_after_an_error_asks_again() -> None:
    """The scope of the order keeps its record, and an old refusal says nothing of today."""
    fake = Fake(arrives=0, takes=0)
    fake.troubles = [AuthenticationError("wrong key")]
    poller = poller_of({1: fake})
    tracked = poller.registry.keep(poller.record(1, 0.0))
    with pytest.raises(AuthenticationError):
        await found(poller, 1)

    assert await found(poller, 1) == second()
    poller.registry.release(tracked)
    assert is_idle(poller)


async def test_a_record_is_kept_as_often_as_it_was_asked_for() -> None:
    """Two scopes may look after one order."""
    poller = poller_of({})
    tracked = poller.registry.keep(poller.record(1, 0.0))
    assert poller.registry.keep(poller.record(1, 0.0)) is tracked

    poller.registry.release(tracked)
    assert poller.registry.get(1) is tracked
    poller.registry.release(tracked)

    assert poller.registry.get(1) is None


@pytest.mark.usefixtures("steady")
async def test_an_order_that_is_unknown_twice_ends_its_waits() -> None:
    """Once may be a replica of the provider that lags behind."""
    fake = Fake(arrives=0, takes=0)
    fake.troubles = [NotFoundError("order not found"), OutcomeUnknownError("lost"), NotFoundError("again")]
    poller = poller_of({1: fake})

    with pytest.raises(NotFoundError, match="again"):
        await found(poller, 1)

    assert fake.looks == [0.0, 2.0, 4.0]


async def test_a_new_order_that_is_unknown_is_asked_for_patiently() -> None:
    """Its purchase was answered, so it exists."""
    fake = Fake(arrives=0, takes=0)
    fake.troubles = [NotFoundError("order not found") for _ in range(100)]
    poller = poller_of({1: fake})
    tracked = poller.registry.keep(poller.record(1, 0.0))
    tracked.bought_at = 0.0

    with pytest.raises(NotFoundError):
        await found(poller, 1)

    assert anyio.current_time() == PATIENCE


async def test_trouble_slows_the_looks_down_and_ends_no_wait() -> None:
    """The provider may be down for minutes."""
    fake = Fake(arrives=0, takes=0)
    fake.troubles = [OutcomeUnknownError("lost") for _ in range(8)]
    poller = poller_of({1: fake})

    assert await found(poller, 1) == 2 + 4 + 8 + 16 + 4 * 30


async def test_a_wait_learns_when_nothing_readable_comes_for_half_an_hour() -> None:
    """Without an end, the wait would go on for ever."""
    fake = Fake(takes=0)
    fake.troubles = [OutcomeUnknownError("lost") for _ in range(100)]
    poller = poller_of({1: fake})
    waiter = Waiter(poller.record(1, 0.0))
    poller.join(waiter, 0.0)

    while not waiter.tracked.gone_dark():
        await poller.news(waiter)
    poller.leave(waiter, anyio.current_time())

    assert UNREADABLE_FOR <= anyio.current_time() <= UNREADABLE_FOR + 30
