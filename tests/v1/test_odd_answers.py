"""Answers with one bad field, a gateway's pages, malformed clocks: no code, no order and no refund is lost by them."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio
import httpx
import pytest

from smsapi_async import AsyncClient, LowRatingError
from smsapi_async.sandbox import Answer, Delivery, Mangle, Sandbox
from smsapi_async.testing import open_client
from tests.answers import answering, parsed, written
from tests.opening import buy, second, status

pytestmark = pytest.mark.usefixtures("steady")

CODE = Delivery(20, "Telegram code 04217", "04217")
PAGE = "<html><head><title>{0}</title></head><body>nginx</body></html>"
ORDER = parsed("v1/seed_check_received.json")
SMS = ORDER["sms"][0]

Spoil = Callable[[dict[str, Any]], str]


def with_sms(change: Callable[[list[str]], str]) -> Spoil:
    """The order with its messages changed, each of them as JSON."""
    return lambda order: written(order, "sms", change([json.dumps(sms) for sms in order["sms"] or ()]))


def field_of_sms(name: str, value: str) -> Spoil:
    return lambda order: written(order, "sms", f"[{','.join(written(sms, name, value) for sms in order['sms'] or ())}]")


SPOILED: dict[str, Spoil] = {
    "price 1e999": lambda order: written(order, "price", "1e999"),
    "price with a comma": lambda order: written(order, "price", '"0,32"'),
    "price NaN": lambda order: written(order, "price", "NaN"),
    "expires soon": lambda order: written(order, "expires", '"soon"'),
    "a null in sms": with_sms(lambda sms: f"[{','.join(['null', *sms])}]"),
    "a number in sms": with_sms(lambda sms: f"[{','.join([*sms, '5'])}]"),
    "a bad date": field_of_sms("date", '"noon"'),
    "two bad dates": lambda order: field_of_sms("created_at", '"noon"')(json.loads(field_of_sms("date", "{}")(order))),
    "a list as text": field_of_sms("text", "[]"),
    "a word as id": field_of_sms("id", '"first"'),
}


def spoiling(spoil: Spoil) -> Mangle:
    """The order, or every row of the page, with its one bad field."""

    def change(body: bytes) -> bytes:
        raw = json.loads(body)
        if "Data" not in raw:
            return spoil(raw).encode()
        return written(raw, "Data", f"[{','.join(map(spoil, raw['Data'] or ()))}]").encode()

    return Mangle(change)


def orders_asked(request: Any) -> bool:
    return "/user/check/" in request.line or "/user/orders" in request.line


@pytest.mark.parametrize("waits", [1, 6])
@pytest.mark.parametrize("name", SPOILED)
async def test_a_code_is_handed_over_whatever_else_is_broken(
    sandbox: Sandbox, client: AsyncClient, name: str, waits: int
) -> None:
    """Withheld until the end of the order, the code would be of no use, and the order paid."""
    sandbox.fail(orders_asked, spoiling(SPOILED[name]), times=10_000)
    orders = [await buy(client, sandbox, CODE) for _ in range(waits)]
    codes: list[str] = []

    async def wait(order_id: int) -> None:
        codes.append(await client.await_code(order_id))

    async with anyio.create_task_group() as group:
        for order_id in orders:
            group.start_soon(wait, order_id)

    assert codes == ["04217"] * waits
    assert second() <= 30
    await client.aclose()
    assert {status(sandbox, order_id) for order_id in orders} == {"FINISHED"}


BAD_ROWS: dict[str, tuple[Spoil, int]] = {
    "price": (lambda order: written(order, "price", "1e999"), 3),
    "created_at": (lambda order: written(order, "created_at", "{}"), 3),
    "id": (lambda order: written(order, "id", '"first"'), 2),
}


@pytest.mark.parametrize("name", BAD_ROWS)
async def test_one_bad_row_ends_no_walk_through_the_open_orders(
    sandbox: Sandbox, client: AsyncClient, name: str
) -> None:
    """An order that a crash left open must be found; a row without a readable id costs that row only."""
    sandbox.page_cap = 2
    orders = [await buy(client) for _ in range(3)]
    spoil, found = BAD_ROWS[name]
    bad = orders[1]
    sandbox.fail(
        "category=activation",
        spoiling(lambda order: spoil(order) if order["id"] == bad else json.dumps(order)),
        times=99,
    )

    left = [order.id async for order in client.iter_open_orders()]
    rows = client.v1.iter_orders("activation")
    walked = [row.id async for row in rows]

    assert left == walked == [order_id for order_id in reversed(orders) if found == 3 or order_id != bad]
    assert rows.unread == 3 - found


async def test_a_lost_purchase_is_found_behind_a_row_with_a_bad_field(sandbox: Sandbox, client: AsyncClient) -> None:
    """Without its row the purchase would be unknown, and without candidates."""
    sandbox.fail("user/orders", spoiling(SPOILED["price 1e999"]), times=99)
    sandbox.lose_next_reply()

    order = await client.v1.buy_activation("telegram", country="russia")

    assert [order.id] == list(sandbox.world.orders)
    assert order.price is None


async def test_a_page_without_a_readable_id_is_passed_over(sandbox: Sandbox, client: AsyncClient) -> None:
    """It is neither the end of the list nor an empty one, and nothing says that it is too old."""
    sandbox.page_cap = 2
    orders = [await buy(client) for _ in range(6)]
    spoil, _ = BAD_ROWS["id"]
    bad = orders[2:4]
    for reverse in (True, False):
        sandbox.reverse_is_empty = not reverse
        sandbox.fail(
            "category=activation",
            spoiling(lambda order: spoil(order) if order["id"] in bad else json.dumps(order)),
            times=5 if reverse else 9,
        )

        assert [order.id async for order in client.iter_open_orders()] == [*orders[:3:-1], *orders[1::-1]]


async def test_a_provider_that_ignores_the_offset_ends_the_walk_forward_too() -> None:
    """Also where no row of its page has a readable id."""
    pages: list[list[dict[str, Any]]] = [[{"id": 2}, {"id": 1}], [{"id": "x"}]]
    for rows in pages:
        answers = [{"Data": [], "Total": 9}, *[{"Data": rows, "Total": 9}] * 9]

        def answer(request: httpx.Request, answers: list[Any]) -> httpx.Response:
            return httpx.Response(200, json=answers.pop(0))

        transport = httpx.MockTransport(partial(answer, answers=answers))
        async with httpx.AsyncClient(transport=transport) as http:
            client = AsyncClient("x" * 20, v1_url="http://provider.test/v1", http_client=http)
            found = [order.id async for order in client.v1.iter_orders("activation")]
            await client.aclose()

        assert found == [row["id"] for row in reversed(rows) if row["id"] != "x"]
        assert len(answers) >= 6


# -- a gateway's pages ----------------------------------------------------------------------------------------------


async def test_a_gateway_s_503_for_3_s_does_not_stop_the_looks(sandbox: Sandbox, client: AsyncClient) -> None:
    """Taken for four hits of the limit it would delay every code by ten minutes."""
    orders = [await buy(client, sandbox, CODE) for _ in range(6)]
    sandbox.fail(lambda request: 4 < anyio.current_time() < 7, Answer(503, PAGE.format(503), "text/html"), times=10_000)

    async with anyio.create_task_group() as group:
        for order_id in orders:
            group.start_soon(client.await_code, order_id)

    assert second() <= 40
    assert sandbox.count("GET /v1/user/") > 20


NO_ANSWERS = {
    "404": Answer(404, PAGE.format(404), "text/html"),
    "404 in words": Answer(404, "404 page not found"),
    "redirect": Answer(302, '<a href="/404.html">Found</a>.', "text/html", headers=(("location", "/404.html"),)),
    "403": Answer(403, PAGE.format(403), "text/html"),
}


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("name", NO_ANSWERS)
async def test_an_order_is_settled_although_a_gateway_knows_no_such_page(
    sandbox: Sandbox, client: AsyncClient, name: str, times: int
) -> None:
    """Taken for `order not found` it would count as settled, stay open, and be paid."""
    order = await client.v1.buy_activation("telegram", country="russia")
    sandbox.fail("/v1/user/", NO_ANSWERS[name], times=times)

    async with client.resume(order):
        pass

    assert status(sandbox, order.id) == "CANCELED"
    assert client.unsettled == ()


@pytest.mark.parametrize("name", NO_ANSWERS)
async def test_a_gateway_that_knows_no_such_page_ends_no_wait(sandbox: Sandbox, client: AsyncClient, name: str) -> None:
    """Its order is open, and the code comes later."""
    order_id = await buy(client, sandbox, CODE)
    sandbox.fail("/v1/user/", NO_ANSWERS[name], times=4)

    assert await client.await_code(order_id) == "04217"
    assert status(sandbox, order_id) == "FINISHED"


# -- malformed clocks ------------------------------------------------------------------------------------------------

DATES = (
    "Thu, 01 Jan 99999999999 12:00:00 GMT",
    "Thu, 01 Jan 2026 12:00:00 +99999999999",
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Fri, 31 Dec 9999 23:59:59 -2359",
)


@pytest.mark.parametrize("date", DATES)
async def test_a_malformed_date_breaks_no_purchase(sandbox: Sandbox, date: str) -> None:
    """It is read before anything else of the answer; an error there would leave the order unregistered."""

    class Misdated(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await sandbox.transport().handle_async_request(request)
            response.headers["Date"] = date
            return response

    async with open_client(sandbox, transport=Misdated()) as client:
        order_id = await buy(client, sandbox, CODE)
        assert await client.await_code(order_id) == "04217"


@pytest.mark.parametrize("date", DATES)
async def test_a_malformed_date_breaks_no_refusal(date: str) -> None:
    """A day is added to it where the rating is too low."""
    async with answering("not enough rating", 400, date=date) as (client, _):
        with pytest.raises(LowRatingError) as caught:
            await client.v1.buy_activation("telegram")

    assert caught.value.possible_at is None


# -- which message is the newest ------------------------------------------------------------------------------------

TIMES = ("date", "created_at")
UNTIMED: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
    "the last": ([SMS, {"code": "2"}], ["09363", "2"]),
    "the last, its times null": ([SMS, {"code": "2", "date": None, "created_at": None}], ["09363", "2"]),
    "the last, its times unreadable": ([SMS, {"code": "2", "date": "noon", "created_at": {}}], ["09363", "2"]),
    "the first": ([{"code": "2"}, SMS], ["2", "09363"]),
    "between": (
        [{"code": "3", "date": "2026-01-01T00:00:03Z"}, {"code": "x"}, {"code": "1", "date": "2026-01-01T00:00:01Z"}],
        ["1", "3", "x"],
    ),
    "all": ([{"code": "1"}, {"code": "2"}, {"code": "3"}], ["1", "2", "3"]),
    "equal times": ([{**SMS, "code": "1"}, {**SMS, "code": "2"}], ["1", "2"]),
}


@pytest.mark.parametrize("name", UNTIMED)
async def test_a_message_without_times_is_as_new_as_the_one_before_it(name: str) -> None:
    """The newest code is what the order is for: taken for the oldest, it would be superseded by the one before."""
    rows, codes = UNTIMED[name]
    async with answering({**ORDER, "sms": rows}) as (client, _):
        order = await client.v1.check(ORDER["id"])

    assert [sms.code for sms in order.sms] == codes
    assert order.code == codes[-1]
