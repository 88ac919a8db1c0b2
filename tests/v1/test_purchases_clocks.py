"""The provider's two clocks: a lost purchase is found, or not denied, for any `Date` beside `created_at`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

import anyio
import httpx
import pytest

from smsapi_async import NoNumbersError, NothingBoughtError, Pace, SpendUnknownError
from smsapi_async.sandbox import Answer, Delay, LostAfter, LostBefore, Mangle, Sandbox
from smsapi_async.testing import open_client
from tests.opening import open_elsewhere
from tests.support.lost_orders import BOOK, BUY, HISTORY, ids
from tests.support.lost_purchases import outcome, together


class Dated(httpx.AsyncBaseTransport):
    """The sandbox behind a gateway that writes another Date."""

    def __init__(self, sandbox: Sandbox, change: Callable[[datetime], str]) -> None:
        self._inner = sandbox.transport()
        self._change = change

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        response.headers["date"] = self._change(parsedate_to_datetime(response.headers["date"]))
        return response


class Timeless(httpx.AsyncBaseTransport):
    """The sandbox, without any sign of what its clocks show."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._inner = sandbox.transport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        body = (await response.aread()).replace(b'"created_at"', b'"made_at"')
        return httpx.Response(response.status_code, content=body)


def shifted(seconds: float) -> Callable[[datetime], str]:
    """A Date ahead of the records by N seconds."""
    return lambda date: format_datetime(date + timedelta(seconds=seconds), usegmt=True)


def drifting(date: datetime) -> str:
    """A Date that gains six seconds a minute on the records."""
    return format_datetime(date + timedelta(seconds=anyio.current_time() / 10), usegmt=True)


APART = [-300, -60, -7, 7, 60, 300]


@pytest.mark.parametrize("ahead", APART)
async def test_a_purchase_is_not_denied_while_the_clocks_are_not_known(ahead, sandbox):
    """The very first purchase is lost, and its row lies outside of the window that `Date` alone gives."""
    sandbox.fail(BUY, LostAfter())
    async with open_client(sandbox, transport=Dated(sandbox, shifted(ahead))) as client:
        with pytest.raises(SpendUnknownError) as caught:
            await client.v1.buy_activation("telegram")

    assert ids(caught.value) == sandbox.ledger.purchases


@pytest.mark.parametrize("ahead", APART)
async def test_a_purchase_is_found_once_the_clocks_are_known(ahead, sandbox):
    """Any purchase that was answered has measured how far they are apart."""
    async with open_client(sandbox, transport=Dated(sandbox, shifted(ahead))) as client:
        await client.v1.buy_activation("facebook")
        sandbox.fail(BUY, LostAfter())
        order = await client.v1.buy_activation("telegram")

        assert sandbox.ledger.purchases[1:] == [order.id]
        await anyio.sleep(60)
        sandbox.fail(BUY, LostBefore())
        with pytest.raises(NothingBoughtError):
            await client.v1.buy_activation("telegram")


async def test_a_date_that_drifts_loses_no_purchase(sandbox):
    """The last purchase that was answered is the anchor, and the loop's own clock goes on from there."""
    async with open_client(sandbox, transport=Dated(sandbox, drifting)) as client:
        for _ in range(10):
            await client.v1.buy_activation("facebook")
            await anyio.sleep(120)
            sandbox.fail(BUY, LostAfter())
            order = await client.v1.buy_activation("telegram")
            assert order.id == sandbox.ledger.purchases[-1]


MALFORMED = [
    "Thu, 01 Jan 99999999999 12:00:00 GMT", "Thu, 01 Jan 2026 12:00:00 +99999999999", "Fri, 31 Dec 9999 23:59:59 GMT",
    "Mon, 01 Jan 0001 00:00:00 GMT", "Mon, 01 Jan 0001 00:00:00 +2359", "Fri, 31 Dec 9999 23:59:59 -2359", "soon", "",
]  # fmt: skip


@pytest.mark.parametrize("date", MALFORMED)
@pytest.mark.parametrize("fault", [Delay(0.1), LostAfter(), LostBefore()], ids=repr)
async def test_a_malformed_date_loses_no_purchase(fault, date, sandbox):
    """It is no clock, and no reason to lose an order."""
    found: list[Any] = []
    async with open_client(sandbox, transport=Dated(sandbox, lambda _: date)) as client:
        with pytest.raises(NoNumbersError):
            await client.v1.buy_activation("telegram", country="russia", operator="tele2")
        sandbox.fail(BUY, fault)
        await outcome(lambda: client.v1.buy_activation("telegram"), found)

    named = [getattr(found[0], "id", None)] if isinstance(fault, Delay) else ids(found[0])
    assert named == sandbox.ledger.purchases


@pytest.mark.parametrize("ahead", [-7, 7])
async def test_one_wrong_date_among_others_does_nothing(ahead, sandbox):
    """The median of the last five counts."""
    dates = iter([0, 0, 0, ahead * 100])
    gateway = Dated(sandbox, lambda date: format_datetime(date + timedelta(seconds=next(dates, 0)), usegmt=True))
    async with open_client(sandbox, transport=gateway) as client:
        for _ in range(3):
            await client.v1.profile()
        sandbox.fail(BUY, LostAfter())
        order = await client.v1.buy_activation("telegram")

    assert sandbox.ledger.purchases == [order.id]


# -- the candidates' window -------------------------------------------------------------------------------------------


async def of_another_process(sandbox: Sandbox) -> int:
    """Another program bought the same, with the same key."""
    async with open_elsewhere(sandbox) as other:
        return (await other.v1.buy_activation("telegram")).id


@pytest.mark.parametrize(("age", "denied"), [(20, False), (580, False), (620, True)])
async def test_what_is_younger_than_ten_minutes_forbids_to_deny(age, denied, sandbox, client):
    """While the offset is not known, no clock of the provider is trusted further than that."""
    await of_another_process(sandbox)
    await anyio.sleep(age)
    sandbox.fail(BUY, LostBefore())

    with pytest.raises(NothingBoughtError if denied else SpendUnknownError) as caught:
        await client.v1.buy_activation("telegram")

    assert ids(caught.value) == ([] if denied else sandbox.ledger.purchases)


@pytest.mark.parametrize(("age", "denied"), [(2, False), (20, True)])
async def test_a_measured_window_is_a_few_seconds(age, denied, sandbox, client):
    """Then an older row is another's, and the caller may buy again at once."""
    await client.v1.buy_activation("facebook")
    await of_another_process(sandbox)
    await anyio.sleep(age)
    sandbox.fail(BUY, LostBefore())

    if denied:
        with pytest.raises(NothingBoughtError):
            await client.v1.buy_activation("telegram")
    else:
        order = await client.v1.buy_activation("telegram")
        assert order.id == sandbox.ledger.purchases[-1]


async def test_an_account_s_offset_serves_a_second_client(sandbox):
    """It has bought nothing itself; another client of the account has."""
    gateway = Dated(sandbox, shifted(60))
    async with open_client(sandbox, transport=gateway) as first, open_client(sandbox, transport=gateway) as second:
        await first.v1.buy_activation("facebook")
        await second.v1.profile()
        sandbox.fail(BUY, LostAfter())
        order = await second.v1.buy_activation("telegram")

    assert sandbox.ledger.purchases[1:] == [order.id]


async def test_a_payment_before_the_window_is_not_overlooked_either(sandbox):
    """The history does not show the order, the book does, by the same clock that `Date` runs ahead of."""
    sandbox.fail(BUY, LostAfter())
    sandbox.fail(HISTORY, Answer(200, '{"Data":[],"Total":0}', "application/json"), times=9)
    async with open_client(sandbox, transport=Dated(sandbox, shifted(60))) as client:
        with pytest.raises(SpendUnknownError):
            await client.v1.buy_activation("telegram")


async def test_a_purchase_in_flight_is_waited_for_while_the_clocks_are_not_known(sandbox):
    """It left eight seconds later, and by a Date that is ahead its row lies in the window of the lost one."""
    sandbox.fail(BUY, LostBefore())
    sandbox.fail(BUY, Delay(20))
    async with open_client(sandbox, transport=Dated(sandbox, shifted(8))) as client:
        lost, slow = await together(*[lambda: client.v1.buy_activation("telegram")] * 2, apart=8)

    assert isinstance(lost, NothingBoughtError)
    assert [slow.id] == sandbox.ledger.purchases
    assert sandbox.count(BOOK) == 1


@pytest.mark.parametrize("fault", [LostBefore(), LostAfter()], ids=repr)
async def test_purchases_in_flight_are_not_waited_for_without_an_end(fault, sandbox):
    """A bot that buys all the time, and no answer shows a clock: after a minute nothing is claimed, or denied."""
    sandbox.fail(BUY, fault)
    sandbox.fail(BUY, Delay(29), times=12)
    found: list[Any] = []
    async with open_client(sandbox, transport=Timeless(sandbox)) as client, anyio.create_task_group() as group:
        group.start_soon(outcome, lambda: client.v1.buy_activation("telegram"), found)
        for _ in range(12):
            await anyio.sleep(8)
            group.start_soon(outcome, lambda: client.v1.buy_activation("telegram"), [])
            if found:
                break
        assert 60 < anyio.current_time() < 90

    assert [type(error) for error in found] == [SpendUnknownError]


async def test_without_any_clock_the_newest_rows_are_the_candidates(sandbox):
    """Thousands of older ones are not read for it."""
    sandbox.page_cap = 40
    async with open_elsewhere(sandbox, pace=Pace(v1_per_second=1e3)) as other:
        for _ in range(150):
            await other.v1.buy_activation("telegram")
    sandbox.fail(BUY, LostAfter())
    async with open_client(sandbox, transport=Dated(sandbox, lambda _: "")) as client:
        with pytest.raises(SpendUnknownError) as caught:
            await client.v1.buy_activation("telegram")

    assert ids(caught.value) == sandbox.ledger.purchases[-100:]


@pytest.mark.parametrize("hour", ["09", "11", "15", "23"])
async def test_one_wrong_instant_in_a_purchase_does_not_deny_the_next_one(hour, sandbox, client):
    """The only purchase that measured the clocks had a wrong row: the window of the lost one is hours away."""
    sandbox.fail(BUY, Mangle(lambda body: body.replace(b"2026-01-01T12:", f"2026-01-01T{hour}:".encode())))
    await client.v1.buy_activation("facebook")
    sandbox.fail(BUY, LostAfter())

    with pytest.raises(SpendUnknownError) as caught:
        await client.v1.buy_activation("telegram")

    assert ids(caught.value) == sandbox.ledger.purchases[1:]


async def test_a_second_purchase_confirms_clocks_that_are_hours_apart(client, sandbox):
    """Records in local time are the usual case: from then on a lost purchase is found at once."""
    sandbox.clock_skew = timedelta(hours=5)
    for _ in range(2):
        await client.v1.buy_activation("facebook")
    sandbox.fail(BUY, LostAfter())

    order = await client.v1.buy_activation("telegram")

    assert order.id == sandbox.ledger.purchases[2]
