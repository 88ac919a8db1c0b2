"""The connections our own client opens, counted by a server on a real socket: none that it could have kept."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import anyio.abc
import attrs
import pytest

from smsapi_async import AsyncClient, Pace, RefusedError
from tests.answers import TOKEN, sample

pytestmark = [pytest.mark.socket, pytest.mark.anyio]

POOL = 32
ORDER = sample("v1/seed_check_received.json").encode()


@attrs.define
class Counting:
    """A server that answers every request alike, over connections it keeps open."""

    status: str = "200 OK"
    body: bytes = ORDER
    silent: bool = False
    connections: int = 0
    heads: list[bytes] = attrs.field(factory=list)

    async def talk(self, stream: anyio.abc.SocketStream) -> None:
        self.connections += 1
        async with stream:
            try:
                while True:
                    head = await stream.receive()
                    while not head.endswith(b"\r\n\r\n"):
                        head += await stream.receive()
                    self.heads.append(head)
                    if not self.silent:
                        line = f"HTTP/1.1 {self.status}\r\nContent-Length: {len(self.body)}\r\n\r\n"
                        await stream.send(line.encode() + self.body)
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return


@asynccontextmanager
async def counted(server: Counting) -> AsyncIterator[AsyncClient]:
    listeners = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listeners, anyio.create_task_group() as group:
        group.start_soon(listeners.serve, server.talk)
        url = f"http://127.0.0.1:{listeners.extra(anyio.abc.SocketAttribute.local_port)}/v1"
        async with AsyncClient(TOKEN, v1_url=url, pace=Pace(v1_per_second=1e5), max_retries=0) as client:
            yield client
        group.cancel_scope.cancel()


@pytest.fixture(params=["httpx", "httpx2"], autouse=True)
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without httpx2 the client opens httpx."""
    if request.param == "httpx":
        monkeypatch.setitem(sys.modules, "httpx2", None)


async def test_calls_after_one_another_share_one_connection() -> None:
    """Over TLS a new one costs three to four times the call."""
    server = Counting()
    async with counted(server) as client:
        for _ in range(20):
            await client.v1.check(11631253)

    assert server.connections == 1


async def test_a_second_wave_of_calls_opens_no_connection() -> None:
    """The connections that the first has opened are kept, and never outnumber the pool."""
    server = Counting()
    async with counted(server) as client:

        async def wave() -> None:
            async with anyio.create_task_group() as group:
                for _ in range(50):
                    group.start_soon(client.v1.check, 11631253)

        await wave()
        opened = server.connections
        await wave()

    assert opened <= POOL
    assert server.connections == opened


async def test_a_refusal_keeps_its_connection() -> None:
    """`no free phones` is the commonest answer there is."""
    server = Counting(status="400 Bad Request", body=b"order not found")
    async with counted(server) as client:
        for _ in range(5):
            with pytest.raises(RefusedError):
                await client.v1.check(11631253)

    assert server.connections == 1


async def test_a_call_that_is_given_up_costs_its_own_connection_only() -> None:
    """HTTP/1.1 cannot take a request back, so its connection is lost; the other connections stay."""
    server = Counting()
    async with counted(server) as client:
        await client.v1.check(11631253)
        server.silent = True
        with anyio.move_on_after(0.05):
            await client.v1.check(11631253)
        server.silent = False
        for _ in range(5):
            await client.v1.check(11631253)

    assert server.connections == 2


async def test_a_prebuilt_request_says_all_that_is_needed() -> None:
    """Its headers are put together once for all requests: host first, ours before the library's, each once."""
    server = Counting()
    async with counted(server) as client:
        await client.v1.check(11631253)
        server.body = b'{"Data":[]}'
        await client.v1.orders("activation", limit=5)
        server.body = b"{}"
        await client.v1.products()

    paths = [head.split(b" ")[1].decode() for head in server.heads]
    fields = [[line.partition(b":")[0].lower() for line in head.split(b"\r\n")[1:-2]] for head in server.heads]
    assert paths == [
        "/v1/user/check/11631253",
        "/v1/user/orders?category=activation&limit=5",
        "/v1/guest/products/any/any",
    ]
    assert all(names[0] == b"host" and len(names) == len(set(names)) for names in fields)
    assert [names.count(b"authorization") for names in fields] == [1, 1, 0]
    assert all(b"\r\nAccept: application/json\r\n" in head for head in server.heads)
    assert all(b"\r\nUser-Agent: smsapi-async" in head for head in server.heads)
