"""What must hold after every run, read from the sandbox's ledger beside what the bots were told. Never plays anything.

Each law yields, in words, what breaks it; a run that breaks none yields nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

import attrs

from smsapi_async import NoCodeError, OrderClosedError, OutcomeUnknownError, SpendUnknownError

from . import facts
from .cells import RECORDS, SPENDING
from .records import Spending, Wait
from .run import Outcome


@attrs.frozen
class Broken:
    """A law that a run broke, and how."""

    law: str
    what: str


# -- money ----------------------------------------------------------------------------------------------------------


def nothing_is_bought_in_silence(run: Outcome) -> Iterator[str]:
    """A purchase is returned by its call, named by an error, given back, or registered as unsettled."""
    told = {call.returned for call in run.records.calls}.union(*(call.named for call in run.records.calls))
    told |= facts.registered(run)
    for (what, number, _), maker in run.records.made.items():
        call = None if maker is None else run.records.calls[maker]
        if call is None:
            yield f"{what} {number} was made by no call"
        elif number not in told and not _is_excused(run, call, number):
            yield f"{what} {number} of {call.kind} was bought and nobody was told: {call.error!r}"


def _is_excused(run: Outcome, call: Spending, number: int) -> bool:
    """Given back, or only a log can tell, or its process died, or nothing could be read of it."""
    gone = any(other.cancelled and _likeness(other) == _likeness(call) for other in run.records.calls)
    given_back = gone and facts.is_activation(run, number) and not facts.order_of(run, number).is_open
    unknown = isinstance(call.error, SpendUnknownError) or f"call={call.kind}" in facts.logged(run)
    in_the_log = call.cancelled and str(number) in facts.logged(run)
    unread = (unknown or call.cancelled) and facts.last_look_failed(run, call)
    return given_back or in_the_log or unread or call.client in run.records.crashed


def who_is_told_nothing_happened_bought_nothing(run: Outcome) -> Iterator[str]:
    """Only an unknown outcome may hide a purchase."""
    made = {call: (what, number) for (what, number, _), call in run.records.made.items()}
    for call in run.records.calls:
        if call.error is not None and not isinstance(call.error, OutcomeUnknownError) and call.number in made:
            what, number = made[call.number]
            yield f"{call.kind} raised {call.error!r} and made {what} {number}"


def what_the_records_show_is_found(run: Outcome) -> Iterator[str]:
    """A lone lost purchase whose records can be read is never left unknown."""
    for call in run.records.calls:
        rivals = [other for other in run.records.calls if other is not call and _house(other) == _house(call)]
        looks = [each for each in run.records.arrivals if each.call == call.number and each.request in RECORDS]
        clear = looks and all(map(facts.readable, looks)) and not run.schedule.shared
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


def nothing_is_handed_out_twice(run: Outcome) -> Iterator[str]:
    """What a call returns was made by it or an equal one of its client; a shared key leaves only its own answer."""
    handed: dict[tuple[str, int], Spending] = {}
    makers = {(what, number): call for (what, number, _), call in run.records.made.items() if what != "extension"}
    for call in run.records.calls:
        if call.returned is None or call.kind == "extend":
            continue
        key = ("rent" if call.kind == "rent" else "order", call.returned)
        if key in handed:
            yield f"{key} was handed to two calls"
        handed[key] = call
        number = makers.get(key)
        maker = None if number is None else run.records.calls[number]
        if maker is None or _likeness(maker) != _likeness(call):
            yield f"{key} was handed to {call.kind} of client {call.client}, but is of {maker}"
        elif run.schedule.shared and not facts.was_answered(run, call):
            yield f"{key} was claimed although the key is shared"


def _likeness(call: Spending) -> tuple[object, ...]:
    return call.kind, call.asked, call.client


def the_balance_agrees(run: Outcome) -> Iterator[str]:
    """Each purse holds its charges less what was bought and not given back."""
    if not run.sandbox.ledger.balance_ok():
        yield "the balance does not agree with the orders"


# -- the end of an order --------------------------------------------------------------------------------------------


def every_order_comes_to_its_end(run: Outcome) -> Iterator[str]:
    """After a scope, and after the last wait that was not cancelled, an order is closed or registered."""
    for number, client in _looked_after(run):
        if not facts.is_activation(run, number):
            continue
        order, registered = facts.order_of(run, number), number in run.records.registered[client]
        if order.is_open and not registered:
            yield f"order {number} was left open"
        elif order.is_open and _could_be_given_back(run, number):
            yield f"order {number} was registered as unsettled, and nothing stood in the way of its end"
        elif order.status == "TIMEOUT" and not registered and _could_be_given_back(run, number):
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
        if ends and not facts.died(run, wait.client, wait.ended):
            yield wait.order, wait.client


def _could_be_given_back(run: Outcome, number: int) -> bool:
    """Whether nothing stood in the way of a cancel: no fault, no lock, and time."""
    order = facts.order_of(run, number)
    known = [held.began for held in run.records.scopes if held.order == number]
    known += [call.ended for call in run.records.calls if call.returned == number]
    began = min(known, default=0.0)
    time = facts.seconds_of(run, order.expires_at) - began
    untroubled = all(each.fault is None for each in facts.about(run, number))
    return untroubled and not run.schedule.quirks.get("cancel_lock") and time > 15


def a_crash_leaves_nothing_open(run: Outcome) -> Iterator[str]:
    """What a dead process had bought is brought to its end by the one that recovers, or registered there."""
    for (what, number, _), maker in run.records.made.items():
        if what != "order" or maker is None or not facts.is_activation(run, number):
            continue
        again = run.records.recovered.get(run.records.calls[maker].client)
        order = facts.order_of(run, number)
        if again is not None and order.is_open and number not in run.records.registered[again]:
            yield f"order {number} of a process that crashed is still open"


# -- codes ----------------------------------------------------------------------------------------------------------


def every_code_is_the_right_one(run: Outcome) -> Iterator[str]:
    """Of its own order, from the sender that was asked for, and in a scope never the same message twice."""
    given: defaultdict[int, list[str]] = defaultdict(list)
    for wait in run.records.waits:
        if wait.code is None:
            continue
        if wait.code not in {facts.code_in(sms) for sms in _wanted(run, wait)}:
            yield f"order {wait.order} got the code {wait.code}, which none of its messages holds"
        if wait.scope is not None:
            given[wait.scope].append(wait.code)
    for scope, codes in given.items():
        if len(set(codes)) < len(codes):
            yield f"a scope around order {run.records.scopes[scope].order} got one message twice"


def _wanted(run: Outcome, wait: Wait) -> list[facts.Message]:
    return [sms for sms in facts.messages(run, wait) if wait.sender in (None, sms.sender)]


def no_code_is_withheld(run: Outcome) -> Iterator[str]:
    """A code that arrived while a wait was on its order is handed over, if the provider could be asked at all.

    The newest one counts: those that had come before it are handed over with it.
    """
    for wait in run.records.waits:
        if not isinstance(wait.error, NoCodeError) or facts.died(run, wait.client, wait.ended):
            continue
        given = {other.code for other in run.records.waits if other.scope == wait.scope and wait.scope is not None}
        newest = max((sms.at for sms in _wanted(run, wait) if facts.code_in(sms) in given), default=None)
        for sms in _wanted(run, wait):
            code, at = facts.code_in(sms), facts.seconds_of(run, sms.at)
            if code is None or at > wait.ended or (newest is not None and sms.at <= newest):
                continue
            if facts.was_seen(run, wait, at) or facts.could_be_seen(run, wait, at):
                yield f"order {wait.order}: the code of second {at:g} was withheld from a wait until {wait.ended:g}"


def no_order_is_cancelled_under_a_wait(run: Outcome) -> Iterator[str]:
    """Of several waits on one order only the last to leave may close it."""
    for wait in run.records.waits:
        closed = isinstance(wait.error, OrderClosedError) and wait.scope is None
        if closed and facts.order_of(run, wait.order).status == "CANCELED":
            yield f"order {wait.order} was cancelled while another wait for it went on"


def every_message_is_read_once(run: Outcome) -> Iterator[str]:
    """In the order they came; all of them when the iteration ended by itself."""
    for read in run.records.reads:
        texts = [sms.text for sms in facts.order_of(run, read.order).sms]
        if read.texts != texts[: len(read.texts)] or (read.whole and read.texts != texts):
            yield f"order {read.order} got {texts}, and {read.texts} were read"


# -- what is left ---------------------------------------------------------------------------------------------------


def a_closed_client_is_silent(run: Outcome) -> Iterator[str]:
    """No request after aclose(), and nothing that spends is under way any more, if it had the time."""
    yield from (f"sent after aclose(): {line}" for line in run.records.after_closing)
    for client, (began, ended) in run.records.closings.items():
        sent = {each.call for each in run.records.arrivals if each.request in SPENDING and each.at <= ended}
        late = [call for call in run.records.calls if call.client == client and call.ended > ended]
        if ended - began < facts.SETTLE_TIMEOUT:
            yield from (f"closed at {ended:g} while {call.kind} was under way" for call in late if call.number in sent)


def a_cancellation_goes_on(run: Outcome) -> Iterator[str]:
    """Whoever is cancelled in the middle of something ends cancelled, if not with an error of its own."""
    for each in run.records.interruptions:
        if each.ended > each.at and not each.cancelled and each.bot not in run.records.failed:
            yield f"bot {each.bot} was cancelled at {each.at:g} ({each.how}) and went on until {each.ended:g}"


def nothing_is_left_behind(run: Outcome) -> Iterator[str]:
    """No task, no open answer, no warning and no error that is not ours."""
    yield from run.records.surprises


LAWS = (
    nothing_is_bought_in_silence,
    who_is_told_nothing_happened_bought_nothing,
    what_the_records_show_is_found,
    one_call_is_one_request,
    nothing_is_handed_out_twice,
    the_balance_agrees,
    every_order_comes_to_its_end,
    a_crash_leaves_nothing_open,
    every_code_is_the_right_one,
    no_code_is_withheld,
    no_order_is_cancelled_under_a_wait,
    every_message_is_read_once,
    a_closed_client_is_silent,
    a_cancellation_goes_on,
    nothing_is_left_behind,
)


def broken(run: Outcome) -> list[Broken]:
    """Every law that the run broke."""
    return [Broken(law.__name__, what) for law in LAWS for what in law(run)]
