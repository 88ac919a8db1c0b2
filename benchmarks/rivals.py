"""What do other clients of these providers take to bring the codes of 1, 100 and 1,000 orders?

Each runs in a process of its own, against the same bare provider; codes come at random within 6 s. The row of one
order is the mean of 20 lone clients at once. A code that did not come in time counts with the time of its wait, so such
a delay is a lower bound. The loops are those that the projects' own pages recommend, one for each order:

- PyFiveSim 1.0 (README, "Usage"): `await asyncio.sleep(5)`, `get_order_info`, until it has an SMS, then
  `action_with_order(FINISH)`; it opens a session with every call.
- onlinesimru 2.1 (README, "Example2"): `wait_code(tzid)`, which sleeps 10 s between questions and gives up after ten;
  blocking, so a thread an order. It speaks the other provider's API, whose orders are alike.
- fivesim 1.2 and PanjSim 1.0 recommend no loop, their pages only show the check of an order: PyFiveSim's loop with it,
  blocking, so a thread an order.
- ours: `await client.await_code(order_id)`, with the default pace.

    python -m benchmarks.rivals WHO ORDERS CLIENTS      one of them, as JSON
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks._measure import TOKEN, Asked, alone, beside, peer, provider
from smsapi_async import AsyncClient

WHO = ("ours", "PyFiveSim", "fivesim", "PanjSim", "onlinesimru")
LIGHT = ("ours", "fivesim", "PanjSim")
"""Rivals that leave each other room with 100 orders."""

ASYNC = ("ours", "PyFiveSim")
"""Rivals that run with a thousand: the others would need as many threads, which slow each other down."""

EVERY = 5.0
FIRST, LAST = 2.0, 8.0
LONGEST = 12.0
LONE = 20
MANY = (100, 1000)

found: dict[int, float] = {}
"""The time at which the code of an order was there."""


def threads(wait: Callable[[int], object], order_ids: Iterable[int]) -> None:
    """A thread for each; they are left behind when the time is over."""

    def one(order_id: int) -> None:
        wait(order_id)
        found[order_id] = time.time()

    for order_id in order_ids:
        threading.Thread(target=one, args=(order_id,), daemon=True).start()


def ours(asked: Asked, order_ids: list[int], clients: int) -> None:
    async def of_one_client(order_ids: list[int]) -> None:
        async with AsyncClient(TOKEN, v1_url=asked.url) as client, asyncio.TaskGroup() as group:

            async def one(order_id: int) -> None:
                await client.await_code(order_id)
                found[order_id] = time.time()

            for order_id in order_ids:
                group.create_task(one(order_id))

    async def all_of_them() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(clients):
                group.create_task(of_one_client(order_ids[number::clients]))

    threading.Thread(target=asyncio.run, args=(all_of_them(),), daemon=True).start()


def pyfivesim(asked: Asked, order_ids: list[int], clients: int) -> None:
    library = peer("pyfivesim")
    finish = peer("pyfivesim.enums").OrderAction.FINISH

    async def one(client: Any, order_id: int) -> None:
        while True:
            await asyncio.sleep(EVERY)
            order = await client.get_order_info(order_id)
            if order.sms:
                found[order_id] = time.time()
                await client.action_with_order(finish, order_id)
                return

    async def all_of_them() -> None:
        theirs = [library.PyFiveSimAsync(api_key=TOKEN, base_url=asked.url) for _ in range(clients)]
        async with asyncio.TaskGroup() as group:
            for number, order_id in enumerate(order_ids):
                group.create_task(one(theirs[number % clients], order_id))

    threading.Thread(target=asyncio.run, args=(all_of_them(),), daemon=True).start()


def fivesim(asked: Asked, order_ids: list[int], clients: int) -> None:
    library = peer("fivesim")
    check, finish = library.enums.OrderAction.CHECK, library.enums.OrderAction.FINISH
    theirs = [library.FiveSim(api_key=TOKEN).user for _ in range(clients)]
    for user in theirs:
        user._APIRequest__endpoint = f"{asked.url}/user/"

    def wait(order_id: int) -> None:
        user = theirs[order_id % clients]
        order = library.response.Order(order_id, "", None, None, 0.0, None, None)
        while not order.sms:
            time.sleep(EVERY)
            order = user.order(check, order)
        found[order_id] = time.time()
        user.order(finish, order)

    threads(wait, order_ids)


def panjsim(asked: Asked, order_ids: list[int], clients: int) -> None:
    peer("PanjSim.http_client").HttpClient._HttpClient__BASE_URL = f"http://127.0.0.1:{asked.port}"
    theirs = [peer("PanjSim").PanjSim(TOKEN).Purchase() for _ in range(clients)]

    def wait(order_id: int) -> None:
        purchase = theirs[order_id % clients]
        while True:
            time.sleep(EVERY)
            if purchase.check_order(order_id=order_id)["sms"]:
                break
        found[order_id] = time.time()
        purchase.finish_order(order_id=order_id)

    threads(wait, order_ids)


def onlinesimru(asked: Asked, order_ids: list[int], clients: int) -> None:
    service = peer("onlinesimru").NumbersService
    theirs = [service(TOKEN, base_url=f"http://127.0.0.1:{asked.port}") for _ in range(clients)]
    threads(lambda order_id: theirs[order_id % clients].wait_code(order_id), order_ids)


START = {
    "ours": ours,
    "PyFiveSim": pyfivesim,
    "fivesim": fivesim,
    "PanjSim": panjsim,
    "onlinesimru": onlinesimru,
}


def one(who: str, orders: str, clients: str) -> None:
    """Print the result, and end here: some of them would go on for minutes."""
    with provider(int(orders)) as asked:
        asked.ask("begin", codes=orders, seconds=LAST - FIRST, after=FIRST)
        START[who](asked, list(range(1, int(orders) + 1)), int(clients))
        begun, cpu = time.time(), time.process_time()
        while len(found) < int(orders) and time.time() - begun < LONGEST:
            time.sleep(0.1)
        time.sleep(1.0)  # for what is left to finish
        ended, cpu = time.time(), time.process_time() - cpu
        stats, came = asked.ask("stats"), {int(order_id): at for order_id, at in asked.ask("arrived").items()}
        late = [found.get(order_id, ended) - at for order_id, at in came.items()]
        ends = sum(stats["counts"].get(name, 0) for name in ("finish", "setOperationOk.php"))
        answer = {
            "cpu": cpu / max(1, stats["requests"]),
            "requests": stats["requests"],
            "looks": (stats["requests"] - ends) / max(1, len(found)),
            "late": sum(late) / len(late),
            "missing": 1 - len(found) / int(orders),
            "busiest": stats["busiest"],
            "connections": stats["connections"],
        }
        print(json.dumps(answer), flush=True)
        os._exit(0)


def told(who: str, orders: str, each: dict[str, float]) -> None:
    if not each["requests"]:
        beside(f"{orders}, {who}", f"not one request in {LONGEST:.0f} s, but {each['cpu']:.1f} s of CPU")
        return
    missing = f", {each['missing']:.0%} of them not found in time" if each["missing"] else ""
    code = f"{each['looks']:.1f} looks a code, found {each['late']:.2f} s after it came on average{missing}"
    cost = f"{each['cpu'] * 1e3:.1f} ms of CPU a request"
    beside(f"{orders}, {who}", f"{code}; {cost}, {each['connections']} connections, busiest second {each['busiest']}")


def together(who: Sequence[str], orders: int, clients: int, what: str) -> None:
    with ThreadPoolExecutor(len(who)) as pool:
        answers = pool.map(lambda one: alone("rivals", one, orders, clients), who)
    for name, each in zip(who, answers, strict=True):
        told(name, what, each)


def main() -> None:
    together(WHO, LONE, LONE, "1 order")
    for who in (LIGHT, *((each,) for each in WHO if each not in LIGHT)):
        together(who, MANY[0], 1, f"{MANY[0]} orders")
    for each in ASYNC:
        together((each,), MANY[1], 1, f"{MANY[1]:,} orders")


if __name__ == "__main__":
    if sys.argv[1:]:
        one(*sys.argv[1:])
    else:
        main()
