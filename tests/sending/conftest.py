"""The HTTP libraries that a client may be handed."""

from __future__ import annotations

from typing import Any

import httpx
import httpx2
import pytest


@pytest.fixture(params=[httpx, httpx2], ids=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> Any:
    return request.param
