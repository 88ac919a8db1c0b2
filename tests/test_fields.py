"""Single values of JSON, read leniently: what each reader takes, what it makes of it, what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsapi_async._fields import (
    READ_APART,
    UNREADABLE,
    MisreadError,
    Reader,
    below,
    collect_unread,
    each,
    each_of,
    field,
    flag_or_none,
    instant_or_none,
    note,
    number,
    number_or_none,
    path_of,
    price,
    price_or_none,
    readable,
    text,
    text_or_none,
    whole,
    whole_or_none,
)


class Refused(Enum):
    """The mark in the tables for a value that is refused."""

    IT = "refused"


REFUSED = Refused.IT


def nested(depth: int) -> list[Any]:
    """A list in a list in a list."""
    outer: list[Any] = []
    for _ in range(depth):
        outer = [outer]
    return outer


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

Row = tuple[Callable[[Any], Any], Any, Any]
TABLE: list[Row] = [
    (number_or_none, 21, Decimal(21)),
    (number_or_none, 0.0641, Decimal("0.0641")),
    (number_or_none, Decimal("21.6408"), Decimal("21.6408")),
    (number_or_none, "1674.540", Decimal("1674.540")),
    (number_or_none, " 5 ", Decimal(5)),
    (number_or_none, 0, Decimal(0)),
    (number_or_none, "-0.2", Decimal("-0.2")),
    (price, "0.2", Decimal("0.2")),
    (price_or_none, 0, Decimal(0)),
    (price_or_none, "", None),
    (number_or_none, None, None),
    (number_or_none, "", None),
    (number_or_none, True, REFUSED),
    (number_or_none, "cheap", REFUSED),
    (number_or_none, [0, [1], 0], REFUSED),
    (number_or_none, {}, REFUSED),
    (number_or_none, "NaN", REFUSED),
    (number_or_none, float("inf"), REFUSED),
    (number_or_none, Decimal("1e999999999"), REFUSED),
    (number_or_none, Decimal("1e-999999999"), REFUSED),
    (number_or_none, 10**31, REFUSED),
    (number, "1", Decimal(1)),
    (number, None, REFUSED),
    (price, None, REFUSED),
    (price, "-0.2", REFUSED),
    (price_or_none, -1, REFUSED),
    (number, "", REFUSED),
    (whole, 5, 5),
    (whole, "5", 5),
    (whole, "5.0", 5),
    (whole, 5.0, 5),
    (whole, Decimal("5.0"), 5),
    (whole, 2**63, 2**63),
    (whole, 5.5, REFUSED),
    (whole, "five", REFUSED),
    (whole, False, REFUSED),
    (whole, None, REFUSED),
    (whole, Decimal("1e999999999"), REFUSED),
    (whole_or_none, None, None),
    (whole_or_none, "", None),
    (whole_or_none, 7, 7),
    (whole_or_none, [], REFUSED),
    (whole_or_none, nested(10_000), REFUSED),
    (text, "x", "x"),
    (text, " x ", " x "),
    (text, None, ""),
    (text, 12345, "12345"),
    (text, Decimal("1.50"), "1.50"),
    (text, Decimal("1e999"), REFUSED),
    (text, 10**31, REFUSED),
    (text, float("nan"), REFUSED),
    (text, True, REFUSED),
    (text, [], REFUSED),
    (text_or_none, " 070051 ", "070051"),
    (text_or_none, "  ", None),
    (text_or_none, None, None),
    (text_or_none, {}, REFUSED),
    (flag_or_none, True, True),
    (flag_or_none, "True", True),
    (flag_or_none, 1, True),
    (flag_or_none, 0, False),
    (flag_or_none, " false", False),
    (flag_or_none, None, None),
    (flag_or_none, "", None),
    (flag_or_none, "perhaps", None),
    (flag_or_none, {}, None),
    (flag_or_none, nested(10_000), None),
    (instant_or_none, "2026-01-01T12:00:00Z", NOON),
    (instant_or_none, "2026-01-01T12:00:00.000000Z", NOON),
    (instant_or_none, "2026-01-01T12:00:00.000000999Z", NOON),
    (instant_or_none, "2026-01-01T15:00:00+03:00", NOON),
    (instant_or_none, " 2026-01-01 12:00:00 ", NOON),
    (instant_or_none, "0001-01-01T00:00:00Z", None),
    (instant_or_none, "0000-00-00 00:00:00", None),
    (instant_or_none, "", None),
    (instant_or_none, None, None),
    (instant_or_none, "noon", REFUSED),
    (instant_or_none, "9999-12-31T23:59:59-01:00", REFUSED),
    (instant_or_none, {}, REFUSED),
]


def name_of(part: Any) -> str:
    """Its own name, or what it looks like, as far as it is short."""
    return getattr(part, "__name__", "long") if isinstance(part, list) else getattr(part, "__name__", repr(part))


@pytest.mark.parametrize(("read", "wire", "value"), TABLE, ids=name_of)
def test_a_value_is_read_or_refused(read: Callable[[Any], Any], wire: Any, value: Any):
    """Both providers write the same thing in several ways, and tomorrow in one more."""
    if value is REFUSED:
        with pytest.raises(UNREADABLE):
            read(wire)
    else:
        found = read(wire)
        assert found == value
        assert type(found) is type(value)
        assert not isinstance(found, datetime) or found.tzinfo is UTC


def test_an_instant_without_a_zone_hangs_where_it_is_told_to():
    """Moscow, for the rent API."""
    moscow = timezone(timedelta(hours=3))

    assert instant_or_none("2026-01-01 15:00:00", zone=moscow) == NOON
    assert instant_or_none("2026-01-01 12:00:00Z", zone=moscow) == NOON


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.decimals(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
READERS = (number_or_none, number, whole, whole_or_none, text, text_or_none, flag_or_none, instant_or_none)


@given(JSON)
def test_whatever_a_body_holds_a_reader_raises_nothing_but_what_is_named(value: Any):
    """An unexpected error would pass through the whole client without a name of ours."""
    for read in READERS:
        try:
            read(value)
        except UNREADABLE:
            continue


@attrs.frozen(kw_only=True)
class Thing:
    """A model of these tests."""

    id: int
    name: str = "nobody"
    price: Decimal | None = None
    apart: int = 0


structure = Reader(
    {
        Thing: {
            "id": field(whole, "ID"),
            "name": field(text),
            "price": field(number_or_none, "Price"),
            "apart": READ_APART,
        }
    }
)


def test_a_reader_takes_what_it_knows_and_leaves_the_rest():
    """Unknown fields are passed over, missing ones take the default."""
    assert structure({"ID": "7", "Price": "1.5", "apart": 9, "new": {}}, Thing) == Thing(id=7, price=Decimal("1.5"))
    assert structure({"ID": 7, "name": "x"}, Thing) == Thing(id=7, name="x")


@pytest.mark.parametrize(
    ("raw", "thing", "unread"),
    [
        ({"ID": 7, "name": []}, Thing(id=7), ["name"]),
        ({"ID": 7, "Price": "x", "name": {}}, Thing(id=7), ["name", "Price"]),
        ({"ID": 7, "Price": "x", "name": "y"}, Thing(id=7, name="y"), ["Price"]),
        ({"ID": 7, "Price": "2", "name": 5.5}, Thing(id=7, price=Decimal(2)), ["name"]),
    ],
    ids=str,
)
def test_a_field_that_cannot_be_read_costs_that_field(raw: Any, thing: Thing, unread: list[str]):
    """It takes its default, and is noted by its name on the wire."""
    with collect_unread() as noted:
        assert structure(raw, Thing) == thing

    assert list(noted.fields) == unread


@pytest.mark.parametrize("raw", [{}, {"id": 7}, {"ID": "x", "name": "y"}, {"ID": None, "name": []}], ids=str)
def test_a_field_without_a_default_must_be_readable(raw: Any):
    """An order without its id cannot be handed over."""
    with pytest.raises(MisreadError) as caught:
        structure(raw, Thing)

    assert path_of(caught.value) == "ID"


def test_a_missing_field_is_missing_although_its_reader_takes_null():
    """No name is not an empty name."""

    @attrs.frozen(kw_only=True)
    class Named:
        name: str

    named = Reader({Named: {"name": field(text)}})

    assert named({"name": None}, Named) == Named(name="")
    with pytest.raises(MisreadError, match="name"):
        named({}, Named)


@pytest.mark.parametrize("raw", [None, [], "x", 5])
def test_a_reader_needs_an_object(raw: Any):
    """The whole value is wrong, so the report has no path."""
    with pytest.raises(TypeError, match="an object is needed for Thing") as caught:
        structure(raw, Thing)

    assert path_of(caught.value) == ""


def test_what_cannot_be_read_is_noted_by_its_place_without_indexes():
    """`Data[].sms[].date` is the same in every row, and an index or a key of a map may be private."""

    def row(raw: Any) -> tuple[Any, ...]:
        return each(raw, lambda sms: readable(sms, "date", whole_or_none, None), "sms")

    with collect_unread() as unread:
        found = each([[{"date": 1}], [{"date": 1}, {"date": "x"}, 5], 7, None], row, "Data")
        prices = each_of({"7": "1.5", "30": "cheap"}, lambda _, value: number(value), "extend")

    assert found == ((1,), (1, None), ())
    assert prices == {"7": Decimal("1.5")}
    assert list(unread.fields) == ["Data[].sms[].date", "Data[].sms[]", "Data[].sms", "extend{}"]


def test_notes_go_to_the_collection_that_is_open():
    """The inner one of two nested collections gets them; without a collection they are dropped."""
    note("nobody")
    with below("nobody"):
        note("nobody")
    with collect_unread() as outer:
        with collect_unread() as inner, below("messages"):
            note("id")
        note("tzid")

    assert (list(inner.fields), list(outer.fields)) == (["messages.id"], ["tzid"])


@pytest.mark.parametrize("raw", ["x", {}, {"0": 1}, 5, False], ids=repr)
def test_rows_are_a_list_or_null(raw: Any):
    """The letters of a word are no rows."""
    assert each(None, whole) == ()
    assert each([1, "2"], whole) == (1, 2)
    with pytest.raises(MisreadError, match="a list is needed"):
        each(raw, whole, "Data")


def test_a_map_of_which_no_entry_can_be_read_is_no_answer():
    """An error that comes as an object would read as an empty price list."""
    assert each_of({}, lambda _, value: whole(value)) == {}
    with pytest.raises(MisreadError, match="no entry"):
        each_of({"error": "away"}, lambda _, value: whole(value))


@given(st.integers(min_value=-(10**9), max_value=10**9), st.integers(min_value=0, max_value=4))
def test_money_survives_json_to_the_last_decimal(units: int, places: int):
    """Up to four decimals, as ints, fractions and text."""
    amount = Decimal(units).scaleb(-places)

    for body in (f"{amount:f}", f'"{amount:f}"'):
        assert number(json.loads(body, parse_float=Decimal)) == amount
