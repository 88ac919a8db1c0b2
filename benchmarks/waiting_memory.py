"""How many bytes of memory does an awaited order take, the caller's own task included, on asyncio and on trio?

50,000 orders are awaited at a bare provider until each of them was shown. The number is the memory of the whole
process, less its memory with the first 1,000. The floor is the same number of tasks that wait for a bare event.

    python -m benchmarks.waiting_memory asyncio|trio [floor]      one of them, as JSON
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable

import anyio

from benchmarks._measure import TOKEN, Asked, alone, bar, beside, peer, provider, resident, until
from smsapi_async import AsyncClient, Pace

ORDERS = 50_000
BEFORE = 1_000
BARS = {"asyncio": 2.5, "trio": 4.0}
GIVE_UP = 60.0
Wait = Callable[[int], Awaitable[object]]
Ready = Callable[[int], Awaitable[None]]


async def grow(start: Callable[[Wait, int], object], wait: Wait, ready: Ready) -> None:
    """Print the bytes of a wait, and end here: 50,000 of them take their time to be cancelled."""
    marks = []
    for since, orders in ((0, BEFORE), (BEFORE, ORDERS)):
        for order_id in range(since + 1, orders + 1):
            start(wait, order_id)
        await ready(orders)
        marks.append(resident())
    print(json.dumps((marks[1] - marks[0]) / (ORDERS - BEFORE)), flush=True)
    os._exit(0)


async def on_asyncio(wait: Wait, ready: Ready) -> None:
    async with asyncio.TaskGroup() as group:

        async def task(wait: Wait, order_id: int) -> None:
            await wait(order_id)

        await grow(lambda wait, order_id: group.create_task(task(wait, order_id)), wait, ready)


async def on_trio(wait: Wait, ready: Ready) -> None:
    async with peer("trio").open_nursery() as nursery:
        await grow(nursery.start_soon, wait, ready)


async def ours(asked: Asked, run: Callable[[Wait, Ready], Awaitable[None]]) -> None:
    async def ready(orders: int) -> None:
        await until(lambda: asked.ask("stats")["shown"] >= orders, GIVE_UP)
        await anyio.sleep(1.0)

    async with AsyncClient(TOKEN, v1_url=asked.url, pace=Pace(v1_per_second=1000)) as client:
        await run(lambda order_id: client.await_code(order_id, settle=False), ready)


async def floor(loop: str, run: Callable[[Wait, Ready], Awaitable[None]]) -> None:
    trio = peer("trio")

    async def for_ever(_: int) -> object:
        return await (asyncio.get_running_loop().create_future() if loop == "asyncio" else trio.sleep_forever())

    async def ready(_: int) -> None:
        await anyio.sleep(1.0)

    await run(for_ever, ready)


def measure(loop: str, what: str = "ours") -> None:
    run = on_asyncio if loop == "asyncio" else on_trio
    if what == "floor":
        anyio.run(floor, loop, run, backend=loop)
        return
    with provider(ORDERS) as asked:
        anyio.run(ours, asked, run, backend=loop)


def main() -> None:
    for loop, most in BARS.items():
        bar("P8", f"memory of an awaited order, {loop}", alone("waiting_memory", loop) / 1e3, most, " kB")
        beside(f"memory of a task that waits, {loop}", f"{alone('waiting_memory', loop, 'floor') / 1e3:.2f} kB")


if __name__ == "__main__":
    if sys.argv[1:]:
        measure(*sys.argv[1:])
    else:
        main()
