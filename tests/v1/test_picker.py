"""Choosing among offers: what is worth trying, and in which order."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from smsapi_async.v1 import Offer, Picker


def offer(operator: str, cost: object = "1", rate: object = "50", **more: Any) -> Offer:
    values: dict[str, Any] = {"country": "england", "product": "telegram", "count": 10, **more}
    return Offer(operator=operator, cost=amount(cost), rate=amount(rate), **values)


def amount(value: object) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def picked(picker: Picker, *offers: Offer) -> list[str]:
    return [offer.operator for offer in picker.pick(offers)]


CHEAP = offer("cheap", "0.10", "5")  # 2.00 a code
SOLID = offer("solid", "0.80", "80")  # 1.00 a code
BEST = offer("best", "1.20", "99")  # 1.21 a code


# -- the order --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "order"),
    [
        ("expected", ["solid", "best", "cheap"]),
        ("cost", ["cheap", "solid", "best"]),
        ("rate", ["best", "solid", "cheap"]),
    ],
)
def test_the_order_is_the_one_asked_for(by, order):
    """The cheapest number is not the cheapest code."""
    assert picked(Picker(by=by), CHEAP, SOLID, BEST) == order


def test_of_equal_offers_the_fuller_comes_first():
    """It is the likelier to have a number, and a run that is repeated tries the same."""
    offers = [offer("b", count=10), offer("a", count=10), offer("c", count=900)]

    assert picked(Picker(), *offers) == picked(Picker(), *reversed(offers)) == ["c", "a", "b"]


def test_the_expected_cost_is_what_one_code_costs():
    """One of four numbers at 0.30 brings a code, so a code costs 1.20."""
    assert Picker().expected_cost(offer("any", "0.30", "33.3333")) == pytest.approx(
        Decimal("0.90"), abs=Decimal("1e-5")
    )
    assert Picker().expected_cost(offer("mts", None)) is None


# -- rates ------------------------------------------------------------------------------------------------------------


def test_an_offer_without_a_rate_counts_as_twenty_percent():
    """The provider leaves rates below it out: such an offer is no better than that, and no worse than can be known."""
    assert Picker().expected_cost(offer("new", "0.30", None)) == Decimal("1.5")
    assert picked(Picker(), offer("new", "0.30", None), SOLID) == ["solid", "new"]


def test_a_rate_of_a_longer_window_stands_for_a_missing_one():
    """The provider gives some windows and not others; the longest has seen the most orders."""
    known = offer("known", "0.30", None, rates={1: Decimal(90), 720: Decimal(60)})

    assert Picker().rate(known) == 60


def test_a_rate_of_zero_is_passed_over():
    """Nothing came of the last orders: there is no price for a code."""
    assert picked(Picker(), offer("dead", rate=0), SOLID) == ["solid"]
    assert Picker().expected_cost(offer("dead", rate=0)) is None


def test_offers_without_a_rate_may_be_passed_over():
    """For users who would rather pay more than guess."""
    assert picked(Picker(unknown_rate=None), offer("new", rate=None), SOLID) == ["solid"]


def test_the_lowest_rate_holds_for_the_assumed_one_too():
    """An offer of which nothing is known must not slip in below the bound."""
    assert picked(Picker(min_rate=30), CHEAP, SOLID, offer("new", rate=None)) == ["solid"]


# -- what is passed over ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "picker",
    [
        Picker(min_stock=11),
        Picker(max_price="0.79"),
        Picker(without_operators="virt*"),
        Picker(without_countries=["eng*", "usa"]),
    ],
)
def test_what_the_picker_excludes_is_not_tried(picker):
    """Stock, price, operator, country."""
    kept = offer("beeline", "0.50", "80", country="russia", count=900)

    assert picked(picker, offer("virtual53", "0.80", "80"), kept) == ["beeline"]


def test_an_offer_at_the_ceiling_is_tried():
    """The ceiling is the most one may cost."""
    assert picked(Picker(max_price="0.80"), SOLID) == ["solid"]


@pytest.mark.parametrize("unknown", [{"cost": None}, {"count": None}, {"count": 0}])
def test_an_offer_whose_price_or_stock_is_not_told_is_passed_over(unknown):
    """An unknown price or stock fits no bound and has no place in the order."""
    assert picked(Picker(), offer("vague", **unknown)) == []


def test_a_picker_without_a_stock_floor_takes_what_it_gets():
    """The provider's numbers are no promise either way."""
    assert picked(Picker(min_stock=0), offer("vague", count=None)) == ["vague"]


# -- arguments --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("by", "price"),
        ("min_stock", -1),
        ("max_price", "much"),
        ("min_rate", 0),
        ("min_rate", 101),
        ("unknown_rate", "x"),
        ("tries", 0),
        ("patience", -1),
        ("patience", timedelta(-1)),
    ],
)
def test_a_wrong_argument_is_named(name, value):
    """Before anything is bought by it."""
    with pytest.raises(ValueError, match=f"^{name}: "):
        Picker(**{name: value})
