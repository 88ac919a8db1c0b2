"""One field that cannot be read costs that field, one row that row: what is left of each answer, and what is reported.

Every table is read with msgspec, of the extra `fast`, and without.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import attrs
import pytest

from smsapi_async import Sms
from smsapi_async._fields import collect_unread
from smsapi_async._sending.call import Reply, _quick_decoder
from smsapi_async.v1 import Country, Offer, Order, Payment, Product, _offers, _wire
from tests.answers import parsed, written

ORDER = {**parsed("v1/seed_check_received.json"), "operator": "mts", "forwarding_number": "79001234567"}
MESSAGE = {**ORDER["sms"][0], "id": 5}
PAYMENT = parsed("v1/seed_user_payments.json")["Data"][0]
PRODUCT = {"Category": "activation", "Qty": 3, "Price": 1.5}
COUNTRY = {"iso": {"gb": 1}, "prefix": {"+44": 1}, "text_en": "England", "text_ru": "X", "mts": {"activation": 1}}

DIGITS = "1" * 5_000
BEYOND = ("1e999", "-1e999", "1e-999", "1e99999999999999999999", "1" * 40, DIGITS, "NaN", "Infinity", "-Infinity")
NUMBERS = (*BEYOND, '"0,32"', '"cheap"', "true", "[0,[1],0]", "{}")
WORDS = ("[]", "{}", "true", "1.5e999", "NaN", DIGITS)
INSTANTS = ('"soon"', '"2026-13-01T00:00:00Z"', '"9999-12-31T23:59:59-01:00"', "{}", "true", "12.5", "NaN", DIGITS)
LISTS = ('"none"', "{}", '{"text":"x"}', "5", "true", "NaN")

Row = tuple[str, str, str]
"""The name on the wire, a value that cannot be read, the attribute."""


def rows(names: dict[str, str], values: tuple[str, ...]) -> list[Row]:
    return [(wire, value, name) for wire, name in names.items() for value in values]


ORDER_FIELDS = [
    *rows({"price": "price"}, NUMBERS),
    *rows({name: name for name in ("phone", "product", "operator", "country", "status", "forwarding_number")}, WORDS),
    *rows({"expires": "expires_at", "created_at": "created_at"}, INSTANTS),
    *rows({"sms": "sms"}, LISTS),
]
MESSAGE_FIELDS = [
    *rows({"id": "id"}, NUMBERS),
    *rows({name: name for name in ("sender", "text", "code", "wave_uuid")}, WORDS),
    *rows({"date": "received_at", "created_at": "created_at"}, INSTANTS),
]
PAYMENT_FIELDS = [
    *rows({"Amount": "amount", "Balance": "balance"}, NUMBERS),
    *rows({"TypeName": "type", "ProviderName": "provider"}, WORDS),
    *rows({"CreatedAt": "created_at"}, INSTANTS),
]
PRODUCT_FIELDS = [*rows({"Qty": "quantity", "Price": "price"}, NUMBERS), *rows({"Category": "category"}, WORDS)]
COUNTRY_FIELDS = [
    *rows({"text_en": "text_en", "text_ru": "text_ru"}, WORDS),
    *rows({"iso": "iso", "prefix": "prefixes"}, ("[1]", '"gb"', "5", "true", "NaN")),
]


@pytest.fixture(autouse=True, params=["fast", "plain"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the code look again for the libraries that are installed."""
    if request.param == "plain":
        monkeypatch.setitem(sys.modules, "msgspec", None)
    for known in (_quick_decoder, _offers._splitter):
        known.cache_clear()
    yield
    for known in (_quick_decoder, _offers._splitter):
        known.cache_clear()


def read(parse: Callable[[Reply], Any], body: str) -> tuple[Any, list[str]]:
    """The value, and the fields that were noted."""
    with collect_unread() as unread:
        found = _wire.call("x", "x", parse).read(Reply(status=200, headers={}, body=body.encode()))
    return found, list(unread.fields)


def without(found: Any, name: str) -> Any:
    """The model with one attribute at its default."""
    default: Any = attrs.fields_dict(type(found))[name].default
    return attrs.evolve(found, **{name: getattr(default, "factory", lambda: default)()})


def short(part: object) -> str:
    return str(part)[:20]


@pytest.mark.parametrize(("name", "value", "attribute"), ORDER_FIELDS, ids=short)
def test_a_field_of_an_order_costs_that_field(name: str, value: str, attribute: str) -> None:
    """Its code is delivered all the same, and the order settled."""
    whole: Order = read(_wire.read_order, written(ORDER))[0]

    found, unread = read(_wire.read_order, written(ORDER, name, value))

    assert found == without(whole, attribute)
    assert unread == [name]
    assert found.code == (None if name == "sms" else "09363")


@pytest.mark.parametrize(("name", "value", "attribute"), ORDER_FIELDS, ids=short)
def test_a_field_of_a_row_costs_that_field(name: str, value: str, attribute: str) -> None:
    """The row counts, and so do the others."""
    whole: Order = read(_wire.read_order, written(ORDER))[0]
    body = f'{{"Data":[{written(ORDER)},{written(ORDER, name, value)}]}}'

    page, unread = read(_wire.read_page(Order), body)

    assert page.items == (whole, without(whole, attribute))
    assert (page.unread, unread) == (0, [f"Data[].{name}"])


@pytest.mark.parametrize(("name", "value", "attribute"), MESSAGE_FIELDS, ids=short)
def test_a_field_of_a_message_costs_that_field(name: str, value: str, attribute: str) -> None:
    """Its code is read beside a bad date, and its text beside a bad code."""
    whole: Sms = read(_wire.read_order, written({**ORDER, "sms": [MESSAGE]}))[0].sms[0]

    found, unread = read(_wire.read_order, written(ORDER, "sms", f"[{written(MESSAGE, name, value)}]"))
    inbox, unread_there = read(_wire.read_inbox, f'{{"Data":[{written(MESSAGE, name, value)}]}}')

    assert found.sms == inbox.sms == (without(whole, attribute),)
    assert (unread, unread_there) == ([f"sms[].{name}"], [f"Data[].{name}"])


@pytest.mark.parametrize("value", ["null", "5", '"x"', "[]", "[{}]", "true", "NaN", DIGITS], ids=short)
@pytest.mark.parametrize("first", [True, False])
def test_what_is_no_message_costs_no_other(value: str, *, first: bool) -> None:
    """The readable one beside it is delivered."""
    pair = (value, written(MESSAGE)) if first else (written(MESSAGE), value)

    found, unread = read(_wire.read_order, written(ORDER, "sms", f"[{','.join(pair)}]"))

    assert (found.code, len(found.sms), unread) == ("09363", 1, ["sms[]"])


@pytest.mark.parametrize("value", ["null", "0", "-5", "true", "1.5", '"first"', "[1]", *BEYOND], ids=short)
def test_a_row_without_a_readable_id_costs_that_row(value: str) -> None:
    """It is left out and counted: a search for an order must know that one row could not be read."""
    body = f'{{"Data":[{written(ORDER, "id", value)},{written(ORDER)},5,null],"Total":NaN,"Statuses":"x"}}'

    page, unread = read(_wire.read_page(Order), body)

    assert [order.id for order in page.items] == [ORDER["id"]]
    assert (page.unread, page.total, page.statuses) == (3, None, ())
    assert unread == ["Data[].id", "Data[]", "Total", "Statuses"]


@pytest.mark.parametrize(("name", "value", "attribute"), PAYMENT_FIELDS, ids=short)
def test_a_field_of_a_payment_costs_that_field(name: str, value: str, attribute: str) -> None:
    """The book is evidence of a lost purchase."""
    whole: Payment = read(_wire.read_page(Payment), f'{{"Data":[{written(PAYMENT)}]}}')[0].items[0]
    body = f'{{"Data":[{written(PAYMENT, name, value)},{written(PAYMENT, "ID", value)}]}}'

    page, unread = read(_wire.read_page(Payment), body)

    assert page.items[0] == without(whole, attribute)
    assert page.unread == 2 - len(page.items)
    assert unread[0] == f"Data[].{name}"


@pytest.mark.parametrize(("name", "value", "attribute"), PRODUCT_FIELDS, ids=short)
def test_a_field_of_a_product_costs_that_field(name: str, value: str, attribute: str) -> None:
    """A value that is no product costs no other product."""
    whole: Product = read(_wire.read_products, f'{{"telegram":{written(PRODUCT)}}}')[0]["telegram"]
    body = f'{{"telegram":{written(PRODUCT, name, value)},"viber":5,"amazon":{written(PRODUCT)}}}'

    found, unread = read(_wire.read_products, body)

    assert found == {"telegram": without(whole, attribute), "amazon": whole}
    assert unread == [f"{{}}.{name}", "{}"]


@pytest.mark.parametrize(("name", "value", "attribute"), COUNTRY_FIELDS, ids=short)
def test_a_field_of_a_country_costs_that_field(name: str, value: str, attribute: str) -> None:
    """Its operators are read."""
    whole: Country = read(_wire.read_countries, f'{{"england":{written(COUNTRY)}}}')[0]["england"]

    found, unread = read(_wire.read_countries, f'{{"england":{written(COUNTRY, name, value)},"chad":[]}}')

    assert found == {"england": without(whole, attribute)}
    assert unread == [f"{{}}.{name}", "{}"]


@pytest.mark.parametrize("value", [value for value in NUMBERS if value != "1e-999"], ids=short)
@pytest.mark.parametrize("product", [None, "telegram"])
def test_a_number_of_an_offer_costs_itself(value: str, product: str | None) -> None:
    """Half a million offers are read when they are asked for: one bad line must not end the choice among them."""
    outer, inner = ("england", "telegram") if product is None else ("telegram", "england")
    offer = f'{{"cost":{value},"count":{value},"rate":{value},"rate24":{value},"rate72":95.5,"rate{DIGITS}":1}}'
    table = f'{{"{outer}":{{"{inner}":{{"good":{{"cost":1}},"bad":{offer},"none":{value}}}}}}}'

    prices, _ = read(_offers.read_prices(None, product), table)

    assert list(prices) == [
        Offer(country="england", product="telegram", operator="good", cost=Decimal(1)),
        Offer(country="england", product="telegram", operator="bad", rates={72: Decimal("95.5")}),
        Offer(country="england", product="telegram", operator="none"),
    ]


@pytest.mark.parametrize("value", NUMBERS, ids=short)
def test_a_number_costs_itself_everywhere_else(value: str) -> None:
    """The account, its ceilings and its wallets."""
    profile, there = read(_wire.read_profile, f'{{"id":1,"balance":{value},"rating":96}}')
    ceilings, above = read(_wire.read_max_prices, f'[{{"product":"x","price":{value}}},{{"id":{value}}}]')
    wallets, inside = read(_wire.read_wallets, f'{{"payeer":{value},"unitpay":5}}')

    assert (profile.id, profile.balance, profile.rating, there) == (1, None, 96, ["balance"])
    assert ([(ceiling.product, ceiling.price) for ceiling in ceilings], above) == ([("x", None)], ["[].price", "[]"])
    assert (wallets, inside) == ({"unitpay": 5}, ["{}"])


@pytest.mark.parametrize("depth", [32, 33, 300, 5_000])
def test_a_message_that_nests_too_deeply_makes_the_answer_unreadable_at_once(depth: int) -> None:
    """Each decoder gives up at another depth, and a reader that goes down with it may never come back."""
    body = written(ORDER, "sms", "[" * (depth - 1) + "]" * (depth - 1))
    reply = Reply(status=200, headers={}, body=body.encode())

    if depth == 32:
        assert read(_wire.read_order, body)[1] == ["sms[]"]
    else:
        with pytest.raises(ValueError, match="nested too deeply"):
            reply.json()
