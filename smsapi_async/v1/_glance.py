"""A page of orders at a glance: each row's id, status and number of messages. Nothing else is decoded.

A page has a thousand rows and may come every second, but hardly any row shows anything new. Rows with news are read
whole. With `msgspec`, of the extra `fast`, the rest is not even made into objects.

So with the extra a page is read where `json` refuses it as a whole. Fields that are passed over may hold bytes that are
no UTF-8. They may nest a thousand levels, and from Python 3.14 on any number. They may hold as much as the cap of a
page lets through, which takes 0.3 s and 300 MB. Such a field costs the row that holds it, and only where that row is
read whole: its order is looked at by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Sized
from datetime import datetime, timedelta
from functools import cache, cached_property, partial
from math import inf
from typing import Annotated, Any, NamedTuple, Protocol

import attrs

from .._fields import UNREADABLE, text_or_none, whole
from .._polling import UNKNOWN_LIFE, Known, Page, Snapshot, Tracked
from .._sending import LIST, MEGABYTE, Call, Clock, Reply
from .._values import Sms
from ._calls import check
from ._lifecycle import PHASES, phase
from ._models import Order
from ._wire import call, structure

PAGE_CAP = 8 * MEGABYTE
"""A row without messages has about 400 bytes, and a row with a long text ten times as many."""


MOST_ID = 2**63 - 1
"""A page with a larger one is left to `json`, which knows how many digits an id may have."""


class Bought(Protocol):
    """A purchase that was answered."""

    @property
    def order(self) -> Order: ...

    # When the purchase's request left, in seconds of the loop's clock.
    @property
    def sent_at(self) -> float: ...


class Row(Protocol):
    """A row at a glance."""

    @property
    def id(self) -> int: ...

    @property
    def status(self) -> str: ...

    @property
    def sms(self) -> Sized | None:
        """The row's messages, not decoded further. null, `[]` and a missing key all mean none."""


class PlainRow(NamedTuple):
    id: int
    status: str
    sms: Sized | None


class Rows:
    """The rows of one answer.

    Attributes:
        rows: all of them at a glance.
    """

    rows: Sequence[Row]

    def __init__(self, reply: Reply) -> None:
        self.asked_at: float = reply.sent_at
        self._reply = reply
        fast = _fast()
        found = None if fast is None else fast.glance(reply.body)
        self._fast = None if found is None else fast
        self.rows = list(map(_glance, self._whole)) if found is None else found

    def order(self, position: int) -> Order:
        """The whole order in a row."""
        raw = self._whole[position]
        if self._fast is not None:
            raw = attrs.evolve(self._reply, body=bytes(raw)).json()
        return structure(raw, Order)

    @cached_property
    def _whole(self) -> Sequence[Any]:
        """Every row: decoded, or with `msgspec` its bytes."""
        found: Sequence[Any] = self._reply.json()["Data"] if self._fast is None else self._fast.apart(self._reply.body)
        return found or ()


def page_of_orders(offset: int, limit: int, known: Known[Order], timing: Timing) -> Call[Page[Order]]:
    """The call that asks for a page of the newest activations, and picks out the awaited ones."""
    paging = (("limit", str(limit)), ("offset", str(offset)), ("order", "id"), ("reverse", "true"))
    query = (("category", "activation"), *paging)
    asked = call("orders", "user/orders", lambda reply: read_page(reply, known, timing), query=query)
    return attrs.evolve(asked, cap=PAGE_CAP)


def read_page(reply: Reply, known: Known[Order], timing: Timing) -> Page[Order]:
    """Read the awaited orders from a page. A row without messages shows nothing new, whatever its form."""
    body = Rows(reply)
    page: Page[Order] = Page(rows=len(body.rows), lowest=inf, at=body.asked_at)
    lowest, last, quiet = inf, 0, page.quiet
    find, expected = known.tracked, known.expected
    for position, row in enumerate(body.rows, 1):
        key, messages = row.id, len(row.sms) if row.sms else 0
        if 0 < key < lowest:
            lowest = key
        if key in expected:
            page.counted.append((key, messages))
        tracked = find(key)
        if tracked is None or not tracked.waiters:
            continue
        last = position
        if not messages and not tracked.sms and row.status not in PHASES and tracked.is_seen():
            quiet.append(tracked)
        else:
            _sort_in(page, tracked, messages, row.status in PHASES, partial(_shown, body, position - 1, timing))
    page.lowest, page.last = lowest, last
    return page


def _shown(body: Rows, place: int, timing: Timing) -> Snapshot[Order]:
    return timing.snapshot(body.order(place), body.asked_at)


def _sort_in(
    page: Page[Order], tracked: Tracked[Order], messages: int, closed: bool, whole: Callable[[], Snapshot[Order]]
) -> None:
    """Sort a row into the page: a code, an order seen for the first time, or neither.

    A code may also be filled into a message that was known before.
    """
    others = page.unsure
    if tracked.is_seen() and not closed and messages <= len(tracked.sms):
        others = page.quiet
        if messages < len(tracked.sms):
            page.fewer.append(tracked)
        if messages < len(tracked.sms) or all(each.code for each in tracked.sms):
            others.append(tracked)
            return
    try:
        seen = whole()
    except UNREADABLE:
        others.append(tracked)
        return
    if not tracked.is_seen() and not closed and not messages:
        page.snapshots.append((tracked, attrs.evolve(seen, keep=False, phone=seen.subject.phone)))
    elif _codes(seen.sms) > _codes(tracked.sms):
        page.snapshots.append((tracked, seen))
    else:
        others.append(tracked)


def _codes(messages: Iterable[Sms]) -> int:
    return sum(bool(sms.code) for sms in messages)


def _glance(raw: Any) -> Row:
    """Read a row. A row that cannot be read belongs to no order, so that the other rows are still read."""
    try:
        sms = raw.get("sms")
        return PlainRow(whole(raw["id"]), text_or_none(raw.get("status")) or "", sms if isinstance(sms, list) else None)
    except UNREADABLE:
        return PlainRow(0, "", None)


@attrs.frozen
class Fast:
    """The functions by which msgspec reads a page.

    Attributes:
        glance: returns the rows, or None for a page that is not quite as it should be. `json` reads such a page more
            leniently.
        apart: returns the bytes of each row.
    """

    glance: Callable[[bytes], Sequence[Row] | None]
    apart: Callable[[bytes], Sequence[Any]]


@cache
def _fast() -> Fast | None:
    try:
        import msgspec
    except ImportError:
        return None

    def body_of(row: Any) -> Any:
        return msgspec.json.Decoder(msgspec.defstruct("Body", [("Data", list[row] | None)]))

    sms = tuple[msgspec.Raw, ...] | None
    number = Annotated[int, msgspec.Meta(le=MOST_ID)]
    row = msgspec.defstruct("FastRow", [("id", number), ("status", str, ""), ("sms", sms, None)], gc=False)
    rows, raws = body_of(row), body_of(msgspec.Raw)

    def glance(body: bytes) -> Sequence[Row] | None:
        try:
            found = rows.decode(body).Data or ()
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        return found if len(found) <= LIST.containers else None

    return Fast(glance, lambda body: raws.decode(body).Data)


# -- one answer ------------------------------------------------------------------------------------------------------


CLOCK_SLACK = timedelta(seconds=10)
"""A Date further before the purchase than this is another clock. A nearer Date costs less than the lead before an
end."""


def look(order_id: int) -> Call[tuple[Order, float]]:
    """The call that asks for one order. Returns it, and when it was asked for, in seconds of the loop's clock."""
    asked = check(order_id)
    return asked.reading(lambda reply: (asked.read(reply), reply.sent_at))


class Timing:
    """The times at which orders were bought and end, in seconds of the loop's clock.

    An order bought here ends its span after its purchase was sent, by the loop's own clock. The end of any other order
    is read from the provider's clock, as far as that is known.

    Args:
        clock: the provider's clocks.
        bought: returns the purchase of an order, or None if it was not bought here.
    """

    def __init__(self, clock: Clock, bought: Callable[[int], Bought | None]) -> None:
        self._clock = clock
        self._bought = bought

    def snapshot(self, order: Order, at: float) -> Snapshot[Order]:
        """The snapshot of an answer that was asked for at that moment."""
        bought = self._bought(order.id)
        ends_at, sure, exact = self._end(order, at, bought)
        return Snapshot(
            subject=order,
            sms=order.sms,
            phase=phase(order),
            at=at,
            ends_at=ends_at,
            sure=sure,
            exact=exact,
            bought_at=self._begin(order, at, bought),
            news_age=self._news_age(order, at),
        )

    def _end(self, order: Order, at: float, bought: Bought | None) -> tuple[float | None, bool, bool]:
        """The end of an order, whether it is more than a guess, and whether it is an order's own to the second."""
        span = _span(order)
        sold = None if bought is None else _span(bought.order) or span
        if bought is not None and sold is not None:
            first = bought.order.expires_at
            if first is not None and order.expires_at is None:
                return None, True, True  # left out, or unreadable: it has not moved
            moved = 0.0 if first is None or order.expires_at is None else (order.expires_at - first).total_seconds()
            return bought.sent_at + sold + moved, True, first is not None
        now = self._now(order, at)
        left = -inf if now is None or order.expires_at is None else (order.expires_at - now).total_seconds()
        if left <= 0:
            begin = at if bought is None else bought.sent_at
            return begin + min(span or UNKNOWN_LIFE, UNKNOWN_LIFE), False, False
        return at + (left if span is None else min(left, span)), True, False

    def _begin(self, order: Order, at: float, bought: Bought | None) -> float | None:
        if bought is not None:
            return bought.sent_at
        now = self._now(order, at)
        if now is None or order.created_at is None:
            return None
        return at - max(0.0, (now - order.created_at).total_seconds())

    def _now(self, order: Order, at: float) -> datetime | None:
        """The provider's clock; None if it is before the purchase, because it is another clock then."""
        now = self._clock.records_at(at)
        behind = now is not None and order.created_at is not None and now < order.created_at - CLOCK_SLACK
        return None if behind else now

    def _news_age(self, order: Order, at: float) -> float | None:
        now = self._clock.records_at(at) if self._clock.is_measured and order.sms else None
        newest = order.sms[-1].created_at if order.sms else None
        return None if now is None or newest is None else (now - newest).total_seconds()


def _span(order: Order) -> float | None:
    """Seconds for which the order was sold; None if they cannot be read."""
    if order.created_at is None or order.expires_at is None or order.expires_at <= order.created_at:
        return None
    return (order.expires_at - order.created_at).total_seconds()
