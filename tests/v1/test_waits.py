"""The table of waiting (DESIGN, section 5), a test a row: one order, its code, and what becomes of the order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import anyio
import httpx
import pytest

from smsapi_async import (
    AsyncClient,
    AuthenticationError,
    ClientClosedError,
    NoCodeError,
    NotFoundError,
    OrderClosedError,
    OrderExpiredError,
    Sms,
    WaitTimeoutError,
)
from smsapi_async.sandbox import (
    API_LIMIT,
    BAD_GATEWAY,
    INTERNAL_ERROR,
    IP_LIMIT,
    MAINTENANCE,
    Answer,
    Cut,
    Delay,
    Delivery,
    Fault,
    LostAfter,
    LostBefore,
    Mangle,
    NotConnected,
    Reset,
    Sandbox,
    Scenario,
    Stall,
)
from smsapi_async.v1 import Order
from tests.opening import moments, opened, second

CODE = Delivery(5, "Telegram code 04217", "04217")
NO_CODE = Delivery(5, "Welcome to Telegram")
MISSING = Answer(404, "order not found")


@pytest.fixture(autouse=True)
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """The looks come without jitter: at 4 s, then every 2 s, from 25 s on every 8 % of the order's age."""
    monkeypatch.setattr("smsapi_async._wait.random.random", lambda: 0.5)


async def buy(client: AsyncClient, sandbox: Sandbox | None = None, *plan: Delivery) -> int:
    """An order, and what it is to receive."""
    order = await client.v1.buy_activation("telegram", country="russia", operator="mts")
    for sms in plan:
        assert sandbox is not None
        sandbox.world.receive(order.id, sms.text, sms.code, sms.sender, sms.after)
    return order.id


def status(sandbox: Sandbox, order_id: int) -> str:
    return sandbox.world.orders[order_id].status


# -- a code ---------------------------------------------------------------------------------------------------------


async def test_a_found_code_is_returned_and_its_order_finished(sandbox: Sandbox, client: AsyncClient) -> None:
    """The whole promise; an order left open would cost rating and hold the number."""
    order_id = await buy(client, sandbox, CODE)

    code = await client.await_code(order_id)

    assert (code, second()) == ("04217", 6)
    assert moments(sandbox, "check") == [4.0, 6.0]
    assert status(sandbox, order_id) == "FINISHED"
    assert client.unsettled == ()


async def test_without_settle_a_found_code_leaves_the_order_open(sandbox: Sandbox, client: AsyncClient) -> None:
    """More messages may be wanted."""
    order_id = await buy(client, sandbox, CODE)

    sms = await client.await_sms(order_id, settle=False)

    assert (sms.code, sms.text, sms.sender) == ("04217", "Telegram code 04217", "Telegram")
    assert status(sandbox, order_id) == "RECEIVED"


async def test_a_stalled_finish_holds_the_code_back_for_two_seconds_only(sandbox: Sandbox) -> None:
    """A code is typed into a form that times out; the finish can wait for the closing of the client."""
    sandbox.fail("user/finish", Stall(processed=False))
    async with opened(sandbox) as client:
        order_id = await buy(client, sandbox, CODE)

        code = await client.await_code(order_id)

        assert (code, second()) == ("04217", 8)
        assert [order.id for order in client.unsettled if isinstance(order, Order)] == [order_id]
        assert status(sandbox, order_id) == "RECEIVED"
    assert status(sandbox, order_id) == "FINISHED"


async def test_a_late_finish_is_worth_no_warning(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """No money hangs on it, and the closing client does it."""
    told: list[Any] = []
    sandbox.fail("user/finish", Stall(processed=False))
    async with opened(sandbox, on_unsettled=told.append) as client:
        await client.await_code(await buy(client, sandbox, CODE))

    assert told == []
    assert "unsettled" not in caplog.text


async def test_a_code_the_provider_did_not_find_is_read_from_the_text(sandbox: Sandbox, client: AsyncClient) -> None:
    """The provider's own reader misses some messages; the user sees the code all the same."""

    assert await client.await_code(await buy(client, sandbox, Delivery(5, "Your code is 77120"))) == "77120"


async def test_extract_is_asked_before_the_provider(sandbox: Sandbox, client: AsyncClient) -> None:
    """Who brings a reader of his own knows his product better than the provider."""

    assert (
        await client.await_code(await buy(client, sandbox, CODE), extract=lambda text: text.split()[-1][::-1])
        == "71240"
    )


async def test_what_extract_does_not_find_is_the_providers_code(sandbox: Sandbox, client: AsyncClient) -> None:
    """None says: not mine."""

    assert await client.await_code(await buy(client, sandbox, CODE), extract=lambda _: None) == "04217"


async def test_a_message_without_a_code_is_waited_past(sandbox: Sandbox, client: AsyncClient) -> None:
    """A greeting may come first."""

    assert (
        await client.await_code(await buy(client, sandbox, NO_CODE, Delivery(20, "Telegram code 04217", "04217")))
        == "04217"
    )
    assert second() == 20


async def test_match_passes_over_messages_of_others(sandbox: Sandbox, client: AsyncClient) -> None:
    """A number may get codes of a service nobody asked for."""

    def ours(sms: Sms) -> bool:
        return sms.sender == "Telegram"

    assert (
        await client.await_code(
            await buy(
                client, sandbox, Delivery(5, "Other 1111", "1111", "Other"), Delivery(9, "Telegram code 04217", "04217")
            ),
            match=ours,
        )
        == "04217"
    )


async def test_the_newest_code_is_the_code(sandbox: Sandbox, client: AsyncClient) -> None:
    """Who asked for the code again needs the second one."""

    assert (
        await client.await_code(await buy(client, sandbox, CODE, Delivery(5.5, "Telegram code 55555", "55555")))
        == "55555"
    )


async def test_received_is_no_evidence_of_a_code(sandbox: Sandbox) -> None:
    """Fresh orders have come back RECEIVED with nothing in them."""
    sandbox = Sandbox(scenario=Scenario(fresh_status="RECEIVED", plans={"telegram": [[Delivery(30, "c 12", "0412")]]}))
    async with opened(sandbox) as client:
        assert await client.await_code(await buy(client)) == "0412"

        assert anyio.current_time() >= 30


async def test_the_code_of_a_finished_order_is_returned_at_once(sandbox: Sandbox, client: AsyncClient) -> None:
    """After a crash between the code and its use."""
    order_id = await buy(client, sandbox, CODE)
    await client.await_code(order_id)
    before = len(sandbox.requests)

    async with opened(sandbox) as other:
        assert await other.await_code(order_id) == "04217"

    assert second() == 6
    assert len(sandbox.requests) == before + 1


# -- no code --------------------------------------------------------------------------------------------------------


async def test_ten_seconds_before_its_end_an_order_is_cancelled_for_a_refund(
    sandbox: Sandbox, client: AsyncClient
) -> None:
    """An order that lapses may not be refunded."""
    order_id = await buy(client)

    with pytest.raises(OrderExpiredError) as caught:
        await client.await_code(order_id)

    assert 890 <= anyio.current_time() < 891.1
    assert moments(sandbox, "check")[-1] == moments(sandbox, "cancel")[0]
    assert caught.value.order is not None
    assert (caught.value.order.id, caught.value.order.status) == (order_id, "CANCELED")
    assert sandbox.ledger.paid == 0


async def test_without_settle_an_order_without_code_stays_open_at_its_end(
    sandbox: Sandbox, client: AsyncClient
) -> None:
    """The caller said so."""
    order_id = await buy(client)

    with pytest.raises(OrderExpiredError):
        await client.await_code(order_id, settle=False)

    assert sandbox.count("GET /v1/user/cancel") == 0
    assert sandbox.ledger.open == [order_id]


@pytest.mark.parametrize("timeout", [30, 30.0, timedelta(seconds=30)])
async def test_a_timeout_ends_the_wait_to_the_second(
    sandbox: Sandbox, client: AsyncClient, timeout: float | timedelta
) -> None:
    """It is a TimeoutError to whoever knows only those."""
    order_id = await buy(client)

    with pytest.raises(TimeoutError) as caught:
        await client.await_code(order_id, timeout=timeout)

    assert isinstance(caught.value, WaitTimeoutError)
    assert (second(), moments(sandbox, "check")[-1]) == (30, 30.0)
    assert status(sandbox, order_id) == "CANCELED"
    assert sandbox.ledger.paid == 0


async def test_a_timeout_of_zero_takes_one_look(sandbox: Sandbox, client: AsyncClient) -> None:
    """The way to ask: is it there by now?"""
    order_id = await buy(client)

    with pytest.raises(WaitTimeoutError):
        await client.await_code(order_id, timeout=0, settle=False)

    assert moments(sandbox, "check") == [0.0]


async def test_a_code_that_lands_during_the_cancel_is_returned(sandbox: Sandbox, client: AsyncClient) -> None:
    """The provider refuses the cancel: the code is paid for, so the caller gets it."""
    sandbox.fail("user/cancel", Stall(2, processed=False))
    order_id = await buy(client, sandbox, Delivery(31, "Telegram code 04217", "04217"))

    assert await client.await_code(order_id, timeout=30) == "04217"
    assert second() == 32
    assert status(sandbox, order_id) == "FINISHED"


async def test_a_code_that_lands_during_the_cancel_waits_no_longer_for_its_finish(sandbox: Sandbox) -> None:
    """The two seconds hold on this way too; it was lost, with the order, when the finish stalled to the bound."""
    sandbox.fail("user/cancel", Stall(2, processed=False))
    sandbox.fail("user/finish", Stall(processed=False))
    async with opened(sandbox) as client:
        order_id = await buy(client, sandbox, Delivery(31, "Telegram code 04217", "04217"))

        assert await client.await_code(order_id, timeout=30) == "04217"
        assert second() == 34
    assert status(sandbox, order_id) == "FINISHED"


async def test_a_message_that_lands_during_the_cancel_and_is_not_wanted_finishes_the_order(
    sandbox: Sandbox, client: AsyncClient
) -> None:
    """It cannot be cancelled any more."""
    sandbox.fail("user/cancel", Stall(2, processed=False))
    order_id = await buy(client, sandbox, Delivery(31, "Other 1111", "1111", "Other"))

    with pytest.raises(WaitTimeoutError) as caught:
        await client.await_code(order_id, timeout=30, match=lambda sms: sms.sender == "Telegram")

    assert caught.value.order is not None
    assert [sms.text for sms in caught.value.order.sms] == ["Other 1111"]
    assert status(sandbox, order_id) == "FINISHED"


async def test_messages_without_a_code_at_the_end_are_in_the_error(sandbox: Sandbox, client: AsyncClient) -> None:
    """A human may still read the code out of them; the order has an SMS, so it can only be finished."""
    order_id = await buy(client, sandbox, NO_CODE)

    with pytest.raises(NoCodeError) as caught:
        await client.await_code(order_id)

    assert type(caught.value) is NoCodeError
    assert caught.value.order is not None
    assert [sms.text for sms in caught.value.order.sms] == ["Welcome to Telegram"]
    assert 890 <= anyio.current_time() < 891.1
    assert status(sandbox, order_id) == "FINISHED"
    assert sandbox.count("GET /v1/user/cancel") == 0


async def test_the_messages_survive_an_answer_that_leaves_them_out(sandbox: Sandbox, client: AsyncClient) -> None:
    """An order without an `sms` key is an answer the wire knows; the texts are the caller's last hope."""
    sandbox.fail("user/finish", Mangle(lambda body: body.replace(b'"sms"', b'"gone"')))

    with pytest.raises(NoCodeError) as caught:
        await client.await_code(await buy(client, sandbox, NO_CODE))

    assert caught.value.order is not None
    assert [sms.text for sms in caught.value.order.sms] == ["Welcome to Telegram"]


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("TIMEOUT", OrderExpiredError),
        ("CANCELED", OrderClosedError),
        ("BANNED", OrderClosedError),
        ("FINISHED", OrderClosedError),
    ],
)
async def test_a_closed_order_without_code_ends_the_wait(
    sandbox: Sandbox, client: AsyncClient, word: str, kind: type[NoCodeError]
) -> None:
    """Nothing more can come."""
    order_id = await buy(client, sandbox, NO_CODE)
    sandbox.world.orders[order_id].status = word

    with pytest.raises(kind) as caught:
        await client.await_code(order_id)

    assert caught.value.order is not None
    assert caught.value.order.status == word
    assert second() == 4
    assert sandbox.count("GET /v1/user/") == 2


async def test_an_unknown_status_is_an_open_order(sandbox: Sandbox, client: AsyncClient) -> None:
    """The provider may invent more."""
    sandbox.fail("user/check", Mangle(lambda body: body.replace(b'"PENDING"', b'"PREPARING"')), times=2)

    assert await client.await_code(await buy(client, sandbox, Delivery(9, "Telegram code 04217", "04217"))) == "04217"


async def test_an_order_that_waits_before_it_may_be_cancelled_is_cancelled_later() -> None:
    """`you need to wait time` is no no."""
    sandbox = Sandbox(scenario=Scenario(cancel_lock=60))
    async with opened(sandbox) as client:
        order_id = await buy(client)

        with pytest.raises(WaitTimeoutError) as caught:
            await client.await_code(order_id, timeout=30)

        assert caught.value.order is not None
        assert caught.value.order.status == "CANCELED"
        assert 60 <= anyio.current_time() <= 70


async def test_a_hosting_order_is_left_open_when_a_wait_for_it_ends(sandbox: Sandbox, client: AsyncClient) -> None:
    """It is paid for its hours and cannot be given back."""
    order = await client.v1.buy_hosting("3hours", country="russia", operator="any")

    with pytest.raises(WaitTimeoutError):
        await client.await_code(order.id, timeout=60)

    assert sandbox.ledger.open == [order.id]
    assert sandbox.count("GET /v1/user/cancel") == 0


async def test_a_hosting_order_hands_its_code_over_and_stays_open(sandbox: Sandbox, client: AsyncClient) -> None:
    """More codes are to come."""
    order = await client.v1.buy_hosting("3hours", country="russia", operator="any")
    sandbox.world.receive(order.id, "code 4711", "4711", after=10)

    assert await client.await_code(order.id) == "4711"
    assert sandbox.ledger.open == [order.id]
    assert sandbox.count("GET /v1/user/finish") == 0


# -- trouble --------------------------------------------------------------------------------------------------------

TROUBLES: list[Fault] = [
    API_LIMIT,
    IP_LIMIT,
    INTERNAL_ERROR,
    BAD_GATEWAY,
    MAINTENANCE,
    Answer(200, '{"id": "no', "application/json"),
    Cut(),
    LostBefore(),
    LostAfter(),
    NotConnected(),
    Reset(),
]


@pytest.mark.parametrize("fault", TROUBLES, ids=lambda fault: str(fault)[:30])
async def test_trouble_slows_the_looks_down_and_ends_no_wait(
    sandbox: Sandbox, client: AsyncClient, fault: Fault
) -> None:
    """A provider that is down for a minute must not cost the number."""
    sandbox.fail("user/check", fault, times=4)

    assert await client.await_code(await buy(client, sandbox, CODE)) == "04217"
    assert second() == 4 + 2 + 4 + 8 + 16


async def test_a_look_that_never_answers_is_given_up_and_repeated(sandbox: Sandbox, client: AsyncClient) -> None:
    """`request_timeout` bounds it."""
    sandbox.fail("user/check", Stall())

    assert await client.await_code(await buy(client, sandbox, CODE)) == "04217"
    assert second() == 4 + 30 + 2


async def test_trouble_until_the_end_leaves_the_order_in_unsettled(sandbox: Sandbox) -> None:
    """The wait ends at its end, and the caller learns that nothing could be done."""
    with pytest.warns(ResourceWarning, match="unsettled"):  # noqa: PT031 - the client's closing warns
        async with opened(sandbox) as client:
            order_id = await buy(client)
            sandbox.fail("user/", NotConnected(), times=10_000)

            with pytest.raises(OrderExpiredError):
                await client.await_code(order_id)

            assert second() == 890 + 120
            assert [order.id for order in client.unsettled if isinstance(order, Order)] == [order_id]


async def test_half_an_hour_without_a_readable_answer_ends_the_wait() -> None:
    """Of an order whose end is not known either, somebody else's purchase."""
    sandbox = Sandbox(scenario=Scenario(lifetime=9000))
    async with opened(sandbox) as buyer:
        order_id = await buy(buyer)
    sandbox.fail("user/", BAD_GATEWAY, times=10_000)
    with pytest.warns(ResourceWarning, match="unsettled"):  # noqa: PT031 - the client's closing warns
        async with opened(sandbox) as client:
            with pytest.raises(WaitTimeoutError, match="30 minutes"):
                await client.await_code(order_id)

            assert 1800 + 120 <= anyio.current_time() <= 1830 + 120
            assert [order.id for order in client.unsettled if isinstance(order, Order)] == [order_id]
            assert client.unsettled[0].phone == ""


async def test_a_wrong_key_ends_the_wait_at_once(sandbox: Sandbox, client: AsyncClient) -> None:
    """It will not pass by itself; the order stays open for who has the right one."""
    order_id = await buy(client)
    sandbox.fail("user/check", Answer(401))

    with pytest.raises(AuthenticationError):
        await client.await_code(order_id)

    assert moments(sandbox, "check") == [4.0]
    assert sandbox.ledger.open == [order_id]


async def test_after_a_wrong_key_another_wait_asks_again(sandbox: Sandbox, client: AsyncClient) -> None:
    """The scope around it keeps the order; a wait that was told the old error would never end."""
    order_id = await buy(client, sandbox, CODE)
    async with opened(sandbox) as other, other.resume(order_id) as order:
        sandbox.fail("user/check", Answer(401))
        with pytest.raises(AuthenticationError):
            await order.code()

        assert await order.code() == "04217"


async def test_an_order_missing_twice_is_not_found(sandbox: Sandbox, client: AsyncClient) -> None:
    """Once may be a slip of a lagging replica."""
    with pytest.raises(NotFoundError):
        await client.await_code(12345)

    assert moments(sandbox, "check") == [0.0, 2.0]


async def test_an_order_missing_once_is_waited_for(sandbox: Sandbox, client: AsyncClient) -> None:
    """The same slip, the other way round."""
    async with opened(sandbox) as buyer:
        order_id = await buy(buyer, sandbox, CODE)
    sandbox.fail("user/check", MISSING)

    assert await client.await_code(order_id) == "04217"
    assert moments(sandbox, "check")[:2] == [0.0, 2.0]


async def test_an_order_just_bought_may_be_missing_for_a_minute(sandbox: Sandbox, client: AsyncClient) -> None:
    """The record may lag behind the purchase, and the money is spent."""
    sandbox.fail("user/check", MISSING, times=25)

    assert await client.await_code(await buy(client, sandbox, CODE)) == "04217"
    assert second() == 4 + 25 * 2


async def test_an_order_bought_over_a_minute_ago_is_not_found_at_last(sandbox: Sandbox, client: AsyncClient) -> None:
    """Patience has its end."""
    sandbox.fail("user/check", MISSING, times=100)

    with pytest.raises(NotFoundError):
        await client.await_code(await buy(client))

    assert second() == 60


async def test_trouble_after_a_missing_order_slows_down_too(sandbox: Sandbox, client: AsyncClient) -> None:
    """A look every two seconds into a rate limit earns a ban."""
    order_id = await buy(client, sandbox, CODE)
    sandbox.fail("user/check", MISSING)
    sandbox.fail("user/check", API_LIMIT, times=3)

    await client.await_code(order_id)

    assert moments(sandbox, "check") == [4, 6, 8, 12, 20]


# -- the end, near ----------------------------------------------------------------------------------------------------


async def test_a_last_look_that_stalls_does_not_cost_the_refund(sandbox: Sandbox, client: AsyncClient) -> None:
    """A request may take 30 s, the lead is 10: it is given up in time to cancel."""
    order_id = await buy(client)

    async def stall_later() -> None:
        await anyio.sleep(860)
        sandbox.fail("user/check", Stall(), times=100)

    async with anyio.create_task_group() as group:
        group.start_soon(stall_later)
        with pytest.raises(OrderExpiredError) as caught:
            await client.await_code(order_id)

    assert caught.value.order is not None
    assert caught.value.order.status == "CANCELED"
    assert anyio.current_time() <= 896
    assert sandbox.ledger.paid == 0


async def test_a_look_that_stalls_holds_a_timeout_up_for_five_seconds_only(
    sandbox: Sandbox, client: AsyncClient
) -> None:
    """A last look is owed to the caller, half a minute is not."""
    order_id = await buy(client)
    sandbox.fail("user/check", Stall(), times=100)

    with pytest.raises(WaitTimeoutError):
        await client.await_code(order_id, timeout=20)

    assert second() == 25


async def test_a_slow_network_makes_no_burst_of_last_looks(sandbox: Sandbox, client: AsyncClient) -> None:
    """Latency makes each answer's end a little later than the one before: the last look must not run after it."""
    sandbox.fail("user/check", Delay(0.1), times=1000)
    order_id = await buy(client)

    with pytest.raises(OrderExpiredError):
        await client.await_code(order_id)

    assert len([at for at in moments(sandbox, "check") if at > 889]) <= 2


# -- the provider's clock ---------------------------------------------------------------------------------------------


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


DATES = [None, "not a date", "Thu, 01 Jan 2015 00:00:00 GMT", "Fri, 01 Jan 2055 00:00:00 GMT"]


@pytest.mark.parametrize("date", DATES)
async def test_without_a_plausible_date_the_span_counts_that_was_sold(sandbox: Sandbox, date: str | None) -> None:
    """The purchase says from when to when."""
    async with opened(sandbox, transport=OtherDate(sandbox, date)) as client:
        with pytest.raises(OrderExpiredError):
            await client.await_code(await buy(client))

        assert second() == 890
    assert sandbox.ledger.paid == 0


@pytest.mark.parametrize("date", DATES)
async def test_without_a_plausible_date_an_order_bought_elsewhere_has_twenty_minutes(date: str | None) -> None:
    """Nobody knows better; the provider ends it earlier by its status."""
    sandbox = Sandbox(scenario=Scenario(lifetime=9000))
    async with opened(sandbox, transport=OtherDate(sandbox, date)) as client:
        async with opened(sandbox) as buyer:
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
    """Of an order that says it is over and is open, the status is right."""
    sandbox = Sandbox(scenario=Scenario(lifetime=9000))
    sandbox.fail("GET /v1/user/", Mangle(change), times=1000)
    async with opened(sandbox) as client:
        order_id = await buy(client)

        with pytest.raises(OrderExpiredError):
            await client.await_code(order_id)

        assert second() == 1190
        assert status(sandbox, order_id) == "CANCELED"


# -- cancelled, closed ------------------------------------------------------------------------------------------------


async def test_a_cancelled_wait_sends_nothing_more(sandbox: Sandbox, client: AsyncClient) -> None:
    """The order's id is the caller's; what he wants with it only he knows."""
    order_id = await buy(client)

    with anyio.move_on_after(7):
        await client.await_code(order_id)
    sent = len(sandbox.requests)
    await anyio.sleep(100)

    assert len(sandbox.requests) == sent
    assert sandbox.ledger.open == [order_id]
    assert client.unsettled == ()


async def test_a_wait_cancelled_in_the_middle_of_a_look_sends_nothing_more(
    sandbox: Sandbox, client: AsyncClient
) -> None:
    """The look under way dies with its task."""
    order_id = await buy(client)
    sandbox.fail("user/check", Stall())

    with anyio.move_on_after(7):
        await client.await_code(order_id)

    assert second() == 7
    assert sandbox.ledger.open == [order_id]


@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
@pytest.mark.parametrize("stalled", [False, True])
async def test_a_task_cancelled_by_asyncio_sends_nothing_more(
    sandbox: Sandbox, client: AsyncClient, stalled: bool
) -> None:
    """`task.cancel()` and `asyncio.timeout` throw into the waiting task itself."""
    order_id = await buy(client)
    if stalled:
        sandbox.fail("user/check", Stall())

    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(7):
            await client.await_code(order_id)

    assert not isinstance(caught.value, WaitTimeoutError)
    assert sandbox.ledger.open == [order_id]
    assert sandbox.count("GET /v1/user/cancel") == 0


async def test_closing_the_client_ends_its_waits_at_once(sandbox: Sandbox) -> None:
    """Also the one whose look is under way and never answered; the order stays open under its id."""
    ended: list[float] = []
    async with opened(sandbox) as client:
        orders = [await buy(client) for _ in range(3)]
        sandbox.fail(f"user/check/{orders[0]}", Stall())

        async def wait(order_id: int) -> None:
            with pytest.raises(ClientClosedError):
                await client.await_code(order_id)
            ended.append(second())

        async with anyio.create_task_group() as group:
            for order_id in orders:
                group.start_soon(wait, order_id)
            await anyio.sleep(20)
            await client.aclose()

    assert ended == [20.0, 20.0, 20.0]
    assert sandbox.ledger.open == orders


async def test_after_closing_nothing_is_waited_for(sandbox: Sandbox) -> None:
    """Also of an order this client bought itself."""
    async with opened(sandbox) as client:
        order_id = await buy(client)
        await client.aclose()

        with pytest.raises(ClientClosedError):
            await client.await_code(order_id)
        with pytest.raises(ClientClosedError):
            await anext(client.messages(order_id))


# -- several waits on one order ---------------------------------------------------------------------------------------


async def test_one_look_serves_every_wait_on_an_order(sandbox: Sandbox, client: AsyncClient) -> None:
    """Three parts of a program may ask for the same code."""
    order_id = await buy(client, sandbox, CODE)
    codes = []

    async def wait() -> None:
        codes.append(await client.await_code(order_id))

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(wait)

    assert codes == ["04217"] * 3
    assert moments(sandbox, "check") == [4.0, 6.0]
    assert sandbox.count("GET /v1/user/finish") == 1


async def test_only_the_last_wait_to_leave_settles_the_order(sandbox: Sandbox, client: AsyncClient) -> None:
    """A short timeout here must not take the number from who still waits there."""
    order_id = await buy(client)
    left: list[tuple[float, str]] = []

    async def wait(timeout: float) -> None:
        with pytest.raises(WaitTimeoutError):
            await client.await_code(order_id, timeout=timeout)
        left.append((second(), status(sandbox, order_id)))

    async with anyio.create_task_group() as group:
        group.start_soon(wait, 10)
        group.start_soon(wait, 20)

    assert left == [(10.0, "PENDING"), (20.0, "CANCELED")]


async def test_a_cancelled_wait_leaves_the_settling_to_the_others(sandbox: Sandbox, client: AsyncClient) -> None:
    """The look it held is taken by another at once."""
    order_id = await buy(client, sandbox, CODE)
    sandbox.fail("user/check", Stall())

    async def impatient() -> None:
        with anyio.move_on_after(7):
            await client.await_code(order_id)

    async with anyio.create_task_group() as group:
        group.start_soon(impatient)
        code = await client.await_code(order_id, timeout=600)

    assert (code, status(sandbox, order_id)) == ("04217", "FINISHED")


async def test_no_wait_settles_an_order_a_scope_looks_after(sandbox: Sandbox, client: AsyncClient) -> None:
    """The scope may want more of it, and settles it anyway."""
    async with client.activation("telegram", country="russia") as order:
        sandbox.world.receive(order.id, CODE.text, CODE.code, after=5)
        assert await client.await_code(order.id) == "04217"
        with pytest.raises(WaitTimeoutError):
            await client.await_code(order.id, timeout=5, match=lambda _: False)
        assert status(sandbox, order.id) == "RECEIVED"

    assert status(sandbox, order.id) == "FINISHED"


async def test_an_iterator_over_messages_keeps_no_wait_from_settling(sandbox: Sandbox, client: AsyncClient) -> None:
    """It is registered only inside `async for`, and settles nothing: the order would lapse."""
    order_id = await buy(client)
    texts: list[str] = []

    async def listen() -> None:
        texts.extend([sms.text async for sms in client.messages(order_id)])

    async with anyio.create_task_group() as group:
        group.start_soon(listen)
        with pytest.raises(OrderExpiredError):
            await client.await_code(order_id)

    assert texts == []
    assert sandbox.ledger.paid == 0


async def test_a_wait_of_another_loop_is_refused(sandbox: Sandbox) -> None:
    """Its records and events belong to one loop; the order was bought here, so no request would say so."""
    outcome: list[BaseException] = []
    async with opened(sandbox) as client:
        order_id = await buy(client)

        def elsewhere() -> None:
            async def wait() -> None:
                await client.await_code(order_id)

            try:
                asyncio.run(wait())
            except RuntimeError as error:
                outcome.append(error)

        import threading  # noqa: PLC0415  only this test has a second loop

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()

        with pytest.raises(WaitTimeoutError):
            await client.await_code(order_id, timeout=1)

    assert "another event loop" in str(outcome[0])


# -- iterating --------------------------------------------------------------------------------------------------------


async def test_messages_come_once_each_and_oldest_first(sandbox: Sandbox, client: AsyncClient) -> None:
    """Two may arrive between two looks."""
    order_id = await buy(client, sandbox, CODE, Delivery(5.5, "second"), Delivery(60, "third"))
    texts = []

    async for sms in client.messages(order_id):
        texts.append(sms.text)
        if len(texts) == 3:
            break

    assert texts == ["Telegram code 04217", "second", "third"]


async def test_the_same_text_again_is_a_new_message(sandbox: Sandbox, client: AsyncClient) -> None:
    """Also when it arrives in the same second."""
    order_id = await buy(client, sandbox, CODE, CODE, Delivery(30, CODE.text, CODE.code))

    texts = []

    with anyio.move_on_after(100):
        async for sms in client.messages(order_id):
            texts.append(sms.text)  # noqa: PERF401 - a comprehension would lose them at the end of the scope

    assert texts == [CODE.text] * 3


async def test_the_iteration_ends_when_the_order_closes(sandbox: Sandbox, client: AsyncClient) -> None:
    """After the last message was handed over."""
    order_id = await buy(client, sandbox, CODE)

    texts = [sms.text async for sms in client.messages(order_id)]

    assert texts == ["Telegram code 04217"]
    assert 900 <= anyio.current_time() < 903
    assert status(sandbox, order_id) == "FINISHED"


async def test_an_iteration_left_early_leaves_nothing_behind(sandbox: Sandbox, client: AsyncClient) -> None:
    """No task, no timer, no watch."""
    order_id = await buy(client, sandbox, CODE)

    async for _ in client.messages(order_id):
        break
    sent = len(sandbox.requests)
    await anyio.sleep(300)

    assert len(sandbox.requests) == sent
    assert client._waits.turns._watches == {}


async def test_an_iteration_may_be_taken_up_again(sandbox: Sandbox, client: AsyncClient) -> None:
    """What was handed over stays so, and what is known is not asked for again."""
    messages = client.messages(await buy(client, sandbox, CODE, Delivery(5.5, "second")))

    first = await anext(messages)
    await anyio.sleep(50)
    later = await anext(messages)

    assert (first.text, later.text) == ("Telegram code 04217", "second")
    assert second() == 56


async def test_half_an_hour_without_a_readable_answer_ends_the_iteration(sandbox: Sandbox, client: AsyncClient) -> None:
    """It would go on for ever."""
    sandbox.fail("user/check", BAD_GATEWAY, times=10_000)

    with pytest.raises(WaitTimeoutError, match="30 minutes"):
        await anext(client.messages(4711))

    assert 1800 <= anyio.current_time() <= 1830


@pytest.mark.parametrize("bad", [0, -1, True, "7", 1.5])
async def test_an_id_that_is_none_is_the_callers_mistake(sandbox: Sandbox, client: AsyncClient, bad: Any) -> None:
    """Named, and nothing is sent."""
    with pytest.raises(ValueError, match="order_id"):
        await client.await_code(bad)
    with pytest.raises(ValueError, match="order_id"):
        client.messages(bad)
    with pytest.raises(ValueError, match="timeout"):
        await client.await_code(1, timeout=-1)

    assert sandbox.requests == []
