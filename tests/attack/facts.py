"""What the laws ask of a finished run: small questions about orders, messages and the requests that arrived."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from math import inf
from typing import TypeAlias

from smsapi_async.sandbox import Order, Sms
from smsapi_async.sandbox._rents import RentMessage

from .cells import HARMLESS, LIMITS, RECORDS, RENT, SPENDING
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


def messages(run: Outcome, wait: Wait) -> Sequence[Message]:
    """All that the wait's order or number ever got."""
    return run.sandbox.world.rents[wait.order].messages if wait.rent else order_of(run, wait.order).sms


def order_of(run: Outcome, number: int) -> Order:
    return run.sandbox.world.orders[number]


def is_activation(run: Outcome, number: int) -> bool:
    return number in run.sandbox.world.orders and order_of(run, number).category == "activation"


def died(run: Outcome, client: int, at: float) -> bool:
    """Whether the client crashed before that moment."""
    return run.records.crashed.get(client, inf) <= at


def about(run: Outcome, order: int, begin: float = 0.0, end: float = inf) -> Iterator[Arrival]:
    """The requests for one order in a span of time."""
    return (each for each in run.records.arrivals if begin <= each.at <= end and each.line.endswith(f"/{order}"))


def readable(arrival: Arrival) -> bool:
    """Whether its answer came whole."""
    return arrival.received and (arrival.fault is None or arrival.fault in HARMLESS)


def registered(run: Outcome) -> set[int]:
    """All that any client has in, or handed to, its register of the unsettled."""
    return set().union(*run.records.registered.values())


def logged(run: Outcome) -> str:
    """The warnings of purchases whose caller was gone and whose outcome stayed unknown."""
    return "\n".join(line for line in run.records.log if "purchase.unknown" in line)


def was_answered(run: Outcome, call: Spending) -> bool:
    """Whether the answer to its own request came whole."""
    return any(
        each.call == call.number and each.request in SPENDING and readable(each) for each in run.records.arrivals
    )


def last_look_failed(run: Outcome, call: Spending) -> bool:
    """Whether the provider's records could not be read the last time this call did."""
    looks = [each for each in run.records.arrivals if each.call == call.number and each.request in RECORDS]
    return not looks or not readable(looks[-1])


LIMITS_BEFORE_BAN = 4
LIMITS_COUNT_FOR = 600.0

SETTLE_TIMEOUT = 120.0
"""Of a client, unless it is told otherwise."""

BEFORE = 40.0
"""Seconds for which a fault may keep a wait from looking: a request's timeout, and the slowest repeating."""


def is_muted(run: Outcome, client: int, at: float) -> bool:
    """Whether the client had to stop its looks, lest the provider shut it out."""
    hits = [each for each in run.records.arrivals if each.client == client and each.fault in LIMITS]
    return sum(at - LIMITS_COUNT_FOR < each.at <= at and each.request not in RENT for each in hits) >= LIMITS_BEFORE_BAN


def was_seen(run: Outcome, wait: Wait, since: float) -> bool:
    """Whether a look of its client, answered before the wait ended, showed what was there at that moment."""
    return any(
        each.client == wait.client and each.fault is None and each.request == "check"
        for each in about(run, wait.order, since, wait.ended - 0.001)
    )


def could_be_seen(run: Outcome, wait: Wait, since: float) -> bool:
    """Whether nothing kept its client from looking between that moment and the wait's end.

    A wait that settles goes on until its order is closed, or registered because it could not be.
    """
    if wait.settles and wait.order in run.records.registered[wait.client]:
        return False
    kept = [
        each
        for each in run.records.arrivals
        if each.fault is not None and wait.ended - BEFORE <= each.at <= wait.ended and _concerns(each, wait)
    ]
    return not kept and wait.ended - since > 1.0 and not is_muted(run, wait.client, wait.ended)


def _concerns(arrival: Arrival, wait: Wait) -> bool:
    """The rent API is asked one question at a time, so any of them may hold the others up."""
    return arrival.request in RENT if wait.rent else arrival.line.endswith(f"/{wait.order}")
