"""What the tests of v1 share."""

from __future__ import annotations

import pytest


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """The looks come without jitter: at 4 s, then every 2 s, from 25 s on every 8 % of the order's age."""
    monkeypatch.setattr("smsapi_async._wait.random.random", lambda: 0.5)
