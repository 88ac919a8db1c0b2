"""The life of an order, as a table: the meaning of each status for a wait, and how an order is brought to its end.

    PENDING, RECEIVED   open       cancel while it has no SMS, finish once it has one
    FINISHED            finished   paid
    TIMEOUT             expired    a refund is not certain
    CANCELED, BANNED    closed     refunded
    any other word      open       the provider may invent more

RECEIVED is documented as waiting for the SMS; only an SMS is evidence of one. Source: https://5sim.net/docs, "Order
statuses".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from .._polling import Phase
from ._models import Order, Status

PHASES: Mapping[str, Phase] = MappingProxyType(
    {
        Status.FINISHED: Phase.FINISHED,
        Status.TIMEOUT: Phase.EXPIRED,
        Status.CANCELED: Phase.CLOSED,
        Status.BANNED: Phase.CLOSED,
    }
)

_LENGTH = re.compile(r"\d+(hours?|days?|months?)")


def phase(order: Order) -> Phase:
    """The stage of the order's life."""
    return PHASES.get(order.status, Phase.OPEN)


def is_open(order: Order) -> bool:
    """Return True if the order can still be finished or cancelled."""
    return phase(order) is Phase.OPEN


def is_hosting(order: Order) -> bool:
    """Return True if the order keeps a number for hours or days. Its product is then its length (`3hours`, `1day`)."""
    return order.product is not None and _LENGTH.fullmatch(order.product) is not None
