"""Real time: that the looks take ten seconds, and the pauses half a second, is proven on virtual time elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.transports.server import Server


@pytest.fixture(autouse=True)
def in_hundredths_of_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smsapi_async.v1._reconcile.LOOKS", (0.01, 0.01, 0.01))
    monkeypatch.setattr("smsapi_async._retry.FIRST_PAUSE", 0.01)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Starts servers, and ends them with the test."""
    with ExitStack() as servers:

        def start(**options: Any) -> Server:
            return servers.enter_context(Server(**options).running())

        yield start
