"""Unexpected exceptions, after a call that spends has left: the purchase is found all the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest

from smsapi_async import (
    AsyncClient,
    Budget,
    ClientClosedError,
    NoNumbersError,
    NothingBoughtError,
    NotSentError,
    Pace,
    SpendUnknownError,
)
from smsapi_async.sandbox import LostBefore, Mangle, Sandbox
from tests.test_cancelled_already import withdraw
from tests.test_spending_cut_short import KINDS, WORLD


class OddError(BaseException):
    """An error of an unknown library."""


ERRORS: list[Callable[[], BaseException]] = [
    ValueError, OverflowError, RecursionError, MemoryError, KeyError, OddError, StopAsyncIteration,
    lambda: ExceptionGroup("several", [ValueError()]),
    lambda: NotSentError("another request found no network"), lambda: NoNumbersError("another request"),
    lambda: ClientClosedError("another client"), lambda: NothingBoughtError("another purchase"),
]  # fmt: skip

every_error = pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error()).__name__)
every_kind = pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind.prepare.__name__ != "enter_scope"], ids=lambda kind: kind.prepare.__name__
)


def hooked(sandbox: Sandbox, part: str, errors: list[Callable[[], BaseException]]) -> httpx.AsyncClient:
    """A client of the user's, with a hook that fails at the answer to such a request, once for each error."""

    async def hook(response: httpx.Response) -> None:
        if part in str(response.request.url) and errors:
            error = errors.pop()
            raise error()

    return httpx.AsyncClient(transport=sandbox.transport(), event_hooks={"response": [hook]})


def opened(sandbox: Sandbox, http: httpx.AsyncClient, **options: Any) -> AsyncClient:
    given = {"rent_key": sandbox.rent_key, "v1_url": sandbox.v1_url, "rent_url": sandbox.rent_url, **options}
    return AsyncClient(sandbox.token, http_client=http, pace=Pace(rent_per_second=10), **given)


@every_kind
@every_error
async def test_a_hook_that_fails_at_the_answer_loses_nothing(error, kind):
    """The hook is the user's, the money too."""
    sandbox = Sandbox(scenario=WORLD)
    errors: list[Callable[[], BaseException]] = []
    async with hooked(sandbox, kind.request, errors) as http, opened(sandbox, http) as client:
        spend = await kind.prepare(client)
        await anyio.sleep(120)
        errors.append(error)
        bought: Any = await spend()

    assert [getattr(bought, "id", None) or bought.tzid] == kind.made(sandbox.ledger)
    assert errors == []


@every_error
async def test_a_hook_that_fails_at_the_answer_to_a_payout_leaves_it_unknown(error):
    """There is no record of it, and certainly no proof against it."""
    sandbox = Sandbox(scenario=WORLD)
    async with hooked(sandbox, "withdraw", [error]) as http, opened(sandbox, http) as client:
        spend = await withdraw(client)
        with pytest.raises(SpendUnknownError):
            await spend()

    assert len(sandbox.ledger.withdrawals) == 1


@every_error
async def test_a_hook_that_fails_before_the_answer_buys_nothing_unseen(error):
    """Nothing was bought, which the records show; a budget counts nothing for it."""
    sandbox, budget = Sandbox(scenario=WORLD), Budget(money=9, per_order=1)
    errors = [error]

    async def hook(request: httpx.Request) -> None:
        if "/buy/" in str(request.url) and errors:
            failure = errors.pop()
            raise failure()

    async with (
        httpx.AsyncClient(transport=sandbox.transport(), event_hooks={"request": [hook]}) as http,
        opened(sandbox, http, budget=budget) as client,
    ):
        with pytest.raises((NothingBoughtError, NotSentError)):
            await client.v1.buy_activation("telegram")

    assert not sandbox.ledger.purchases
    assert budget.left == 9


@pytest.mark.parametrize("depth", [300, 100_000])
async def test_an_answer_that_nests_too_deeply_loses_no_number(depth, sandbox, client):
    """Its reader gives up in its own way; the number is hired."""
    deep = b"[" * depth + b"]" * depth
    sandbox.fail("getRentNum", Mangle(lambda body: body.replace(b'"messages":', b'"messages":' + deep + b',"m":', 1)))

    number = await client.rent.buy_number(7, 1)

    assert sandbox.ledger.rents == [number.tzid]


async def test_a_failing_lookup_names_the_failure_and_nothing_private(sandbox, client, monkeypatch):
    """The records are read by code that may fail as well."""

    def fail(*_: object) -> None:
        raise ValueError("phone +79001234567")

    monkeypatch.setattr("smsapi_async._sending.lost_purchases.entangled", fail)
    sandbox.fail("/buy/", LostBefore())

    with pytest.raises(SpendUnknownError, match="looking for it ended with ValueError") as caught:
        await client.v1.buy_activation("telegram")

    assert "7900" not in f"{caught.value} {caught.value.__cause__} {caught.value.__context__}"


async def test_an_order_whose_registration_fails_is_returned(sandbox, client, monkeypatch):
    """The answer was read, so the order is known: nothing need be looked up."""

    def fail(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr("smsapi_async.v1._settle.Settler.heed", fail)

    order = await client.v1.buy_activation("telegram")

    assert sandbox.ledger.purchases == [order.id]
    assert sandbox.count("GET /v1/user/orders") == 0
    assert client._purchases.bought(order.id) is not None
