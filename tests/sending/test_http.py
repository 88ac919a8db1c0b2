"""A Call becomes bytes and the bytes a Reply, on both HTTP libraries: keys, hosts, redirects and our own client."""

from __future__ import annotations

import ssl
import sys
from typing import Any

import httpx
import pytest

from smsapi_async import AsyncClient, AuthenticationError, OutcomeUnknownError, RefusedError, UnreadableReplyError
from smsapi_async._sending import http as http_file
from smsapi_async._sending.http import KEEP_ALIVE, POOL, USER_AGENT
from tests.support.canned_provider import PROFILE, RENT_KEY, TOKEN, answering

# -- keys and hosts ---------------------------------------------------------------------------------------------------


async def test_each_key_goes_to_its_own_host_only(library):
    """The free pages get no key at all."""
    async with answering(library, b'{"response":1,"list":[],"Data":[],"text":""}') as (client, provider):
        await client.v1.inbox(1)
        await client.rent.numbers()
        await client.v1.notification("en")

    sent = [(request.url.host, request.headers.get("authorization")) for request in provider.asked]
    assert sent == [("v1.test", f"Bearer {TOKEN}"), ("rent.test", f"Bearer {RENT_KEY}"), ("v1.test", None)]
    assert not any("apikey" in str(request.url) for request in provider.asked)


async def test_the_rent_key_may_travel_in_the_query(library):
    """For hosts that know no other way; then it is in no header."""
    async with answering(library, b'{"response":1,"list":[]}', rent_key_in="query") as (client, provider):
        await client.rent.numbers()

    (request,) = provider.asked
    assert request.url.params["apikey"] == RENT_KEY
    assert request.url.params["pagination"] == "false"
    assert "authorization" not in request.headers


async def test_our_authorization_wins_and_the_client_s_own_is_sent_nowhere(library):
    """The default of the caller is a key to another service."""
    async with answering(library, b"{}", headers={"Authorization": "Bearer other"}, rent_key_in="query") as (
        client,
        provider,
    ):
        await client.v1.wallets()
        await client.v1.products()
        await client.rent.tariffs()

    sent = [request.headers.get("authorization") for request in provider.asked]
    assert sent == [f"Bearer {TOKEN}", None, None]


async def test_the_client_s_other_defaults_stay(library):
    """A proxy may need the headers, the name and the cookies of the caller."""
    own = {"X-Proxy": "a", "User-Agent": "mine/1", "Cookie": "c=1"}
    async with answering(library, headers=own) as (client, provider):
        await client.v1.profile()

    (request,) = provider.asked
    assert {name: request.headers[name] for name in own} == own
    assert request.headers["accept"] == "application/json"


async def test_the_library_s_name_is_replaced_by_ours(library):
    """Cloudflare refuses some of them."""
    async with answering(library) as (client, provider):
        await client.v1.profile()

    assert provider.asked[0].headers["user-agent"] == USER_AGENT


async def test_a_client_handed_in_is_not_closed(library):
    """The HTTP client belongs to the caller."""
    http = library.AsyncClient(transport=library.MockTransport(lambda _: library.Response(200, content=PROFILE)))
    async with AsyncClient(TOKEN, v1_url="http://v1.test/v1", http_client=http) as client:
        await client.v1.profile()

    assert not http.is_closed
    await http.aclose()


async def test_only_a_client_of_these_libraries_is_taken():
    """Others resend by themselves; a `Client` that is not async would block the loop."""
    with pytest.raises(ValueError, match=r"^http_client: .*not Client"):
        AsyncClient(TOKEN, http_client=httpx.Client())  # type: ignore[arg-type]


async def test_a_missing_key_is_an_error_only_of_the_call_that_needs_it(library):
    """Nothing is sent without it, and the catalogue needs none."""
    async with answering(library, b"{}", token=None, rent_key=None) as (client, provider):
        assert await client.v1.products() == {}
        with pytest.raises(AuthenticationError, match="SMSAPI_TOKEN"):
            await client.v1.buy_activation("telegram")
        with pytest.raises(AuthenticationError, match="SMSAPI_RENT_KEY"):
            await client.rent.balance()

    assert len(provider.asked) == 1


@pytest.mark.parametrize("status", [400, 403, 500])
async def test_a_key_that_the_provider_repeats_is_not_kept_in_the_error(status, library):
    """Errors are logged, pickled, and sent to trackers."""
    async with answering(library, lambda _: library.Response(status, text=f"key {TOKEN} is no good")) as (client, _):
        with pytest.raises((RefusedError, OutcomeUnknownError)) as caught:
            await client.v1.profile()

    assert TOKEN not in f"{caught.value} {caught.value!r} {vars(caught.value)}"
    assert "key *** is no good" in str(caught.value)


async def test_a_short_key_spoils_no_answer(library):
    """`balance` is a word of every profile."""
    async with answering(library, token="balance") as (client, _):
        assert (await client.v1.profile()).balance == 5


@pytest.mark.parametrize("url", ["http://me:secret@v1.test/v1", "http://me@v1.test/v1", "http://v1.test:port/v1"])
async def test_a_base_url_that_would_mislead_the_key_is_refused(url, library):
    """A user in it becomes an Authorization header in place of ours."""
    with pytest.raises(ValueError, match="v1_url"):
        AsyncClient(TOKEN, v1_url=url)


# -- redirects --------------------------------------------------------------------------------------------------------


async def test_no_redirect_is_followed_even_if_the_client_would(library):
    """It leads to a page of 42 KB, and would carry the key to wherever it points."""
    asked: list[Any] = []

    def answer(request: Any) -> Any:
        asked.append(request)
        return library.Response(302, headers={"Location": "http://evil.test/"})

    http = library.AsyncClient(transport=library.MockTransport(answer), follow_redirects=True)
    async with http, AsyncClient(TOKEN, v1_url="http://v1.test/v1", http_client=http, max_retries=0) as client:
        with pytest.raises(UnreadableReplyError, match="redirect"):
            await client.v1.profile()

    assert len(asked) == 1


# -- our own client ---------------------------------------------------------------------------------------------------


@pytest.fixture
def made_here(library, monkeypatch) -> list[dict[str, Any]]:
    """The arguments of our own clients, on either library. These clients send nothing."""
    made_with: list[dict[str, Any]] = []

    class Recorded(library.AsyncClient):  # type: ignore[misc]
        def __init__(self, **options: Any) -> None:
            made_with.append(options)
            answer = library.MockTransport(lambda _: library.Response(200, content=PROFILE))
            super().__init__(transport=answer, **{**options, "verify": True})

    monkeypatch.setattr(library, "AsyncClient", Recorded)
    if library is httpx:
        monkeypatch.setitem(sys.modules, "httpx2", None)
    return made_with


async def test_our_own_client_keeps_connections_and_shares_one_tls_context(made_here, library):
    """A handshake for every look, or a context for every client, would cost more than the look."""
    for _ in range(2):
        async with AsyncClient(TOKEN, v1_url="http://v1.test/v1") as client:
            await client.v1.profile()
            await client.v1.profile()

    first, second = made_here
    assert first["limits"] == library.Limits(
        max_connections=POOL, max_keepalive_connections=POOL, keepalive_expiry=KEEP_ALIVE
    )
    assert (POOL, KEEP_ALIVE) == (32, 60)
    assert isinstance(first["verify"], ssl.SSLContext)
    assert first["verify"] is second["verify"]
    assert first["verify"].verify_mode is ssl.CERT_REQUIRED
    assert "http2" not in first


async def test_our_own_client_is_closed_with_us(made_here):
    """We alone use our client, and it is made only when it is needed."""
    async with AsyncClient(TOKEN, v1_url="http://v1.test/v1") as client:
        await client.v1.profile()
        http = client._sender._http._client
    async with AsyncClient(TOKEN, v1_url="http://v1.test/v1"):
        pass

    assert http.is_closed
    assert len(made_here) == 1


async def test_without_httpx2_another_s_client_is_still_told_from_httpx_s(monkeypatch):
    """The extra is not installed, and something odd is handed in."""
    monkeypatch.setitem(sys.modules, "httpx2", None)

    with pytest.raises(ValueError, match="not object"):
        AsyncClient(TOKEN, http_client=object())  # type: ignore[arg-type]
    assert http_file._library_of(None) is httpx
