"""The laws of waiting: which code a wait gets, when, and why it ends without one. Each yields what breaks it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from math import inf

from smsapi_async import (
    NoCodeError,
    NotFoundError,
    OrderClosedError,
    OrderExpiredError,
    RentClosedError,
    WaitTimeoutError,
)
from smsapi_async.sandbox._orders import OPEN

from . import facts
from .records import Wait
from .run import Outcome


def every_code_is_the_right_one(run: Outcome) -> Iterator[str]:
    """A code is of its own order and of the requested sender; in a scope no message comes twice."""
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
        given = {other.code for other in run.records.waits if _hands_over_for(wait, other)}
        newest = max((sms.at for sms in _wanted(run, wait) if facts.code_in(sms) in given), default=None)
        for sms in _wanted(run, wait):
            code, at = facts.code_in(sms), _shown_at(run, wait, sms)
            if code is None or at > wait.ended or (newest is not None and sms.at <= newest):
                continue
            if facts.was_seen(run, wait, at) or facts.could_be_seen(run, wait, at):
                yield f"order {wait.order}: the code of second {at:g} was withheld from a wait until {wait.ended:g}"


def _shown_at(run: Outcome, wait: Wait, sms: facts.Message) -> float:
    """When a look can see the code at the earliest."""
    at = facts.coded_at(run, sms)
    if not wait.rent:
        return at
    rented = facts.seconds_of(run, run.sandbox.world.rents[wait.order].created_at)
    return max(at, rented + float(run.schedule.quirks.get("rent_lag", 0.0)))


def _hands_over_for(wait: Wait, other: Wait) -> bool:
    """Return True if both waits are of one scope or one rented number: a code of the other is then none for this."""
    in_its_scope = wait.scope is not None and other.scope == wait.scope
    return in_its_scope or (wait.rent and other.rent and (other.order, other.client) == (wait.order, wait.client))


IN_TIME = 40.0
"""Seconds from a code's arrival to its caller: the slowest rhythm is 30 s, with its jitter, and 2 s for the finish."""


def a_code_is_handed_over_in_time(run: Outcome) -> Iterator[str]:
    """A code is found by the rhythm of the looks, also beside unreadable fields; a fault delays it while it lasts."""
    for wait in run.records.waits:
        got = next((sms for sms in facts.coded(run, wait) if facts.code_in(sms) == wait.code), None)
        if got is None:
            continue
        held_up = [
            each.at + facts.BEFORE + IN_TIME
            for each in run.records.arrivals
            if facts.troubled(each) and each.at <= wait.ended and facts.concerns(each, wait)
        ]
        since = max([_shown_at(run, wait, got), wait.began, *held_up])
        if wait.ended - since > IN_TIME + facts.in_line(run) and not facts.is_muted(
            run, wait.client, since, wait.ended
        ):
            yield f"order {wait.order}: the code of second {facts.coded_at(run, got):g} came at {wait.ended:g}"


def no_code_is_skipped(run: Outcome) -> Iterator[str]:
    """A second code of a scope is the next one; a rented number's are handed over oldest first."""
    scopes: defaultdict[int, list[Wait]] = defaultdict(list)
    numbers: defaultdict[tuple[int, int], list[Wait]] = defaultdict(list)
    for wait in sorted(run.records.waits, key=lambda wait: wait.ended):
        if wait.code is not None and wait.scope is not None and wait.sender is None:
            scopes[wait.scope].append(wait)
        if wait.rent:
            numbers[wait.order, wait.client].append(wait)
    for waits in scopes.values():
        yield from _skipped_in_a_scope(run, waits)
    for waits in numbers.values():
        yield from _skipped_of_a_number(run, waits)


def _skipped_in_a_scope(run: Outcome, waits: list[Wait]) -> Iterator[str]:
    codes = [facts.code_in(sms) for sms in facts.coded(run, waits[0])]
    found = [codes.index(wait.code) for wait in waits if wait.code in codes]
    for before, after, wait in zip(found, found[1:], waits[1:], strict=False):
        between = facts.coded(run, wait)[before + 1 : after]
        if any(facts.coded_at(run, sms) < wait.ended - IN_TIME for sms in between):
            yield f"order {wait.order}: a wait until {wait.ended:g} got a code and skipped the one before"


TOGETHER = 3.0
"""Seconds between two waits that one look serves."""


def _skipped_of_a_number(run: Outcome, waits: list[Wait]) -> Iterator[str]:
    began = min(wait.began for wait in waits)
    given: dict[str | None, float] = {wait.code: wait.ended for wait in waits if wait.code is not None}
    for wait in waits:
        fresh = [sms for sms in facts.coded(run, wait) if facts.seconds_of(run, sms.at) > began]
        codes = [facts.code_in(sms) for sms in fresh]
        if wait.code not in codes:
            continue
        for older in fresh[: codes.index(wait.code)]:
            late = facts.coded_at(run, older) > wait.began and older.coded_at is not None
            if given.get(facts.code_in(older), inf) > wait.ended + TOGETHER and not late:
                at = facts.coded_at(run, older)
                yield f"number {wait.order}: a wait until {wait.ended:g} skipped the code of {at:g}"


AFTER = 5.5
"""Seconds after its timeout at which a wait is back: a last look of 5, and what an answer takes."""


def a_timeout_is_kept(run: Outcome) -> Iterator[str]:
    """A wait with a timeout is back about five seconds after it at the latest."""
    for wait in run.records.waits:
        if wait.patience is not None and (wait.code or wait.error) and wait.ended > wait.began + wait.patience + AFTER:
            yield f"a wait of {wait.patience:g} s for {wait.order} took {wait.ended - wait.began:g} s: {wait.error!r}"


LEAD = 10.0
"""Seconds before an order's end at which a wait for it is over."""

UNREADABLE_FOR = 1800.0
"""Seconds in which nothing could be read, after which a wait is over."""


def a_wait_ends_for_a_reason(run: Outcome) -> Iterator[str]:
    """A wait's word about its order is true: that it is closed, out of time, unknown, or that the timeout is over."""
    for wait in run.records.waits:
        if wait.error is None or facts.died(run, wait.client, wait.ended):
            continue
        why = _untrue_of_a_number(run, wait) if wait.rent else _untrue_of_an_order(run, wait)
        if why:
            yield f"{wait.order} at {wait.ended:g}: {wait.error!r}, but {why}"


def _untrue_of_a_number(run: Outcome, wait: Wait) -> str | None:
    if isinstance(wait.error, RentClosedError | NotFoundError) and run.sandbox.world.rents[wait.order].is_open:
        return "it is rented"
    return None


def _untrue_of_an_order(run: Outcome, wait: Wait) -> str | None:
    order = facts.order_of(run, wait.order)
    status = order.status_at(run.sandbox.start + timedelta(seconds=wait.ended))
    ends = facts.seconds_of(run, order.expires_at)
    timed = facts.end_is_known(run, wait.order, wait.client)
    if isinstance(wait.error, NotFoundError):
        return "it exists"
    if isinstance(wait.error, OrderClosedError) and status in OPEN:
        return "it is open"
    early = wait.ended < ends - LEAD - _ahead(run, wait.order) and status != "TIMEOUT"
    if isinstance(wait.error, OrderExpiredError) and early and timed:
        return f"it lasts until {ends:g}"
    waited = wait.ended - wait.began
    if isinstance(wait.error, WaitTimeoutError) and waited < min(wait.patience or inf, UNREADABLE_FOR) - 0.01:
        return f"it waited for {waited:g} s"
    return None


def _ahead(run: Outcome, number: int) -> float:
    """Seconds by which a wait may end earlier: orders that end together, and the time its purchase was on its way."""
    made = run.records.made.get(("order", number, 0))
    on_its_way = 0.0 if made is None else run.records.calls[made].ended - run.records.calls[made].at
    return 3.0 + 2 * len(run.sandbox.world.orders) * facts.spacing(run) + min(on_its_way, 2 * facts.BEFORE)


ANSWERED = 30.0
"""Seconds that a read of the catalogue may take, beside any other requests."""


def the_catalogue_is_answered(run: Outcome) -> Iterator[str]:
    """No call waits for ever behind others; only a provider that must not be asked holds a read up."""
    for asked in run.records.catalogue:
        if asked.ended - asked.began > ANSWERED and not facts.is_muted(run, asked.client, asked.began, asked.ended):
            yield f"the catalogue took {asked.ended - asked.began:g} s at {asked.ended:g}"


def no_order_is_cancelled_under_a_wait(run: Outcome) -> Iterator[str]:
    """If several waits may settle an order, only the last one to leave closes it."""
    for wait in run.records.waits:
        closed = isinstance(wait.error, OrderClosedError) and wait.scope is None and wait.settles
        if closed and facts.order_of(run, wait.order).status == "CANCELED":
            yield f"order {wait.order} was cancelled while another wait for it went on"


def every_message_is_read_once(run: Outcome) -> Iterator[str]:
    """In the order they came; all of them when the iteration ended by itself."""
    for read in run.records.reads:
        texts = [sms.text for sms in facts.order_of(run, read.order).sms]
        if read.texts != texts[: len(read.texts)] or (read.whole and read.texts != texts):
            yield f"order {read.order} got {texts}, and {read.texts} were read"
