"""The one client file that knows the HTTP library: a Call becomes bytes, the bytes that come back become a Reply.

It never repeats, never follows a redirect, never reads a body beyond its cap, and sends a key only to the host it
belongs to. Which exceptions of the library prove that nothing was sent is the table `NOT_SENT`, measured on sockets.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import anyio
import attrs
import httpx

from .._errors import AuthenticationError, ClientClosedError, NotSentError, OutcomeUnknownError, SmsApiError
from .._log import LEAST_KEY, keep_private
from .body import read_body
from .call import Call, Provider, Repeat, Reply
from .causes import bare, words

if TYPE_CHECKING:
    import httpx2

HttpClient: TypeAlias = Union[httpx.AsyncClient, "httpx2.AsyncClient"]
"""A client that may be handed in to send through."""

USER_AGENT = "smsapi-async/0.2"
"""Cloudflare answers 403 `error code: 1010` to the default names of some libraries (v1, seen live in 2026)."""

KEEP_ALIVE = 60.0
"""httpx drops idle connections after 5 s; a slow poller would pay a TLS handshake for every look."""

POOL = 32
CONNECT_SHARE = 1 / 3
"""Of the request's time, for each step before a byte is sent: waiting for the pool, connecting, the TLS handshake. They
end before the whole does, so a network that is down is told from an answer that was lost."""

STEPS = ("connect", "pool", "write", "read")
"""The steps that the library has a timeout for."""

LATE = 1.0
"""Seconds after the request's time when we end what the library did not: see `Deadline`. A loop may be busy as long."""

URLS = 1_000
"""This many URLs are kept parsed: the same orders are asked about again and again."""

MISSING_KEY = {"v1": "pass token= or set SMSAPI_TOKEN", "rent": "pass rent_key= or set SMSAPI_RENT_KEY"}

RESENDING = {"httpx_aiohttp", "httpx_aiohttp_transport"}
"""Modules whose transports are known to send a request again after a dropped connection: aiohttp does so by itself with
a GET, as which both providers sell, and cannot be told not to. The first also names a lost answer `ConnectTimeout`."""

NOT_SENT = ("ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "ProxyError")
"""Raised before a byte of the request was written: resolving, connecting, the TLS handshake, waiting for the pool, a
proxy that makes no tunnel. A hook or a transport of the caller's may raise them later: see `Leaving`."""


@attrs.frozen
class Target:
    """Where one provider is, and the key that opens it."""

    base_url: str
    key: str | None = attrs.field(repr=False)
    key_parameter: str | None = None
    """The query parameter that carries the key, for providers asked so; None is the Authorization header."""


class Deadline(Mapping[str, float]):
    """The library's timeouts of one request, which it asks for at every step: bytes are awaited for what is left.

    So it is the library that ends a request, and not we: only then it knows that a connection of HTTP/2 is dead, and
    does not leave the next request to it.
    """

    def __init__(self, timeout: float) -> None:
        self._connecting = timeout * CONNECT_SHARE
        self._ends_at = anyio.current_time() + timeout

    def __getitem__(self, step: str) -> float:
        left = max(0.0, self._ends_at - anyio.current_time())
        return min(left, self._connecting) if step in ("connect", "pool") else left

    def get(self, step: str, _: object = None) -> float:
        """The same: how the library asks, eight times a request."""
        return self[step]

    def __iter__(self) -> Iterator[str]:
        return iter(STEPS)

    def __len__(self) -> int:
        return len(STEPS)


class Leaving:
    """The trace of a request that spends, as the library reports it: whether it has begun to leave. It leaves once.

    Over HTTP/2 the pool would send it again where the server says that it did not count it in (GOAWAY), a transport of
    the caller's perhaps where it likes; and a hook of that caller may fail to connect when the answer is there.
    """

    def __init__(self, call: str) -> None:
        self._call = call
        self.begun = False

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith(".send_request_headers.started") and info["request"].method != b"CONNECT":
            if self.begun:
                raise OutcomeUnknownError("its answer was lost, and it was about to be sent again", call=self._call)
            self.begun = True


class Http:
    """Sends prebuilt requests through our own client, or one that was handed in and stays the caller's."""

    def __init__(self, targets: Mapping[Provider, Target], timeout: float, client: HttpClient | None) -> None:
        self._targets = targets
        self._timeout = timeout
        self._given = client is not None
        self._client: Any = client  # of httpx or httpx2: alike, but unrelated to a type checker
        self._library: Any = _library_of(client)
        self._parsed = lru_cache(URLS)(self._library.URL)
        self._headers: dict[tuple[Provider, bool], Any] = {}
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
        outcome = await self._outcome(client, call)
        if isinstance(outcome, SmsApiError):
            raise outcome
        return outcome

    async def _outcome(self, client: Any, call: Call[Any]) -> Reply | SmsApiError:
        """The answer, or the error. Raised here, it would keep the request and the answer in its frame."""
        leaving = Leaving(call.name) if call.repeat is Repeat.NEVER else None
        request = self._build(client, call, leaving)
        sent_at, answered = anyio.current_time(), False
        try:
            with anyio.fail_after(self._timeout + LATE):
                response = await client.send(request, auth=None, follow_redirects=False, stream=True)
                answered = True
                headers = _in_lower_case(response.headers)
                try:
                    body = await read_body(response, call, headers.get("content-encoding", "").strip().lower())
                finally:
                    await response.aclose()
        except SmsApiError as error:
            if leaving and not isinstance(error, OutcomeUnknownError):  # of a hook, about another request than this
                return self._caused(OutcomeUnknownError(self._words(error), call=call.name), error)
            error.__context__ = None
            return error.with_traceback(None)
        # Also what no table names, such as an ssl.SSLError (httpcore lets some through on asyncio) or what a hook of
        # the caller's client raises: the request may have arrived.
        except Exception as error:  # noqa: BLE001 - an error of ours is returned for it
            if isinstance(error, self._not_sent) and not answered and not (leaving and leaving.begun):
                what = f"no connection to {self._targets[call.provider].base_url}, {self._words(error)}"
                return self._caused(NotSentError(what, call=call.name), error)
            return self._caused(OutcomeUnknownError(self._words(error), call=call.name), error)
        return Reply(
            status=response.status_code,
            headers=headers,
            body=_without_key(body, self._targets[call.provider].key),
            bounds=call.bounds,
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
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
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

    def _build(self, client: Any, call: Call[Any], leaving: Leaving | None) -> Any:
        target = self._targets[call.provider]
        if call.key and not target.key:
            raise AuthenticationError(f"no key was given, {MISSING_KEY[call.provider]}", call=call.name)
        query = call.query
        if target.key and call.key and target.key_parameter:
            query = (*query, (target.key_parameter, target.key))
        url = f"{target.base_url}/{call.path}"
        extensions: dict[str, Any] = {"timeout": Deadline(self._timeout)}
        if leaving:
            extensions["trace"] = leaving
        if not self._given and call.body is None:
            return self._prebuilt(client, call, self._parsed(url, params=query or None), extensions)
        headers = self._own_headers(client, call)
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        request = client.build_request(
            call.method, url, params=query or None, content=call.body, headers=headers, extensions=extensions
        )
        if "Authorization" not in headers:
            request.headers.pop("Authorization", None)  # a default of the caller's client: a key to somewhere else
        return request

    def _own_headers(self, client: Any, call: Call[Any]) -> dict[str, str]:
        """Our own headers; they win over the defaults of the client."""
        target = self._targets[call.provider]
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip"}
        if client.headers.get("User-Agent", "").startswith("python-httpx"):
            headers["User-Agent"] = USER_AGENT
        if call.key and not target.key_parameter:
            headers["Authorization"] = f"Bearer {target.key}"
        return headers

    def _prebuilt(self, client: Any, call: Call[Any], url: Any, extensions: dict[str, Any]) -> Any:
        """A request of our own client without a body: all but its URL and cookies is the same every time."""
        headers = self._headers.get((call.provider, call.key))
        if headers is None:
            headers = self._library.Headers({"Host": url.netloc.decode("ascii")})
            headers.update(client.headers)
            headers.update(self._own_headers(client, call))
            self._headers[call.provider, call.key] = headers
        nothing = self._library.ByteStream(b"")
        return self._library.Request(call.method, url, headers=headers, stream=nothing, extensions=extensions)

    def _words(self, error: Exception) -> str:
        """The class of an error, and the library's words for it."""
        text = words(error, self._without_keys) if isinstance(error, self._library.RequestError) else ""
        return f"{type(error).__name__}{': ' + text if text else ''}"

    def _caused(self, error: SmsApiError, cause: Exception) -> SmsApiError:
        error.__cause__ = bare(cause, self._without_keys)
        return error

    def _without_keys(self, text: str) -> str:
        for target in self._targets.values():
            text = _without_key(text.encode(errors="replace"), target.key).decode()
        return text


def _in_lower_case(headers: Any) -> dict[str, str]:
    """The headers. The library would look for the encoding of all of them, each time it is asked for one."""
    raw = headers.raw
    found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in raw}
    return found if len(found) == len(raw) else {name.lower(): value for name, value in headers.items()}


def _without_key(text: bytes, key: str | None) -> bytes:
    """The text; a key that is repeated in it would end up in errors."""
    return text.replace(key.encode(), b"***") if key and len(key) >= LEAST_KEY else text


def _library_of(client: object) -> ModuleType:
    """httpx, or its continuation httpx2, whose classes are unrelated and bear the same names."""
    _refuse_resending(client)
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


def _refuse_resending(client: object) -> None:
    """Walk through the client's transports, and those within them."""
    parts = [client]
    for part in parts:
        modules = {kind.__module__.partition(".")[0] for kind in type(part).__mro__}
        if modules & RESENDING:
            raise ValueError(f"http_client: {type(part).__name__} sends lost requests again, which would buy twice")
        inner = getattr(part, "__dict__", {})
        inner = [*inner.values(), *inner.get("_mounts", {}).values()]
        parts += [found for found in inner if hasattr(found, "handle_async_request") and found not in parts]


@cache
def _tls(library: Any) -> ssl.SSLContext:
    """One for the process: making one costs about 30 ms."""
    context: ssl.SSLContext = library.create_ssl_context()
    return context
