"""The commands that read: for a user as a table, for a program as JSON."""

from __future__ import annotations

import pytest

from smsapi_async.sandbox import Sandbox
from tests.cli.conftest import Smsapi, buy

# -- the account ------------------------------------------------------------------------------------------------------


def test_the_balance_of_both_accounts(smsapi: Smsapi) -> None:
    """The first thing to look at."""
    assert smsapi("balance").rows == [
        ["api", "balance", "frozen", "rating"],
        ["v1", "100", "0", "96"],
        ["rent", "1000.00", "0", "-"],
    ]


def test_money_in_json_is_text(smsapi: Smsapi) -> None:
    """A reader that makes floats of numbers would round it."""
    assert smsapi("balance", "--json").json["v1"] == {"balance": "100", "frozen": "0", "rating": "96"}


@pytest.mark.parametrize(("missing", "shown"), [("SMSAPI_TOKEN", ["rent"]), ("SMSAPI_RENT_KEY", ["v1"])])
def test_an_account_without_a_key_is_not_asked(smsapi, sandbox, monkeypatch, missing, shown):
    """Most users have one of the two."""
    monkeypatch.delenv(missing)

    assert list(smsapi("balance", "--json").json) == shown
    assert len(sandbox.requests) == 1


def test_without_any_key_the_missing_one_is_named(smsapi: Smsapi, monkeypatch: pytest.MonkeyPatch) -> None:
    """A newcomer learns what to set."""
    for name in ("SMSAPI_TOKEN", "SMSAPI_RENT_KEY"):
        monkeypatch.delenv(name)

    ran = smsapi("balance")

    assert (ran.code, ran.out) == (1, "")
    assert "set SMSAPI_TOKEN" in ran.err


# -- the catalogue ----------------------------------------------------------------------------------------------------


def test_offers_come_with_what_a_code_costs(smsapi: Smsapi) -> None:
    """The cheapest number is not the cheapest code."""
    assert smsapi("offers", "telegram", "--country", "russia").rows == [
        ["country", "operator", "cost", "stock", "rate", "%", "a", "code"],
        ["russia", "beeline", "0.32", "1260", "99.99", "0.3200"],
        ["russia", "mts", "0.2875", "935", "87.5", "0.3286"],
    ]


@pytest.mark.parametrize(
    ("options", "operators"),
    [
        (["--sort", "cost"], ["mts", "beeline", "vodafone", "virtual40", "virtual18", "virtual23"]),
        (["--sort", "rate", "--min-stock", "900"], ["beeline", "virtual18", "virtual23", "mts"]),
        (["--max-price", "0.3"], ["mts"]),
    ],
)
def test_offers_are_sorted_and_bounded(smsapi, options, operators):
    """As the user asks."""
    assert [offer["operator"] for offer in smsapi("offers", "telegram", "--json", *options).json] == operators


def test_an_offer_in_json_has_all_its_parts(smsapi: Smsapi) -> None:
    """With the expected cost beside them."""
    (offer,) = smsapi("offers", "whatsapp", "--country", "russia", "--json").json

    assert offer == {
        "country": "russia", "product": "whatsapp", "operator": "megafon", "cost": "0.5", "count": 500, "rate": "35.2",
        "rates": {"1": "40", "24": "36.1", "720": "31"}, "expected_cost": "1.4205",
    }  # fmt: skip


def test_no_offers_are_said_to_be_none(smsapi: Smsapi) -> None:
    """On stderr, since a program that reads stdout gets nothing."""
    ran = smsapi("offers", "telegram", "--min-stock", "99999")

    assert (ran.code, ran.out, ran.err) == (0, "", "no offers for telegram\n")


def test_countries_and_products_are_listed(smsapi: Smsapi) -> None:
    """To find the words the other commands want."""
    assert smsapi("countries").rows[1] == ["russia", "Russia", "ru", "+7", "5"]
    assert smsapi("countries", "--json").json[0]["prefixes"] == ["+7"]
    assert ["1688", "activation", "935", "4"] in smsapi("products", "--country", "russia").rows
    assert smsapi("products", "--json").json[0]["category"] == "hosting"


# -- orders -----------------------------------------------------------------------------------------------------------


def test_orders_come_newest_first(smsapi: Smsapi) -> None:
    """With the number whole and the code, which are the user's own."""
    for product in ("telegram", "whatsapp"):
        smsapi("code", product, "--country", "russia", "--timeout", 9, "--yes")

    newest, oldest = smsapi("orders").rows[1:]

    assert newest[3:5] == ["whatsapp", "russia"]
    assert newest[6:] == ["CANCELED", "0.5", "-"]
    assert oldest[6:] == ["FINISHED", "0.2875", "04217"]
    assert [order["product"] for order in smsapi("orders", "--json", "--limit", 1).json] == ["whatsapp"]


def test_open_orders_can_be_settled(smsapi: Smsapi, sandbox: Sandbox) -> None:
    """The orders that a crash left behind."""
    order_id = buy(sandbox, "google")

    assert [order["id"] for order in smsapi("orders", "--open", "--json").json] == [order_id]
    assert [order["status"] for order in smsapi("orders", "--settle", "--yes", "--json").json] == ["CANCELED"]
    assert smsapi("orders", "--open").err == "no open orders\n"


def test_hosting_orders_have_a_list_of_their_own(smsapi: Smsapi) -> None:
    """As at the provider."""
    assert smsapi("orders", "--hosting").err == "no orders\n"


# -- rented numbers ---------------------------------------------------------------------------------------------------


def test_tariffs_show_price_and_stock(smsapi: Smsapi) -> None:
    """One line for every country and length."""
    assert smsapi("rent", "tariffs", "--country", 46).rows[1:] == [
        ["46", "-", "1", "36.125", "20"],
        ["46", "-", "7", "200", "0"],
    ]
    assert smsapi("rent", "tariffs", "--json").json[0]["prices"]["7"] == "251.5"


def test_rented_numbers_are_listed(smsapi: Smsapi) -> None:
    """With the tzid that the other commands want."""
    assert smsapi("rent", "list").err == "no rented numbers\n"
    smsapi("rent", "get", 7, 1, "--yes")

    (number,) = smsapi("rent", "list", "--json").json

    assert (number["country"], number["ends_in"], number["price"]) == (7, 1200.0, "40")
    assert smsapi("rent", "list").rows[1][2:7] == ["awaits", "its", "first", "message", "0:20:00"]


def test_messages_are_followed_until_ctrl_c(smsapi: Smsapi) -> None:
    """Each as it arrives; what is there already first."""
    tzid = smsapi("rent", "get", 7, 1, "--yes", "--json").json[0]["tzid"]

    followed = smsapi("rent", "messages", tzid, "--follow", ctrl_c=(20,))

    assert followed.code == 130
    assert [line.split("  ")[1] for line in followed.out.splitlines()] == ["Google: Your code is 070051", "Bank: Hello"]


def test_messages_are_followed_until_the_number_is_gone(smsapi: Smsapi) -> None:
    """One that gets no message is taken back by the provider after 20 minutes."""
    tzid = smsapi("rent", "get", 46, 1, "--yes", "--json").json[0]["tzid"]

    followed = smsapi("rent", "messages", tzid, "--follow")

    assert (followed.code, followed.out) == (0, "")


def test_messages_so_far_are_shown(smsapi: Smsapi) -> None:
    """And the command ends."""
    tzid = smsapi("rent", "get", 7, 1, "--yes", "--json").json[0]["tzid"]
    smsapi("rent", "messages", tzid, "--follow", ctrl_c=(7,))

    message = smsapi("rent", "messages", tzid, "--json").json

    assert (message["sender"], message["code"]) == ("Google", "070051")
    assert smsapi("rent", "list").rows[1][-1] == "070051"
