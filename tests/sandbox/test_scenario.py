"""A scenario is data: it comes from JSON as well as from Python."""

import json
from decimal import Decimal

import pytest

from smsapi_async.sandbox import Delivery, Offer, Sandbox, Scenario, Tariff


def test_a_scenario_is_read_from_json() -> None:
    """Numbers become exact decimals, keys of maps what they stand for."""
    text = json.dumps(
        {
            "balance": 12.3456,
            "offline": ["mts"],
            "offers": [{"country": "russia", "product": "telegram", "operator": "mts", "cost": "0.1", "rate": 0}],
            "countries": [{"name": "russia", "iso": "ru", "prefix": "+7", "text_en": "Russia", "unlisted": ["mts"]}],
            "hosting": [{"product": "1day", "cost": 8}],
            "plans": {"telegram": [[{"after": 2, "text": "code 1", "code": "1"}]]},
            "tariffs": [{"code": 7, "name": "Russia", "days": {"1": 1.5}, "count": {"1": 2}, "extend": 1}],
            "rent_plans": {"7": [[]]},
        }
    )

    scenario = Scenario.from_json(text)

    assert scenario.balance == Decimal("12.3456")
    assert scenario.offers == (Offer("russia", "telegram", "mts", Decimal("0.1"), rate=Decimal(0)),)
    assert scenario.plans == {"telegram": ((Delivery(2, "code 1", "1"),),)}
    assert scenario.tariffs == (Tariff(7, "Russia", {1: Decimal("1.5")}, {1: 2}, Decimal(1)),)
    assert scenario.offline == {"mts"}


def test_an_unknown_field_of_a_scenario_is_an_error() -> None:
    """A misspelt field would silently be the default."""
    with pytest.raises(TypeError, match="balanse"):
        Scenario.from_json('{"balanse": 1}')


def test_two_sandboxes_share_nothing() -> None:
    """The default scenario is one object; the worlds made from it are not."""
    first, second = Sandbox(), Sandbox()

    first.world.order_book.max_prices["telegram"] = Decimal(1)
    first.world.catalogue.shelves[0].left = 0

    assert second.world.order_book.max_prices == {}
    assert second.world.catalogue.shelves[0].left == 1260


def test_seconds_in_json_may_have_fractions() -> None:
    """JSON fractions are read as exact decimals, which no clock adds."""
    text = '{"lifetime": 90.5, "ready_after": 1.5, "plans": {"telegram": [[{"after": 2.5, "text": "hello"}]]}}'

    scenario = Scenario.from_json(text)

    spans = (scenario.lifetime, scenario.ready_after, scenario.plans["telegram"][0][0].after)
    assert [(type(span), span) for span in spans] == [(float, 90.5), (float, 1.5), (float, 2.5)]


def test_codes_are_given_order_by_order() -> None:
    """A user's test says it in one line, and never the code twice."""
    scenario = Scenario().with_code("telegram", "04217", after=3).with_silence("telegram").with_code("google", "123456")

    assert scenario.plans == {
        "telegram": ((Delivery(3, "Your code: 04217", "04217"),), ()),
        "google": ((Delivery(5, "Your code: 123456", "123456"),),),
    }


def test_a_code_may_have_its_text_and_sender() -> None:
    """The messages that a bot's own `extract` and `match` look at."""
    scenario = Scenario().with_code("google", "281935", text="G-281935 is it", sender="Google")

    assert scenario.plans["google"] == ((Delivery(5, "G-281935 is it", "281935", "Google"),),)
