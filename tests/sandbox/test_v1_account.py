"""Profile, history, payments, limits, vendor: the account behind the v1 face.

Source: docs/protocol/v1.md sections 1, 2."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.sandbox.asking import Asker, asker


def ids(ask: Asker, query: str) -> list[int]:
    return [row["id"] for row in ask.v1_json(f"user/orders?category=activation{query}")["Data"]]


def test_frozen_is_what_a_cancel_would_bring_back() -> None:
    """The world's own model: no source says how it moves."""
    ask = asker()
    order = ask.buy()
    before = ask.v1_json("user/profile")["frozen_balance"]

    ask.world.receive(order, text="code 1")

    assert (before, ask.v1_json("user/profile")["frozen_balance"]) == (Decimal("0.2875"), 0)


def test_the_profile_of_a_plain_user_has_no_vendor_fields() -> None:
    """As seen live."""
    assert {"vendor", "default_forwarding_number"}.isdisjoint(asker(vendor=None).v1_json("user/profile"))


@pytest.mark.parametrize("order", ["&order=id", ""])
@pytest.mark.parametrize(
    ("reverse", "newest_first"),
    [("true", True), ("True", True), ("1", True), ("false", False), ("False", False), ("0", False), ("", False)],
)
def test_reverse_turns_the_history_round(order: str, reverse: str, newest_first: bool) -> None:
    """The seed's own Python example sends `True`, its PHP example 1, and both leave `order` out at times."""
    ask = asker()
    first, second = ask.buy(), ask.buy()

    assert ids(ask, f"{order}&reverse={reverse}") == ([second, first] if newest_first else [first, second])


def test_the_oldest_order_comes_first_by_default() -> None:
    """With or without a field to sort by, known or not."""
    ask = asker()
    first, second = ask.buy(), ask.buy()

    assert ids(ask, "") == ids(ask, "&order=id") == ids(ask, "&order=nothing") == [first, second]


LIVE = ("did_order", "is_totp", "last_order", "last_top_orders", "last_top_idx", "total_active_orders")


def test_a_fresh_profile_has_the_fields_seen_live() -> None:
    """No document lists them; clients written against the live service require them."""
    profile = asker().v1_json("user/profile")

    assert tuple(profile[name] for name in LIVE) == (False, False, "", "{}", 0, 0)


def test_the_profile_remembers_the_last_orders() -> None:
    """Five parts each, newest first, equal ones once; a hosting order has no operator and is not among them."""
    ask = asker()
    for place in ("england/any/google", "russia/mts/telegram", "england/any/google", "russia/any/google"):
        ask.buy(place)
    ask.v1("user/buy/hosting/any/any/1day")
    ask.v1(f"user/cancel/{ask.buy('england/any/facebook')}")

    profile = ask.v1_json("user/profile")

    assert (profile["did_order"], profile["total_active_orders"]) == (True, 5)
    assert profile["last_order"] == "england:facebook:vodafone:1259:0.0641"
    assert profile["last_top_orders"] == (
        "{england:facebook:vodafone:1259:0.0641,russia:google:mts:499:0.15,"
        "england:google:virtual52:40:0.20,russia:telegram:mts:934:0.2875}"
    )


def test_a_documented_profile_has_no_more_than_the_documents() -> None:
    """A client may rely on none of the fields seen live."""
    assert set(LIVE).isdisjoint(asker(profile_extras=False).v1_json("user/profile"))


def test_rows_are_sorted_by_the_field_asked_for() -> None:
    """Any field of the row is a name for `order`."""
    ask = asker()
    dear, cheap = ask.buy("usa/any/telegram"), ask.buy()

    assert ids(ask, "&order=price") == [cheap, dear]


def test_pages_have_a_default_size_and_a_cap() -> None:
    """Undocumented both: the client learns the size from the first page."""
    ask = asker(default_limit=3)
    orders = [ask.buy() for _ in range(5)]

    default, second = ids(ask, ""), ids(ask, "&limit=2&offset=2")
    ask.sandbox.page_cap = 1

    assert (default, second, ids(ask, "&limit=4")) == (orders[:3], orders[2:4], orders[:1])
    assert ids(ask, "&limit=abc") == orders[:1]


def test_a_page_needs_its_category() -> None:
    """A page shows only the orders of its category."""
    ask = asker()
    ask.v1("user/buy/hosting/any/any/1day")

    assert ask.v1("user/orders").status == 400
    assert ids(ask, "") == []
    assert len(ask.v1_json("user/orders?category=hosting")["Data"]) == 1


def test_history_may_lag_behind_a_purchase() -> None:
    """A client that looks at once must look again."""
    ask = asker()
    ask.sandbox.history_lag = timedelta(seconds=5)
    order = ask.buy()
    hidden = (ids(ask, ""), len(ask.v1_json("user/payments")["Data"]))

    ask.later(5)

    assert hidden == ([], 1)
    assert (ids(ask, ""), len(ask.v1_json("user/payments")["Data"])) == ([order], 2)


def test_rows_may_lack_their_sms() -> None:
    """Seen in some history rows: no `sms` key says nothing about codes."""
    ask = asker()
    ask.buy()
    ask.sandbox.listing_without_sms = True

    assert "sms" not in ask.v1_json("user/orders?category=activation")["Data"][0]


def test_a_listed_order_is_as_it_is_now() -> None:
    """Rows are kept between pages: each change, of the order or of the quirks, has to be seen in the next."""
    ask = asker()
    order = ask.world.orders[ask.buy()]
    path = "user/orders?category=activation"
    before = ask.v1_json(path)["Data"][0]

    ask.world.receive(order.id, "code 1234", "1234")
    told = ask.v1_json(path)["Data"][0]
    ask.sandbox.clock_skew = timedelta(hours=1)
    skewed = ask.v1_json(path)["Data"][0]
    ask.sandbox.listing_without_sms = True

    assert (before["status"], before["sms"]) == ("PENDING", [])
    assert (told["status"], told["sms"][0]["code"]) == ("RECEIVED", "1234")
    assert (before["created_at"][11:13], skewed["created_at"][11:13]) == ("12", "13")
    assert "sms" not in ask.v1_json(path)["Data"][0]


def test_a_reversed_page_may_be_empty_with_a_total_of_one() -> None:
    """One project met it and falls back to `reverse=false`."""
    ask = asker()
    order = ask.buy()
    ask.sandbox.reverse_is_empty = True

    page = ask.v1_json("user/orders?category=activation&order=id&reverse=true")

    assert (page["Data"], page["Total"]) == ([], 1)
    assert ids(ask, "&order=id&reverse=false") == [order]


def test_total_may_be_any_number() -> None:
    """999999 with one row, live."""
    assert asker(total=999999).v1_json("user/payments")["Total"] == 999999


def test_payments_name_the_product_and_the_signed_amount() -> None:
    """A refund is a `charge` here: how it is typed is unknown."""
    ask = asker()
    ask.v1(f"user/cancel/{ask.buy()}")

    rows = ask.v1_json("user/payments?order=id&reverse=true")["Data"]

    assert [(row["TypeName"], row["ProviderName"], row["Amount"]) for row in rows] == [
        ("charge", "telegram", Decimal("0.2875")),
        ("buy", "telegram", Decimal("-0.2875")),
        ("charge", "admin", 100),
    ]
    assert [row["Balance"] for row in rows] == [100, Decimal("99.7125"), 100]


def test_a_limit_is_set_and_deleted() -> None:
    """Two bodies of JSON, two empty answers."""
    ask = asker()

    set_answer = ask.v1_text("user/max-prices", "POST", {"product_name": "telegram", "price": 11.5})
    listed = ask.v1_json("user/max-prices")
    deleted = ask.v1_text("user/max-prices", "DELETE", {"product_name": "telegram"})

    assert set_answer == deleted == (200, "")
    assert [(row["product"], row["price"]) for row in listed] == [("telegram", Decimal("11.5"))]
    assert ask.v1_json("user/max-prices") == []


@pytest.mark.parametrize(
    ("method", "body", "answer"),
    [
        ("POST", {"price": 1}, (400, "product_name is empty")),
        ("POST", {"product_name": "", "price": 1}, (400, "product_name is empty")),
        ("POST", {"product_name": "telegram"}, (400, "any error")),
        ("POST", {"product_name": "telegram", "price": True}, (400, "any error")),
        ("POST", {"product_name": "telegram", "price": -1}, (400, "any error")),
        ("POST", ["telegram"], (400, "any error")),
        ("POST", None, (400, "any error")),
        ("DELETE", {"name": "telegram"}, (400, "product_name is empty")),
        ("DELETE", {"product_name": "telegram"}, (404, "record not found")),
    ],
)
def test_a_wrong_limit_is_refused(method: str, body: object, answer: tuple[int, str]) -> None:
    """The documented texts, and `any error` for what has none."""
    assert asker().v1_text("user/max-prices", method, body) == answer


def test_a_withdrawal_empties_a_wallet_and_leaves_no_record() -> None:
    """Unknown stays unknown: the client cannot look it up."""
    ask = asker()

    answer = ask.v1_text(
        "vendor/withdraw", "POST", {"receiver": "1", "method": "qiwi", "amount": "97.6", "fee": "unitpay"}
    )

    assert answer == (200, "")
    assert ask.v1_json("vendor/wallets")["unitpay"] == 0
    assert ask.v1_json("vendor/payments")["Data"] == []
    assert [each.amount for each in ask.ledger.withdrawals] == [Decimal("97.6")]


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 1},
        {"amount": "0"},
        {"amount": "x"},
        {"amount": "1000000"},
        {"method": "cash"},
        {"fee": "bank"},
        {"receiver": ""},
    ],
)
def test_a_wrong_withdrawal_is_refused(change: dict[str, object]) -> None:
    """`amount` must be text; the refusals' words are ours."""
    ask = asker()

    answer = ask.v1(
        "vendor/withdraw", "POST", {"receiver": "1", "method": "qiwi", "amount": "1", "fee": "unitpay"} | change
    )

    assert answer.status == 400
    assert ask.ledger.withdrawals == []


def test_a_vendor_page_needs_its_category() -> None:
    """As the user's own history."""
    ask = asker()

    assert ask.v1("vendor/orders").status == 400
    assert ask.v1_json("vendor/orders?category=activation")["Data"] == []


def test_vendor_prices_are_filtered_sorted_and_paged() -> None:
    """Parameters in brackets; what is no whole number is as left out."""
    ask = asker()

    page = ask.v1_json(
        "vendor/prices?_filters%5BProductName%5D=telegram&_sortField=Price&_sortDir=DESC&_perPage=2&_page=x"
    )
    unsorted = ask.v1_json("vendor/prices?_sortField=nothing")

    assert [row["OperatorName"] for row in page["Prices"]] == ["virtual18", "virtual23"]
    assert (page["Total"], page["Products"]) == (9, ["telegram"])
    assert unsorted["Total"] == 19


@pytest.mark.parametrize(("form", "printed"), [("number", b"100"), ("float", b"100.0"), ("text", b'"100"')])
def test_money_is_written_in_three_forms(form: str, printed: bytes) -> None:
    """An int or a float, live; text for clients that must take anything."""
    assert b'"balance":' + printed + b"," in asker(money_form=form).v1("user/profile").body


def test_a_top_up_lifts_the_rating() -> None:
    """Each top-up adds eight points (docs)."""
    ask = asker(rating=50)

    ask.world.charge(Decimal(10))

    assert (ask.world.rating, ask.world.balance) == (Decimal(58), Decimal(110))


@pytest.mark.parametrize(
    ("scenario", "answer"),
    [({}, (200, "", None)), ({"empty_answer": "{}"}, (200, "{}", "application/json"))],
)
def test_a_success_that_no_document_prints_may_be_empty_or_json(scenario: Any, answer: Any) -> None:
    """Nothing decides: some clients read JSON alone, and no document prints a body."""
    ask = asker(**scenario)
    wish = {"receiver": "1", "method": "visa", "amount": "1", "fee": "unitpay"}
    answers = [
        ask.v1("user/max-prices", "POST", {"product_name": "telegram", "price": 1}),
        ask.v1("user/max-prices", "DELETE", {"product_name": "telegram"}),
        ask.v1("vendor/withdraw", "POST", wish),
    ]

    assert [(each.status, each.body.decode(), each.headers.get("content-type")) for each in answers] == [answer] * 3


@pytest.mark.parametrize("name", ["CreatedAt", "created_at"])
def test_a_limit_names_its_instant_in_either_way(name: Any) -> None:
    """The printed answers and the table of fields disagree."""
    [row] = asker(max_prices={"telegram": 1}, max_prices_stamp=name).v1_json("user/max-prices")

    assert list(row) == ["id", "product", "price", name]
