"""The laws of money: purchases, reports, results and budgets. Each yields its violations, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from smsapi_async import (
    ClientClosedError,
    OutcomeUnknownError,
    PriceTooHighError,
    SpendUnknownError,
)
from smsapi_async.sandbox._orders import OPEN

from . import facts
from .cells import BAD_FIELDS, RECORDS, SPENDING
from .records import Spending
from .run import Outcome


def nothing_is_bought_in_silence(run: Outcome) -> Iterator[str]:
    """A purchase is returned by its call, named by an error, given back, or registered as unsettled."""
    told = {call.returned for call in run.records.calls}.union(*(call.named for call in run.records.calls))
    told |= facts.registered(run)
    for (what, number, _), maker in run.records.made.items():
        call = None if maker is None else run.records.calls[maker]
        if call is None:
            yield f"{what} {number} was made by no call"
        elif what == "payout":
            continue
        elif number not in told and not _is_excused(run, call, number):
            yield f"{what} {number} of {call.kind} was bought and nobody was told: {call.error!r}"


def _is_excused(run: Outcome, call: Spending, number: int) -> bool:
    """Return True if it is given back, or only a log shows it, or its process died, or nothing of it could be read."""
    gone = any(other.cancelled and _likeness(run, other) == _likeness(run, call) for other in run.records.calls)
    given_back = gone and facts.is_activation(run, number) and not facts.order_of(run, number).is_open
    unknown = isinstance(call.error, SpendUnknownError) or f"call={call.kind}" in facts.logged(run)
    in_the_log = call.cancelled and str(number) in facts.logged(run)
    unread = (unknown or call.cancelled) and (facts.last_look_failed(run, call) or facts.has_no_clock(run))
    return given_back or in_the_log or unread or call.client in run.records.crashed


def who_is_told_nothing_happened_bought_nothing(run: Outcome) -> Iterator[str]:
    """Only an unknown outcome may hide a purchase."""
    made = {call: (what, number) for (what, number, _), call in run.records.made.items()}
    for call in run.records.calls:
        told = call.error is not None and not isinstance(call.error, OutcomeUnknownError | PriceTooHighError)
        if told and call.number in made:
            what, number = made[call.number]
            yield f"{call.kind} raised {call.error!r} and made {what} {number}"


def what_the_records_show_is_found(run: Outcome) -> Iterator[str]:
    """A lone lost purchase whose records can be read is never left unknown, if their clock is known."""
    for call in run.records.calls:
        if call.kind == "withdraw":
            continue
        rivals = [other for other in run.records.calls if other is not call and _house(other) == _house(call)]
        looks = [each for each in run.records.arrivals if each.call == call.number and each.request in RECORDS]
        clear = looks and all(map(facts.readable, looks)) and not facts.last_look_failed(run, call)
        clear = clear and not (run.schedule.shared or facts.clock_is_wrong(run) or facts.misprinted(run, "created_at"))
        if isinstance(call.error, SpendUnknownError) and not rivals and clear:
            yield f"{call.kind} stayed unknown although the records could be read: {call.error!r}"


def _house(call: Spending) -> str:
    return {"rent": "rent", "extend": "rent", "buy hosting": "hosting"}.get(call.kind, "activation")


def one_call_is_one_request(run: Outcome) -> Iterator[str]:
    """A call that spends reaches the provider once at most, and nothing spends without a call."""
    sent = Counter(each.call for each in run.records.arrivals if each.request in SPENDING and each.received)
    for call, times in sent.items():
        if call is None:
            yield f"{times} requests spent without a call"
        elif times > 1:
            yield f"{times} requests for one call of {run.records.calls[call].kind}"


def nothing_is_sent_for_a_cancelled_caller(run: Outcome) -> Iterator[str]:
    """A caller cancelled before the call spends nothing, and asks for nothing."""
    for call in run.records.calls:
        if call.early:
            yield from (
                f"{call.kind} of a cancelled caller sent {each.line}"
                for each in run.records.arrivals
                if each.call == call.number
            )


def nothing_is_handed_out_twice(run: Outcome) -> Iterator[str]:
    """A call returns an order of its own, or of an equal call of its client; with a shared key only its own."""
    handed: dict[tuple[str, int], Spending] = {}
    makers = {(what, number): call for (what, number, _), call in run.records.made.items() if what != "extension"}
    for call in run.records.calls:
        if call.returned is None or call.kind in {"extend", "withdraw"}:
            continue
        key = ("rent" if call.kind == "rent" else "order", call.returned)
        if key in handed:
            yield f"{key} was handed to two calls"
        handed[key] = call
        number = makers.get(key)
        maker = None if number is None else run.records.calls[number]
        if maker is None or _likeness(run, maker) != _likeness(run, call):
            yield f"{key} was handed to {call.kind} of client {call.client}, but is of {maker}"
        elif run.schedule.shared and not facts.was_answered(run, call):
            yield f"{key} was claimed although the key is shared"


def _likeness(run: Outcome, call: Spending) -> tuple[object, ...]:
    """Return the key that two interchangeable purchases share."""
    return call.kind, call.asked, run.records.processes[call.client]


def nothing_dearer_is_kept(run: Outcome) -> Iterator[str]:
    """An order that costs more than its buyer allowed is not handed out; it is given back, or registered."""
    for call in run.records.calls:
        number = call.returned
        dear = number is not None and call.most is not None and facts.order_of(run, number).price > call.most
        if number is not None and dear and not _price_is_unreadable(run, number):
            yield f"order {number} was handed out for {facts.order_of(run, number).price}, above {call.most}"
        if isinstance(call.error, PriceTooHighError):
            for named in call.named:
                if facts.order_of(run, named).is_open and named not in run.records.registered[call.client]:
                    yield f"order {named} was too dear and is open"


def _price_is_unreadable(run: Outcome, number: int) -> bool:
    misprint = run.schedule.quirks.get("misprint")
    spoiled = misprint is not None and misprint[0] == "price"
    made = run.records.made.get(("order", number, 0))
    return spoiled or any(each.call == made and each.fault in BAD_FIELDS for each in run.records.arrivals)


def the_budget_agrees(run: Outcome) -> Iterator[str]:
    """A budget's `spent` is the cost of its client's orders, and never more than the budget holds.

    A hosting order dearer than `per_order` cannot be given back, and counts with its price.
    """
    limit, most = run.schedule.budget.get("money"), Decimal(run.schedule.budget.get("per_order", 0))
    for client, spent in run.records.spent.items():
        if client in run.records.crashed or _is_shared(run, client):
            continue
        mine = [facts.order_of(run, number) for number in _orders_of(run, client)]
        kept = [order for order in mine if order.status != "CANCELED"]
        paid = sum((order.price for order in kept), Decimal(0))
        unseen = sum((each.price for each in mine if each not in kept and _troubled(run, each.id)), Decimal(0))
        unsure = [call for call in run.records.calls if call.client == client and _is_unsure(run, call)]
        perhaps = sum((_price_of(run, call) for call in unsure), Decimal(0))
        set_aside = sum((max(most, call.most or Decimal(0)) for call in unsure), Decimal(0))
        if limit is not None and sum((min(order.price, most) for order in kept), Decimal(0)) > Decimal(limit):
            yield f"{paid} were paid, and the budget holds {limit}"
        if not paid - perhaps <= spent <= paid + unseen + set_aside:
            yield f"the budget says {spent}; {paid} were paid, {perhaps} unsure, {unseen} perhaps refunded unseen"


def _is_shared(run: Outcome, client: int) -> bool:
    """Return True if another client may have got an order of this one's."""
    return any(other != client for other in run.records.processes if facts.of_one_account(run, client, other))


def _orders_of(run: Outcome, client: int) -> Iterator[int]:
    for (what, number, _), call in run.records.made.items():
        if what == "order" and call is not None and run.records.calls[call].client == client:
            yield number


def _troubled(run: Outcome, number: int) -> bool:
    return any(facts.troubled(each) for each in facts.about(run, number))


def _is_unsure(run: Outcome, call: Spending) -> bool:
    """Return True if the cost of the call is unknown, except that it is at most the sum that was set aside."""
    if call.kind not in {"buy activation", "buy hosting", "reuse"}:
        return False
    hidden = call.cancelled or isinstance(call.error, OutcomeUnknownError)
    return hidden or (call.returned is not None and _price_is_unreadable(run, call.returned))


def _price_of(run: Outcome, call: Spending) -> Decimal:
    """Return the cost of the order that the call made or returned."""
    numbers = {
        number for (what, number, _), made in run.records.made.items() if what == "order" and made == call.number
    }
    numbers |= {call.returned} if call.returned else set()
    return sum((facts.order_of(run, number).price for number in numbers), Decimal(0))


def the_balance_agrees(run: Outcome) -> Iterator[str]:
    """Each purse holds its charges less what was bought and not given back."""
    if not run.sandbox.ledger.balance_ok():
        yield "the balance does not agree with the orders"


def open_orders_are_found(run: Outcome) -> Iterator[str]:
    """A search for the open orders finds all that the list shows, if it could be read."""
    lag = float(run.schedule.quirks.get("history_lag", 0.0))
    for walk in run.records.walks:
        asked = [
            each
            for each in run.records.arrivals
            if each.bot == walk.bot and each.request == "orders" and walk.began <= each.at <= walk.ended
        ]
        if not asked or any(map(facts.troubled, asked)):
            continue
        if walk.error is not None and not isinstance(walk.error, ClientClosedError):
            yield f"the open orders were not told: {walk.error!r}"
        for order in run.sandbox.world.orders.values():
            shown = facts.seconds_of(run, order.created_at) + lag < walk.began
            still = order.status_at(run.sandbox.start + timedelta(seconds=walk.ended)) in OPEN
            if walk.ids is not None and shown and still and order.id not in walk.ids and not facts.has_no_clock(run):
                yield f"order {order.id} was open and not found at {walk.ended:g}"
