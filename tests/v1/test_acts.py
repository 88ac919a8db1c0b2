"""finish, cancel and ban whose answer is lost: the state shows if the lost one was done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from smsapi_async import AsyncClient, NotFoundError, OrderStateError, OutcomeUnknownError
from smsapi_async.sandbox import Answer, DoneUnseen, LostAfter, LostBefore, NotDone, Sandbox
from smsapi_async.v1 import Order
from tests.opening import buy

Act = Callable[[AsyncClient, int], Awaitable[Order]]
ACTS: dict[str, tuple[Act, str]] = {
    "finish": (lambda client, key: client.v1.finish(key), "FINISHED"),
    "cancel": (lambda client, key: client.v1.cancel(key), "CANCELED"),
    "ban": (lambda client, key: client.v1.ban(key), "BANNED"),
}


@pytest.mark.parametrize("lost", [LostAfter(), LostBefore()], ids=["done", "not done"])
@pytest.mark.parametrize("name", ACTS)
async def test_an_act_whose_answer_is_lost_is_repeated_and_believed(sandbox: Sandbox, client: AsyncClient, name, lost):
    """The repetition is refused because the lost one worked: that is no error of the caller."""
    act, status = ACTS[name]
    order_id = await buy(client)
    if name == "finish":
        sandbox.world.receive(order_id, "code 1234", "1234")
    sandbox.fail(f"/user/{name}", lost)

    order = await act(client, order_id)

    assert (order.id, order.status) == (order_id, status)


async def test_a_lost_act_that_did_not_happen_is_refused_as_it_was(sandbox: Sandbox, client: AsyncClient):
    """The state is not the one asked for, so the refusal stands."""
    order_id = await buy(client)
    sandbox.fail("/user/cancel", LostBefore())
    sandbox.fail("/user/cancel", Answer(400, "you need to wait time"))

    with pytest.raises(OrderStateError, match="you need to wait time"):
        await client.v1.cancel(order_id)


async def test_a_refusal_of_the_first_try_is_not_looked_into(sandbox: Sandbox, client: AsyncClient):
    """Nothing was lost: the provider's word is the answer."""
    with pytest.raises(NotFoundError):
        await client.v1.cancel(1)

    assert sandbox.requests == ["GET /v1/user/cancel/1"]


@pytest.mark.parametrize("name", ["cancel", "ban"])
async def test_an_act_answered_200_and_not_done_is_no_success(sandbox: Sandbox, client: AsyncClient, name):
    """The order is still open, and paid: a 200 alone is no evidence."""
    act, _ = ACTS[name]
    order_id = await buy(client)
    sandbox.fail(f"/user/{name}", NotDone())

    with pytest.raises(OutcomeUnknownError, match="still PENDING"):
        await act(client, order_id)


@pytest.mark.parametrize("name", ["cancel", "ban"])
async def test_an_act_done_unseen_is_believed_after_a_check(sandbox: Sandbox, client: AsyncClient, name):
    """The answer showed the order as it was before."""
    act, status = ACTS[name]
    order_id = await buy(client)
    sandbox.fail(f"/user/{name}", DoneUnseen())

    assert (await act(client, order_id)).status == status
