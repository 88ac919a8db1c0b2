"""The sandbox as an ASGI 3 application, for a real server on localhost.

It refuses the requests of strangers before they reach the world, and records nothing of them. It carries out the faults
of bytes and time. An application cannot break a connection: that fault becomes the 502 of a gateway. `Proxy` breaks
real connections."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ._exchange import BrokenError, Passage, Provider, exchange
from ._faults import BAD_GATEWAY
from ._message import Request, Response
from ._strangers import MAX_BODY, TOO_LARGE, refusal

Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
Asgi = Callable[[Event, Receive, Send], Awaitable[None]]


class App:
    """HTTP and lifespan; everything else is refused."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    async def __call__(self, scope: Event, receive: Receive, send: Send) -> None:
        """Serve the events of one connection.

        Raises:
            RuntimeError: the scope is neither `http` nor `lifespan`.
        """
        if scope["type"] == "lifespan":
            self._provider.now()  # the world's clock starts with the server, not with its first request
            await _live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:
            raise RuntimeError(f"the sandbox speaks http, not {scope['type']}")

    async def _serve(self, scope: Event, receive: Receive, send: Send) -> None:
        headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        stranger = refusal(headers)
        body = b"" if stranger else await _read(receive)
        if stranger or body is None:
            passage = self._passage(stranger or TOO_LARGE)
        else:
            passage = await self._answer(_request(scope, dict(headers), body))
        await _reply(passage, send)

    async def _answer(self, request: Request) -> Passage:
        try:
            return await exchange(self._provider, request)
        except BrokenError:
            return self._passage(BAD_GATEWAY.response())

    def _passage(self, response: Response) -> Passage:
        return Passage(self._provider.dated(response, self._provider.now()))


async def _read(receive: Receive) -> bytes | None:
    """Return the body of a request; None if it is too large to be read."""
    body, more = b"", True
    while more:
        event = await receive()
        body += event.get("body", b"")
        if len(body) > MAX_BODY:
            return None
        more = event.get("more_body", False)
    return body


def _request(scope: Event, headers: dict[str, str], body: bytes) -> Request:
    query = scope["query_string"].decode("latin-1")
    path = scope["raw_path"].decode("latin-1")
    return Request(scope["method"], f"{path}?{query}" if query else path, headers, body)


async def _reply(passage: Passage, send: Send) -> None:
    headers = [(name.encode("latin-1"), text.encode("latin-1")) for name, text in passage.response.headers.items()]
    await send({"type": "http.response.start", "status": passage.response.status, "headers": headers})
    chunks = passage.chunks or [b""]
    for left, chunk in zip(reversed(range(len(chunks))), chunks, strict=True):
        await send({"type": "http.response.body", "body": chunk, "more_body": left > 0 or passage.sent is not None})
        if left:
            await passage.next_chunk()


async def _live(receive: Receive, send: Send) -> None:
    while (await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
