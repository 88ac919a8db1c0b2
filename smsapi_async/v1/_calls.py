"""The calls about one order, as values: what both the API and the settling of orders send."""

from __future__ import annotations

from .._sending import Call, Lane, Repeat
from ._models import Order
from ._wire import call, read_order


def check(order_id: int) -> Call[Order]:
    return call("check", f"user/check/{order_id}", read_order)


def finish(order_id: int) -> Call[Order]:
    return call("finish", f"user/finish/{order_id}", read_order, repeat=Repeat.IF_LOST, lane=Lane.FINISH)


def cancel(order_id: int) -> Call[Order]:
    return call("cancel", f"user/cancel/{order_id}", read_order, repeat=Repeat.IF_LOST, lane=Lane.CANCEL)


def ban(order_id: int) -> Call[Order]:
    return call("ban", f"user/ban/{order_id}", read_order, repeat=Repeat.IF_LOST, lane=Lane.CANCEL)
