"""A sleeper that can be woken. An event of anyio takes a kilobyte on asyncio, most of it a queue for further sleepers.
A client may have fifty thousand waits, and each of them sleeps alone."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

import anyio
import attrs
from sniffio import current_async_library

if TYPE_CHECKING:
    import asyncio


@attrs.define(eq=False, repr=False, weakref_slot=False)
class Wakeup:
    """A sleeper. If it is rung while awake, its sleeps end at once until it is hushed."""

    rung: bool = attrs.field(default=False, init=False)
    _sleep: asyncio.Future[None] | anyio.Event | None = attrs.field(default=None, init=False)

    def hush(self) -> None:
        """Forget that it was rung."""
        self.rung = False

    def ring(self) -> None:
        self.rung = True
        if isinstance(self._sleep, anyio.Event):
            self._sleep.set()
        elif self._sleep is not None and not self._sleep.done():
            self._sleep.set_result(None)

    def sleep(self) -> Awaitable[None]:
        """Return what to await until it is rung. On asyncio that is no coroutine: each takes a quarter kilobyte."""
        if current_async_library() != "asyncio":
            self._sleep = event = anyio.Event()
            if self.rung:
                event.set()
            return event.wait()
        import asyncio  # noqa: PLC0415  a sixth of our import, and not needed on trio

        self._sleep = future = asyncio.get_running_loop().create_future()
        if self.rung:
            future.set_result(None)
        return future
