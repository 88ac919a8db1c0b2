"""The calls about one order, as values: both the API and the settling of orders send them."""

from __future__ import annotations

from collections.abc import Callable

from .._sending import Call, Lane, Repeat, Reply
from ._models import Order
from ._wire import call, read_order


def check(order_id: int) -> Call[Order]:
    return call("check", f"user/check/{order_id}", _order(order_id))


def finish(order_id: int) -> Call[Order]:
    return call("finish", f"user/finish/{order_id}", _order(order_id), repeat=Repeat.IF_LOST, lane=Lane.FINISH)


def cancel(order_id: int) -> Call[Order]:
    return call("cancel", f"user/cancel/{order_id}", _order(order_id), repeat=Repeat.IF_LOST, lane=Lane.CANCEL)


def ban(order_id: int) -> Call[Order]:
    return call("ban", f"user/ban/{order_id}", _order(order_id), repeat=Repeat.IF_LOST, lane=Lane.CANCEL)


def _order(order_id: int) -> Callable[[Reply], Order]:
    """Read an answer about this order. An answer about another order, from a cache on the way, cannot be read."""

    def read(reply: Reply) -> Order:
        order = read_order(reply)
        if order.id != order_id:
            raise ValueError("it is about another order")
        return order

    return read
