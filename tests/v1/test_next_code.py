"""Which message is next: one code for an order, none of several skipped, and nothing taken from another wait."""

from __future__ import annotations

import anyio
import pytest

from smsapi_async import AsyncClient
from smsapi_async.sandbox import Delivery, Sandbox

pytestmark = pytest.mark.usefixtures("steady")


def receive(sandbox: Sandbox, order_id: int, text: str, code: str = "", after: float = 0, *, sender: str = "S") -> None:
    sandbox.world.receive(order_id, text, code, sender, after)


async def test_a_code_filled_into_a_message_already_seen_is_the_next(sandbox: Sandbox, client: AsyncClient) -> None:
    """The provider may read a code out of an older message after a newer one was handed over."""
    async with client.activation("google", country="russia") as order:
        receive(sandbox, order.id, "first")
        receive(sandbox, order.id, "second 2222", "2222", 1)
        assert await order.code() == "2222"

        sandbox.world.fill_code(order.id, "1111", 0)

        assert await order.code(timeout=60) == "1111"


async def test_of_codes_that_come_together_after_the_first_none_is_skipped(
    sandbox: Sandbox, client: AsyncClient
) -> None:
    """The first code is the newest, for a user who asked twice; then each is what was asked for next."""
    async with client.activation("google", country="russia") as order:
        for text in ("1111", "2222"):
            receive(sandbox, order.id, f"code {text}", text)
        first = await order.code()
        for text in ("3333", "4444"):
            receive(sandbox, order.id, f"code {text}", text, 1)

        assert [first, await order.code(), await order.code()] == ["2222", "3333", "4444"]


async def test_a_wait_takes_only_what_its_own_match_accepts(sandbox: Sandbox, client: AsyncClient) -> None:
    """A message for another wait is not superseded by what this one takes."""
    async with client.activation("google", country="russia") as order:
        receive(sandbox, order.id, "code 1111", "1111", sender="Bank")
        receive(sandbox, order.id, "code 2222", "2222", 1, sender="Shop")
        await anyio.sleep(2)

        assert await order.code(match=lambda sms: sms.sender == "Shop") == "2222"
        assert await order.code(match=lambda sms: sms.sender == "Bank", timeout=5) == "1111"


async def test_a_code_found_by_the_reader_is_not_handed_over_again_once_it_is_filled_in(
    sandbox: Sandbox, client: AsyncClient
) -> None:
    """The message is the same."""
    async with client.activation("google", country="russia") as order:
        receive(sandbox, order.id, "Your code is 1111")
        assert await order.code() == "1111"
        sandbox.world.fill_code(order.id, "1111", 0)
        receive(sandbox, order.id, "Your code is 2222", "2222", 1)

        assert await order.code() == "2222"


async def test_a_message_without_times_after_others_is_the_newest(sandbox: Sandbox, client: AsyncClient) -> None:
    """It counted as the oldest, and the code before it was returned."""
    async with client.activation("google", country="russia") as order:
        receive(sandbox, order.id, "code 1111", "1111")
        sandbox.world.order_book.plan(
            sandbox.world.orders[order.id], Delivery(0, "code 2222", "2222", "S", timed=False)
        )
        await anyio.sleep(1)

        assert await order.code() == "2222"
