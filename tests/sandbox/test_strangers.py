"""Which requests a served sandbox answers. Its keys are public: without this, any page in a browser could drive it."""

import socket

import pytest

from smsapi_async.sandbox import Sandbox
from tests.sandbox.test_app import call
from tests.serving import Host, served

pytestmark = pytest.mark.anyio

RENT = "/api/rent/getRentNum.php"
LOCAL = ["localhost", "LocalHost:8055", "127.0.0.1", "127.0.0.1:8055", "127.9.8.7:1", "[::1]:8055", "[::1]"]
FOREIGN = [
    "evil.example", "evil.example:8055", "127.0.0.1.evil.example", "localhost.evil.example", "user@127.0.0.1",
    "192.168.0.7:8055", "0.0.0.0:8055", "[2001:db8::1]:8055", "127.0.0.1:8055:1", "[::1", "",
]  # fmt: skip


async def rent(sandbox: Sandbox, headers: list[tuple[str, str]]) -> int:
    """Send the request of a page with an image whose address rents a number. Return the status of the answer."""
    query = f"apikey={sandbox.rent_key}&country=7&days=1"
    scope = {
        "type": "http", "method": "GET", "raw_path": RENT.encode(), "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }  # fmt: skip
    sent = await call(sandbox, scope, {"type": "http.request"})
    status: int = sent[0]["status"]
    return status


@pytest.mark.parametrize("host", LOCAL)
async def test_a_program_on_this_machine_is_answered(sandbox: Sandbox, host: str) -> None:
    """Every name that this machine alone has."""
    assert await rent(sandbox, [("Host", host)]) == 200
    assert len(sandbox.ledger.rents) == 1


@pytest.mark.parametrize("host", FOREIGN)
async def test_another_name_of_this_machine_is_refused(sandbox: Sandbox, host: str) -> None:
    """DNS rebinding: a page's own name leads to 127.0.0.1, and the browser takes the sandbox for the page's site."""
    assert await rent(sandbox, [("Host", host)]) == 403
    assert (sandbox.ledger.rents, sandbox.requests) == ([], [])


@pytest.mark.parametrize("hosts", [[], ["localhost", "evil.example"]])
async def test_a_request_without_one_host_is_refused(sandbox: Sandbox, hosts: list[str]) -> None:
    """A name that is missing or doubtful is no name of this machine."""
    assert await rent(sandbox, [("Host", host) for host in hosts]) == 403


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example", "file://localhost"]
)
async def test_a_page_of_another_site_is_refused(sandbox: Sandbox, origin: str) -> None:
    """It could not read the answer, but the number would be bought."""
    assert await rent(sandbox, [("Host", "127.0.0.1:8055"), ("Origin", origin)]) == 403
    assert sandbox.ledger.rents == []


async def test_an_image_of_another_site_is_refused(sandbox: Sandbox) -> None:
    """An image, a form and a link carry no `Origin`; the browser marks them in its own way."""
    assert await rent(sandbox, [("Host", "127.0.0.1:8055"), ("Sec-Fetch-Site", "cross-site")]) == 403
    assert sandbox.ledger.rents == []


@pytest.mark.parametrize(
    "header",
    [("Origin", "http://localhost:3000"), ("Origin", "https://127.0.0.1"), ("Sec-Fetch-Site", "same-origin")],
)
async def test_a_page_of_this_machine_is_answered(sandbox: Sandbox, header: tuple[str, str]) -> None:
    """The developer's own page, served from another port."""
    assert await rent(sandbox, [("Host", "127.0.0.1:8055"), header]) == 200


async def test_a_page_of_this_machine_may_ask_across_its_names(sandbox: Sandbox) -> None:
    """`localhost` and 127.0.0.1 are two sites to a browser; the origin decides."""
    headers = [("Host", "127.0.0.1:8055"), ("Origin", "http://localhost:3000"), ("Sec-Fetch-Site", "cross-site")]

    assert await rent(sandbox, headers) == 200


async def test_a_body_without_end_is_refused(sandbox: Sandbox) -> None:
    """A body is read no further than either API could need."""
    scope = {
        "type": "http", "method": "POST", "raw_path": b"/v1/vendor/withdraw", "query_string": b"",
        "headers": [(b"host", b"localhost")],
    }  # fmt: skip
    pieces = [{"type": "http.request", "body": b" " * 40_000, "more_body": True}] * 9

    sent = await call(sandbox, scope, *pieces)

    assert sent[0]["status"] == 413
    assert sandbox.requests == []


@pytest.mark.socket
def test_a_server_answers_a_large_body_and_closes() -> None:
    """The next bytes on this connection would be the rest of the body."""
    head = "POST /v1/vendor/withdraw HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300000\r\n\r\n"
    with served(Host()) as port, socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(head.encode() + b" " * 100_000)
        answer = connection.makefile("rb").read()

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer
