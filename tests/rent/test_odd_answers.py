"""Answers with one bad field, or nested beyond reason: no code and no rented number is lost by them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from smsapi_async.sandbox import Answer, Mangle, Sandbox, Scenario
from smsapi_async.testing import open_client
from tests.answers import written

pytestmark = pytest.mark.usefixtures("steady")

Spoil = Callable[[dict[str, Any]], str]

SPOILED: dict[str, Spoil] = {
    "sum 1e999": lambda item: written(item, "sum", "1e999"),
    "time soon": lambda item: written(item, "time", '"soon"'),
    "a null in messages": lambda item: written(item, "messages", f"[null,{json.dumps(item['messages'])[1:]}"),
    "extend NaN": lambda item: written(item, "extend", "NaN"),
}


def spoiling(spoil: Spoil) -> Mangle:
    """Every number of an answer with its one bad field."""

    def change(body: bytes) -> bytes:
        raw = json.loads(body)
        if "item" in raw:
            return written(raw, "item", spoil(raw["item"])).encode()
        return written(raw, "list", f"[{','.join(map(spoil, raw['list']))}]").encode()

    return Mangle(change)


LIST = Scenario(rent_message_form="list")


@pytest.mark.parametrize("name", SPOILED)
async def test_a_code_is_handed_over_whatever_else_is_broken(name: str) -> None:
    """A rented number is paid for by the day."""
    sandbox = Sandbox(scenario=LIST)
    async with open_client(sandbox) as client:
        number = await client.rent.buy_number(7, 1)
        sandbox.world.receive_rent(number.tzid, "code 04217", "04217", after=10)
        sandbox.fail("getRentState", spoiling(SPOILED[name]), times=10_000)

        assert await client.await_rent_code(number.tzid) == "04217"
        assert anyio.current_time() < 30


@pytest.mark.parametrize("name", ["sum 1e999", "time soon", "extend NaN"])
async def test_a_purchase_with_a_bad_field_is_the_number_bought(name: str) -> None:
    """Also where its answer is lost, and the list shows it."""
    for lost in (False, True):
        sandbox = Sandbox(scenario=LIST)
        sandbox.fail(lambda _: True, spoiling(SPOILED[name]), times=99, after=1)
        async with open_client(sandbox) as client:
            if lost:
                sandbox.lose_next_reply()
            number = await client.rent.buy_number(7, 1)

        assert [number.tzid] == list(sandbox.world.rents)
        assert number.phone.startswith("+7")


@pytest.mark.parametrize("depth", [13, 300, 5_000])
async def test_messages_nested_beyond_reason_lose_no_number(depth: int) -> None:
    """Thirteen levels held the loop for four seconds, 300 raised a RecursionError out of the purchase."""
    sandbox = Sandbox(scenario=LIST)
    nested, began = "[" * depth + "5" + "]" * depth, time.perf_counter()
    sandbox.fail("getRentNum", spoiling(lambda item: written(item, "messages", nested)))
    async with open_client(sandbox) as client:
        number = await client.rent.buy_number(7, 1)

    assert [number.tzid] == list(sandbox.world.rents)
    assert sandbox.count("GET /api/rent/getRentNum.php") == 1
    assert time.perf_counter() - began < 2


PAGE = "<html><head><title>404 Not Found</title></head><body>nginx</body></html>"


@pytest.mark.parametrize("answer", [Answer(404, PAGE, "text/html"), Answer(405, "{}", "application/json")], ids=str)
async def test_a_gateway_that_knows_no_such_page_ends_no_wait(answer: Answer) -> None:
    """The number is there, and its code comes later."""
    sandbox = Sandbox()
    async with open_client(sandbox) as client:
        number = await client.rent.buy_number(7, 1)
        sandbox.world.receive_rent(number.tzid, "code 04217", "04217", after=20)
        sandbox.fail("getRentState", answer, times=4)

        assert await client.await_rent_code(number.tzid) == "04217"
