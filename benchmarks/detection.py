"""How late is a code found, and for how many requests and how much CPU, when one client awaits very many orders?

N orders are awaited at a bare provider whose list shows them all; codes arrive at random and are found by the list. The
delay is from the arrival, by the provider, to the return of `await_sms`. Three questions:

- a pace of 100 requests a second, all of them granted to looking, on loopback and 200 ms away;
- the default: one look at the list a second. Its CPU is that of a time in which no code comes;
- a provider whose pages have at most 15 rows.

Beside the delays stands the least delay of one request for each order at the same rate, N / 2R. Beside the CPU stands
the CPU of a bare client that gets the same number of pages and reads none. Draws `detection.svg`.

    python -m benchmarks.detection '{"orders": 1000}'      one of them, as JSON
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import Any

from benchmarks._measure import TOKEN, Asked, alone, bar, beside, draw, peer, percentile, provider, save, until
from smsapi_async import AsyncClient, Pace

MANY = (1_000, 10_000, 50_000)
LOOKING = {1_000: 0.02, 10_000: 0.07, 50_000: 0.30}
ROUND_TRIP = 0.2
BARE_CPU = 2.0
CODES = 300
SECONDS = 5.0
QUIET = 4.0
BARE = 40
GIVE_UP = 60.0
PER_SECOND = 100.0
AT_FIRST = 1000.0


async def watch(asked: Asked, orders: int, usual: Pace) -> None:
    pace = Pace(v1_per_second=AT_FIRST, look_every=usual.look_every)  # until every order was shown once
    found: dict[int, float] = {}
    async with AsyncClient(TOKEN, v1_url=asked.url, pace=pace) as client, asyncio.TaskGroup() as group:

        async def await_one(order_id: int) -> None:
            await client.await_sms(order_id, settle=False)
            found[order_id] = time.time()

        for order_id in range(1, orders + 1):
            group.create_task(await_one(order_id))
        await until(lambda: asked.ask("stats")["shown"] >= orders, GIVE_UP)
        await asyncio.sleep(1.0)
        vars(pace).update(vars(usual))
        await asyncio.sleep(1.0)
        asked.ask("reset")
        cpu = time.process_time()
        await asyncio.sleep(QUIET)
        cpu = (time.process_time() - cpu) / QUIET
        stats = asked.ask("stats")
        asked.ask("begin", codes=CODES, seconds=SECONDS)
        await until(lambda: len(found) == CODES, SECONDS + 10)
        bare = await bare_page(asked, min(orders, 1000))
        tell(found, {"cpu": cpu, "bare": bare * stats["requests"] / QUIET}, stats, asked)


async def bare_page(asked: Asked, rows: int) -> float:
    """Seconds of CPU for getting one page, in the same process, with the library ours uses."""
    query = {"category": "activation", "limit": rows, "offset": 0, "order": "id", "reverse": "true"}
    async with peer("httpx2").AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        await client.get(f"{asked.url}/user/orders", params=query)
        begun = time.process_time()
        for _ in range(BARE):
            await client.get(f"{asked.url}/user/orders", params=query)
        return (time.process_time() - begun) / BARE


def tell(found: dict[int, float], cpu: dict[str, float], stats: dict[str, Any], asked: Asked) -> None:
    """Print the results, and end here: 50,000 waits take their time to be cancelled."""
    came = {int(order_id): at for order_id, at in asked.ask("arrived").items()}
    late = [found[order_id] - at for order_id, at in came.items() if order_id in found]
    answer = {"found": len(late) / len(came), "mean": sum(late) / len(late), "p95": percentile(late, 95)}
    print(json.dumps({**answer, **cpu, "requests": stats["requests"] / QUIET}), flush=True)
    os._exit(0)


def measure(orders: int, *, default: bool = False, round_trip: float = 0.0, page_cap: int = 1000) -> None:
    pace = Pace() if default else Pace(v1_per_second=PER_SECOND, look_every=0)
    with provider(orders, round_trip, page_cap) as asked:
        asyncio.run(watch(asked, orders, pace))


def part(**told: Any) -> dict[str, float]:
    found: dict[str, float] = alone("detection", json.dumps(told))
    if found["found"] < 1:
        beside(f"codes not found, {told}", f"{1 - found['found']:.1%}")
    return found


def looking() -> dict[int, float]:
    means = {}
    for round_trip in (0.0, ROUND_TRIP):
        for orders in MANY:
            found = part(orders=orders, round_trip=round_trip)
            away = f"{round_trip * 1e3:.0f} ms away" if round_trip else "loopback"
            what = f"mean delay, {orders:,} orders, R = {PER_SECOND:.0f}, {away}"
            bar("P9", what, found["mean"], LOOKING[orders] + round_trip, " s")
            told = f"p95 {found['p95']:.3f} s, {found['requests']:.0f} requests/s, {found['cpu']:.0%} of a core"
            beside(what, f"{told}; one request an order: {orders / 2 / PER_SECOND:.0f} s")
            if not round_trip:
                means[orders] = found["mean"]
    return means


def by_default() -> dict[int, dict[str, float]]:
    answers = {}
    for orders in MANY:
        answers[orders] = found = part(orders=orders, default=True)
        bar("P10", f"mean delay by default, {orders:,} orders", found["mean"], 0.6, " s")
        bar("P10", f"p95 of it, {orders:,} orders", found["p95"], 1.1, " s")
        bar("P10", f"CPU / of a bare client, {orders:,} orders", found["cpu"] / found["bare"], BARE_CPU)
        bare = f"{found['cpu']:.1%} of a core, {found['bare']:.1%} for a bare client"
        beside(f"requests by default, {orders:,} orders", f"{found['requests']:.1f} a second; {bare}")
    return answers


def curve(eager: dict[int, float], default: dict[int, dict[str, float]]) -> None:
    axes = draw("detection", "How late a code is found", "orders awaited by one client", "seconds, mean")
    axes.loglog(MANY, [orders / 2 / PER_SECOND for orders in MANY], "--", color="#999999", label="one request an order")
    axes.loglog(MANY, [default[orders]["mean"] for orders in MANY], "o-", label="by default: the list once a second")
    axes.loglog(MANY, [eager[orders] for orders in MANY], "s-", label="look_every=0, 100 requests a second")
    for orders in MANY:
        text = f"{default[orders]['requests']:.0f} requests/s"
        axes.annotate(text, (orders, default[orders]["mean"]), (0, 6), textcoords="offset points", fontsize=7)
    save(axes)


def main() -> None:
    eager, default = looking(), by_default()
    found = part(orders=1_000, page_cap=15)
    bar("P11", "mean delay, 1,000 orders, pages of 15 rows, R = 100", found["mean"], 0.45, " s")
    curve(eager, default)


if __name__ == "__main__":
    if sys.argv[1:]:
        measure(**json.loads(sys.argv[1]))
    else:
        main()
