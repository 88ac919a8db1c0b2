"""A provider that answers every request the same way, and a client of it on either HTTP library."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs

from smsapi_async import AsyncClient

TOKEN = "eyJhbGciOiJSUzUxMiJ9.cGF5bG9hZA.c2lnbmF0dXJl"
RENT_KEY = "0123456789abcdef0123456789abcdef"
PROFILE = b'{"id":1,"email":"a@b.c","balance":5}'


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
