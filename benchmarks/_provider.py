"""A bare provider in a process of its own. Its answers are rendered in advance, so that the client is the only cost.
It has a number of open orders, sells none, and lets codes arrive on request.

    python -m benchmarks._provider '{"orders": 1000, "round_trip": 0.2, "page_cap": 1000}'

prints its port and serves until its standard input ends.
"""

from __future__ import annotations

import asyncio
import bisect
import json
import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs

AGE = 60.0
LIFE = 3600.0
ROW = (
    '{"id":%d,"phone":"+7900%07d","operator":"beeline","product":"telegram","price":0.2,"status":"RECEIVED",'
    '"expires":"%s","sms":[%s],"created_at":"%s","forwarding":false,"forwarding_number":"","country":"russia"}'
)
SMS = '{"created_at":"%s","date":"%s","sender":"Telegram","text":"Telegram code %s","code":"%s"}'
HEAD = b"HTTP/1.1 200 OK\r\ndate: %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


def stamp(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%FT%T.%f}Z"


@attrs.define
class Provider:
    """The orders, newest first, and the requests.

    Attributes:
        round_trip: seconds an answer takes; it shows the state at half of them.
        page_cap: the most rows of a page, for any `limit`.
    """

    orders: int = 1000
    round_trip: float = 0.0
    page_cap: int = 1000
    rows: list[bytes] = attrs.field(factory=list)
    plan: list[tuple[float, int]] = attrs.field(factory=list)
    arrivals: dict[int, float] = attrs.field(factory=dict)
    shown: set[int] = attrs.field(factory=set)
    asked_at: list[float] = attrs.field(factory=list)
    counts: dict[str, int] = attrs.field(factory=dict)
    connections: int = 0
    date: bytes = b""
    dated_at: float = 0.0

    def __attrs_post_init__(self) -> None:
        now = time.time()
        for order_id in range(self.orders, 0, -1):
            self.rows.append(self.row(order_id, now - AGE + order_id / self.orders, ""))

    def row(self, order_id: int, created: float, sms: str) -> bytes:
        return (ROW % (order_id, order_id, stamp(created + LIFE), sms, stamp(created))).encode()

    def answer(self, target: str) -> bytes:
        """Head and body."""
        now = time.time()
        url = urlsplit(target)
        _, house, *path = url.path.split("/")
        query = dict(parse_qsl(url.query))
        if house == "control":
            body = json.dumps(getattr(self, path[0])(**query)).encode()
        else:
            self.asked_at.append(now)
            self.counts[path[1] if house == "v1" else path[0]] = (
                self.counts.get(path[1] if house == "v1" else path[0], 0) + 1
            )
            self.advance(now)
            body = self.v1(path[1:], query) if house == "v1" else self.onlinesim(path[0], query)
        if now - self.dated_at > 1.0:
            self.date, self.dated_at = formatdate(now, usegmt=True).encode(), now
        return HEAD % (self.date, len(body)) + body

    def advance(self, now: float) -> None:
        """Let the codes arrive that are due."""
        while self.plan and self.plan[-1][0] <= now:
            at, order_id = self.plan.pop()
            code = f"{order_id:06}"
            sms = SMS % (stamp(at), stamp(at)[:19] + "Z", code, code)
            self.rows[self.orders - order_id] = self.row(order_id, at - AGE, sms)
            self.arrivals[order_id] = at

    def v1(self, path: list[str], query: dict[str, str]) -> bytes:
        if path[0] == "orders":
            offset = int(query["offset"])
            until = min(self.orders, offset + min(int(query["limit"]), self.page_cap))
            self.shown.update(range(self.orders - offset, self.orders - until, -1))
            return b'{"Data":[%s],"ProductNames":[],"Statuses":[],"Total":999999}' % b",".join(self.rows[offset:until])
        place = self.orders - int(path[1])
        self.shown.add(int(path[1]))
        if path[0] == "finish":
            self.rows[place] = self.rows[place].replace(b"RECEIVED", b"FINISHED")
        return self.rows[place]

    def onlinesim(self, name: str, query: dict[str, str]) -> bytes:
        """The provider's other API, for the client that speaks no v1."""
        if name == "setOperationOk.php":
            return b'{"response":"1"}'
        tzid = int(query["tzid"])
        message = f'"{tzid:06}"' if tzid in self.arrivals else "false"
        return b'[{"tzid":%d,"response":"TZ_NUM_WAIT","msg":%s}]' % (tzid, message.encode())

    # -- what the benchmark asks ------------------------------------------------------------------------------------

    def begin(self, codes: str, seconds: str, after: str = "0") -> int:
        """Let `codes` codes arrive, at random, in the next seconds."""
        draw = random.Random(int(codes))  # noqa: S311 - the same draw in each run
        begun = time.time() + float(after)
        chosen = draw.sample(range(1, self.orders + 1), int(codes))
        self.plan = sorted(((begun + draw.uniform(0, float(seconds)), order_id) for order_id in chosen), reverse=True)
        return len(self.plan)

    def reset(self) -> None:
        self.asked_at.clear()
        self.counts.clear()
        self.connections = 0

    def arrived(self) -> dict[int, float]:
        """Return when each code came, by this machine's clock."""
        self.advance(time.time())
        return self.arrivals

    def stats(self) -> dict[str, Any]:
        """Count the requests since the last reset. `busiest`: the most requests within one second."""
        ends = [bisect.bisect_left(self.asked_at, at + 1.0) for at in self.asked_at]
        return {
            "requests": len(self.asked_at),
            "seconds": self.asked_at[-1] - self.asked_at[0] if self.asked_at else 0.0,
            "busiest": max((end - place for place, end in enumerate(ends)), default=0),
            "connections": self.connections,
            "shown": len(self.shown),
            "counts": self.counts,
        }


class Talk(asyncio.Protocol):
    """One connection; requests without bodies, one after the other."""

    def __init__(self, provider: Provider, later: Callable[..., Any]) -> None:
        self.provider = provider
        self.later = later
        self.transport: Any = None
        self.left = b""
        self.counted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        *heads, self.left = (self.left + data).split(b"\r\n\r\n")
        for head in heads:
            target = head.split(b" ", 2)[1].decode()
            if target.startswith("/control/"):
                self.transport.write(self.provider.answer(target))
                continue
            self.provider.connections += not self.counted
            self.counted = True
            if self.provider.round_trip:
                self.later(self.provider.round_trip / 2, self.reach, target)
            else:
                self.transport.write(self.provider.answer(target))

    def reach(self, target: str) -> None:
        self.later(self.provider.round_trip / 2, self.transport.write, self.provider.answer(target))


async def serve(provider: Provider) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Talk(provider, loop.call_later), "127.0.0.1", 0, backlog=5000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(Provider(**json.loads(sys.argv[1]))))
