"""What crosses the layers: a Call goes down, a Reply comes up. Both are values; neither sends, waits or decides.

Source of the reply's rules: https://5sim.net/docs and https://onlinesim.io/docs; both answer JSON and plain text alike.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from enum import Enum, IntEnum
from functools import cache, lru_cache, partial
from itertools import chain
from math import nan
from typing import Any, Generic, Literal, TypeAlias, TypeVar, cast

import attrs

from .._errors import OutcomeUnknownError, SmsApiError, UnreadableReplyError, escaped
from .._quoting import masked
from .clock import is_plausible

T = TypeVar("T")
U = TypeVar("U")
Provider: TypeAlias = Literal["v1", "rent"]
Fractions: TypeAlias = Callable[[str], Decimal | float]
"""What becomes of `0.1`: `Decimal` or `float`."""

MEGABYTE = 1_000_000
BODY_CAP = 1 * MEGABYTE
CATALOGUE_CAP = 64 * MEGABYTE
"""The whole price table is 9 to 24 MB (guest/prices, 2026)."""

DEEPEST = 32
"""Levels of a body. Both providers use six at the most; each decoder gives up at a depth of its own."""

MOST_CONTAINERS = 2_000_000
"""Objects and lists of a body, brackets in texts included. The whole price table has half a million."""


class Repeat(Enum):
    """Whether a call may be sent again when it failed."""

    FREELY = "a read: it changes nothing"
    IF_LOST = "finish, cancel, ban: repeating it asks for the same end again"
    NEVER = "it spends: once only, unless no connection was ever made"


class Lane(IntEnum):
    """The order in which requests go when they must wait for each other."""

    CANCEL = 0
    PURCHASE = 1
    LOOK = 2
    FINISH = 3
    CATALOGUE = 4


@attrs.frozen(kw_only=True)
class Reply:
    """An answer: status, headers (names in lower case) and the whole decoded body.

    Attributes:
        sent_at: when the request was handed to the transport, in seconds of the loop's clock.
        arrived_at: when the whole body was there, in seconds of the loop's clock.
    """

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    sent_at: float = 0.0
    arrived_at: float = 0.0

    @property
    def text(self) -> str:
        """The body as text; bytes that are no UTF-8 become the replacement character."""
        return self.body.decode("utf-8", "replace").strip()

    @property
    def is_page(self) -> bool:
        """Return True for HTML: no API answers it, but gateways, proxies and other web servers do."""
        return is_html(self.body[:_HEAD].decode("utf-8", "replace").strip())

    def json(self, fractions: Fractions = Decimal) -> Any:
        """The body as JSON, its fractions exact decimals; or floats, which are smaller and exact to 15 digits.

        NaN, Infinity and numbers beyond all bounds become a float NaN, which costs their field and not the body.

        Raises:
            ValueError: it is no JSON, nests deeper than `DEEPEST`, or holds more than `MOST_CONTAINERS`.
        """
        containers = self.body.count(b"[") + self.body.count(b"{")
        if containers > MOST_CONTAINERS:
            raise ValueError("too many objects and lists")
        value = self._decoded(fractions)
        if containers > DEEPEST and _is_deep(value):
            raise ValueError("nested too deeply")
        return value

    def _decoded(self, fractions: Fractions) -> Any:
        decode, refusals = _quick_decoder(fractions)
        try:
            return decode(self.body)
        except refusals:
            pass  # read again by what knows more encodings and odder numbers, and says what is wrong
        try:
            return json.loads(
                self.body,
                parse_float=partial(_sensible, fractions),
                parse_int=partial(_sensible, int),
                parse_constant=_no_number,
            )
        except RecursionError:
            raise ValueError("nested too deeply") from None

    @property
    def date(self) -> datetime | None:
        """The provider's own clock, from the Date header; None if it sent none that a clock may show."""
        return _instant(self.headers.get("date", ""))

    def excerpt(self) -> str:
        """The first characters of the body, safe to print: values that may be a phone, a code or a text are masked."""
        return escaped(masked(self.text[:600]))


@attrs.frozen(kw_only=True)
class Call(Generic[T]):
    """One request and how its answer is read.

    Attributes:
        name: the call in the caller's words, such as ``v1.check``.
        path: below the provider's base URL, each segment already safe. It may hold a phone, as the query and the body
            may, so none is in the repr.
        read: turns the reply into a value, or raises one of our errors; pure.
        key: whether the request carries the account's key.
        settling: part of bringing a purchase or an order to its end; still sent while the client closes.
        cap: the largest body accepted, in bytes after decoding.
    """

    name: str
    provider: Provider
    path: str = attrs.field(repr=False)
    read: Callable[[Reply], T]
    repeat: Repeat
    method: str = "GET"
    query: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)
    body: bytes | None = attrs.field(default=None, repr=False)
    lane: Lane = Lane.LOOK
    key: bool = True
    settling: bool = False
    cap: int = BODY_CAP

    def reading(self, read: Callable[[Reply], U]) -> Call[U]:
        """The same request, its answer read another way."""
        return cast("Call[U]", attrs.evolve(self, read=read))  # type: ignore[arg-type]


@lru_cache(64)
def _instant(date: str) -> datetime | None:
    """Remembered: answers that come within one second bear the same Date, and reading it takes as long as an order."""
    try:
        instant = parsedate_to_datetime(date)
        instant = (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # the latter of a year or a zone of eleven digits
        return None
    return instant if is_plausible(instant) else None


NOT_THE_API = "no answer of the API: check the base URL, and proxies on the way to it"
"""What an error says of HTML, which it never quotes, and of routes that do not exist."""


def is_html(text: str) -> bool:
    """Return True if a text is a web page, or words that hold one; the texts inside JSON may be anything."""
    return text.startswith("<") or (not text.startswith(("{", "[", '"')) and "<html" in text.lower())


_HEAD = 2_000
"""Bytes in which a page shows that it is one."""


def described(reply: Reply) -> str:
    """The status of an answer and its first words, for an error."""
    return f"HTTP {reply.status}{': ' + NOT_THE_API if reply.is_page else _quoted(reply)}"


def _quoted(reply: Reply) -> str:
    """The first words of a body for an error, unless there are tags among them."""
    excerpt = reply.excerpt()
    return "" if "<" in excerpt else f": '{excerpt}'"


def understood(read: Callable[[Reply], T | SmsApiError]) -> Callable[[Reply], T]:
    """Read an answer with a function that returns the error instead of raising it.

    A traceback keeps the locals of its frames, and those that read have the answer in them: its texts and codes. Raised
    here, the error has no such frame, and neither cause nor context.
    """

    def raising(reply: Reply) -> T:
        found = read(reply)
        if isinstance(found, SmsApiError):
            raise found
        return found

    return raising


def unreadable(name: str, repeat: Repeat, reply: Reply, what: str, path: str = "") -> SmsApiError:
    """The error for an answer that cannot be read: a read has changed nothing, the outcome of another is unknown."""
    what, path = NOT_THE_API if reply.is_page else what, escaped(masked(path))
    if repeat is Repeat.FREELY:
        where = f" at {path}" if path else ""
        full = f"HTTP {reply.status}, unreadable{where} ({what}){_quoted(reply)}"
        return UnreadableReplyError(full, call=name, status=reply.status, path=path, excerpt=reply.excerpt())
    return OutcomeUnknownError(f"HTTP {reply.status}, unreadable ({what})", call=name, status=reply.status)


Decode: TypeAlias = Callable[[bytes], Any]
_TROUBLE = (ValueError, StopIteration, RecursionError, ArithmeticError)
_BLANKS = " \t\n\r"
CONTAINERS = frozenset((dict, list))


@cache
def _quick_decoder(fractions: Fractions) -> tuple[Decode, tuple[type[Exception], ...]]:
    """What decodes most bodies, and what it raises at the others.

    It is msgspec, of the extra `fast`, or else json with its preparations made once. A body they decode is what
    `json.loads` makes of it; of texts with half a character, UTF-16 and the like they make nothing.
    """
    try:
        import msgspec
    except ImportError:
        return _decoder(fractions), _TROUBLE
    hook = None if fractions is float else fractions
    return msgspec.json.Decoder(float_hook=hook).decode, (msgspec.MsgspecError, *_TROUBLE)


def _decoder(fractions: Fractions) -> Decode:
    decoder = json.JSONDecoder(parse_float=fractions, parse_constant=_no_constant)

    def decode(body: bytes) -> Any:
        text = body.decode().strip(_BLANKS)
        value, end = decoder.raw_decode(text)
        if end < len(text):
            raise ValueError("more than one value")
        return value

    return decode


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _no_number(_: str) -> float:
    return nan


def _sensible(make: Callable[[str], Any], digits: str) -> Any:
    """A number; NaN for an exponent of 20 digits, or an int of more than 4,300."""
    try:
        return make(digits)
    except (ValueError, ArithmeticError):
        return nan


def _is_deep(value: Any) -> bool:
    """Return True for a value that nests deeper than `DEEPEST`. It goes down level by level, without recursion."""
    level = [value] if type(value) in CONTAINERS else []
    for _ in range(DEEPEST):
        inner = chain.from_iterable([outer.values() if type(outer) is dict else outer for outer in level])
        level = [part for part in inner if type(part) in CONTAINERS]
        if not level:
            return False
    return True
