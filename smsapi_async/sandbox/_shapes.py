"""The JSON bodies of the v1 API, field by field in the order the samples print them.
Source: docs/protocol/v1.md section 2, tests/samples/v1."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import islice
from operator import attrgetter
from typing import Any

from attrs import evolve, fields

from ._accounts import Entry
from ._message import Written, encode, plain
from ._orders import Order, Sms
from ._quirks import Quirks
from ._scenario import Scenario
from ._world import World

NANOSECONDS = "028"
"""The last three digits of the samples: a datetime holds microseconds only."""

TOP_ORDERS, RECENT_ORDERS = 5, 50

_values = attrgetter(*(field.name for field in fields(Order)))


class Shapes:
    """Writes the records of the world in the form of the wire."""

    def __init__(self, scenario: Scenario, quirks: Quirks) -> None:
        self._scenario = scenario
        self._quirks = quirks
        self._rows: dict[int, tuple[object, Written]] = {}

    def stamp(self, at: datetime, digits: int | None = None) -> str:
        """Return an instant by the provider's clock, with 0, 6 or 9 fraction digits."""
        digits = self._scenario.timestamp_digits if digits is None else digits
        at += self._quirks.clock_skew
        fraction = f".{at.microsecond:06d}{NANOSECONDS}"[: digits + 1] if digits else ""
        return f"{at:%Y-%m-%dT%H:%M:%S}{fraction}Z"

    def money(self, amount: Decimal) -> Any:
        """Return an amount in the scenario's form."""
        if self._scenario.money_form == "text":
            return plain(amount)
        return float(amount) if self._scenario.money_form == "float" else amount

    def bought(self, order: Order) -> dict[str, Any]:
        """Return the answer to a purchase; a hosting one has no operator, country and forwarding."""
        return self._quirks.printed(self._bought(order), "answers")

    def _bought(self, order: Order) -> dict[str, Any]:
        row = {
            "id": order.id,
            "phone": order.phone,
            "operator": order.operator,
            "product": order.product,
            "price": self.money(order.price),
            "status": order.status,
            "expires": self.stamp(order.expires_at),
            "sms": self.sms(order) or None,
            "created_at": self.stamp(order.created_at),
            "forwarding": order.forwarding,
            "forwarding_number": order.forwarding_number,
            "country": order.country,
        }
        absent = ("operator", "forwarding", "forwarding_number", "country") if self._lacks_fields(order) else ()
        return _without(row, *absent)

    def checked(self, order: Order) -> dict[str, Any]:
        """Return the answer to check, finish, cancel and ban. By default it has no operator."""
        row = {
            "id": order.id,
            "created_at": self.stamp(order.created_at),
            "phone": order.phone,
            "product": order.product,
            "price": self.money(order.price),
            "status": order.status,
            "expires": self.stamp(order.expires_at),
            "sms": self.sms(order),
            "forwarding": order.forwarding,
            "forwarding_number": order.forwarding_number,
            "country": order.country,
        }
        absent = ("forwarding", "forwarding_number", "country") if self._lacks_fields(order) else ()
        operator = {"operator": order.operator} if self._scenario.order_form == "full" else {}
        return self._quirks.printed(_without(row, *absent) | operator, "answers")

    def _lacks_fields(self, order: Order) -> bool:
        return _hosting(order) and self._scenario.order_form == "printed"

    def listed(self, order: Order, now: datetime) -> Written:
        """Return a row of the history. It is cached until the order changes, because long pages are requested often."""
        quirks = self._quirks
        shown = self._as_listed(order, now)
        state = (
            _values(shown), tuple(shown.sms), quirks.clock_skew, quirks.listing_without_sms, quirks.misprints,
        )  # fmt: skip
        before, row = self._rows.get(order.id, (None, Written()))
        if before != state:
            row = Written(encode(self._row(shown)))
            self._rows[order.id] = state, row
        return row

    def _as_listed(self, order: Order, now: datetime) -> Order:
        """Return the order as the list shows it by now."""
        sms_lag, status_lag = self._quirks.listing_sms_lag, self._quirks.listing_status_lag
        if not sms_lag and not status_lag:
            return order
        until = now - sms_lag
        shown = [sms if sms.has_code_by(until) else evolve(sms, code="") for sms in order.sms if sms.at <= until]
        return evolve(order, sms=shown, status=order.status_at(now - status_lag))

    def _row(self, order: Order) -> dict[str, Any]:
        """Return a row of the history. By default it has no forwarding."""
        row = {**self._bought(order), "sms": self.sms(order)}
        form = self._quirks.listing_without_sms
        if form in {"[]", "null"}:
            row["sms"] = [] if form == "[]" else None
        dropped: tuple[str, ...] = ("sms",) if form in {True, "absent"} else ()
        if self._scenario.order_form == "printed":
            dropped += ("forwarding", "forwarding_number")
        return self._quirks.printed(_without(row, *dropped), "rows")

    def sms(self, order: Order) -> list[dict[str, Any]]:
        """Return the messages of an order; hosting has ids, an activation only by scenario."""
        with_ids = _hosting(order) or self._scenario.sms_ids
        return [({"id": sms.id} if with_ids else {}) | self._message(sms) for sms in order.sms]

    def inbox(self, order: Order) -> dict[str, Any]:
        """Return the inbox, with `ID` and the marks of a voice message."""
        rows = [{"ID": sms.id, **self._message(sms), "is_wave": False, "wave_uuid": ""} for sms in order.sms]
        return {"Data": rows, "Total": len(rows)}

    def _message(self, sms: Sms) -> dict[str, Any]:
        return {
            "created_at": self.stamp(sms.at) if sms.timed else None,
            "date": self.stamp(sms.at, digits=0) if sms.timed else None,
            "sender": sms.sender,
            "text": sms.text,
            "code": sms.code,
        }

    def profile(self, world: World) -> dict[str, Any]:
        """Return the account; without a vendor its two fields are absent."""
        vendor = {"vendor": self._scenario.vendor, "default_forwarding_number": self._scenario.forwarding_number}
        home = self._scenario.countries[0]
        return {
            "id": 1,
            "email": self._scenario.email,
            **(vendor if self._scenario.vendor is not None else {}),
            "balance": self.money(world.balance),
            "rating": self.money(world.rating),
            "default_country": {"name": home.name, "iso": home.iso, "prefix": home.prefix},
            "default_operator": {"name": ""},
            "frozen_balance": self.money(world.frozen),
            **(_seen_live(world) if self._scenario.profile_extras else {}),
        }

    def orders_page(self, rows: Iterable[Order], total: int, now: datetime) -> dict[str, Any]:
        """Return a page of the history."""
        return {"Data": [self.listed(row, now) for row in rows], "ProductNames": [], "Statuses": [], "Total": total}

    def payments_page(self, page: Sequence[Entry], entries: Sequence[Entry], total: int) -> dict[str, Any]:
        """Return a page of the payments; the two lists name the types and providers of all payments."""
        types = dict.fromkeys(self._type(entry) for entry in entries)
        providers = dict.fromkeys(entry.name for entry in entries)
        return {
            "Data": [self._payment(entry) for entry in page],
            "PaymentTypes": [{"Name": name} for name in types],
            "PaymentProviders": [{"Name": name} for name in providers],
            "Total": total,
        }

    def _payment(self, entry: Entry) -> dict[str, Any]:
        return {
            "ID": entry.id,
            "TypeName": self._type(entry),
            "ProviderName": entry.name,
            "Amount": self.money(entry.amount),
            "Balance": self.money(entry.balance),
            "CreatedAt": self.stamp(entry.at),
        }

    def _type(self, entry: Entry) -> str:
        return self._scenario.refund_type if entry.kind == "refund" else entry.kind


def _seen_live(world: World) -> dict[str, Any]:
    """Return the fields that the documents do not list. Samples show the two texts; no source explains them."""
    newest = islice((order for order in reversed(world.orders.values()) if not _hosting(order)), RECENT_ORDERS)
    bought = [_five_parts(world, order) for order in newest]
    return {
        "did_order": bool(world.orders),
        "is_totp": False,
        "last_order": bought[0] if bought else "",
        "last_top_orders": "{" + ",".join(list(dict.fromkeys(bought))[:TOP_ORDERS]) + "}",
        "last_top_idx": 0,
        "total_active_orders": sum(order.is_open for order in world.orders.values()),
    }


def _five_parts(world: World, order: Order) -> str:
    """Return five parts, as seen live: `england:google:virtual53:42:0.20`. We take the fourth for the stock."""
    left = sum(shelf.left for shelf in world.catalogue.matching(order.country, order.operator, order.product))
    price = plain(order.price)
    return f"{order.country}:{order.product}:{order.operator}:{left}:{max(price, f'{order.price:.2f}', key=len)}"


def _hosting(order: Order) -> bool:
    return order.category == "hosting"


def _without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}
