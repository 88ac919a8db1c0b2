"""send(): the slot, the tries, the reading; whose loop it is, and what a closed client still sends."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import anyio
import attrs
import pytest
import trio

from smsapi_async import (
    AsyncClient,
    ClientClosedError,
    NotFoundError,
    NotSentError,
    OutcomeUnknownError,
    Pace,
    SpendUnknownError,
)
from smsapi_async._sending.call import Call, Repeat, Reply
from smsapi_async._sending.sender import Sender, Spending
from smsapi_async.sandbox import API_LIMIT, BAD_GATEWAY, INTERNAL_ERROR, Answer, Delay, NotConnected
from smsapi_async.testing import VirtualLoop, open_client

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
    """A slow call explains itself to whoever asks, and to nobody else."""
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
    """And says so."""
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


# -- what spends ------------------------------------------------------------------------------------------------------


@attrs.define
class Wire:
    """A fake of the HTTP layer that does as it is told."""

    acts: list[Any]

    async def exchange(self, call: Call[Any]) -> Reply:
        act = self.acts.pop(0)
        if isinstance(act, BaseException):
            raise act
        await anyio.sleep(act)
        return Reply(status=200, headers={}, body=b"bought")

    async def aclose(self) -> None:
        """Nothing to close."""


BUY: Call[str] = Call(name="v1.buy", provider="v1", path="x", read=lambda reply: reply.text, repeat=Repeat.NEVER)


def spend(*acts: Any, kept: list[str] | None = None, spending: Spending | None = None) -> Any:
    """The coroutine of one call that spends."""

    async def recover(lost: OutcomeUnknownError | None) -> str:
        await anyio.sleep(10)
        if isinstance(lost, OutcomeUnknownError) and lost.status == 404:
            raise SpendUnknownError("no trace") from lost
        return "recovered"

    async def keep(result: str) -> None:
        (kept if kept is not None else []).append(result)

    sender = Sender(Wire(list(acts)), Pace(), 3)  # type: ignore[arg-type]  # a fake
    return sender.spend(BUY, spending or Spending(), recover, keep)


async def test_what_spends_is_sent_once_and_its_answer_returned():
    """The ordinary case."""
    assert await spend(1) == "bought"


async def test_what_spends_is_recovered_when_its_answer_is_lost():
    """And the caller gets what was recovered."""
    assert await spend(OutcomeUnknownError("cut")) == "recovered"


async def test_what_spends_is_sent_again_only_if_it_never_left():
    """The moment it left is the moment of the try that did."""
    spending = Spending()

    assert await spend(NotSentError("no route"), 1, spending=spending) == "bought"
    assert spending.sent_at == 0.5


async def test_what_never_left_has_no_moment():
    """A purchase that was not sent cannot have made a row."""
    spending = Spending()

    with pytest.raises(NotSentError):
        await spend(*[NotSentError("no route")] * 4, spending=spending)

    assert spending.sent_at == float("inf")


@pytest.mark.parametrize("anyio_backend", [("asyncio", {"loop_factory": VirtualLoop})], ids=["asyncio"])
async def test_a_task_of_ours_that_somebody_cancels_leaves_the_outcome_unknown():
    """Not ours to do, and not ours to hide."""
    kept: list[str] = []

    async def cancel_all_others() -> None:
        await anyio.sleep(1)
        current = asyncio.current_task()
        for task in asyncio.all_tasks() - before - {current}:
            task.cancel()

    before = asyncio.all_tasks()
    async with anyio.create_task_group() as group:
        group.start_soon(cancel_all_others)
        with pytest.raises(SpendUnknownError, match="cut off"):
            await spend(5, kept=kept)

    assert kept == ["recovered"]


async def test_a_recovery_that_is_hit_as_well_is_begun_anew():
    """The second Ctrl-C is not promised anything, yet the first may come at any time."""
    kept: list[str] = []
    interrupted: list[bool] = []

    async def recover(lost: OutcomeUnknownError | None) -> str:
        if not interrupted:
            interrupted.append(True)
            raise KeyboardInterrupt
        return "recovered"

    async def keep(result: str) -> None:
        kept.append(result)

    sender = Sender(Wire([OutcomeUnknownError("cut")]), Pace(), 3)  # type: ignore[arg-type]  # a fake
    with pytest.raises(KeyboardInterrupt):
        await sender.spend(BUY, Spending(), recover, keep)

    assert kept == ["recovered"]


async def test_an_outcome_that_stays_unknown_after_ctrl_c_is_logged(caplog):
    """Nobody is left to be told."""
    with pytest.raises(KeyboardInterrupt), caplog.at_level(logging.WARNING, "smsapi_async"):
        await interrupted_without_trace()

    assert "purchase.unknown call=v1.buy candidates=none" in caplog.text


async def interrupted_without_trace() -> None:
    async def recover(lost: OutcomeUnknownError | None) -> str:
        raise SpendUnknownError("no trace", call="v1.buy")

    async def keep(result: str) -> None:
        """There is nothing."""

    sender = Sender(Wire([KeyboardInterrupt()]), Pace(), 3)  # type: ignore[arg-type]  # a fake
    await sender.spend(BUY, Spending(), recover, keep)


async def test_what_was_bought_for_a_caller_who_is_gone_is_kept():
    """Whatever keeping means there."""
    kept: list[str] = []

    with anyio.move_on_after(0.5):
        await spend(1, kept=kept)

    assert kept == ["bought"]


async def test_a_delayed_answer_is_awaited_for_its_whole_timeout(sandbox):
    """`request_timeout` bounds one request, not the patience with the network."""
    sandbox.fail(PROFILE, Delay(3))
    async with open_client(sandbox, request_timeout=2, max_retries=0) as client:
        with pytest.raises(OutcomeUnknownError):
            await client.v1.profile()

    assert anyio.current_time() == 2
