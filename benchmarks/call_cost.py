"""What CPU does a typed call cost beside a raw `AsyncClient.get()` of the same HTTP library? Bar: not more.

The typed call is paced, has a key, and is read into an `Order`; the raw one is only the answer's bytes. Both go to a
bare provider in a process of its own. They alternate in one run, one at a time and ten at a time. The floor is an
`asyncio.Protocol` that writes one prepared request again and again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks._measure import TOKEN, Asked, bar, beside, middle, peer, provider
from smsapi_async import AsyncClient, Pace

ROUNDS = 12
CALLS = 100
AT_ONCE = (1, 10)
BAR = 1.0
LIBRARIES = ("httpx", "httpx2")
Call = Callable[[], Awaitable[object]]


class Floor(asyncio.Protocol):
    """One request after the other on one connection."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.answered: asyncio.Future[bytes] | None = None
        self.got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.got += data
        head, _, body = self.got.partition(b"\r\n\r\n")
        if len(body) >= int(head.rpartition(b"content-length: ")[2]) and self.answered is not None:
            self.got = b""
            self.answered.set_result(body)

    async def ask(self, request: bytes) -> bytes:
        self.answered = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self.answered


async def microseconds(calls: list[Call]) -> float:
    """CPU of one call, each of the callers making them one after the other."""

    async def caller(call: Call) -> None:
        for _ in range(CALLS // len(calls)):
            await call()

    begun = time.process_time()
    async with asyncio.TaskGroup() as group:
        for call in calls:
            group.create_task(caller(call))
    return (time.process_time() - begun) / CALLS * 1e6


async def floor(asked: Asked) -> Call:
    _, protocol = await asyncio.get_running_loop().create_connection(Floor, "127.0.0.1", asked.port)
    request = f"GET /v1/user/check/7 HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {TOKEN}\r\n\r\n".encode()
    return lambda: protocol.ask(request)


async def compare(asked: Asked, name: str, at_once: int) -> None:
    library = peer(name)
    url = f"{asked.url}/user/check/7"
    headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json"}
    pool = library.Limits(max_connections=32, max_keepalive_connections=32, keepalive_expiry=60)
    async with (
        library.AsyncClient(headers=headers) as raw,
        library.AsyncClient(limits=pool, timeout=30) as inner,
        AsyncClient(TOKEN, v1_url=asked.url, pace=Pace(v1_per_second=1e6), http_client=inner) as client,
    ):
        ways: dict[str, list[Call]] = {
            "floor": [await floor(asked) for _ in range(at_once)],
            "raw": [lambda: raw.get(url)] * at_once,
            "typed": [lambda: client.v1.check(7)] * at_once,
        }
        costs: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(ROUNDS + 1):
            for way, calls in ways.items():
                costs[way].append(await microseconds(calls))
    cost = {way: middle(each[1:]) for way, each in costs.items()}
    ratio = middle([typed / raw for typed, raw in zip(costs["typed"][1:], costs["raw"][1:], strict=True)])
    bar("P1", f"CPU of a typed call / raw get, {name}, {at_once} at a time", ratio, BAR)
    told = ", ".join(f"{way} {each:.0f} µs ({each / cost['floor']:.1f} x floor)" for way, each in cost.items())
    beside(f"CPU of a call, {name}, {at_once} at a time", told)


def main() -> None:
    with provider() as asked:
        for name in LIBRARIES:
            for at_once in AT_ONCE:
                asyncio.run(compare(asked, name, at_once))


if __name__ == "__main__":
    main()
