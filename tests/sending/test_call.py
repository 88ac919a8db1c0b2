"""Calls and replies cross the layers as values, and the `repr` of a reply is safe."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsapi_async import OutcomeUnknownError, UnreadableReplyError
from smsapi_async._sending.call import Call, Repeat, Reply, unreadable


def reply(body: bytes = b"", status: int = 200, **headers: str) -> Reply:
    return Reply(status=status, headers=headers, body=body)


@pytest.mark.parametrize(
    ("date", "instant"),
    [
        ("Thu, 01 Jan 2026 12:00:00 GMT", datetime(2026, 1, 1, 12, tzinfo=UTC)),
        ("Thu, 01 Jan 2026 12:00:00 -0000", datetime(2026, 1, 1, 12, tzinfo=UTC)),
        ("Thu, 01 Jan 2026 15:00:00 +0300", datetime(2026, 1, 1, 12, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
        ("Thu, 32 Jan 2026 12:00:00 GMT", None),
        ("Thu, 01 Jan 99999999999 12:00:00 GMT", None),
        ("Thu, 01 Jan 2026 12:00:00 +99999999999", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -0100", None),
        ("Mon, 01 Jan 1900 00:00:00 GMT", None),
    ],
)
def test_the_provider_s_clock_is_read_from_its_date(date, instant):
    """Every span is counted from it; one that cannot be read is no clock."""
    assert reply(date=date).date == instant


def test_without_a_date_there_is_no_clock():
    """The client does not guess the provider's time."""
    assert reply().date is None


@given(st.text())
def test_no_date_header_breaks_the_reading(date):
    """It is the first thing looked at, also of an answer to a purchase."""
    found = reply(date=date).date

    assert found is None or found.tzinfo is not None


def test_fractions_are_exact():
    """0.0641 is money."""
    assert reply(b'{"price": 0.0641}').json() == {"price": Decimal("0.0641")}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no free phones",
        b"[" * 100_000,
        b"\xff\xfe1",
        b"1 2",
        b"[" * 33 + b"]" * 33,
        b'{"a":' * 33 + b"1" + b"}" * 33,
        b"[" + b"{}," * 2_000_000 + b"{}]",
    ],
    ids=lambda body: body[:20],
)
def test_what_is_no_json_is_a_value_error(body):
    """One kind of error for every way to be unreadable, so that none gets past the reader."""
    with pytest.raises(ValueError):  # noqa: PT011  the words are json's
        reply(body).json()


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e99999999999999999999", "1" * 5_000], ids=str)
def test_a_number_beyond_all_bounds_costs_itself_and_not_the_body(word):
    """Such a price would hide the code beside it."""
    found = reply(f'{{"id": 7, "price": {word}, "code": 1.50, "sms": [{word}]}}'.encode()).json()

    assert (found["id"], found["code"]) == (7, Decimal("1.50"))
    assert isnan(found["price"])
    assert isnan(found["sms"][0])


def test_brackets_in_texts_are_no_levels():
    """A message may hold anything."""
    assert reply(b'{"text": "' + b"[{" * 100 + b'"}').json() == {"text": "[{" * 100}
    assert reply(b"[" * 32 + b"]" * 32).json() != []


@pytest.mark.parametrize(
    ("body", "page"),
    [
        (b"<html>", True),
        (b" \n<!DOCTYPE html>", True),
        (b'<a href="/404.html">Found</a>', True),
        (b"Error: <HTML><body>", True),
        (b"no free phones", False),
        (b'{"id":"x","text":"<html>"}', False),
        (b"", False),
    ],
)
def test_a_page_is_told_from_words(body, page):
    """A gateway answers pages, the providers words and JSON."""
    assert reply(body).is_page is page


def test_bytes_that_are_no_utf_8_are_still_text():
    """A gateway's page may come in any encoding."""
    assert reply(b" \xff<html> \n").text == "\N{REPLACEMENT CHARACTER}<html>"


def test_an_excerpt_is_short_and_masked_before_it_is_cut():
    """Cut first, the end of a phone would stand there as an innocent number."""
    assert len(reply(b"x" * 1000).excerpt()) == 200
    assert reply(b"x" * 195 + b"79000381454").excerpt() == "x" * 195 + "…"


def test_a_reply_prints_neither_body_nor_headers():
    """A reply is in the locals of every traceback."""
    assert repr(reply(b"04217", date="today")) == "Reply(status=200, sent_at=0.0, arrived_at=0.0)"


def test_an_unreadable_answer_to_a_read_is_harmless_and_to_anything_else_unknown():
    """Nothing was asked for but words; or something was asked for, and may be done."""
    read = unreadable("v1.check", Repeat.FREELY, reply(b"<html>"), "no JSON", "sms[0]")
    words = unreadable("v1.check", Repeat.FREELY, reply(b"away"), "no JSON")
    act = unreadable("v1.cancel", Repeat.IF_LOST, reply(b"<html>"), "no JSON")

    assert isinstance(read, UnreadableReplyError)
    assert (read.path, read.excerpt, read.status) == ("sms[0]", "<html>", 200)
    assert "at sms[0]" in str(read)
    assert "away" in str(words)
    assert "<html>" not in str(read)
    assert isinstance(act, OutcomeUnknownError)
    assert "<html>" not in str(act)


def test_a_call_may_be_read_another_way():
    """One request, several readers."""
    call: Call[str] = Call(name="v1.x", provider="v1", path="x", read=lambda got: got.text, repeat=Repeat.NEVER)

    other = call.reading(lambda got: got.status)

    assert (other.read(reply(b"x")), call.read(reply(b"x"))) == (200, "x")
    assert (other.name, other.repeat, other.path) == ("v1.x", Repeat.NEVER, "x")
