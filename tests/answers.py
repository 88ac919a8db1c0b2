"""A provider that gives the answers of a test, byte for byte. Its records of purchases are empty."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import httpx

from smsapi_async import AsyncClient, Pace

SAMPLES = Path(__file__).parent / "samples"
TOKEN = "eyJhbGciOiJSUzUxMiJ9.cGF5bG9hZA.c2lnbmF0dXJl"
RENT_KEY = "0123456789abcdef0123456789abcdef"

RECORDS = {
    "/v1/user/orders": '{"Data":[],"Total":0}',
    "/v1/user/payments": '{"Data":[],"Total":0}',
    "/api/rent/getRentState.php": '{"response":1,"list":[]}',
}
"""The answers that a lost purchase is looked up in: nothing was bought."""


@attrs.frozen
class Answer:
    """One answer: text is sent as UTF-8, anything else but bytes as JSON."""

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = attrs.field(factory=dict)

    def response(self) -> httpx.Response:
        if isinstance(self.body, (bytes, str)):
            return httpx.Response(self.status, content=self.body, headers=self.headers)
        return httpx.Response(self.status, json=self.body, headers=self.headers)


@attrs.define
class Provider:
    """Gives the same answer to every request, except to look-ups in the records; keeps what it was asked."""

    answer: Answer
    asked: list[httpx.Request] = attrs.field(factory=list)
    records: bool = False

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        record = RECORDS.get(request.url.path) if self.records else None
        return self.answer.response() if record is None else httpx.Response(200, content=record)

    @property
    def lines(self) -> list[str]:
        return [f"{request.method} {request.url.raw_path.decode()}" for request in self.asked]


@asynccontextmanager
async def answering(
    body: Any = b"", status: int = 200, *, records: bool = False, **headers: str
) -> AsyncIterator[tuple[AsyncClient, Provider]]:
    """A client whose every request is answered so. It repeats nothing and waits for no slot."""
    provider = Provider(Answer(body, status, headers), records=records)
    async with (
        httpx.AsyncClient(transport=httpx.MockTransport(provider.handle)) as http,
        AsyncClient(
            TOKEN,
            rent_key=RENT_KEY,
            v1_url="http://provider.test/v1",
            rent_url="http://provider.test/api",
            max_retries=0,
            pace=Pace(v1_per_second=1e6, rent_per_second=1e6),
            http_client=http,
        ) as client,
    ):
        yield client, provider


def sample(name: str) -> str:
    """The text of a sample, such as `v1/seed_ban.json`."""
    return (SAMPLES / name).read_text(encoding="utf-8")


def parsed(name: str) -> Any:
    """The sample as JSON, its fractions exact."""
    return json.loads(sample(name), parse_float=Decimal)


def sample_names(house: str) -> set[str]:
    """Every sample of one house, the index aside."""
    return {f"{house}/{path.name}" for path in (SAMPLES / house).iterdir() if path.name != "INDEX.md"}


def written(raw: dict[str, Any], name: str = "", value: str = "") -> str:
    """The object as JSON, in which one field has another value, written out."""
    fields = {key: json.dumps(inner, default=float) for key, inner in raw.items()}
    return (
        "{" + ",".join(f'"{key}":{text}' for key, text in {**fields, **({name: value} if name else {})}.items()) + "}"
    )
