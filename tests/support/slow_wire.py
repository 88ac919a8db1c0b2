"""A wire that takes its time and notes what leaves when, calls for it, and a sender on it."""

from __future__ import annotations

from typing import Any

import anyio
import anyio.lowlevel
import attrs

from smsapi_async import Pace
from smsapi_async._sending.call import Call, Lane, Repeat, Reply
from smsapi_async._sending.sender import Sender


@attrs.define
class Wire:
    """A fake of the HTTP layer: notes when requests leave, and takes its time."""

    seconds: float = 0.0
    left: list[tuple[float, str]] = attrs.field(factory=list)
    in_flight: int = 0
    most: int = 0

    async def exchange(self, call: Call[Any]) -> Reply:
        self.left.append((anyio.current_time(), call.name))
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            await anyio.sleep(self.seconds)
        finally:
            self.in_flight -= 1
        return Reply(status=200, headers={}, body=b"")

    async def aclose(self) -> None:
        """Nothing to close."""

    @property
    def times(self) -> list[float]:
        return [round(at, 6) for at, _ in self.left]

    @property
    def names(self) -> list[str]:
        return [name for _, name in self.left]


def call(name: str = "v1.check", lane: Lane = Lane.LOOK, provider: Any = "v1") -> Call[None]:
    return Call(name=name, provider=provider, path="x", read=lambda _: None, repeat=Repeat.FREELY, lane=lane)


def sender(wire: Wire, pace: Pace | None = None) -> Sender:
    return Sender(wire, pace or Pace(), 0)  # type: ignore[arg-type]  # a fake
