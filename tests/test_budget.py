"""Budgets: a purchase that they do not cover is not sent, however many are sent at once."""

from __future__ import annotations

from decimal import Decimal
from math import inf
from typing import Any

import anyio
import httpx
import pytest

from smsapi_async import (
    AsyncClient,
    Budget,
    BudgetExceededError,
    ClientClosedError,
    NoNumbersError,
    PriceTooHighError,
    SmsApiError,
)
from smsapi_async import SpendUnknownError as Unknown
from smsapi_async.sandbox import LostAfter, Sandbox
from smsapi_async.testing import open_client
from tests.support.budget_shop import BUY, DAY, PRICE, refused, shop, tries


async def bought(buy: Any, answer: dict[str, Any], **budgets: Any) -> None:
    """A purchase that is answered so."""

    def answered(request: httpx.Request) -> httpx.Response:
        body = {"response": 1, "list": []} if request.url.path.endswith("getRentState.php") else answer
        return httpx.Response(200, json=body)

    async with (
        httpx.AsyncClient(transport=httpx.MockTransport(answered)) as http,
        AsyncClient(
            "eyJ.token",
            rent_key="a-rent-key",
            v1_url="http://p.test/v1",
            rent_url="http://p.test/api",
            http_client=http,
            **budgets,
        ) as client,
    ):
        await buy(client)


async def test_a_negative_price_does_not_enlarge_a_budget():
    """A provider that answers so would let the next purchases cost more than the caller allowed."""
    budget, rent_budget = Budget(money=10, per_order=3), Budget(money=10, per_order=3)
    order = {"id": 5, "phone": "+79000381454", "price": -100, "status": "PENDING"}
    number = {"response": 1, "item": {"tzid": 5, "sum": "-100", "number": "9000381454"}}

    await bought(lambda client: client.v1.buy_hosting("1day"), order, budget=budget)
    await bought(lambda client: client.rent.buy_number(7, 1), number, rent_budget=rent_budget)

    assert (budget.spent, budget.left) == (rent_budget.spent, rent_budget.left) == (Decimal(3), Decimal(7))


# -- enforced before the request --------------------------------------------------------------------------------------


async def test_money_is_set_aside_before_a_purchase_is_sent():
    """A hundred bots that wake together must not spend a hundred times what is left."""
    sandbox, budget = shop(), Budget(money="1.00", per_order="0.30")
    async with open_client(sandbox, budget=budget) as client:
        found = await tries(client, 100)

        assert sandbox.count("GET /v1/user/buy/") == 3
        assert refused(found) == 97
        assert (budget.spent, budget.left) == (Decimal("0.60"), Decimal("0.40"))


async def test_what_was_set_aside_and_not_needed_may_be_spent():
    """A purchase reserves its ceiling, and counts with its price."""
    sandbox, budget = shop(), Budget(money="1.00", per_order="0.30")
    async with open_client(sandbox, budget=budget) as client:
        await tries(client, 3)
        await tries(client, 3)

        assert sandbox.count("GET /v1/user/buy/") == 4
        assert budget.left == Decimal("0.20")


async def test_open_orders_are_counted_before_a_purchase_is_sent():
    """Forgotten numbers cost money and rating."""
    sandbox = shop()
    async with open_client(sandbox, budget=Budget(open_orders=2)) as client:
        found = await tries(client, 10)

        assert sandbox.count("GET /v1/user/buy/") == 2
        assert refused(found) == 8


async def test_the_error_says_what_is_left_and_that_nothing_was_sent():
    """The caller decides between waiting for a refund and stopping."""
    async with open_client(shop(), budget=Budget(money=1, per_order="0.90")) as client:
        await client.v1.buy_activation("telegram", country="russia")

        with pytest.raises(BudgetExceededError, match=r"0\.90 is needed and 0\.80 of 1 is left; nothing was sent"):
            await client.v1.buy_activation("telegram", country="russia")


async def test_clients_that_share_a_budget_spend_together():
    """One account, several clients."""
    sandbox, budget = shop(), Budget(open_orders=1)
    async with open_client(sandbox, budget=budget) as first, open_client(sandbox, budget=budget) as second:
        await first.v1.buy_activation("telegram", country="russia")

        with pytest.raises(BudgetExceededError):
            await second.v1.buy_activation("telegram", country="russia")


# -- what comes back --------------------------------------------------------------------------------------------------


async def test_a_cancelled_order_gives_its_money_and_its_place_back():
    """Refunded: it may be spent again."""
    sandbox, budget = shop(), Budget(money="0.30", per_order="0.30", open_orders=1)
    async with open_client(sandbox, budget=budget) as client:
        order = await client.v1.buy_activation("telegram", country="russia")
        await client.v1.cancel(order.id)

        assert (budget.spent, budget.left) == (Decimal(0), Decimal("0.30"))
        await client.v1.buy_activation("telegram", country="russia")


async def test_a_finished_order_gives_its_place_back_and_stays_paid():
    """The scope finishes it; the next one has room."""
    sandbox, budget = shop(), Budget(money=1, per_order="0.30", open_orders=1)
    async with open_client(sandbox, budget=budget) as client:
        async with client.activation("telegram", country="russia") as order:
            await order.code()

        assert budget.spent == PRICE
        await client.v1.buy_activation("telegram", country="russia")


async def test_what_could_not_leave_takes_no_place() -> None:
    """An HTTP client of the caller's that is closed already."""
    sandbox, budget = shop(), Budget(money=1, per_order=1, open_orders=1)
    http = httpx.AsyncClient(transport=sandbox.transport())
    await http.aclose()
    async with AsyncClient(sandbox.token, v1_url=sandbox.v1_url, http_client=http, budget=budget) as client:
        for _ in range(2):
            with pytest.raises(ClientClosedError):
                await client.v1.buy_activation("telegram")

    assert budget.spent == 0
    assert sandbox.requests == []


async def test_an_order_a_wait_saw_closed_gives_its_place_back():
    """Closed elsewhere, on the provider's website."""
    sandbox = shop()
    async with open_client(sandbox, budget=Budget(open_orders=1)) as client:
        order = await client.v1.buy_activation("telegram", country="russia")
        async with open_client(sandbox) as elsewhere:
            await elsewhere.v1.cancel(order.id)
        with pytest.raises(SmsApiError):
            await client.await_code(order.id)

        await client.v1.buy_activation("telegram", country="russia")


@pytest.mark.parametrize("way", ["a page", "the whole list", "the open orders"])
async def test_an_order_a_list_showed_closed_gives_its_money_and_its_place_back(way: str):
    """Cancelled elsewhere; a program that reads its orders knows that it is over."""
    sandbox, budget = shop(), Budget(open_orders=1)
    async with open_client(sandbox, budget=budget) as client:
        order = await client.v1.buy_activation("telegram", country="russia")
        async with open_client(sandbox) as elsewhere:
            await elsewhere.v1.cancel(order.id)
        if way == "a page":
            await client.v1.orders("activation")
        else:
            _ = [
                row
                async for row in (client.v1.iter_orders("activation") if "whole" in way else client.iter_open_orders())
            ]

        assert budget.spent == 0
        await client.v1.buy_activation("telegram", country="russia")


async def test_a_banned_order_stays_paid():
    """Its refund is believed, not known."""
    budget = Budget(money=1, per_order="0.30", open_orders=1)
    async with open_client(shop(), budget=budget) as client:
        async with client.activation("telegram", country="russia") as order:
            await order.ban()

        assert budget.spent == PRICE
        await client.v1.buy_activation("telegram", country="russia")


async def test_an_order_nobody_asked_about_again_gives_its_place_back_when_its_time_is_over():
    """The order ended by itself, unseen."""
    budget = Budget(money=1, per_order="0.30", open_orders=1)
    async with open_client(shop(), budget=budget) as client:
        await client.v1.buy_activation("telegram", country="russia")
        await anyio.sleep(900)
        with pytest.raises(BudgetExceededError):
            await client.v1.buy_activation("telegram", country="russia")
        await anyio.sleep(70)

        await client.v1.buy_activation("telegram", country="russia")
        assert budget.spent == 2 * PRICE


# -- the most one order may cost --------------------------------------------------------------------------------------


async def test_the_bound_of_one_order_is_told_to_the_provider():
    """It sells nothing dearer, and no rating is lost by giving it back."""
    sandbox = shop()
    async with open_client(sandbox, budget=Budget(per_order="0.10")) as client:
        with pytest.raises(NoNumbersError):
            await client.v1.buy_activation("telegram", country="russia")

        assert "maxPrice=0.10" in sandbox.requests[-1] or "maxPrice=0.1" in sandbox.requests[-1]


async def test_the_lower_of_both_bounds_counts():
    """`max_price` narrows the budget's bound and never widens it."""
    budget = Budget(money=1, per_order="0.50")
    async with open_client(shop(ignores_max_price=True), budget=budget) as client:
        with pytest.raises(PriceTooHighError, match=r"above the ceiling of 0\.1"):
            await client.v1.buy_activation("telegram", country="russia", max_price="0.1")
        await client.v1.buy_activation("telegram", country="russia", max_price=3)

        assert budget.spent == PRICE


async def test_an_order_of_a_named_operator_above_the_bound_is_given_back():
    """The provider ignores `maxPrice` there."""
    sandbox, budget = shop(), Budget(money=1, per_order="0.10")
    async with open_client(sandbox, budget=budget) as client:
        with pytest.raises(PriceTooHighError):
            await client.v1.buy_activation("telegram", country="russia", operator="mts")

        assert sandbox.ledger.open == []
        assert budget.spent == 0


async def test_a_number_bought_again_is_held_against_the_bound():
    """The provider does not name the price of a reuse before the purchase."""
    sandbox, budget = shop(), Budget(per_order="0.30")
    async with open_client(sandbox, budget=budget) as client:
        async with client.activation("telegram", country="russia", reuse=True) as order:
            await order.code()
        await client.v1.reuse("telegram", order.phone)

        assert budget.spent == 2 * PRICE


async def test_a_hosting_order_counts_until_its_time_is_over():
    """It is never undone, so its price counts as it is."""
    sandbox, budget = Sandbox(), Budget(money=100, per_order="0.01", open_orders=1)
    async with open_client(sandbox, budget=budget) as client:
        order = await client.v1.buy_hosting("3hours", country="russia")
        await anyio.sleep(2 * 3600)

        assert budget.spent == order.price
        with pytest.raises(BudgetExceededError):
            await client.v1.buy_hosting("3hours", country="russia")
        await anyio.sleep(3600 + 70)
        await client.v1.buy_hosting("3hours", country="russia")


async def test_a_hosting_order_of_unknown_outcome_counts_as_long_as_any_may():
    """The end of the order is unknown; 31 days are the longest that is sold."""
    sandbox = Sandbox()
    sandbox.fail(BUY, LostAfter())
    async with open_client(sandbox, budget=Budget(open_orders=1), shared_key=True) as client:
        with pytest.raises(Unknown):
            await client.v1.buy_hosting("3hours", country="russia")
        await anyio.sleep(30 * DAY)
        with pytest.raises(BudgetExceededError):
            await client.v1.buy_hosting("3hours", country="russia")
        await anyio.sleep(1.1 * DAY)

        await client.v1.buy_hosting("3hours", country="russia")


# -- the values -------------------------------------------------------------------------------------------------------


def test_money_needs_the_most_one_order_may_cost():
    """No price is known before its purchase, so nothing could be set aside for it."""
    with pytest.raises(ValueError, match=r"^per_order: needed with money"):
        Budget(money=10)


@pytest.mark.parametrize(("name", "value"), [("money", 0), ("per_order", "much"), ("open_orders", 0)])
def test_a_wrong_bound_is_named(name, value):
    """A budget that means nothing must not look like one."""
    with pytest.raises(ValueError, match=f"^{name}: "):
        Budget(**{"per_order": 1, name: value})


def test_a_budget_shows_how_it_stands():
    """In a log, at a glance."""
    budget = Budget(money=10, per_order=2, open_orders=3)
    with budget.place("v1.buy_activation", Decimal(2), 0.0) as place:
        budget.book(place, 1, Decimal("1.5"), inf)

    assert repr(budget) == "<Budget: 1.5 spent, 8.5 left, 1 orders open>"
    assert Budget().left is None


async def test_a_refund_that_is_seen_late_comes_off_all_the_same():
    """The cancel's answers were lost, and the order's time was over when its state was read."""
    sandbox, budget = shop(lifetime=300), Budget(money=5, per_order=1)
    async with open_client(sandbox, budget=budget) as client:
        order = await client.v1.buy_activation("telegram", country="russia")
        sandbox.world.order_book.cancel(order.id)
        await anyio.sleep(1200)
        await client.v1.buy_activation("telegram", country="russia")
        await client.v1.check(order.id)

    assert budget.spent == PRICE


async def test_only_so_many_prices_are_kept_for_late_refunds(monkeypatch):
    """A budget may serve a program for years."""
    monkeypatch.setattr("smsapi_async._budget.PRICES_KEPT", 2)
    budget = Budget(money=9, per_order=1)
    for key in range(3):
        with budget.place("v1.buy_activation", Decimal(1), 0.0) as place:
            budget.book(place, key, Decimal(1), inf)

    for key in range(3):
        budget.close(key, refunded=True)

    assert budget.spent == 1


async def test_two_accounts_that_share_a_budget_have_orders_of_their_own():
    """Both begin to count at the same number."""
    one, two, budget = shop(), shop(), Budget(money=5, per_order=1, open_orders=2)
    async with open_client(one, budget=budget) as here, open_client(two, budget=budget) as there:
        orders = [await client.v1.buy_activation("telegram", country="russia") for client in (here, there)]
        assert orders[0].id == orders[1].id
        with pytest.raises(BudgetExceededError):
            await here.v1.buy_activation("telegram", country="russia")
        await here.v1.cancel(orders[0].id)

        assert budget.spent == PRICE
        await there.v1.cancel(orders[1].id)
        assert budget.spent == 0
