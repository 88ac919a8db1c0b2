"""A page of orders at a glance: of each row its id, its status and how many messages it has; no more is decoded.

A page has a thousand rows and may come every second, and hardly any of them shows anything new. Those that do are read
whole. With `msgspec`, of the extra `fast`, the rest is not even made into objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache, cached_property, partial
from math import inf
from typing import Any, NamedTuple, Protocol

import attrs

from .._call import MEGABYTE, Call, Reply
from .._fields import UNREADABLE, text_or_none, whole
from .._listing import Known, Page
from .._values import Sms
from .._watch import Phase, Sight, Watch
from ._life import PHASES
from ._looks import sight
from ._models import Order
from ._wire import call, structure

PAGE_CAP = 8 * MEGABYTE
"""A row without messages has about 400 bytes, one with a long text ten times as many."""


class Row(Protocol):
    """A row at a glance; `messages` is None where it does not tell."""

    @property
    def id(self) -> int: ...

    @property
    def status(self) -> str: ...

    @property
    def messages(self) -> int | None: ...


class PlainRow(NamedTuple):
    id: int
    status: str
    messages: int | None


class Rows:
    """The rows of one answer."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        fast = _fast()
        found = None if fast is None else fast(reply.body)
        self.rows: Sequence[Row] = list(map(_glance, self._whole)) if found is None else found

    def sight(self, position: int) -> Sight[Order]:
        """The whole row."""
        return sight(structure(self._whole[position], Order), self._reply.date, self._reply.sent_at)

    @cached_property
    def _whole(self) -> list[Any]:
        rows: list[Any] = self._reply.json()["Data"] or []
        return rows


def page_of_orders(offset: int, limit: int, known: Known[Order]) -> Call[Page[Order]]:
    """The call that asks for a page of the newest activations, and picks out those that are awaited."""
    paging = (("limit", str(limit)), ("offset", str(offset)), ("order", "id"), ("reverse", "true"))
    query = (("category", "activation"), *paging)
    return attrs.evolve(call("orders", "user/orders", lambda reply: read_page(reply, known), query=query), cap=PAGE_CAP)


def read_page(reply: Reply, known: Known[Order]) -> Page[Order]:
    """What the page shows of the awaited orders."""
    body = Rows(reply)
    lowest = min((row.id for row in body.rows if row.id), default=inf)
    page: Page[Order] = Page(rows=len(body.rows), lowest=lowest, at=reply.sent_at)
    for position, row in enumerate(body.rows):
        watch = known(row.id)
        if watch is not None:
            page.last = position + 1
            _sort_in(page, watch, row, partial(body.sight, position))
    return page


def _sort_in(page: Page[Order], watch: Watch[Order], row: Row, whole: Callable[[], Sight[Order]]) -> None:
    """Nothing new, a code, or something that only a look can prove. A row that does not tell is passed over."""
    known = None if watch.sight is None else watch.sight.sms
    messages, is_open = row.messages, PHASES.get(row.status, Phase.OPEN) is Phase.OPEN
    if messages is None:
        return
    if known is not None and is_open and messages <= len(known):
        page.quiet.append(watch)
        return
    try:
        seen = whole()
    except UNREADABLE:
        page.unsure.append(watch)
        return
    if _codes(seen.sms) > _codes(known or ()) or (known is None and is_open and not messages):
        page.sights.append((watch, seen))
    else:
        page.unsure.append(watch)


def _codes(messages: Iterable[Sms]) -> int:
    return sum(bool(sms.code) for sms in messages)


def _glance(raw: Any) -> Row:
    """The row; one that cannot be read is nobody's, and keeps no other from being read."""
    try:
        messages = raw.get("sms", ...)
        count = None if messages is ... else len(messages or ())
        return PlainRow(whole(raw["id"]), text_or_none(raw.get("status")) or "", count)
    except UNREADABLE:
        return PlainRow(0, "", None)


@cache
def _fast() -> Callable[[bytes], Sequence[Row] | None] | None:
    try:
        import msgspec
    except ImportError:
        return None

    def messages(row: Any) -> int | None:
        return None if row.sms is msgspec.UNSET else len(row.sms or ())

    sms = list[msgspec.Raw] | msgspec.UnsetType | None
    fields: list[Any] = [("id", int), ("status", str, ""), ("sms", sms, msgspec.UNSET)]
    row = msgspec.defstruct("FastRow", fields, namespace={"messages": property(messages)}, gc=False)
    body_of = msgspec.defstruct("Body", [("Data", list[row] | None)])  # type: ignore[valid-type]
    decoder = msgspec.json.Decoder(body_of)

    def decode(body: bytes) -> Sequence[Row] | None:
        """None of a body that is not quite as it should be: it is read the slow way, which says what is wrong."""
        try:
            rows: Sequence[Row] = decoder.decode(body).Data or ()  # type: ignore[attr-defined]
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        return rows

    return decode
