"""A transport that keeps the last answer as it came, for a look at what the client has read."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import httpx


class Recorder(httpx.AsyncBaseTransport):
    """Around another transport."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.last: httpx.Response | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it, and read the answer to its end."""
        self.last = None
        answer = await self._inner.handle_async_request(request)
        assert isinstance(answer.stream, httpx.AsyncByteStream)
        body = b"".join([chunk async for chunk in answer.stream])
        await answer.stream.aclose()
        self.last = httpx.Response(answer.status_code, headers=answer.headers, content=body)
        return httpx.Response(
            answer.status_code, headers=answer.headers, stream=httpx.ByteStream(body), extensions=answer.extensions
        )

    async def aclose(self) -> None:
        """Close the other transport."""
        await self._inner.aclose()


def json_of(answer: httpx.Response) -> Any:
    """The body, every number with a point a Decimal; ValueError if it is no JSON."""
    return json.loads(answer.content, parse_float=Decimal, parse_constant=_no_json)


def _no_json(word: str) -> None:
    raise ValueError(f"{word} is no JSON")
