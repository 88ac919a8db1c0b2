"""Purchases through a proxy of the caller's: of plain HTTP it reads the request, for TLS it makes a tunnel."""

from __future__ import annotations

from typing import Any

import pytest

from smsapi_async import NothingBoughtError, NotSentError
from tests.transports.lines import (
    HTTP11,
    TRIES,
    UNANSWERED,
    buy,
    dialled,
    hung_up,
    loops,
    made,
    reset,
    silent,
    time_for,
)

pytestmark = [
    pytest.mark.socket,
    pytest.mark.anyio,
    pytest.mark.parametrize("kind", HTTP11, ids=str),
    loops,
]

PLAIN = "http://provider.test"
ENCRYPTED = "https://127.0.0.1:1"
"""The proxy leads every tunnel to itself."""


def bad_gateway(on: Any) -> bool:
    """The proxy's word for a provider it did not reach, or that hung up on it: after carrying the request there."""
    on.socket.sendall(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")
    return True


@pytest.mark.parametrize("fault", [*map(made, UNANSWERED), made(bad_gateway)])
async def test_a_purchase_that_a_forward_proxy_carried_on_is_returned(kind, fault, serve):
    """A proxy's word about the provider is an answer, and proves nothing: the request has left."""
    proxy = serve(faults=[fault])
    async with dialled(proxy, kind, url=PLAIN, proxy=proxy.url) as client:
        order = await buy(client, within=time_for(fault))

    assert proxy.made == [order]
    assert proxy.purchases == 1


async def test_a_purchase_that_a_forward_proxy_did_not_carry_on_is_denied(kind, serve):
    """The proxy answers in the same words as after a carried request."""
    proxy = serve(faults=[bad_gateway])
    async with dialled(proxy, kind, url=PLAIN, proxy=proxy.url) as client:
        with pytest.raises(NothingBoughtError):
            await buy(client)

    assert proxy.purchases == 1


@pytest.mark.parametrize("fault", list(map(made, UNANSWERED)))
async def test_a_purchase_through_a_tunnel_is_returned(kind, fault, serve):
    """The trace of a tunnel's own request is not that of the purchase."""
    proxy = serve(faults=[fault])
    async with dialled(proxy, kind, url=ENCRYPTED, proxy=proxy.url) as client:
        order = await buy(client, within=time_for(fault))

    assert proxy.made == [order]
    assert proxy.purchases == 1
    assert proxy.asked[0].startswith("CONNECT")


@pytest.mark.parametrize("fault", [hung_up, silent])
async def test_a_tunnel_that_leads_nowhere_proves_that_nothing_was_sent(kind, fault, serve):
    """The proxy made it, and the TLS handshake behind it fails."""
    proxy = serve(tunnels=[None, fault] * TRIES)
    async with dialled(proxy, kind, url=ENCRYPTED, proxy=proxy.url, timeout=1.5) as client:
        with pytest.raises(NotSentError):
            await buy(client)

    assert set(proxy.asked) == {"CONNECT 127.0.0.1:1"}


@pytest.mark.parametrize("fault", [hung_up, reset])
async def test_a_proxy_that_answers_no_connect_leaves_the_outcome_to_be_looked_up(kind, fault, serve):
    """Nothing was sent, but the library does not say so: the purchase is looked for, and not sent again."""
    proxy = serve(tunnels=[fault])
    async with dialled(proxy, kind, url=ENCRYPTED, proxy=proxy.url) as client:
        with pytest.raises(NothingBoughtError):
            await buy(client)

    assert proxy.purchases == 0
