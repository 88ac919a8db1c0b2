"""The in-process transport for httpx2, the same as for httpx: the sandbox in place of a connection pool.
It raises only errors that real sockets raised in tests/sandbox/test_proxy.py."""

from collections.abc import AsyncIterator

import httpx2  # noqa: TID253  imported by `Sandbox.transport2()` alone

from ._exchange import BrokenError, Passage, Provider, serve


class Transport2(httpx2.AsyncBaseTransport):
    """Serves `sandbox.test`; every other host cannot be reached."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self.smsapi_world = provider  # clients distinguish two sandboxes with the same URL and keys by it

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request, or fail as the network would."""
        try:
            passage = await serve(self._provider, request)
        except BrokenError as broken:
            raise _error(broken, request) from None
        return httpx2.Response(
            passage.response.status,
            headers=list(passage.response.headers.items()),
            stream=_Body(passage, request),
            extensions={"http_version": b"HTTP/1.1"},
        )


class _Body(httpx2.AsyncByteStream):
    """The body as it arrives; a cut one raises behind its last byte."""

    def __init__(self, passage: Passage, request: httpx2.Request) -> None:
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


def _error(broken: BrokenError, request: httpx2.Request) -> httpx2.RequestError:
    kind: type[httpx2.RequestError] = getattr(httpx2, broken.kind)
    return kind(broken.message, request=request)
