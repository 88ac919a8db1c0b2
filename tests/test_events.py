"""Requests, records and the page of events: each request and limit is an event, with its fields and its time."""

from __future__ import annotations

import ast
import logging
import re
from decimal import Decimal
from pathlib import Path

import anyio
import pytest

import smsapi_async
from smsapi_async import AsyncClient, Pace
from smsapi_async._events import Events
from smsapi_async.sandbox import API_LIMIT, Answer, Delay, LostAfter, Mangle, NotConnected, Sandbox, Stall
from smsapi_async.testing import open_client
from tests.opening import buy
from tests.support.ear import Ear, failing
from tests.support.messages import CODE

pytestmark = pytest.mark.usefixtures("steady")

PACKAGE = Path(smsapi_async.__file__).parent


# -- requests -------------------------------------------------------------------------------------------------------


async def test_a_request_is_told_with_its_status_and_its_time(sandbox: Sandbox, ear: Ear) -> None:
    """The first question to a slow program is whether it waits for the provider, or for its own turn."""
    sandbox.fail("/user/profile", Delay(3))
    async with open_client(sandbox, on_event=ear) as client:
        await client.v1.profile()

    told = {"call": "v1.profile", "provider": "v1", "look": False, "status": 200, "error": None}
    assert ear.of("call.ended") == [told | {"seconds": 3.0, "queued": 0.0}]


async def test_the_time_in_the_queue_is_told(sandbox: Sandbox, ear: Ear) -> None:
    """It is the client's own pace that holds a burst back, not the provider."""
    async with (
        open_client(sandbox, on_event=ear, pace=Pace(v1_per_second=0.5)) as client,
        anyio.create_task_group() as group,
    ):
        for _ in range(3):
            group.start_soon(client.v1.profile)

    assert [round(call["queued"], 3) for call in ear.of("call.ended")] == [0.0, 2.0, 4.0]


async def test_requests_that_fail_are_told_with_their_error(sandbox: Sandbox, ear: Ear) -> None:
    """Refused, lost after an answer began, lost before, never connected: four different troubles."""
    async with open_client(sandbox, on_event=ear, max_retries=0) as client:
        await failing(client.v1.check(1))
        for fault in (Answer(502, "<html>"), LostAfter(), NotConnected()):
            sandbox.fail("/user/profile", fault)
            await failing(client.v1.profile())
        sandbox.fail("/user/profile", Stall())
        with anyio.move_on_after(1):
            await client.v1.profile()

    assert ear.ended() == [
        ("v1.check", False, 404, "NotFoundError"),
        ("v1.profile", False, 502, "OutcomeUnknownError"),
        ("v1.profile", False, None, "OutcomeUnknownError"),
        ("v1.profile", False, None, "NotSentError"),
        ("v1.profile", False, None, "cancelled"),
    ]


async def test_what_never_left_is_not_told(sandbox: Sandbox, ear: Ear) -> None:
    """A request that gave up in the queue, or has no key, is none."""
    async with (
        open_client(sandbox, on_event=ear, pace=Pace(v1_per_second=0.1)) as client,
        AsyncClient("", on_event=ear) as keyless,
    ):
        await client.v1.profile()
        with anyio.move_on_after(1):
            await client.v1.profile()
        await failing(keyless.v1.profile())

    assert len(ear.told) == 1


async def test_a_repetition_and_a_limit_that_was_met_are_told(sandbox: Sandbox, ear: Ear) -> None:
    """A program that sees them often asks too much."""
    sandbox.fail("/user/profile", API_LIMIT, times=2)
    async with open_client(sandbox, on_event=ear) as client:
        await client.v1.profile()

    assert ear.of("pace.hit") == [{"provider": "v1", "hits": 1}, {"provider": "v1", "hits": 2}]
    assert [(again["call"], again["failures"]) for again in ear.of("call.repeated")] == [
        ("v1.profile", 1),
        ("v1.profile", 2),
    ]
    assert [call["error"] for call in ear.of("call.ended")] == ["RateLimitError", "RateLimitError", None]


async def test_a_field_that_cannot_be_read_is_reported_once_per_client(sandbox: Sandbox, ear: Ear) -> None:
    """The provider has changed something; reported at every look it would bury the rest. Its value may be a code."""
    bad = Mangle(
        lambda body: body.replace(b'"price":', b'"price":"0,32","was":').replace(b'"code":', b'"code":[],"old":')
    )
    sandbox.fail(lambda request: "/user/check/" in request.line or "/user/orders" in request.line, bad, times=99)
    async with open_client(sandbox, on_event=ear) as client:
        order_id = await buy(client, sandbox, CODE)
        assert await client.await_code(order_id) == "04217", "read out of the text"
        for _ in range(2):
            await client.v1.check(order_id)
            await client.v1.orders("activation")
    async with open_client(sandbox, on_event=ear) as other:
        await other.v1.check(order_id)

    assert sorted((event["call"], event["field"]) for event in ear.of("field.unread")) == [
        ("v1.check", "price"),
        ("v1.check", "price"),
        ("v1.check", "sms[].code"),
        ("v1.check", "sms[].code"),
        ("v1.orders", "Data[].price"),
        ("v1.orders", "Data[].sms[].code"),
    ]
    assert "0,32" not in str(ear.told)


async def test_nothing_is_timed_when_nobody_listens(
    sandbox: Sandbox, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client under load pays only for events with a listener."""
    timed: list[object] = []
    monkeypatch.setattr("smsapi_async._sending.sender.Timing", timed.append)

    await client.v1.profile()

    assert timed == []
    assert not Events().wanted(logging.DEBUG)


# -- the log --------------------------------------------------------------------------------------------------------


def test_a_record_carries_its_event_and_its_fields(caplog: pytest.LogCaptureFixture) -> None:
    """Formatters that write JSON take them from there; in a line they read as before."""
    fields = {"id": 7, "cost": Decimal("0.32"), "seconds": 1.23456, "error": None, "candidates": (1, 2), "none": ()}
    with caplog.at_level(logging.INFO, "smsapi_async"):
        Events().emit(logging.INFO, "order.bought", **fields)

    (record,) = caplog.records
    assert record.getMessage() == "order.bought id=7 cost=0.32 seconds=1.235 candidates=1, 2 none=none"
    assert (vars(record)["event"], vars(record)["fields"]) == ("order.bought", fields | {"cost": "0.32"})
    assert record.filename == "test_events.py"


# -- the page -------------------------------------------------------------------------------------------------------


def told_in_the_sources() -> dict[str, set[str]]:
    """Every event and its fields, as they stand in the calls that emit it."""
    found: dict[str, set[str]] = {}
    for file in PACKAGE.rglob("*.py"):
        calls = [node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Call)]
        for call in calls:
            for name in [part.value for part in call.args if isinstance(part, ast.Constant)]:
                if (
                    re.fullmatch(r"(call|look|field|pace|order|rent|purchase|wait)\.[a-z_]+", str(name))
                    and call.keywords
                ):
                    found.setdefault(str(name), set()).update(str(word.arg) for word in call.keywords)
    return found


def test_the_page_lists_every_event_with_its_fields() -> None:
    """Dashboards are made from it."""
    page = (PACKAGE.parent / "docs/how-to/observe.md").read_text("utf-8").partition("## The events")[2]

    rows = re.findall(r"^\| `([\w.]+)` \|.*\| (.*?) \|$", page, re.MULTILINE)

    assert {name: set(re.findall(r"`(\w+)`", fields)) for name, fields in rows} == told_in_the_sources()
