"""Equal reads of the catalogue that run at the same time are one request."""

from __future__ import annotations

from functools import partial

import anyio
import anyio.lowlevel

from smsapi_async import BadParameterError
from smsapi_async.sandbox import Delay


async def test_equal_reads_of_the_catalogue_are_sent_once(sandbox, client):
    """Fifty bots that start together ask for the same table."""
    tables: list[object] = []

    async def bot(**filters: str) -> None:
        tables.append(await client.v1.prices(**filters))

    async with anyio.create_task_group() as group:
        for _ in range(50):
            group.start_soon(partial(bot, product="telegram"))
        group.start_soon(partial(bot, product="facebook"))

    assert sandbox.count("GET /v1/guest/prices") == 2
    assert len(tables) == 51


async def test_whoever_shares_a_read_survives_that_the_one_who_asks_is_cancelled(sandbox, client):
    """Another caller asks in its place."""
    sandbox.fail("guest/countries", Delay(5))
    found: list[object] = []

    async def bot() -> None:
        found.append(await client.v1.countries())

    async with anyio.create_task_group() as group:
        with anyio.move_on_after(2):
            async with anyio.create_task_group() as hasty:
                hasty.start_soon(client.v1.countries)
                await anyio.sleep(1)
                group.start_soon(bot)
                group.start_soon(bot)

    assert len(found) == 2
    assert sandbox.count("GET /v1/guest/countries") == 2


async def test_an_error_is_shared_too_and_everybody_gets_his_own(sandbox, client):
    """One object raised in several tasks would mix their tracebacks."""
    caught: list[Exception] = []

    async def bot() -> None:
        try:
            await client.v1.products("atlantis")
        except BadParameterError as error:
            caught.append(error)

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(bot)

    assert len({id(error) for error in caught}) == 3
    assert sandbox.count("GET /v1/guest/products") == 1
