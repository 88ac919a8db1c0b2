"""The events of orders and rented numbers, from the purchase to the end, also when an answer is lost."""

from __future__ import annotations

import logging

import anyio
import pytest

from smsapi_async.sandbox import Answer, Delay, Delivery, LostAfter, LostBefore, Sandbox, Stall
from smsapi_async.testing import open_client
from tests.opening import buy
from tests.support.ear import Ear, failing
from tests.support.messages import CODE, CODES_AT_ONCE

pytestmark = pytest.mark.usefixtures("steady")
CHECK = "/user/check/"
BUY = "/user/buy/"
BUY_RENT = "getRentNum"
EXTEND = "extendRentState"


# -- orders ---------------------------------------------------------------------------------------------------------


async def test_an_order_is_told_from_its_purchase_to_its_end(sandbox: Sandbox, ear: Ear) -> None:
    """Programs count the cost of a day, its codes and their waiting times from these events.

    The wait ends when the order is finished; by the pace, that leaves 0.02 s after the look that found the code.
    """
    async with open_client(sandbox, on_event=ear) as client:
        order_id = await buy(client, sandbox, CODE)
        await client.await_code(order_id)

    assert ear.names == ["order.bought", "order.settled", "wait.ended"]
    bought, settled, waited = (dict(event.fields) for event in ear.told if event.name != "call.ended")
    assert bought == {"id": order_id, "product": "telegram", "country": "russia", "cost": sandbox.ledger.paid}
    assert settled == {"id": order_id, "status": "FINISHED"}
    assert waited == {"provider": "v1", "id": order_id, "outcome": "code", "seconds": 6.02, "code_seconds": 6.0}
    assert [call[:2] for call in ear.ended()] == [
        ("v1.buy_activation", False),
        ("v1.check", True),
        ("v1.check", True),
        ("v1.finish", False),
    ]


async def test_a_wait_without_a_code_is_told_with_its_error(sandbox: Sandbox, ear: Ear) -> None:
    """Given up, and given back."""
    async with open_client(sandbox, on_event=ear) as client:
        order_id = await buy(client)
        await failing(client.await_code(order_id, timeout=9))

    assert ear.of("wait.ended") == [
        {"provider": "v1", "id": order_id, "outcome": "WaitTimeoutError", "seconds": 9.02, "code_seconds": None}
    ]
    assert ear.of("order.settled") == [{"id": order_id, "status": "CANCELED"}]


async def test_a_cancelled_wait_is_told_as_such(sandbox: Sandbox, ear: Ear) -> None:
    """Under the same word on both loops."""
    async with open_client(sandbox, on_event=ear) as client:
        order_id = await buy(client)
        with anyio.move_on_after(3):
            await client.await_code(order_id)

    assert [(wait["outcome"], wait["seconds"]) for wait in ear.of("wait.ended")] == [("cancelled", 3.0)]


async def test_the_age_of_an_order_bought_elsewhere_is_the_provider_s(sandbox: Sandbox, ear: Ear) -> None:
    """After a restart the time to the code is still counted from the purchase."""
    async with open_client(sandbox) as before:
        order_id = await buy(before, sandbox, Delivery(60, "code 04217", "04217"))
    await anyio.sleep(50)

    async with open_client(sandbox, on_event=ear) as client:
        await client.await_code(order_id)

    (waited,) = ear.of("wait.ended")
    assert 60 <= waited["code_seconds"] <= 66
    assert waited["seconds"] < 16


async def test_a_failed_look_is_told(sandbox: Sandbox, ear: Ear) -> None:
    """A failed look ends no wait, so the event is its only trace."""
    sandbox.fail(CHECK, Answer(502, "<html>"))
    async with open_client(sandbox, on_event=ear) as client:
        await client.await_code(await buy(client, sandbox, CODE))

    assert ear.of("look.failed") == [{"call": "v1.check", "error": "OutcomeUnknownError"}]


async def test_a_finish_left_to_others_is_told_once(sandbox: Sandbox, ear: Ear) -> None:
    """Where many wait another wait finishes the order; the closing client would, too."""
    async with open_client(sandbox, on_event=ear) as client:
        orders = [await buy(client, sandbox, Delivery(5 + 7 * number, "code 04217", "04217")) for number in range(6)]
        async with anyio.create_task_group() as group:
            for order_id in orders:
                group.start_soon(client.await_code, order_id)

    assert sorted(end["id"] for end in ear.of("order.settled")) == orders
    assert len(ear.of("wait.ended")) == 6


async def test_a_finish_done_while_the_client_closes_is_told_once(sandbox: Sandbox, ear: Ear) -> None:
    """One that is left to other waits is still under way when the client asks itself."""
    sandbox.fail("user/finish", Delay(2))
    async with open_client(sandbox, on_event=ear) as client:
        orders = [await buy(client, sandbox, Delivery(20, "code 04217", "04217")) for _ in range(6)]
        async with anyio.create_task_group() as group:
            for order_id in orders:
                group.start_soon(client.await_code, order_id)
            await anyio.sleep(21)
        await client.aclose()

    assert sorted(end["id"] for end in ear.of("order.settled")) == orders


async def test_what_stays_open_is_told(sandbox: Sandbox, ear: Ear) -> None:
    """Money may depend on it. The register and the log agree."""
    sandbox.fail("/user/cancel/", Stall(processed=False), times=99)
    async with open_client(sandbox, on_event=ear, settle_timeout=5) as client:
        async with client.activation("telegram") as order:
            pass
        with pytest.warns(ResourceWarning, match="unsettled"):
            await client.aclose()

    assert ear.of("order.unsettled") == [{"id": order.id, "why": "no end within the bound"}]
    assert ear.of("order.settled") == []


# -- lost purchases -------------------------------------------------------------------------------------------------


async def test_a_purchase_found_again_is_told(sandbox: Sandbox, ear: Ear) -> None:
    """Lost, found, and bought like any other; also that its records could not be read at first."""
    sandbox.fail(BUY, LostAfter())
    sandbox.fail("/user/orders", Stall(processed=False))
    async with open_client(sandbox, on_event=ear, request_timeout=1, max_retries=0) as client:
        order = await client.v1.buy_activation("telegram")

    assert ear.names == ["purchase.lost", "purchase.records_unread", "purchase.found", "order.bought"]
    assert ear.of("purchase.lost") == [{"call": "v1.buy_activation", "product": "telegram"}]
    assert ear.of("purchase.records_unread") == [{"call": "v1.buy_activation", "error": "OutcomeUnknownError"}]
    assert ear.of("purchase.found") == [{"call": "v1.buy_activation", "id": order.id}]


async def test_a_purchase_that_was_not_made_is_told(sandbox: Sandbox, ear: Ear) -> None:
    """So that every loss is followed by one of three ends."""
    sandbox.fail(BUY, LostBefore())
    async with open_client(sandbox, on_event=ear) as client:
        await failing(client.v1.buy_activation("telegram"))

    assert ear.names == ["purchase.lost", "purchase.void"]
    assert ear.of("purchase.void") == [{"call": "v1.buy_activation"}]


@pytest.mark.parametrize(("patience", "level"), [(60, logging.INFO), (1, logging.WARNING)], ids=["there", "gone"])
async def test_an_unknown_outcome_is_told_once(
    patience: float, level: int, sandbox: Sandbox, ear: Ear, caplog: pytest.LogCaptureFixture
) -> None:
    """The level is higher if the error reaches no caller."""
    sandbox.fail(BUY, LostAfter())
    with caplog.at_level(logging.INFO, "smsapi_async"):
        async with open_client(sandbox, on_event=ear, shared_key=True) as client:
            with anyio.move_on_after(patience):
                await failing(client.v1.buy_activation("telegram"))

    (unknown,) = ear.of("purchase.unknown")
    assert unknown["candidates"] == tuple(sandbox.ledger.purchases)
    assert (unknown["call"], unknown["error"]) == ("v1.buy_activation", "SpendUnknownError")
    assert unknown["why"].startswith("v1.buy_activation: the answer was lost (")
    assert "), 1 order may have come of it; money may be spent" in unknown["why"]
    assert caplog.records[-1].levelno == level
    assert ear.names == ["purchase.lost", "purchase.unknown"]


async def test_an_order_bought_for_a_caller_who_is_gone_is_told(sandbox: Sandbox, ear: Ear) -> None:
    """The order is paid and given back, and no caller has its id."""
    sandbox.fail(BUY, Delay(5))
    async with open_client(sandbox, on_event=ear) as client:
        with anyio.move_on_after(1):
            await client.v1.buy_activation("telegram")

    assert ear.names == ["order.bought", "order.settled"]
    assert ear.of("order.settled") == [{"id": sandbox.ledger.purchases[0], "status": "CANCELED"}]


# -- rented numbers -------------------------------------------------------------------------------------------------


async def test_a_rented_number_is_told_from_its_purchase_to_its_code(ear: Ear) -> None:
    """The events have the same names as those of an order where they mean the same."""
    sandbox = Sandbox(scenario=CODES_AT_ONCE)
    async with open_client(sandbox, on_event=ear) as client:
        number = await client.rent.buy_number(7, 1, extension=True)
        await client.await_rent_code(number.tzid)
        await client.rent.extend(number.tzid, 7)
    price = number.extensions[7]

    assert ear.names == ["rent.bought", "wait.ended", "rent.extended"]
    assert ear.of("rent.bought") == [{"tzid": number.tzid, "country": 7, "cost": number.price}]
    assert ear.of("rent.extended") == [{"tzid": number.tzid, "days": 7, "cost": price}]
    (waited,) = ear.of("wait.ended")
    assert (waited["provider"], waited["id"], waited["outcome"]) == ("rent", number.tzid, "code")


async def test_rents_and_extensions_that_are_found_again_are_told(sandbox: Sandbox, ear: Ear) -> None:
    """As purchases of the other house are."""
    sandbox.fail(BUY_RENT, LostAfter())
    sandbox.fail(EXTEND, LostAfter())
    async with open_client(sandbox, on_event=ear) as client:
        number = await client.rent.buy_number(7, 1, extension=True)
        await client.rent.extend(number.tzid, 7)

    bought, extended = ["purchase.lost", "purchase.found", "rent.bought"], ["purchase.lost", "purchase.found"]
    assert ear.names == [*bought, *extended, "rent.extended"]
    assert ear.of("purchase.found") == [
        {"call": "rent.buy_number", "tzid": number.tzid},
        {"call": "rent.extend", "tzid": number.tzid},
    ]


async def test_an_extension_for_a_caller_who_is_gone_is_told(sandbox: Sandbox, ear: Ear) -> None:
    """An extension is paid for, and never undone."""
    sandbox.fail(EXTEND, Delay(5))
    async with open_client(sandbox, on_event=ear) as client:
        number = await client.rent.buy_number(7, 1, extension=True)
        with anyio.move_on_after(3):
            await client.rent.extend(number.tzid, 7)
        with pytest.warns(ResourceWarning, match="unsettled"):
            await client.aclose()

    assert ear.names == ["rent.bought", "rent.extended", "order.unsettled"]
