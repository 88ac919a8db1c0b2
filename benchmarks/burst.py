"""What if 20,000 callers ask at the same moment? CPU of a call beside 1,000 callers, the first answer, the memory.

Every burst has a process of its own. Beside it stands the same burst of raw `get()` of the same HTTP library, if that
ends within the time of the run. The round with less CPU of two counts. Bars: 1.25 times the CPU, 0.5 s, 60 MB. Draws
`burst.svg`.

    python -m benchmarks.burst ours|raw CALLERS      one burst, as JSON
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks._measure import TOKEN, Asked, alone, bar, beside, draw, peer, provider, resident, save
from smsapi_async import AsyncClient, Pace

FEW, MANY = 1_000, 20_000
BURSTS = {"ours": (100, FEW, MANY), "raw": (100, FEW, 2_000)}
WARM = 100
ANSWERS = 1000
ROUNDS = 2
LIBRARY = "httpx2"


async def burst(call: Callable[[], Awaitable[object]], callers: int) -> None:
    """Let all callers ask; print the result, and end here. The CPU of a call: all requests, and ANSWERS answers."""
    answered: list[float] = []
    spent: list[float] = []
    enough = asyncio.Event()

    async def caller() -> None:
        await call()
        answered.append(time.perf_counter())
        spent.append(time.process_time())
        if len(answered) == min(callers, ANSWERS):
            enough.set()

    async with asyncio.TaskGroup() as group:
        for _ in range(WARM):
            group.create_task(call())  # type: ignore[arg-type]  # every awaitable here is a coroutine
    before, cpu, begun = resident(), time.process_time(), time.perf_counter()
    tasks = [asyncio.create_task(caller()) for _ in range(callers)]
    await enough.wait()
    asked, last = (spent[0] - cpu) / callers, min(callers, ANSWERS) - 1
    cpu = asked + (spent[last] - spent[0]) / last
    assert len(tasks) == callers
    answer = {"cpu": cpu * 1e6, "first": answered[0] - begun, "memory": (resident() - before) / 1e6}
    print(json.dumps(answer), flush=True)
    os._exit(0)


async def measure(asked: Asked, who: str, callers: int) -> None:
    if who == "ours":
        async with AsyncClient(TOKEN, v1_url=asked.url, pace=Pace(v1_per_second=1e6)) as client:
            await burst(lambda: client.v1.check(7), callers)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with peer(LIBRARY).AsyncClient(headers=headers, timeout=None) as raw:
        url = f"{asked.url}/user/check/7"
        await burst(lambda: raw.get(url), callers)


def one(who: str, callers: str) -> None:
    with provider() as asked:
        asyncio.run(measure(asked, who, int(callers)))


def curve(found: dict[str, dict[int, dict[str, float]]]) -> None:
    axes = draw("burst", "Callers at the same moment", "callers", "milliseconds of CPU for a call")
    for who, color, name in (("raw", "#777777", f"raw {LIBRARY}"), ("ours", "#c1272d", "smsapi_async")):
        bursts = found[who]
        axes.plot(list(bursts), [each["cpu"] / 1e3 for each in bursts.values()], "o-", color=color, label=name)
    axes.set(xscale="log", ylim=(0, None))
    save(axes)


def main() -> None:
    found: dict[str, dict[int, Any]] = {who: {} for who in BURSTS}
    for who, bursts in BURSTS.items():
        rounds = [{callers: alone("burst", who, callers) for callers in bursts} for _ in range(ROUNDS)]
        for callers in bursts:
            found[who][callers] = each = min((each[callers] for each in rounds), key=lambda one: float(one["cpu"]))
            told = f"{each['cpu']:.0f} µs a call, first answer {each['first']:.2f} s, {each['memory']:.0f} MB more"
            beside(f"{callers:,} callers, {who}", told)
    few, many = found["ours"][FEW], found["ours"][MANY]
    bar("P2", f"CPU of a call, {MANY:,} callers / {FEW:,}", many["cpu"] / few["cpu"], 1.25)
    bar("P2", f"memory of {MANY:,}", many["memory"], 62, " MB")
    curve(found)


if __name__ == "__main__":
    if sys.argv[1:]:
        one(*sys.argv[1:])
    else:
        main()
