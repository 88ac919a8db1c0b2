"""How many new connections does a client make per request, in steady state and after half a minute of rest? Bars: none.

The provider counts them. The pool's connections are made once; a later connection replaces one that was dropped.
"""

from __future__ import annotations

import asyncio

from benchmarks._measure import TOKEN, Asked, bar, beside, provider
from smsapi_async import AsyncClient, Pace

CALLERS = 50
CALLS = 2000
REST = 30.0


async def ask(client: AsyncClient, calls: int) -> None:
    left = iter(range(calls))

    async def caller() -> None:
        for _ in left:
            await client.v1.check(7)

    async with asyncio.TaskGroup() as group:
        for _ in range(CALLERS):
            group.create_task(caller())


async def measure(asked: Asked) -> None:
    async with AsyncClient(TOKEN, v1_url=asked.url, pace=Pace(v1_per_second=1e6)) as client:
        await ask(client, 10 * CALLERS)
        beside(f"connections of {CALLERS} callers at once", str(asked.ask("stats")["connections"]))
        asked.ask("reset")
        await ask(client, CALLS)
        made = asked.ask("stats")["connections"]
        bar("P3", f"new connections in {CALLS} requests of {CALLERS} callers", made, 0)
        asked.ask("reset")
        await asyncio.sleep(REST)
        await ask(client, 10 * CALLERS)
        made = asked.ask("stats")["connections"]
        bar("P3", f"new connections in {10 * CALLERS} requests after {REST:.0f} s of rest", made, 0)


def main() -> None:
    with provider() as asked:
        asyncio.run(measure(asked))


if __name__ == "__main__":
    main()
