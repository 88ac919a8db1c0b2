"""Faults that only HTTP/2 has: purchases share a connection, and it may outlive the requests on it."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from smsapi_async import NothingBoughtError
from tests.transports.lines import (
    HTTP2,
    LONG,
    SHORT,
    buy,
    dialled,
    going_away,
    hung_up,
    ignored,
    loops,
    made,
    named,
    stalled,
    told,
)

pytestmark = [
    pytest.mark.socket,
    pytest.mark.anyio,
    pytest.mark.parametrize("kind", HTTP2, ids=str),
    loops,
]

COUNTED = named("going away, counted", going_away, True)
NOT_COUNTED = named("going away, not counted", going_away, False)
PRODUCTS = ("telegram", "whatsapp")


async def buy_both(client: Any, *, within: float = LONG) -> dict[str, Any]:
    """Two purchases at once, and what became of each."""
    ended: dict[str, Any] = {}

    async def run(product: str) -> None:
        try:
            ended[product] = await buy(client, product, within=within)
        except NothingBoughtError as error:
            ended[product] = type(error)

    async with anyio.create_task_group() as group:
        for product in PRODUCTS:
            group.start_soon(run, product)
    return ended


@pytest.mark.parametrize("streams", [1, 100])
async def test_two_purchases_on_one_connection_are_two(kind, streams, serve):
    """The second waits where the server takes one at a time; none is lost, and none doubled."""
    server = serve(http2=True, streams=streams)
    async with dialled(server, kind) as client:
        await client.v1.profile()

        ended = await buy_both(client)

    assert sorted(ended.values()) == sorted(server.made)
    assert server.purchases == len(PRODUCTS) == len(server.made)


@pytest.mark.parametrize("streams", [1, 100])
@pytest.mark.parametrize("fault", [hung_up, COUNTED])
async def test_a_connection_that_ends_under_two_purchases_doubles_neither(kind, fault, streams, serve):
    """One was made and lost its answer; the other was on its way, or still waiting for the first."""
    server = serve(http2=True, streams=streams, faults=[made(fault)])
    async with dialled(server, kind) as client:
        await client.v1.profile()

        ended = await buy_both(client)

    bought = [order for order in ended.values() if isinstance(order, int)]
    assert sorted(bought) == sorted(server.made)
    assert server.purchases == len(server.made)


@pytest.mark.filterwarnings("ignore:unclosed resource:ResourceWarning")  # the library leaves it to the collector
async def test_a_purchase_behind_one_that_stalls_is_made_once_or_not_at_all(kind, serve, monkeypatch):
    """The server takes one at a time and never ends the first. Each of the two is found, or denied, as it is."""
    monkeypatch.setattr("smsapi_async._sending.lost_purchases.LOOKS", (0.1, 0.1, 0.3))
    server = serve(http2=True, streams=1, faults=[made(ignored)])
    async with dialled(server, kind) as client:
        await client.v1.profile()

        ended = await buy_both(client, within=SHORT)

    bought = [order for order in ended.values() if isinstance(order, int)]
    assert sorted(bought) == sorted(server.made)
    assert server.purchases == len(server.made)


@pytest.mark.parametrize("fault", [NOT_COUNTED, made(NOT_COUNTED)], ids=["not made", "made"])
async def test_a_purchase_that_the_server_says_it_did_not_count_is_not_sent_again(kind, fault, serve):
    """The pool would do so by itself. A server that counts wrong would sell twice."""
    server = serve(http2=True, faults=[fault, None])
    async with dialled(server, kind) as client:
        await client.v1.profile()

        if fault is NOT_COUNTED:
            with pytest.raises(NothingBoughtError):
                await buy(client)
        else:
            order = await buy(client)
            assert server.made == [order]

    assert server.purchases == 1


async def test_a_purchase_that_could_not_be_sent_again_has_still_been_sent(kind, serve):
    """The server does not count it, and then takes no connection: the library's last word is `ConnectError`."""
    server = serve(http2=True, tls=True, faults=[made(NOT_COUNTED)], on_accept=[None, hung_up])
    async with dialled(server, kind) as client:
        await client.v1.profile()

        order = await buy(client)

    assert server.made == [order]
    assert server.purchases == 1


@pytest.mark.parametrize("fault", [hung_up, COUNTED])
async def test_a_purchase_on_a_connection_that_died_of_its_age_is_denied(kind, fault, serve):
    """Over HTTP/2 the libraries do not look before they send: no server reads it, and it is not sent again."""
    server = serve(http2=True, before=[None, told(fault)])
    async with dialled(server, kind) as client:
        await client.v1.profile()
        server.go.set()
        await anyio.to_thread.run_sync(server.ended.acquire)

        with pytest.raises(NothingBoughtError):
            await buy(client)

    assert server.purchases == 0


async def test_a_connection_that_fell_silent_is_not_used_again(kind, serve):
    """A cable is pulled: the purchase is looked for on another connection, and so is everything after it."""
    sent: list[str] = []

    async def note(request: Any) -> None:
        sent.append(request.url.path)

    server = serve(http2=True, faults=[made(stalled)])
    async with dialled(server, kind, event_hooks={"request": [note]}) as client:
        await client.v1.profile()
        await buy(client, within=SHORT)
        await client.v1.profile()

    assert sent.count("/v1/user/profile") == 2
    assert server.purchases == 1
