"""The sandbox as an ASGI 3 application, for a real server on localhost.

Faults of bytes and time are acted out here. A broken connection is not an application's to break: it becomes the 502 of
a gateway; `Proxy` breaks real ones."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ._exchange import BrokenError, Passage, Provider, exchange
from ._faults import BAD_GATEWAY
from ._message import Request

Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
Asgi = Callable[[Event, Receive, Send], Awaitable[None]]


class App:
    """HTTP and lifespan; everything else is refused."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    async def __call__(self, scope: Event, receive: Receive, send: Send) -> None:
        """One connection's worth of events.

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
        request = await _read(scope, receive)
        try:
            passage = await exchange(self._provider, request)
        except BrokenError:
            passage = Passage(self._provider.dated(BAD_GATEWAY.response(), self._provider.now()))
        headers = [(name.encode("latin-1"), text.encode("latin-1")) for name, text in passage.response.headers.items()]
        await send({"type": "http.response.start", "status": passage.response.status, "headers": headers})
        chunks = passage.chunks or [b""]
        for left, chunk in zip(reversed(range(len(chunks))), chunks, strict=True):
            await send({"type": "http.response.body", "body": chunk, "more_body": left > 0 or passage.sent is not None})
            if left:
                await passage.next_chunk()


async def _read(scope: Event, receive: Receive) -> Request:
    body, more = b"", True
    while more:
        event = await receive()
        body += event.get("body", b"")
        more = event.get("more_body", False)
    query = scope["query_string"].decode("latin-1")
    path = scope["raw_path"].decode("latin-1")
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return Request(scope["method"], f"{path}?{query}" if query else path, headers, body)


async def _live(receive: Receive, send: Send) -> None:
    while (await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
