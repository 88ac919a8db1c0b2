"""The one client file that knows the HTTP library: a Call becomes bytes, the bytes that come back become a Reply.

It never repeats, never follows a redirect, never reads a body beyond its cap, and sends a key only to the host it
belongs to. Which exceptions of the library prove that nothing was sent is the table `NOT_SENT`, measured on sockets.
"""

from __future__ import annotations

import ssl
import zlib
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import anyio
import attrs
import httpx

from ._call import Call, Provider, Reply, masked, unreadable
from ._errors import AuthenticationError, ClientClosedError, NotSentError, OutcomeUnknownError, SmsApiError
from ._log import keep_private

if TYPE_CHECKING:
    import httpx2

HttpClient: TypeAlias = Union[httpx.AsyncClient, "httpx2.AsyncClient"]
"""What may be handed in to send through."""

USER_AGENT = "smsapi-async/0.1"
"""Cloudflare answers 403 `error code: 1010` to the default names of some libraries (v1, seen live in 2026)."""

KEEP_ALIVE = 60.0
"""httpx drops idle connections after 5 s; a slow poller would pay a TLS handshake for every look."""

POOL = 32
CONNECT_SHARE = 1 / 3
"""Of the request's time, for each step before a byte is sent: waiting for the pool, connecting, the TLS handshake. They
end before the whole does, so a network that is down is told from an answer that was lost."""

ENCODINGS = ("", "identity", "gzip")
"""What we ask for."""

GZIP = 31
"""How zlib is told that a gzip header comes."""

LEAST_KEY = 8
"""A shorter key is not looked for in answers: it may be a word of them."""

MISSING_KEY = {"v1": "pass token= or set SMSAPI_TOKEN", "rent": "pass rent_key= or set SMSAPI_RENT_KEY"}

NOT_SENT = ("ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "ProxyError")
"""Raised before a byte of the request was written: resolving, connecting, the TLS handshake, waiting for the pool."""


@attrs.frozen
class Target:
    """Where one provider is, and the key that opens it."""

    base_url: str
    key: str | None = attrs.field(repr=False)
    key_parameter: str | None = None
    """The query parameter that carries the key, for providers asked so; None is the Authorization header."""


class Http:
    """Sends prebuilt requests through our own client, or one that was handed in and stays the caller's."""

    def __init__(self, targets: Mapping[Provider, Target], timeout: float, client: HttpClient | None) -> None:
        self._targets = targets
        self._timeout = timeout
        self._given = client is not None
        self._client: Any = client  # of httpx or httpx2: alike, but unrelated to a type checker
        self._library: Any = _library_of(client)
        self._not_sent = tuple(getattr(self._library, name) for name in NOT_SENT)
        urls = [self._url(provider, target) for provider, target in targets.items()]
        keep_private(urls, [target.key for target in targets.values() if target.key])

    async def exchange(self, call: Call[Any]) -> Reply:
        """Send the call once.

        Raises:
            NotSentError: no connection was made.
            OutcomeUnknownError: it may have arrived; no whole answer came back.
            AuthenticationError: there is no key for it; nothing was sent.
            ClientClosedError: the client handed in is closed; nothing was sent.
        """
        client = self._client or self._open()
        if client.is_closed:
            raise ClientClosedError("the http_client it is sent through is closed", call=call.name)
        request = self._build(client, call)
        sent_at = anyio.current_time()
        try:
            with anyio.fail_after(self._timeout):
                response = await client.send(request, auth=None, follow_redirects=False, stream=True)
                try:
                    body = await _capped(response, call)
                finally:
                    await response.aclose()
        except SmsApiError:
            raise
        except self._not_sent as error:
            where = self._targets[call.provider].base_url
            raise NotSentError(f"no connection to {where}, {self._words(error)}", call=call.name) from error
        # Also what no table names, such as an ssl.SSLError (httpcore lets some through on asyncio) or what a hook of
        # the caller's client raises: the request may have arrived.
        except Exception as error:
            raise OutcomeUnknownError(self._words(error), call=call.name) from error
        return Reply(
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=_without_key(body, self._targets[call.provider].key),
            sent_at=sent_at,
            arrived_at=anyio.current_time(),
        )

    async def aclose(self) -> None:
        """Close our own client; one that was handed in stays open."""
        if self._client is not None and not self._given:
            await self._client.aclose()

    def _open(self) -> Any:
        library = self._library
        self._client = library.AsyncClient(
            verify=_tls(library),
            timeout=self._timeout,
            limits=library.Limits(max_connections=POOL, max_keepalive_connections=POOL, keepalive_expiry=KEEP_ALIVE),
        )
        return self._client

    def _url(self, provider: Provider, target: Target) -> str:
        """The base URL as the library will print it."""
        try:
            url = self._library.URL(target.base_url)
        except self._library.InvalidURL as error:
            raise ValueError(f"{provider}_url: {error}") from error
        if url.userinfo:
            raise ValueError(f"{provider}_url: a user or password in it would be sent in place of the key")
        return str(url)

    def _build(self, client: Any, call: Call[Any]) -> Any:
        target = self._targets[call.provider]
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip"}
        query = call.query
        if client.headers.get("User-Agent", "").startswith("python-httpx"):
            headers["User-Agent"] = USER_AGENT
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        if call.key and not target.key:
            raise AuthenticationError(f"no key was given, {MISSING_KEY[call.provider]}", call=call.name)
        if target.key and call.key and target.key_parameter:
            query = (*query, (target.key_parameter, target.key))
        request = client.build_request(
            call.method,
            f"{target.base_url}/{call.path}",
            params=query or None,
            content=call.body,
            headers=headers,
            timeout=self._library.Timeout(
                self._timeout, connect=self._timeout * CONNECT_SHARE, pool=self._timeout * CONNECT_SHARE
            ),
        )
        request.headers.pop("Authorization", None)  # a default of the caller's client: a key to somewhere else
        if call.key and not target.key_parameter:
            request.headers["Authorization"] = f"Bearer {target.key}"
        return request

    def _words(self, error: Exception) -> str:
        """The library's words for it, without what they may quote of the request."""
        text = str(error) if isinstance(error, self._library.RequestError) else ""
        for target in self._targets.values():
            text = _without_key(text.encode(), target.key).decode()
        return f"{type(error).__name__}{': ' + masked(text) if text and '://' not in text else ''}"


async def _capped(response: Any, call: Call[Any]) -> bytes:
    """The whole body, unpacked here: the library unpacks without a limit, and several layers where they are named."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    unpacked = response.is_stream_consumed  # a hook of the caller's client has read it
    gzip = zlib.decompressobj(GZIP) if encoding == "gzip" and not unpacked else None
    body, trouble = bytearray(), "" if encoding in ENCODINGS else f"packed as {encoding[:40]!r}"
    with anyio.CancelScope() as scope:
        async for chunk in response.aiter_bytes() if unpacked else response.aiter_raw():
            try:
                body += gzip.decompress(chunk, call.cap + 1) if gzip else chunk
            except zlib.error:
                trouble = "no gzip, though it says so"
            if len(body) + (len(gzip.unused_data) if gzip else 0) > call.cap:
                trouble = f"the body is larger than {call.cap:,} bytes"
            if trouble:
                scope.cancel()  # and no break, which would leave the library's generators hanging
                body.clear()
    if gzip and body and not gzip.eof:
        trouble = "the gzip is cut"
    if trouble:
        start = Reply(status=response.status_code, headers={}, body=b"")
        raise unreadable(call.name, call.repeat, start, trouble)
    return bytes(body)


def _without_key(text: bytes, key: str | None) -> bytes:
    """The text; a key that is repeated in it would end up in errors."""
    return text.replace(key.encode(), b"***") if key and len(key) >= LEAST_KEY else text


def _library_of(client: object) -> ModuleType:
    """httpx, or its continuation httpx2, whose classes are unrelated and bear the same names."""
    if isinstance(client, httpx.AsyncClient):
        return httpx
    try:
        import httpx2  # an extra, and importing the package loads none
    except ImportError:
        if client is None:
            return httpx
    else:
        if client is None or isinstance(client, httpx2.AsyncClient):
            return httpx2
    raise ValueError(f"http_client: an httpx.AsyncClient or httpx2.AsyncClient is needed, not {type(client).__name__}")


@cache
def _tls(library: Any) -> ssl.SSLContext:
    """One for the process: making one costs about 30 ms."""
    context: ssl.SSLContext = library.create_ssl_context()
    return context
