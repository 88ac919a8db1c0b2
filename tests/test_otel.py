"""Events as OpenTelemetry has them: spans below the caller's own, and the numbers of a dashboard."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Awaitable, Iterator
from contextlib import suppress
from typing import Any

import anyio
import attrs
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, Tracer

from smsapi_async import NotFoundError, SmsApiError
from smsapi_async.otel import Telemetry
from smsapi_async.sandbox import Delay, LostAfter, LostBefore, Sandbox, Scenario, Stall
from smsapi_async.testing import open_client
from tests.opening import buy
from tests.support.messages import CODE

pytestmark = pytest.mark.usefixtures("steady")

BUY = "/user/buy/"


@attrs.define
class Desk:
    """Where spans and numbers arrive."""

    tracer: Tracer
    telemetry: Telemetry
    exporter: InMemorySpanExporter
    reader: InMemoryMetricReader

    def spans(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.exporter.get_finished_spans() if span.name == name]

    def points(self, name: str) -> list[Any]:
        found = self.reader.get_metrics_data()
        scopes = [scope for resource in found.resource_metrics for scope in resource.scope_metrics] if found else []
        metrics = [metric for scope in scopes for metric in scope.metrics if metric.name == name]
        return [point for metric in metrics for point in metric.data.data_points]

    def counts(self, name: str) -> list[tuple[dict[str, Any], float]]:
        return [(dict(point.attributes), point.value) for point in self.points(name)]


@pytest.fixture
def desk() -> Iterator[Desk]:
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers, meters = TracerProvider(shutdown_on_exit=False), MeterProvider([reader], shutdown_on_exit=False)
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    yield Desk(tracers.get_tracer("test"), Telemetry(tracers, meters), exporter, reader)
    tracers.shutdown()
    meters.shutdown()


def seconds(span: ReadableSpan) -> float:
    assert span.start_time is not None
    assert span.end_time is not None
    return round((span.end_time - span.start_time) / 1e9, 3)


def of(span: ReadableSpan, attribute: str) -> Any:
    return (span.attributes or {}).get(attribute)


def above(span: ReadableSpan) -> int:
    assert span.parent is not None
    return span.parent.span_id


# -- spans ----------------------------------------------------------------------------------------------------------


async def test_a_request_is_a_span_below_the_caller_s(sandbox: Sandbox, desk: Desk) -> None:
    """A trace of a sign-up shows which call it waited for."""
    sandbox.fail("/user/profile", Delay(3))
    async with open_client(sandbox, on_event=desk.telemetry) as client:
        with desk.tracer.start_as_current_span("sign-up") as caller:
            await client.v1.profile()

    (span,) = desk.spans("v1.profile")
    assert span.parent == caller.get_span_context()
    assert (span.kind, seconds(span), span.status.status_code) == (SpanKind.CLIENT, 3.0, StatusCode.UNSET)
    assert dict(span.attributes or {}) == {
        "smsapi.provider": "v1",
        "smsapi.look": False,
        "smsapi.queued": 0.0,
        "http.response.status_code": 200,
    }


async def test_a_purchase_and_its_settlement_are_below_the_caller_s(sandbox: Sandbox, desk: Desk) -> None:
    """They run in tasks of their own, so that a cancellation does not break them off."""
    async with open_client(sandbox, on_event=desk.telemetry) as client:
        with desk.tracer.start_as_current_span("sign-up") as caller:
            async with client.activation("telegram"):
                pass

    spans = desk.spans("v1.buy_activation") + desk.spans("v1.cancel")
    assert [span.parent for span in spans] == [caller.get_span_context()] * 2


async def test_waits_at_the_same_time_are_each_below_their_own_caller_s(sandbox: Sandbox, desk: Desk) -> None:
    """The looks at an order are below its own caller's span, too."""
    callers: dict[int, int] = {}

    async with open_client(sandbox, on_event=desk.telemetry) as client:

        async def one(order_id: int) -> None:
            with desk.tracer.start_as_current_span("sign-up") as caller:
                callers[order_id] = caller.get_span_context().span_id
                await client.await_code(order_id)

        orders = [await buy(client, sandbox, CODE) for _ in range(2)]
        async with anyio.create_task_group() as group:
            for order_id in orders:
                group.start_soon(one, order_id)

    waits, looks = desk.spans("smsapi.await_code"), desk.spans("v1.check")
    assert [above(span) for span in waits] == [callers[of(span, "smsapi.id")] for span in waits]
    assert sorted(above(span) for span in looks) == sorted([*callers.values()] * 2)
    assert [seconds(span) for span in waits] == [pytest.approx(6, abs=0.1)] * 2


async def test_a_refusal_is_an_error_with_its_type(sandbox: Sandbox, desk: Desk) -> None:
    """Searched for by type; the message might be anything, so it stays out."""
    async with open_client(sandbox, on_event=desk.telemetry) as client:
        with pytest.raises(NotFoundError):
            await client.v1.check(1)

    (span,) = desk.spans("v1.check")
    assert span.status.status_code is StatusCode.ERROR
    assert (of(span, "error.type"), of(span, "http.response.status_code")) == ("NotFoundError", 404)


async def test_a_wait_without_a_code_is_an_error_and_a_cancelled_one_is_not(sandbox: Sandbox, desk: Desk) -> None:
    """A user who stops on purpose needs no alarm."""
    async with open_client(sandbox, on_event=desk.telemetry) as client:
        order_id = await buy(client)
        with anyio.move_on_after(2):
            await client.await_code(order_id)
        with pytest.raises(SmsApiError):
            await client.await_code(order_id, timeout=5)
        sandbox.fail("/user/profile", Stall())
        with anyio.move_on_after(2):
            await client.v1.profile()

    stopped, failed, cut = *desk.spans("smsapi.await_code"), *desk.spans("v1.profile")
    errors = [(span.status.status_code, of(span, "error.type")) for span in (stopped, failed, cut)]
    assert errors == [(StatusCode.UNSET, None), (StatusCode.ERROR, "WaitTimeoutError"), (StatusCode.UNSET, None)]
    assert [of(span, "smsapi.cancelled") for span in (stopped, failed, cut)] == [True, None, True]


# -- metrics --------------------------------------------------------------------------------------------------------


async def test_looks_codes_and_the_time_to_a_code_are_counted(sandbox: Sandbox, desk: Desk) -> None:
    """The requests that a code costs, and how long the users of a country wait for one."""
    async with open_client(sandbox, on_event=desk.telemetry) as client:
        await client.await_code(await buy(client, sandbox, CODE))

    v1 = {"smsapi.provider": "v1"}
    assert desk.counts("smsapi.looks") == [(v1, 2)]
    assert desk.counts("smsapi.codes") == [(v1, 1)]
    (duration,) = desk.points("smsapi.code.duration")
    assert (duration.attributes, duration.count, duration.sum) == (v1, 1, 6.0)
    assert duration.explicit_bounds[:4] == (1.0, 2.0, 5.0, 10.0)


async def test_rented_numbers_are_counted_apart(desk: Desk) -> None:
    """It is another provider, and it does not give the age of a number."""
    sandbox = Sandbox(scenario=Scenario(rent_plans={"7": [[CODE]]}))
    async with open_client(sandbox, on_event=desk.telemetry) as client:
        await client.await_rent_code((await client.rent.buy_number(7, 1)).tzid)

    assert desk.counts("smsapi.codes") == [({"smsapi.provider": "rent"}, 1)]
    assert desk.points("smsapi.code.duration") == []


async def test_refusals_are_counted_by_type(sandbox: Sandbox, desk: Desk) -> None:
    """A lost answer is no refusal."""
    sandbox.fail("/user/profile", LostAfter())
    async with open_client(sandbox, on_event=desk.telemetry) as client:
        await client.v1.profile()
        for _ in range(2):
            with pytest.raises(NotFoundError):
                await client.v1.check(1)

    assert desk.counts("smsapi.refusals") == [({"smsapi.provider": "v1", "error.type": "NotFoundError"}, 2)]


async def test_lost_purchases_are_counted_by_what_became_of_them(sandbox: Sandbox, desk: Desk) -> None:
    """Any that stays unknown is worth a look at the account."""
    async with open_client(sandbox, on_event=desk.telemetry) as client:
        for fault in (LostAfter(), LostBefore()):
            sandbox.fail(BUY, fault)
            await outcome(client.v1.buy_activation("telegram"))
    async with open_client(sandbox, on_event=desk.telemetry, shared_key=True) as client:
        sandbox.fail(BUY, LostAfter())
        await outcome(client.v1.buy_activation("telegram"))

    found = {attributes["outcome"]: count for attributes, count in desk.counts("smsapi.reconciliations")}
    assert found == {"found": 1, "nothing": 1, "unknown": 1}


async def outcome(act: Awaitable[object]) -> None:
    with suppress(SmsApiError):
        await act


# -- the extra ------------------------------------------------------------------------------------------------------


async def test_without_an_sdk_nothing_is_kept_and_nothing_fails(sandbox: Sandbox) -> None:
    """The API package alone does nothing, by design; so the adapter may stay in a program that sets up none."""
    async with open_client(sandbox, on_event=Telemetry()) as client:
        assert await client.await_code(await buy(client, sandbox, CODE)) == "04217"


def test_a_missing_extra_is_named() -> None:
    """Rather than a module that the reader has never heard of."""
    program = "import sys; sys.modules['opentelemetry'] = None; import smsapi_async.otel"

    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    said = "ImportError: smsapi_async.otel needs the extra `otel`: pip install 'smsapi_async[otel]'"
    assert run.stderr.splitlines()[-1] == said
