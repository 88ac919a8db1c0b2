"""A schedule: everything random about one run, as data drawn from its seed. Never plays it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import attrs

from smsapi_async.sandbox import Cut, Delivery, Fault, Plan

from .cells import CELLS, EVERYTHING, FAULTS, INSIDE, OUTAGES, REQUESTS, SPENDING

TARGETS = 5
"""Cells aimed at in one schedule: 20,000 schedules aim at each of about 550 a good hundred times."""

HARD = frozenset({"finish", "reuse", "cancel", "ban", "extend"})
_HARD_CELLS = [cell for cell in CELLS if cell[0] in HARD]
"""Requests that a bot reaches only late, if nothing else happens: every schedule aims at one of these besides."""

PRODUCTS = ("telegram", "facebook", "google", "amazon", "whatsapp", "1688")
OTHER = "Bank"
"""A sender beside the usual one."""
PATIENCE = 20.0
"""The timeout of a bot that gives up. The code of a `whatsapp` order comes about then, in the middle of its cancel."""

PROGRAMS: Mapping[str, tuple[str, ...]] = {
    "buy activation": ("wait", "sms", "scope", "twice", "listen", "failing", "by hand", "resume by order", "together"),
    "check": ("wait", "sms", "scope", "twice", "listen", "resume by id", "resume by order", "together", "beside"),
    "finish": ("wait", "sms", "scope", "twice", "resume by id", "resume by order", "reuse", "together", "beside"),
    "reuse": ("reuse",),
    "cancel": ("wait", "scope", "failing", "resume by id", "by hand"),
    "orders": ("read", "scope", "wait"),
    "buy hosting": ("hosting",),
    "ban": ("ban",),
    "payments": ("read", "hosting"),
    "rent": ("rent", "rent messages", "rent codes"),
    "inbox": ("hosting",),
    "rent state": ("rent", "rent messages", "rent codes"),
    "extend": ("rent",),
    "withdraw": ("withdraw",),
}
"""Which programs certainly send a request, given a product that suits them."""

OTHERS = ("early", "early", "beside", "senders", "senders", "patient", "priced", "rent codes", "catalogue", "twice")
"""Programs that are drawn for every aim."""

WAITING = ("wait", "wait", "scope", "sms", "listen", "resume by id", "together", "beside", "patient")
BATCHES = 0.04
"""The share of schedules with a bot that buys a batch of orders, which end together."""
OUT = 0.15
"""The share of schedules with a gateway that is out for a while, for one bot or for all."""

BUDGETED = 0.1
BUDGETS: tuple[Mapping[str, Any], ...] = (
    {"money": "0.7", "per_order": "0.35"},
    {"money": "5", "per_order": "3"},
    {"open_orders": 2},
    {"money": "3", "per_order": "0.5", "open_orders": 3},
)
CROWDED = 0.2
"""The share of schedules with a crowd: enough waits on one client that pages of the list answer for them."""

POOR_LISTS: tuple[Mapping[str, Any], ...] = (
    {},
    {},
    {"listing_without_sms": "[]"},
    {"listing_without_sms": "null"},
    {"listing_sms_lag": 30.0},
    {"listing_sms_lag": 120.0},
)
"""Defects that their list may have: half of the crowds meet one."""

PROMPT = frozenset({"finish", "reuse"})
SILENT = frozenset({"cancel", "ban"})

MALFORMED = (
    "",
    "yesterday",
    "Thu, 01 Jan 99999999999 12:00:00 GMT",
    "Thu, 01 Jan 2026 12:00:00 +99999999999",
    "Fri, 31 Dec 9999 23:59:59 GMT",
)
MISPRINTS: tuple[tuple[str, str], ...] = (
    ("price", "1e999"),
    ("price", '"0,32"'),
    ("price", "NaN"),
    ("sms.+", "null"),
    ("sms.created_at", '"soon"'),
    ("expires", '"soon"'),
    ("created_at", '"soon"'),
    ("id", '"{}"'),
    ("messages.created_at", '"soon"'),
)

INTERRUPTIONS = (
    "move_on_after", "fail_after", "sibling", "task group", "timeout", "wait_for", "cancel", "cancel twice",
)  # fmt: skip

CHOICES: Mapping[str, tuple[Any, ...]] = {
    "history_lag": (0.0, 0.0, 2.0, 6.0),
    "skew_hours": (0, 0, -7, 5),
    "page_cap": (None, None, None, None, 1, 3),
    "listing_without_sms": (False, False, False, "absent", "[]", "null"),
    "listing_sms_lag": (0.0, 0.0, 0.0, 30.0, 120.0, 400.0),
    "listing_status_lag": (0.0, 0.0, 0.0, 5.0, 60.0),
    "date_skew": (0.0, 0.0, 0.0, 7.0, 60.0, 300.0, -7.0, -60.0, -300.0),
    "date_rate": (1.0, 1.0, 1.0, 1.0, 0.9, 1.1),
    "date_text": (None, None, None, None, None, *MALFORMED),
    "no_date": (False, False, False, False, False, True),
    "misprint": (*(None,) * 60, *((*each, where) for each in MISPRINTS for where in ("answers", "rows", "both"))),
    "ignores_acts": (0.0, 0.0, 0.0, 0.0, 0.0, 20.0, 60.0),
    "lapses_late": (0.0, 0.0, 0.0, 0.0, 30.0),
    "rent_lag": (0.0, 0.0, 0.0, 4.0, 8.0),
    "ignores_max_price": (False, True),
    "reverse_is_empty": (False, False, False, False, False, True),
    "cancel_lock": (0, 0, 0, 0, 15, 300),
    "closed_answer": ("order not found", "order expired", "same"),
    "finish_after_sms": (None, None, 20),
    "fresh_status": ("PENDING", "RECEIVED"),
    "timestamp_digits": (9, 9, 6, 0),
    "money_form": ("number", "float", "text"),
    "sms_ids": (False, True),
    "rent_message_form": ("page", "list", "pages"),
    "rent_item_form": ("full", "full", "seed"),
    "rent_gone": ("[]", "null", "NO_NUMBER", "ERROR_NO_TZID"),
    "total": (None, None, 999999),
}
"""Troubles of the world; the first of each is a quiet one."""

QUIRKY = 0.4
"""How often one of them is drawn at all."""


@attrs.frozen
class Deed:
    """One bot: what it does through which client, when it begins, how long it waits, and how it is interrupted."""

    number: int
    program: str
    product: str
    client: int = 0
    begins: float = 0.0
    patience: float | None = None
    interruption: str | None = None
    after: float = 0.0
    variant: int = 0
    """The choices of the bot's program."""


@attrs.frozen
class Trouble:
    """One fault: which bot's requests it hits (None: anybody's), after how many that pass, and how often."""

    number: int
    request: str
    fault: str
    bot: int | None = None
    times: int = 1
    skip: int = 0
    byte: int = 0

    def made(self) -> Fault:
        """Return the fault, a new object, so that equal faults stay distinct."""
        return Cut(self.byte) if self.fault == INSIDE else attrs.evolve(FAULTS[self.fault])


@attrs.frozen
class Event:
    """The closing or the crash of a client.

    `close`: while its bots run; `cut close`: the same, and the closing is cancelled `later`. `crash`: it is gone at
    once, another recovers `later`.
    """

    number: int
    what: str
    client: int
    at: float
    later: float = 0.0


@attrs.frozen
class Schedule:
    """Everything random about one run."""

    seed: int
    deeds: tuple[Deed, ...]
    troubles: tuple[Trouble, ...] = ()
    events: tuple[Event, ...] = ()
    quirks: Mapping[str, Any] = attrs.field(factory=dict)
    plans: Mapping[str, tuple[Plan, ...]] = attrs.field(factory=dict)
    lifetime: float = 900.0
    shared: bool = False
    """True if each client is a process of its own with `shared_key`; else all are of one process."""
    library: str = "httpx"
    pace: float | None = None
    """Requests a second; None: the client's own."""
    budget: Mapping[str, Any] = attrs.field(factory=dict)


def draw(seed: int) -> Schedule:
    """The schedule of this seed. Successive seeds aim at successive cells."""
    chance = random.Random(seed)
    lap = seed * TARGETS // len(CELLS)  # each lap begins one later, so that a cell gets other neighbours
    aims = [CELLS[(seed * TARGETS + nth + lap) % len(CELLS)] for nth in range(TARGETS)]
    aims.append(_HARD_CELLS[seed % len(_HARD_CELLS)])
    clients = chance.choice((1, 1, 1, 1, 2, 2))
    shared = chance.random() < (0.5 if clients > 1 else 0.15)
    lifetime = chance.choice((60.0, 120.0, 120.0, 300.0, 900.0))
    deeds = [_aimed(chance, number, request, clients) for number, (request, _) in enumerate(aims)]
    if chance.random() < 0.35:
        deeds.append(_rival(chance, len(deeds), deeds))
    deeds += [_any(chance, len(deeds) + nth, clients, OTHERS) for nth in range(chance.choice((0, 0, 1, 1, 2)))]
    quirks = _quirks(chance)
    if chance.random() < CROWDED:
        quirks |= chance.choice(POOR_LISTS)
        deeds += [_of_a_crowd(chance, len(deeds) + nth) for nth in range(chance.randrange(5, 11))]
    batch = chance.random() < BATCHES
    if batch:
        deeds.append(attrs.evolve(_any(chance, len(deeds), 1, ("batch",)), begins=0.0, interruption=None))
        lifetime = max(lifetime, 120.0)
    return Schedule(
        seed=seed,
        deeds=tuple(deeds),
        troubles=tuple(_troubles(chance, aims, deeds)),
        events=tuple(_events(chance, clients, crashes=clients == 1 or shared)),
        quirks=quirks,
        plans={product: tuple(_plan(chance, product, lifetime) for _ in range(4)) for product in PRODUCTS},
        lifetime=lifetime,
        shared=shared,
        library=chance.choice(("httpx", "httpx2")),
        pace=chance.choice((2.0, 4.0, None)) if batch else None,
        budget=chance.choice(BUDGETS) if chance.random() < BUDGETED and not batch else {},
    )


def _aimed(chance: random.Random, number: int, request: str, clients: int) -> Deed:
    """A bot whose program sends the request for certain, and is rarely interrupted before."""
    deed = _any(chance, number, clients, PROGRAMS[request])
    if request in PROMPT:
        deed = attrs.evolve(deed, product="telegram", patience=None)
    elif request in SILENT:
        deed = attrs.evolve(deed, product="facebook", patience=chance.choice((5.0, PATIENCE)))
    if request in SPENDING - {"reuse", "extend"}:
        return deed
    calm = chance.random() < 0.85
    return attrs.evolve(deed, interruption=None if calm else deed.interruption)


def _any(chance: random.Random, number: int, clients: int, programs: tuple[str, ...] = ()) -> Deed:
    return Deed(
        number=number,
        program=chance.choice(programs or tuple({name: None for names in PROGRAMS.values() for name in names})),
        product=chance.choice(PRODUCTS),
        client=chance.randrange(clients),
        begins=chance.choice((0.0, 0.0, 0.02, round(chance.uniform(0, 40), 2))),
        patience=chance.choice((None, PATIENCE, PATIENCE, round(chance.uniform(1, 60), 2))),
        interruption=chance.choice((None, None, chance.choice(INTERRUPTIONS))),
        after=round(chance.choice((chance.uniform(0, 3), chance.uniform(0, 20), chance.uniform(0, 60))), 3),
        variant=chance.randrange(1000),
    )


def _rival(chance: random.Random, number: int, deeds: list[Deed]) -> Deed:
    """A bot that wants the same as another, at nearly the same time: their orders look alike."""
    model = chance.choice([deed for deed in deeds if deed.program != "read"] or deeds)
    same = model.program if chance.random() < 0.5 or model.program in {"hosting", "rent", "early"} else "scope"
    begins = round(model.begins + chance.choice((0.0, 0.0, 0.5, 2.0, 5.0)), 2)
    return attrs.evolve(model, number=number, program=same, begins=begins)


def _of_a_crowd(chance: random.Random, number: int) -> Deed:
    """A bot that waits among others, enough of them that the list of orders is asked for all."""
    calm = chance.random() < 0.7
    deed = _any(chance, number, 1, WAITING)
    return attrs.evolve(
        deed,
        product=chance.choice((deed.product, "google")),
        begins=round(chance.uniform(0, 6), 2),
        patience=chance.choice((None, deed.patience)),
        interruption=None if calm else chance.choice(INTERRUPTIONS),
    )


def _bought_by(program: str) -> str | None:
    """The first call of a program that spends."""
    special = {
        "hosting": "buy hosting", "rent": "rent", "rent messages": "rent", "rent codes": "rent", "withdraw": "withdraw",
        "read": None, "catalogue": None, "early": None,
    }  # fmt: skip
    return special.get(program, "buy activation")


def _troubles(chance: random.Random, aims: list[tuple[str, str]], deeds: list[Deed]) -> list[Trouble]:
    drawn: list[Trouble] = []

    def add(request: str, fault: str, bot: int | None, times: int, skip: int = 0) -> None:
        byte = chance.choice((1, 2, chance.randrange(3, 500)))
        drawn.append(Trouble(len(drawn), request, fault, bot, times, skip, byte))

    for bot, (request, fault) in enumerate(aims):
        if deeds[bot].program in ("scope", "wait") and request == "orders":  # only a lost purchase is looked up there
            add("buy activation", chance.choice(("lost before", "lost after", "502, done")), bot, 1)
        if deeds[bot].program == "hosting" and request == "payments":  # only of nothing found is the book asked
            add("buy hosting", "lost before", bot, 1)
        add(request, fault, bot, chance.choice((1, 1, 1, 2, 4)))
    for rival in deeds[len(aims) :]:
        bought = _bought_by(rival.program)
        if bought is not None and chance.random() < 0.5:
            add(bought, chance.choice([fault for request, fault in CELLS if request == bought]), rival.number, 1)
    for _ in range(chance.choice((0, 0, 1, 1, 2))):
        request, fault = chance.choice(CELLS)
        if chance.random() < 0.5:
            request = chance.choice([name for name in REQUESTS if (name, fault) in CELLS and name not in SPENDING])
        whose = chance.choice((None, chance.choice(deeds).number))
        add(request, fault, whose, chance.choice((1, 1, 2, 5)), chance.choice((0, 1, 3)))
    if chance.random() < OUT:
        whose = chance.choice((None, chance.choice(deeds).number))
        add(EVERYTHING, chance.choice(OUTAGES), whose, chance.choice((3, 6, 12)), chance.choice((1, 2, 5, 9, 14)))
    return drawn


def _events(chance: random.Random, clients: int, *, crashes: bool) -> list[Event]:
    drawn: list[Event] = []
    for client in range(clients):
        fate = chance.random()
        at = round(chance.choice((chance.uniform(0, 10), chance.uniform(0, 60))), 3)
        if fate < 0.12 and crashes:
            drawn.append(Event(len(drawn), "crash", client, at, round(chance.uniform(8, 40), 2)))
        elif 0.12 <= fate < 0.22:
            drawn.append(Event(len(drawn), "close", client, at))
        elif 0.22 <= fate < 0.28:
            drawn.append(Event(len(drawn), "cut close", client, at, chance.choice((0.0, 0.01, 1.0, 15.0))))
    return drawn


def _quirks(chance: random.Random) -> dict[str, Any]:
    drawn = {name: chance.choice(values) for name, values in CHOICES.items() if chance.random() < QUIRKY}
    return {name: value for name, value in drawn.items() if value != CHOICES[name][0]}


def _plan(chance: random.Random, product: str, lifetime: float) -> Plan:
    """The SMS of an order of the product: soon, none, any, at its very end, or about when a bot gives up."""
    code = f"{chance.randrange(10**6):06d}"
    coded = chance.choice(((f"Your code is {code}", code), (f"login code {code}", "")))
    if product == "telegram":
        first = Delivery(round(chance.uniform(1, 9), 2), *coded)
        again = Delivery(first.after + 8, f"Code {code[::-1]}x", code[::-1])
        return chance.choice(((first,), (first,), (Delivery(1, "welcome"), first), (first, again)))
    if product == "facebook":
        return ()
    if product == "google":
        return chance.choice(
            ((), (Delivery(round(chance.uniform(0, lifetime), 2), *coded),), (Delivery(9, "welcome"),))
        )
    if product == "1688":
        return _odd_plan(chance, *coded)
    if product == "amazon":
        return (Delivery(round(lifetime - chance.uniform(-1, 14), 2), *coded),)
    return (Delivery(PATIENCE + chance.choice((0.0, 0.01, 0.03, 0.1, 1.0, 4.0)), *coded),)


def _odd_plan(chance: random.Random, text: str, code: str) -> Plan:
    """Two senders, a code that is filled in later, a message without times, two messages of one moment."""
    first = Delivery(round(chance.uniform(1, 9), 2), text, code)
    second, third = f"{chance.randrange(10**6):06d}", f"{chance.randrange(10**6):06d}"
    bank = Delivery(first.after + chance.choice((0.0, 0.0, 3.0)), f"Your code is {second}", second, OTHER)
    filled = Delivery(first.after + 2, "welcome", third, code_after=chance.choice((4.0, 15.0, 40.0)))
    timeless = Delivery(first.after + chance.choice((0.1, 2.0)), f"Your code is {third}", third, timed=False)
    plans = ((first, bank), (bank, first), (filled,), (first, filled), (first, timeless), (first, bank, filled))
    return chance.choice(plans)
