"""The arguments, answers and refusals of a v1 purchase, reuse included. Source: docs/protocol/v1.md 1.3 and 4."""

from decimal import Decimal

import pytest

from smsapi_async.sandbox import Delivery, Hosting, Offer
from tests.sandbox.asking import Asker, asker

ONE_CODE = {"telegram": [[Delivery(5, "Telegram code 04217", "04217")]]}


def test_a_purchase_takes_its_price_at_once() -> None:
    """Live balances fell with the purchase, not with the code."""
    ask = asker()

    ask.buy()

    assert ask.v1_json("user/profile")["balance"] == Decimal("99.7125")


def test_any_operator_is_the_cheapest_in_stock() -> None:
    """An empty shelf may be cheaper; it sells nothing."""
    ask = asker(
        offers=[
            Offer("russia", "telegram", "a", 1, 0),
            Offer("russia", "telegram", "b", 3),
            Offer("russia", "telegram", "c", 2),
        ]
    )

    bought = ask.v1_json("user/buy/activation/any/any/telegram")

    assert (bought["operator"], bought["price"]) == ("c", 2)


def test_numbers_sold_are_never_the_same() -> None:
    """A client keyed by phone would mix two orders up."""
    ask = asker()

    phones = {ask.v1_json("user/buy/activation/any/any/google")["phone"] for _ in range(50)}

    assert len(phones) == 50
    assert all(phone.startswith("+7900") and len(phone) == 12 for phone in phones)


def test_stock_ends() -> None:
    """Out of stock is a 200 with text: the first trap of the API."""
    ask = asker(offers=[Offer("russia", "telegram", "mts", 1, 1)])

    ask.buy()

    assert ask.v1_text("user/buy/activation/russia/any/telegram") == (200, "no free phones")


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("atlantis/any/telegram", "bad country"),
        ("russia/virtual999/telegram", "bad operator"),
        ("russia/any/nothing", "no product"),
        ("russia/offline1/telegram", "server offline"),
    ],
)
def test_a_purchase_names_what_it_does_not_know(place: str, text: str) -> None:
    """The four refusals a wrong path brings."""
    ask = asker(
        offers=[Offer("russia", "telegram", "mts", 1), Offer("russia", "telegram", "offline1", 1)], offline=["offline1"]
    )

    assert ask.v1_text(f"user/buy/activation/{place}") == (400, text)


def test_any_operator_leaves_out_the_offline_ones() -> None:
    """Only a named one is refused for it."""
    ask = asker(offline=["mts"])

    assert ask.v1_json("user/buy/activation/russia/any/telegram")["operator"] == "beeline"


def test_a_known_operator_elsewhere_has_no_free_phones() -> None:
    """The names are right; only nothing is there."""
    assert asker().v1_text("user/buy/activation/russia/vodafone/telegram") == (200, "no free phones")


def test_too_little_money_is_refused() -> None:
    """Nothing is sold on credit."""
    assert asker(balance="0.2").v1_text("user/buy/activation/russia/any/telegram") == (400, "not enough user balance")


def test_rating_zero_forbids_purchases_for_a_day() -> None:
    """After 24 hours the rating is 96 again (docs)."""
    ask = asker(rating=0)

    first = ask.v1_text("user/buy/activation/russia/any/telegram")
    ask.later(24 * 3600)
    ask.buy()

    assert first == (400, "not enough rating")
    assert ask.world.rating == 96


def test_cancels_wear_the_rating_down_to_zero() -> None:
    """A loop of buy and cancel costs no money and ends the purchases."""
    ask = asker(rating="0.1")

    ask.v1(f"user/cancel/{ask.buy()}")

    assert ask.v1_text("user/buy/activation/russia/any/telegram") == (400, "not enough rating")


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("maxPrice=0.2", "no free phones"),
        ("maxPrice=0.3", "order"),
        ("maxPrice=", "order"),
        ("max_price=0.2", "order"),
    ],
)
def test_max_price_is_kept_only_under_its_right_name(query: str, answer: str) -> None:
    """A misspelt limit is no limit: the client's tests must notice."""
    body = asker().v1(f"user/buy/activation/russia/any/telegram?{query}").body.decode()

    assert body == answer or (answer == "order" and body.startswith('{"id":'))


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("maxPrice=abc", "maxPrice is incorrect"),
        ("maxPrice=NaN", "maxPrice is incorrect"),
        ("maxPrice=$maxPrice", "maxPrice is incorrect"),
        ("forwarding=1&number=$number", "number is incorrect"),
        ("forwarding=1&number=%2B79001112233", "number is incorrect"),
        ("number=7900111223", "number is incorrect"),
    ],
)
def test_a_value_that_cannot_be_meant_buys_nothing(query: str, text: str) -> None:
    """A limit that is no number would be no limit; the seed's examples send the literal `$number`."""
    ask = asker()

    assert ask.v1_text(f"user/buy/activation/russia/any/telegram?{query}") == (400, text)
    assert ask.ledger.purchases == []


def test_max_price_is_ignored_with_a_named_operator() -> None:
    """The docs say so; the client must refuse the combination itself."""
    assert asker().v1_json("user/buy/activation/russia/mts/telegram?maxPrice=0.01")["price"] == Decimal("0.2875")


def test_the_account_limit_counts_unless_the_request_has_its_own() -> None:
    """`maxPrice` overrides the account's setting (docs)."""
    ask = asker(max_prices={"telegram": "0.1"})

    assert ask.v1_text("user/buy/activation/russia/any/telegram") == (200, "no free phones")
    assert ask.buy("russia/any/telegram?maxPrice=1")


def test_a_scenario_may_sell_above_the_limit() -> None:
    """So a client's guard of the returned price can be seen to work."""
    assert asker(ignores_max_price=True).buy("russia/any/telegram?maxPrice=0.01")


def test_forwarding_is_told_back() -> None:
    """With `number` that number, without it the account's own."""
    ask = asker()

    own = ask.v1_json("user/buy/activation/russia/any/telegram?forwarding=1&number=79001112233&voice=1")
    default = ask.v1_json("user/buy/activation/russia/any/telegram?forwarding=true")

    assert (own["forwarding"], own["forwarding_number"]) == (True, "79001112233")
    assert default["forwarding_number"] == "78009005040"


@pytest.mark.parametrize(
    ("place", "answer"),
    [
        ("any/any/2days", (400, "no product")),
        ("england/any/1day", (200, "no free phones")),
        ("russia/beeline/1day", (200, "no free phones")),
    ],
)
def test_hosting_that_is_not_sold_is_refused(place: str, answer: tuple[int, str]) -> None:
    """The refusal has the same words as for an activation."""
    assert asker().v1_text(f"user/buy/hosting/{place}") == answer


@pytest.mark.parametrize("place", ["any/any", "russia/any", "russia/beeline", "any/mts", "england/any"])
def test_hosting_is_sold_where_the_products_list_it(place: str) -> None:
    """A catalogue that hides what it sells, or the other way round, would teach a client wrong."""
    ask = asker(hosting=[Hosting("1day", 8, operator="mts")])
    listed = "1day" in ask.v1_json(f"guest/products/{place}")

    ask.v1(f"user/buy/hosting/{place}/1day")

    assert bool(ask.ledger.purchases) is listed


def test_hosting_stock_ends() -> None:
    """As every stock does; a country outside the catalogue still has numbers."""
    ask = asker(hosting=[{"product": "1day", "cost": 1, "count": 1, "country": "latvia"}])

    assert ask.v1_json("user/buy/hosting/any/any/1day")["phone"].startswith("+7")
    assert ask.v1_text("user/buy/hosting/any/any/1day") == (200, "no free phones")


def reusable(ask: Asker, query: str = "?reuse=1") -> tuple[int, str]:
    """An order that has its SMS, and its number without the plus."""
    bought = ask.v1_json(f"user/buy/activation/russia/mts/telegram{query}")
    ask.later(5)
    return bought["id"], bought["phone"].removeprefix("+")


def test_a_number_bought_for_reuse_is_sold_again() -> None:
    """Same phone, new order, full price; while open with SMS and after a finish."""
    ask = asker(plans=ONE_CODE)
    order, number = reusable(ask)
    ask.v1(f"user/finish/{order}")

    again = ask.v1_json(f"user/reuse/telegram/{number}")

    assert (again["phone"], again["price"]) == (f"+{number}", Decimal("0.2875"))
    assert ask.ledger.purchases == [order, again["id"]]


def test_reuse_is_refused_to_an_order_without_the_switch() -> None:
    """Live and documents use different words."""
    live, docs = asker(plans=ONE_CODE), asker(plans=ONE_CODE, reuse_refusal="reuse false")

    answers = [ask.v1_text(f"user/reuse/telegram/{reusable(ask, '')[1]}") for ask in (live, docs)]

    assert answers == [(400, "reuse not possible"), (400, "reuse false")]


@pytest.mark.parametrize("scenario", [{"no_reuse": ["mts"]}, {"reuse_after_finish": False}])
def test_operator_or_finish_may_forbid_reuse(scenario: dict[str, object]) -> None:
    """Two of the reasons the documents give."""
    ask = asker(plans=ONE_CODE, **scenario)
    order, number = reusable(ask)
    ask.v1(f"user/finish/{order}")

    assert ask.v1_text(f"user/reuse/telegram/{number}") == (400, "reuse not possible")


def test_reuse_ends_with_its_window() -> None:
    """`reuse expired`."""
    ask = asker(plans=ONE_CODE, reuse_window=60)
    _, number = reusable(ask)

    ask.later(60)

    assert ask.v1_text(f"user/reuse/telegram/{number}") == (400, "reuse expired")


def test_reuse_of_a_cancelled_or_unknown_number_or_product_is_refused() -> None:
    """Nothing is charged."""
    ask = asker()
    order = ask.buy("russia/mts/telegram?reuse=1")
    phone = ask.world.orders[order].phone.removeprefix("+")
    ask.v1(f"user/cancel/{order}")

    assert ask.v1_text(f"user/reuse/telegram/{phone}") == (400, "reuse not possible")
    assert ask.v1_text("user/reuse/telegram/79990001122") == (400, "reuse not possible")
    assert ask.v1_text(f"user/reuse/nothing/{phone}") == (400, "no product")
    assert ask.world.balance == 100


def test_reuse_out_of_stock_is_a_400() -> None:
    """Where a purchase says the same with 200."""
    ask = asker(plans=ONE_CODE, offers=[Offer("russia", "telegram", "mts", 1, 1)])
    _, number = reusable(ask)

    assert ask.v1_text(f"user/reuse/telegram/{number}") == (400, "no free phones")
