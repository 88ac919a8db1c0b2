"""The ways to the server, and what may happen on them."""

from __future__ import annotations

import socket
import ssl
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import httpx2
import pytest
from attrs import frozen
from h2.errors import ErrorCodes
from hyperframe.frame import GoAwayFrame

from smsapi_async import AsyncClient, Pace
from tests.transports.server import AUTHORITY, Fault, Http2, Http11, Line, Server

TRUSTING = ssl.create_default_context()
"""Made once: each client would make its own, which takes longer than a test."""

AUTHORITY.configure_trust(TRUSTING)

SHORT = 0.3
"""Seconds for a request that is to run out of time."""

LONG = 10.0
"""Seconds that a request may take that must not run out of time."""

TRIES = 2
"""How often the client sends what it knows was not sent."""

UVLOOP = pytest.param(
    ("asyncio", {"use_uvloop": True}),
    id="uvloop",
    marks=pytest.mark.skipif(sys.platform == "win32", reason="there is none"),
)


loops = pytest.mark.parametrize(
    "anyio_backend", [pytest.param(("asyncio", {}), id="asyncio"), pytest.param(("trio", {}), id="trio"), UVLOOP]
)
"""The two of every test, and the third."""


@frozen
class Kind:
    """A transport."""

    package: Any
    http2: bool = False

    def __str__(self) -> str:
        return f"{self.package.__name__} HTTP/{'2' if self.http2 else '1.1'}"


def rows(table: Mapping[Kind, Sequence[Any]]) -> Any:
    return pytest.mark.parametrize(
        ("kind", "fault"),
        [(kind, fault) for kind, faults in table.items() for fault in faults],
        ids=lambda value: getattr(value, "__name__", str(value)),
    )


HTTP11 = [Kind(httpx), Kind(httpx2)]
HTTP2 = [Kind(httpx, http2=True), Kind(httpx2, http2=True)]


def http_client(kind: Kind, **options: Any) -> Any:
    """A transport or client that a caller would hand in."""
    usual = {"verify": TRUSTING, "trust_env": False, "http1": not kind.http2, "http2": kind.http2}
    return kind.package.AsyncClient(**{**usual, **options})


@asynccontextmanager
async def dialled(
    server: Server, kind: Kind, *, timeout: float = LONG, url: str = "", **options: Any
) -> AsyncIterator[AsyncClient]:
    """A client that goes to the server; the options are those of the library's client."""
    async with (
        http_client(kind, **options) as http,
        AsyncClient(
            server.sandbox.token,
            v1_url=f"{url or server.url}/v1",
            request_timeout=timeout,
            max_retries=TRIES - 1,
            pace=Pace(v1_per_second=1000),
            http_client=http,
        ) as client,
    ):

        async def be_patient(_: Any) -> None:
            client._sender._http._timeout = timeout

        http.event_hooks["request"].append(be_patient)
        yield client


async def buy(client: AsyncClient, product: str = "telegram", *, within: float = LONG) -> int:
    """The order's id. Of all requests only the purchase has to be answered in time: the machine may be busy."""
    client._sender._http._timeout = min(within, client._sender._http._timeout)
    return (await client.v1.buy_activation(product, country="russia")).id


# -- in place of reading ----------------------------------------------------------------------------------------------


def hung_up(on: Line) -> bool:
    """At once."""
    return False


def told(fault: Fault) -> Fault:
    """Return the fault that waits until the test says `go`."""

    def act(on: Line) -> bool:
        on.server.go.wait()
        return fault(on)

    act.__name__ = fault.__name__
    return act


def hung_up_unread(on: Line) -> bool:
    """When something has come: closing it then is a reset."""
    on.await_data()
    return False


def silent(on: Line) -> bool:
    """Take what comes and say nothing."""
    on.hear()
    on.stall()
    return False


def babbling(on: Line) -> bool:
    """Answer a TLS handshake with something else."""
    on.hear()
    on.socket.sendall(b"220 mail.example.com ESMTP\r\n")
    return False


# -- in place of answering --------------------------------------------------------------------------------------------


def named(name: str, fault: Any, *arguments: Any) -> Fault:
    """The fault as a row of a table."""

    def act(on: Any) -> bool:
        goes_on: bool = fault(on, *arguments)
        return goes_on

    act.__name__ = name
    return act


def made(fault: Fault) -> Fault:
    """Return the fault that comes after the order was made."""

    def act(on: Line) -> bool:
        on.perform()
        return fault(on)

    act.__name__ = fault.__name__
    return act


def dropped(on: Line) -> bool:
    return False


def reset(on: Line) -> bool:
    on.reset()
    return False


def stalled(on: Line) -> bool:
    on.stall()
    return False


def garbled(on: Line) -> bool:
    """Below TLS."""
    socket.socket.sendall(on.socket, b"\x17\x03\x03\x00\x20" + b"no record at all" * 2)
    on.stall()
    return False


# HTTP/1.1; each of these does what is asked for


def cut_head(on: Http11, at: int) -> bool:
    on.socket.sendall(on.written().partition(b"\r\n\r\n")[0][:at])
    return False


def cut_body(on: Http11, at: int) -> bool:
    head, end, body = on.written().partition(b"\r\n\r\n")
    on.socket.sendall(head + end + body[:at])
    return False


def cut_body_of_no_length(on: Http11, at: int) -> bool:
    """Its end is the connection's end: to the library it is whole."""
    head, end, body = on.written(length=False).partition(b"\r\n\r\n")
    on.socket.sendall(head + end + body[:at])
    return False


# HTTP/2


def refused_stream(on: Http2, code: ErrorCodes) -> bool:
    on.protocol.reset_stream(on.stream, code)
    on.flush()
    return True


def ignored(on: Http2) -> bool:
    """The stream stays without an answer, the others do not."""
    return True


def going_away(on: Http2, counted: bool, code: ErrorCodes = ErrorCodes.NO_ERROR) -> bool:
    on.protocol.close_connection(code, last_stream_id=on.stream if counted else max(0, on.stream - 2))
    on.flush()
    return False


def going_away_politely(on: Http2) -> bool:
    """First a warning, then the answer, then the end: what servers do that are shut down in an orderly way."""
    for last in (2**31 - 1, on.stream):
        on.socket.sendall(GoAwayFrame(stream_id=0, last_stream_id=last).serialize())
    on.answer()
    return False


def cut_data(on: Http2, at: int) -> bool:
    body = on.begin()
    on.protocol.send_data(on.stream, body[:at])
    on.flush()
    return False


def refused_after_data(on: Http2, at: int) -> bool:
    cut_data(on, at)
    return refused_stream(on, ErrorCodes.INTERNAL_ERROR)


UNANSWERED = [dropped, reset, stalled]

MADE_IN_HTTP11 = [
    *map(made, UNANSWERED),
    named("cut in the status line", cut_head, 7),
    named("cut in the headers", cut_head, 40),
    named("cut behind the headers", cut_body, 0),
    named("cut in the body", cut_body, 20),
    named("cut before the last byte", cut_body, -1),
    named("no length, cut before the body", cut_body_of_no_length, 0),
    named("no length, cut in the body", cut_body_of_no_length, 20),
    named("no length, cut before the last byte", cut_body_of_no_length, -1),
]

ON_ONE_STREAM = [
    named("stream refused", refused_stream, ErrorCodes.REFUSED_STREAM),
    named("stream broken", refused_stream, ErrorCodes.INTERNAL_ERROR),
    named("stream cancelled", refused_stream, ErrorCodes.CANCEL),
    ignored,
    named("going away, counted", going_away, True),
    named("going away, not counted", going_away, False),
    named("going away for an error", going_away, True, ErrorCodes.INTERNAL_ERROR),
]

MADE_IN_HTTP2 = [
    *map(made, UNANSWERED),
    *map(made, ON_ONE_STREAM),
    going_away_politely,
    named("cut behind the headers", cut_data, 0),
    named("cut in the body", cut_data, 20),
    named("cut before the last byte", cut_data, -1),
    named("stream broken in the body", refused_after_data, 20),
]

NOT_MADE_IN_HTTP2 = [*UNANSWERED, *ON_ONE_STREAM]

UNREAD = [hung_up, hung_up_unread]


def time_for(fault: Fault) -> float:
    """Return a short time if the request must run out of it, else a long one."""
    return SHORT if fault.__name__ in {"stalled", "ignored", "garbled"} else LONG
