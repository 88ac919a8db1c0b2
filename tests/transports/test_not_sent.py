"""Every exception by which the client knows that nothing was sent, raised on sockets by what really happens there; and
what is raised when the request has left, of which none may be in that table.

A purchase that was not sent is tried again: a wrong row here would let a user pay twice.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import anyio
import pytest

from smsapi_async import NotSentError
from smsapi_async._sending.http import NOT_SENT
from tests.transports.lines import (
    HTTP2,
    HTTP11,
    MADE_IN_HTTP2,
    MADE_IN_HTTP11,
    SHORT,
    TRIES,
    babbling,
    buy,
    dialled,
    http_client,
    hung_up,
    hung_up_unread,
    loops,
    rows,
    silent,
    time_for,
)
from tests.transports.server import Server

pytestmark = [pytest.mark.socket, pytest.mark.anyio]

TRUSTING_OTHERS = ssl.create_default_context()

ALL = [*HTTP11, *HTTP2]

kinds = pytest.mark.parametrize("kind", ALL, ids=str)


@contextmanager
def refusing() -> Iterator[str]:
    """No server listens there."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    yield f"http://127.0.0.1:{port}"


@contextmanager
def full() -> Iterator[str]:
    """The queue of its port is full: no connection is ever taken, or refused."""
    with socket.socket() as listener, ExitStack() as fillers:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for filler in [fillers.enter_context(socket.socket()) for _ in range(2)]:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


async def raises(name: str, client: Any) -> None:
    """The purchase is not sent, for this reason of the library's."""
    with pytest.raises(NotSentError) as caught:
        await buy(client)
    assert type(caught.value.__cause__).__name__ == name


@loops
@kinds
async def test_connect_error_a_port_where_nobody_listens(kind):
    """ConnectError, plain and simple."""
    with refusing() as url:
        async with dialled(Server(), kind, url=url) as client:
            await raises("ConnectError", client)


@loops
@kinds
@pytest.mark.parametrize("fault", [hung_up, hung_up_unread, babbling])
async def test_connect_error_a_tls_handshake_that_is_broken_off(fault, kind, serve):
    """ConnectError: the keys are not agreed upon, so nothing can have been said."""
    server = serve(tls=True, http2=kind.http2, on_accept=[fault] * TRIES)
    async with dialled(server, kind) as client:
        await raises("ConnectError", client)

        assert server.asked == []
        assert b"buy" not in server.heard


@loops
@kinds
async def test_connect_error_a_certificate_that_is_not_trusted(kind, serve):
    """ConnectError, before the key goes to an unknown server."""
    server = serve(tls=True, http2=kind.http2)
    async with dialled(server, kind, verify=TRUSTING_OTHERS) as client:
        await raises("ConnectError", client)

        assert server.asked == []


@loops
@kinds
async def test_connect_timeout_a_server_that_takes_no_connection(kind):
    """ConnectTimeout is distinct from a lost answer: it comes before the whole request's time is over."""
    with full() as url:
        async with dialled(Server(), kind, url=url, timeout=SHORT) as client:
            await raises("ConnectTimeout", client)


@loops
@kinds
async def test_connect_timeout_a_tls_handshake_that_stalls(kind, serve):
    """ConnectTimeout: the client has said hello, and no more."""
    server = serve(tls=True, http2=kind.http2, on_accept=[silent] * TRIES)
    async with dialled(server, kind, timeout=SHORT) as client:
        await raises("ConnectTimeout", client)

        while not server.heard:  # its thread may be late
            await anyio.sleep(0.01)
        assert server.asked == []
        assert server.heard.startswith(b"\x16\x03")
        assert b"buy" not in server.heard


@loops
@pytest.mark.parametrize("kind", HTTP11, ids=str)
async def test_pool_timeout_a_pool_whose_connections_are_all_in_use(kind, serve):
    """PoolTimeout: it never had a connection."""
    server = serve(before=[silent])
    only_one = kind.package.Limits(max_connections=1)
    async with dialled(server, kind, timeout=SHORT, limits=only_one) as client, anyio.create_task_group() as group:
        http = client._sender._http._client
        group.start_soon(http.get, f"{server.url}/elsewhere")
        while not server.heard:
            await anyio.sleep(0.01)

        await raises("PoolTimeout", client)

        assert server.asked == []
        group.cancel_scope.cancel()


@loops
@kinds
async def test_unsupported_protocol_a_hook_that_leads_elsewhere(kind, serve):
    """UnsupportedProtocol: the caller's hook changed the address into one of another kind."""

    async def lead_away(request: Any) -> None:
        request.url = request.url.copy_with(scheme="gopher")

    server = serve(http2=kind.http2)
    async with dialled(server, kind, event_hooks={"request": [lead_away]}) as client:
        await raises("UnsupportedProtocol", client)

        assert server.asked == []


@loops
@pytest.mark.parametrize("kind", HTTP11, ids=str)
async def test_proxy_error_a_proxy_that_makes_no_tunnel(kind, serve):
    """ProxyError: the proxy was asked for a connection, and said no."""

    def bad_gateway(on: Any) -> bool:
        on.socket.sendall(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")
        return False

    server = serve(tunnels=[bad_gateway] * TRIES)
    async with dialled(server, kind, url="https://127.0.0.1:1", proxy=server.url) as client:
        await raises("ProxyError", client)

    assert server.asked == ["CONNECT 127.0.0.1:1"] * TRIES


def test_every_row_of_the_table_is_measured_here():
    """A name that no socket was seen to raise would be a guess."""
    tests = [name.removeprefix("test_") for name in globals() if name.startswith("test_")]
    rows = {"".join(word.capitalize() for word in test.split("_")) for test in tests}

    assert [name for name in NOT_SENT if not any(row.startswith(name) for row in rows)] == []


# -- and what is raised when it has left ------------------------------------------------------------------------------

AFTER = {"ReadError", "ReadTimeout", "WriteError", "RemoteProtocolError", "LocalProtocolError", "SSLError"}
"""Measured; `LocalProtocolError` is how h2 calls a frame behind the end of its connection."""


CUT = {"cut in the headers", "cut in the body"}
IN_HTTP11 = [fault for fault in MADE_IN_HTTP11 if fault.__name__ in {"dropped", "reset", "stalled", *CUT}]
IN_HTTP2 = [
    fault for fault in MADE_IN_HTTP2 if fault.__name__ in {"reset", "going away, counted", "stream refused", *CUT}
]


@loops
@rows({**dict.fromkeys(HTTP11, IN_HTTP11), **dict.fromkeys(HTTP2, IN_HTTP2)})
async def test_what_is_raised_when_it_has_left_is_in_no_row(kind, fault, serve):
    """The library's own words for what the other tests of this folder show the end of."""
    server = serve(http2=kind.http2, faults=[fault])
    key = {"Authorization": f"Bearer {server.sandbox.token}"}
    async with http_client(kind, timeout=time_for(fault)) as http:
        with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is
            await http.get(f"{server.url}/v1/user/buy/activation/any/any/telegram", headers=key)

    assert type(caught.value).__name__ in AFTER - set(NOT_SENT)
