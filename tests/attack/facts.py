"""Questions that the laws ask of a finished run: about orders, messages and the requests that arrived."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from math import inf
from typing import TypeAlias

from smsapi_async.sandbox import Order, Sms
from smsapi_async.sandbox._rents import RentMessage

from .cells import AT_ONCE, HARMLESS, LIMITS, RECORDS, RENT, SPENDING
from .records import Arrival, Spending, Wait
from .run import Outcome

Message: TypeAlias = Sms | RentMessage
PLAIN = "login code "
"""How a message begins whose code the provider did not find."""


def seconds_of(run: Outcome, at: datetime) -> float:
    """An instant of the world on the loop's clock, which began at 0 with the run."""
    return (at - run.sandbox.start).total_seconds()


def code_in(sms: Message) -> str | None:
    """The code that a user would type."""
    return sms.code or (sms.text.removeprefix(PLAIN) if sms.text.startswith(PLAIN) else None)


def coded_at(run: Outcome, sms: Message) -> float:
    """When its code was there, in seconds of the run."""
    return seconds_of(run, sms.coded_at or sms.at)


def coded(run: Outcome, wait: Wait) -> list[Message]:
    """The messages with a code that the wait is for, oldest first."""
    return [sms for sms in messages(run, wait) if wait.sender in (None, sms.sender) and code_in(sms) is not None]


def messages(run: Outcome, wait: Wait) -> Sequence[Message]:
    """All that the wait's order or number ever got."""
    return run.sandbox.world.rents[wait.order].messages if wait.rent else order_of(run, wait.order).sms


def order_of(run: Outcome, number: int) -> Order:
    return run.sandbox.world.orders[number]


def is_activation(run: Outcome, number: int) -> bool:
    return number in run.sandbox.world.orders and order_of(run, number).category == "activation"


def died(run: Outcome, client: int, at: float) -> bool:
    """Return True if the client crashed before that moment."""
    return run.records.crashed.get(client, inf) <= at


def about(run: Outcome, order: int, begin: float = 0.0, end: float = inf) -> Iterator[Arrival]:
    """The requests for one order in a span of time."""
    return (each for each in run.records.arrivals if begin <= each.at <= end and each.line.endswith(f"/{order}"))


def of_one_account(run: Outcome, client: int, other: int) -> bool:
    """Return True if two clients are of one process, so that they share what belongs to the account."""
    return run.records.processes[client] == run.records.processes[other]


def bought_in_its_process(run: Outcome, order: int, client: int) -> bool:
    """Return True if the client's own process bought the order, and so knows its end without any `Date`."""
    made = run.records.made.get(("order", order, 0))
    return made is not None and of_one_account(run, run.records.calls[made].client, client)


def end_is_known(run: Outcome, order: int, client: int) -> bool:
    """Return True if the client knows when the order ends.

    It knows by the span in the answer to its purchase. For another's order, or without that span, only by `Date`.
    """
    if misprinted(run, "expires", "answers"):
        return False
    spanned = bought_in_its_process(run, order, client) and not misprinted(run, "created_at", "answers")
    return spanned or not clock_is_wrong(run)


def misprinted(run: Outcome, name: str, place: str = "rows") -> bool:
    """Return True if that field is unreadable in rows of a list, or in answers about one order."""
    field, _, where = run.schedule.quirks.get("misprint") or ("", "", "")
    return field == name and where in (place, "both")


def has_no_clock(run: Outcome) -> bool:
    """Return True if no answer's `Date` is of any use."""
    return "date_text" in run.schedule.quirks or "no_date" in run.schedule.quirks


def clock_is_wrong(run: Outcome) -> bool:
    """Return True if `Date` says nothing about the records' clock."""
    return any(name in run.schedule.quirks for name in ("date_skew", "date_rate", "date_text", "no_date"))


def troubled(arrival: Arrival) -> bool:
    """Return True if its answer came late, or not as it should."""
    return arrival.fault is not None and arrival.fault not in AT_ONCE


def readable(arrival: Arrival) -> bool:
    """Return True if its answer came whole."""
    return arrival.received and (arrival.fault is None or arrival.fault in HARMLESS)


def registered(run: Outcome) -> set[int]:
    """All that any client has in, or handed to, its register of the unsettled."""
    return set().union(*run.records.registered.values())


def logged(run: Outcome) -> str:
    """The warnings of purchases whose caller was gone and whose outcome stayed unknown."""
    return "\n".join(line for line in run.records.log if "purchase.unknown" in line)


def was_answered(run: Outcome, call: Spending) -> bool:
    """Return True if the answer to its own request came whole."""
    return any(
        each.call == call.number and each.request in SPENDING and readable(each) for each in run.records.arrivals
    )


def last_look_failed(run: Outcome, call: Spending) -> bool:
    """Return True if the call's last lookup in the provider's records failed, or if it made none since it was sent."""
    own = [each for each in run.records.arrivals if each.call == call.number]
    sent = max((each.at for each in own if each.request in SPENDING), default=0.0)
    looks = [each for each in own if each.request in RECORDS and each.at > sent]
    return not looks or not readable(looks[-1])


LIMITS_BEFORE_BAN = 4
LIMITS_COUNT_FOR = 600.0
STOPPED = 5.0
"""Seconds within which the requests that waited leave again."""

SETTLE_TIMEOUT = 120.0
CANCEL_TIMEOUT = 10.0
"""The default timeouts of a client; the second is for a cancelled caller."""

BEFORE = 40.0
"""Seconds for which a fault may keep a wait from looking: a request's timeout, and the slowest repeating."""


def is_muted(run: Outcome, client: int, begin: float, end: float) -> bool:
    """Return True if the client had to stop its looks at some time between, to avoid the provider's ban."""
    hits = sorted(
        each.at
        for each in run.records.arrivals
        if each.fault in LIMITS and each.request not in RENT and of_one_account(run, each.client, client)
    )
    rows = zip(hits, hits[LIMITS_BEFORE_BAN - 1 :], strict=False)
    return any(
        last - first < LIMITS_COUNT_FOR and last <= end and first + LIMITS_COUNT_FOR >= begin - STOPPED
        for first, last in rows
    )


def spacing(run: Outcome) -> float:
    """Seconds between two requests, at the most: each hit doubles them, up to a second, and the fourth makes it one."""
    usual = 1.0 / (run.schedule.pace or 50.0)
    hits = sum(each.fault in LIMITS and each.request not in RENT for each in run.records.arrivals)
    return max(1.0, usual) if hits >= LIMITS_BEFORE_BAN else min(max(1.0, usual), usual * 2.0**hits)


def in_line(run: Outcome) -> float:
    """Seconds that a look may wait for the purchase, look and finish of every other order, where the pace is slow."""
    return 3 * len(run.sandbox.world.orders) * spacing(run) if run.schedule.pace else 0.0


def in_line_of_rent(run: Outcome) -> float:
    """The same of a look at a rented number: hits slow the pace down to eight seconds, and a few calls go before it."""
    hits = sum(each.fault in LIMITS and each.request in RENT for each in run.records.arrivals)
    return 4 * min(8.0, 2.0**hits) if hits else 0.0


def was_seen(run: Outcome, wait: Wait, since: float) -> bool:
    """Return True if a look of its client, answered before the wait ended, showed the state of that moment."""
    return any(
        each.client == wait.client and not troubled(each) and each.request == "check"
        for each in about(run, wait.order, since, wait.ended - 0.001)
    )


def could_be_seen(run: Outcome, wait: Wait, since: float) -> bool:
    """Return True if nothing kept its client from looking between that moment and the wait's end.

    A wait that settles goes on until its order is closed, or registered because it could not be.
    """
    if wait.settles and wait.order in run.records.registered[wait.client]:
        return False
    kept = [
        each
        for each in run.records.arrivals
        if troubled(each) and wait.ended - BEFORE <= each.at <= wait.ended and concerns(each, wait)
    ]
    return (
        not kept
        and wait.ended - since > 1.0 + (in_line_of_rent(run) if wait.rent else in_line(run))
        and not is_muted(run, wait.client, wait.ended - BEFORE, wait.ended)
    )


def concerns(arrival: Arrival, wait: Wait) -> bool:
    """The rent API is asked one question at a time, so any of them may hold the others up."""
    return arrival.request in RENT if wait.rent else arrival.line.endswith(f"/{wait.order}")
