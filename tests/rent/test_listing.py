"""Waits for several rented numbers: one look at all of them answers for each."""

from __future__ import annotations

from datetime import UTC

import anyio
import pytest

from smsapi_async import AsyncClient, RentClosedError, Sms
from smsapi_async._polling import Known, Tracked, Waiter
from smsapi_async._sending import Reply
from smsapi_async.rent import RentedNumber
from smsapi_async.rent._waits import _look_at_all
from smsapi_async.sandbox import Sandbox
from tests.opening import moments, second

ALL, ONE = "getRentState.php?pagination", "getRentState.php?tzid"


async def rent(client: AsyncClient, count: int) -> list[int]:
    return [(await client.rent.buy_number(46, 1)).tzid for _ in range(count)]


async def test_one_look_answers_for_every_number(sandbox: Sandbox, client: AsyncClient) -> None:
    """One request a second may leave, however many numbers are waited for."""
    tzids = (await rent(client, 5))[:4]  # no caller waits for one of them
    ends: dict[int, int] = {}
    before = len(moments(sandbox, ONE))
    for tzid in tzids:
        sandbox.world.receive_rent(tzid, f"code {tzid}", "1234", after=30)

    async def wait(tzid: int) -> None:
        await client.await_rent_code(tzid)
        ends[tzid] = second()

    async with anyio.create_task_group() as group:
        for tzid in tzids:
            group.start_soon(wait, tzid)

    assert set(ends) == set(tzids)
    assert max(ends.values()) <= 45
    assert len(moments(sandbox, ONE)) - before <= 5
    assert len(moments(sandbox, ALL)) >= 5


async def test_a_number_the_list_lacks_is_looked_at_twice_before_its_wait_ends(
    sandbox: Sandbox, client: AsyncClient
) -> None:
    """A list that slips ends no wait."""
    gone, *others = await rent(client, 3)
    await anyio.sleep(70)  # one bought just now may be missing for a while
    for tzid in others:
        sandbox.world.receive_rent(tzid, "code 1234", "1234", after=60)
    ends: list[float] = []

    async def lose() -> None:
        with pytest.raises(RentClosedError):
            await client.await_rent_code(gone)
        ends.append(anyio.current_time())

    closed_at = anyio.current_time() + 20
    async with anyio.create_task_group() as group:
        group.start_soon(lose)
        for tzid in others:
            group.start_soon(client.await_rent_code, tzid)
        await anyio.sleep(20)
        await client.rent.close(gone)

    assert ends[0] - closed_at <= 20
    assert len([at for at in moments(sandbox, f"{ONE}={gone}") if at >= closed_at]) == 2


def test_a_list_with_fewer_messages_than_a_look_showed_takes_nothing_back() -> None:
    """It counts against the list, which may be late."""
    tracked: Tracked[RentedNumber] = Tracked(5, readable_at=0.0, seen_at=0.0, sms=(Sms(text="a"), Sms(text="b")))
    tracked.waiters = (Waiter(tracked),)
    body = b'{"response":1,"list":[{"tzid":5,"messages":[{"text":"a"}]},{"tzid":6}]}'
    asked = _look_at_all(Known({5: tracked}.get, (5,)), UTC)

    page = asked.read(Reply(status=200, headers={}, body=body))

    assert (page.fewer, page.quiet, page.counted) == ([tracked], [tracked], [(5, 1)])
