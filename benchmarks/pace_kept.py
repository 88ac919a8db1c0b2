"""Is the pace kept to, and used? Many more callers than it lets through, on loopback and 200 ms away.

Slots are recorded as they are granted, requests as they reach the provider. The pace is R = 100 a second. Bars: at
most R + 1 slots in any second, at most 1.1 R requests in any second at the provider, and at least 0.95 R used.
"""

from __future__ import annotations

import asyncio
import bisect
import time

from benchmarks._measure import TOKEN, Asked, bar, provider
from smsapi_async import AsyncClient, Pace
from smsapi_async._sending import pace

PER_SECOND = 100
CALLERS = 500
SECONDS = 6.0
ROUND_TRIP = 0.2

granted_at: list[float] = []


class NotedTicket(pace.Ticket):
    """A ticket that notes when it is granted."""

    def __setattr__(self, name: str, value: object) -> None:
        if name == "granted" and value:
            granted_at.append(time.monotonic())
        super().__setattr__(name, value)


def busiest(at: list[float]) -> int:
    """The most within one second."""
    return max(bisect.bisect_left(at, each + 1.0) - place for place, each in enumerate(at))


async def saturate(asked: Asked) -> None:
    until = time.monotonic() + SECONDS
    async with AsyncClient(TOKEN, v1_url=asked.url, pace=Pace(v1_per_second=PER_SECOND)) as client:

        async def caller() -> None:
            while time.monotonic() < until:
                await client.v1.check(7)

        async with asyncio.TaskGroup() as group:
            for _ in range(CALLERS):
                group.create_task(caller())


def main() -> None:
    setattr(pace, "Ticket", NotedTicket)  # noqa: B010 - a class is replaced, which a type checker would refuse
    for round_trip in (0.0, ROUND_TRIP):
        away = f"{round_trip * 1e3:.0f} ms away" if round_trip else "loopback"
        granted_at.clear()
        with provider(round_trip=round_trip) as asked:
            asyncio.run(saturate(asked))
            stats = asked.ask("stats")
        bar("P13", f"slots granted in any second, R = {PER_SECOND}, {away}", busiest(granted_at), PER_SECOND + 1)
        bar("P13", f"requests in any second at the provider, {away}", stats["busiest"], 1.1 * PER_SECOND)
        used = (stats["requests"] - 1) / stats["seconds"]
        bar("P13", f"requests a second, {away}", used, 0.95 * PER_SECOND, least=True)


if __name__ == "__main__":
    main()
