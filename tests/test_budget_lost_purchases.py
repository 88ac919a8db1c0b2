"""Money and places that a budget keeps or gives back when a purchase fails, is lost or loses its caller."""

from __future__ import annotations

from decimal import Decimal

import anyio
import pytest

from smsapi_async import Budget, BudgetExceededError, NoNumbersError, SmsApiError
from smsapi_async import SpendUnknownError as Unknown
from smsapi_async.sandbox import LostAfter, LostBefore, NotConnected
from smsapi_async.testing import open_client
from tests.support.budget_shop import BUY, PRICE, shop, tries


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
