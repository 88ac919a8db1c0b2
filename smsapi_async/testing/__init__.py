"""A pytest plugin: your bot against a local provider, in the same process and on virtual time.

    pytest_plugins = ["smsapi_async.testing"]                         # in conftest.py

    @pytest.mark.sms_virtual_time
    async def test_the_bot_signs_up(sms_client, sms_sandbox):
        assert await sign_up(sms_client) == "04217"                   # yours
        sms_sandbox.ledger.assert_paid("0.2875")

Fixtures: `sms_scenario` is the world that a test begins with. Override it for a world of your own. By default every
`telegram` order and every number rented in country 7 gets a code after five seconds. `sms_sandbox` is a fresh `Sandbox`
of that world. `sms_client` is an `AsyncClient` of that sandbox, closed at the end. The test then fails if the bot left
an activation open or let one run out; the marker `sms_leaves_open` allows it.

The marker `sms_virtual_time` lets time jump over every wait, on asyncio; `sms_virtual_time("asyncio", "trio")` runs the
test on both loops. Without trio installed, the test on trio is skipped. Time begins at 0.0 (`anyio.current_time()`). A
test that can never go on ends with a `StuckError` that names the place. A test on virtual time cannot wait for sockets,
threads or processes.

A test that uses the sandbox without that marker waits in real time, and the summary of the run lists it. The marker
`sms_real_time` keeps it off the list.

Coroutine tests are run by the pytest plugin of anyio, which is always there. A test of these fixtures needs no mark of
anyio's. pytest-asyncio in its strict mode leaves such tests alone. In its auto mode it runs them itself, on real time;
`sms_virtual_time` then fails with that explanation.

`open_client` needs no pytest: it also serves unittest and scripts. The plugin is loaded only into a pytest that names
it. PYTEST_DONT_REWRITE: there is no assert in here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from .. import AsyncClient
from .._account import accounts_of
from ..sandbox import Sandbox
from ._clock import VirtualLoop, virtual_backend
from ._stuck import StuckError

__all__ = ["StuckError", "VirtualLoop", "open_client", "virtual_backend"]

pytest_plugins: list[str] = ["smsapi_async.testing._plugin"]  # pytest reads this name in every plugin that it loads


@asynccontextmanager
async def open_client(
    sandbox: Sandbox, *, transport: httpx.AsyncBaseTransport | None = None, **options: Any
) -> AsyncIterator[AsyncClient]:
    """Open a client of a sandbox in this process, and close it at the end.

    A test may open a second one, for a bot that was started again.

    Args:
        transport: your own around `sandbox.transport()`, for a test that reads or changes the requests and answers.
        options: further arguments of `AsyncClient`, such as `budget`.
    """
    async with httpx.AsyncClient(transport=transport or sandbox.transport()) as http:
        with accounts_of(sandbox):
            client = AsyncClient(
                sandbox.token,
                rent_key=sandbox.rent_key,
                v1_url=sandbox.v1_url,
                rent_url=sandbox.rent_url,
                http_client=http,
                **options,
            )
        async with client:
            yield client
