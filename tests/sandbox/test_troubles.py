"""Troubles of a whole provider: as the client meets them, they begin and end when they should."""

from __future__ import annotations

import anyio
import pytest

from smsapi_async import AuthenticationError, NoNumbersError
from smsapi_async.sandbox import no_numbers, refuse_keys


async def buy(client):
    await client.v1.cancel((await client.v1.buy_activation("telegram")).id)


async def hire(client):
    await client.rent.buy_number(7, 1)


async def reuse(client):
    await client.v1.reuse("telegram", "+79001234567")


@pytest.mark.parametrize("act", [buy, hire, reuse])
async def test_numbers_run_out(act, sandbox, client):
    """Both providers, and a number bought before: every purchase says so in its own word."""
    no_numbers(sandbox)

    with pytest.raises(NoNumbersError):
        await act(client)

    assert sandbox.ledger.purchases == sandbox.ledger.rents == []


async def test_numbers_come_back_at_their_second(sandbox, client):
    """A bot that tries again is tested to the second."""
    await anyio.sleep(100)
    no_numbers(sandbox, 60)
    await anyio.sleep(59)
    with pytest.raises(NoNumbersError):
        await buy(client)

    await anyio.sleep(1)
    await buy(client)

    sandbox.ledger.assert_bought(1)


async def test_without_numbers_everything_else_goes_on(sandbox, client):
    """An order bought before is not lost with the stock."""
    order = await client.v1.buy_activation("telegram")
    no_numbers(sandbox)

    await client.v1.cancel(order.id)

    sandbox.ledger.assert_settled()


@pytest.mark.parametrize("ask", [lambda c: c.v1.profile(), lambda c: c.v1.wallets(), lambda c: c.rent.numbers()])
async def test_refused_keys_open_nothing(ask, sandbox, client):
    """A bot whose account is banned overnight must say so, and stop."""
    await ask(client)
    refuse_keys(sandbox)

    with pytest.raises(AuthenticationError):
        await ask(client)


async def test_the_catalogue_needs_no_key(sandbox, client):
    """The real one answers every client."""
    refuse_keys(sandbox)

    assert await client.v1.countries()
