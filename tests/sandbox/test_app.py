"""The ASGI face, spoken to without a server. Source: asgi.readthedocs.io/en/latest/specs/www.html."""

from typing import Any

import pytest

from smsapi_async.sandbox import Chunked, Cut, LostAfter, Sandbox

pytestmark = pytest.mark.anyio


async def call(sandbox: Sandbox, scope: dict[str, Any], *events: dict[str, Any]) -> list[dict[str, Any]]:
    waiting, sent = list(events), []

    async def receive() -> Any:
        return waiting.pop(0)

    async def send(event: Any) -> None:
        sent.append(event)

    await sandbox.app(scope, receive, send)
    return sent


def http(sandbox: Sandbox, method: str, path: str, query: str = "") -> dict[str, Any]:
    headers = [(b"Host", b"127.0.0.1:8055"), (b"Authorization", f"Bearer {sandbox.token}".encode())]
    return {
        "type": "http",
        "method": method,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": headers,
    }


async def test_a_request_in_pieces_is_put_together(sandbox: Sandbox) -> None:
    """A server may hand the body over in chunks."""
    scope = http(sandbox, "POST", "/v1/user/max-prices")

    sent = await call(
        sandbox,
        scope,
        {"type": "http.request", "body": b'{"product_name":"x",', "more_body": True},
        {"type": "http.request", "body": b'"price":1}'},
    )

    assert [event.get("status") for event in sent] == [200, None]
    assert list(sandbox.world.order_book.max_prices) == ["x"]


async def test_the_query_is_part_of_the_target(sandbox: Sandbox) -> None:
    """As sent, so counts and faults see the same as in process."""
    await call(sandbox, http(sandbox, "GET", "/v1/guest/prices", "country=russia"), {"type": "http.request"})

    assert sandbox.requests == ["GET /v1/guest/prices?country=russia"]


async def test_a_cut_body_leaves_the_rest_to_come(sandbox: Sandbox) -> None:
    """The server then breaks the connection, because the length it announced is not reached."""
    sandbox.fail("flash", Cut(at=3))

    sent = await call(sandbox, http(sandbox, "GET", "/v1/guest/flash/en"), {"type": "http.request"})

    assert (sent[1]["body"], sent[1]["more_body"]) == (b'{"t', True)


async def test_a_chunked_body_comes_in_pieces_without_its_length(sandbox: Sandbox) -> None:
    """The server frames what has no length as chunks."""
    sandbox.fail("flash", Chunked(size=6, pause=1.0))

    sent = await call(sandbox, http(sandbox, "GET", "/v1/guest/flash/en"), {"type": "http.request"})

    assert b"content-length" not in dict(sent[0]["headers"])
    assert [(event["body"], event["more_body"]) for event in sent[1:]] == [(b'{"text', True), (b'":""}', False)]


async def test_a_broken_connection_is_a_bad_gateway(sandbox: Sandbox) -> None:
    """An application cannot break one; the request was processed all the same."""
    sandbox.fail("user/buy", LostAfter())

    sent = await call(
        sandbox, http(sandbox, "GET", "/v1/user/buy/activation/any/any/telegram"), {"type": "http.request"}
    )

    assert sent[0]["status"] == 502
    assert len(sandbox.ledger.purchases) == 1


async def test_the_lifespan_begins_and_ends(sandbox: Sandbox) -> None:
    """There is nothing to open."""
    sent = await call(sandbox, {"type": "lifespan"}, {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})

    assert [event["type"] for event in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_other_protocols_are_refused(sandbox: Sandbox) -> None:
    """Both APIs are plain HTTP."""
    with pytest.raises(RuntimeError, match="websocket"):
        await call(sandbox, {"type": "websocket"})
