"""With msgspec, of the extra `fast`, and without: the same values, and the same errors in the same words."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsapi_async import SmsApiError, UnreadableReplyError
from smsapi_async._sending.call import CATALOGUE_CAP, Call, Reply, _quick_decoder
from smsapi_async.v1 import Order, Payment, Prices, _offers, _wire
from tests.answers import sample, sample_names

READERS: dict[str, Callable[[Reply], Any]] = {
    "order": _wire.read_order,
    "profile": _wire.read_profile,
    "orders": _wire.read_page(Order),
    "payments": _wire.read_page(Payment),
    "inbox": _wire.read_inbox,
    "products": _wire.read_products,
    "countries": _wire.read_countries,
    "notification": _wire.read_notification,
    "max_prices": _wire.read_max_prices,
    "wallets": _wire.read_wallets,
    "withdrawal": _wire.read_withdrawal,
    "prices": _offers.read_prices(None, None),
    "prices of a product": _offers.read_prices(None, "facebook"),
}
CALLS: dict[str, Call[Any]] = {name: _wire.call(name, name, read) for name, read in READERS.items()}
Outcome = tuple[Any, ...]


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Let the code look again for the libraries that are installed."""
    yield
    forget()


def forget() -> None:
    _quick_decoder.cache_clear()
    _offers._splitter.cache_clear()


def outcome(call: Call[Any], body: bytes) -> Outcome:
    """The value, or all words of the error."""
    try:
        value = call.read(Reply(status=200, headers={}, body=body))
        return ("value", list(value) if isinstance(value, Prices) else value)
    except SmsApiError as error:
        return (type(error), str(error), getattr(error, "path", ""), str(error.__cause__))


def both_ways(calls: list[Call[Any]], body: bytes) -> tuple[list[Outcome], list[Outcome]]:
    """With msgspec, and without."""
    forget()
    fast = [outcome(call, body) for call in calls]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "msgspec", None)
        forget()
        plain = [outcome(call, body) for call in calls]
    return fast, plain


def test_the_two_ways_are_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else nothing is proved below."""
    forget()
    fast, _ = _quick_decoder(Decimal)
    monkeypatch.setitem(sys.modules, "msgspec", None)
    forget()
    plain, _ = _quick_decoder(Decimal)

    assert (type(fast).__name__, type(plain).__name__) == ("builtin_function_or_method", "function")


@pytest.mark.parametrize("name", sorted(sample_names("v1")))
def test_every_sample_is_read_alike_by_every_reader(name: str) -> None:
    """Also by those it is none of the business of: their errors must not depend on what is installed."""
    fast, plain = both_ways(list(CALLS.values()), sample(name).encode())

    assert fast == plain


ODD = (
    *(b"null", b"true", b"false", b"0", b"-0", b"1", b"-1", b"7", b'"7"', b"7.0", b"1.5", b"-0.0"),
    *(b"0.1", b"12.345678901234567890", b"1e-7", b"1E5", b"1e400", b"1e999999999", b"1e99999999999999999999"),
    *(b"9223372036854775808", b"18446744073709551616", b"-9223372036854775809", b"1" * 31, b"1" * 32, b"1" * 5_000),
    *(b"NaN", b"Infinity", b"-Infinity", b"01", b"1.", b".5", b"+1", b"-", b"tru", b"", b"[1,]", b'{"a":1,}'),
    *(b'""', b'" x "', b'"Virtual62"', b'"PENDING"', b'"79000381454"', b'"\\u00e9\\ud83d\\ude00"', '"é"'.encode()),
    *(b'"\\ud800"', b'"\xff"', b'"\xed\xa0\x80"', b'"\x01"', b'"\x00"', b'"\x7f"', b'"\\x"', b'"\\u12"', b'"\xe9"'),
    *(b'"2026-01-01T12:00:00.123456789Z"', b'"2026-01-01T15:00:00+03:00"', b'"0001-01-01T00:00:00Z"', b'"noon"'),
    *(b"[]", b"{}", b"[null]", b"[{}]", b'["x"]', b'{"Name":"x"}', b'[{"Name":"x"}]', b'{"a":1,"a":2}'),
    *(b'[{"ID":7,"code":"1"},{"code":2,"date":"2026-01-01T12:00:00Z"}]', b"[" * 50 + b"]" * 50, b"[" * 100_000),
)
ROW = json.loads(sample("v1/seed_check_received.json"))
FIELDS = (
    *ROW,
    "operator",
    "ID",
    "text",
    "code",
    "date",
    "Total",
    "Name",
    "message",
    "new",
    "\\ud800",
    "rate24",
    "cost",
)
WRAPPED = (
    b"%s",
    b" %s\n",
    b"[%s]",
    b'{"Data":[%s],"Total":1}',
    b'{"england":%s}',
    b'{"facebook":{"england":{"mts":%s}}}',
)
CODES = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32-be")


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """A row of which some fields are missing, some odd, some there twice."""
    missing = draw(st.sets(st.sampled_from(sorted(ROW)), max_size=3))
    row = [(name, json.dumps(value).encode()) for name, value in ROW.items() if name not in missing]
    row += draw(st.lists(st.tuples(st.sampled_from(FIELDS), st.sampled_from(ODD)), max_size=2))
    found = b",".join(b'"%s":%s' % (name.encode(), value) for name, value in row)
    return draw(st.sampled_from(WRAPPED)) % (b"{%s}" % found)


@settings(max_examples=150)
@given(bodies())
def test_whatever_becomes_of_a_row_it_is_read_alike(body: bytes) -> None:
    """The extra makes reading faster, and nothing else."""
    fast, plain = both_ways(list(CALLS.values()), body)

    assert fast == plain


@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value)[:30])
def test_an_odd_value_is_read_alike_in_every_place(value: bytes) -> None:
    """As the price, as an unknown field, as the key of an object, alone, and in every encoding of JSON."""
    found = [b'{"id":7,"price":%s}' % value, b'{"id":7,"new":%s}' % value, b'{"id":7,%s:1}' % value, value]
    written = [b'{"id":7,"price":%s}'.decode().replace("%s", value.decode("latin-1")).encode(code) for code in CODES]

    for body in [*found, *written]:
        fast, plain = both_ways([CALLS["order"], CALLS["wallets"]], body)
        assert fast == plain


@pytest.mark.parametrize(
    "price", ["0.1", "12.345678901234567890", "1e-7", "21", "0.0641", "123456789012345678901234567890"]
)
def test_money_is_exact_from_the_text(price: str) -> None:
    """A float has 15 digits and no more."""
    fast, plain = both_ways([CALLS["order"]], f'{{"id":7,"price":{price}}}'.encode())

    assert fast == plain
    assert fast[0][1].price == Decimal(price)


LEAF = b'{"cost":0.0641,"count":3,"rate":99.99}'
TABLE = b'{"england":{"telegram":{"mts":%s,"tele2":{"cost":2}},"google":{}},"russia":%s,"chad":{}}'


def table(leaf: bytes = LEAF, russia: bytes = b'{"telegram":{"mts":{"cost":1}}}') -> bytes:
    """Large enough to be left unread."""
    return TABLE % (leaf, russia) + b" " * _offers.SMALL


def prices(body: bytes) -> Prices:
    found: Prices = _wire.call("prices", "x", READERS["prices"], catalogue=True).read(
        Reply(status=200, headers={}, body=body)
    )
    return found


@pytest.fixture(params=["fast", "plain"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "plain":
        monkeypatch.setitem(sys.modules, "msgspec", None)
    forget()
    return str(request.param)


def test_a_large_table_is_the_same_table(way: str) -> None:
    """Its countries are decoded when they are asked for, and then once."""
    found = prices(table())

    assert (len(found), bool(found), found.countries) == (3, True, ("england", "russia", "chad"))
    assert [(offer.country, offer.operator, offer.cost) for offer in found] == [
        ("england", "mts", Decimal("0.0641")),
        ("england", "tele2", 2),
        ("russia", "mts", 1),
    ]
    assert found["england"]["telegram"]["mts"].count == 3
    assert found["england"]["telegram"]["tele2"].cost == 2
    assert (list(found["england"]), "russia" in found, "peru" in found, len(found["russia"])) == (
        ["telegram", "google"],
        True,
        False,
        1,
    )
    for name in (lambda: found["peru"], lambda: found["england"]["viber"]):
        with pytest.raises(KeyError):
            name()


@pytest.mark.parametrize("russia", [b"5", b"null", b"[]", b'{"telegram":5}', b'{"telegram":[]}'])
def test_what_is_nested_wrongly_concerns_no_other_country(russia: bytes) -> None:
    """It is reported by its path once it is read; without msgspec the table is decoded whole, and refused whole."""
    forget()
    found = prices(table(russia=russia))

    assert found["england"]["telegram"]["mts"].count == 3
    with pytest.raises(UnreadableReplyError) as caught:
        found["russia"]["telegram"]["mts"]
    assert caught.value.path.startswith("russia")
    with pytest.raises(UnreadableReplyError):
        list(found)


@pytest.mark.parametrize("leaf", [b'{"cost":1e400}', b'{"cost":"x"}', b"5"])
def test_an_offer_of_a_large_table_costs_itself(way: str, leaf: bytes) -> None:
    """Its cost is unknown, and the one beside it is read."""
    found = prices(table(leaf))

    assert found["england"]["telegram"]["tele2"].cost == 2
    assert found["england"]["telegram"]["mts"].cost is None
    assert len(list(found)) == 3


def test_odd_names_in_a_large_table_are_read(way: str) -> None:
    """A half character is JSON, though msgspec does not think so."""
    found = prices(table(russia=b'{"\\ud800":{"mts":{"cost":1}}}'))

    assert found["russia"]["\ud800"]["mts"].cost == 1


@pytest.mark.parametrize("body", [b"[" + b" " * 2_000_000, b"<html>" * 400_000, b"5" + b" " * 2_000_000])
def test_a_large_body_that_is_no_table_is_unreadable(way: str, body: bytes) -> None:
    """With the words of json."""
    with pytest.raises(UnreadableReplyError):
        prices(body)


def test_catalogues_may_be_larger_than_what_is_decoded_at_once() -> None:
    """Else nothing would ever be left unread."""
    assert _offers.SMALL < CATALOGUE_CAP
