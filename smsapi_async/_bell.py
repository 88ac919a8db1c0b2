"""A bell for one sleeper. An event of anyio's takes a kilobyte on asyncio, most of it a queue for further sleepers; a
client may have fifty thousand waits, each of which sleeps alone."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import anyio
import attrs
from sniffio import current_async_library

if TYPE_CHECKING:
    import asyncio


@attrs.define(eq=False)
class Bell:
    """Wakes whoever awaits it. One rung while nobody slept wakes the next sleeper at once, unless it was hushed."""

    rung: bool = False
    _sleep: asyncio.Future[None] | anyio.Event | None = None

    def hush(self) -> None:
        """Forget that it was rung."""
        self.rung = False

    def ring(self) -> None:
        self.rung = True
        if isinstance(self._sleep, anyio.Event):
            self._sleep.set()
        elif self._sleep is not None and not self._sleep.done():
            self._sleep.set_result(None)

    def __await__(self) -> Generator[Any, Any, None]:
        if self.rung:
            return
        self._sleep = sleep = _new_sleep()
        try:
            yield from sleep.wait().__await__() if isinstance(sleep, anyio.Event) else sleep
        finally:
            self._sleep = None


def _new_sleep() -> asyncio.Future[None] | anyio.Event:
    if current_async_library() != "asyncio":
        return anyio.Event()
    import asyncio  # noqa: PLC0415  a sixth of our import, and not needed on trio

    return asyncio.get_running_loop().create_future()
