"""Thousands of orders on one client, with every fault of the list: the whole engine, on bytes instead of a network."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from math import inf
from typing import Any

import anyio
import pytest
from attrs import define, field

from smsapi_async import AsyncClient, OrderExpiredError
from smsapi_async._sending.call import Call, Reply

pytestmark = [
    pytest.mark.usefixtures("untraced"),
    pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True),
]

START = datetime(2026, 1, 1, tzinfo=UTC)
LIST_CAP = 1000
SETTLING = {"v1.finish": "FINISHED", "v1.cancel": "CANCELED"}


@define
class Sold:
    """An order of the provider's, and its row."""

    id: int
    arrives: float
    expires: float = 3600.0
    status: str = "RECEIVED"
    settled_at: float = inf
    rows: dict[tuple[bool, str, bool], bytes] = field(factory=dict)

    def row(self, now: float, *, blind: bool = False) -> bytes:
        shown = self.arrives <= now, self.status, blind
        return self.rows.get(shown) or self.rows.setdefault(shown, self._row(*shown))

    def settle(self, status: str, now: float) -> None:
        self.status, self.settled_at = status, now

    def _row(self, came: bool, status: str, blind: bool) -> bytes:
        sms = f'{{"text":"code {self.id}","code":"{self.id}","created_at":"{_text(self.arrives)}"}}' if came else ""
        messages = "" if blind else f',"sms":[{sms}]'
        return (
            f'{{"id":{self.id},"phone":"+7900{self.id}","product":"telegram","price":0.2,"status":"{status}",'
            f'"expires":"{_text(self.expires)}","created_at":"{_text(0)}","country":"russia"{messages}}}'
        ).encode()


@define
class Provider:
    """Answers the calls of one client in place of its network."""

    orders: list[Sold]
    lag: float = 0.0
    cap: int = LIST_CAP
    blind: bool = False
    failing: float = 0.0
    there_and_back: float = 0.0
    chance: random.Random = field(factory=lambda: random.Random(1))
    sent: list[tuple[float, str]] = field(factory=list)

    async def exchange(self, call: Call[object]) -> Reply:
        now = anyio.current_time()
        self.sent.append((now, call.name))
        await anyio.sleep(self.there_and_back)
        if call.name == "v1.orders":
            return self._reply(now, 502, b"<html>") if self.chance.random() < self.failing else self._page(call, now)
        order = self.orders[int(call.path.rpartition("/")[2]) - 1]
        if call.name in SETTLING:
            order.settle(SETTLING[call.name], now)
        return self._reply(now, 200, order.row(now))

    async def aclose(self) -> None: ...

    def _page(self, call: Call[object], now: float) -> Reply:
        query = dict(call.query)
        first, count = int(query["offset"]), min(self.cap, int(query["limit"]))
        shown = self.orders[::-1][first : first + count]
        rows = (order.row(now - self.lag, blind=self.blind) for order in shown)
        return self._reply(now, 200, b'{"Data":[' + b",".join(rows) + b"]}")

    def _reply(self, now: float, status: int, body: bytes) -> Reply:
        headers = {"date": format_datetime(START + timedelta(seconds=int(now)), usegmt=True)}
        return Reply(status=status, headers=headers, body=body, sent_at=now, arrived_at=anyio.current_time())


@cache
def _text(at: float) -> str:
    return f"{START + timedelta(seconds=at):%FT%T}Z"


@asynccontextmanager
async def opened(provider: Provider) -> AsyncIterator[AsyncClient]:
    """A client without a network. The finishes after thousands of codes take minutes, at 50 requests a second."""
    async with AsyncClient("token", v1_url="http://127.0.0.1:9", settle_timeout=600) as client:
        client._sender._http = provider  # type: ignore[assignment]
        yield client


async def late(client: AsyncClient, orders: Iterable[Sold]) -> list[float]:
    """Wait for all; how late each caller had its code, the latest last."""
    found: list[float] = []

    async def wait(order: Sold) -> None:
        assert await client.await_code(order.id) == str(order.id)
        found.append(anyio.current_time() - order.arrives)

    async with anyio.create_task_group() as group:
        for order in orders:
            group.start_soon(wait, order)
    return sorted(found)


@pytest.mark.parametrize(
    ("trouble", "latest"),
    [
        pytest.param({}, 2.2, id="plain"),
        pytest.param({"lag": 5.0}, 8.5, id="lagging"),
        pytest.param({"cap": 15}, 40, id="capped"),
        pytest.param({"blind": True}, 460, id="without messages"),
        pytest.param({"failing": 0.5}, 20, id="failing"),
        pytest.param({"there_and_back": 0.2}, 2.4, id="far"),
    ],
)
async def test_ten_thousand_callers_get_their_own_codes(trouble: dict[str, Any], latest: float) -> None:
    """Within fifty requests a second, of which finishes take their part; and every order is finished in the end."""
    chance = random.Random(1)
    provider = Provider([Sold(number, chance.uniform(5, 25)) for number in range(1, 10_001)], **trouble)

    async with opened(provider) as client:
        *with_others, _, _, _, _ = await late(client, provider.orders)  # the last four are waited for without the list

    assert max(with_others) <= latest
    assert {order.status for order in provider.orders} == {"FINISHED"}
    assert max(Counter(int(at) for at, _ in provider.sent).values()) <= 51


async def test_a_burst_of_five_thousand_codes_reaches_its_callers_at_once() -> None:
    """At the pace of the list, not of the finishes: these leave at fifty a second."""
    chance = random.Random(1)
    provider = Provider([Sold(number, chance.uniform(8, 9)) for number in range(1, 5001)])

    async with opened(provider) as client:
        *with_others, _, _, _, _ = await late(client, provider.orders)

    assert max(with_others) <= 1.3
    assert {order.status for order in provider.orders} == {"FINISHED"}


async def test_among_thousands_each_order_without_a_code_is_cancelled_in_time() -> None:
    """Ten seconds before its end it still refunds; the neighbours' looks take all the requests there are."""
    chance = random.Random(1)
    silent = [Sold(1 + nth, inf, expires=40.0 + nth) for nth in range(50)]
    neighbours = [Sold(number, chance.uniform(100, 110)) for number in range(51, 2051)]
    provider = Provider([*silent, *neighbours], blind=True)

    async def expire(client: AsyncClient, order: Sold) -> None:
        with pytest.raises(OrderExpiredError):
            await client.await_code(order.id)

    async with opened(provider) as client, anyio.create_task_group() as group:
        for order in silent:
            group.start_soon(expire, client, order)
        await late(client, neighbours)

    assert {order.status for order in silent} == {"CANCELED"}
    assert [order for order in silent if not order.expires - 11 <= order.settled_at <= order.expires - 3] == []
