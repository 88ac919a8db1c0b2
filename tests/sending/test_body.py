"""The body of an answer: unpacked whole, bounded while it comes, and read without holding the loop."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import httpx2
import pytest

from smsapi_async import AsyncClient, UnreadableReplyError
from smsapi_async._sending.body import CHUNKS, MEMBERS, PIECE
from smsapi_async._sending.call import BODY_CAP

PROFILE = b'{"id":1,"email":"a@b.c","balance":5}'
LARGE = f"larger than {BODY_CAP:,} bytes"


@pytest.fixture(params=[httpx, httpx2], ids=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> Any:
    return request.param


def packed(*parts: bytes) -> bytes:
    """Each part a member of its own."""
    return b"".join(gzip.compress(part, mtime=0) for part in parts)


def bytewise(body: bytes) -> list[bytes]:
    return [bytes([byte]) for byte in body]


@asynccontextmanager
async def answering(library: Any, chunks: Iterable[bytes], encoding: str = "gzip") -> AsyncIterator[AsyncClient]:
    """A client to whom every answer comes in these chunks, all out of one read: nothing is awaited between them."""

    async def body() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    def answer(_: object) -> Any:
        return library.Response(200, headers={"Content-Encoding": encoding}, content=body())

    async with (
        library.AsyncClient(transport=library.MockTransport(answer)) as http,
        AsyncClient("a-token-of-mine", v1_url="http://v1.test/v1", http_client=http, max_retries=0) as client,
    ):
        yield client


READ_WHOLE = {
    "one member": [packed(PROFILE)],
    "byte by byte": bytewise(packed(PROFILE)),
    "two members": [packed(PROFILE[:9], PROFILE[9:])],
    "two members byte by byte": bytewise(packed(PROFILE[:9], PROFILE[9:])),
    "an empty member before and after": [packed(b"", PROFILE, b"")],
    "as many as are allowed": [packed(*[b""] * (MEMBERS - 1), PROFILE)],
    "zeros after it": [packed(PROFILE), b"\0" * 50, b"\0"],
    "a byte after it": [packed(PROFILE), b"\n"],
    "a text after it": [packed(PROFILE), *bytewise(b"more"), packed(PROFILE)],
}


@pytest.mark.parametrize("name", READ_WHOLE)
async def test_a_gzip_is_read_whole(name, library):
    """A proxy may pack an answer in several members, of which the library unpacks the first."""
    async with answering(library, READ_WHOLE[name]) as client:
        assert (await client.v1.profile()).balance == 5


REFUSED = {
    "no gzip": ([PROFILE], "no gzip"),
    "no gzip, byte by byte": (bytewise(PROFILE), "no gzip"),
    "a single byte": ([b"\x1f"], "the gzip is cut"),
    "only a header": ([packed(PROFILE)[:10]], "the gzip is cut"),
    "cut in the second member": ([packed(PROFILE[:9], PROFILE[9:])[:-9]], "the gzip is cut"),
    "a wrong sum": ([packed(PROFILE)[:-8] + bytes(8)], "no gzip"),
    "a bomb": ([packed(bytes(500 * BODY_CAP))], LARGE),
    "a bomb in many members": ([packed(*[bytes(BODY_CAP // 2)] * 3)], LARGE),
    "members without an end": ([packed(b"") * (MEMBERS + 1)], "too many members"),
    "members without an end, each by itself": ([packed(b"")] * (MEMBERS + 1), "too many members"),
    "an endless tail": ([packed(PROFILE), *[b"x" * PIECE * 10] * 7], LARGE),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_gzip_that_cannot_be_unpacked_is_unreadable(name, library):
    """A few kilobytes may unpack to any number of bytes, or to none for ever."""
    chunks, words = REFUSED[name]
    async with answering(library, chunks) as client:
        with pytest.raises(UnreadableReplyError, match=words):
            await client.v1.profile()


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
async def test_chunks_of_a_byte_do_not_hold_the_loop(encoding, library):
    """Sixty thousand of them held it for two seconds: the library finds them all in one read."""
    body = packed(PROFILE + b" " * 5_000) if encoding == "gzip" else PROFILE + b" " * 5_000
    body = body + bytes(5_000) if encoding == "gzip" else body
    turns = 0

    async def work() -> None:
        nonlocal turns
        while True:
            await anyio.lowlevel.checkpoint()
            turns += 1

    async with answering(library, bytewise(body), encoding) as client, anyio.create_task_group() as others:
        others.start_soon(work)
        await client.v1.profile()
        others.cancel_scope.cancel()

    assert turns > 5_000 // CHUNKS - 10
