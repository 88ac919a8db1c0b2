"""A caller's client may send again by itself, or report wrongly; a purchase leaves once all the same."""

from __future__ import annotations

from typing import Any

import httpx
import httpx2
import pytest

from smsapi_async import AsyncClient, NotSentError
from tests.transports.lines import HTTP2, HTTP11, TRUSTING, buy, dialled, dropped, hung_up, made

pytestmark = [pytest.mark.socket, pytest.mark.anyio]

kinds = pytest.mark.parametrize("kind", [*HTTP11, *HTTP2], ids=str)
libraries = pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])


def transport(kind: Any, **options: Any) -> Any:
    return kind.package.AsyncHTTPTransport(verify=TRUSTING, http1=not kind.http2, http2=kind.http2, **options)


def persistent(kind: Any) -> Any:
    """A transport that tries again after any error; such transports exist."""

    class Persistent(kind.package.AsyncBaseTransport):  # type: ignore[misc]
        inner = transport(kind)

        async def handle_async_request(self, request: Any) -> Any:
            for _ in range(3):
                try:
                    return await self.inner.handle_async_request(request)
                except kind.package.TransportError:
                    continue
            raise kind.package.ConnectError("gave up")

        async def aclose(self) -> None:
            await self.inner.aclose()

    return Persistent()


@kinds
async def test_a_transport_that_tries_again_sends_no_purchase_twice(kind, serve):
    """Its answer was lost and is looked for; a read may be sent as often as the transport likes."""
    server = serve(http2=kind.http2, faults=[made(dropped), made(dropped)], before=[hung_up])
    async with dialled(server, kind, transport=persistent(kind)) as client:
        await client.v1.profile()

        order = await buy(client)

    assert server.made == [order]
    assert server.purchases == 1


@kinds
async def test_retries_of_the_library_s_own_transport_are_those_of_a_connection(kind, serve):
    """`retries=` is for connections that were not made; a lost answer is none."""
    server = serve(http2=kind.http2, tls=True, on_accept=[hung_up], faults=[made(dropped)])
    async with dialled(server, kind, transport=transport(kind, retries=1)) as client:
        order = await buy(client)

    assert server.made == [order]
    assert server.purchases == 1


@kinds
async def test_a_hook_that_cannot_connect_does_not_say_that_nothing_was_sent(kind, serve):
    """It reports every answer to a server that is not there: the purchase has been made."""

    async def tell(response: Any) -> None:
        if "buy" in str(response.url):
            raise kind.package.ConnectError("All connection attempts failed")

    server = serve(http2=kind.http2)
    async with dialled(server, kind, event_hooks={"response": [tell]}) as client:
        order = await buy(client)

    assert server.made == [order]
    assert server.purchases == 1


@kinds
async def test_a_hook_that_cannot_connect_before_says_that_nothing_was_sent(kind, serve):
    """The hook fails before the request instead of after it."""

    async def ask(request: Any) -> None:
        raise kind.package.ConnectError("All connection attempts failed")

    server = serve(http2=kind.http2)
    async with dialled(server, kind, event_hooks={"request": [ask]}) as client:
        with pytest.raises(NotSentError):
            await buy(client)

    assert server.asked == []


# -- transports over aiohttp ------------------------------------------------------------------------------------------


def over_aiohttp(base: type, module: str = "httpx_aiohttp.transport") -> Any:
    """Only the name of the module shows it."""
    return type("AiohttpTransport", (base,), {"__module__": module})


@libraries
@pytest.mark.parametrize("module", ["httpx_aiohttp.transport", "httpx_aiohttp_transport"])
@pytest.mark.parametrize("place", ["transport", "mount", "wrapped", "client", "heir of a client"])
async def test_a_transport_over_aiohttp_is_refused(place, module, library):
    """aiohttp sends a GET again when a kept-alive connection is dropped, and both providers sell by GET."""
    aiohttp = over_aiohttp(library.AsyncBaseTransport, module)()
    wrapped = library.AsyncBaseTransport()
    wrapped.inner = aiohttp
    heir = type("Mine", (over_aiohttp(library.AsyncClient, module),), {})
    clients = {
        "transport": lambda: library.AsyncClient(transport=aiohttp),
        "mount": lambda: library.AsyncClient(mounts={"all://": aiohttp}, verify=TRUSTING),
        "wrapped": lambda: library.AsyncClient(transport=wrapped),
        "client": lambda: over_aiohttp(library.AsyncClient, module)(verify=TRUSTING),
        "heir of a client": lambda: heir(verify=TRUSTING),
    }
    async with clients[place]() as http:
        with pytest.raises(ValueError, match=r"^http_client: (AiohttpTransport|Mine) sends lost requests again"):
            AsyncClient("token", http_client=http)


@libraries
async def test_other_transports_are_taken(library):
    """Also one that holds itself, and a program of the caller's with aiohttp in its name."""
    own = type("Mine", (library.AsyncBaseTransport,), {"__module__": "my_aiohttp_bot"})()
    own.itself = own
    async with library.AsyncClient(transport=own, mounts={"http://": None}) as http:
        AsyncClient("token", http_client=http)
