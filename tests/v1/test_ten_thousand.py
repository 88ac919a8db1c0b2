"""Ten thousand orders on one client, whatever the list does: the engine whole, below it bytes instead of a network."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import anyio
import pytest
from attrs import define, field

from smsapi_async import AsyncClient
from smsapi_async._call import Call, Reply

pytestmark = pytest.mark.no_cover  # it would take three times as long, for lines that other tests count

ORDERS = 10_000
START = datetime(2026, 1, 1, tzinfo=UTC)
LIST_CAP = 1000


@define
class Sold:
    """An order of the provider's, and its row."""

    id: int
    arrives: float
    finished: bool = False
    rows: dict[tuple[bool, bool, bool], bytes] = field(factory=dict)

    def row(self, now: float, *, blind: bool = False) -> bytes:
        shown = self.arrives <= now, self.finished, blind
        return self.rows.get(shown) or self.rows.setdefault(shown, self._row(*shown))

    def _row(self, came: bool, finished: bool, blind: bool) -> bytes:
        status = "FINISHED" if finished else "RECEIVED"
        sms = f'{{"text":"code {self.id}","code":"{self.id}","created_at":"{_text(self.arrives)}"}}' if came else ""
        messages = "" if blind else f',"sms":[{sms}]'
        return (
            f'{{"id":{self.id},"phone":"+7900{self.id}","product":"telegram","price":0.2,"status":"{status}",'
            f'"expires":"{_text(3600)}","created_at":"{_text(0)}","country":"russia"{messages}}}'
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
        order.finished = order.finished or call.name == "v1.finish"
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


def _text(at: float) -> str:
    return f"{START + timedelta(seconds=at):%FT%T}Z"


@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
@pytest.mark.parametrize(
    ("trouble", "latest"),
    [
        pytest.param({}, 1.3, id="plain"),
        pytest.param({"lag": 5.0}, 6.7, id="lagging"),
        pytest.param({"cap": 15}, 25, id="capped"),
        pytest.param({"blind": True}, 250, id="without messages"),
        pytest.param({"failing": 0.5}, 15, id="failing"),
        pytest.param({"there_and_back": 0.2}, 1.6, id="far"),
    ],
)
async def test_ten_thousand_callers_get_their_own_codes(trouble: dict[str, Any], latest: float) -> None:
    """Within fifty requests a second; and every order is finished in the end."""
    chance = random.Random(1)
    provider = Provider([Sold(number, chance.uniform(5, 25)) for number in range(1, ORDERS + 1)], **trouble)
    late: list[float] = []
    async with AsyncClient("token", v1_url="http://127.0.0.1:9", settle_timeout=600) as client:
        client._sender._http = provider  # type: ignore[assignment]

        async def wait(order: Sold) -> None:
            assert await client.await_code(order.id) == str(order.id)
            late.append(anyio.current_time() - order.arrives)

        async with anyio.create_task_group() as group:
            for order in provider.orders:
                group.start_soon(wait, order)

    *with_others, _, _, _, _ = sorted(late)  # for the last four the list is not asked any more
    assert max(with_others) <= latest
    assert all(order.finished for order in provider.orders)
    assert max(Counter(int(at) for at, _ in provider.sent).values()) <= 51
