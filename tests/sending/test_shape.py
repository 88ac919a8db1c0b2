"""The contents of a body, counted on its bytes: the count must see what a decoder would see, and see it first."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsapi_async._sending.call import Reply
from smsapi_async._sending.shape import DEEPEST, LIST, TABLE, refuse_depth, refuse_excess

TEXTS = st.text(alphabet='a[]{}"\\,\n\u00e9', max_size=6)
VALUES = st.recursive(
    st.one_of(TEXTS, st.none()), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)
)


def depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


def is_refused(body: bytes) -> bool:
    try:
        refuse_depth(body)
    except ValueError:
        return True
    return False


@given(VALUES, st.integers(25, 36), st.booleans(), st.booleans())
def test_the_depth_is_the_one_a_decoder_finds(value, levels, objects, plain):
    """Texts are full of brackets, quotes and backslashes that are no levels, and may hide the levels that are."""
    for _ in range(levels):
        value = {"[": value, "b": "]"} if objects else ["}", value, '"{']

    assert is_refused(json.dumps(value, ensure_ascii=plain).encode()) is (depth(value) > DEEPEST)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 33 + b"]" * 33,
        b"[" * 1_000_000,
        b'{"a":' * 33 + b"1" + b"}" * 33,
        b'["]",' * 33 + b"1" + b',"["]' * 33,
        rb'["\\",' * 33 + b"1" + b"]" * 33,
        b"[{" * 40 + b"]}" * 40,
    ],
    ids=lambda body: body[:8],
)
def test_what_nests_too_deeply_is_refused(body):
    """Also where the brackets of texts seem to close each level at once, or none is ever closed."""
    assert is_refused(body)


@pytest.mark.parametrize("body", [b"[" * 32 + b"]" * 32, b"[[]," * 31 + b"[]" + b"]" * 31, b"[1" + b",[]" * 999 + b"]"])
def test_what_is_wide_is_not_deep(body):
    """A page has a thousand rows on one level."""
    assert not is_refused(body)


def test_a_body_that_ends_too_soon_is_left_to_the_decoder():
    """It knows better what is wrong."""
    with pytest.raises(ValueError, match="Expecting"):
        Reply(status=200, headers={}, body=b'{"Data":[' + b"{}," * 40).json()


@pytest.mark.parametrize("code", ["utf-16", "utf-16-le", "utf-32-be"])
def test_another_encoding_hides_no_depth(code):
    """Half of a character may look like a quote."""
    text = '["\u2200",' + "[" * 40 + "]" * 40 + ',"\u2200"]'

    with pytest.raises(ValueError, match="nested too deeply"):
        Reply(status=200, headers={}, body=text.encode(code)).json()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"[" + b"[]," * LIST.containers + b"[]]", "too many objects and lists"),
        (b"[" + b"{}," * LIST.containers + b"{}]", "too many objects and lists"),
        (b"[" + b"1," * LIST.values + b"1]", "too many values"),
    ],
    ids=["lists", "objects", "numbers"],
)
def test_what_holds_too_much_is_refused(body, words):
    """Each row is read by itself, field by field where one is odd, and meanwhile nothing else runs."""
    with pytest.raises(ValueError, match=words):
        Reply(status=200, headers={}, body=body).json()


def test_as_much_as_is_allowed_is_read():
    """The bounds are far from what providers send, and what they send must pass."""
    refuse_excess(b"[" + b"[]," * (LIST.containers - 2) + b"[]]", LIST)
    refuse_excess(b"[" + b"1," * (LIST.values - 1) + b"1]", LIST)
    refuse_excess(b"x" * (LIST.containers + 1), LIST)


def test_the_whole_price_table_may_hold_more():
    """Half a million offers of three fields."""
    table = b'"mts":{"cost":1,"count":2,"rate":3},' * 540_000

    refuse_excess(table, TABLE)
    with pytest.raises(ValueError, match="too many"):
        refuse_excess(table, LIST)
    with pytest.raises(ValueError, match="too many"):
        refuse_excess(table * 2, TABLE)
