"""Budgets and rented numbers: a number counts from its purchase to its end, and with the price of its extensions."""

from __future__ import annotations

from decimal import Decimal

import anyio
import pytest

from smsapi_async import Budget, BudgetExceededError, NotFoundError, NothingBoughtError, RentClosedError
from smsapi_async import SpendUnknownError as Unknown
from smsapi_async.sandbox import Delivery, LostAfter, LostBefore, Sandbox, Scenario
from smsapi_async.testing import open_client
from tests.support.budget_shop import DAY

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
    """The number ends without a close."""
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
    """A rent that was not made gives the money back to the budget."""
    sandbox, budget = Sandbox(), Budget(money=500, per_order=200)
    sandbox.fail("getRentNum", fault)
    async with open_client(sandbox, rent_budget=budget, shared_key=error is Unknown) as client:
        with pytest.raises(error):
            await client.rent.buy_number(7, 1)

        assert budget.spent == (200 if error is Unknown else 0)
        assert budget.left == 500 - budget.spent


# -- the values -------------------------------------------------------------------------------------------------------


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


async def test_a_number_that_was_never_confirmed_gives_its_price_and_place_back():
    """The provider ends it after twenty minutes and refunds it whole (docs/protocol/rent.md section 3)."""
    sandbox, budget = Sandbox(), Budget(money=500, per_order=200, open_orders=1)
    async with open_client(sandbox, rent_budget=budget) as client:
        number = await client.rent.buy_number(7, 1)
        with pytest.raises(RentClosedError):
            await client.await_rent_code(number.tzid)

        assert budget.spent == 0
        await client.rent.buy_number(7, 1)


async def test_a_number_whose_closing_was_done_unseen_gives_its_place_back():
    """The repeated close finds no such number: the lost answer was that of the closing."""
    sandbox, budget = Sandbox(), Budget(money=500, per_order=200, open_orders=1)
    async with open_client(sandbox, rent_budget=budget) as client:
        number = await client.rent.buy_number(7, 1)
        sandbox.fail("closeRentNum", LostAfter())

        await client.rent.close(number.tzid)
        with pytest.raises(NotFoundError):
            await client.rent.close(number.tzid)

        assert budget.spent == number.price
        await client.rent.buy_number(7, 1)
