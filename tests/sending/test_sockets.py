"""One call makes one purchase, over real sockets before a real server; and where a purchase exists it is returned."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import attrs
import httpx
import httpx2
import pytest

from smsapi_async import AsyncClient, NothingBoughtError, OutcomeUnknownError, Pace
from smsapi_async.sandbox import (
    BAD_GATEWAY,
    INTERNAL_ERROR,
    INTERNAL_ERROR_AFTER,
    MAINTENANCE,
    Answer,
    Cut,
    Delay,
    Fault,
    LostAfter,
    LostBefore,
    Mangle,
    Proxy,
    Reset,
    Sandbox,
    Stall,
)
from smsapi_async.sandbox._proxy import ProxyFault
from tests.serving import Host

pytestmark = [pytest.mark.socket, pytest.mark.anyio]

TIMEOUT = 0.3
TLS = ssl.create_default_context()
"""Never used, and made once: each client of a library would make its own, which takes longer than a test."""


def processed(answer: Answer) -> Answer:
    return attrs.evolve(answer, processed=True)


MADE = [Delay(2 * TIMEOUT), INTERNAL_ERROR_AFTER, processed(BAD_GATEWAY), processed(MAINTENANCE), Mangle("bad gzip")]
NOT_MADE = [INTERNAL_ERROR, BAD_GATEWAY, MAINTENANCE]
"""The tests of broken connections are in tests/transports."""


@pytest.fixture
def sandbox(host: tuple[Host, int]) -> Sandbox:
    """A fresh world behind the same port."""
    host[0].sandbox = Sandbox()
    return host[0].sandbox


@pytest.fixture
def library(anyio_backend_name: str) -> Any:
    """One for each loop; `tests/transports` has the other two pairs."""
    return {"asyncio": httpx, "trio": httpx2}[anyio_backend_name]


@pytest.fixture(autouse=True)
def looks_in_hundredths_of_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real time: the ten seconds of looking are proven on virtual time, in tests/v1 and tests/rent."""
    monkeypatch.setattr("smsapi_async._sending.lost_purchases.LOOKS", (0.01, 0.01, 0.01))
    monkeypatch.setattr("smsapi_async.rent._purchases.LOOKS", (0.01, 0.01, 0.01))


@attrs.define
class Line:
    """A client on a line that breaks, and the paths of what it sent."""

    client: AsyncClient
    proxy: Proxy
    sandbox: Sandbox
    sent: list[str] = attrs.field(factory=list)

    def breaks(self, match: str, fault: Fault) -> None:
        """The next request that spends meets the fault, in the connection or behind it."""
        if isinstance(fault, ProxyFault):
            self.proxy.fail(fault)
        else:
            self.sandbox.fail(match, fault)

    def count(self, part: str) -> int:
        return sum(part in path for path in self.sent)

    async def ledger(self) -> Any:
        """Read outside the loop: the world has the clock of its server's thread."""
        return await anyio.to_thread.run_sync(lambda: self.sandbox.ledger)


@asynccontextmanager
async def line(sandbox: Sandbox, port: int, library: Any, fault: Fault | None = None) -> AsyncIterator[Line]:
    """It waits no longer than it must for what never comes."""
    sent: list[str] = []

    async def note(request: Any) -> None:
        sent.append(request.url.path)

    async with (
        Proxy(port) as proxy,
        library.AsyncClient(verify=TLS, trust_env=False, event_hooks={"request": [note]}) as http,
        AsyncClient(
            sandbox.token,
            rent_key=sandbox.rent_key,
            v1_url=f"http://127.0.0.1:{proxy.port}/v1",
            rent_url=f"http://127.0.0.1:{proxy.port}/api",
            request_timeout=TIMEOUT if isinstance(fault, (Delay, Stall)) else 10,
            pace=Pace(v1_per_second=1000, rent_per_second=1000),
            http_client=http,
        ) as client,
    ):
        yield Line(client, proxy, sandbox, sent)


@pytest.mark.parametrize("kept_alive", [False, True], ids=["first request", "kept-alive connection"])
@pytest.mark.parametrize("fault", MADE, ids=lambda fault: repr(fault)[:30])
async def test_a_purchase_that_was_made_is_returned_and_not_made_again(fault, kept_alive, library, sandbox, host):
    """The number is paid for, also if something breaks after the answer."""
    async with line(sandbox, host[1], library, fault) as on:
        if kept_alive:
            await on.client.v1.profile()
        on.breaks("/user/buy/", fault)

        order = await on.client.v1.buy_activation("telegram", country="russia")

        assert (await on.ledger()).purchases == [order.id]
        assert on.count("/user/buy/") == 1


@pytest.mark.parametrize("kept_alive", [False, True], ids=["first request", "kept-alive connection"])
@pytest.mark.parametrize("fault", NOT_MADE, ids=lambda fault: repr(fault)[:30])
async def test_a_purchase_that_was_not_made_is_not_made_by_us(fault, kept_alive, library, sandbox, host):
    """Sent once, looked up, denied: whether to buy again is the caller's to say."""
    async with line(sandbox, host[1], library, fault) as on:
        if kept_alive:
            await on.client.v1.profile()
        on.breaks("/user/buy/", fault)

        with pytest.raises(NothingBoughtError):
            await on.client.v1.buy_activation("telegram", country="russia")

        assert (await on.ledger()).purchases == []
        assert on.count("/user/buy/") == 1


@pytest.mark.parametrize("fault", [LostAfter(), Reset(), Cut(), Stall(), processed(MAINTENANCE)], ids=repr)
async def test_a_rent_that_was_made_is_returned_and_not_made_again(fault, library, sandbox, host):
    """The dearer of the two."""
    async with line(sandbox, host[1], library, fault) as on:
        await on.client.rent.balance()
        if isinstance(fault, ProxyFault):
            on.proxy.fail(Delay(0))  # the list of what is held, read before
        on.breaks("/getRentNum", fault)

        number = await on.client.rent.buy_number(7, 1)

        assert (await on.ledger()).rents == [number.tzid]
        assert on.count("/getRentNum") == 1


async def test_a_read_survives_a_connection_that_the_server_closed(library, sandbox, host):
    """Kept-alive connections die of old age; reads go on."""
    async with line(sandbox, host[1], library) as on:
        await on.client.v1.profile()
        on.proxy.fail(LostBefore())

        assert (await on.client.v1.profile()).balance == 100


async def test_a_stalled_read_ends_with_its_timeout(library, sandbox, host):
    """The error says that the request may have arrived."""
    async with line(sandbox, host[1], library, Stall()) as on:
        on.proxy.fail(Stall(), times=9)
        on.client._sender._max_retries = 0
        began = anyio.current_time()

        with pytest.raises(OutcomeUnknownError):
            await on.client.v1.profile()

        assert TIMEOUT <= anyio.current_time() - began < 10 * TIMEOUT


async def test_our_own_client_buys_over_a_real_socket(sandbox, host):
    """Nothing handed in: the library, its pool and its closing are ours."""
    url = f"http://127.0.0.1:{host[1]}"
    async with AsyncClient(sandbox.token, v1_url=f"{url}/v1") as client:
        order = await client.v1.buy_activation("telegram")
        await client.v1.cancel(order.id)

    ledger = await anyio.to_thread.run_sync(lambda: sandbox.ledger)
    assert (ledger.purchases, ledger.open) == ([order.id], [])
