"""Exceptions of the HTTP libraries: some prove that nothing was sent, the others leave the outcome unknown."""

from __future__ import annotations

import inspect
import ssl
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from smsapi_async import AsyncClient, NotSentError, OutcomeUnknownError
from smsapi_async._sending.http import NOT_SENT
from smsapi_async.sandbox import Sandbox
from tests.support.canned_provider import RENT_KEY, TOKEN, answering

UNKNOWN = {
    "HTTPError", "RequestError", "TransportError", "TimeoutException", "ReadTimeout", "WriteTimeout", "NetworkError",
    "ReadError", "WriteError", "CloseError", "ProtocolError", "LocalProtocolError", "RemoteProtocolError",
    "DecodingError", "TooManyRedirects", "HTTPStatusError", "InvalidURL", "CookieConflict", "StreamError",
    "StreamConsumed", "StreamClosed", "ResponseNotRead", "RequestNotRead",
}  # fmt: skip
"""They may come after the request has left, or from a hook of the caller's client that ran after it."""

ONLY_IN_HTTPX2 = {"SSEError"}
"""An error of httpx2's reader of event streams, which we do not use; its outcome counts as unknown."""


def exceptions(library: Any) -> dict[str, type[Exception]]:
    found = {**vars(library), **vars(sys.modules[f"{library.__name__}._exceptions"])}
    return {
        name: kind
        for name, kind in found.items()
        if inspect.isclass(kind) and issubclass(kind, Exception) and kind.__module__.startswith(library.__name__)
        if not issubclass(kind, Warning)
    }


def made(kind: type[Exception]) -> Exception:
    needed = inspect.signature(kind).parameters
    options = {name: None for name in ("request", "response") if name in needed}
    return kind("it broke", **options) if "message" in needed or "args" in needed else kind()


def test_the_table_of_exceptions_is_complete(library):
    """A new one of a new version is decided about here, and not by chance."""
    assert set(exceptions(library)) - ONLY_IN_HTTPX2 == UNKNOWN | set(NOT_SENT)
    assert not UNKNOWN & set(NOT_SENT)


@pytest.mark.parametrize("name", sorted(UNKNOWN | set(NOT_SENT)))
async def test_every_exception_of_the_library_becomes_one_of_ours(name, library):
    """A purchase may be sent again only if its request never left."""
    async with answering(library, made(exceptions(library)[name])) as (client, _):
        with pytest.raises(NotSentError if name in NOT_SENT else OutcomeUnknownError) as caught:
            await client.v1.profile()

    assert caught.value.call == "v1.profile"
    assert type(caught.value.__cause__) is exceptions(library)[name]


STRAYS = [ssl.SSLError("bad record mac"), OSError("gone"), LookupError("a hook"), RuntimeError()]


@pytest.mark.parametrize("stray", STRAYS, ids=repr)
async def test_an_exception_no_table_names_leaves_the_outcome_unknown(stray, library):
    """httpcore lets some errors of TLS through, and hooks raise what they like: a purchase may have been made."""
    async with answering(library, stray) as (client, _):
        with pytest.raises(OutcomeUnknownError) as caught:
            await client.v1.profile()

    assert caught.value.__cause__ is stray
    assert str(stray) == "" or str(stray) not in str(caught.value), "its words may quote the request"


async def test_a_hook_that_raises_for_a_status_loses_no_purchase(library):
    """A client's own `raise_for_status` hook is common; the purchase is looked up as after any loss."""
    sandbox = Sandbox()
    transport = sandbox.transport() if library is httpx else sandbox.transport2()
    raised: list[str] = []

    async def strict(response: Any) -> None:
        if "buy" in str(response.url):
            raised.append("once")
            raise LookupError("not what I wanted")

    async with (
        library.AsyncClient(transport=transport, event_hooks={"response": [strict]}) as http,
        AsyncClient(sandbox.token, v1_url=sandbox.v1_url, http_client=http) as client,
    ):
        order = await client.v1.buy_activation("telegram")

    assert (sandbox.ledger.purchases, raised) == ([order.id], ["once"])


async def test_the_words_of_an_error_hold_no_address_and_no_key(library):
    """A library quotes the URL it cannot use, or the header it cannot send."""
    for words in (f"bad url 'http://v1.test/?apikey={RENT_KEY}'", f"Illegal header value b'Bearer {TOKEN}'"):
        async with answering(library, library.LocalProtocolError(words)) as (client, _):
            with pytest.raises(OutcomeUnknownError) as caught:
                await client.v1.profile()

        assert RENT_KEY not in str(caught.value)
        assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("name", sorted(NOT_SENT))
async def test_no_error_of_a_body_says_that_nothing_was_sent(name: str, sandbox: Sandbox):
    """A status was there: a purchase sent again would be a second one. Wrappers of transports raise what they like."""
    async with (
        httpx.AsyncClient(transport=Torn(sandbox, exceptions(httpx)[name])) as http,
        AsyncClient(sandbox.token, v1_url=sandbox.v1_url, http_client=http) as client,
    ):
        order = await client.v1.buy_activation("telegram")

    assert [order.id] == sandbox.ledger.purchases


class Torn(httpx.AsyncBaseTransport):
    """The sandbox behind a transport whose first answer breaks off in its body."""

    def __init__(self, sandbox: Sandbox, kind: type[Exception]) -> None:
        self._inner = sandbox.transport()
        self._kinds = [kind]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        await response.aread()
        return httpx.Response(200, stream=Breaking(self._kinds.pop())) if self._kinds else response


class Breaking(httpx.AsyncByteStream):
    def __init__(self, kind: type[Exception]) -> None:
        self._kind = kind

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b'{"id":'
        raise made(self._kind)
