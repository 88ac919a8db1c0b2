"""Accounts: the clients of one provider URL and one key share an account, and other clients do not."""

from __future__ import annotations

import gc
from decimal import Decimal
from functools import partial
from typing import Any

import anyio
import httpx
import pytest

from smsapi_async import AsyncClient, Budget, NothingBoughtError, Pace, SpendUnknownError
from smsapi_async import _account as accounts
from smsapi_async._sending.claims import Claim
from smsapi_async.sandbox import Delay, LostAfter, LostBefore, Sandbox
from smsapi_async.testing import open_client
from tests.support import lost_rents as rents
from tests.support.lost_orders import BUY, ids
from tests.support.lost_purchases import together


def client_of(sandbox: Sandbox, **other: Any) -> AsyncClient:
    """One that is not opened, and whose provider cannot be reached."""
    given = {"token": sandbox.token, "rent_key": sandbox.rent_key, "v1_url": sandbox.v1_url, **other}
    return AsyncClient(rent_url=sandbox.rent_url, **given)


def v1_account(client: AsyncClient) -> Any:
    return client._accounts["v1"]


# -- two clients in one loop ------------------------------------------------------------------------------------------


async def test_two_clients_do_not_give_one_order_to_two_lost_purchases(sandbox, client):
    """One of the two was made. Each client alone would see one purchase and one row."""
    sandbox.fail(BUY, LostAfter())
    sandbox.fail(BUY, LostBefore())
    async with open_client(sandbox) as other:
        errors = await together(*[partial(each.v1.buy_activation, "telegram") for each in (client, other)])

    assert [type(error) for error in errors] == [SpendUnknownError] * 2
    assert [ids(error) for error in errors] == [sandbox.ledger.purchases] * 2


@pytest.mark.parametrize("k", [2, 6])
async def test_the_lost_purchases_of_two_clients_share_out_their_orders(k, sandbox, client):
    """Each is registered with the client that bought it, and with that one's budget."""
    sandbox.fail(BUY, LostAfter(), times=k)
    budgets = [Budget(money=50, per_order=1) for _ in "ab"]
    async with open_client(sandbox, budget=budgets[0]) as one, open_client(sandbox, budget=budgets[1]) as two:
        orders = await together(
            *[partial(each.v1.buy_activation, "telegram", country="russia") for each in (one, two)] * (k // 2)
        )

        assert sorted(order.id for order in orders) == sandbox.ledger.purchases
        assert [one._purchases.bought(order.id) is not None for order in orders] == [True, False] * (k // 2)
    assert [budget.spent for budget in budgets] == [Decimal("0.2875") * (k // 2)] * 2


async def test_an_order_of_another_client_is_not_taken_for_a_lost_one(sandbox, client):
    """Its answer is late; its row is there already."""
    sandbox.fail(BUY, Delay(20))
    sandbox.fail(BUY, LostBefore())
    async with open_client(sandbox) as other:
        slow, lost = await together(
            *[partial(each.v1.buy_activation, "telegram") for each in (client, other)], apart=0.1
        )

    assert [slow.id] == sandbox.ledger.purchases
    assert isinstance(lost, NothingBoughtError)


async def test_two_clients_do_not_give_one_number_to_two_lost_rents(sandbox):
    """A number has no time of purchase, so only the account knows its owner."""
    async with (
        open_client(sandbox, pace=Pace(rent_per_second=10)) as one,
        open_client(sandbox, pace=Pace(rent_per_second=10)) as two,
    ):
        await one.rent.buy_number(46, 1)
        await two.rent.buy_number(46, 1)  # both know what is held
        sandbox.fail(rents.BUY, LostAfter())
        sandbox.fail(rents.BUY, LostBefore())
        errors = await rents.together(*[partial(each.rent.buy_number, 7, 1) for each in (one, two)])

    assert [type(error) for error in errors] == [SpendUnknownError] * 2


async def test_a_number_of_another_client_is_not_taken_for_a_lost_one(sandbox):
    """The other client's purchase is in flight while the list is read."""
    sandbox.fail(rents.BUY, Delay(20))
    sandbox.fail(rents.BUY, LostBefore())
    pace = Pace(rent_per_second=10)
    async with open_client(sandbox, pace=pace) as one, open_client(sandbox, pace=Pace(rent_per_second=10)) as two:
        slow, lost = await rents.together(*[partial(each.rent.buy_number, 7, 1) for each in (one, two)])

    assert [slow.tzid] == sandbox.ledger.rents
    assert isinstance(lost, NothingBoughtError)


async def test_two_clients_do_not_take_one_extension_for_two(sandbox, client):
    """One was made: the days that the number has more are those of one call."""
    number = await client.rent.buy_number(7, 1, extension=True)
    sandbox.world.receive_rent(number.tzid, "code 1234", "1234")
    sandbox.fail("extendRentState", LostAfter())
    sandbox.fail("extendRentState", LostBefore())
    async with open_client(sandbox) as other:
        first, second = await rents.together(*[partial(each.rent.extend, number.tzid, 7) for each in (client, other)])

    assert first.days_bought == 8
    assert isinstance(second, NothingBoughtError)


async def test_clients_share_the_default_pace(sandbox):
    """The provider limits the key, and not the client."""
    async with open_client(sandbox) as one, open_client(sandbox) as two, anyio.create_task_group() as group:
        for client in [one, two] * 50:
            group.start_soon(client.v1.profile)

    assert anyio.current_time() == pytest.approx(2, abs=0.1)


async def test_a_pace_that_is_given_is_the_client_s_own(sandbox):
    """Its owner has said how fast it may be."""
    async with (
        open_client(sandbox, pace=Pace()) as one,
        open_client(sandbox, pace=Pace()) as two,
        anyio.create_task_group() as group,
    ):
        for client in [one, two] * 50:
            group.start_soon(client.v1.profile)

    assert anyio.current_time() == pytest.approx(1, abs=0.1)


# -- what is one account ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other", [{"token": "another-token"}, {"v1_url": "http://another.test/v1"}, {"token": None}], ids=str
)
def test_another_key_or_url_is_another_account(other, sandbox):
    """Strangers share nothing."""
    one, two = client_of(sandbox), client_of(sandbox, **other)

    assert v1_account(one) is v1_account(client_of(sandbox))
    assert v1_account(one) is not v1_account(two)
    assert one._accounts["rent"] is two._accounts["rent"]


async def test_different_keys_claim_nothing_from_each_other(sandbox, client):
    """The same order id in two accounts is two orders."""
    order = await client.v1.buy_activation("telegram")

    async with httpx.AsyncClient(transport=sandbox.transport()) as http:
        other = client_of(sandbox, token="another", http_client=http)

    assert not v1_account(client).claims.is_free(order.id)
    assert v1_account(other).claims.is_free(order.id)


def test_no_account_holds_a_key(sandbox):
    """A dump of the registry is no leak."""
    client = client_of(sandbox)

    known = repr([*accounts._accounts.values()]) + repr(vars(v1_account(client)))

    assert sandbox.token not in known
    assert sandbox.rent_key not in known


async def test_two_sandboxes_are_two_worlds(sandbox, client):
    """Both have the same URL and keys, and their order ids begin with the same number."""
    order = await client.v1.buy_activation("telegram")
    another = Sandbox()
    another.fail(BUY, LostAfter())

    async with open_client(another) as other:
        found = await other.v1.buy_activation("telegram")

    assert found.id == order.id


async def test_two_sandboxes_behind_clients_of_the_user_are_two_worlds(sandbox):
    """No test runner but ours says whose the accounts are; the transport does."""
    async with (
        httpx.AsyncClient(transport=sandbox.transport()) as here,
        httpx.AsyncClient(transport=Sandbox().transport()) as there,
    ):
        one, two, three = [client_of(sandbox, http_client=http) for http in (here, there, here)]

    assert v1_account(one) is not v1_account(two)
    assert v1_account(one) is v1_account(three)


# -- how long it lives ------------------------------------------------------------------------------------------------


async def test_an_account_outlives_its_clients_while_its_loop_runs(sandbox):
    """A ban is of the key: a client that is opened anew must not forget the hits of the one before."""
    async with open_client(sandbox) as one:
        await one.v1.profile()
        before = v1_account(one)
    del one
    gc.collect()

    async with open_client(sandbox) as two:
        assert v1_account(two) is before


def test_an_account_is_kept_for_a_client_that_has_not_run_yet(sandbox):
    """It is made where no loop runs, and a second one joins it."""
    before = v1_account(client := client_of(sandbox))

    assert v1_account(client_of(sandbox)) is before
    assert before.is_used()
    del client
    gc.collect()
    assert not before.is_used()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_an_account_is_remembered_when_its_loop_is_over(backend, sandbox):
    """A second run would take an order of the first one for the purchase that it lost."""
    seen: list[Any] = []

    async def main() -> None:
        async with client_of(sandbox) as client:
            seen.append(v1_account(client))
            v1_account(client).claims.claim(7, Claim())

    anyio.run(main, backend=backend)
    gc.collect()
    anyio.run(main, backend=backend)

    assert seen[0] is seen[1]
    assert not seen[0].is_used()


def test_of_the_accounts_that_nothing_uses_the_oldest_are_forgotten(sandbox):
    """A program that serves thousands of keys must not keep them all."""
    first = client_of(sandbox, token="the-first")
    kept = v1_account(first)
    for number in range(accounts.UNUSED_KEPT + 50):
        client_of(sandbox, token=f"another-{number}")
        gc.collect(0)

    (known,) = accounts._accounts.values()
    assert len(known) < accounts.UNUSED_KEPT + 20  # of the newest some await the garbage collector
    assert v1_account(client_of(sandbox, token="the-first")) is kept


async def test_the_oldest_claims_are_forgotten(monkeypatch, client):
    """A service that runs for months does not grow."""
    monkeypatch.setattr("smsapi_async._sending.claims.CLAIMS_KEPT", 3)
    claims = v1_account(client).claims
    for key in range(5):
        claims.claim(key, Claim(key))

    assert claims.marks == (2, 3, 4)
