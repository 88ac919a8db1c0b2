"""The laws of the end: of an order, of a client, of a cancellation. Each yields, in words, what breaks it."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from smsapi_async import NoCodeError

from . import facts
from .cells import SPENDING
from .records import Wait
from .run import Outcome


def every_order_comes_to_its_end(run: Outcome) -> Iterator[str]:
    """After a scope, and after the last wait that was not cancelled, an order is closed or registered."""
    for number, client in _looked_after(run):
        if not facts.is_activation(run, number):
            continue
        order, registered = facts.order_of(run, number), number in run.records.registered[client]
        over = run.sandbox.world.now >= order.expires_at
        if order.is_open and not over and not registered:
            yield f"order {number} was left open"
        elif order.is_open and not over and _could_be_given_back(run, number, client):
            yield f"order {number} was registered as unsettled, and nothing stood in the way of its end"
        elif (
            over
            and order.status in {"PENDING", "TIMEOUT"}
            and not order.sms
            and _could_be_given_back(run, number, client)
        ):
            yield f"order {number} ran out of time and was never cancelled"


def _looked_after(run: Outcome) -> Iterator[tuple[int, int]]:
    """Orders whose end was a client's business, and whose."""
    for held in run.records.scopes:
        if not facts.died(run, held.client, held.ended):
            yield held.order, held.client
    last: dict[int, Wait] = {}
    for wait in run.records.waits:
        if wait.settles and (wait.order not in last or last[wait.order].ended <= wait.ended):
            last[wait.order] = wait
    for wait in last.values():
        ends = wait.code is not None or isinstance(wait.error, NoCodeError)
        settled_by = (
            inf if wait.code is not None else wait.ended
        )  # its finish may be left to other waits, or the closing
        if ends and not facts.died(run, wait.client, settled_by):
            yield wait.order, wait.client


CALM = 15.0
"""Seconds that a client needs to give an order back, when nothing stands in the way."""


def _could_be_given_back(run: Outcome, number: int, client: int) -> bool:
    """Return True if nothing stood in the way of a cancel: no fault, no lock, a known end, and time.

    An order that could not be cancelled within the bound is registered, and tried again by the closing alone.
    """
    order = facts.order_of(run, number)
    known = [held.began for held in run.records.scopes if held.order == number]
    known += [call.ended for call in run.records.calls if call.returned == number]
    left = [held.ended for held in run.records.scopes if held.order == number]
    left += [wait.ended for wait in run.records.waits if wait.order == number]
    until = [facts.seconds_of(run, order.expires_at), run.records.closings.get(client, (inf, inf))[0]]
    until.append(run.records.crashed.get(client, inf))
    if number in run.records.registered[client]:
        until.append(max(left, default=0.0) + facts.SETTLE_TIMEOUT)
    free = max([min(known, default=0.0), *_hindered(run, number)])
    return min(until) - free > CALM and facts.end_is_known(run, number, client)


def _hindered(run: Outcome, number: int) -> Iterator[float]:
    """The ends of what stood in the way of its cancel."""
    order = facts.order_of(run, number)
    lock = float(run.schedule.quirks.get("cancel_lock", 0))
    if lock:  # a client asks again a little later, at the end of the lock or after
        yield facts.seconds_of(run, order.created_at) + lock + facts.BEFORE
    for each in facts.about(run, number):
        if facts.troubled(each):
            yield each.at + facts.BEFORE + CALM


def nothing_open_is_called_settled(run: Outcome) -> Iterator[str]:
    """No event, and no scope that ends quietly, reports an order as settled that is open at the provider."""
    yield from (f"an event called it settled: {each}" for each in run.records.told_settled)
    for held in run.records.scopes:
        beside = [other for other in run.records.scopes if other is not held and other.order == held.order]
        closing = run.records.closings.get(held.client, (inf, inf))[0]
        last = all(other.ended <= held.ended for other in beside)
        closed = closing <= held.ended  # a client that is closed looks after the order itself
        kept = held.kept or (closed and held.order in run.records.registered[held.client])
        alive = not facts.died(run, held.client, held.ended)
        over = facts.seconds_of(run, facts.order_of(run, held.order).expires_at) <= held.ended
        activation = facts.is_activation(run, held.order)
        if held.open_after and not kept and last and alive and activation and not over:
            yield f"the scope of order {held.order} was left at {held.ended:g}: it was open, and not in `unsettled`"


def a_crash_leaves_nothing_open(run: Outcome) -> Iterator[str]:
    """The process that recovers settles the orders of a dead one, or registers them as unsettled."""
    for (what, number, _), maker in run.records.made.items():
        if what != "order" or maker is None or not facts.is_activation(run, number):
            continue
        again = run.records.recovered.get(run.records.calls[maker].client)
        order = facts.order_of(run, number)
        lasts = run.sandbox.world.now < order.expires_at and not facts.has_no_clock(run)
        if again is not None and order.is_open and lasts and number not in run.records.registered[again]:
            yield f"order {number} of a process that crashed is still open"


def a_closed_client_is_silent(run: Outcome) -> Iterator[str]:
    """No request after aclose(), and no call that spends is still under way, if there was time."""
    yield from (f"sent after aclose(): {line}" for line in run.records.after_closing)
    for client, (began, ended) in run.records.closings.items():
        sent = {each.call for each in run.records.arrivals if each.request in SPENDING and each.at <= ended}
        late = [call for call in run.records.calls if call.client == client and call.ended > ended]
        cut = any(event.what == "cut close" and event.client == client for event in run.schedule.events)
        if ended - began < (facts.CANCEL_TIMEOUT if cut else facts.SETTLE_TIMEOUT) - 0.01:
            yield from (f"closed at {ended:g} while {call.kind} was under way" for call in late if call.number in sent)


QUICK = 20.0
"""Seconds for which the last request of a client may be on its way."""


def a_closing_without_work_is_quick(run: Outcome) -> Iterator[str]:
    """A client whose orders are all over has nothing to wait for."""
    for client in run.records.idle_closings:
        began, ended = run.records.closings[client]
        troubles = [each for each in run.records.arrivals if each.client == client and facts.troubled(each)]
        if ended - began > QUICK and not any(began - facts.BEFORE <= each.at <= ended for each in troubles):
            yield f"client {client} took {ended - began:g} s to close, and every order of its was over"


STEP = 0.05
"""Seconds for which another task may compute."""


def a_cancellation_goes_on(run: Outcome) -> Iterator[str]:
    """A task that is cancelled in the middle of something ends cancelled, or with an error of its own."""
    for each in run.records.interruptions:
        if each.ended > each.at + STEP and not each.cancelled and each.bot not in run.records.failed:
            yield f"bot {each.bot} was cancelled at {each.at:g} ({each.how}) and went on until {each.ended:g}"


def nothing_is_left_behind(run: Outcome) -> Iterator[str]:
    """No task, no open answer, no warning and no error that is not ours."""
    yield from run.records.surprises
