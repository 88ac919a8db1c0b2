"""Keys, methods, paths, the catalogue: what the v1 face takes and turns away.
Source: docs/protocol/v1.md sections 1, 2, 4."""

from decimal import Decimal

import pytest

from smsapi_async.sandbox import Offer, Request
from tests.sandbox.asking import asker, read

NO_ROUTE = '<a href="/404.html">Found</a>.'


@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": "Bearer eyJwrong"}, {"authorization": "{token}"}, {"authorization": "bearer {token}"}],
)
def test_a_wrong_key_gets_an_empty_401(headers: dict[str, str]) -> None:
    """Only `Authorization: Bearer` with the right token opens."""
    ask = asker()
    sent = {name: value.format(token=ask.sandbox.token) for name, value in headers.items()}

    response = ask.sandbox.handle(Request("GET", "/v1/user/profile", sent), ask.now)

    assert (response.status, response.body) == (401, b"")


def test_guests_need_no_key() -> None:
    """The provider does not look at a wrong key there either (live)."""
    ask = asker()

    response = ask.sandbox.handle(Request("GET", "/v1/guest/countries", {"authorization": "Bearer x"}), ask.now)

    assert "russia" in read(response)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "user/nothing"),
        ("GET", "user/balance"),
        ("POST", "user/buy/activation/russia/any/telegram"),
        ("GET", "user/buy/activation//any/telegram"),
        ("GET", "user/buy/activation/russia/any"),
        ("GET", "user/buy/activation/russia/any/Telegram"),
        ("GET", "user/buy/activation/russia/any/..%2ftelegram"),
        ("GET", "user/buy/activation/russia/any/__probe__"),
        ("GET", "user/check/abc"),
        ("GET", "user/check/-1"),
        ("GET", "user/reuse/telegram/%2B79001112233"),
        ("GET", "user/reuse/telegram/123"),
        ("GET", "guest/flash/de"),
        ("GET", "user/profile/"),
    ],
)
def test_a_path_that_fits_no_route_is_redirected(method: str, path: str) -> None:
    """302 to an HTML page, with the key or without."""
    response = asker().v1(path, method)

    assert (response.status, response.body.decode()) == (302, NO_ROUTE)
    assert response.headers["location"] == "/404.html"


@pytest.mark.parametrize("path", ["/404.html", "/", "/v2/user/profile"])
def test_a_path_of_neither_api_is_a_404_page(path: str) -> None:
    """The answer to a client that follows the redirect."""
    ask = asker()

    response = ask.sandbox.handle(Request("GET", path), ask.now)

    assert (response.status, response.headers["content-type"]) == (404, "text/html; charset=utf-8")


def test_an_encoded_slug_is_the_slug() -> None:
    """Percent signs are the wire's, not the name's."""
    assert asker().v1("user/buy/activation/russia/any/tele%67ram").status == 200


def test_refusals_are_plain_text() -> None:
    """The header `Accept` has no influence."""
    assert asker().v1("user/check/1").headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("query", "nesting"),
    [
        ("", ("russia", "telegram", "mts")),
        ("?country=russia", ("russia", "telegram", "mts")),
        ("?product=telegram", ("telegram", "russia", "mts")),
        ("?country=russia&product=telegram", ("russia", "telegram", "mts")),
    ],
)
def test_prices_nest_by_their_filters(query: str, nesting: tuple[str, str, str]) -> None:
    """A product alone turns the tree round."""
    tree = asker().v1_json(f"guest/prices{query}")

    outer, inner, operator = nesting
    assert tree[outer][inner][operator] == {"cost": Decimal("0.2875"), "count": 935, "rate": Decimal("87.5")}


def test_prices_of_what_is_not_sold_there_are_null() -> None:
    """Both names are known, together they are nothing."""
    assert asker().v1("guest/prices?country=afghanistan&product=1688").body == b"null"


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("country=any", "country is incorrect"),
        ("country=", "country is incorrect"),
        ("product=none", "product is incorrect"),
    ],
)
def test_prices_refuse_an_unknown_filter(query: str, text: str) -> None:
    """`any` is no value here."""
    assert asker().v1_text(f"guest/prices?{query}") == (400, text)


def test_an_offer_may_lack_its_rate_or_have_more() -> None:
    """Absent is unknown, 0 is zero, and there are undocumented ones."""
    tree = asker().v1_json("guest/prices?country=russia")["russia"]

    assert "rate" not in tree["amazon"]["beeline"]
    assert tree["google"]["mts"]["rate"] == 0
    assert tree["whatsapp"]["megafon"]["rate24"] == Decimal("36.1")


def test_products_sum_the_stock_and_show_the_lowest_price() -> None:
    """The price of an empty shelf too: not what a purchase will cost."""
    ask = asker()

    everywhere, england = ask.v1_json("guest/products/any/any"), ask.v1_json("guest/products/england/any")

    assert england["telegram"] == {"Category": "activation", "Qty": 400, "Price": Decimal("0.0641")}
    assert everywhere["1day"] == {"Category": "hosting", "Qty": 14, "Price": 8}
    assert "1day" not in england
    assert "1day" not in ask.v1_json("guest/products/russia/beeline")


def test_one_product_is_bare() -> None:
    """A third segment: the old documents' route."""
    ask = asker()

    assert ask.v1_json("guest/products/russia/any/1688")["Price"] == 4
    assert ask.v1_text("guest/products/russia/any/nothing") == (400, "no product")


@pytest.mark.parametrize(("place", "text"), [("atlantis/any", "bad country"), ("any/nobody", "bad operator")])
def test_products_refuse_an_unknown_place(place: str, text: str) -> None:
    """In other words than the prices do."""
    assert asker().v1_text(f"guest/products/{place}") == (400, text)


def test_countries_list_fewer_operators_than_sell() -> None:
    """17 against 13 for England, live."""
    england = asker().v1_json("guest/countries")["england"]

    assert england["vodafone"] == {"activation": 1}
    assert "virtual52" not in england


def test_a_country_may_lack_its_russian_name() -> None:
    """As in the newest documents, and for a country that only an offer names."""
    countries = asker(offers=[Offer("latvia", "telegram", "lmt", 1)]).v1_json("guest/countries")

    assert "text_ru" not in countries["latvia"]
    assert countries["latvia"]["text_en"] == "Latvia"


def test_the_notification_has_a_language() -> None:
    """It may be empty, or HTML."""
    assert asker(flash={"en": "<b>sale</b>"}).v1_json("guest/flash/en") == {"text": "<b>sale</b>"}


@pytest.mark.parametrize(
    "path", ["/v1/guest/countries", "/v1/user/profile", "/v1/user/check/1", "/v1/no/route", "/api/getBalance.php", "/x"]
)
def test_head_is_answered_like_get_without_its_body(path: str) -> None:
    """RFC 9110, section 9.3.2: the same status and headers, the length of the body it leaves out among them."""
    ask = asker()
    headers = {"authorization": f"Bearer {ask.sandbox.token}"}

    got, head = (ask.sandbox.handle(Request(method, path, headers), ask.now) for method in ("GET", "HEAD"))

    assert (head.status, head.headers, head.body) == (got.status, got.headers, b"")


def test_head_does_what_get_does() -> None:
    """A GET that buys is no safe method, and its HEAD is none either."""
    ask = asker()

    assert ask.v1("user/buy/activation/russia/any/telegram", "HEAD").status == 200
    assert len(ask.ledger.purchases) == 1
