"""Looks: an answer about an order, or a page of many, becomes what is seen of them. Pure.

Time left is `expires` minus the Date of the same answer, so a wrong clock here or there does not matter.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from .._polling import Sight
from .._sending import Call
from ._lifecycle import phase
from ._models import Order
from ._wire import call, read_order

CLOCK_SLACK = timedelta(seconds=10)
"""A Date further before the purchase than this is another clock; nearer, it costs less than the lead before an end."""


def look(order_id: int) -> Call[Sight[Order]]:
    """The call that asks for one order."""
    return call("check", f"user/check/{order_id}", lambda reply: sight(read_order(reply), reply.date, reply.sent_at))


def first_sight(purchase: Call[Order]) -> Call[Sight[Order]]:
    """The purchase, its answer read as the first look at the order."""
    return purchase.reading(lambda reply: sight(purchase.read(reply), reply.date, reply.sent_at, fresh=True))


def sight(order: Order, date: datetime | None, at: float, *, fresh: bool = False) -> Sight[Order]:
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
    return Sight(subject=order, sms=order.sms, phase=phase(order), left=left, age=age, at=at, news_age=news_age)
