"""One call makes one purchase on every transport, with every fault of its connection; and a purchase is found."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from smsapi_async import NothingBoughtError
from tests.transports.lines import (
    HTTP2,
    HTTP11,
    MADE_IN_HTTP2,
    MADE_IN_HTTP11,
    NOT_MADE_IN_HTTP2,
    UNANSWERED,
    UNREAD,
    UVLOOP,
    Kind,
    buy,
    dialled,
    dropped,
    garbled,
    hung_up,
    hung_up_unread,
    made,
    reset,
    rows,
    time_for,
)
from tests.transports.server import Server

pytestmark = [pytest.mark.socket, pytest.mark.anyio]

MADE: dict[Kind, list[Any]] = {**dict.fromkeys(HTTP11, MADE_IN_HTTP11), **dict.fromkeys(HTTP2, MADE_IN_HTTP2)}
NOT_MADE: dict[Kind, list[Any]] = {**dict.fromkeys(HTTP11, UNANSWERED), **dict.fromkeys(HTTP2, NOT_MADE_IN_HTTP2)}
FIRST = dict.fromkeys(MADE, (dropped, reset))
"""Faults that the first request of a connection can meet as well: the others need an answer before."""

ENCRYPTED = {kind: [made(fault) for fault in (dropped, reset, garbled)] for kind in MADE}
ON_UVLOOP = (HTTP11[0], HTTP2[1])
"""Both libraries use the same backend there."""


async def is_returned(server: Server, kind: Kind, fault: Any, *, kept_alive: bool = True) -> None:
    """The order that a purchase made before the fault came is returned, and was asked for once."""
    server.faults.append(fault)
    async with dialled(server, kind) as client:
        if kept_alive:
            await client.v1.profile()

        order = await buy(client, within=time_for(fault))

        assert server.made == [order]
        assert server.purchases == 1


async def is_denied(server: Server, kind: Kind, fault: Any) -> None:
    """A purchase that was not made is asked for once."""
    server.faults.append(fault)
    async with dialled(server, kind) as client:
        await client.v1.profile()

        with pytest.raises(NothingBoughtError):
            await buy(client, within=time_for(fault))

        assert server.made == []
        assert server.purchases == 1


@rows(MADE)
async def test_a_purchase_that_was_made_is_returned_and_not_made_again(kind, fault, serve):
    """The number is paid for."""
    await is_returned(serve(http2=kind.http2), kind, fault)


@rows(NOT_MADE)
async def test_a_purchase_that_was_not_made_is_not_made_by_us(kind, fault, serve):
    """The request reached the provider: whether to buy again is the caller's to say."""
    await is_denied(serve(http2=kind.http2), kind, fault)


@rows(FIRST)
async def test_a_purchase_on_a_new_connection_is_made_once(kind, fault, serve):
    """The libraries know then that the connection is no old one."""
    await is_returned(serve(http2=kind.http2), kind, made(fault), kept_alive=False)


@rows(ENCRYPTED)
async def test_a_purchase_over_tls_is_returned_and_not_made_again(kind, fault, serve):
    """Connections break in other ways there: without a farewell, or with an unreadable record."""
    await is_returned(serve(http2=kind.http2, tls=True), kind, fault)


@pytest.mark.parametrize("anyio_backend", [UVLOOP])
@rows({kind: MADE[kind] for kind in ON_UVLOOP})
async def test_a_purchase_that_was_made_is_returned_on_uvloop(kind, fault, serve):
    """Its transports are its own, and name what broke in their own way."""
    await is_returned(serve(http2=kind.http2), kind, fault)


@pytest.mark.parametrize("anyio_backend", [UVLOOP])
@rows(dict.fromkeys(ON_UVLOOP, UNANSWERED))
async def test_a_purchase_that_was_not_made_is_not_made_on_uvloop(kind, fault, serve):
    """The call ends with the news that nothing was bought."""
    await is_denied(serve(http2=kind.http2), kind, fault)


@pytest.mark.parametrize("anyio_backend", [UVLOOP])
@rows({kind: ENCRYPTED[kind] for kind in ON_UVLOOP})
async def test_a_purchase_over_tls_is_returned_on_uvloop(kind, fault, serve):
    """Its TLS is its own as well."""
    await is_returned(serve(http2=kind.http2, tls=True), kind, fault)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@rows(dict.fromkeys(MADE, UNREAD))
async def test_a_purchase_that_nobody_read_is_not_sent_again(kind, fault, tls, serve):
    """The connection was made: the client cannot know that nothing was read."""
    server = serve(http2=kind.http2, tls=tls, before=[fault])
    async with dialled(server, kind) as client:
        with pytest.raises(NothingBoughtError):
            await buy(client)

    assert server.purchases == 0


@rows({kind: [hung_up_unread] for kind in HTTP11})
async def test_a_purchase_that_meets_the_end_of_a_kept_alive_connection_is_not_sent_again(kind, fault, serve):
    """The server gives the connection up for its age while the request is on its way."""
    server = serve(before=[None, fault])
    async with dialled(server, kind) as client:
        await client.v1.profile()

        with pytest.raises(NothingBoughtError):
            await buy(client)

    assert server.purchases == 0


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@rows({kind: [hung_up] for kind in HTTP11})
async def test_a_connection_that_died_of_its_age_costs_no_purchase(kind, fault, tls, serve):
    """It is seen before anything is sent, and another one is made."""
    server = serve(before=[None, fault], tls=tls)
    async with dialled(server, kind) as client:
        await client.v1.profile()
        await anyio.to_thread.run_sync(server.ended.acquire)

        order = await buy(client)

    assert server.made == [order]
    assert server.purchases == 1
