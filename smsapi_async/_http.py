"""The one client file that knows the HTTP library: a Call becomes bytes, the bytes that come back become a Reply.

It never repeats, never follows a redirect, never reads a body beyond its cap, and sends a key only to the host it
belongs to. Which exceptions of the library prove that nothing was sent is the table `NOT_SENT`, measured on sockets.
"""

from __future__ import annotations

import ssl
import sys
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import anyio
import attrs
import httpx

from ._call import Call, Provider, Reply, unreadable
from ._errors import AuthenticationError, NotSentError, OutcomeUnknownError
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
CONNECT_TIMEOUT = 10.0

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
        self._library = _library_of(client)
        self._not_sent = tuple(getattr(self._library, name) for name in NOT_SENT)
        hosts = tuple(self._library.URL(target.base_url).host for target in targets.values())
        keep_private(hosts, tuple(target.key or "" for target in targets.values()))

    async def exchange(self, call: Call[Any]) -> Reply:
        """Send the call once.

        Raises:
            NotSentError: no connection was made.
            OutcomeUnknownError: it may have arrived; no whole answer came back.
        """
        client = self._client or self._open()
        request = self._build(client, call)
        sent_at = anyio.current_time()
        try:
            with anyio.fail_after(self._timeout):
                response = await client.send(request, auth=None, follow_redirects=False, stream=True)
                try:
                    body = await _capped(response, call)
                finally:
                    await response.aclose()
        except self._not_sent as error:
            raise NotSentError(_words(error), call=call.name) from error
        except (self._library.RequestError, self._library.StreamError, TimeoutError) as error:
            raise OutcomeUnknownError(_words(error), call=call.name) from error
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Reply(
            status=response.status_code, headers=headers, body=body, sent_at=sent_at, arrived_at=anyio.current_time()
        )

    async def aclose(self) -> None:
        """Close our own client; one that was handed in stays open."""
        if self._client is not None and not self._given:
            await self._client.aclose()

    def _open(self) -> Any:
        self._client = httpx.AsyncClient(
            verify=_tls(),
            timeout=self._timeout,
            limits=httpx.Limits(max_connections=POOL, max_keepalive_connections=POOL, keepalive_expiry=KEEP_ALIVE),
        )
        return self._client

    def _build(self, client: Any, call: Call[Any]) -> Any:
        target = self._targets[call.provider]
        headers = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "gzip"}
        query = call.query
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        if call.key:
            if not target.key:
                raise AuthenticationError(f"no key was given, {MISSING_KEY[call.provider]}", call=call.name)
            if target.key_parameter:
                query = (*query, (target.key_parameter, target.key))
            else:
                headers["Authorization"] = f"Bearer {target.key}"
        return client.build_request(
            call.method,
            f"{target.base_url}/{call.path}",
            params=query or None,
            content=call.body,
            headers=headers,
            timeout=self._library.Timeout(self._timeout, connect=min(CONNECT_TIMEOUT, self._timeout)),
        )


async def _capped(response: Any, call: Call[Any]) -> bytes:
    chunks, size = [], 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > call.cap:
            start = Reply(status=response.status_code, headers={}, body=chunk[:600])
            raise unreadable(call.name, call.repeat, start, f"the body is larger than {call.cap:,} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def _words(error: BaseException) -> str:
    """The library's words for it, without what it may quote from the request."""
    text = str(error)
    return f"{type(error).__name__}{': ' + text if text and '://' not in text else ''}"


def _library_of(client: object) -> ModuleType:
    """httpx, or its continuation httpx2, whose classes are unrelated and bear the same names."""
    httpx2 = sys.modules.get("httpx2")
    if client is None or isinstance(client, httpx.AsyncClient):
        return httpx
    if httpx2 is not None and isinstance(client, httpx2.AsyncClient):
        return httpx2
    raise ValueError(f"http_client: an httpx.AsyncClient or httpx2.AsyncClient is needed, not {type(client).__name__}")


@cache
def _tls() -> ssl.SSLContext:
    """One for the process: making one costs about 30 ms."""
    return httpx.create_ssl_context()
