"""Bodies that a provider, or something in front of it, sends to hurt: each once held the loop or broke a reader.

`BODIES` are small ones. `LARGE` are made when they are asked for, as large as the caps and bounds allow, or larger.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from smsapi_async._sending.call import CATALOGUE_CAP, LIST_CAP
from smsapi_async._sending.shape import LIST, TABLE

ORDER = b'{"id":7,"phone":"+79000381454","product":"telegram","status":"RECEIVED","price":%s,"sms":%s}'
NUMBERS = b'{"response":1,"list":[{"tzid":7,"number":"+79000381454","messages":%s}]}'
ITEM = b'{"response":1,"item":{"tzid":7,"number":"+79000381454","messages":%s}}'
DEPTHS = (13, 28, 31, 32, 33, 300, 5_000, 100_000)


def nested(depth: int, inside: bytes = b"5") -> bytes:
    return b"[" * depth + inside + b"]" * depth


BODIES: Mapping[str, bytes] = {
    **{f"messages of a rent nested {depth} deep": NUMBERS % nested(depth) for depth in DEPTHS},
    **{f"messages of a purchase nested {depth} deep": ITEM % nested(depth) for depth in DEPTHS},
    **{f"messages of an order nested {depth} deep": ORDER % (b"1", nested(depth)) for depth in DEPTHS},
    **{f"objects nested {depth} deep": b'{"list":' * depth + b"5" + b"}" * depth for depth in DEPTHS},
    "opened and never closed": b"[" * 100_000,
    "closed and never opened": b"]" * 100_000,
    "depth that brackets in texts hide": b'["]",' * 40 + b"5" + b',"["]' * 40,
    "depth that a quote in a text hides": b'["\\"",' * 40 + b"5" + b"]" * 40,
    "brackets that are none": NUMBERS % (b'[{"text":"' + b"[{" * 100 + b'"}]'),
    "a field passed over, of bytes that are no UTF-8": b'{"Data":[{"id":7,"status":"PENDING","new":"\xff"}]}',
    "a field passed over, nested deeply": b'{"Data":[{"id":7,"status":"PENDING","new":' + nested(40) + b"}]}",
    "a field passed over, beyond all numbers": b'{"Data":[{"id":7,"status":"PENDING","new":1e99999}]}',
    "a field passed over, of 5,000 digits": b'{"Data":[{"id":7,"status":"PENDING","new":' + b"1" * 5_000 + b"}]}",
    "an id of 32 digits": b'{"Data":[{"id":' + b"1" * 32 + b',"status":"PENDING"},{"id":7}],"Total":2}',
    "an id of 20 digits": b'{"Data":[{"id":' + b"1" * 20 + b',"status":"PENDING"},{"id":7}],"Total":2}',
    "a price of a thousand million digits": ORDER % (b"1e999999999", b"[]"),
    "a price of a million digits": ORDER % (b"1" * 900_000, b"[]"),
    "a fraction of a million digits": ORDER % (b"0." + b"1" * 900_000, b"[]"),
    "a code of a million characters": ORDER % (b"1", b'[{"code":"' + b"9" * 900_000 + b'"}]'),
    "a name of a million characters": b'{"' + b"x" * 900_000 + b'":{"Category":"activation"}}',
    "a name that is a phone, and control characters": b'{"+79000381454\\u001b[2J\\r\\n":{"x":{"y":5}}}',
    "half a character": b'{"id":7,"status":"\\ud800"}',
    "UTF-16 that hides depth": ('["\u2200",' + "[" * 40 + "]" * 40 + ',"\u2200"]').encode("utf-16"),
    "every name twice": b'{"id":7,"id":8,"sms":[],"sms":null,"Data":[],"Data":5,"response":1,"response":"X"}',
}


def rows(row: bytes, body: bytes = b"[%s]", most: int = LIST.containers) -> Callable[[], bytes]:
    """As many of these rows as the bounds allow containers."""
    inside = row.count(b"{") + row.count(b"[")
    return lambda: body % b",".join([row] * ((most - 9) // inside if inside else LIST.values - 9))


DATA = b'{"Data":[%s]}'
LISTED = b'{"response":1,"list":[%s]}'
RECEIVED = b'{"response":1,"list":[{"tzid":7,"messages":[%s]}]}'
LARGE: Mapping[str, Callable[[], bytes]] = {
    "empty lists": lambda: b"[" + b"[]," * (CATALOGUE_CAP // 3 - 1) + b"[]",
    "numbers as messages, 4 MB": lambda: RECEIVED % (b"1," * ((LIST_CAP - 100) // 2) + b"1"),
    "numbers as messages": rows(b"1", RECEIVED),
    "numbers as orders": rows(b"1", DATA),
    "rents with an odd price": rows(b'{"tzid":7,"sum":"x"}', LISTED),
    "rents of odd fields": rows(
        b'{"tzid":7,"number":[],"country":"x","status":"x","time":"x","extend":1,"sum":"x","messages":1}', LISTED
    ),
    "rents without a tzid": rows(b"{}", LISTED),
    "messages of odd fields": rows(b'{"id":"x","service":1.5,"text":1.5,"created_at":"x"}', RECEIVED),
    "pages of messages": rows(b'[{"text":[]}]', RECEIVED),
    "orders of odd fields": rows(b'{"id":7,"price":"x","status":1.5,"expires":"x","created_at":"x","sms":1}', DATA),
    "orders with odd messages": rows(b'{"id":7,"price":"x","sms":[{"date":"x"},{"date":"x"}]}', DATA),
    "a row of many messages": lambda: b'{"Data":[{"id":7,"sms":[%s1]}]}' % (b"1," * LIST.values),
    "an inbox of odd fields": rows(b'{"ID":"x","text":1.5,"date":"x","created_at":"x"}', DATA),
    "operators": lambda: b'{"russia":{%s}}' % b",".join(b'"o%d":{"x":1}' % n for n in range(LIST.containers - 9)),
    "countries of odd fields": lambda: (
        b'{"z":{},%s}'
        % b",".join(b'"%d":{"iso":1,"prefix":1,"text_en":[],"text_ru":[]}' % n for n in range(LIST.containers // 3 - 9))
    ),
    "tariffs of odd fields": lambda: (
        b'{"7":{"code":7},%s}'
        % b",".join(b'"%d":{"enabled":1,"days":1,"count":1,"extend":"x"}' % n for n in range(LIST.containers - 9))
    ),
    "lengths": lambda: b'{"code":7,"days":{%s}}' % b",".join(b'"%d":1' % n for n in range(LIST.values - 9)),
    "halves of characters": lambda: b'{"a":"' + b"\xed\xa0\x80" * (CATALOGUE_CAP // 3 - 9) + b'"}',
    "no UTF-8": lambda: b"\xff" * CATALOGUE_CAP,
    "quotes": lambda: b'["' + b'"' * 3_900_000,
    "backslashes": lambda: b'["' + b"\\" * 3_900_000 + b'"]',
}
"""Refused, or as much as is read."""


def named(value: bytes, most: int, body: bytes = b"{%s}") -> Callable[[], bytes]:
    """An object of `count` names, all different, each with this value. It is written piece by piece, to save memory."""

    def make() -> bytes:
        inside = bytearray()
        for number in range(most - 9):
            inside += b',"%06x":%s' % (number, value)
        return body % bytes(inside[1:])

    return make


TABLES: Mapping[str, Callable[[], bytes]] = {
    "names": named(b"1.5", TABLE.values),
    "countries": named(b"{}", TABLE.values // 2),
    "offers": named(b'{"cost":"x"}', TABLE.values // 2, b'{"a":{"b":{%s}}}'),
}
"""As much as a price table may hold: what the bounds of memory are about."""
