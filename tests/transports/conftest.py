"""Real time: that the looks take ten seconds, and the pauses half a second, is proven on virtual time elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.transports.server import Server


@pytest.fixture(autouse=True)
def in_hundredths_of_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smsapi_async._sending.lost_purchases.LOOKS", (0.01, 0.01, 0.01))
    monkeypatch.setattr("smsapi_async._sending.retry.FIRST_PAUSE", 0.01)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Starts servers, and ends them with the test."""
    with ExitStack() as servers:

        def start(**options: Any) -> Server:
            return servers.enter_context(Server(**options).running())

        yield start


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """httpx on trio, httpx2 on asyncio; `tests/sending/test_sockets.py` has the other two pairs."""
    here = Path(__file__).parent
    items[:] = [item for item in items if item.path.parent != here or _is_paired(item)]


def _is_paired(item: pytest.Item) -> bool:
    given = getattr(getattr(item, "callspec", None), "params", {})
    kind, backend = given.get("kind"), given.get("anyio_backend")
    return kind is None or backend is None or (kind.package is httpx) == (backend == "trio")
