"""A world that attacks the client: many bots with random programs against random faults, on virtual time.

A schedule is drawn from its seed, so a failing one is run again by its number:

    python -m tests.attack --seed 4711 --loop trio
    python -m tests.attack 20000        # so many, with the count of (request x fault) reached

What must hold afterwards is read from the sandbox's ledger by `broken`, never from the client.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import warnings
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta

import anyio
import attrs
import httpx

from smsapi_async import AsyncClient, NoCodeError, SmsApiError, SpendUnknownError
from smsapi_async.rent import RentedNumber
from smsapi_async.sandbox import (
    API_LIMIT,
    BAD_GATEWAY,
    INTERNAL_ERROR,
    INTERNAL_ERROR_AFTER,
    IP_LIMIT,
    MAINTENANCE,
    TOO_MANY_REQUESTS,
    Answer,
    Cut,
    Delay,
    Delivery,
    Fault,
    LostAfter,
    LostBefore,
    Mangle,
    NotConnected,
    Reset,
    Sandbox,
    Scenario,
    Stall,
)
from smsapi_async.v1 import Order
from tests.clock import seed_trio, virtual_backend

REQUESTS = (
    "/user/buy/activation",
    "/user/buy/hosting",
    "/user/reuse",
    "/user/check",
    "/user/finish",
    "/user/cancel",
    "/user/ban",
    "/user/orders",
    "/user/payments",
    "getRentNum",
    "extendRentState",
    "getRentState",
)
SPENDING = ("/user/buy/activation", "/user/buy/hosting", "/user/reuse", "getRentNum", "extendRentState")
FAULTS: dict[str, Fault] = {
    "lost before": LostBefore(),
    "lost after": LostAfter(),
    "not connected": NotConnected(),
    "cut at 0": Cut(0),
    "cut": Cut(),
    "stalled, done": Stall(),
    "stalled, not done": Stall(processed=False),
    "reset, done": Reset(),
    "reset, not done": Reset(processed=False),
    "429": API_LIMIT,
    "429 live": TOO_MANY_REQUESTS,
    "503 limit": IP_LIMIT,
    "500": INTERNAL_ERROR,
    "500, done": INTERNAL_ERROR_AFTER,
    "502": BAD_GATEWAY,
    "502, done": attrs.evolve(BAD_GATEWAY, processed=True),
    "200 page": MAINTENANCE,
    "200 page, done": attrs.evolve(MAINTENANCE, processed=True),
    "redirect": Answer(302, "moved", headers=(("location", "https://elsewhere.test/"),)),
    "slow": Delay(12.0),
    "charset": Mangle("charset"),
    "gzip": Mangle("gzip"),
    "content type": Mangle("content type"),
}
PRODUCTS = ("telegram", "facebook", "google")
CODES = (
    (Delivery(9, "Your code is 01234", "01234"),),
    (Delivery(70, "login code 4321"),),
    (Delivery(30, "welcome"), Delivery(55, "Your code is 777123", "777123")),
    (),
)


@attrs.frozen
class Deed:
    """One bot: what it does, when it begins, and after how long it is cancelled (never, mostly)."""

    program: str
    product: str
    begins: float
    patience: float | None
    cancelled_after: float | None


@attrs.frozen
class Trouble:
    """One fault: which requests it hits, after how many that pass, and how often."""

    request: str
    fault: str
    times: int
    after: int


@attrs.frozen
class Schedule:
    """Everything random about one run."""

    seed: int
    deeds: tuple[Deed, ...]
    troubles: tuple[Trouble, ...]
    scenario: Scenario
    skew_hours: int
    lag: float


@attrs.define
class Witness:
    """What the bots saw; beside it the ledger tells what happened."""

    returned: list[int] = attrs.field(factory=list)
    named: set[int] = attrs.field(factory=set)
    rented: list[int] = attrs.field(factory=list)
    given_up: set[int] = attrs.field(factory=set)
    scoped: set[int] = attrs.field(factory=set)
    calls: Counter[str] = attrs.field(factory=Counter)
    codes: dict[int, str] = attrs.field(factory=dict)
    without_code: set[int] = attrs.field(factory=set)
    cancelled_purchases: int = 0

    def error(self, error: SmsApiError) -> None:
        """Note the orders an error names."""
        if isinstance(error, SpendUnknownError):
            self.named |= {each.tzid if isinstance(each, RentedNumber) else each.id for each in error.candidates}


def draw(seed: int) -> Schedule:
    """The schedule of this seed."""
    chance = random.Random(seed)
    plans = {product: tuple(chance.choice(CODES) for _ in range(5)) for product in PRODUCTS}
    scenario = Scenario(
        plans=plans,
        rent_plans={"7": ((Delivery(20, "code 5555 is it", "5555"),),)},
        cancel_lock=chance.choice((0, 0, 20, 300)),
        lifetime=chance.choice((300, 900)),
    )
    deeds = tuple(
        Deed(
            program=chance.choice(tuple(PROGRAMS)),
            product=chance.choice(PRODUCTS),
            begins=chance.choice((0.0, 0.0, chance.uniform(0, 60))),
            patience=chance.choice((None, None, chance.uniform(1, 120))),
            cancelled_after=chance.choice((None, None, chance.uniform(0, 100))),
        )
        for _ in range(chance.randint(1, 8))
    )
    troubles = tuple(_trouble(chance) for _ in range(chance.randint(1, 5)))
    return Schedule(seed, deeds, troubles, scenario, chance.choice((0, 0, -7, 5)), chance.choice((0.0, 0.0, 2.0, 6.0)))


def _trouble(chance: random.Random) -> Trouble:
    request = chance.choice(SPENDING if chance.random() < 0.6 else REQUESTS)
    return Trouble(request, chance.choice(tuple(FAULTS)), chance.choice((1, 1, 2, 5)), chance.choice((0, 0, 1, 3)))


# -- the programs of the bots ---------------------------------------------------------------------------------------

Program = Callable[[AsyncClient, Deed, Witness], Awaitable[None]]


async def wait(client: AsyncClient, deed: Deed, witness: Witness) -> None:
    """Buy, then await the code."""
    order = await _buy(client, deed, witness)
    await _code(witness, order.id, lambda: client.await_code(order.id, timeout=deed.patience))


async def scope(client: AsyncClient, deed: Deed, witness: Witness) -> None:
    """The scope of the README."""
    witness.calls["buy"] += 1
    async with client.activation(deed.product, country="russia") as order:
        witness.returned.append(order.id)
        witness.scoped.add(order.id)
        await _code(witness, order.id, lambda: order.code(timeout=deed.patience))


async def ban(client: AsyncClient, deed: Deed, witness: Witness) -> None:
    """A scope whose number turns out to be used."""
    witness.calls["buy"] += 1
    async with client.activation(deed.product, country="russia") as order:
        witness.returned.append(order.id)
        witness.scoped.add(order.id)
        await anyio.sleep(5)
        await order.ban()


async def again(client: AsyncClient, deed: Deed, witness: Witness) -> None:
    """Buy for reuse, take the code, buy the number again."""
    witness.calls["buy"] += 1
    first = await client.v1.buy_activation(deed.product, country="russia", reuse=True)
    witness.returned.append(first.id)
    await _code(witness, first.id, lambda: client.await_code(first.id, timeout=deed.patience))
    witness.calls["reuse"] += 1
    second = await client.v1.reuse(deed.product, first.phone)
    witness.returned.append(second.id)
    async with client.resume(second) as order:
        witness.scoped.add(order.id)
        await _code(witness, order.id, lambda: order.code(timeout=deed.patience))


async def hosting(client: AsyncClient, deed: Deed, witness: Witness) -> None:
    """Buy a number for hours and look at it once."""
    witness.calls["hosting"] += 1
    order = await client.v1.buy_hosting("3hours", country="russia")
    witness.returned.append(order.id)
    await client.v1.check(order.id)


async def rent(client: AsyncClient, deed: Deed, witness: Witness) -> None:
    """Rent a number, take its code, keep it longer."""
    witness.calls["rent"] += 1
    number = await client.rent.buy_number(7, 1, extension=True)
    witness.rented.append(number.tzid)
    await client.await_rent_code(number.tzid, timeout=deed.patience or 300)
    witness.calls["extend"] += 1
    await client.rent.extend(number.tzid, 7)


PROGRAMS: dict[str, Program] = {
    "wait": wait,
    "scope": scope,
    "ban": ban,
    "again": again,
    "hosting": hosting,
    "rent": rent,
}


async def _buy(client: AsyncClient, deed: Deed, witness: Witness) -> Order:
    witness.calls["buy"] += 1
    order = await client.v1.buy_activation(deed.product, country="russia")
    witness.returned.append(order.id)
    return order


async def _code(witness: Witness, order_id: int, wait: Callable[[], Awaitable[str]]) -> None:
    try:
        witness.codes[order_id] = await wait()
    except NoCodeError:
        witness.without_code.add(order_id)
        raise


# -- one run --------------------------------------------------------------------------------------------------------


async def run(schedule: Schedule) -> Outcome:
    """Play the schedule to its end, and wait a minute for what should not come."""
    sandbox, witness = _world(schedule), Witness()
    async with httpx.AsyncClient(transport=sandbox.transport()) as http:
        client = AsyncClient(
            sandbox.token,
            rent_key=sandbox.rent_key,
            v1_url=sandbox.v1_url,
            rent_url=sandbox.rent_url,
            http_client=http,
            on_unsettled=lambda left: witness.given_up.add(left.tzid if isinstance(left, RentedNumber) else left.id),
        )
        try:
            async with anyio.create_task_group() as bots:
                for deed in schedule.deeds:
                    bots.start_soon(_live, client, deed, witness)
        finally:
            with warnings.catch_warnings(action="ignore", category=ResourceWarning):  # what it says, a law asks
                await client.aclose()
        sent = len(sandbox.requests)
        await anyio.sleep(60)
        return Outcome(sandbox, witness, {_id(left) for left in client.unsettled}, sent)


def _id(left: Order | RentedNumber) -> int:
    return left.tzid if isinstance(left, RentedNumber) else left.id


def _world(schedule: Schedule) -> Sandbox:
    sandbox = Sandbox(scenario=schedule.scenario)
    sandbox.clock_skew = timedelta(hours=schedule.skew_hours)
    sandbox.history_lag = timedelta(seconds=schedule.lag)
    for trouble in schedule.troubles:
        sandbox.fail(trouble.request, FAULTS[trouble.fault], trouble.times, trouble.after)
    return sandbox


async def _live(client: AsyncClient, deed: Deed, witness: Witness) -> None:
    await anyio.sleep(deed.begins)
    with anyio.move_on_after(deed.cancelled_after):
        try:
            await PROGRAMS[deed.program](client, deed, witness)
        except SmsApiError as error:
            witness.error(error)


# -- what must hold -------------------------------------------------------------------------------------------------


@attrs.frozen
class Outcome:
    """A run that is over: the world, what the bots saw, what the client could not settle, and requests until then."""

    sandbox: Sandbox
    witness: Witness
    unsettled: set[int]
    sent: int


def nothing_is_bought_in_silence(run: Outcome) -> Iterator[str]:
    """A purchase is handed to its call, named by its error, given back, or in the register of the unsettled."""
    told = {*run.witness.returned, *run.witness.rented, *run.witness.named, *run.witness.given_up, *run.unsettled}
    orders = run.sandbox.world.orders
    for order_id in run.sandbox.ledger.purchases:
        if order_id not in told and orders[order_id].status != "CANCELED":
            yield f"order {order_id} ({orders[order_id].product}) was bought and nobody was told"
    for tzid in run.sandbox.ledger.rents:
        if tzid not in told:
            yield f"number {tzid} was rented and nobody was told"


def one_call_is_one_request(run: Outcome) -> Iterator[str]:
    """A call that spends reaches the provider once at most, and no order is handed to two calls."""
    for start, name in REQUESTS_OF.items():
        if run.sandbox.count(start) > run.witness.calls[name]:
            yield f"{run.sandbox.count(start)} requests for {run.witness.calls[name]} calls: {start}"
    for order_id, times in Counter(run.witness.returned).items():
        if times > 1:
            yield f"order {order_id} was handed to {times} calls"


def every_order_comes_to_its_end(run: Outcome) -> Iterator[str]:
    """After a scope, and after a wait that was not cancelled, an order is closed or registered as unsettled."""
    for order_id in {*run.witness.scoped, *run.witness.codes, *run.witness.without_code} - run.unsettled:
        if run.sandbox.world.orders[order_id].is_open:
            yield f"order {order_id} was left open"


def every_code_is_handed_over(run: Outcome) -> Iterator[str]:
    """The right code, and none withheld that came before its order's end."""
    orders = run.sandbox.world.orders
    for order_id, code in run.witness.codes.items():
        if code not in {sms.code or sms.text.split()[-1] for sms in orders[order_id].sms}:
            yield f"order {order_id} got the code {code} of another"
    for order_id in run.witness.without_code - run.witness.scoped:  # a scope settles after its wait is over
        if any(sms.code or sms.text.startswith("login code") for sms in orders[order_id].sms):
            yield f"the code of order {order_id} was withheld"


def a_closed_client_is_silent(run: Outcome) -> Iterator[str]:
    """No request after aclose(); and the money agrees."""
    if len(run.sandbox.requests) > run.sent:
        yield f"{len(run.sandbox.requests) - run.sent} requests after aclose()"
    if not run.sandbox.ledger.balance_ok():
        yield "the balance does not agree"


LAWS = (
    nothing_is_bought_in_silence,
    one_call_is_one_request,
    every_order_comes_to_its_end,
    every_code_is_handed_over,
    a_closed_client_is_silent,
)
REQUESTS_OF = {
    "GET /v1/user/buy/activation": "buy",
    "GET /v1/user/buy/hosting": "hosting",
    "GET /v1/user/reuse": "reuse",
    "GET /api/rent/getRentNum": "rent",
    "GET /api/rent/extendRentState": "extend",
}


def broken(run: Outcome) -> list[str]:
    """Every law that the run broke, in words."""
    return [what for law in LAWS for what in law(run)]


def play(seed: int, loop: str) -> Outcome:
    """Run one schedule on one loop; the same way each time, as trio's scheduler and our jitter draw from the seed."""
    random.seed(seed)
    seed_trio(seed)
    backend, options = virtual_backend(loop)
    return anyio.run(run, draw(seed), backend=backend, backend_options=options)


def reached(run: Outcome) -> Iterator[tuple[str, str]]:
    """The cells (request, fault) that the run reached."""
    names = {fault: name for name, fault in FAULTS.items()}
    for line, fault in run.sandbox.faults_met:
        yield next(request for request in REQUESTS if request in line), names[fault]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", nargs="?", type=int, default=300)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--loop", choices=("asyncio", "trio"))
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    seeds = range(given.count) if given.seed is None else [given.seed]
    faults, cells, spending = 0, Counter[tuple[str, str]](), 0
    for loop in (given.loop,) if given.loop else ("asyncio", "trio"):
        for seed in seeds:
            outcome = play(seed, loop)
            for what in broken(outcome):
                faults += 1
                print(f"python -m tests.attack --seed {seed} --loop {loop}: {what}")
            met = list(reached(outcome))
            cells.update(met)
            spending += any(request in SPENDING for request, _ in met)
    print_table(cells)
    runs = len(seeds) * (1 if given.loop else 2)
    print(f"{runs} runs, {spending} met a fault on a call that spends, {faults} laws broken")
    return bool(faults)


def print_table(cells: Counter[tuple[str, str]]) -> None:
    """How often each request met each fault."""
    for fault in FAULTS:
        row = "".join(f"{cells[request, fault]:>8}" for request in REQUESTS)
        print(f"{fault:>18}{row}")
    print(" " * 18 + "".join(f"{request.rpartition('/')[2][-7:]:>8}" for request in REQUESTS))


if __name__ == "__main__":
    sys.exit(main())
