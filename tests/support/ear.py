"""A listener that keeps every event it is given."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import attrs
import pytest

from smsapi_async import Event, SmsApiError


@attrs.define
class Ear:
    """An `on_event` that keeps every event."""

    told: list[Event] = attrs.field(factory=list)

    def __call__(self, event: Event) -> None:
        self.told.append(event)

    @property
    def names(self) -> list[str]:
        """The names of all events but those of requests."""
        return [event.name for event in self.told if event.name != "call.ended"]

    def of(self, name: str) -> list[dict[str, Any]]:
        return [dict(event.fields) for event in self.told if event.name == name]

    def ended(self) -> list[tuple[Any, ...]]:
        return [(call["call"], call["look"], call["status"], call["error"]) for call in self.of("call.ended")]


async def failing(act: Awaitable[object]) -> None:
    with pytest.raises(SmsApiError):
        await act
