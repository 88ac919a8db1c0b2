"""Lists walked page by page: each row once, newest first, also with a wrong number of rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio
import httpx
import pytest

from smsapi_async import AsyncClient, Pace, UnreadableReplyError
from smsapi_async.sandbox import Sandbox, Scenario
from smsapi_async.v1 import _pagination
from tests.answers import answering


@asynccontextmanager
async def client_of(sandbox: Sandbox) -> AsyncIterator[AsyncClient]:
    async with (
        httpx.AsyncClient(transport=sandbox.transport()) as http,
        AsyncClient(sandbox.token, v1_url=sandbox.v1_url, http_client=http) as client,
    ):
        yield client


async def buy(client: AsyncClient, count: int, product: str = "amazon") -> list[int]:
    """The ids, newest first."""
    return [(await client.v1.buy_activation(product)).id for _ in range(count)][::-1]


async def ids_of(rows: Any) -> list[int]:
    return [row.id async for row in rows]


def offsets(sandbox: Sandbox, path: str = "/v1/user/orders") -> list[int]:
    """The offsets asked for, in order."""
    found = []
    for line in sandbox.requests:
        url = urlsplit(line.partition(" ")[2])
        if url.path == path:
            found.append(int(parse_qs(url.query)["offset"][0]))
    return found


async def test_pages_are_asked_until_a_short_one(sandbox: Sandbox, client: AsyncClient):
    """A hundred rows are asked for; the provider chooses the length of a page, and its first page shows it."""
    sandbox.page_cap = 10
    bought = await buy(client, 25)

    found = await ids_of(client.v1.iter_orders("activation"))

    assert found == bought
    assert offsets(sandbox) == [0, 10, 20]
    assert sandbox.requests[-1] == ("GET /v1/user/orders?category=activation&limit=100&offset=20&order=id&reverse=true")


async def test_a_full_last_page_is_followed_by_an_empty_one(sandbox: Sandbox, client: AsyncClient):
    """Only the next page shows if a full page was the last."""
    sandbox.page_cap = 10
    bought = await buy(client, 20)

    assert await ids_of(client.v1.iter_orders("activation")) == bought
    assert offsets(sandbox) == [0, 10, 20]


@pytest.mark.parametrize("total", [0, 3, 999_999])
async def test_total_is_not_trusted(total: int):
    """Trap 12: 3 with one row, 999999 with five."""
    sandbox = Sandbox(scenario=Scenario(total=total), page_cap=2)
    async with client_of(sandbox) as client:
        bought = await buy(client, 5)

        assert await ids_of(client.v1.iter_orders("activation")) == bought
        assert offsets(sandbox) == [0, 2, 4]


@pytest.mark.parametrize("more", [1, 3, 10, 11, 25], ids=lambda more: f"{more} new rows")
async def test_each_row_comes_once_although_new_rows_push_it_down(more: int, sandbox: Sandbox, client: AsyncClient):
    """Ten new rows with pages of ten show the very page just read: no proof that the provider ignores the offset."""
    sandbox.page_cap = 10
    bought = await buy(client, 25)
    rows = client.v1.iter_orders("activation")

    found = [(await anext(rows)).id for _ in range(10)]
    new = await buy(client, more)
    found += await ids_of(rows)

    assert len(found) == len(set(found))
    assert [row for row in found if row not in new] == bought


async def test_a_provider_that_ignores_the_offset_ends_the_walk():
    """The same page again and again is not a list without end."""
    page = {"Data": [{"id": 3}, {"id": 2}, {"id": 1}], "Total": 999}
    async with answering(page) as (client, provider):
        assert await ids_of(client.v1.iter_orders("activation")) == [3, 2, 1]

    assert len(provider.asked) == 3


async def test_a_reversed_list_that_comes_empty_is_read_forward(sandbox: Sandbox, client: AsyncClient):
    """One client met it: an empty page and a Total of 1. Newest first all the same."""
    sandbox.page_cap = 10
    bought = await buy(client, 25)
    sandbox.reverse_is_empty = True

    assert await ids_of(client.v1.iter_orders("activation")) == bought
    assert "reverse=false" in sandbox.requests[-1]


@pytest.mark.parametrize(
    ("total", "requests"), [({"Total": 0}, 1), ({}, 2), ({"Total": None}, 2), ({"Total": 5}, 2)], ids=str
)
async def test_an_empty_list_is_empty(total: dict[str, Any], requests: int):
    """Only a Total of 0 beside it spares the second look."""
    async with answering({"Data": [], **total}) as (client, provider):
        assert await ids_of(client.v1.iter_orders("hosting")) == []

    assert len(provider.asked) == requests


async def test_nothing_is_asked_before_the_first_row_is(sandbox: Sandbox, client: AsyncClient):
    """An iterator that is made and not used costs nothing; one that is left early asks for no more."""
    sandbox.page_cap = 2
    await buy(client, 6)
    rows = client.v1.iter_orders("activation")

    assert offsets(sandbox) == []
    await anext(rows)
    await anext(rows)
    assert offsets(sandbox) == [0]
    assert aiter(rows) is rows


async def test_payments_are_walked_the_same_way(sandbox: Sandbox, client: AsyncClient):
    """The book of the account."""
    sandbox.page_cap = 2
    await buy(client, 4)

    found = [payment async for payment in client.v1.iter_payments()]

    assert [payment.type for payment in found] == ["buy", "buy", "buy", "buy", "charge"]
    assert offsets(sandbox, "/v1/user/payments") == [0, 2, 4]


VENDOR: dict[str, Callable[[AsyncClient], Any]] = {
    "vendor/orders?category=hosting&": lambda client: client.v1.iter_vendor_orders("hosting"),
    "vendor/payments?": lambda client: client.v1.iter_vendor_payments(),
}


@pytest.mark.parametrize("path", VENDOR)
async def test_the_lists_of_a_vendor_are_walked_the_same_way(path: str):
    """With their own paths; an error names the call."""
    page = {"Data": [{"id": 7, "ID": 7}]}
    async with answering(page) as (client, provider):
        assert await ids_of(VENDOR[path](client)) == [7]

    assert provider.lines[0] == f"GET /v1/{path}limit=100&offset=0&order=id&reverse=true"


async def test_open_orders_are_found_without_reading_the_whole_history(sandbox: Sandbox, client: AsyncClient):
    """The orders that a crash left open: newest first, activations, then hosting, closed ones passed over."""
    sandbox.page_cap = 2
    old = await buy(client, 4)
    sandbox.world.advance(sandbox.now() + timedelta(hours=2))
    hosting = await client.v1.buy_hosting("1day")
    *_, cancelled, fresh = [(await client.v1.buy_activation("amazon")).id for _ in range(3)]
    await client.v1.cancel(cancelled)
    before = len(sandbox.requests)

    found = await ids_of(client.iter_open_orders())

    assert found == [fresh, cancelled - 13, hosting.id]
    assert [line.partition("&")[0].rpartition("?")[2] for line in sandbox.requests[before:]] == [
        "category=activation", "category=activation", "category=activation", "category=hosting", "category=hosting",
    ]  # fmt: skip
    assert old[0] not in found


@pytest.mark.parametrize(
    ("max_age", "requests"), [(None, 4), (timedelta(hours=4), 4), (timedelta(hours=2), 3)], ids=str
)
async def test_max_age_says_how_far_back_open_orders_are_looked_for(
    max_age: timedelta | None, requests: int, sandbox: Sandbox, client: AsyncClient
):
    """Until a whole page is older: without it an hour of activations, 31 days of hosting orders."""
    sandbox.page_cap = 1
    old = await client.v1.buy_hosting("1day")
    sandbox.world.advance(sandbox.now() + timedelta(hours=3))
    new = await client.v1.buy_hosting("1day")
    before = len(sandbox.requests)

    assert await ids_of(client.iter_open_orders(max_age=max_age)) == [new.id, old.id]
    assert len(sandbox.requests) == before + requests


async def test_a_page_without_a_date_is_held_against_our_own_clock():
    """A proxy may drop the header; rows without a time are never too old."""
    rows = [{"id": 2, "status": "PENDING"}, {"id": 1, "status": "PENDING", "created_at": "2001-01-01T00:00:00Z"}]
    async with answering({"Data": rows}) as (client, provider):
        assert await ids_of(client.iter_open_orders()) == [2, 1, 2, 1]

    assert len(provider.asked) == 6


@pytest.mark.parametrize("page_cap", [None, 7])
async def test_a_list_that_ignores_reverse_is_read_to_its_end(page_cap: int | None, sandbox: Sandbox):
    """Its first page shows the oldest rows: taken for the newest, they would end the walk, or hide a lost purchase."""
    transport = Unreversed(sandbox)
    sandbox.page_cap = page_cap
    async with (
        httpx.AsyncClient(transport=transport) as http,
        AsyncClient(sandbox.token, v1_url=sandbox.v1_url, http_client=http) as client,
    ):
        old = await buy(client, 20)
        await anyio.sleep(7200)
        new = await buy(client, 5)

        assert [order.id async for order in client.iter_open_orders()] == new
        assert await ids_of(client.v1.iter_orders("activation")) == new + old


class Unreversed(httpx.AsyncBaseTransport):
    """The sandbox behind something that drops `reverse`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._inner = sandbox.transport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_remove_param("reverse")
        return await self._inner.handle_async_request(request)


# -- lists without an end ---------------------------------------------------------------------------------------------

ITERATORS: dict[str, Callable[[AsyncClient], Any]] = {
    "v1.orders": lambda client: client.v1.iter_orders("activation"),
    "v1.payments": lambda client: client.v1.iter_payments(),
    "v1.vendor_orders": lambda client: client.v1.iter_vendor_orders("hosting"),
    "v1.vendor_payments": lambda client: client.v1.iter_vendor_payments(),
    "v1.orders, open ones": lambda client: client.iter_open_orders(),
}
LENGTH = 500


@asynccontextmanager
async def listing(page: Callable[[int, bool], list[dict[str, object]]]) -> AsyncIterator[tuple[AsyncClient, list[int]]]:
    """A client whose lists are these, by offset and direction; and the offsets asked for."""
    asked: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        offset = int(request.url.params["offset"])
        asked.append(offset)
        return httpx.Response(200, json={"Data": page(offset, request.url.params["reverse"] == "true"), "Total": 7})

    async with (
        httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http,
        AsyncClient("t", v1_url="http://v1.test/v1", http_client=http, pace=Pace(v1_per_second=1e6)) as client,
    ):
        yield client, asked


def rows_of(numbers: Iterable[int]) -> list[dict[str, object]]:
    return [{"id": number, "ID": number, "status": "PENDING"} for number in numbers]


def newest_first(offset: int, _: bool) -> list[dict[str, object]]:
    return rows_of(range(10**9 - offset, 10**9 - offset - LENGTH, -1))


def oldest_first(offset: int, _: bool) -> list[dict[str, object]]:
    return rows_of(range(offset + 1, offset + 1 + LENGTH))


def empty_if_reversed(offset: int, reverse: bool) -> list[dict[str, object]]:
    return [] if reverse else oldest_first(offset, reverse)


@pytest.mark.parametrize("page", [newest_first, oldest_first, empty_if_reversed])
@pytest.mark.parametrize("name", ITERATORS)
async def test_a_list_that_never_ends_is_an_error(
    name: str, page: Callable[[int, bool], list[dict[str, object]]], monkeypatch: pytest.MonkeyPatch
):
    """Each page is full of new rows: a walk for what a crash left behind would go on until the memory is used up."""
    monkeypatch.setattr(_pagination, "MOST_ROWS", 20 * LENGTH)
    async with listing(page) as (client, asked):
        with pytest.raises(UnreadableReplyError, match=r"the list has no end: 10,000 rows on 2[01] pages") as caught:
            await ids_of(ITERATORS[name](client))

    assert caught.value.call == name.partition(",")[0]
    assert len(asked) == 20 + (page is empty_if_reversed)


async def test_a_list_of_short_pages_ends_as_well(monkeypatch: pytest.MonkeyPatch):
    """A row a page for ever brings few rows."""
    monkeypatch.setattr(_pagination, "MOST_PAGES", 30)
    async with listing(lambda offset, _: [{"id": offset + 1}]) as (client, asked):
        with pytest.raises(UnreadableReplyError, match="30 rows on 30 pages"):
            await ids_of(client.v1.iter_orders("activation"))

    assert len(asked) == 30


async def test_pages_that_bring_nothing_new_end_the_walk():
    """Two pages by turns are never the same twice."""
    async with listing(lambda offset, _: [{"id": 1 + offset % 2}]) as (client, asked):
        assert await ids_of(client.v1.iter_orders("activation")) == [1, 2]

    assert len(asked) == 2 + _pagination.STALE


async def test_a_list_read_forward_that_ignores_the_offset_ends_the_walk():
    """The same two rows, whatever is asked for."""
    async with listing(lambda _, reverse: [] if reverse else [{"id": 1}, {"id": 2}]) as (client, asked):
        assert await ids_of(client.v1.iter_orders("activation")) == [2, 1]

    assert len(asked) == 4


def test_the_bounds_are_far_from_what_an_account_has():
    """A thousand orders a day make a million in three years."""
    assert _pagination.MOST_ROWS >= 1_000_000
    assert _pagination.MOST_PAGES * _pagination.PAGE_SIZE >= _pagination.MOST_ROWS
