"""The parts of a text that are masked, escaped and cut before they are shown."""

from __future__ import annotations

import pytest

from smsapi_async._errors import escaped
from smsapi_async._quoting import masked, name_or_mark, shown, without_phones


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ('{"phone":"+79000381454","code":"04217"}', '{"phone":"…","code":"…"}'),
        ('{"Text" : "your code: \\"A1\\"", "id": 12}', '{"Text" : "…", "id": 12}'),
        ('{"number": 9000381454}', '{"number": "…"}'),
        ('{"text":"cut in the mid', '{"text":"…"'),
        ("/v1/user/reuse/telegram/79000381454", "/v…/user/reuse/telegram/…"),
        ("HTTP 502 Bad Gateway", "HTTP 502 Bad Gateway"),
        ("your code: 482-913", "your code: …"),
        ("48\x1b29\x0013", "…"),
        ("call 555.123.4567", "call …"),
        ("12.50 is more than the 10.25 left", "12.50 is more than the 10.25 left"),
        ("482\u200b913", "…"),
        ("call +7 (900) 038-14 54!", "call +…!"),
        ("code A7X9Q2, operator virtual53", "code …, operator virtual53"),
        ('{"Msg":"two words","message":"bad thing"}', '{"Msg":"…","message":"bad thing"}'),
        ('{"текст":["один"]}', '{"…":["…"]}'),
        ('{"text":{"your code":"x y"}}', '{"text":"…"}}'),
    ],
)
def test_what_may_be_a_phone_a_code_or_a_message_is_masked(text, safe):
    """Errors quote the first characters of a body, and the words of a refusal."""
    assert masked(text) == safe.replace("/v…", "/v1")


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("no free phones", "no free phones"),
        ("a\r\nb\x1b]52;", "a\\r\\nb\\x1b]52;"),
        ("x" * 20, "x" * 15 + "…"),
        ("x" * 16, "x" * 16),
        ("\u202e\u2028\udc80", "\\u202e\\u2028…"),
        ("\U000e0001\U000e0001", "\\U000e0001…"),
        ("имя 😀", "имя 😀"),
        ("", ""),
    ],
)
def test_a_text_is_escaped_and_cut_between_two_letters(text, safe):
    """Half an escape would be another letter."""
    assert escaped(text, 16) == safe


def test_a_number_that_is_no_phone_stays_in_a_log_line():
    """An id is what a log line is read for."""
    assert without_phones("order 123456, +7 900 038 14 54") == "order 123456, +…"


@pytest.mark.parametrize("key", ["england", "hong-kong", "virtual53", "a_b"])
def test_a_key_that_is_a_name_is_named(key):
    """It says which country of the table is broken."""
    assert name_or_mark(key) == key


@pytest.mark.parametrize("key", ["", "79000381454", "+79000381454", "two words", "x" * 43, "A\n", "code482913"])
def test_any_other_key_is_not(key):
    """It may be a phone, a text, or six megabytes."""
    assert name_or_mark(key) == "{}"


class Loud:
    def __repr__(self) -> str:
        raise ValueError("no")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a b", "'a b'"),
        (-5, "-5"),
        pytest.param(10**5000, "this int", id="5,000 digits"),
        (Loud(), "this Loud"),
        ("+7 900 038 14 54", "'+…'"),
        ("a\n\x1b", "'a\\n\\x1b'"),
        ([1] * 3, "[1, 1, 1]"),
    ],
)
def test_what_a_caller_passed_is_shown_without_what_is_private(value, words):
    """The complaint is logged too."""
    assert shown(value) == words
    assert len(shown("x" * 70_000)) <= 200
