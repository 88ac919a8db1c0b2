"""The world of one schedule, with a door for each client: what comes in is noted, and a dead process is shut out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import anyio
import attrs
import httpx
import httpx2

from smsapi_async.sandbox import (
    Fault,
    Misprint,
    NotConnected,
    NotDone,
    Request,
    Response,
    Sandbox,
    Scenario,
    ignore_acts,
)
from smsapi_async.sandbox._exchange import BrokenError
from smsapi_async.sandbox._transport import Transport
from smsapi_async.sandbox._transport2 import Transport2

from .cells import REQUESTS, request_of
from .records import BOT, CALL, Arrival, Records
from .schedule import Schedule, Trouble

RENT_PLAN = "7"
SPANS = ("history_lag", "listing_sms_lag", "listing_status_lag", "date_skew", "rent_lag")
"""Quirks in seconds."""
QUIRKS = ("page_cap", "listing_without_sms", "reverse_is_empty", "date_rate", "date_text", "no_date")


def built(schedule: Schedule) -> tuple[Sandbox, dict[int, Trouble]]:
    """The sandbox of a schedule, and its troubles by the identity of their faults."""
    quirks = dict(schedule.quirks)
    own: dict[str, Any] = {name: timedelta(seconds=quirks.pop(name)) for name in SPANS if name in quirks}
    own |= {name: quirks.pop(name) for name in QUIRKS if name in quirks}
    own["clock_skew"] = timedelta(hours=quirks.pop("skew_hours", 0))
    own["misprints"] = [Misprint(*misprint) for misprint in [quirks.pop("misprint", None)] if misprint]
    ignored_for = quirks.pop("ignores_acts", 0.0)
    sandbox = Sandbox(
        scenario=Scenario(
            **quirks,
            plans=schedule.plans,
            rent_plans={RENT_PLAN: (*schedule.plans.get("telegram", ((),))[:2], *schedule.plans.get("1688", ((),)))},
            lifetime=schedule.lifetime,
            balance=100_000,
            rent_balance=100_000,
        )
    )
    for name, value in own.items():
        setattr(sandbox, name, value)
    troubles = {}
    for trouble in schedule.troubles:
        fault = trouble.made()
        troubles[id(fault)] = trouble
        sandbox.fail(_meets(trouble), fault, trouble.times, trouble.skip)
    sandbox.now()
    if ignored_for:
        ignore_acts(sandbox, ignored_for)
    return sandbox, troubles


def _meets(trouble: Trouble) -> Any:
    part = REQUESTS.get(trouble.request, "/")
    return lambda request: part in request.target and trouble.bot in (None, BOT.get())


@attrs.define(eq=False)
class Door:
    """The provider as one client sees it.

    Attributes:
        shut: the client's process is dead: its requests no longer arrive.
        closed: the client said that it is closed; what it sends now is noted.
        open_streams: answers whose body was handed out and not closed.
    """

    number: int
    port: int
    """The port of the provider's URL in its process, so that it is an account of its own."""
    sandbox: Sandbox
    troubles: dict[int, Trouble]
    records: Records
    shut: bool = False
    closed: bool = False
    open_streams: int = 0

    def now(self) -> datetime:
        return self.sandbox.now()

    def dated(self, response: Response, now: datetime) -> Response:
        return self.sandbox.dated(response, now)

    def arrive(self, request: Request, now: datetime) -> Fault | None:
        """Note the request and the fault that awaits it."""
        self._check()
        if self.closed:
            self.records.after_closing.append(f"client {self.number}: {request.line}")
        fault = self.sandbox.arrive(request, now)
        trouble = self.troubles.get(id(fault))
        self.records.arrivals.append(
            Arrival(
                at=anyio.current_time(),
                line=request.line,
                request=request_of(request.line),
                client=self.number,
                bot=BOT.get(),
                call=CALL.get(),
                fault=trouble.fault if trouble else "not done" if isinstance(fault, NotDone) else None,
                received=not isinstance(fault, NotConnected),
            )
        )
        return fault

    def perform(self, request: Request, now: datetime) -> Response:
        """Let it be done, and note what it made."""
        self._check()
        self.sandbox.world.advance(now)
        world, call = self.sandbox.world, CALL.get()
        orders, rents, extensions = len(world.orders), len(world.rents), len(world.rent_book.extensions)
        payouts = len(world.ledger.withdrawals)
        response = self.sandbox.perform(request, now)
        if len(world.orders) > orders:
            self.records.made["order", next(reversed(world.orders)), 0] = call
        if len(world.rents) > rents:
            self.records.made["rent", next(reversed(world.rents)), 0] = call
        if len(world.rent_book.extensions) > extensions:
            self.records.made["extension", world.rent_book.extensions[-1], extensions] = call
        if len(world.ledger.withdrawals) > payouts:
            self.records.made["payout", payouts, 0] = call
        return response

    def _check(self) -> None:
        if self.shut:
            raise BrokenError("ConnectError", "the process is dead")


def wired(door: Door, library: str) -> Any:
    """A client of the HTTP library through a door."""
    wire: Any = Wire(door) if library == "httpx" else Wire2(door)
    return (httpx if library == "httpx" else httpx2).AsyncClient(transport=wire, trust_env=False)


class Wire(Transport):
    """The in-process transport through a door, its answers counted until they are closed."""

    def __init__(self, door: Door) -> None:
        super().__init__(door)
        self._door = door

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        if self._door.shut:
            raise httpx.ReadError("the process is dead", request=request)
        response.stream = _Counted(response.stream, self._door)
        return response


class Wire2(Transport2):
    """The wire of a client that uses httpx2."""

    def __init__(self, door: Door) -> None:
        super().__init__(door)
        self._door = door

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        if self._door.shut:
            raise httpx2.ReadError("the process is dead", request=request)
        response.stream = _Counted(response.stream, self._door)
        return response


class _Counted(httpx.AsyncByteStream, httpx2.AsyncByteStream):
    def __init__(self, stream: Any, door: Door) -> None:
        self._stream = stream
        self._door = door
        self._closed = False
        door.open_streams += 1

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            yield chunk

    async def aclose(self) -> None:
        self._door.open_streams -= not self._closed
        self._closed = True
