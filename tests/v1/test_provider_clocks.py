"""A `Date` that is ahead, behind, drifting or no date at all moves no end of an order that was bought here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import anyio
import httpx
import pytest

from smsapi_async import AsyncClient, OrderExpiredError
from smsapi_async.sandbox import Delivery, Mangle, Sandbox, Scenario
from smsapi_async.testing import open_client
from tests.opening import buy, open_elsewhere, second, status

pytestmark = pytest.mark.usefixtures("steady")

DATES: list[dict[str, Any]] = [
    {"date_skew": timedelta(seconds=-60)},
    {"date_skew": timedelta(seconds=300)},
    {"date_skew": timedelta(hours=-5)},
    {"date_rate": 1.2},
    {"date_rate": 0.8},
    {"date_text": "Thu, 01 Jan 99999999999 12:00:00 GMT"},
    {"date_text": "Fri, 31 Dec 9999 23:59:59 GMT"},
    {"no_date": True},
]


@pytest.mark.parametrize("date", DATES, ids=str)
async def test_an_order_bought_here_is_cancelled_ten_seconds_before_its_end(date: dict[str, Any]) -> None:
    """Behind, the order lapsed and was paid; ahead, the wait ended minutes early."""
    sandbox = Sandbox(**date)
    async with open_client(sandbox) as client:
        order_id = await buy(client)

        with pytest.raises(OrderExpiredError):
            await client.await_code(order_id)

        assert 889.9 <= anyio.current_time() <= 891
        assert status(sandbox, order_id) == "CANCELED"


@pytest.mark.parametrize("skew", [-60, 300])
async def test_the_account_s_offset_corrects_the_end_of_another_s_order(sandbox: Sandbox, skew: float) -> None:
    """One purchase shows how far the provider's two clocks are apart."""
    sandbox.date_skew = timedelta(seconds=skew)
    async with open_elsewhere(sandbox) as buyer:
        order_id = await buy(buyer)
    await anyio.sleep(100)

    async with open_client(sandbox) as client:
        await client.v1.cancel(await buy(client))
        with pytest.raises(OrderExpiredError):
            await client.await_code(order_id)

    assert 885 <= anyio.current_time() <= 892
    assert status(sandbox, order_id) == "CANCELED"


async def test_one_wrong_date_does_not_end_the_wait_for_another_s_order(sandbox: Sandbox) -> None:
    """Taken by itself it cancelled an order that had minutes to live."""
    async with open_elsewhere(sandbox) as buyer:
        order_id = await buy(buyer, sandbox, Delivery(300, "code 04217", "04217"))

    async with open_client(sandbox) as client:
        for _ in range(3):
            await client.v1.profile()
        sandbox.date_skew = timedelta(seconds=890)
        sandbox.fail("user/check", Mangle(lambda body: body), times=1)
        async with anyio.create_task_group() as group:

            async def put_right() -> None:
                await anyio.sleep(1)
                sandbox.date_skew = timedelta(0)

            group.start_soon(put_right)
            assert await client.await_code(order_id) == "04217"


async def test_an_end_moves_only_with_the_expiry(client: AsyncClient, sandbox: Sandbox) -> None:
    """The provider may give an order more time."""
    order_id = await buy(client)
    sandbox.world.orders[order_id].expires_at += timedelta(seconds=120)

    with pytest.raises(OrderExpiredError):
        await client.await_code(order_id)

    assert 1009.9 <= anyio.current_time() <= 1011
    assert status(sandbox, order_id) == "CANCELED"


@pytest.mark.parametrize("hours", [-30, -5, 5, 30])
async def test_a_clock_that_is_hours_off_changes_nothing(sandbox: Sandbox, client: AsyncClient, hours: int) -> None:
    """Both times of the subtraction are the provider's."""
    sandbox.clock_skew = timedelta(hours=hours)

    with pytest.raises(OrderExpiredError):
        await client.await_code(await buy(client))

    assert 890 <= anyio.current_time() < 891.1


class OtherDate(httpx.AsyncBaseTransport):
    """A proxy in between that writes a Date of its own, or none."""

    def __init__(self, sandbox: Sandbox, date: str | None) -> None:
        self._inner = sandbox.transport()
        self._date = date

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        del response.headers["date"]
        if self._date is not None:
            response.headers["date"] = self._date
        return response


IMPLAUSIBLE = [None, "not a date", "Thu, 01 Jan 2015 00:00:00 GMT", "Fri, 01 Jan 2055 00:00:00 GMT"]


@pytest.mark.parametrize("date", IMPLAUSIBLE)
async def test_without_a_plausible_date_the_span_counts_that_was_sold(sandbox: Sandbox, date: str | None) -> None:
    """The purchase says from when to when."""
    async with open_client(sandbox, transport=OtherDate(sandbox, date)) as client:
        with pytest.raises(OrderExpiredError):
            await client.await_code(await buy(client))

        assert second() == 890
    assert sandbox.ledger.paid == 0


@pytest.mark.parametrize("date", IMPLAUSIBLE)
async def test_without_a_plausible_date_an_order_bought_elsewhere_has_twenty_minutes(date: str | None) -> None:
    """There is no better estimate; the provider may end the order earlier by its status."""
    sandbox = Sandbox(scenario=Scenario(lifetime=9000))
    async with open_client(sandbox, transport=OtherDate(sandbox, date)) as client:
        async with open_client(sandbox) as buyer:
            order_id = await buy(buyer)

        with pytest.raises(OrderExpiredError):
            await client.await_code(order_id)

        assert second() == 1190


def _without_expires(body: bytes) -> bytes:
    return body.replace(b'"expires"', b'"gone"')


def _expired_long_ago(body: bytes) -> bytes:
    return body.replace(b'"expires": "20', b'"expires": "19').replace(b'"expires":"20', b'"expires":"19')


@pytest.mark.parametrize("change", [_without_expires, _expired_long_ago])
async def test_without_a_usable_expiry_an_order_has_twenty_minutes(change: Callable[[bytes], bytes]) -> None:
    """An order that seems over by its expiry, and has an open status, is open."""
    sandbox = Sandbox(scenario=Scenario(lifetime=9000))
    sandbox.fail("GET /v1/user/", Mangle(change), times=1000)
    async with open_client(sandbox) as client:
        order_id = await buy(client)

        with pytest.raises(OrderExpiredError):
            await client.await_code(order_id)

        assert second() == 1190
        assert status(sandbox, order_id) == "CANCELED"
