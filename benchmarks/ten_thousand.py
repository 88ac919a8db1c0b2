"""Does one client bring 10,000 orders to their end over real HTTP, within its pace, without delay, in little memory?

The provider is the sandbox behind a real server, in a process of its own; it sells the orders before it serves. The
code of nineteen orders of twenty comes at random; the twentieth gets none and is cancelled when its wait times out.
Every order is awaited before the first code comes, and finished or cancelled at the sandbox in the end. The memory is
that of the whole process, less its memory with the first 1,000.

It takes two minutes, so `make soak` runs it with 10,000, and `make bench` with fewer.

    python -m benchmarks.ten_thousand [ORDERS]
"""

from __future__ import annotations

import asyncio
import bisect
import json
import random
import socket
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

from benchmarks._measure import HERE, bar, beside, peer, percentile, resident
from smsapi_async import AsyncClient, NoCodeError, Pace
from smsapi_async.sandbox import Delivery, Offer, Request, Sandbox, Scenario

ORDERS = 10_000
PER_SECOND = 150
AWAITED_BEFORE = 16.0
"""Seconds from the first request until the first code comes."""

FIRST = 1_000
"""Orders, the newest, awaited in the first quarter of that time, before the others."""

WITHOUT_CODE = 20
"""One order in N."""


def codes_take(orders: int) -> float:
    """Seconds in which the codes come: each needs a request more, and the looks at the list some."""
    return orders / PER_SECOND * 1.15


# -- the provider ---------------------------------------------------------------------------------------------------


def plans(orders: int) -> list[list[Delivery]]:
    """Return the SMS of each order, and how long after the beginning it comes."""
    draw = random.Random(1)  # noqa: S311 - the same draw in each run

    def plan(number: int) -> list[Delivery]:
        at = AWAITED_BEFORE + draw.uniform(0, codes_take(orders))
        return [] if number % WITHOUT_CODE == 0 else [Delivery(at, f"Telegram code {number:06}", f"{number:06}")]

    return [plan(number) for number in range(orders)]


def sold(orders: int) -> Sandbox:
    scenario = Scenario(
        balance=str(orders),
        offers=[Offer("russia", "telegram", "beeline", "0.2", orders)],
        plans={"telegram": plans(orders)},
    )
    sandbox = Sandbox(scenario=scenario)
    headers = {"authorization": f"Bearer {sandbox.token}"}
    request = Request("GET", "/v1/user/buy/activation/russia/beeline/telegram", headers)
    for _ in range(orders):
        assert sandbox.handle(request, sandbox.start).status == 200
    sandbox.log.clear()
    return sandbox


async def serve(orders: int) -> None:
    """Print the port, the token, the ids and the start of the world; serve; print the requests and the open orders."""
    uvicorn = peer("uvicorn")
    sandbox = sold(orders)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(sandbox.app, date_header=False, log_config=None, access_log=False))
        serving = asyncio.create_task(server.serve([listener]))
        began = asyncio.get_running_loop().time()
        sandbox.now()
        ids = sandbox.ledger.open
        told = {"port": listener.getsockname()[1], "token": sandbox.token, "ids": ids, "began": began}
        print(json.dumps(told), flush=True)
        await asyncio.to_thread(sys.stdin.read)
        server.should_exit = True
        await serving
    at = [entry.at for entry in sandbox.log]
    busiest = max(bisect.bisect_left(at, each + 1.0) - place for place, each in enumerate(at))
    lists = sandbox.count("GET /v1/user/orders")
    print(json.dumps({"requests": len(at), "lists": lists, "busiest": busiest, "open": len(sandbox.ledger.open)}))


# -- the client -----------------------------------------------------------------------------------------------------


async def run(told: dict[str, Any]) -> tuple[list[float], int, float]:
    """Return the delays of the codes, the number of orders without one, and the bytes of an awaited order."""
    late: list[float] = []
    without = 0
    orders = len(told["ids"])
    left = codes_take(orders) + AWAITED_BEFORE + 5.0
    arrives = {delivery.code: told["began"] + delivery.after for plan in plans(orders) for delivery in plan}
    url = f"http://127.0.0.1:{told['port']}/v1"
    async with AsyncClient(told["token"], v1_url=url, pace=Pace(v1_per_second=PER_SECOND)) as client:

        async def one(order_id: int) -> None:
            nonlocal without
            try:
                code = await client.await_code(order_id, timeout=left)
            except NoCodeError:
                without += 1
            else:
                late.append(time.monotonic() - arrives[code])

        async with asyncio.TaskGroup() as group:
            for order_id in told["ids"][-FIRST:]:
                group.create_task(one(order_id))
            await asyncio.sleep(AWAITED_BEFORE / 4)
            before = resident()
            for order_id in told["ids"][:-FIRST]:
                group.create_task(one(order_id))
            await asyncio.sleep(AWAITED_BEFORE * 3 / 4)
            memory = (resident() - before) / (orders - FIRST)
    return late, without, memory


def main(orders: int) -> None:
    command = [sys.executable, "-m", "benchmarks.ten_thousand", "serve", str(orders)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HERE.parent) as server:
        assert server.stdout
        told = json.loads(server.stdout.readline())
        cpu, begun = time.process_time(), time.monotonic()
        late, without, memory = asyncio.run(run(told))
        cpu, took = time.process_time() - cpu, time.monotonic() - begun
        stats = json.loads(server.communicate()[0].splitlines()[-1])
    what = f"{orders:,} orders at the sandbox"
    bar("P13", f"requests in any second, R = {PER_SECOND}, {what}", stats["busiest"], 1.1 * PER_SECOND)
    bar("P10", f"mean delay of a code, {what}", sum(late) / len(late), 0.6, " s")
    bar("P10", f"p95 of it, {what}", percentile(late, 95), 1.1, " s")
    bar("P8", f"memory of an awaited order, {what}", memory / 1e3, 2.5, " kB")
    bar("P13", f"orders left open, {what}", stats["open"], 0)
    ends = (
        f"{len(late):,} codes, {without:,} orders without one, {stats['requests']:,} requests ({stats['lists']} lists)"
    )
    beside(what, f"{ends}, {took:.0f} s, {cpu / took:.0%} of a core")


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        if sys.argv[1:2] == ["serve"]:
            asyncio.run(serve(int(sys.argv[2])))
        else:
            main(int(sys.argv[1]) if sys.argv[1:] else ORDERS)
