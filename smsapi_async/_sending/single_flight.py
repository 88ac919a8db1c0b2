"""Equal reads in flight are sent once: the first caller asks, the others get its result. Knows nothing of the reads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from copy import copy
from typing import Any, TypeVar, cast

import anyio
import attrs

from .._errors import SmsApiError

T = TypeVar("T")


@attrs.define
class Flight:
    """One read under way. It landed with a result or an error; if it was given up, it has neither."""

    landed: bool = False
    result: Any = None
    error: SmsApiError | None = None
    over: anyio.Event = attrs.field(factory=anyio.Event)


class SingleFlight:
    """The reads under way, by their keys."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, Flight] = {}

    async def share(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        """Return the result of an equal read under way, otherwise of `ask`. If the first is cancelled, another asks."""
        while (flight := self._flights.get(key)) is not None:
            await flight.over.wait()
            if flight.error is not None:
                raise copy(flight.error) from flight.error
            if flight.landed:
                return cast("T", flight.result)
        flight = self._flights[key] = Flight()
        try:
            flight.result = result = await ask()
            flight.landed = True
        except SmsApiError as error:
            flight.error = error
            raise
        finally:
            del self._flights[key]
            flight.over.set()
        return result
