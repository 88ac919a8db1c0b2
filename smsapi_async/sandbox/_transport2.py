"""The in-process transport for httpx2, the same as for httpx: the sandbox behind the face of a connection pool.
Raises only what a real socket was seen to raise (tests/sandbox/test_proxy.py)."""

from collections.abc import AsyncIterator

import httpx2  # noqa: TID253  imported by `Sandbox.transport2()` alone

from ._exchange import BrokenError, Passage, Provider, exchange
from ._message import Request

HOSTS = frozenset({"sandbox.test"})


class Transport2(httpx2.AsyncBaseTransport):
    """Serves `sandbox.test`; every other host cannot be reached."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request, or fail as the network would."""
        await request.aread()
        try:
            passage = await exchange(
                self._provider,
                Request(
                    request.method,
                    request.url.raw_path.decode("ascii"),
                    {name.lower(): value for name, value in request.headers.items()},
                    request.content,
                ),
                _read_timeout(request),
            )
        except BrokenError as broken:
            raise _error(broken, request) from None
        headers, status = list(passage.response.headers.items()), passage.response.status
        extensions = {"http_version": b"HTTP/1.1"}
        return httpx2.Response(status, headers=headers, stream=_Body(passage, request), extensions=extensions)


class _Body(httpx2.AsyncByteStream):
    """The body as it arrives; a cut one raises behind its last byte."""

    def __init__(self, passage: Passage, request: httpx2.Request) -> None:
        self._passage = passage
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._passage.response.body[: self._passage.sent]
        if self._passage.sent is not None:
            raise _error(self._passage.broken, self._request)


def _read_timeout(request: httpx2.Request) -> float | None:
    """Also refuses the hosts that do not exist here."""
    if request.url.host not in HOSTS:
        raise BrokenError("ConnectError", "[Errno -2] Name or service not known")
    timeout: float | None = request.extensions.get("timeout", {}).get("read")
    return timeout


def _error(broken: BrokenError, request: httpx2.Request) -> httpx2.RequestError:
    kind: type[httpx2.RequestError] = getattr(httpx2, broken.kind)
    return kind(broken.message, request=request)
