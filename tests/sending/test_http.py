"""A Call becomes bytes and the bytes a Reply, on both HTTP libraries: keys, hosts, caps, and what proves not sent."""

from __future__ import annotations

import gzip
import inspect
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import attrs
import httpx
import httpx2
import pytest

from smsapi_async import (
    AsyncClient,
    AuthenticationError,
    NotSentError,
    OutcomeUnknownError,
    RefusedError,
    UnreadableReplyError,
)
from smsapi_async._sending import http as http_file
from smsapi_async._sending.call import BODY_CAP, CATALOGUE_CAP
from smsapi_async._sending.http import KEEP_ALIVE, LATE, NOT_SENT, POOL, USER_AGENT
from smsapi_async.sandbox import Sandbox

TOKEN = "eyJhbGciOiJSUzUxMiJ9.cGF5bG9hZA.c2lnbmF0dXJl"
RENT_KEY = "0123456789abcdef0123456789abcdef"
PROFILE = b'{"id":1,"email":"a@b.c","balance":5}'


@pytest.fixture(params=[httpx, httpx2], ids=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> Any:
    return request.param


@attrs.define
class Provider:
    """Answers every request the same way, and keeps what it was asked."""

    module: Any
    answer: Any
    asked: list[Any] = attrs.field(factory=list)

    async def handle(self, request: Any) -> Any:
        self.asked.append(request)
        if isinstance(self.answer, BaseException):
            raise self.answer
        if callable(self.answer):
            return self.answer(request)
        return self.module.Response(200, content=self.answer)


@asynccontextmanager
async def answering(
    library: Any, answer: Any = PROFILE, *, headers: dict[str, str] | None = None, **options: Any
) -> AsyncIterator[tuple[AsyncClient, Provider]]:
    """A client handed an HTTP client of the library, with these headers of its own."""
    provider = Provider(library, answer)
    urls = {"v1_url": "http://v1.test/v1", "rent_url": "http://rent.test/api", "max_retries": 0}
    async with (
        library.AsyncClient(transport=library.MockTransport(provider.handle), headers=headers) as http,
        AsyncClient(**{"token": TOKEN, "rent_key": RENT_KEY, **urls, "http_client": http, **options}) as client,
    ):
        yield client, provider


# -- which exceptions prove that nothing was sent ---------------------------------------------------------------------

UNKNOWN = {
    "HTTPError", "RequestError", "TransportError", "TimeoutException", "ReadTimeout", "WriteTimeout", "NetworkError",
    "ReadError", "WriteError", "CloseError", "ProtocolError", "LocalProtocolError", "RemoteProtocolError",
    "DecodingError", "TooManyRedirects", "HTTPStatusError", "InvalidURL", "CookieConflict", "StreamError",
    "StreamConsumed", "StreamClosed", "ResponseNotRead", "RequestNotRead",
}  # fmt: skip
"""They may come after the request has left, or from a hook of the caller's client that ran after it."""

ONLY_IN_HTTPX2 = {"SSEError"}
"""Of its reader of event streams, which is not ours; unknown as the others."""


def exceptions(library: Any) -> dict[str, type[Exception]]:
    found = {**vars(library), **vars(sys.modules[f"{library.__name__}._exceptions"])}
    return {
        name: kind
        for name, kind in found.items()
        if inspect.isclass(kind) and issubclass(kind, Exception) and kind.__module__.startswith(library.__name__)
        if not issubclass(kind, Warning)
    }


def made(kind: type[Exception]) -> Exception:
    needed = inspect.signature(kind).parameters
    options = {name: None for name in ("request", "response") if name in needed}
    return kind("it broke", **options) if "message" in needed or "args" in needed else kind()


def test_the_table_of_exceptions_is_complete(library):
    """A new one of a new version is decided about here, and not by chance."""
    assert set(exceptions(library)) - ONLY_IN_HTTPX2 == UNKNOWN | set(NOT_SENT)
    assert not UNKNOWN & set(NOT_SENT)


@pytest.mark.parametrize("name", sorted(UNKNOWN | set(NOT_SENT)))
async def test_every_exception_of_the_library_becomes_one_of_ours(name, library):
    """Whether the request left decides whether a purchase may be sent again."""
    async with answering(library, made(exceptions(library)[name])) as (client, _):
        with pytest.raises(NotSentError if name in NOT_SENT else OutcomeUnknownError) as caught:
            await client.v1.profile()

    assert caught.value.call == "v1.profile"
    assert type(caught.value.__cause__) is exceptions(library)[name]


STRAYS = [ssl.SSLError("bad record mac"), OSError("gone"), LookupError("a hook"), RuntimeError()]


@pytest.mark.parametrize("stray", STRAYS, ids=repr)
async def test_an_exception_no_table_names_leaves_the_outcome_unknown(stray, library):
    """httpcore lets some errors of TLS through, and hooks raise what they like: a purchase may have been made."""
    async with answering(library, stray) as (client, _):
        with pytest.raises(OutcomeUnknownError) as caught:
            await client.v1.profile()

    assert caught.value.__cause__ is stray
    assert str(stray) == "" or str(stray) not in str(caught.value), "its words may quote the request"


async def test_a_hook_that_raises_for_a_status_loses_no_purchase(library):
    """A client's own `raise_for_status` hook is common; the purchase is looked up as after any loss."""
    sandbox = Sandbox()
    transport = sandbox.transport() if library is httpx else sandbox.transport2()
    raised: list[str] = []

    async def strict(response: Any) -> None:
        if "buy" in str(response.url):
            raised.append("once")
            raise LookupError("not what I wanted")

    async with (
        library.AsyncClient(transport=transport, event_hooks={"response": [strict]}) as http,
        AsyncClient(sandbox.token, v1_url=sandbox.v1_url, http_client=http) as client,
    ):
        order = await client.v1.buy_activation("telegram")

    assert (sandbox.ledger.purchases, raised) == ([order.id], ["once"])


async def test_the_words_of_an_error_hold_no_address_and_no_key(library):
    """A library quotes the URL it cannot use, or the header it cannot send."""
    for words in (f"bad url 'http://v1.test/?apikey={RENT_KEY}'", f"Illegal header value b'Bearer {TOKEN}'"):
        async with answering(library, library.LocalProtocolError(words)) as (client, _):
            with pytest.raises(OutcomeUnknownError) as caught:
                await client.v1.profile()

        assert RENT_KEY not in str(caught.value)
        assert TOKEN not in str(caught.value)


# -- keys and hosts ---------------------------------------------------------------------------------------------------


async def test_each_key_goes_to_its_own_host_only(library):
    """And to the free pages none goes at all."""
    async with answering(library, b'{"response":1,"list":[],"Data":[],"text":""}') as (client, provider):
        await client.v1.inbox(1)
        await client.rent.numbers()
        await client.v1.notification("en")

    sent = [(request.url.host, request.headers.get("authorization")) for request in provider.asked]
    assert sent == [("v1.test", f"Bearer {TOKEN}"), ("rent.test", f"Bearer {RENT_KEY}"), ("v1.test", None)]
    assert not any("apikey" in str(request.url) for request in provider.asked)


async def test_the_rent_key_may_travel_in_the_query(library):
    """For hosts that know no other way; then it is in no header."""
    async with answering(library, b'{"response":1,"list":[]}', rent_key_in="query") as (client, provider):
        await client.rent.numbers()

    (request,) = provider.asked
    assert request.url.params["apikey"] == RENT_KEY
    assert request.url.params["pagination"] == "false"
    assert "authorization" not in request.headers


async def test_our_authorization_wins_and_the_client_s_own_is_sent_nowhere(library):
    """His default is a key to somewhere else."""
    async with answering(library, b"{}", headers={"Authorization": "Bearer other"}, rent_key_in="query") as (
        client,
        provider,
    ):
        await client.v1.wallets()
        await client.v1.products()
        await client.rent.tariffs()

    sent = [request.headers.get("authorization") for request in provider.asked]
    assert sent == [f"Bearer {TOKEN}", None, None]


async def test_the_client_s_other_defaults_stay(library):
    """His headers, his name, his cookies; he may need them for a proxy."""
    own = {"X-Proxy": "a", "User-Agent": "mine/1", "Cookie": "c=1"}
    async with answering(library, headers=own) as (client, provider):
        await client.v1.profile()

    (request,) = provider.asked
    assert {name: request.headers[name] for name in own} == own
    assert request.headers["accept"] == "application/json"


async def test_the_library_s_name_is_replaced_by_ours(library):
    """Cloudflare refuses some of them."""
    async with answering(library) as (client, provider):
        await client.v1.profile()

    assert provider.asked[0].headers["user-agent"] == USER_AGENT


async def test_a_client_handed_in_is_not_closed(library):
    """It is the caller's."""
    http = library.AsyncClient(transport=library.MockTransport(lambda _: library.Response(200, content=PROFILE)))
    async with AsyncClient(TOKEN, v1_url="http://v1.test/v1", http_client=http) as client:
        await client.v1.profile()

    assert not http.is_closed
    await http.aclose()


async def test_only_a_client_of_these_libraries_is_taken():
    """Others resend by themselves; a `Client` that is not async would block the loop."""
    with pytest.raises(ValueError, match=r"^http_client: .*not Client"):
        AsyncClient(TOKEN, http_client=httpx.Client())  # type: ignore[arg-type]


async def test_a_missing_key_is_an_error_only_of_the_call_that_needs_it(library):
    """Nothing is sent without it, and the catalogue needs none."""
    async with answering(library, b"{}", token=None, rent_key=None) as (client, provider):
        assert await client.v1.products() == {}
        with pytest.raises(AuthenticationError, match="SMSAPI_TOKEN"):
            await client.v1.buy_activation("telegram")
        with pytest.raises(AuthenticationError, match="SMSAPI_RENT_KEY"):
            await client.rent.balance()

    assert len(provider.asked) == 1


@pytest.mark.parametrize("status", [400, 403, 500])
async def test_a_key_that_the_provider_repeats_is_not_kept_in_the_error(status, library):
    """Errors are logged, pickled, and sent to trackers."""
    async with answering(library, lambda _: library.Response(status, text=f"key {TOKEN} is no good")) as (client, _):
        with pytest.raises((RefusedError, OutcomeUnknownError)) as caught:
            await client.v1.profile()

    assert TOKEN not in f"{caught.value} {caught.value!r} {vars(caught.value)}"
    assert "key *** is no good" in str(caught.value)


async def test_a_short_key_spoils_no_answer(library):
    """`balance` is a word of every profile."""
    async with answering(library, token="balance") as (client, _):
        assert (await client.v1.profile()).balance == 5


@pytest.mark.parametrize("url", ["http://me:secret@v1.test/v1", "http://me@v1.test/v1", "http://v1.test:port/v1"])
async def test_a_base_url_that_would_mislead_the_key_is_refused(url, library):
    """A user in it becomes an Authorization header in place of ours."""
    with pytest.raises(ValueError, match="v1_url"):
        AsyncClient(TOKEN, v1_url=url)


# -- redirects --------------------------------------------------------------------------------------------------------


async def test_no_redirect_is_followed_even_if_the_client_would(library):
    """It leads to a page of 42 KB, and would carry the key to wherever it points."""
    asked: list[Any] = []

    def answer(request: Any) -> Any:
        asked.append(request)
        return library.Response(302, headers={"Location": "http://evil.test/"})

    http = library.AsyncClient(transport=library.MockTransport(answer), follow_redirects=True)
    async with http, AsyncClient(TOKEN, v1_url="http://v1.test/v1", http_client=http, max_retries=0) as client:
        with pytest.raises(UnreadableReplyError, match="redirect"):
            await client.v1.profile()

    assert len(asked) == 1


# -- bodies -----------------------------------------------------------------------------------------------------------


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
    """It is what we ask for."""
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
    """Else a network that is down looks like an answer that was lost."""
    async with answering(library, request_timeout=30) as (client, provider):
        await client.v1.profile()

    times = provider.asked[0].extensions["timeout"]
    assert dict(times) == {"connect": pytest.approx(10), "pool": pytest.approx(10), "read": 30, "write": 30}
    assert len(times) == 4


async def test_bytes_are_awaited_for_what_is_left_of_the_request_s_time(library):
    """The library's own timeout would start anew with every byte, and ours tells it nothing of its connection."""
    async with answering(library, request_timeout=30) as (client, provider):
        await client.v1.profile()
    times = provider.asked[0].extensions["timeout"]

    await anyio.sleep(25)
    assert dict(times) == dict.fromkeys(("connect", "pool", "read", "write"), 5)
    await anyio.sleep(25)
    assert set(times.values()) == {0}


# -- our own client ---------------------------------------------------------------------------------------------------


@pytest.fixture
def made_here(library, monkeypatch) -> list[dict[str, Any]]:
    """What our own clients are made with, on either library; they speak to nobody."""
    made_with: list[dict[str, Any]] = []

    class Recorded(library.AsyncClient):  # type: ignore[misc]
        def __init__(self, **options: Any) -> None:
            made_with.append(options)
            answer = library.MockTransport(lambda _: library.Response(200, content=PROFILE))
            super().__init__(transport=answer, **{**options, "verify": True})

    monkeypatch.setattr(library, "AsyncClient", Recorded)
    if library is httpx:
        monkeypatch.setitem(sys.modules, "httpx2", None)
    return made_with


async def test_our_own_client_keeps_connections_and_shares_one_tls_context(made_here, library):
    """A handshake for every look, or a context for every client, would cost more than the look."""
    for _ in range(2):
        async with AsyncClient(TOKEN, v1_url="http://v1.test/v1") as client:
            await client.v1.profile()
            await client.v1.profile()

    first, second = made_here
    assert first["limits"] == library.Limits(
        max_connections=POOL, max_keepalive_connections=POOL, keepalive_expiry=KEEP_ALIVE
    )
    assert (POOL, KEEP_ALIVE) == (32, 60)
    assert isinstance(first["verify"], ssl.SSLContext)
    assert first["verify"] is second["verify"]
    assert first["verify"].verify_mode is ssl.CERT_REQUIRED
    assert "http2" not in first


async def test_our_own_client_is_closed_with_us(made_here):
    """It is nobody else's; and one that was never needed was never made."""
    async with AsyncClient(TOKEN, v1_url="http://v1.test/v1") as client:
        await client.v1.profile()
        http = client._sender._http._client
    async with AsyncClient(TOKEN, v1_url="http://v1.test/v1"):
        pass

    assert http.is_closed
    assert len(made_here) == 1


async def test_without_httpx2_another_s_client_is_still_told_from_httpx_s(monkeypatch):
    """The extra is not installed, and something odd is handed in."""
    monkeypatch.setitem(sys.modules, "httpx2", None)

    with pytest.raises(ValueError, match="not object"):
        AsyncClient(TOKEN, http_client=object())  # type: ignore[arg-type]
    assert http_file._library_of(None) is httpx
