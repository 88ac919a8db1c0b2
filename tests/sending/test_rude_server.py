"""A server on a socket that breaks the rules of HTTP, and our own client before it, of either library."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.abc
import httpx
import httpx2
import pytest

from smsapi_async import AsyncClient, OutcomeUnknownError, Pace

pytestmark = [pytest.mark.socket, pytest.mark.anyio]

Answer = Callable[[bytes], bytes]
PRIVATE = ("482-913", "9001234567")
LEFT_OVER = b'{"text":"your code is 482-913","phone":"+79001234567"}\r\n\r\n'


@pytest.fixture(params=[httpx, httpx2], ids=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    if request.param is httpx:
        monkeypatch.setitem(sys.modules, "httpx2", None)
    return request.param


@asynccontextmanager
async def facing(answer: Answer) -> AsyncIterator[tuple[AsyncClient, list[bytes]]]:
    """A client of its own library, and the heads of its requests, each answered with these bytes at once."""
    heads: list[bytes] = []

    async def serve(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            while head := await next_head(stream):
                heads.append(head)
                await stream.send(answer(head))

    async with await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0) as listener:
        url = f"http://127.0.0.1:{listener.extra(anyio.abc.SocketAttribute.local_port)}"
        pace = Pace(v1_per_second=1e6, rent_per_second=1e6)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, serve)
            async with AsyncClient(
                "a-token-of-mine",
                rent_key="a-key-of-mine",
                v1_url=f"{url}/v1",
                rent_url=f"{url}/api",
                max_retries=0,
                pace=pace,
            ) as client:
                yield client, heads
            tasks.cancel_scope.cancel()


async def next_head(stream: anyio.abc.SocketStream) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        try:
            head += await stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return b""
    return head


async def test_what_is_left_over_of_a_body_is_quoted_nowhere(library, caplog):
    """A Content-Length that is too short makes the rest of a body the beginning of the next answer."""
    caplog.set_level(logging.DEBUG)
    async with facing(lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" + LEFT_OVER) as (client, _):
        assert await client.v1.wallets() == {}
        with pytest.raises(OutcomeUnknownError, match="illegal status line") as caught:
            await client.v1.wallets()

    written = [*traceback.format_exception(caught.value), caplog.text, *(str(line.args) for line in caplog.records)]
    assert not [private for private in PRIVATE if private in "".join(written)]
    assert "RemoteProtocolError" in caplog.text, "the library has logged it"


async def test_no_cookie_is_kept_and_none_is_sent(library):
    """Both providers may be one host, cookies of one are no business of the other, and a jar grows without end."""

    def answer(_: bytes) -> bytes:
        cookies = b"".join(b"Set-Cookie: c%d=%d; Path=/\r\n" % (len(heads), number) for number in range(50))
        return b"HTTP/1.1 200 OK\r\nContent-Length: 24\r\n%s\r\n" % cookies + b'{"response":1,"list":[]}'

    async with facing(answer) as (client, heads):
        for _ in range(3):
            assert await client.rent.numbers() == ()
            assert await client.v1.wallets() == {"response": 1}
        jar = list(client._sender._http._client.cookies.jar)

    assert jar == []
    assert len(heads) == 6
    assert not [head for head in heads if b"cookie" in head.lower()]
