"""Every reader of both houses, and the outcome of each for a body in both decoders."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from datetime import timedelta, timezone
from decimal import Decimal
from functools import cache
from typing import Any, TypeAlias

import attrs
import pytest

from smsapi_async import SmsApiError
from smsapi_async._fields import collect_unread
from smsapi_async._polling import Known, Phase, Snapshot, Tracked, Waiter
from smsapi_async._sending import TABLE, Call, Clock, Repeat, Reply
from smsapi_async._sending import call as call_file
from smsapi_async.rent import _calls as rent_calls
from smsapi_async.rent import _wire as rent
from smsapi_async.v1 import Order, Payment, Prices, _calls, _glance, _offers
from smsapi_async.v1 import _wire as v1

MOSCOW = timezone(timedelta(hours=3))
KNOWN = (7, 11631253)
"""Orders that are awaited; the second is that of the samples."""


def awaited() -> Known[Order]:
    """One order that was not looked at yet, and one of which no message is known."""
    orders: dict[int, Tracked[Order]] = {}
    for number in KNOWN:
        tracked = orders[number] = Tracked(number, readable_at=0.0)
        tracked.waiters = (Waiter(tracked),)
    orders[KNOWN[1]].note(Snapshot(subject=Order(id=KNOWN[1]), sms=(), phase=Phase.OPEN, at=0.0))
    return Known(orders.get, KNOWN)


def seen_on(page: Any) -> tuple[object, ...]:
    """The awaited orders as a page at a glance shows them."""
    shown = [(tracked.key, snapshot) for tracked, snapshot in page.snapshots]
    others = [[tracked.key for tracked in found] for found in (page.quiet, page.unsure, page.fewer)]
    return page.rows, page.lowest, page.last, page.counted, shown, others


GLANCE = "v1.orders at a glance"
PRICES = "v1.prices"
LEFT = "v1.prices, left unread"
GLANCING = _glance.page_of_orders(0, 100, awaited(), _glance.Timing(Clock(), lambda _: None))
CALLS: Mapping[str, Call[Any]] = {
    "v1.profile": v1.call("profile", "x", v1.read_profile),
    "v1.orders": v1.call("orders", "x", v1.read_page(Order)),
    "v1.payments": v1.call("payments", "x", v1.read_page(Payment)),
    "v1.products": v1.call("products", "x", v1.read_products, catalogue=True),
    "v1.countries": v1.call("countries", "x", v1.read_countries, catalogue=True),
    "v1.notification": v1.call("notification", "x", v1.read_notification, catalogue=True),
    "v1.check": _calls.check(KNOWN[1]),
    "v1.finish": _calls.finish(KNOWN[1]),
    "v1.buy_activation": v1.call("buy_activation", "x", v1.read_order, repeat=Repeat.NEVER),
    "v1.inbox": v1.call("inbox", "x", v1.read_inbox),
    "v1.max_prices": v1.call("max_prices", "x", v1.read_max_prices),
    "v1.set_max_price": v1.call("set_max_price", "x", v1.read_nothing, repeat=Repeat.IF_LOST),
    "v1.wallets": v1.call("wallets", "x", v1.read_wallets),
    "v1.withdraw": v1.call("withdraw", "x", v1.read_withdrawal, repeat=Repeat.NEVER),
    PRICES: v1.call("prices", "x", _offers.read_prices(None, None), catalogue=True, bounds=TABLE),
    LEFT: v1.call("prices", "x", _offers.read_prices(None, None), catalogue=True, bounds=TABLE),
    "v1.prices of a product": v1.call("prices", "x", _offers.read_prices(None, "x"), catalogue=True, bounds=TABLE),
    GLANCE: GLANCING.reading(lambda reply: seen_on(GLANCING.read(reply))),
    "rent.numbers": rent_calls.all_numbers(MOSCOW),
    "rent.number": rent_calls.one_number(7, MOSCOW),
    "rent.buy_number": rent.call("buy_number", "x", rent.read_purchase(MOSCOW), repeat=Repeat.NEVER),
    "rent.close": rent.call("close", "x", rent.read_success, repeat=Repeat.IF_LOST),
    "rent.tariffs": rent.call("tariffs", "x", rent.read_tariffs, when_none=tuple, large=True),
    "rent.balance": rent.call("balance", "x", rent.read_balance),
}

Made: TypeAlias = Callable[..., Any]


@attrs.frozen
class Way:
    """One of the two decoders, put in place without looking for it anew."""

    quick: Made
    split: Any
    glance: Any

    def install(self, *, unread: bool) -> None:
        call_file._quick_decoder = self.quick  # type: ignore[assignment]
        _offers._splitter = lambda: self.split  # type: ignore[assignment]
        _glance._fast = lambda: self.glance  # type: ignore[assignment]
        _offers.SMALL = 0 if unread else SMALL


SMALL = _offers.SMALL
_FOUND = (call_file._quick_decoder, _offers._splitter, _glance._fast)


def uninstall() -> None:
    """Put back what was there."""
    call_file._quick_decoder, _offers._splitter, _glance._fast = _FOUND
    _offers.SMALL = SMALL


@cache
def ways() -> Mapping[str, Way]:
    """With msgspec, and without."""
    uninstall()
    found = {"fast": _way()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "msgspec", None)
        for function in _FOUND:
            function.cache_clear()
        found["plain"] = _way()
    for function in _FOUND:
        function.cache_clear()
    return found


def _way() -> Way:
    quick, split, glance = _FOUND
    made = {fractions: quick(fractions) for fractions in (Decimal, float)}
    return Way(lambda fractions: made[fractions], split(), glance())


@attrs.frozen
class Outcome:
    """The outcome of one read.

    Attributes:
        value: what was read; None after an error.
        unread: the fields that could not be read.
        error: the class, the words and the path of an error.
        seconds: of the processor.
    """

    value: Any = None
    unread: tuple[str, ...] = ()
    error: tuple[object, ...] = ()
    seconds: float = attrs.field(default=0.0, eq=False)


def read(name: str, reply: Reply, way: Way) -> Outcome:
    """Read the answer as this call does. An error that is not ours is raised."""
    call = CALLS[name]
    way.install(unread=name == LEFT)
    begun = time.thread_time()
    with collect_unread() as unread:
        try:
            value = call.read(attrs.evolve(reply, bounds=call.bounds))
            value = [*value, value.countries] if isinstance(value, Prices) else value
            error: tuple[object, ...] = ()
        except SmsApiError as caught:
            value, error = None, (type(caught), str(caught), getattr(caught, "path", ""))
    seconds = time.thread_time() - begun
    return Outcome(value, tuple(unread.fields), error, seconds)


def explained(name: str, reply: Reply, fast: Outcome, plain: Outcome) -> str:
    """Why the two ways differ, if the code says that they do. Empty for a difference without an explanation.

    Reading a page at a glance, or a table left unread, msgspec passes over fields that are not asked for. There `json`
    refuses the body as a whole; msgspec refuses only what is asked for, or nothing.
    """
    if name not in (GLANCE, LEFT) or not plain.error:
        return ""
    cause = _undecodable(name, reply)
    if any(words in cause for words in ("UnicodeDecodeError", "nested too deeply", "too many", "JSONDecodeError")):
        return f"{name}: passed over ({cause.partition(':')[0]})"
    return f"{name}: asked for later" if name == LEFT and fast.error else ""


def _undecodable(name: str, reply: Reply) -> str:
    """Why the whole body cannot be decoded; empty if it can. An error of a call does not hold the decoder's error."""
    ways()["plain"].install(unread=False)
    try:
        attrs.evolve(reply, bounds=CALLS[name].bounds).json(float)
    except ValueError as error:
        return f"{type(error).__name__}: {error}"
    return ""
