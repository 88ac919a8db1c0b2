"""Events as OpenTelemetry spans and metrics: ``AsyncClient(on_event=Telemetry())``. Needs the extra `otel`.

It uses only the API package. Nothing is kept and nothing leaves unless your program sets up an SDK.
Source of the standard names: https://opentelemetry.io/docs/specs/semconv/http/http-spans.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

try:
    from opentelemetry import metrics, trace
except ModuleNotFoundError as _missing:
    raise ImportError("smsapi_async.otel needs the extra `otel`: pip install 'smsapi_async[otel]'") from _missing

from . import __version__, _errors
from ._events import Event

__all__ = ["Telemetry"]

SECONDS = (1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0, 900.0, 1200.0)
"""Codes come within seconds or minutes, and an order lives for at most 20. The usual bounds are made for requests."""

REFUSALS = frozenset(
    name for name, kind in vars(_errors).items() if isinstance(kind, type) and issubclass(kind, _errors.RefusedError)
)
RECONCILED = {"purchase.found": "found", "purchase.void": "nothing", "purchase.unknown": "unknown"}


class Telemetry:
    """Spans and metrics of everything a client does. Give one to each client, or the same one to several.

    Every request has a span, named like its call (``v1.check``), and so has every wait for a code
    (``smsapi.await_code``). Each is a child of the span that was current at the call. Spans are written when they end,
    so a request sent for a wait is the wait's sibling. Where many wait, one waiter asks for all. The request is a child
    of that waiter's span; the other waiters have no span for it.

    The metrics are counters (`smsapi.looks`, `smsapi.codes`, `smsapi.refusals`, `smsapi.reconciliations`) and a
    histogram of the seconds from a purchase to its code (`smsapi.code.duration`). No attribute holds a key, a phone, a
    code or a text.

    Args:
        tracer_provider: receives the spans; by default the global one.
        meter_provider: receives the metrics; by default the global one.
    """

    def __init__(
        self,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
    ) -> None:
        self._tracer = trace.get_tracer("smsapi_async", __version__, tracer_provider)
        meter = metrics.get_meter("smsapi_async", __version__, meter_provider)
        self._looks = meter.create_counter("smsapi.looks", "{request}", "Requests sent for waits")
        self._codes = meter.create_counter("smsapi.codes", "{code}", "Codes that waits ended with")
        self._refusals = meter.create_counter("smsapi.refusals", "{request}", "Requests the provider said no to")
        self._reconciliations = meter.create_counter(
            "smsapi.reconciliations", "{purchase}", "Purchases whose answer was lost, by what the records showed"
        )
        self._duration = meter.create_histogram(
            "smsapi.code.duration", "s", "From a purchase to its code", explicit_bucket_boundaries_advisory=SECONDS
        )
        self._listeners: dict[str, Callable[[Mapping[str, Any]], None]] = {
            "call.ended": self._call_ended,
            "wait.ended": self._wait_ended,
        }

    def __call__(self, event: Event) -> None:
        """Record an event; `on_event` calls this."""
        if event.name in RECONCILED:
            self._reconciliations.add(1, {"outcome": RECONCILED[event.name]})
        elif (listener := self._listeners.get(event.name)) is not None:
            listener(event.fields)

    def _call_ended(self, call: Mapping[str, Any]) -> None:
        provider, error = {"smsapi.provider": call["provider"]}, call["error"]
        particulars = {"smsapi.look": call["look"], "smsapi.queued": call["queued"]}
        if call["status"] is not None:
            particulars["http.response.status_code"] = call["status"]
        self._span(call["call"], trace.SpanKind.CLIENT, call["seconds"], error, provider | particulars)
        if call["look"]:
            self._looks.add(1, provider)
        if error in REFUSALS:
            self._refusals.add(1, provider | {"error.type": error})

    def _wait_ended(self, wait: Mapping[str, Any]) -> None:
        provider, outcome = {"smsapi.provider": wait["provider"]}, wait["outcome"]
        error = None if outcome == "code" else outcome
        self._span(
            "smsapi.await_code", trace.SpanKind.INTERNAL, wait["seconds"], error, provider | {"smsapi.id": wait["id"]}
        )
        if error is None:
            self._codes.add(1, provider)
        if wait["code_seconds"] is not None:
            self._duration.record(wait["code_seconds"], provider)

    def _span(
        self, name: str, kind: trace.SpanKind, seconds: float, error: str | None, attributes: dict[str, Any]
    ) -> None:
        """Write a span that ends now. A cancellation is an attribute of it, and no error."""
        end = time.time_ns()  # the wall clock, as OpenTelemetry wants it; the loop's clock measured the seconds
        if error is not None:
            attributes |= {"smsapi.cancelled": True} if error == "cancelled" else {"error.type": error}
        span = self._tracer.start_span(name, kind=kind, attributes=attributes, start_time=end - int(seconds * 1e9))
        if "error.type" in attributes:
            span.set_status(trace.StatusCode.ERROR)
        span.end(end)
