"""The guard itself: if it were open, a mistake in a test could spend real money."""

from __future__ import annotations

import socket

import anyio
import httpx
import pytest

from tests import guard

ELSEWHERE = "192.0.2.1"  # TEST-NET-1 of RFC 5737: no host has it


@pytest.fixture
def refused():
    """The refusals of the guard in this test, expected here and forgotten afterwards."""
    yield guard.refused
    guard.refused.clear()


@pytest.mark.parametrize("way", ["connect", "connect_ex"])
def test_a_connection_to_another_machine_is_refused(refused, way):
    """The hook sits below every library, so no library gets around it."""
    with socket.socket() as sock, pytest.raises(guard.OutsideError, match=ELSEWHERE):
        getattr(sock, way)((ELSEWHERE, 80))

    assert refused == [f"socket.connect {ELSEWHERE}"]


def test_a_datagram_to_another_machine_is_refused(refused):
    """A resolver that speaks UDP itself would be one."""
    with socket.socket(type=socket.SOCK_DGRAM) as sock, pytest.raises(guard.OutsideError):
        sock.sendto(b"?", (ELSEWHERE, 53))

    assert refused


@pytest.mark.parametrize("name", ["5sim.net", "onlinesim.io", b"5sim.net"])
def test_the_name_of_a_provider_is_not_looked_up(refused, name):
    """The default URLs are never called."""
    with pytest.raises(guard.OutsideError):
        socket.getaddrinfo(name, 443)

    assert refused


@pytest.mark.socket
async def test_an_http_client_cannot_leave_either(refused):
    """The lookup happens in a thread of the loop's, and the guard is there too."""
    with pytest.raises(guard.OutsideError):
        async with httpx.AsyncClient() as http:
            await http.get("https://5sim.net/v1/guest/countries")

    assert refused == ["socket.getaddrinfo 5sim.net"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.10", "::1", "", None])
def test_this_machine_is_not_outside(host):
    """The sandbox is served there."""
    assert not guard.is_outside(host)


@pytest.mark.parametrize(
    "host", [ELSEWHERE, "10.0.0.1", "0.0.0.0", "2001:db8::1", "localhost.example", "127.1.example"]
)
def test_everything_else_is_outside(host):
    """Names that merely look local included."""
    assert guard.is_outside(host)


@pytest.mark.socket
async def test_loopback_is_allowed():
    """The tests marked `socket` talk to a sandbox on a loopback port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        async with await anyio.connect_tcp(*server.getsockname()) as stream:
            server.accept()[0].close()
            with pytest.raises(anyio.EndOfStream):
                await stream.receive()
