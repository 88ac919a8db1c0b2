"""A page of orders at a glance: the fast reader and the plain one make the same of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from math import inf
from typing import Any

import pytest

from smsapi_async import Sms, UnreadableReplyError
from smsapi_async._polling.listing import Known, Page
from smsapi_async._polling.tracked import Phase, Snapshot, Tracked, Waiter
from smsapi_async._sending import Clock
from smsapi_async._sending.call import Reply
from smsapi_async.v1 import Order, _glance
from smsapi_async.v1._wire import structure

DATE = {"date": "Thu, 01 Jan 2026 12:00:00 GMT"}
SMS = {"created_at": "2026-01-01T11:59:58Z", "date": "2026-01-01T11:59:58Z", "sender": "T", "text": "x", "code": "123"}
BLANK = {**SMS, "code": ""}
Summary = tuple[Any, ...]
TIMING = _glance.Timing(Clock(), lambda _: None)


@pytest.fixture(params=["fast", "plain"], autouse=True)
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """With msgspec, and without."""
    _glance._fast.cache_clear()
    if request.param == "plain":
        monkeypatch.setitem(sys.modules, "msgspec", None)
    assert (_glance._fast() is None) == (request.param == "plain")
    yield
    _glance._fast.cache_clear()


def row(order_id: Any = 7, **fields: Any) -> dict[str, Any]:
    return {"id": order_id, "phone": "+79000000000", "product": "telegram", "status": "PENDING", "sms": [], **fields}


def read(body: Any, *, known: bool = True, messages: int = 0) -> Summary:
    """Order 7 is awaited: rows, lowest, last, and what the page shows of it."""
    tracked: Tracked[Order] = Tracked(7, readable_at=0.0)
    tracked.waiters = (Waiter(tracked),)
    if known:
        sms = structure({"sms": [BLANK] * messages, "id": 7, "phone": "+7"}, Order).sms
        tracked.note(Snapshot(subject=Order(id=7), sms=sms, phase=Phase.OPEN, at=0.0))
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    reply = Reply(status=200, headers=DATE, body=raw, sent_at=5.0)
    page = _glance.page_of_orders(0, 100, Known({7: tracked}.get, ()), TIMING).read(reply)
    assert page.at == 5.0
    shown = "snapshots" if page.snapshots else "quiet" if page.quiet else "unsure" if page.unsure else ""
    codes = [sms.code for _, seen in page.snapshots for sms in seen.sms]
    return page.rows, page.lowest, page.last, shown, codes


PAGES: list[tuple[str, Any, Summary]] = [
    ("nothing new", {"Data": [row(9), row(), row(3)], "Total": 3}, (3, 3, 2, "quiet", [])),
    ("null", {"Data": None}, (0, inf, 0, "", [])),
    ("empty", {"Data": []}, (0, inf, 0, "", [])),
    ("others", {"Data": [row(9)]}, (1, 9, 0, "", [])),
    ("sms null", {"Data": [row(sms=None)]}, (1, 7, 1, "quiet", [])),
    ("a code", {"Data": [row(sms=[SMS])]}, (1, 7, 1, "snapshots", ["123"])),
    ("no code", {"Data": [row(sms=[BLANK])]}, (1, 7, 1, "unsure", [])),
    ("id as text", {"Data": [row("7", sms=[SMS])]}, (1, 7, 1, "snapshots", ["123"])),
    ("a fraction", {"Data": [row(7.0)]}, (1, 7, 1, "quiet", [])),
    ("new status", {"Data": [row(status="WAITING")]}, (1, 7, 1, "quiet", [])),
    ("no status", {"Data": [row(status=None)]}, (1, 7, 1, "quiet", [])),
    ("closed", {"Data": [row(status="CANCELED")]}, (1, 7, 1, "unsure", [])),
    ("finished", {"Data": [row(status="FINISHED", sms=[SMS])]}, (1, 7, 1, "snapshots", ["123"])),
    ("a bad date", {"Data": [row(9), row(sms=[{"code": "1", "created_at": "?"}])]}, (2, 7, 2, "snapshots", ["1"])),
    ("a bad price", {"Data": [row(9), row(price="0,32", sms=[SMS])]}, (2, 7, 2, "snapshots", ["123"])),
    ("extra fields", {"Data": [row(new={"a": [1]})], "New": 1.5}, (1, 7, 1, "quiet", [])),
    ("odd rows", {"Data": [None, row(None), row("x"), row(5, sms=3), row(sms=[SMS])]}, (5, 5, 5, "snapshots", ["123"])),
]


@pytest.mark.parametrize(("body", "summary"), [page[1:] for page in PAGES], ids=[page[0] for page in PAGES])
def test_a_page_shows_what_is_new_of_the_awaited(body: Any, summary: Summary) -> None:
    """A code is evidence; anything else that is new is to be looked at; odd rows concern no other."""
    assert read(body) == summary


def test_a_row_without_messages_says_nothing_new() -> None:
    """`[]`, null and no key at all are the only forms ever recorded, and none of them is evidence."""
    blind = row()
    del blind["sms"]

    assert read({"Data": [blind]}) == read({"Data": [row(sms=None)]}) == read({"Data": [row(sms=[])]})


@pytest.mark.parametrize(("sms", "shown"), [([], "snapshots"), ([SMS], "snapshots"), ([BLANK], "unsure")])
def test_an_order_seen_for_the_first_time_is_news(sms: list[Any], shown: str) -> None:
    """Its age and its end come from the row."""
    assert read({"Data": [row(sms=sms)]}, known=False)[3] == shown


def test_a_row_of_an_order_nobody_waits_for_is_passed_over() -> None:
    """Counted with the awaited ones it would stand for one that is missing."""
    page = read_for(Tracked(7, readable_at=0.0), row(7))

    assert (page.found, page.last, page.lowest) == (0, 0, 7)


def test_a_message_whose_code_is_known_is_not_read_again() -> None:
    """An order may have its code long before a waiter on another order gets one."""
    tracked: Tracked[Order] = Tracked(7, readable_at=0.0, seen_at=0.0, sms=(Sms(text="code 1234", code="1234"),))
    tracked.waiters = (Waiter(tracked),)

    assert read_for(tracked, row(7, sms=["unreadable"])).quiet == [tracked]


def test_the_messages_of_an_order_that_a_look_had_shown_are_counted() -> None:
    """Also once it is no longer awaited: their presence in the list shows how good the list is."""
    page = read_for(Tracked(7, readable_at=0.0), row(7, sms=[SMS]), row(8), expected=(7,))

    assert page.counted == [(7, 1)]


def read_for(tracked: Tracked[Order], *rows: dict[str, Any], expected: tuple[int, ...] = ()) -> Page[Order]:
    reply = Reply(status=200, headers=DATE, body=json.dumps({"Data": rows}).encode(), sent_at=5.0)
    return _glance.page_of_orders(0, 100, Known({7: tracked}.get, expected), TIMING).read(reply)


def test_a_code_filled_into_a_known_message_is_news() -> None:
    """It may be read out of the text a little later than the message is shown."""
    assert read({"Data": [row(sms=[SMS])]}, messages=1)[3:] == ("snapshots", ["123"])
    assert read({"Data": [row(sms=[{"code": "1", "created_at": "?"}])]}, messages=1)[3:] == ("snapshots", ["1"])


def test_a_row_that_lags_takes_nothing_back() -> None:
    """A look has shown more."""
    assert read({"Data": [row(sms=[BLANK])]}, messages=2)[3] == "quiet"


DEEP = b'{"Data":[{"id":7,"sms":' + b"[" * 100_000 + b"]" * 100_000 + b"}]}"


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"Data":5}', b'{"error":"away"}'])
def test_a_page_that_is_none_is_unreadable(body: bytes) -> None:
    """The waits expect this error, and no other."""
    with pytest.raises(UnreadableReplyError):
        read(body)


def test_a_page_that_nests_beyond_reason_shows_nothing() -> None:
    """`json` refuses it as a whole. So does msgspec before Python 3.14; from then on it passes over any depth."""
    if _glance._fast() is None or sys.version_info < (3, 14):
        with pytest.raises(UnreadableReplyError):
            read(DEEP)
    else:
        assert read(DEEP)[3] == "unsure"


def test_a_row_that_cannot_be_read_is_looked_at() -> None:
    """At a glance it has a message; what it holds nests deeper than is read."""
    deep: Any = []
    for _ in range(40):
        deep = [deep]
    body = {"Data": [row(sms=[{**SMS, "text": deep}])]}

    if _glance._fast() is None:
        with pytest.raises(UnreadableReplyError):
            read(body)
    else:
        assert read(body)[3] == "unsure"
