"""A page of orders at a glance: of each row its id, its status and how many messages it has; no more is decoded.

A page has a thousand rows and may come every second, and hardly any of them shows anything new. Those that do are read
whole. With `msgspec`, of the extra `fast`, the rest is not even made into objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache, cached_property, partial
from math import inf
from typing import Any, NamedTuple, Protocol

import attrs

from .._fields import UNREADABLE, text_or_none, whole
from .._polling import Known, Page, Snapshot, Tracked
from .._sending import MEGABYTE, Call, Reply
from .._values import Sms
from ._lifecycle import PHASES, phase
from ._models import Order
from ._wire import call, read_order, structure

PAGE_CAP = 8 * MEGABYTE
"""A row without messages has about 400 bytes, one with a long text ten times as many."""


class Row(Protocol):
    """A row at a glance; what its `sms` holds is not decoded further."""

    @property
    def id(self) -> int: ...

    @property
    def status(self) -> str: ...

    @property
    def sms(self) -> Any: ...


class PlainRow(NamedTuple):
    id: int
    status: str
    sms: Any


class Rows:
    """The rows of one answer.

    Attributes:
        rows: all of them at a glance.
        untold: stands for the messages of a row that does not tell of any, not even that it has none.
    """

    rows: Sequence[Row]
    untold: object = ...

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        fast = _fast()
        found = None if fast is None else fast.glance(reply.body)
        self._fast = None if found is None else fast
        self.rows = list(map(_glance, self._whole)) if found is None else found
        if self._fast is not None:
            self.untold = self._fast.untold

    def snapshot(self, position: int) -> Snapshot[Order]:
        """The whole row."""
        raw = self._whole[position]
        if self._fast is not None:
            raw = attrs.evolve(self._reply, body=bytes(raw)).json()
        return snapshot(structure(raw, Order), self._reply.date, self._reply.sent_at)

    @cached_property
    def _whole(self) -> Sequence[Any]:
        """Every row: decoded, or with `msgspec` its bytes."""
        found: Sequence[Any] = self._reply.json()["Data"] if self._fast is None else self._fast.apart(self._reply.body)
        return found or ()


def page_of_orders(offset: int, limit: int, known: Known[Order]) -> Call[Page[Order]]:
    """The call that asks for a page of the newest activations, and picks out those that are awaited."""
    paging = (("limit", str(limit)), ("offset", str(offset)), ("order", "id"), ("reverse", "true"))
    query = (("category", "activation"), *paging)
    return attrs.evolve(call("orders", "user/orders", lambda reply: read_page(reply, known), query=query), cap=PAGE_CAP)


def read_page(reply: Reply, known: Known[Order]) -> Page[Order]:
    """What the page shows of the awaited orders. A row that does not tell of messages is passed over."""
    body = Rows(reply)
    page: Page[Order] = Page(rows=len(body.rows), lowest=inf, at=reply.sent_at)
    lowest, last, quiet, untold = inf, 0, page.quiet, body.untold
    for position, row in enumerate(body.rows, 1):
        key, sms = row.id, row.sms
        if 0 < key < lowest:
            lowest = key
        watch = known(key)
        if watch is None or not watch.waiters:
            continue
        last = position
        if not sms and sms is not untold and not watch.sms and row.status not in PHASES and watch.is_seen():
            quiet.append(watch)
        elif sms is not untold:
            _sort_in(page, watch, row, partial(body.snapshot, position - 1))
    page.lowest, page.last = lowest, last
    return page


def _sort_in(page: Page[Order], watch: Tracked[Order], row: Row, whole: Callable[[], Snapshot[Order]]) -> None:
    """A code, which may also be filled into a message known before; an order seen for the first time; or neither."""
    others = page.unsure
    if watch.is_seen() and row.status not in PHASES and len(row.sms or ()) <= len(watch.sms):
        others = page.quiet
        if all(each.code for each in watch.sms):
            others.append(watch)
            return
    try:
        seen = whole()
    except UNREADABLE:
        others.append(watch)
        return
    if not watch.is_seen() and row.status not in PHASES and not row.sms:
        page.snapshots.append((watch, attrs.evolve(seen, keep=False)))
    elif _codes(seen.sms) > _codes(watch.sms):
        page.snapshots.append((watch, seen))
    else:
        others.append(watch)


def _codes(messages: Iterable[Sms]) -> int:
    return sum(bool(sms.code) for sms in messages)


def _glance(raw: Any) -> Row:
    """The row; one that cannot be read is nobody's, and keeps no other from being read."""
    try:
        sms = raw.get("sms", ...)
        if sms is not ...:
            len(sms or ())
        return PlainRow(whole(raw["id"]), text_or_none(raw.get("status")) or "", sms)
    except UNREADABLE:
        return PlainRow(0, "", ...)


@attrs.frozen
class Fast:
    """What msgspec makes of a page.

    Attributes:
        glance: its rows; None of a page that is not quite as it should be: `json` knows more, and says what is wrong.
        apart: the bytes of each row.
    """

    glance: Callable[[bytes], Sequence[Row] | None]
    apart: Callable[[bytes], Sequence[Any]]
    untold: object


@cache
def _fast() -> Fast | None:
    try:
        import msgspec
    except ImportError:
        return None

    def body_of(row: Any) -> Any:
        return msgspec.json.Decoder(msgspec.defstruct("Body", [("Data", list[row] | None)]))

    sms = tuple[msgspec.Raw, ...] | msgspec.UnsetType | None
    row = msgspec.defstruct("FastRow", [("id", int), ("status", str, ""), ("sms", sms, msgspec.UNSET)], gc=False)
    rows, raws = body_of(row), body_of(msgspec.Raw)

    def glance(body: bytes) -> Sequence[Row] | None:
        try:
            return rows.decode(body).Data or ()
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None

    return Fast(glance, lambda body: raws.decode(body).Data, msgspec.UNSET)


# -- one answer ------------------------------------------------------------------------------------------------------

CLOCK_SLACK = timedelta(seconds=10)
"""A Date further before the purchase than this is another clock; nearer, it costs less than the lead before an end."""


def look(order_id: int) -> Call[Snapshot[Order]]:
    """The call that asks for one order."""
    return call("check", f"user/check/{order_id}", lambda reply: snapshot(read_order(reply), reply.date, reply.sent_at))


def first_snapshot(purchase: Call[Order]) -> Call[Snapshot[Order]]:
    """The purchase, its answer read as the first look at the order."""
    return purchase.reading(lambda reply: snapshot(purchase.read(reply), reply.date, reply.sent_at, fresh=True))


def snapshot(order: Order, date: datetime | None, at: float, *, fresh: bool = False) -> Snapshot[Order]:
    """What the answer shows of the order's time.

    A Date before the purchase, or after an expiry although the order is open, is no plausible clock. Then, from a
    `fresh` purchase, the span counts for which the order was sold.
    """
    created, expires = order.created_at, order.expires_at
    plausible = date is not None and (created is None or date > created - CLOCK_SLACK)
    age = left = None
    if date is not None and plausible and created is not None:
        age = max(0.0, (date - created).total_seconds())
    if date is not None and plausible and expires is not None and expires > date:
        left = (expires - date).total_seconds()
    elif fresh and created is not None and expires is not None and expires > created:
        left = (expires - created).total_seconds()
    newest = order.sms[-1].created_at if order.sms else None
    news_age = (date - newest).total_seconds() if date is not None and plausible and newest is not None else None
    return Snapshot(subject=order, sms=order.sms, phase=phase(order), left=left, age=age, at=at, news_age=news_age)
