"""Clock, counts and faults as the tests of others will use them, in process, on both loops and both HTTP libraries."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import anyio
import httpx
import httpx2
import pytest

from smsapi_async.sandbox import (
    API_LIMIT,
    BAD_GATEWAY,
    INTERNAL_ERROR_AFTER,
    MAINTENANCE,
    TOO_MANY_REQUESTS,
    Answer,
    Chunked,
    Cut,
    Delay,
    Delivery,
    Fault,
    LostAfter,
    LostBefore,
    Mangle,
    NotConnected,
    Request,
    Reset,
    Sandbox,
    Scenario,
    Stall,
    literal,
)  # fmt: skip
from tests.sandbox.asking import asker

pytestmark = pytest.mark.anyio

BUY = "/user/buy/activation/russia/any/telegram"


@pytest.fixture(params=[httpx, httpx2], ids=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def opened(library: Any, sandbox: Sandbox) -> Callable[..., Any]:
    """A client of either library, not yet entered."""
    transport = sandbox.transport() if library is httpx else sandbox.transport2()

    def open_(base_url: str = sandbox.v1_url, key: str = sandbox.token, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {key}"}
        return library.AsyncClient(transport=transport, base_url=base_url, headers=headers, **options)

    return open_


@pytest.mark.parametrize("fault", [None, API_LIMIT, Cut(), Delay(1)])
async def test_head_has_no_body_whatever_meets_it(
    fault: Fault | None, sandbox: Sandbox, opened: Callable[..., Any]
) -> None:
    """The length that it announces is of the body it leaves out, so nothing is cut off."""
    if fault:
        sandbox.fail("HEAD /v1/guest/countries", fault)

    async with opened() as http:
        answer = await http.head("/guest/countries")

    assert (answer.content, int(answer.headers["content-length"]) > 0) == (b"", True)


async def test_both_apis_answer_over_a_client(sandbox: Sandbox, opened: Callable[..., Any]) -> None:
    """The same world behind two addresses; a body travels too."""
    async with opened() as v1, opened(sandbox.rent_url, sandbox.rent_key) as rent:
        bought, limit = await v1.get(BUY), await v1.post("/user/max-prices", json={"product_name": "x", "price": 1})
        hired = await rent.get("/rent/getRentNum.php", params={"country": 7, "days": 1})

    assert bought.json()["id"] == sandbox.ledger.purchases[0]
    assert hired.json()["item"]["tzid"] == sandbox.ledger.rents[0]
    assert limit.status_code == 200


async def test_time_is_the_loop_s(opened: Callable[..., Any], sandbox: Sandbox) -> None:
    """An SMS planned for five seconds later is there after five seconds, not before."""
    async with opened() as http:
        order = (await http.get(BUY)).json()["id"]
        sandbox.world.receive(order, text="code 1234", code="1234", after=5)

        await anyio.sleep(4.9)
        before = len(sandbox.world.orders[order].sms)
        await anyio.sleep(0.1)

    assert (before, len(sandbox.world.orders[order].sms)) == (0, 1)
    assert sandbox.now() == datetime(2026, 1, 1, 12, 0, 5, tzinfo=UTC)


async def test_requests_are_counted_and_timed(opened: Callable[..., Any], sandbox: Sandbox) -> None:
    """By the loop's clock, so a rhythm can be asserted to the second."""
    async with opened() as http:
        start = anyio.current_time()
        await http.get(BUY)
        await anyio.sleep(3)
        await http.get("/user/check/1")

    assert sandbox.requests == [f"GET /v1{BUY}", "GET /v1/user/check/1"]
    assert sandbox.count("GET /v1/user/buy/") == 1
    assert [entry.at - start for entry in sandbox.log] == [0, 3]
    assert sandbox.token not in repr(sandbox.log)


FATES: list[tuple[Fault, str, int]] = [
    (LostBefore(), "RemoteProtocolError", 0),
    (LostAfter(), "RemoteProtocolError", 1),
    (NotConnected(), "ConnectError", 0),
    (Cut(), "RemoteProtocolError", 1),
    (Cut(at=0), "RemoteProtocolError", 1),
    (Reset(), "ReadError", 1),
    (Reset(processed=False), "ReadError", 0),
    (Stall(), "ReadTimeout", 1),
    (Stall(processed=False), "ReadTimeout", 0),
    (Stall(seconds=60), "ReadTimeout", 1),
    (Delay(60), "ReadTimeout", 1),
]


@pytest.mark.parametrize("fate", FATES)
async def test_a_broken_exchange_raises_what_the_network_would(
    fate: tuple[Fault, str, int], library: Any, opened: Callable[..., Any], sandbox: Sandbox
) -> None:
    """The exception is the library's own, and the world knows whether money was spent."""
    fault, kind, bought = fate
    sandbox.fail("user/buy", fault)

    async with opened(timeout=30) as http:
        with pytest.raises(getattr(library, kind)) as caught:
            await http.get(BUY)

    assert type(caught.value) is getattr(library, kind)
    assert caught.value.request.url.path == f"/v1{BUY}"
    assert len(sandbox.ledger.purchases) == bought
    assert sandbox.count("GET ") == (0 if kind == "ConnectError" else 1)


@pytest.mark.parametrize("fault", [Stall(5), Stall(5, processed=False), Delay(5)])
async def test_a_slow_answer_is_whole(fault: Fault, opened: Callable[..., Any], sandbox: Sandbox) -> None:
    """It takes its seconds, and no longer."""
    sandbox.fail("user/buy", fault)
    start = anyio.current_time()

    async with opened(timeout=None) as http:
        answer = await http.get(BUY)

    assert answer.json()["id"] in sandbox.ledger.purchases
    assert anyio.current_time() - start == pytest.approx(5)


async def test_without_a_timeout_a_stall_waits_until_cancelled(opened: Callable[..., Any], sandbox: Sandbox) -> None:
    """The caller's cancel scope is the only end; what was processed stays bought."""
    sandbox.fail("user/buy", Stall())

    async with opened(timeout=None) as http:
        with anyio.move_on_after(100) as scope:
            await http.get(BUY)

    assert scope.cancelled_caught
    assert len(sandbox.ledger.purchases) == 1


async def test_the_next_spending_reply_is_lost(library: Any, opened: Callable[..., Any], sandbox: Sandbox) -> None:
    """A read before it is spared, a purchase after it too."""
    sandbox.lose_next_reply()

    async with opened() as http:
        await http.get("/user/profile")
        with pytest.raises(library.RemoteProtocolError):
            await http.get(BUY)
        await http.get(BUY)

    assert len(sandbox.ledger.purchases) == 2


async def test_a_chunked_body_arrives_piece_by_piece(opened: Callable[..., Any], sandbox: Sandbox) -> None:
    """A reader sees several chunks, no length, and the time that passes between them."""
    sandbox.fail("flash", Chunked(size=5, pause=2.0))

    async with opened() as http, http.stream("GET", "/guest/flash/en") as answer:
        chunks = [chunk async for chunk in answer.aiter_raw()]

    assert chunks == [b'{"tex', b't":""', b"}"]
    assert "content-length" not in answer.headers
    assert anyio.current_time() == 4


async def test_a_chunked_body_may_arrive_at_once(opened: Callable[..., Any], sandbox: Sandbox) -> None:
    """It has no length all the same."""
    sandbox.fail("flash", Chunked(size=5))

    async with opened() as http:
        answer = await http.get("/guest/flash/en")

    assert answer.text == '{"text":""}'
    assert "content-length" not in answer.headers
    assert anyio.current_time() == 0


async def test_a_body_that_drips_too_slowly_ends_the_reader_s_patience(
    library: Any, opened: Callable[..., Any], sandbox: Sandbox
) -> None:
    """Each chunk has the reader's timeout; the request was processed all the same."""
    sandbox.fail("user/buy", Chunked(pause=9.0))

    async with opened(timeout=5) as http:
        with pytest.raises(library.ReadTimeout):
            await http.get(BUY)

    assert anyio.current_time() == 5
    assert len(sandbox.ledger.purchases) == 1


async def test_a_fault_may_choose_its_request_by_a_function(opened: Callable[..., Any], sandbox: Sandbox) -> None:
    """A function may know things that the request line does not show, such as the task that sends it."""
    sandbox.fail(lambda request: request.query.get("reverse") == "true", API_LIMIT)

    async with opened() as http:
        statuses = [
            (await http.get("/user/payments", params={"order": "id", "reverse": reverse})).status_code
            for reverse in ("false", "true")
        ]

    assert statuses == [200, 429]


async def test_faults_wait_for_their_request(opened: Callable[..., Any], sandbox: Sandbox) -> None:
    """The first two checks pass, two fail, the rest pass; a second rule is not used up meanwhile."""
    sandbox.fail("user/check", TOO_MANY_REQUESTS, times=2, after=2)
    sandbox.fail("profile", BAD_GATEWAY)

    async with opened() as http:
        statuses = [(await http.get("/user/check/1")).status_code for _ in range(6)]
        gateway = await http.get("/user/profile")

    assert statuses == [404, 404, 429, 429, 404, 404]
    assert (gateway.status_code, gateway.headers["content-type"]) == (502, "text/html; charset=utf-8")


@pytest.mark.parametrize(
    ("fault", "status", "bought"),
    [(MAINTENANCE, 200, 0), (INTERNAL_ERROR_AFTER, 500, 1), (Answer(302, b"", headers=(("location", "/x"),)), 302, 0)],
)
async def test_another_answer_may_hide_a_purchase(
    fault: Answer, status: int, bought: int, opened: Callable[..., Any], sandbox: Sandbox
) -> None:
    """A 500 says nothing about the money."""
    sandbox.fail("user/buy", fault)

    async with opened() as http:
        answer = await http.get(BUY)

    assert (answer.status_code, len(sandbox.ledger.purchases)) == (status, bought)
    assert "date" in answer.headers


# Both libraries drop their own generators unclosed when a body cannot be decoded; trio says so.
@pytest.mark.filterwarnings("ignore:Async generator.*garbage collected:ResourceWarning")
@pytest.mark.filterwarnings("ignore:Exception ignored in. <async_generator:pytest.PytestUnraisableExceptionWarning")
async def test_a_body_may_be_mangled(library: Any, opened: Callable[..., Any], sandbox: Sandbox) -> None:
    """A function changes the body, or a name says how it is spoiled."""
    for change in (bytes.upper, "gzip", "charset", "content type", "bad gzip"):
        sandbox.fail("guest/flash", Mangle(change))

    async with opened() as http:
        upper, gzipped, charset, html = [await http.get("/guest/flash/en") for _ in range(4)]
        with pytest.raises(library.DecodingError):
            await http.get("/guest/flash/en")

    assert upper.text == '{"TEXT":""}'
    assert gzipped.json() == {"text": ""}
    assert charset.content == '{"text":""}'.encode("utf-16")
    assert html.headers["content-type"].startswith("text/html")


async def test_only_the_sandbox_s_host_exists(library: Any, opened: Callable[..., Any]) -> None:
    """A key sent elsewhere is a failed connection, not an answer."""
    async with opened() as http:
        with pytest.raises(library.ConnectError):
            await http.get("https://5sim.net/v1/user/profile")


def test_the_clock_of_the_provider_may_differ() -> None:
    """`Date`, `created_at` and `expires` move together; the world does not."""
    ask = asker(timestamp_digits=0)
    ask.sandbox.clock_skew = timedelta(minutes=-7)

    response = ask.v1(f"user/check/{ask.buy()}")

    assert parsedate_to_datetime(response.headers["date"]) == ask.now - timedelta(minutes=7)
    assert b'"created_at":"2026-01-01T11:53:00Z"' in response.body
    assert ask.world.now == ask.now


def test_outside_a_loop_time_stands_still() -> None:
    """The world's last instant, so a pure test may look at it."""
    ask = asker()
    ask.later(60)

    ask.v1("user/profile")

    assert ask.sandbox.now() == ask.now
    assert ask.sandbox.log[0].at == 60


def test_the_pure_face_knows_answers_only() -> None:
    """Other faults need a connection to break."""
    ask = asker()
    ask.sandbox.fail("user/buy", INTERNAL_ERROR_AFTER)
    ask.sandbox.fail("user/buy", LostBefore())

    assert ask.v1_text(f"{BUY[1:]}") == (500, "internal error")
    assert ask.v1(f"{BUY[1:]}").status == 200
    assert len(ask.ledger.purchases) == 2


def test_a_rent_literal_may_hide_a_purchase() -> None:
    """`TRY_AGAIN_LATER` after a spend: unknown."""
    ask = asker()
    ask.sandbox.fail("getRentNum", literal("TRY_AGAIN_LATER", processed=True))

    answer = ask.rent_json("rent/getRentNum.php?country=7&days=1")

    assert answer == {"response": "TRY_AGAIN_LATER"}
    assert len(ask.ledger.rents) == 1


def test_too_many_requests_in_a_second_are_refused_and_the_fifth_hit_bans() -> None:
    """Ten minutes, then quiet restores all."""
    ask = asker(requests_per_second=2)

    burst = [ask.v1("user/profile").status for _ in range(7)]
    ask.later(599)
    banned = ask.v1("user/profile").status
    ask.later(1)

    assert burst == [200, 200, 429, 429, 429, 429, 429]
    assert (banned, ask.v1("user/profile").status) == (429, 200)


def test_hits_far_apart_bring_no_ban() -> None:
    """Five in ten minutes, not five ever."""
    ask = asker(requests_per_second=1)

    hits = []
    for _ in range(6):
        ask.v1("user/profile")
        hits.append(ask.v1("user/profile").status)
        ask.later(300)

    assert (hits, ask.v1("user/profile").status) == ([429] * 6, 200)


def test_the_rent_api_says_too_fast_with_its_own_word() -> None:
    """The rent API never bans."""
    ask = asker(rent_requests_per_second=1)

    answers = [ask.rent_json("getBalance.php")["response"] for _ in range(8)]
    ask.later(1)

    assert answers == [1, *["INTERVAL_CONCURRENT_REQUESTS_ERROR"] * 7]
    assert ask.rent_json("getBalance.php")["response"] == 1


def test_a_sandbox_tells_no_keys_by_itself() -> None:
    """Its repr ends in logs of failing tests."""
    sandbox = Sandbox(scenario=Scenario(plans={"telegram": [[Delivery(1, "x")]]}))

    assert sandbox.token not in repr(sandbox)
    assert sandbox.rent_key not in repr(sandbox)
    assert sandbox.handle(Request("GET", "/v1/user/profile"), sandbox.start).status == 401
