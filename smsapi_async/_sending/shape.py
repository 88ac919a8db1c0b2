"""The depth and the contents of a body, counted on its bytes before a decoder sees them. Pure.

Decoders recurse, and readers walk what decoders made: a hundred bytes can nest a thousand levels, and a hundred
kilobytes of gzip can hold twenty million lists. Counting the marks of JSON costs a fiftieth of decoding.
"""

from __future__ import annotations

import attrs

DEEPEST = 32
"""Levels that a body may nest. Both providers use six at the most, and each decoder gives up at a depth of its own."""


@attrs.frozen
class Bounds:
    """The most that a body may hold, which bounds the cost of reading it. Marks inside texts are counted too.

    Attributes:
        containers: its objects and lists. A row of which every field is odd takes 20 us to read.
        values: its commas, and its objects and lists. An odd entry of a list takes 2 us to pass over.
    """

    containers: int
    values: int


LIST = Bounds(20_000, 150_000)
"""Twenty thousand messages, in 4 MB of 200 bytes each. As much as is allowed, all of it odd, takes 0.4 s to read."""

TABLE = Bounds(2_000_000, 2_500_000)
"""The whole price table has 0.6 million containers and 2 million values. The worst allowed takes 600 MB of memory."""

_ALL = bytes(range(256))
_NOT_A_VALUE = _ALL.translate(None, b"[{,")
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NO_SHAPE = _ALL.translate(None, b'[]{}"')


def refuse_excess(body: bytes, bounds: Bounds) -> None:
    """Raise ValueError for a body that holds more than the bounds allow."""
    if len(body) <= bounds.containers:
        return
    marks = body.translate(None, _NOT_A_VALUE)
    if len(marks) > bounds.values:
        raise ValueError("too many values")
    if len(marks) > bounds.containers and len(marks.translate(None, b",")) > bounds.containers:
        raise ValueError("too many objects and lists")


def refuse_depth(body: bytes) -> None:
    """Raise ValueError for a body that nests deeper than `DEEPEST`.

    The innermost level is removed as often as a body may have levels. If a level is left then, the body was deeper.
    Brackets without a partner always stay. A few of them are left to the decoder, which says what is wrong.
    """
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return
    marks = _outside_texts(body)
    for _ in range(DEEPEST):
        marks = marks.replace(b"[]", b"")
        if not marks:
            return
    if len(marks) > DEEPEST or b"[]" in marks:
        raise ValueError("nested too deeply")


def _outside_texts(body: bytes) -> bytes:
    """The brackets of the body in their order, all of one kind, without those inside texts."""
    if b"\\" in body:
        body = body.replace(rb"\\", b"").replace(rb"\"", b"")
    marks = body.translate(_ONE_KIND, _NO_SHAPE).replace(b'""', b"")  # most texts hold no bracket
    return b"".join(marks.split(b'"')[::2])
