"""A scope that buys along several offers: the next only when the last one provably sold nothing."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import anyio
import pytest

from smsapi_async import (
    AsyncClient,
    Budget,
    InsufficientBalanceError,
    NoNumbersError,
    NothingBoughtError,
    PriceTooHighError,
    SpendUnknownError,
)
from smsapi_async.sandbox import Answer, Delay, Delivery, LostAfter, LostBefore, Offer, Sandbox, Scenario
from smsapi_async.testing import open_client
from smsapi_async.v1 import Picker

MTS, BEELINE, VODAFONE = "russia/mts", "russia/beeline", "england/vodafone"
EMPTY = Answer(200, "no free phones")


@pytest.fixture
def sandbox() -> Sandbox:
    """Three offers, in the order of what a code costs; all of them say that they have numbers."""
    offers = [
        Offer("russia", "telegram", "mts", "0.20", 100, "80"),
        Offer("russia", "telegram", "beeline", "0.30", 100, "80"),
        Offer("england", "telegram", "vodafone", "0.40", 100, "80"),
    ]
    plans = {"telegram": [[Delivery(5, "Telegram code 04217", "04217")]]}
    return Sandbox(scenario=Scenario(offers=offers, plans=plans))


def run_dry(sandbox: Sandbox, *places: str, fault: Any = EMPTY) -> None:
    """Let these places refuse each purchase, although the prices show numbers there."""
    for place in places:
        sandbox.fail(f"user/buy/activation/{place}/", fault, times=99)


def asked(sandbox: Sandbox) -> list[str]:
    """Where a number was asked for."""
    lines = [line for line in sandbox.requests if "/user/buy/" in line]
    return ["/".join(line.split("/")[5:7]) for line in lines]


async def try_to_buy(client: AsyncClient, error: type[Exception], **options: Any) -> Any:
    with pytest.raises(error) as caught:
        async with client.activation("telegram", **{"offers": Picker(), **options}):
            pass
    return caught.value


# -- the walk ---------------------------------------------------------------------------------------------------------


async def test_the_best_offer_is_bought(sandbox: Sandbox, client: AsyncClient) -> None:
    """Nothing else is asked when it has a number."""
    async with client.activation("telegram", offers=Picker()) as order:
        assert order.order.operator == "mts"
        assert await order.code() == "04217"

    assert asked(sandbox) == [MTS]
    assert order.order.status == "FINISHED"


@pytest.mark.parametrize("name", ["../x", "a b", "a?b=1", "x" * 101, ""])
async def test_an_offer_whose_name_is_no_path_segment_is_passed_over(name, sandbox, client) -> None:
    """The table is the provider's: it may hold anything, and the caller made no mistake."""
    offer = {"cost": 0.1, "count": 5, "rate": 99}
    table = {"russia": {"telegram": {name: offer, "mts": {**offer, "cost": 0.2}}}, name: {"telegram": {"mts": offer}}}
    sandbox.fail("/guest/prices", Answer(200, json.dumps(table)))

    async with client.activation("telegram", offers=Picker()) as order:
        assert (order.order.country, order.order.operator) == ("russia", "mts")

    assert asked(sandbox) == [MTS]


async def test_an_empty_offer_is_followed_by_the_next(sandbox: Sandbox, client: AsyncClient) -> None:
    """The price table shows stock that is not there."""
    run_dry(sandbox, MTS, BEELINE)

    async with client.activation("telegram", offers=Picker()) as order:
        assert (order.order.country, order.order.operator) == ("england", "vodafone")

    assert asked(sandbox) == [MTS, BEELINE, VODAFONE]
    assert len(sandbox.ledger.purchases) == 1


async def test_offers_of_ones_own_are_tried_in_their_order(sandbox: Sandbox, client: AsyncClient) -> None:
    """For callers with a choice of their own; the table is not read again."""
    run_dry(sandbox, VODAFONE)
    table = await client.v1.prices(product="telegram")
    chosen = sorted(table, key=lambda offer: -(offer.cost or 0))

    async with client.activation("telegram", offers=chosen):
        pass

    assert asked(sandbox) == [VODAFONE, BEELINE]
    assert sandbox.count("GET /v1/guest/prices") == 1


async def test_a_country_narrows_the_choice(sandbox: Sandbox, client: AsyncClient) -> None:
    """The picker orders what is left."""
    async with client.activation("telegram", country="england", offers=Picker()):
        pass

    assert asked(sandbox) == [VODAFONE]


async def test_the_options_of_a_purchase_go_with_every_try(sandbox: Sandbox, client: AsyncClient) -> None:
    """A number that can be bought again was asked for."""
    run_dry(sandbox, MTS)

    async with client.activation("telegram", offers=Picker(), reuse=True):
        pass

    assert sum("reuse=1" in line for line in sandbox.requests) == 2


async def test_the_error_lists_what_was_tried(sandbox: Sandbox, client: AsyncClient) -> None:
    """The error keeps the provider's own word."""
    run_dry(sandbox, MTS, BEELINE, VODAFONE)

    error = await try_to_buy(client, NoNumbersError)

    assert error.reason == "no free phones"
    assert str(error).startswith(
        "v1.buy_activation: no number for telegram; tried 3 of 3 offers"
        " (russia/mts at 0.2, russia/beeline at 0.3, england/vodafone at 0.4); nothing was bought"
    )


# -- what ends it -----------------------------------------------------------------------------------------------------


async def test_a_purchase_of_unknown_outcome_is_never_followed_by_another(sandbox: Sandbox) -> None:
    """A number may be bought already: the next candidate would be a second one."""
    run_dry(sandbox, MTS, fault=LostAfter())
    async with open_client(sandbox, shared_key=True) as client:
        error = await try_to_buy(client, SpendUnknownError)

    assert asked(sandbox) == [MTS]
    assert len(error.candidates) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (LostBefore(), NothingBoughtError),
        (Answer(400, "not enough user balance"), InsufficientBalanceError),
    ],
    ids=["lost", "refused"],
)
async def test_whatever_is_no_lack_of_numbers_ends_the_walk(sandbox, client, fault, error):
    """The next offer could not help, or the outcome is too uncertain to buy there."""
    run_dry(sandbox, MTS, fault=fault)

    await try_to_buy(client, error)

    assert asked(sandbox) == [MTS]


async def test_a_lost_answer_that_is_found_again_is_the_order(sandbox: Sandbox, client: AsyncClient) -> None:
    """The walk sees it as any other purchase does."""
    sandbox.lose_next_reply()

    async with client.activation("telegram", offers=Picker()) as order:
        assert order.id == sandbox.ledger.purchases[0]

    assert asked(sandbox) == [MTS]


async def test_as_many_offers_are_tried_as_allowed(sandbox: Sandbox, client: AsyncClient) -> None:
    """Each try is a request to a provider that counts them."""
    run_dry(sandbox, MTS, BEELINE)

    error = await try_to_buy(client, NoNumbersError, offers=Picker(tries=2))

    assert asked(sandbox) == [MTS, BEELINE]
    assert "tried 2 of 3 offers" in str(error)


async def test_no_offer_is_tried_after_the_patience_is_over(sandbox: Sandbox, client: AsyncClient) -> None:
    """A table that was long on its way counts, too."""
    run_dry(sandbox, MTS, BEELINE)
    sandbox.fail("guest/prices", Delay(6))

    await try_to_buy(client, NoNumbersError, offers=Picker(patience=5))

    assert asked(sandbox) == []


# -- what was empty ---------------------------------------------------------------------------------------------------


async def test_what_was_empty_is_passed_over_for_a_minute(sandbox: Sandbox, client: AsyncClient) -> None:
    """A hundred bots would ask the same empty offer a hundred times."""
    run_dry(sandbox, MTS, BEELINE)
    for pause in (0, 50, 20):
        await anyio.sleep(pause)
        async with client.activation("telegram", offers=Picker()):
            pass

    assert asked(sandbox) == [MTS, BEELINE, VODAFONE, VODAFONE, MTS, BEELINE, VODAFONE]


async def test_another_client_finds_out_for_itself(sandbox: Sandbox, client: AsyncClient) -> None:
    """It may have another key, and another standing with the provider."""
    run_dry(sandbox, MTS)
    async with open_client(sandbox) as other:
        for each in (client, other):
            async with each.activation("telegram", offers=Picker()):
                pass

    assert asked(sandbox) == [MTS, BEELINE, MTS, BEELINE]


async def test_the_error_tells_of_what_was_passed_over(sandbox: Sandbox, client: AsyncClient) -> None:
    """Nothing was asked, and the reader sees why."""
    run_dry(sandbox, MTS, BEELINE, VODAFONE)
    await try_to_buy(client, NoNumbersError)

    error = await try_to_buy(client, NoNumbersError)

    assert "tried 0 of 3 offers, passed over 3 too dear or found empty within the minute; nothing was" in str(error)
    assert len(asked(sandbox)) == 3


# -- money ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bound", [{"max_price": "0.25"}, {"offers": Picker(max_price="0.25")}], ids=["call", "picker"])
async def test_no_offer_above_the_ceiling_is_bought(sandbox, client, bound):
    """Also when all others are empty."""
    run_dry(sandbox, MTS)

    await try_to_buy(client, NoNumbersError, **bound)

    assert asked(sandbox) == [MTS]


@pytest.mark.parametrize("bound", [{"max_price": "0.25"}, {"offers": Picker(max_price="0.25")}], ids=["call", "picker"])
async def test_what_costs_more_than_the_table_said_is_given_back(bound):
    """The provider ignores a ceiling beside a named operator, and its table may be old."""
    sandbox = Sandbox(scenario=Scenario(offers=[Offer("russia", "telegram", "mts", "0.50", 100)]))
    sandbox.fail("guest/prices", Answer(200, b'{"telegram":{"russia":{"mts":{"cost":0.2,"count":100,"rate":80}}}}'))
    async with open_client(sandbox) as buyer:
        error = await try_to_buy(buyer, PriceTooHighError, **bound)

    assert (error.order.price, error.order.status) == (Decimal("0.5"), "CANCELED")
    assert not sandbox.ledger.open
    assert sandbox.ledger.paid == 0
    assert asked(sandbox) == [MTS]


async def test_a_budget_bounds_every_try(sandbox: Sandbox) -> None:
    """An offer that the budget would refuse after the purchase is not bought in the first place."""
    run_dry(sandbox, MTS)
    budget = Budget(money=10, per_order="0.25")
    async with open_client(sandbox, budget=budget) as client:
        await try_to_buy(client, NoNumbersError)

        assert budget.spent == 0
    assert asked(sandbox) == [MTS]


# -- arguments --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options"),
    [("operator", {"operator": "mts"}), ("offers", {"country": "usa"}), ("max_price", {"max_price": "much"})],
)
async def test_what_does_not_go_with_offers_is_named(sandbox, client, name, options):
    """Nothing is sent for it but the reading of the table."""
    offers = tuple(await client.v1.prices(product="telegram"))

    error = await try_to_buy(client, ValueError, offers=offers, **options)

    assert str(error).startswith(f"{name}: ")
    assert asked(sandbox) == []


async def test_offers_of_another_product_are_a_mistake(sandbox: Sandbox, client: AsyncClient) -> None:
    """No caller would wait for the order."""
    offers = tuple(await client.v1.prices(product="telegram"))

    with pytest.raises(ValueError, match=r"^offers: each must be of the product"):
        async with client.activation("google", offers=offers):
            pass
