"""One field that cannot be read costs that field, one message that message, one country of the price list that country.

Every table is read with msgspec, of the extra `fast`, and without.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from smsapi_async import Sms
from smsapi_async._client import MOSCOW
from smsapi_async._fields import collect_unread
from smsapi_async._sending.call import Reply, _quick_decoder
from smsapi_async.rent import RentedNumber, Tariff, _wire
from tests.answers import parsed, written
from tests.v1.test_misread import DIGITS, INSTANTS, NUMBERS, WORDS, rows, short, without

ITEM = parsed("rent/openapi_getRentState_unpaginated_ok.json")["list"][0]
MESSAGE = ITEM["messages"][0]
TARIFF = {"code": 7, "name": "Russia", "enabled": True, "new": False, "position": 2}
TARIFF |= {"days": {"1": "5", "7": 30}, "count": {"1": 20}, "extend": 1.5}

MAPS = ("[1]", '"7"', "5", "true", "NaN")
NUMBER_FIELDS = [
    *rows({"number": "number"}, WORDS),
    *rows({"country": "country", "status": "status", "rent": "days_bought", "sum": "price"}, NUMBERS),
    *rows({"time": "ends_in", "reload": "port_reload_available"}, NUMBERS),
    *rows({"extend": "extensions"}, MAPS),
    *rows({"messages": "messages"}, ('"none"', '{"data":"x"}', "5", "true", "NaN")),
]
MESSAGE_FIELDS = [
    *rows({"id": "id"}, NUMBERS),
    *rows({"service": "sender", "text": "text", "code": "code"}, WORDS),
    *rows({"created_at": "created_at"}, INSTANTS),
]
TARIFF_FIELDS = [
    *rows({"name": "name"}, WORDS),
    *rows({"position": "position", "extend": "extend_price"}, NUMBERS),
    *rows({"days": "prices", "count": "stock"}, MAPS),
]


@pytest.fixture(autouse=True, params=["fast", "plain"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the code look again for the libraries that are installed."""
    if request.param == "plain":
        monkeypatch.setitem(sys.modules, "msgspec", None)
    _quick_decoder.cache_clear()
    yield
    _quick_decoder.cache_clear()


def read(parse: Callable[[Any], Any], body: str) -> tuple[Any, list[str]]:
    """The value, and the fields that were noted."""
    with collect_unread() as unread:
        found = _wire.call("x", "x", parse).read(Reply(status=200, headers={}, body=body.encode()))
    return found, list(unread.fields)


def bought(body: str) -> tuple[RentedNumber, list[str]]:
    return read(_wire.read_purchase(MOSCOW), f'{{"response":1,"item":{body}}}')


@pytest.mark.parametrize(("name", "value", "attribute"), NUMBER_FIELDS, ids=short)
def test_a_field_of_a_rented_number_costs_that_field(name: str, value: str, attribute: str) -> None:
    """Its code is delivered all the same, and so are the other numbers."""
    whole, _ = bought(written(ITEM))
    left = without(whole, attribute)
    left = attrs.evolve(left, phone=_wire._join(left.country, left.number))

    found, unread = bought(written(ITEM, name, value))
    listed, there = read(
        _wire.read_numbers(MOSCOW), f'{{"response":1,"list":[{written(ITEM)},{written(ITEM, name, value)}]}}'
    )

    assert found == left
    assert listed == (whole, left)
    assert (unread, there) == ([name], [f"list[].{name}"])
    assert found.code == (None if name == "messages" else "070051")


@pytest.mark.parametrize(("name", "value", "attribute"), MESSAGE_FIELDS, ids=short)
@pytest.mark.parametrize("form", ["[%s]", '{"data":[%s]}', '{"data":[[%s]]}'], ids=["list", "page", "pages"])
def test_a_field_of_a_message_costs_that_field(name: str, value: str, attribute: str, form: str) -> None:
    """Its code is read beside a bad date, and its text beside a bad code."""
    (whole,) = bought(written(ITEM, "messages", f"[{written(MESSAGE)}]"))[0].messages
    left: Sms = without(whole, attribute)
    left = without(left, "received_at") if attribute == "created_at" else left

    found, unread = bought(written(ITEM, "messages", form % written(MESSAGE, name, value)))

    place = {"[%s]": "[]", '{"data":[%s]}': ".data[]"}.get(form, ".data[][]")
    assert found.messages == (left,)
    assert unread == [f"messages{place}.{name}"]


@pytest.mark.parametrize("value", ["null", "5", '"x"', "true", "NaN", DIGITS, "[[[[]]]]", "[5]"], ids=short)
def test_what_is_no_message_costs_no_other(value: str) -> None:
    """The readable one beside it is delivered."""
    found, unread = bought(written(ITEM, "messages", f"[{value},{written(MESSAGE)}]"))

    assert (found.code, len(found.messages)) == ("070051", 1)
    assert unread == (["messages[][]"] if value.startswith("[") else ["messages[]"])


@pytest.mark.parametrize(("name", "value", "attribute"), TARIFF_FIELDS, ids=short)
def test_a_field_of_a_tariff_costs_that_field(name: str, value: str, attribute: str) -> None:
    """A value that is no tariff costs no other country."""
    (whole,) = read(_wire.read_tariffs, written(TARIFF))[0]
    left: Tariff = without(whole, attribute)

    (found,), unread = read(_wire.read_tariffs, written(TARIFF, name, value))
    listed, there = read(_wire.read_tariffs, f'{{"7":{written(TARIFF, name, value)},"46":5,"x":{{}}}}')

    assert (found,) == listed == (left,)
    assert (unread, there) == ([name], [f"{{}}.{name}", "{}", "{}.code"])


@pytest.mark.parametrize("value", NUMBERS, ids=short)
def test_a_price_costs_that_length(value: str) -> None:
    """The other lengths are for sale; of nothing but bad prices there is none."""
    (found,), unread = read(_wire.read_tariffs, written(TARIFF, "days", f'{{"1":{value},"7":30}}'))
    number, there = bought(written(ITEM, "extend", f'{{"1":{value}}}'))

    assert (found.prices, unread) == ({7: 30}, ["days{}"])
    assert (number.extensions, there) == ({}, ["extend{}", "extend"])


@pytest.mark.parametrize("value", NUMBERS, ids=short)
def test_the_frozen_money_costs_itself(value: str) -> None:
    """The balance is read all the same."""
    found, unread = read(_wire.read_balance, f'{{"balance":"230.25","zbalance":{value}}}')

    assert (str(found.balance), found.frozen, unread) == ("230.25", None, ["zbalance"])


@pytest.mark.parametrize("depth", [13, 28, 30, 31, 300, 5_000])
async def test_messages_that_nest_deeply_are_not_read_level_by_level(depth: int) -> None:
    """Thirteen levels, each read again for where it failed, once held the loop for four seconds."""
    body = '{"response":1,"item":' + written(ITEM, "messages", "[" * depth + "5" + "]" * depth) + "}"
    reply = Reply(status=200, headers={}, body=body.encode())

    if depth <= 30:
        found, _ = read(_wire.read_purchase(MOSCOW), body)
        assert (found.tzid, found.messages) == (ITEM["tzid"], ())
    else:
        with pytest.raises(ValueError, match="nested too deeply"):
            reply.json()
