"""The client of one command: of the provider the environment names, or of a sandbox inside this process."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import anyio
import attrs
import httpx
from cyclopts import Parameter

from .. import AsyncClient, Event, SmsApiError
from ..v1 import Order
from ._terminal import StopError, say

T = TypeVar("T")

InSandbox = Annotated[
    bool,
    Parameter(
        name="--sandbox",
        negative=(),
        help="Try it on a fresh provider in this process: no money.",
    ),
]

KEYS = {"v1": "SMSAPI_TOKEN", "rent": "SMSAPI_RENT_KEY"}


def run(work: Callable[[AsyncClient], Awaitable[T]], *, sandbox: bool, when_stopped: str = "") -> T:
    """Open a client, do the work, close the client, and tell what is left open.

    Args:
        when_stopped: said when Ctrl-C ended it.
    """
    with _Ending(when_stopped) as ending:

        async def main() -> T:
            async with opened(sandbox=sandbox, on_event=ending.heed) as ending.client:
                return await work(ending.client)

        return anyio.run(main)


@attrs.define
class _Ending:
    """The end of a command, when its client is closed: what could not be brought to its end is never silent."""

    when_stopped: str
    client: AsyncClient | None = None
    sent: bool = False

    def heed(self, event: Event) -> None:
        self.sent = self.sent or event.name == "call.ended"

    def __enter__(self) -> _Ending:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        unsettled = self.client.unsettled if self.client else ()
        for left in unsettled:
            if isinstance(left, Order):
                say(f"order {left.id} is left open: `smsapi orders --settle` tries again")
            else:
                say(f"rented number {left.tzid} is bought and kept: `smsapi rent list` shows it")
        if isinstance(error, KeyboardInterrupt) and self.when_stopped:
            say(self.when_stopped)
        if isinstance(error, ValueError) and self.sent:  # no wrong usage, after which nothing was sent
            raise StopError(f"{type(error).__name__} after something was sent: {error}", 3) from error
        if unsettled and (error is None or isinstance(error, SmsApiError)):
            raise StopError(str(error or "not everything was brought to its end"), 3) from error


@asynccontextmanager
async def opened(*, sandbox: bool, on_event: Callable[[Event], object]) -> AsyncIterator[AsyncClient]:
    """A client, as the environment says, or of a fresh sandbox that sends codes for `telegram`."""
    if not sandbox:
        async with AsyncClient(on_event=on_event) as client:
            yield client
        return
    from ..sandbox import Sandbox  # noqa: PLC0415  it takes a while, and few commands need it
    from ..sandbox.__main__ import DEMO  # noqa: PLC0415

    world = Sandbox(scenario=DEMO, start=datetime.now(UTC))
    async with (
        httpx.AsyncClient(transport=world.transport()) as http,
        AsyncClient(
            world.token,
            rent_key=world.rent_key,
            v1_url=world.v1_url,
            rent_url=world.rent_url,
            http_client=http,
            on_event=on_event,
        ) as client,
    ):
        yield client


def need_key(api: str, *, sandbox: bool) -> None:
    """Without a key nothing comes of it, so nothing is asked first.

    Raises:
        StopError: there is none.
    """
    if not (sandbox or os.environ.get(KEYS[api])):
        raise StopError(f"no key: set {KEYS[api]}, or try it without one with --sandbox", 1)


def keys_set(*, sandbox: bool) -> list[str]:
    """The APIs whose keys are there. Of v1 without one, which then says what is missing, when there is none."""
    return [api for api, variable in KEYS.items() if sandbox or os.environ.get(variable)] or ["v1"]
