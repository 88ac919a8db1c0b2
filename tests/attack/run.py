"""One run: a schedule played to its end on one loop and on virtual time, and what came of it. Judges nothing."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import warnings
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from itertools import count
from typing import Any

import anyio
import attrs
import sniffio

from smsapi_async import AsyncClient, Budget, Pace, SmsApiError
from smsapi_async import Event as ClientEvent
from smsapi_async._account import accounts_of
from smsapi_async.sandbox import Sandbox
from smsapi_async.sandbox._sandbox import HOST
from smsapi_async.testing import virtual_backend
from tests.chances import seed_trio

from .bot import Bot
from .interruptions import Work, interrupted
from .programs import PROGRAMS, recover
from .records import BOT, Records, id_of
from .schedule import Deed, Event, Schedule
from .world import Door, built, wired

FIRST_PORT, PORTS_IN_ALL = 1024, 60_000
PORTS = count()
"""Each process of each run has its own port of the provider: what clients share by URL and key is theirs alone."""

AFTERWARDS = 60.0
"""Seconds waited for what should not come."""


@attrs.frozen
class Outcome:
    """A run that is over: what was to happen, the world at its end, and what was written down."""

    schedule: Schedule
    sandbox: Sandbox
    records: Records


def play(schedule: Schedule, loop: str) -> Outcome:
    """Run one schedule; the same way each time, as trio's scheduler and the client's jitter draw from the seed."""
    random.seed(schedule.seed)
    seed_trio(schedule.seed)
    backend, options = virtual_backend(loop)
    with _heard() as (log, warned):
        outcome = anyio.run(partial(_watched, options), schedule, backend=backend, backend_options=options)
        gc.collect(1)
    outcome.records.log += log
    outcome.records.surprises += warned
    return outcome


@contextmanager
def _heard() -> Iterator[tuple[list[str], list[str]]]:
    """Collects the client's log lines, and all warnings."""
    ears = _Ears()
    ours, theirs = logging.getLogger("smsapi_async"), logging.getLogger("asyncio")
    before = ours.level, ours.propagate, theirs.propagate
    ours.setLevel(logging.WARNING)
    ours.propagate = theirs.propagate = False
    warned: list[str] = []
    try:
        for logger in (ours, theirs):
            logger.addHandler(ears)
        with warnings.catch_warnings(record=True, action="always") as caught:
            yield ears.said, warned
            warned += [str(each.message) for each in caught if not _documented(each)]
            warned += [line for line in ears.said if line.startswith("asyncio")]
    finally:
        for logger in (ours, theirs):
            logger.removeHandler(ears)
        ours.level, ours.propagate, theirs.propagate = before


def _documented(warning: warnings.WarningMessage) -> bool:
    """That a client was closed with unsettled orders."""
    return warning.category is ResourceWarning and str(warning.message).startswith("closed with unsettled orders: ")


class _Ears(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(f"{record.name} {record.getMessage()}")


async def _watched(options: dict[str, Any], schedule: Schedule) -> Outcome:
    """asyncio's loop raises by itself when no task can go on; on trio the watch cancels the run."""
    watch = next(iter(options.get("instruments", ())), None)
    if watch is None:
        return await _run(schedule)
    import trio  # noqa: PLC0415  only where it runs

    outcome = None
    with trio.CancelScope() as watch.scope:
        outcome = await _run(schedule)
    watch.scope = None
    if outcome is None:
        raise watch.stuck
    return outcome


async def _run(schedule: Schedule) -> Outcome:
    sandbox, troubles = built(schedule)
    records = Records()
    doors: list[Door] = []

    def door(process: int | None = None) -> Door:
        number = len(doors)
        process = number if process is None else process
        records.processes[number] = process
        doors.append(Door(number, ports[process], sandbox, troubles, records))
        return doors[-1]

    ports: defaultdict[int, int] = defaultdict(lambda: FIRST_PORT + next(PORTS) % PORTS_IN_ALL)
    clients = sorted({deed.client for deed in schedule.deeds})
    numbered = {client: door(None if schedule.shared else 0) for client in clients}
    async with anyio.create_task_group() as group:
        for client in clients:
            deeds = [deed for deed in schedule.deeds if deed.client == client]
            events = [event for event in schedule.events if event.client == client]
            group.start_soon(partial(_live, numbered[client], deeds, events, schedule, door))
    await anyio.sleep(AFTERWARDS)
    records.surprises += [
        f"client {each.number} left {each.open_streams} answers open" for each in doors if each.open_streams
    ]
    if sniffio.current_async_library() == "asyncio":
        left = asyncio.all_tasks() - {asyncio.current_task()}
        records.surprises += [f"a task is left: {task.get_coro()}" for task in left]
    return Outcome(schedule, sandbox, records)


@asynccontextmanager
async def _opened(door: Door, schedule: Schedule, *, shared: bool) -> AsyncIterator[AsyncClient]:
    """The one place where a client is made. Its account is its process's own: no other run has the same URL."""
    registered = door.records.registered.setdefault(door.number, set())
    budget = Budget(**schedule.budget) if schedule.budget else None
    async with wired(door, schedule.library) as http:
        with accounts_of(door.sandbox):
            client = AsyncClient(
                door.sandbox.token,
                rent_key=door.sandbox.rent_key,
                v1_url=f"http://{HOST}:{door.port}/v1",
                rent_url=f"http://{HOST}:{door.port}/api",
                http_client=http,
                shared_key=shared,
                pace=Pace(v1_per_second=schedule.pace) if schedule.pace else None,
                budget=budget,
                on_unsettled=lambda left: registered.add(id_of(left)),
                on_event=partial(_hear, door),
            )
        yield client
        registered.update(id_of(left) for left in client.unsettled)
        if budget is not None:
            door.records.spent[door.number] = budget.spent


def _hear(door: Door, event: ClientEvent) -> None:
    """An order that an event reports as settled must be closed at the provider, unless the provider said it is over."""
    if event.name == "order.settled":
        order = door.sandbox.world.orders[int(str(event.fields["id"]))]
        if order.is_open and door.sandbox.world.now < order.expires_at:
            door.records.told_settled.append(f"order {order.id} at {anyio.current_time():g}")


class Process:
    """The tasks of one client. They end together when it crashes, cancelled as the loop would cancel them.

    On asyncio they are the loop's own tasks: a cancelled anyio scope around a bot that waits inside asyncio's own
    TaskGroup would try again in every round of the loop, and virtual time would stand still.
    """

    def __init__(self) -> None:
        self.over: anyio.Event = anyio.Event()
        self._kill: list[Callable[[], object]] = []

    async def run(self, works: Sequence[Work]) -> None:
        """Do all the works at the same time."""
        if sniffio.current_async_library() == "asyncio":
            tasks = [asyncio.create_task(work()) for work in works]
            self._kill += [task.cancel for task in tasks]
            await asyncio.wait(tasks)
            for task in tasks:
                if not task.cancelled():
                    task.result()
        else:
            async with anyio.create_task_group() as group:
                self._kill.append(group.cancel_scope.cancel)
                for work in works:
                    group.start_soon(work)

    def kill(self) -> None:
        for kill in self._kill:
            kill()


async def _live(
    door: Door, deeds: list[Deed], events: list[Event], schedule: Schedule, new_door: Callable[[], Door]
) -> None:
    """The life of one client, and of the one that recovers for it."""
    process = Process()
    async with anyio.create_task_group() as group:
        for event in events:
            if event.what == "crash":
                group.start_soon(_crash, door, event, process, new_door, schedule)
        async with _opened(door, schedule, shared=schedule.shared) as client:
            works = [partial(_act, Bot(deed, client, door.number, door.records, door.sandbox)) for deed in deeds]
            works += [partial(_close, client, door, event) for event in events if event.what != "crash"]
            await process.run(works)
            if not door.shut:
                if not any(door.sandbox.world.orders[number].is_open for number in _orders_of(door)):
                    door.records.idle_closings.add(door.number)
                await process.run([partial(_closed, client, door)])
        process.over.set()


async def _act(bot: Bot) -> None:
    BOT.set(bot.deed.number)
    deed, surprises = bot.deed, bot.records.surprises
    await anyio.sleep(deed.begins)

    async def work() -> None:
        try:
            await PROGRAMS[deed.program](bot)
        except SmsApiError:
            pass  # it is in the records
        except Exception as error:  # noqa: BLE001 - a finding
            surprises.append(f"bot {deed.number} met {error!r}")

    await interrupted(deed.interruption, deed.after, work, bot.records.interruptions, deed.number)


async def _close(client: AsyncClient, door: Door, event: Event) -> None:
    await anyio.sleep(event.at)
    with anyio.move_on_after(event.later if event.what == "cut close" else None):
        await _closed(client, door)


async def _closed(client: AsyncClient, door: Door) -> None:
    began = anyio.current_time()
    try:
        await client.aclose()
    finally:
        door.closed = True
        door.records.closings.setdefault(door.number, (began, anyio.current_time()))


async def _crash(door: Door, event: Event, process: Process, new_door: Callable[[], Door], schedule: Schedule) -> None:
    """The process is gone at once: nothing it would still send arrives. A new one takes up what it left open."""
    with anyio.move_on_after(event.at):
        await process.over.wait()
        return
    door.shut = True
    door.records.crashed[door.number] = anyio.current_time()
    process.kill()
    await anyio.sleep(event.later)
    again = new_door()
    door.records.recovered[door.number] = again.number
    async with _opened(again, schedule, shared=True) as client:
        bot = Bot(Deed(-1, "recover", "", again.number), client, again.number, door.records, door.sandbox)
        try:
            await recover(bot, set(_orders_of(door)))
        except Exception as error:  # noqa: BLE001 - a finding
            door.records.surprises.append(f"the one that recovers met {error!r}")
        finally:
            await _closed(client, again)


def _orders_of(door: Door) -> Iterator[int]:
    """The orders that the calls of its client made."""
    for (what, number, _), call in door.records.made.items():
        if what == "order" and call is not None and door.records.calls[call].client == door.number:
            yield number
