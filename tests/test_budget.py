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
    NothingBoughtError,
    PriceTooHighError,
    SmsApiError,
)
from smsapi_async import SpendUnknownError as Unknown
from smsapi_async.sandbox import Delivery, LostAfter, LostBefore, NotConnected, Offer, Sandbox, Scenario
from smsapi_async.testing import open_client

BUY = "/user/buy/"
PRICE = Decimal("0.20")
DAY = 86_400.0


def shop(price: Decimal = PRICE, **more: Any) -> Sandbox:
    """One offer, at one price."""
    plans = {"telegram": [[Delivery(5, "code 1234", "1234")], []]}
    offer = Offer("russia", "telegram", "mts", price, 100)
    return Sandbox(scenario=Scenario(offers=[offer], plans=plans, **more))


async def tries(client, times: int) -> list[Any]:
    """That many purchases at once: the orders and errors that came of them."""
    found: list[Any] = []

    async def one() -> None:
        try:
            found.append(await client.v1.buy_activation("telegram", country="russia"))
        except SmsApiError as error:
            found.append(error)

    async with anyio.create_task_group() as group:
        for _ in range(times):
            group.start_soon(one)
    return found


def refused(found: list[Any]) -> int:
    return sum(isinstance(each, BudgetExceededError) for each in found)


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
    """Numbers nobody waits for any more cost money and rating."""
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
    """It ended by itself, and nobody saw it."""
    budget = Budget(money=1, per_order="0.30", open_orders=1)
    async with open_client(shop(), budget=budget) as client:
        await client.v1.buy_activation("telegram", country="russia")
        await anyio.sleep(900)
        with pytest.raises(BudgetExceededError):
            await client.v1.buy_activation("telegram", country="russia")
        await anyio.sleep(70)

        await client.v1.buy_activation("telegram", country="russia")
        assert budget.spent == 2 * PRICE


# -- purchases that go wrong ------------------------------------------------------------------------------------------


async def test_a_refusal_gives_everything_back():
    """Nothing was bought."""
    budget = Budget(money=1, per_order=1, open_orders=1)
    async with open_client(shop(), budget=budget) as client:
        for _ in range(3):
            with pytest.raises(NoNumbersError):
                await client.v1.buy_activation("telegram", country="england")

        assert budget.left == 1


@pytest.mark.parametrize(("fault", "times"), [(LostBefore(), 1), (NotConnected(), 4)], ids=["lost", "not connected"])
async def test_a_purchase_that_was_not_made_gives_everything_back(fault, times):
    """Looked up and denied, or never sent."""
    sandbox, budget = shop(), Budget(money=1, per_order=1, open_orders=1)
    sandbox.fail(BUY, fault, times)
    async with open_client(sandbox, budget=budget) as client:
        with pytest.raises(SmsApiError):
            await client.v1.buy_activation("telegram", country="russia")

        assert budget.left == 1
        await client.v1.buy_activation("telegram", country="russia")


async def test_a_lost_purchase_that_is_found_counts_with_its_price():
    """The answer was lost, not the order."""
    sandbox, budget = shop(), Budget(money=1, per_order="0.30")
    sandbox.fail(BUY, LostAfter())
    async with open_client(sandbox, budget=budget) as client:
        await client.v1.buy_activation("telegram", country="russia")

        assert budget.spent == PRICE


async def test_a_purchase_of_unknown_outcome_keeps_what_was_set_aside():
    """It may be bought: the money must not be spent a second time."""
    sandbox, budget = shop(), Budget(money=1, per_order="0.30", open_orders=1)
    sandbox.fail(BUY, LostAfter())
    async with open_client(sandbox, budget=budget, shared_key=True) as client:
        with pytest.raises(Unknown):
            await client.v1.buy_activation("telegram", country="russia")

        assert (budget.spent, budget.left) == (Decimal("0.30"), Decimal("0.70"))
        with pytest.raises(BudgetExceededError):
            await client.v1.buy_activation("telegram", country="russia")


async def test_a_purchase_whose_caller_is_gone_is_given_back_to_the_budget_too():
    """It completes, is cancelled, and its money is there again."""
    sandbox, budget = shop(), Budget(money=1, per_order="0.30", open_orders=1)
    sandbox.fail(BUY, LostAfter())
    async with open_client(sandbox, budget=budget) as client:
        with anyio.move_on_after(0.5):
            await client.v1.buy_activation("telegram", country="russia")

        assert sandbox.ledger.refunded == PRICE
        assert (budget.spent, budget.left) == (Decimal(0), Decimal(1))


async def test_a_caller_who_leaves_before_the_request_does_gives_everything_back():
    """No slot came free in time: nothing was sent."""
    sandbox, budget = shop(), Budget(money=1, per_order="0.30")
    async with open_client(sandbox, budget=budget) as client:
        await tries(client, 1)
        with anyio.move_on_after(0.001):
            await client.v1.buy_activation("telegram", country="russia")

        assert sandbox.count("GET /v1/user/buy/") == 1
        assert budget.left == Decimal("0.80")


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
    """What a reuse costs, the provider does not say before."""
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
    """Nobody can tell when it ends; 31 days are the longest that is sold."""
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


# -- rented numbers ---------------------------------------------------------------------------------------------------


async def test_a_rented_number_counts_until_it_is_closed():
    """Its account is another one, and so is its budget."""
    sandbox, budget = Sandbox(), Budget(money=500, per_order=200, open_orders=1)
    async with open_client(sandbox, rent_budget=budget) as client:
        number = await client.rent.buy_number(7, 1)
        with pytest.raises(BudgetExceededError, match=r"rent\.buy_number"):
            await client.rent.buy_number(7, 1)
        await client.rent.close(number.tzid)

        assert budget.spent == number.price
        await client.rent.buy_number(7, 1)
        assert sandbox.count("GET /api/rent/getRentNum") == 2


async def test_a_rented_number_counts_for_the_days_it_was_hired_for():
    """An extension adds to them."""
    sandbox = Sandbox(scenario=Scenario(rent_plans={"7": [[Delivery(9, "code 55555", "55555")]]}))
    async with open_client(sandbox, rent_budget=Budget(open_orders=1)) as client:
        number = await client.rent.buy_number(7, 1, extension=True)
        await client.rent.extend(number.tzid, 7)
        await anyio.sleep(9 * DAY)

        with pytest.raises(BudgetExceededError):
            await client.rent.buy_number(7, 1)


async def test_a_rented_number_that_does_not_renew_gives_its_place_back_after_its_days():
    """Nobody has to close it."""
    sandbox = Sandbox()
    async with open_client(sandbox, rent_budget=Budget(open_orders=1)) as client:
        first = await client.rent.buy_number(7, 1)
        await anyio.sleep(DAY + 10)

        second = await client.rent.buy_number(7, 1)

    assert sandbox.ledger.rents == [first.tzid, second.tzid]


async def test_a_rent_that_the_budget_does_not_cover_sends_nothing_at_all():
    """Not even the list of what is held, which the first purchase reads before it leaves."""
    sandbox = Sandbox()
    async with open_client(sandbox, rent_budget=Budget(money=1, per_order=2)) as client:
        with pytest.raises(BudgetExceededError):
            await client.rent.buy_number(7, 1)

    assert sandbox.requests == []


async def test_an_extension_counts_with_the_price_the_number_names():
    """Known before it is sent, so nothing dearer is sent."""
    sandbox = Sandbox(scenario=Scenario(rent_plans={"7": [[Delivery(9, "code 55555", "55555")]]}))
    async with open_client(sandbox) as before:
        number = await before.rent.buy_number(7, 1, extension=True)
        await before.await_rent_code(number.tzid)
        price = (await before.rent.number(number.tzid)).extensions[7]
    budget, tight = Budget(money=10_000, per_order=price), Budget(money=10_000, per_order=price - 1)
    async with open_client(sandbox, rent_budget=tight) as client:
        with pytest.raises(BudgetExceededError, match=r"more than the .* of one order; nothing was sent"):
            await client.rent.extend(number.tzid, 7)
    async with open_client(sandbox, rent_budget=budget) as client:
        await client.rent.extend(number.tzid, 7)

    assert (tight.spent, budget.spent) == (Decimal(0), price)
    assert sandbox.count("GET /api/rent/extendRentState") == 1


@pytest.mark.parametrize(("fault", "error"), [(LostAfter(), Unknown), (LostBefore(), NothingBoughtError)], ids=repr)
async def test_a_rent_of_unknown_outcome_keeps_what_was_set_aside(fault, error):
    """And one that was not made gives it back."""
    sandbox, budget = Sandbox(), Budget(money=500, per_order=200)
    sandbox.fail("getRentNum", fault)
    async with open_client(sandbox, rent_budget=budget, shared_key=error is Unknown) as client:
        with pytest.raises(error):
            await client.rent.buy_number(7, 1)

        assert budget.spent == (200 if error is Unknown else 0)
        assert budget.left == 500 - budget.spent


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


def test_an_extension_puts_the_end_of_a_rent_off():
    """The place comes back when the days are over that were added."""
    budget = Budget(open_orders=1)
    with budget.place("rent.buy_number", None, 0.0) as place:
        budget.book(place, 77, None, until=10.0)
    budget.prolong(77, 10.0)

    with pytest.raises(BudgetExceededError), budget.place("rent.buy_number", None, 15.0):
        pass
    with budget.place("rent.buy_number", None, 20.0):
        assert "1 orders open" in repr(budget)


def test_a_budget_shows_how_it_stands():
    """In a log, at a glance."""
    budget = Budget(money=10, per_order=2, open_orders=3)
    with budget.place("v1.buy_activation", Decimal(2), 0.0) as place:
        budget.book(place, 1, Decimal("1.5"), inf)

    assert repr(budget) == "<Budget: 1.5 spent, 8.5 left, 1 orders open>"
    assert Budget().left is None
