"""Do memory and tasks stay flat while one client buys and awaits 100,000 orders, and sockets over real HTTP?

The first run is on virtual time. At the default pace it lasts nearly two hours there, longer than any record that the
client keeps for an hour. Nine orders of ten get their code, the tenth is cancelled. The second run awaits orders over
loopback, as fast as possible. Both providers are bare: they remember only the open orders.

    python -m benchmarks.soak [ORDERS]
"""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from itertools import count
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import attrs
import httpx

from smsapi_async import AsyncClient, NoCodeError, Pace
from smsapi_async.testing import VirtualLoop

ORDERS = 100_000
MARKS = 10
BOTS = 200
OVER_SOCKETS = 10  # one order in ten
TOKEN = "a-token-that-opens-nothing"  # noqa: S105
PAGE = 4096
START = datetime(2026, 1, 1, tzinfo=UTC)


@attrs.define
class Provider:
    """Sells orders that get their code after 5 s, except every tenth."""

    seconds: Callable[[], float]
    delay: float = 5.0
    ids: count[int] = attrs.field(factory=lambda: count(1))
    open: dict[int, float] = attrs.field(factory=dict)

    def answer(self, target: str) -> tuple[str, str]:
        """The Date and the body."""
        url = urlsplit(target)
        _, _, act, *rest = url.path.split("/")[1:]
        if act == "orders":
            query = dict(parse_qsl(url.query))
            first, most = int(query["offset"]), int(query["limit"])
            newest = sorted(self.open, reverse=True)[first : first + most]
            body = f'{{"Data":[{",".join(self.order(order_id, act) for order_id in newest)}]}}'
        else:
            body = self.order(next(self.ids) if act == "buy" else int(rest[-1]), act)
        return format_datetime(START + timedelta(seconds=self.seconds()), usegmt=True), body

    def order(self, order_id: int, act: str) -> str:
        now = START + timedelta(seconds=self.seconds())
        bought_at = self.open.setdefault(order_id, self.seconds())
        has_code = act != "cancel" and order_id % 10 and self.seconds() - bought_at >= self.delay
        if act in ("finish", "cancel"):
            del self.open[order_id]
        status = {"finish": "FINISHED", "cancel": "CANCELED"}.get(act, "RECEIVED")
        created = START + timedelta(seconds=bought_at)
        sms = (
            f'[{{"text":"code {order_id:06}","code":"{order_id:06}","created_at":"{now:%FT%T}Z"}}]'
            if has_code
            else "[]"
        )
        return (
            f'{{"id":{order_id},"phone":"+79{order_id:09}","product":"telegram","price":0.2,"status":"{status}",'
            f'"created_at":"{created:%FT%T}Z","expires":"{created + timedelta(minutes=15):%FT%T}Z","sms":{sms}}}'
        )


class InProcess(httpx.AsyncBaseTransport):
    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        date, body = self._provider.answer(request.url.raw_path.decode())
        await asyncio.sleep(0)
        return httpx.Response(200, headers={"date": date}, content=body)


async def serve() -> None:
    """The provider behind a socket; prints its port, and in the end how many connections there were."""
    provider, connections = Provider(asyncio.get_running_loop().time, delay=0.0), count()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        next(connections)
        while head := await reader.readuntil(b"\r\n\r\n"):
            date, body = provider.answer(head.split(b" ", 2)[1].decode())
            status = f"HTTP/1.1 {HTTPStatus.OK.value} OK\r\ndate: {date}\r\ncontent-length: {len(body)}\r\n\r\n"
            writer.write(f"{status}{body}".encode())

    async def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(quietly, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(next(connections), flush=True)


@attrs.define
class Marks:
    """A measurement after every N orders."""

    every: int
    done: int = 0
    rows: list[tuple[int, float, int, int]] = attrs.field(factory=list)

    def order_done(self) -> None:
        self.done += 1
        if self.done % self.every == 0:
            gc.collect()
            memory = int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 1e6
            self.rows.append((self.done, memory, len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd"))))
            print("{:>9,} orders {:>7.1f} MB {:>4} tasks {:>4} files".format(*self.rows[-1]), flush=True)


async def bots(client: AsyncClient, orders: int, marks: Marks, live: Callable[[AsyncClient], Awaitable[None]]) -> None:
    left = iter(range(orders))

    async def bot() -> None:
        for _ in left:
            await live(client)
            marks.order_done()

    async with asyncio.TaskGroup() as group:
        for _ in range(BOTS):
            group.create_task(bot())


async def one_order(client: AsyncClient) -> None:
    """The scope of the README."""
    async with client.activation("telegram", country="russia") as order:
        try:
            await order.code(timeout=20)
        except NoCodeError:
            return


async def on_virtual_time(orders: int) -> Marks:
    marks = Marks(orders // MARKS)
    transport = InProcess(Provider(asyncio.get_running_loop().time))
    async with (
        httpx.AsyncClient(transport=transport) as http,
        AsyncClient(TOKEN, v1_url="http://provider.test/v1", http_client=http) as client,
    ):
        await bots(client, orders, marks, one_order)
    return marks


async def over_sockets(orders: int, port: str) -> Marks:
    marks, ids = Marks(orders // MARKS), count(1)

    async def code_of_an_order(client: AsyncClient) -> None:
        order_id = next(ids)
        try:
            await client.await_code(order_id, timeout=0)
        except NoCodeError:
            return

    url = f"http://127.0.0.1:{port}/v1"
    async with AsyncClient(TOKEN, v1_url=url, pace=Pace(v1_per_second=1e5)) as client:
        await bots(client, orders, marks, code_of_an_order)
    return marks


def main() -> None:
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else ORDERS
    print(f"{orders:,} orders on virtual time")
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        memory = [row[1] for row in runner.run(on_virtual_time(orders)).rows]
    late = memory[MARKS * 6 // 10 :]  # from here on as much is forgotten as is remembered
    print(f"memory of the last {len(late)} marks: {late[0]:.1f} -> {late[-1]:.1f} MB ({late[-1] / late[0] - 1:+.1%})")

    print(f"{orders // OVER_SOCKETS:,} orders over sockets")
    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.soak", "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout
    marks = asyncio.run(over_sockets(orders // OVER_SOCKETS, server.stdout.readline().strip()))
    connections = server.communicate()[0].strip()
    print(
        f"files at the first and last mark: {marks.rows[0][3]}, {marks.rows[-1][3]}; {connections} connections in all"
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        asyncio.run(serve())
    else:
        main()
