"""The body of an answer: packed, in pieces, too large, too slow, or not to be read at all."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import pytest

from smsapi_async import AsyncClient, OutcomeUnknownError, UnreadableReplyError
from smsapi_async._sending.call import BODY_CAP, CATALOGUE_CAP
from smsapi_async._sending.http import LATE
from tests.support.canned_provider import PROFILE, TOKEN, answering


def streamed(library: Any, *chunks: bytes, pause: float = 0.0, **headers: str) -> Callable[[Any], Any]:
    """An answer in pieces, as from a socket."""

    async def body() -> AsyncIterator[bytes]:
        for chunk in chunks:
            await anyio.sleep(pause)
            yield chunk

    return lambda _: library.Response(200, headers={k.replace("_", "-"): v for k, v in headers.items()}, content=body())


async def test_a_body_in_pieces_is_read_whole(library):
    """Chunked, as most are."""
    async with answering(library, streamed(library, PROFILE[:9], PROFILE[9:])) as (client, _):
        assert (await client.v1.profile()).balance == 5


@pytest.mark.parametrize("packed", [gzip.compress(PROFILE, mtime=0), gzip.compress(PROFILE, mtime=0) + b"trailing"])
async def test_gzip_is_unpacked(packed, library):
    """Our requests ask for gzip."""
    async with answering(library, streamed(library, packed[:20], packed[20:], content_encoding="GZIP")) as (client, _):
        assert (await client.v1.profile()).balance == 5


async def test_a_body_that_a_hook_has_read_is_not_read_twice(library):
    """The caller's logging hook; the library has unpacked it then."""

    async def read(response: Any) -> None:
        await response.aread()

    answer = streamed(library, gzip.compress(PROFILE, mtime=0), content_encoding="gzip")
    http = library.AsyncClient(transport=library.MockTransport(answer), event_hooks={"response": [read]})
    async with http, AsyncClient(TOKEN, v1_url="http://v1.test/v1", http_client=http) as client:
        assert (await client.v1.profile()).balance == 5


@pytest.mark.parametrize(
    ("chunks", "encoding", "words"),
    [
        ([PROFILE, PROFILE], "gzip", "no gzip, though it says so"),
        ([gzip.compress(PROFILE, mtime=0)[:-9]], "gzip", "the gzip is cut"),
        ([gzip.compress(gzip.compress(PROFILE, mtime=0))], "gzip, gzip", "packed as 'gzip, gzip'"),
        ([b"x"], "br", "packed as 'br'"),
        ([b"x" * BODY_CAP, b"y", b"z"], "identity", "larger than 1,000,000 bytes"),
        ([gzip.compress(b"0" * (BODY_CAP + 1))], "gzip", "larger than 1,000,000 bytes"),
        ([gzip.compress(PROFILE, mtime=0), *[b"x" * 100_000] * 12], "gzip", "larger than 1,000,000 bytes"),
    ],
    ids=["no gzip", "cut gzip", "gzip twice", "brotli", "large", "bomb", "endless tail"],
)
async def test_a_body_that_cannot_be_unpacked_or_is_too_large_is_unreadable(chunks, encoding, words, library):
    """A hundred bytes may unpack to a gigabyte; a read says so, and a purchase is looked up."""
    async with answering(library, streamed(library, *chunks, content_encoding=encoding)) as (client, _):
        with pytest.raises(UnreadableReplyError, match=words):
            await client.v1.profile()


async def test_a_catalogue_may_be_large(library):
    """The whole price table is 9 to 24 MB."""
    padding = b" " * (BODY_CAP + 1)
    async with answering(library, b"{" + padding + b"}") as (client, _):
        assert await client.v1.products() == {}
    assert CATALOGUE_CAP > 24 * BODY_CAP


async def test_an_endless_body_is_not_read_to_its_end(library):
    """The connection is given up at the cap."""
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            await anyio.sleep(0.001)
            read += 1
            yield b"x" * 100_000

    async with answering(library, lambda _: library.Response(200, content=body())) as (client, _):
        with pytest.raises(UnreadableReplyError, match="larger"):
            await client.v1.profile()

    assert read == 11


async def test_a_body_that_trickles_is_bounded_by_the_request_s_timeout(library):
    """Also on a transport that knows no timeouts of its own."""
    async with answering(library, streamed(library, *[b"x"] * 100, pause=1), request_timeout=5) as (client, _):
        with pytest.raises(OutcomeUnknownError, match="TimeoutError"):
            await client.v1.profile()

    assert anyio.current_time() == 5 + LATE


async def test_every_step_before_the_request_leaves_ends_before_the_whole(library):
    """Otherwise a network that is down looks like a lost answer."""
    async with answering(library, request_timeout=30) as (client, provider):
        await client.v1.profile()

    times = provider.asked[0].extensions["timeout"]
    assert dict(times) == {"connect": pytest.approx(10), "pool": pytest.approx(10), "read": 30, "write": 30}
    assert len(times) == 4


async def test_bytes_are_awaited_for_what_is_left_of_the_request_s_time(library):
    """The library's own timeout starts anew with every byte, so it gets the time that is left of ours."""
    async with answering(library, request_timeout=30) as (client, provider):
        await client.v1.profile()
    times = provider.asked[0].extensions["timeout"]

    await anyio.sleep(25)
    assert dict(times) == dict.fromkeys(("connect", "pool", "read", "write"), 5)
    await anyio.sleep(25)
    assert set(times.values()) == {0}
