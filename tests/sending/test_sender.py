"""send(): the slot, the tries, the reading; whose loop it is, and what a closed client still sends."""

from __future__ import annotations

import asyncio
import logging

import anyio
import pytest
import trio

from smsapi_async import (
    AsyncClient,
    ClientClosedError,
    NotFoundError,
    OutcomeUnknownError,
    Pace,
)
from smsapi_async.sandbox import API_LIMIT, BAD_GATEWAY, INTERNAL_ERROR, Answer, Delay, NotConnected
from smsapi_async.testing import open_client

PROFILE = "GET /v1/user/profile"
CHECK = "GET /v1/user/check/"


async def test_a_read_that_fails_is_asked_again(sandbox, client):
    """A hiccup of the network is no reason to bother the caller."""
    sandbox.fail(PROFILE, BAD_GATEWAY, times=2)
    sandbox.fail(PROFILE, NotConnected())

    assert (await client.v1.profile()).balance == 100
    assert sandbox.count(PROFILE) == 3
    assert anyio.current_time() == pytest.approx(0.5 + 1 + 2, abs=0.1)


async def test_a_read_that_keeps_failing_raises_its_last_error(sandbox, client):
    """After `max_retries` repetitions."""
    sandbox.fail(PROFILE, INTERNAL_ERROR, times=99)

    with pytest.raises(OutcomeUnknownError, match=r"^v1\.profile: HTTP 500"):
        await client.v1.profile()

    assert sandbox.count(PROFILE) == 4


async def test_a_rate_limit_is_waited_out_longer(sandbox, client):
    """The fifth hit in ten minutes is a ban."""
    sandbox.fail(PROFILE, API_LIMIT)

    await client.v1.profile()

    assert anyio.current_time() == pytest.approx(2, abs=0.1)


async def test_a_refusal_is_not_asked_again(sandbox, client):
    """It would be refused again."""
    with pytest.raises(NotFoundError):
        await client.v1.check(1)

    assert sandbox.count(CHECK) == 1


async def test_a_finish_whose_answer_is_lost_is_sent_again(sandbox, client):
    """It asks for the same end; a purchase never is (tests/v1/test_purchases.py)."""
    order = await client.v1.buy_activation("telegram")
    sandbox.fail("user/cancel", Answer(502, "<html>", processed=False))

    assert (await client.v1.cancel(order.id)).status == "CANCELED"
    assert sandbox.count("GET /v1/user/cancel/") == 2


async def test_a_repetition_is_told_at_debug(sandbox, client, caplog):
    """A slow call explains itself to a listener, and costs nothing without one."""
    sandbox.fail(PROFILE, BAD_GATEWAY)
    with caplog.at_level(logging.DEBUG, "smsapi_async"):
        await client.v1.profile()

    told = [message for message in caplog.messages if not message.startswith("call.ended")]
    assert told == ["call.repeated call=v1.profile failures=1 pause=0.5"]


# -- whose loop -------------------------------------------------------------------------------------------------------


def test_a_client_belongs_to_the_loop_that_first_used_it(sandbox):
    """Its locks and connections do; another loop would hang in them."""
    client = AsyncClient(sandbox.token)

    async def use() -> None:
        async with client:
            pass

    asyncio.run(use())
    with pytest.raises(RuntimeError, match="another event loop"):
        trio.run(use)


# -- closing ----------------------------------------------------------------------------------------------------------


async def test_a_closed_client_sends_nothing(sandbox, client):
    """The caller gets a `ClientClosedError`."""
    await client.aclose()

    with pytest.raises(ClientClosedError, match=r"^v1\.profile: "):
        await client.v1.profile()
    assert sandbox.requests == []


async def test_a_call_that_waits_for_its_slot_is_refused_once_the_client_closes(sandbox):
    """It has not left, and it need not."""
    async with open_client(sandbox, pace=Pace(v1_per_second=0.1)) as client:
        await client.v1.profile()

        async def late() -> None:
            with pytest.raises(ClientClosedError):
                await client.v1.profile()

        async with anyio.create_task_group() as group:
            group.start_soon(late)
            await anyio.sleep(1)
            await client.aclose()

    assert sandbox.count(PROFILE) == 1


async def test_a_client_whose_http_client_was_closed_says_so(sandbox):
    """A mistake in the order of two `async with`; it must not look like a lost purchase."""
    async with open_client(sandbox) as client:
        await client._sender._http._client.aclose()
        with pytest.raises(ClientClosedError, match="the http_client it is sent through is closed"):
            await client.v1.buy_activation("telegram")
    assert sandbox.requests == []


# -- its time ---------------------------------------------------------------------------------------------------------


async def test_a_delayed_answer_is_awaited_for_its_whole_timeout(sandbox):
    """`request_timeout` bounds one request, not the patience with the network."""
    sandbox.fail(PROFILE, Delay(3))
    async with open_client(sandbox, request_timeout=2, max_retries=0) as client:
        with pytest.raises(OutcomeUnknownError):
            await client.v1.profile()

    assert anyio.current_time() == 2
