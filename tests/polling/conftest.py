"""Rules that must hold of every poller under test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from smsapi_async._polling.poller import Poller


@pytest.fixture(autouse=True)
def sound(monkeypatch: pytest.MonkeyPatch) -> None:
    """After each plain step of a poller its look queue must be sound."""
    for name in ("join", "leave", "observe", "close", "_deal", "_end_turn", "_end_look", "_begin_turn"):
        monkeypatch.setattr(Poller, name, checked(getattr(Poller, name)))


def checked(step: Callable[..., Any]) -> Callable[..., Any]:
    def run(poller: Poller[str], *arguments: Any, **named: Any) -> Any:
        result = step(poller, *arguments, **named)
        poller.check()
        return result

    return run
