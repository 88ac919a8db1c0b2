"""The values of the v1 API: frozen, quiet about what is private, and the price table that reads itself late."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from smsapi_async import Sms
from smsapi_async.v1 import Offer, Order, Prices, Profile

TABLE = {
    "russia": {"telegram": {"mts": 1, "tele2": 2}, "google": {"mts": 3}},
    "england": {"telegram": {"vodafone": 4}},
}


class Maker:
    """Makes offers and remembers how many."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, country: str, product: str, operator: str, raw: Any) -> Offer:
        self.made += 1
        return Offer(country=country, product=product, operator=operator, count=raw)


def test_prices_are_a_mapping_of_mappings():
    """`prices["russia"]["telegram"]["mts"]`, and what else one does with a dict."""
    prices = Prices(TABLE, Maker())

    assert prices["russia"]["telegram"]["tele2"] == Offer(
        country="russia", product="telegram", operator="tele2", count=2
    )
    assert prices.countries == ("russia", "england")
    assert list(prices["russia"]) == ["telegram", "google"]
    assert len(prices["russia"]) == 2
    assert [offer.count for offer in prices["russia"]["telegram"].values()] == [1, 2]
    assert "russia" in prices
    assert "atlantis" not in prices
    with pytest.raises(KeyError, match="atlantis"):
        prices["atlantis"]
    with pytest.raises(KeyError, match="skype"):
        prices["russia"]["skype"]
    with pytest.raises(KeyError, match="yota"):
        prices["russia"]["google"]["yota"]


def test_prices_are_a_loop_over_offers():
    """The cheapest of all is one `min` away."""
    prices = Prices(TABLE, Maker())

    assert [(offer.country, offer.count) for offer in prices] == [
        ("russia", 1), ("russia", 2), ("russia", 3), ("england", 4),
    ]  # fmt: skip
    assert len(prices) == 4
    assert repr(prices) == "<Prices: 2 countries>"


def test_a_country_that_is_not_there_can_be_asked_for():
    """As of a dict."""
    prices = Prices(TABLE, Maker())

    found = prices.get("england")
    assert found is not None
    assert found["telegram"]["vodafone"].count == 4
    assert prices.get("atlantis") is None


def test_only_the_offers_asked_for_are_made():
    """The whole table has half a million."""
    maker = Maker()
    prices = Prices(TABLE, maker)

    assert (len(prices), len(prices["russia"]), "telegram" in prices["england"], maker.made) == (4, 2, True, 0)
    assert prices["russia"]["google"]["mts"].count == 3
    assert maker.made == 1


def test_values_are_frozen_and_slotted():
    """They may be shared between tasks; a misspelt attribute is an error."""
    order = Order(id=1)

    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        order.status = "FINISHED"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        order.__dict__  # noqa: B018  the point is that there is none


def test_a_repr_shows_no_phone_no_code_no_text_no_address():
    """Values land in logs."""
    sms = Sms(text="Use 415127", code="415127", sender="Facebook")
    order = Order(id=1, phone="+79000381454", sms=(sms,), forwarding_number="+78009005040")
    profile = Profile(id=1, email="user@example.com", default_forwarding_number="+78009005040")

    shown = repr((order, profile))
    for private in ("9000381454", "415127", "8009005040", "user@example.com"):
        assert private not in shown
    assert "'+790…54'" in shown
    assert "Facebook" in shown


def test_the_code_of_an_order_is_the_newest_that_is_not_blank():
    """A second SMS may lack one."""
    messages = (Sms(code="111"), Sms(code="222"), Sms(code=None))

    assert Order(id=1, sms=messages).code == "222"
    assert Order(id=1, sms=messages[2:]).code is None
    assert Order(id=1).code is None
