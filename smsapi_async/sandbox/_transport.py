"""The in-process transport for httpx: the sandbox in place of a connection pool.
It raises only errors that real sockets raised in tests/sandbox/test_proxy.py."""

from collections.abc import AsyncIterator

import httpx

from ._exchange import BrokenError, Passage, Provider, serve


class Transport(httpx.AsyncBaseTransport):
    """Serves `sandbox.test`; every other host cannot be reached."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self.smsapi_world = provider  # clients distinguish two sandboxes with the same URL and keys by it

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request, or fail as the network would."""
        try:
            passage = await serve(self._provider, request)
        except BrokenError as broken:
            raise _error(broken, request) from None
        return httpx.Response(
            passage.response.status,
            headers=list(passage.response.headers.items()),
            stream=_Body(passage, request),
            extensions={"http_version": b"HTTP/1.1"},
        )


class _Body(httpx.AsyncByteStream):
    """The body as it arrives; a cut one raises after its last byte."""

    def __init__(self, passage: Passage, request: httpx.Request) -> None:
        self._passage = passage
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for number, chunk in enumerate(self._passage.chunks):
            if number > 0:
                await self._next_chunk()
            yield chunk
        if self._passage.sent is not None:
            raise _error(self._passage.broken, self._request)

    async def _next_chunk(self) -> None:
        try:
            await self._passage.next_chunk()
        except BrokenError as broken:
            raise _error(broken, self._request) from None


def _error(broken: BrokenError, request: httpx.Request) -> httpx.RequestError:
    kind: type[httpx.RequestError] = getattr(httpx, broken.kind)
    return kind(broken.message, request=request)
