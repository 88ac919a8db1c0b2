"""The values that cross the layers: a Call goes down, a Reply comes up. Neither sends, waits or decides.

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
from math import nan
from typing import Any, Generic, Literal, TypeAlias, TypeVar, cast

import attrs

from .._errors import OutcomeUnknownError, SmsApiError, UnreadableReplyError, escaped
from .._quoting import masked
from .clock import is_plausible
from .shape import LIST, Bounds, refuse_depth, refuse_excess

T = TypeVar("T")
U = TypeVar("U")
Provider: TypeAlias = Literal["v1", "rent"]
Fractions: TypeAlias = Callable[[str], Decimal | float]
"""The type that `0.1` becomes: `Decimal` or `float`."""

MEGABYTE = 1_000_000
BODY_CAP = 1 * MEGABYTE
LIST_CAP = 4 * MEGABYTE
"""All rented numbers with their messages, 180 bytes each; all tariffs are a tenth of it."""

CATALOGUE_CAP = 64 * MEGABYTE
"""The whole price table is 9 to 24 MB (guest/prices, 2026)."""


class Repeat(Enum):
    """The rule for sending a call again after it failed."""

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
        bounds: how much the body may hold.
        sent_at: when the request was handed to the transport, in seconds of the loop's clock.
        arrived_at: when the whole body was there, in seconds of the loop's clock.
    """

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    bounds: Bounds = attrs.field(default=LIST, repr=False)
    sent_at: float = 0.0
    arrived_at: float = 0.0

    @property
    def text(self) -> str:
        """The body as text. Bytes that are not UTF-8 become the replacement character."""
        return self.body.decode("utf-8", "replace").strip()

    @property
    def is_page(self) -> bool:
        """True if the body is HTML. No API answers with HTML, but gateways, proxies and other web servers do."""
        return is_html(self._head)

    @property
    def _head(self) -> str:
        return self.body[:_HEAD].decode("utf-8", "replace").strip()

    def json(self, fractions: Fractions = Decimal) -> Any:
        """Read the body as JSON, with fractions as exact decimals, or as floats: smaller, and exact to 15 digits.

        NaN, Infinity and numbers beyond all bounds become a float NaN, so that only their field is lost and not the
        body.

        Raises:
            ValueError: the body is not JSON, nests deeper than `DEEPEST`, or holds more than its bounds allow. Depth
                and contents are checked before anything is decoded.
        """
        refuse_excess(self.body, self.bounds)
        refuse_depth(self.body)
        decode, refusals = _quick_decoder(fractions)
        try:
            return decode(self.body)
        except refusals:
            return _patiently_decoded(self.body, self.bounds, fractions)

    @property
    def date(self) -> datetime | None:
        """The provider's own time, from the Date header; None without a plausible one."""
        return _instant(self.headers.get("date", ""))

    def excerpt(self) -> str:
        """The first characters of the body, safe to print: values that may be a phone, a code or a text are masked."""
        return escaped(masked(self._head[:600]))


@attrs.frozen(kw_only=True)
class Call(Generic[T]):
    """One request, and how its answer is read.

    Attributes:
        name: the call in the caller's words, such as ``v1.check``.
        path: below the provider's base URL, each segment already safe. It may hold a phone, as the query and the body
            may, so none is in the repr.
        read: turns the reply into a value, or raises one of our errors; pure.
        key: whether the request carries the account's key.
        settling: whether the call helps to bring a purchase or an order to its end. It is then sent while the client
            closes.
        cap: the largest body accepted, in bytes after unpacking.
        bounds: how much that body may hold.
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
    bounds: Bounds = LIST

    def reading(self, read: Callable[[Reply], U]) -> Call[U]:
        """The same request, with its answer read another way."""
        return cast("Call[U]", attrs.evolve(self, read=read))  # type: ignore[arg-type]


@lru_cache(64)
def _instant(date: str) -> datetime | None:
    """Read a Date, cached: answers within one second bear the same one, and reading it takes as long as an order."""
    try:
        instant = parsedate_to_datetime(date)
        instant = (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # OverflowError: a year or a zone of eleven digits
        return None
    return instant if is_plausible(instant) else None


NO_REFUSALS = frozenset({408, 409, 425, 499})
"""Statuses of servers in front of the API: after a purchase they may mean that its answer came too late."""

NOT_THE_API = "no answer of the API: check the base URL, and proxies on the way to it"
"""The words of an error for HTML, which is never quoted, and for routes that do not exist."""


def is_html(text: str) -> bool:
    """Return True if a text is a web page, or words that hold one. The texts inside JSON may be anything."""
    return text.startswith("<") or (not text.startswith(("{", "[", '"')) and "<html" in text.lower())


_HEAD = 2_000
"""Bytes at the start of a body that show whether it is a page, and of which an error quotes the first words."""


def described(reply: Reply) -> str:
    """The status of an answer and its first words, for an error."""
    return f"HTTP {reply.status}{': ' + NOT_THE_API if reply.is_page else _quoted(reply)}"


def _quoted(reply: Reply) -> str:
    """The first words of a body, for an error; empty if there are tags among them."""
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
_TROUBLE = (ValueError, StopIteration, ArithmeticError)
_BLANKS = " \t\n\r"


@cache
def _quick_decoder(fractions: Fractions) -> tuple[Decode, tuple[type[Exception], ...]]:
    """The decoder for most bodies, and the exceptions that it raises for the others.

    It is msgspec, of the extra `fast`, or else json, prepared once. A body that it decodes has the value that
    `json.loads` gives. It refuses texts with half a character, UTF-16 and the like.
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


def _patiently_decoded(body: bytes, bounds: Bounds, fractions: Fractions) -> Any:
    """Decode a body that the quick decoder refuses. `json` knows more encodings and numbers, and says what is wrong.

    In another encoding the marks of JSON are other bytes, so they are counted again. Halves of characters are read as
    `json.loads` reads them, except in a huge body: each takes 0.1 us.
    """
    encoding = json.detect_encoding(body)
    text = body.decode(encoding, "surrogatepass" if len(body) <= LIST_CAP else "strict")
    if not encoding.startswith("utf-8"):
        plain = text.encode("utf-8", "surrogatepass")
        refuse_excess(plain, bounds)
        refuse_depth(plain)
    return json.loads(
        text, parse_float=partial(_sensible, fractions), parse_int=partial(_sensible, int), parse_constant=_no_number
    )


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _no_number(_: str) -> float:
    return nan


def _sensible(make: Callable[[str], Any], digits: str) -> Any:
    """A number; NaN for an exponent of 20 digits, or for an int of more than 4,300 digits."""
    try:
        return make(digits)
    except (ValueError, ArithmeticError):
        return nan
