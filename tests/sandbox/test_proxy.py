"""The errors of a broken connection, measured on sockets; the in-process transport may raise only these.
A served sandbox, the proxy before it, and both HTTP libraries on both loops."""

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import httpx2
import pytest

from smsapi_async.sandbox import (
    Answer,
    Cut,
    Delay,
    Fault,
    LostAfter,
    LostBefore,
    NotConnected,
    Proxy,
    Reset,
    Sandbox,
    Stall,
)
from smsapi_async.sandbox.__main__ import DEMO, main, read

pytestmark = [pytest.mark.socket, pytest.mark.anyio]

FLASH = "/guest/flash/en"
WORDED_BY_THE_SYSTEM = {"ConnectError", "ReadError"}  # and by the event loop, each in its own way
LINE = re.compile(r"v1 (http://127\.0\.0\.1:(\d+)/v1) token (eyJ\S+) \| rent (http://127\.0\.0\.1:\d+/api) key (\w+)")


@pytest.fixture(scope="module")
def served() -> Iterator[re.Match[str]]:
    """`python -m smsapi_async.sandbox --port 0`, and the line it prints."""
    command = [sys.executable, "-m", "smsapi_async.sandbox", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = LINE.match(process.stdout.readline())
        assert line is not None
        yield line
        process.terminate()


@pytest.fixture
def port(served: re.Match[str]) -> int:
    return int(served[2])


@pytest.fixture(params=[httpx, httpx2], ids=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> Any:
    return request.param


def client(library: Any, **options: Any) -> Any:
    return library.AsyncClient(trust_env=False, timeout=library.Timeout(5, read=0.5), **options)


async def fate(http: Any, url: str) -> tuple[str, str]:
    """How a request ends: the kind and the words of its exception."""
    try:
        answer = await http.get(url)
    except (httpx.HTTPError, httpx2.HTTPError) as error:
        return type(error).__name__, str(error)
    return "answer", answer.text


async def measured(library: Any, port: int, fault: Fault) -> tuple[str, str]:
    """On sockets; the second request of a connection, so it is a kept-alive one that breaks."""
    if isinstance(fault, NotConnected):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            nobody = closed.getsockname()[1]
        async with client(library) as http:
            return await fate(http, f"http://127.0.0.1:{nobody}/v1{FLASH}")
    async with Proxy(port) as proxy, client(library) as http:
        url = f"http://127.0.0.1:{proxy.port}/v1{FLASH}"
        assert (await http.get(url, timeout=5)).text == '{"text":""}'
        proxy.fail(fault)
        return await fate(http, url)


async def in_process(library: Any, fault: Fault) -> tuple[str, str]:
    sandbox = Sandbox()
    sandbox.fail("flash", fault)
    transport = sandbox.transport() if library is httpx else sandbox.transport2()
    async with client(library, transport=transport) as http:
        return await fate(http, f"{sandbox.v1_url}{FLASH}")


@pytest.mark.parametrize(
    "fault",
    [
        LostBefore(), LostAfter(), NotConnected(), Cut(), Cut(at=0), Cut(at=3), Reset(), Reset(processed=False),
        Stall(), Stall(processed=False), Stall(seconds=0.05), Stall(seconds=0.05, processed=False),
        Delay(0.05), Delay(0.9),
    ],
)  # fmt: skip
async def test_the_in_process_transport_fails_as_a_socket_does(fault: Fault, library: Any, port: int) -> None:
    """The same class of exception and, where they are the library's own, the same words."""
    kind, words = await measured(library, port, fault)

    ours, our_words = await in_process(library, fault)

    assert ours == kind
    assert our_words == words or kind in WORDED_BY_THE_SYSTEM


async def test_a_first_request_breaks_like_a_later_one(library: Any, port: int) -> None:
    """A fresh connection that is dropped is no failure to connect: the request had left."""
    async with Proxy(port) as proxy, client(library) as http:
        proxy.fail(LostAfter())

        kind, words = await fate(http, f"http://127.0.0.1:{proxy.port}/v1{FLASH}")

    assert (kind, words) == ("RemoteProtocolError", "Server disconnected without sending a response.")


async def test_the_proxy_hands_both_apis_through(served: re.Match[str], port: int) -> None:
    """Bodies and keys too."""
    async with Proxy(port) as proxy, client(httpx) as http:
        base = f"http://127.0.0.1:{proxy.port}"
        limit = await http.post(
            f"{base}/v1/user/max-prices",
            json={"product_name": "x", "price": 1},
            headers={"Authorization": f"Bearer {served[3]}"},
        )
        balance = await http.get(f"{base}/api/getBalance.php", params={"apikey": served[5]})

    assert (limit.status_code, limit.content) == (200, b"")
    assert balance.json()["response"] == 1


async def test_a_fault_of_bytes_is_not_the_proxy_s(port: int) -> None:
    """An answer is data of the world."""
    with pytest.raises(ValueError, match="Answer"):
        Proxy(port).fail(Answer(500))


async def test_the_world_s_clock_is_the_only_one(served: re.Match[str]) -> None:
    """One `Date`, no `Server`: the real server's own are off."""
    async with client(httpx) as http:
        answer = await http.get(f"{served[1]}{FLASH}")

    assert len(answer.headers.get_list("date")) == 1
    assert "server" not in answer.headers


async def test_a_client_that_has_gone_does_not_end_the_proxy(port: int) -> None:
    """It hangs up during a stall; the next one is served."""
    async with Proxy(port) as proxy, client(httpx) as http:
        proxy.fail(Stall(0.5))
        url = f"http://127.0.0.1:{proxy.port}/v1{FLASH}"
        gone = await fate(http, url)
        await anyio.sleep(0.4)

        assert (gone[0], await fate(http, url)) == ("ReadTimeout", ("answer", '{"text":""}'))


def test_a_scenario_is_served_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt field in the file ends the program before a port is opened."""
    file = tmp_path / "scenario.json"
    file.write_text('{"balanse": 1}', encoding="utf-8")

    with pytest.raises(SystemExit, match=r"^2$"):
        main(["--scenario", str(file)])

    assert re.search(r"scenario\.json: balanse is no field of Scenario.*\n$", capsys.readouterr().err)


async def conversation(port: int, request: bytes) -> bytes:
    """All that comes back before the other side closes."""
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(request)
        answer = b""
        with anyio.fail_after(5):
            async for chunk in stream:
                answer += chunk
    return answer


@pytest.mark.parametrize("length", ["x", "-5", "1_0", ""])
async def test_a_length_that_is_no_number_ends_its_own_connection_alone(port: int, length: str) -> None:
    """The proxy goes on: one strange client must not end the test of another."""
    head = f"GET /v1{FLASH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n".encode()
    async with Proxy(port) as proxy, client(httpx) as http:
        answer = await conversation(proxy.port, head)

        assert answer.startswith(b"HTTP/1.1 400 ")
        assert await fate(http, f"http://127.0.0.1:{proxy.port}/v1{FLASH}") == ("answer", '{"text":""}')


async def pour(port: int, head: bytes) -> None:
    """A request of 600 MB."""
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(head)
        for _ in range(10_000):
            await stream.send(b" " * 65536)


@pytest.mark.parametrize("head", [b"", b"GET / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n"])
async def test_a_request_without_end_is_not_kept(port: int, head: bytes) -> None:
    """The proxy holds a message until it is whole; one that never is would fill the memory."""
    async with Proxy(port) as proxy, client(httpx) as http:
        with pytest.raises(anyio.BrokenResourceError):
            await pour(proxy.port, head)

        assert await fate(http, f"http://127.0.0.1:{proxy.port}/v1{FLASH}") == ("answer", '{"text":""}')


async def test_a_head_request_passes_the_proxy(port: int) -> None:
    """Its answer announces a length and has no body to wait for."""
    async with Proxy(port) as proxy, client(httpx) as http:
        answer = await http.head(f"http://127.0.0.1:{proxy.port}/404.html")

    assert (answer.status_code, answer.content) == (404, b"")


@pytest.mark.parametrize(
    ("fields", "plans", "rent_plans"),
    [
        ("{}", DEMO.plans, DEMO.rent_plans),
        ('{"balance": 1, "plans": {}}', {}, DEMO.rent_plans),
        ('{"rent_plans": {"7": []}}', DEMO.plans, {"7": ()}),
    ],
)
def test_a_scenario_keeps_the_codes_of_the_demo_unless_it_has_its_own(
    tmp_path: Path, fields: str, plans: Any, rent_plans: Any
) -> None:
    """A file that changes the balance alone is no wish for silence."""
    file = tmp_path / "scenario.json"
    file.write_text(fields, encoding="utf-8")

    scenario = read(file)

    assert (scenario.plans, scenario.rent_plans) == (plans, rent_plans)
