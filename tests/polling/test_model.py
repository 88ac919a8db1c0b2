"""The engine against a reference that keeps no plan: in every history each order is asked about in time.

A machine drives the agenda, the queue, the coverage and the list as the poller does: it takes every job that is due,
answers some, loses some and gives some back. After each step the reference scans all orders, and names those that must
have been asked about by now.
"""

from __future__ import annotations

import random
from math import inf

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from smsapi_async import NotFoundError, RefusedError, Sms, SmsApiError
from smsapi_async._polling.agenda import CONFIRM_AGAIN, Chore, Look
from smsapi_async._polling.listing import Ask, Page
from smsapi_async._polling.tracked import Phase, Snapshot, State, Tracked
from tests.polling.reference import Memory, Reference
from tests.support.desk import UNREADABLE, Desk, chore

PAIR = 0.5
TURNS = 100

KEYS = st.integers(1, 8)
PICK = st.integers(0, 50)


class Engine(RuleBasedStateMachine):
    """Everything that may happen to a handful of orders."""

    @initialize(
        trusted=st.booleans(),
        late=st.sampled_from([0.0, 0.0, 3.0, 60.0]),
        batch=st.sampled_from([None, 14.0, 30.0, 900.0, 900.0]),
    )
    def begin(self, trusted: bool, late: float, batch: float | None) -> None:
        self.desk = Desk(least=3, trusted=trusted, pair=PAIR)
        self.reference = Reference()
        self.turns, self.late = TURNS, late
        self.now = 100.0
        self.looks: dict[int, float] = {}
        self.asks: list[tuple[Ask, float]] = []
        self.messages: dict[int, list[tuple[float, Sms]]] = {key: [] for key in range(1, 9)}
        self.chores = 0
        if batch is not None:
            self.buy_a_batch(set(range(1, 9)), batch)

    # -- waits ------------------------------------------------------------------------------------------------------

    @rule(
        key=KEYS,
        timeout=st.sampled_from([inf, inf, inf, 0.0, 2.0, 20.0]),
        life=st.sampled_from([None, 13.0, 20.0, 20.1, 60.0, 900.0]),
    )
    def join(self, key: int, timeout: float, life: float | None) -> None:
        tracked = self.desk.registry.get(key)
        if tracked is None:
            tracked = self.desk.registry.keep(Tracked(key, readable_at=self.now))
            self.reference.memories[key] = Memory(self.now)
            if life is not None:
                tracked.note(self.snapshot(key, self.now, ends_at=self.now + life))
        if not tracked.waiters:
            tracked.error, tracked.misses = None, 0
        if not tracked.is_seen() and not tracked.waiters:
            self.reference.memories[key].done = max(self.now, self.reference.memories[key].done)
        self.desk.join(tracked, self.now, self.now + timeout)
        self.deal()

    @rule(keys=st.sets(KEYS, min_size=4), life=st.sampled_from([14.0, 20.0, 40.0, 900.0, 900.0]))
    def buy_a_batch(self, keys: set[int], life: float) -> None:
        """Orders that end together."""
        for key in keys:
            if self.desk.registry.get(key) is None:
                self.join(key, inf, life)

    @precondition(lambda self: self.awaited())
    @rule(pick=PICK, holds=st.booleans())
    def leave(self, pick: int, holds: bool) -> None:
        """A wait ends. Perhaps it was the one that looked."""
        self.end_wait(self.awaited()[pick % len(self.awaited())], holds=holds)
        self.deal()

    def end_wait(self, tracked: Tracked[str], *, holds: bool) -> None:
        self.desk.leave(tracked)
        if holds and tracked.key in self.looks:
            self.end_look(tracked.key)
            self.desk.give_back(Look(tracked), self.now)

    # -- looks ------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.looks)
    @rule(
        pick=PICK,
        ends_in=st.sampled_from([None, None, None, 12.0, 30.0, 200.0]),
        phase=st.sampled_from([*[Phase.OPEN] * 5, Phase.CLOSED]),
    )
    def look_succeeds(self, pick: int, ends_in: float | None, phase: Phase) -> None:
        key, tracked, began = self.look(pick)
        ends_at = None if ends_in is None else self.now + ends_in
        self.end_look(key)
        self.desk.looked(tracked, self.snapshot(key, began, ends_at=ends_at, phase=phase), self.now)
        self.deal()

    @precondition(lambda self: self.looks)
    @rule(pick=PICK, missing=st.booleans())
    def look_fails(self, pick: int, missing: bool) -> None:
        key, tracked, began = self.look(pick)
        self.end_look(key)
        if missing:
            tracked.failures, tracked.misses = 0, tracked.misses + 1
            tracked.error = NotFoundError("order not found") if tracked.misses > 1 else None
        else:
            tracked.failures += 1
        tracked.looked_at = began
        self.desk.queue.looked(tracked, tracked.next_look_at(self.now))
        self.deal()

    @precondition(lambda self: self.looks)
    @rule(pick=PICK)
    def look_is_broken_off(self, pick: int) -> None:
        """Its holder had news of its own."""
        key, tracked, _ = self.look(pick)
        self.reference.memories[key].in_flight = False
        del self.looks[key]
        self.desk.give_back(Look(tracked), self.now)
        self.deal()

    def look(self, pick: int) -> tuple[int, Tracked[str], float]:
        key = sorted(self.looks)[pick % len(self.looks)]
        return key, self.desk.of(key), self.looks[key]

    def end_look(self, key: int) -> None:
        del self.looks[key]
        memory = self.reference.memories[key]
        memory.in_flight, memory.done = False, self.now

    # -- pages ------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.asks)
    @rule(
        pick=PICK,
        forms=st.lists(
            st.sampled_from(["row", "row", "row", "row", "missing", "empty", "closed"]), min_size=8, max_size=8
        ),
        plain=st.booleans(),
        whole=st.sampled_from([False, False, True]),
    )
    def page_comes(self, pick: int, forms: list[str], plain: bool, whole: bool) -> None:
        ask, at = self.asks.pop(pick % len(self.asks))
        rows = {key: "row" if plain else form for key, form in enumerate(forms, 1)}
        rows = {key: form for key, form in rows.items() if form != "missing"}
        page: Page[str] = Page(rows=len(rows), lowest=min(rows, default=inf), at=at, last=len(rows), whole=whole)
        for key, form in rows.items():
            self.add_row(page, key, form)
        before = {each.key: (each.looked_at, each.listed_at) for each in self.awaited()}
        trusted = self.desk.account.earned
        self.desk.page_came(ask, page, self.now)
        self.note_page(page, before, trusted=trusted)
        self.deal()

    def add_row(self, page: Page[str], key: int, form: str) -> None:
        """Sort a row in as the houses do."""
        messages = () if form == "empty" else self.shown(key, page.at - self.late)
        if key in self.desk.coverage.expected:
            page.counted.append((key, len(messages)))
        tracked = self.desk.registry.get(key)
        if tracked is None or not tracked.waiters:
            return
        codes, known = (sum(bool(sms.code) for sms in each) for each in (messages, tracked.sms))
        if form == "closed" or (codes <= known and len(messages) > len(tracked.sms)):
            page.unsure.append(tracked)
        elif codes > known or not tracked.is_seen():
            sms = messages if codes > known else ()
            page.snapshots.append((tracked, attrs.evolve(self.snapshot(key, page.at), sms=sms)))
        else:
            page.quiet.append(tracked)
            if len(messages) < len(tracked.sms):
                page.fewer.append(tracked)

    def note_page(self, page: Page[str], before: dict[int, tuple[float, float]], *, trusted: bool) -> None:
        missing = [
            each
            for each in self.awaited()
            if page.whole and -inf < before[each.key][1] < page.at and each not in page.quiet and each.listed_at == -inf
        ]
        for tracked in (*page.unsure, *missing):
            memory = self.reference.memories[tracked.key]
            memory.done = max(memory.done, self.now)
            recent = tracked.failures or page.at - tracked.looked_at <= CONFIRM_AGAIN
            memory.confirm = not recent and not tracked.is_over() and not memory.in_flight
        for tracked in page.quiet:
            self.reference.memories[tracked.key].confirm = False  # a newer row shows nothing new
        for tracked, _ in page.snapshots:
            memory = self.reference.memories[tracked.key]
            memory.done = max(memory.done, self.now)
        for tracked in self.awaited():
            if tracked.looked_at != before[tracked.key][0]:
                assert trusted, "a row counted as a look although the list had earned no trust"
                self.reference.memories[tracked.key].done = self.now

    @precondition(lambda self: self.asks)
    @rule(pick=PICK, error=st.sampled_from([None, UNREADABLE, RefusedError("bad limit")]))
    def page_fails(self, pick: int, error: SmsApiError | None) -> None:
        ask, _ = self.asks.pop(pick % len(self.asks))
        self.desk.page_failed(ask, error, self.now)
        self.deal()

    @precondition(lambda self: self.asks)
    @rule(pick=PICK)
    def page_is_given_back(self, pick: int) -> None:
        ask, _ = self.asks.pop(pick % len(self.asks))
        self.desk.give_back(ask, self.now)
        self.deal()

    @rule(
        steps=st.integers(5, 12),
        later=st.sampled_from([0, 8, 12]),
        pause=st.sampled_from([0.5, 1.0]),
        missing=st.sets(KEYS, max_size=3),
        stalls=st.booleans(),
    )
    def a_quiet_while(self, steps: int, later: int, pause: float, missing: set[int], stalls: bool) -> None:
        """Looks and pages succeed; later the list leaves some orders out, or its pages stall."""
        for step in range(steps + later):
            forms = ["missing" if key in missing and step >= steps else "row" for key in range(1, 9)]
            while self.asks and not (stalls and step >= steps):
                self.page_comes(0, forms, plain=False, whole=False)
            for number in range(len(self.looks)):
                self.look_succeeds(number, None, Phase.OPEN)
            self.time_passes(pause)
            self.everything_is_asked_in_time()

    # -- the world --------------------------------------------------------------------------------------------------

    @rule(key=KEYS, blank=st.booleans())
    def sms_arrives(self, key: int, blank: bool) -> None:
        number = len(self.messages[key])
        self.messages[key].append((self.now, Sms(text=f"{number}", code=None if blank else "1234")))

    @rule(key=KEYS)
    def code_is_filled_in(self, key: int) -> None:
        self.messages[key] = [(at, attrs.evolve(sms, code="1234")) for at, sms in self.messages[key]]

    @precondition(lambda self: len(self.desk.registry) > 0)
    @rule(
        pick=PICK,
        ends_in=st.sampled_from([None, 12.0, 30.0]),
        phase=st.sampled_from([Phase.OPEN, Phase.OPEN, Phase.CLOSED]),
    )
    def another_request_shows(self, pick: int, ends_in: float | None, phase: Phase) -> None:
        """The answer to a finish, or to the look of a scope."""
        tracked = list(self.desk.registry)[pick % len(self.desk.registry)]
        memory = self.reference.memories[tracked.key]
        pause = 30.0 if tracked.failures or tracked.misses else 0.0  # the look planned after trouble stays
        memory.done = max(memory.done, self.now + pause)
        ends_at = None if ends_in is None else self.now + ends_in
        self.desk.agenda.observed(tracked, self.snapshot(tracked.key, self.now, ends_at=ends_at, phase=phase))
        self.deal()

    @rule(pause=st.sampled_from([0.1, 0.3, 1.0, 1.0, 2.0, 2.5, 5.0, 31.0]))
    def time_passes(self, pause: float) -> None:
        self.now += pause
        self.deal()

    @rule(steps=st.integers(1, 6))
    def time_passes_to_what_is_due(self, steps: int) -> None:
        for _ in range(steps):
            due_at = self.desk.agenda.next_at()
            self.now = due_at if self.now < due_at < inf else self.now + 0.2
            self.deal()
            self.everything_is_asked_in_time()

    @rule(pair=st.sampled_from([0.1, PAIR, 2.0]))
    def pace_changes(self, pair: float) -> None:
        self.desk.pair = pair
        self.deal()

    @rule(pause=st.sampled_from([0.0, 3.0]))
    def chore_is_added(self, pause: float) -> None:
        self.desk.agenda.add(chore(), self.now + pause)
        self.chores += 1
        self.deal()

    # -- helpers ----------------------------------------------------------------------------------------------------

    def awaited(self) -> list[Tracked[str]]:
        return [tracked for tracked in self.desk.registry if tracked.waiters]

    def shown(self, key: int, at: float) -> tuple[Sms, ...]:
        return tuple(sms for arrived, sms in self.messages[key] if arrived <= at)

    def snapshot(
        self, key: int, at: float, *, ends_at: float | None = None, phase: Phase = Phase.OPEN
    ) -> Snapshot[str]:
        sms = self.shown(key, at)
        age = at - max(arrived for arrived, _ in self.messages[key] if arrived <= at) if sms else None
        return Snapshot(subject="", sms=sms, phase=phase, at=at, ends_at=ends_at, news_age=age)

    def deal(self) -> None:
        """Take every job that is due, while there are turns; end the waits whose last look was taken."""
        self.end_waits()
        agenda = self.desk.agenda
        for tracked in agenda.advance(self.now):
            self.reference.memories[tracked.key].done = self.now
        while len(self.looks) + len(self.asks) < self.turns:
            job = agenda.take(self.now, turns=True, hand=True, chores=True)
            if job is None:
                assert not agenda.wants_a_hand
                break
            if isinstance(job, Look):
                memory = self.reference.memories[job.tracked.key]
                assert not memory.in_flight, "it is asked about twice at once"
                assert job.tracked.waiters, "nothing waits for it"
                memory.in_flight, memory.confirm = True, False
                self.looks[job.tracked.key] = self.now
            elif isinstance(job, Ask):
                self.asks.append((job, self.now))
            else:
                assert isinstance(job, Chore)
                self.chores -= 1
        self.desk.queue.guard_moments(self.now)
        self.end_waits()

    def end_waits(self) -> None:
        for tracked in self.awaited():
            while tracked.waiters and tracked.last_look_taken():
                self.end_wait(tracked, holds=True)

    @invariant()
    def everything_is_asked_in_time(self) -> None:
        self.desk.check()
        for tracked in self.desk.registry:
            assert (tracked.state is State.IN_FLIGHT) == (tracked.key in self.looks)
        trusted = self.desk.account.earned
        late = self.reference.late(iter(self.desk.registry), self.now, trusted=trusted, pair=self.desk.pair)
        if len(self.looks) + len(self.asks) >= self.turns:
            late = {key: why for key, why in late.items() if self.desk.of(key).state is not State.IN_LINE}
        assert not late


TestEngine = Engine.TestCase
TestEngine.settings = settings(max_examples=400, stateful_step_count=25)


@pytest.mark.parametrize("seed", range(40))
def test_long_stretches_with_a_list_that_drops_orders_or_stalls(seed: int) -> None:
    """Random single steps seldom bring orders so far that the list spares their looks."""
    chance = random.Random(seed)
    engine = Engine()
    engine.begin(trusted=chance.random() < 0.7, late=chance.choice([0.0, 0.0, 60.0]), batch=900.0)

    for _ in range(6):
        engine.a_quiet_while(
            steps=chance.randint(1, 12),
            later=chance.choice([0, 8, 12]),
            pause=chance.choice([0.5, 1.0]),
            missing=set(chance.sample(range(1, 9), chance.randrange(3))),
            stalls=chance.random() < 0.3,
        )
        engine.join(chance.randint(1, 8), chance.choice([inf, 20.0]), None)
        engine.leave(chance.randrange(50), holds=chance.random() < 0.5)
        if chance.random() < 0.3:
            engine.sms_arrives(chance.randint(1, 8), blank=chance.random() < 0.5)
        engine.everything_is_asked_in_time()
