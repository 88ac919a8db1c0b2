"""The client of one command: of the provider the environment names, or of a sandbox inside this process."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import anyio
import httpx
from cyclopts import Parameter

from .. import AsyncClient, SmsApiError
from ..sandbox import Sandbox
from ..sandbox.__main__ import DEMO
from ..v1 import Order
from ._terminal import StopError, say

T = TypeVar("T")

InSandbox = Annotated[
    bool, Parameter(name="--sandbox", negative=(), help="Try it on a provider inside this process: nothing is spent.")
]

KEYS = {"v1": "SMSAPI_TOKEN", "rent": "SMSAPI_RENT_KEY"}


def run(work: Callable[[AsyncClient], Awaitable[T]], *, sandbox: bool) -> T:
    """Open a client, do the work, close the client; and tell what could not be brought to its end."""
    used: list[AsyncClient] = []

    async def main() -> T:
        async with opened(sandbox=sandbox) as client:
            used.append(client)
            return await work(client)

    try:
        result = anyio.run(main)
    except (SmsApiError, KeyboardInterrupt) as error:
        if _told_of_unsettled(used) and isinstance(error, SmsApiError):
            raise StopError(str(error), 3) from error
        raise
    if _told_of_unsettled(used):
        raise StopError("not everything was brought to its end", 3)
    return result


def _told_of_unsettled(clients: list[AsyncClient]) -> bool:
    """Tell what is left open, and how to go on; whether there was anything."""
    unsettled = [left for client in clients for left in client.unsettled]
    for left in unsettled:
        if isinstance(left, Order):
            say(f"order {left.id} is left open: `smsapi orders --settle` tries again")
        else:
            say(f"rented number {left.tzid} is bought and kept: `smsapi rent list` shows it")
    return bool(unsettled)


@asynccontextmanager
async def opened(*, sandbox: bool) -> AsyncIterator[AsyncClient]:
    """A client, as the environment says, or of a fresh sandbox that sends codes for `telegram`."""
    if not sandbox:
        async with AsyncClient() as client:
            yield client
        return
    world = Sandbox(scenario=DEMO, start=datetime.now(UTC))
    async with (
        httpx.AsyncClient(transport=world.transport()) as http,
        AsyncClient(
            world.token, rent_key=world.rent_key, v1_url=world.v1_url, rent_url=world.rent_url, http_client=http
        ) as client,
    ):
        yield client


def keys_set(*, sandbox: bool) -> list[str]:
    """The APIs whose keys are there. Of v1 without one, which then says what is missing, when there is none."""
    return [api for api, variable in KEYS.items() if sandbox or os.environ.get(variable)] or ["v1"]
