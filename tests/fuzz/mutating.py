"""Samples, and what becomes of them: values and pairs exchanged, taken away, repeated, nested, and bytes spoiled."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from functools import partial

import attrs

from tests.answers import sample, sample_names
from tests.hostile import BODIES

SHORT = 20_000
"""Bytes of a seed. A longer one, such as the names of 2024, is slow and has nothing that shorter ones lack."""

ODD = (
    *(b"null", b"true", b"false", b"0", b"-0", b"1", b"-1", b"7", b'"7"', b"7.0", b"1.5", b"-0.0", b"1e5", b"1E-400"),
    *(b"1e400", b"1e999999999", b"1e99999999999999999999", b"9223372036854775808", b"18446744073709551616"),
    *(b"-9223372036854775809", b"1" * 30, b"1" * 31, b"1" * 32, b"-" + b"1" * 32, b"0." + b"1" * 40, b"1" * 5_000),
    *(b"NaN", b"Infinity", b"-Infinity", b"01", b"1.", b".5", b"+1", b"-", b"tru", b"", b"1e", b"0x7"),
    *(b'""', b'" x "', b'"0"', b'"PENDING"', b'"FINISHED"', b'"CANCELED"', b'"79000381454"', b'"+7"', b'"true"'),
    *(b'"\\u00e9\\ud83d\\ude00"', '"é"'.encode(), b'"\\ud800"', b'"\xff"', b'"\xed\xa0\x80"', b'"\x01"', b'"\\x"'),
    *(b'"\x00"', b'"\\u0000"', b'"\x1b[2J"', b'"a\\nb"', b'"' + b"x" * 3_000 + b'"', b'"' + b"9" * 3_000 + b'"'),
    *(b'"[[[["', b'"}}}}"', b'"\\"[{"', b'"\\\\"', b'"1e999999999"', b'"NaN"', b'"Infinity"', b'"1_000"'),
    *('"\u0663\u0664"'.encode(), '"\u00b2"'.encode(), b'"Your code is 4217"', b'"TRY_AGAIN_LATER"', b'"<html>"'),
    *(b'"2026-01-01T12:00:00.123456789Z"', b'"2026-01-01T15:00:00+03:00"', b'"0001-01-01T00:00:00Z"', b'"noon"'),
    *(b'"9999-12-31T23:59:59-12:00"', b'"2026-W01-1"', b'"20260101"', b'"2026-01-01T24:00:00Z"', b'"0000-00-00"'),
    *(b"[]", b"{}", b"[null]", b"[{}]", b'["x"]', b"[[]]", b"[[[]]]", b'{"Name":"x"}', b'{"":0}', b'{"a":1,"a":2}'),
)
NAMES = (
    *("id", "ID", "tzid", "phone", "number", "country", "status", "sms", "messages", "data", "Data", "Total", "price"),
    *("sum", "code", "text", "date", "created_at", "response", "original", "list", "item", "days", "count", "extend"),
    *("expires", "message", "error", "rate", "rate24", "cost", "prefix", "iso", "name", "", "\\ud800", "a\\nb"),
)
ENCODINGS = ("utf-8-sig", "utf-16", "utf-16-le", "utf-32-be", "latin-1")
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+', re.DOTALL)


@attrs.frozen
class Seed:
    """A body that the mutations begin with.

    Attributes:
        values: where the values in it are, from and to.
        names: where the names in its objects are.
    """

    body: bytes
    values: Sequence[tuple[int, int]]
    names: frozenset[tuple[int, int]]


def planted(body: bytes) -> Seed:
    """Find the values of a body; of one that is no JSON, those until it goes wrong."""
    values: list[tuple[int, int]] = []
    names: list[tuple[int, int]] = []
    open_at: list[int] = []
    for token in _TOKEN.finditer(body):
        mark = body[token.start() : token.start() + 1]
        if mark in b"[{":
            open_at.append(token.start())
        elif mark in b"]}":
            if open_at:
                values.append((open_at.pop(), token.end()))
        elif mark == b":":
            if values:
                names.append(values.pop())
        elif mark != b",":
            values.append(token.span())
    return Seed(body, values or [(0, len(body))], frozenset(names))


def seeds() -> list[Seed]:
    """Every short sample, and every short body of the corpus."""
    bodies = [sample(name).encode() for house in ("rent", "v1") for name in sorted(sample_names(house))]
    return [planted(body) for body in (*bodies, *BODIES.values()) if len(body) <= SHORT]


class Mutator:
    """Draws bodies, the same ones for the same seed."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self.seeds = seeds()
        self._ways: tuple[Callable[[bytes], bytes], ...] = (
            *[self._odd] * 6,
            *(self._splice, self._repeat, self._nest, self._wrap, partial(self._nest, deepest=60)),
        )

    def body(self, seed: Seed) -> bytes:
        """A seed after some mutations, most often one or two."""
        draw, body = self._draw, seed.body
        places = draw.sample(seed.values, min(len(seed.values), draw.choice((0, 1, 1, 1, 2, 2, 3, 8))))
        if seed.names and draw.random() < 0.3:
            places.append(draw.choice(sorted(seed.names)))
        limit = len(body)
        for start, end in sorted(places, reverse=True):
            if end > limit:  # it holds what has been changed
                continue
            body = body[:start] + self._instead(body, start, end, name=(start, end) in seed.names) + body[end:]
            limit = start
        return self._spoiled(body) if draw.random() < 0.15 else body

    def _instead(self, body: bytes, start: int, end: int, *, name: bool) -> bytes:
        if name:
            return b'"%s"' % self._draw.choice(NAMES).encode()
        return self._draw.choice(self._ways)(body[start:end])

    def _odd(self, _: bytes) -> bytes:
        return self._draw.choice(ODD)

    def _splice(self, _: bytes) -> bytes:
        other = self._draw.choice(self.seeds)
        start, end = self._draw.choice(other.values)
        return other.body[start:end]

    def _repeat(self, value: bytes) -> bytes:
        """The value several times: in a list it is several rows, in an object it is no JSON."""
        return b",".join([value] * self._draw.choice((2, 2, 3, 20)))

    def _nest(self, value: bytes, deepest: int = 6) -> bytes:
        depth = self._draw.randint(1, deepest)
        return b"[" * depth + value + b"]" * depth

    def _wrap(self, value: bytes) -> bytes:
        return b'{"%s":%s,"%s":%s}' % (
            self._draw.choice(NAMES).encode(),
            value,
            self._draw.choice(NAMES).encode(),
            self._draw.choice(ODD),
        )

    def _spoiled(self, body: bytes) -> bytes:
        """Bytes cut off, put in, exchanged, or written in another encoding."""
        draw, place = self._draw, self._draw.randint(0, len(body))
        way = draw.randrange(6)
        if way == 0:
            return body[:place]
        if way == 1:
            return body[:place] + bytes([draw.randrange(256)]) + body[place:]
        if way == 2:
            return body[:place] + bytes([draw.randrange(256)]) + body[place + 1 :]
        if way == 3:
            return body[:place] + draw.choice(ODD) + body[place:]
        if way == 4:
            return (
                draw.choice((b" ", b"\n", b"\xef\xbb\xbf", b")]}'\n", b"\x00")) + body + draw.choice((b"", b"\n", b"x"))
            )
        return body.decode("utf-8", "replace").encode(draw.choice(ENCODINGS), "replace")
