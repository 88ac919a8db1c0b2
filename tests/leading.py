"""Leads a program in this process, which opens a client of its own, to a sandbox: no port, no network."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import httpx2
import pytest

from smsapi_async.sandbox import Sandbox


def lead_to(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the environment's keys and addresses, and put the sandbox in the place of the network."""
    monkeypatch.setenv("SMSAPI_TOKEN", sandbox.token)
    monkeypatch.setenv("SMSAPI_RENT_KEY", sandbox.rent_key)
    monkeypatch.setenv("SMSAPI_V1_URL", sandbox.v1_url)
    monkeypatch.setenv("SMSAPI_RENT_URL", sandbox.rent_url)
    for library, provider in (httpx, sandbox.transport()), (httpx2, sandbox.transport2()):
        monkeypatch.setattr(library.AsyncHTTPTransport, "handle_async_request", _answered_by(provider))


def _answered_by(provider: Any) -> Callable[..., Awaitable[object]]:
    """A transport in the place of a pool of connections."""

    async def handle_async_request(pool: object, request: object) -> object:
        return await provider.handle_async_request(request)

    return handle_async_request
