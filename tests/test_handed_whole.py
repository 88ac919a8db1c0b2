"""Calls about an order or a rented number take what a purchase returned, and not only its id."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from smsapi_async import AsyncClient, NoCodeError, Sms, SmsApiError, SpendUnknownError
from smsapi_async.rent import RentedNumber
from smsapi_async.sandbox import Delivery, Sandbox, Scenario
from smsapi_async.v1 import Order

ABOUT_ORDERS: dict[str, Callable[[AsyncClient, Any], Awaitable[Any]]] = {
    "await_code": lambda client, order: client.await_code(order, timeout=30),
    "await_sms": lambda client, order: client.await_sms(order, timeout=30),
    "messages": lambda client, order: anext(client.messages(order)),
    "resume": lambda client, order: client.resume(order).__aenter__(),
    "check": lambda client, order: client.v1.check(order),
    "finish": lambda client, order: client.v1.finish(order),
    "cancel": lambda client, order: client.v1.cancel(order),
    "ban": lambda client, order: client.v1.ban(order),
    "inbox": lambda client, order: client.v1.inbox(order),
}
ABOUT_NUMBERS: dict[str, Callable[[AsyncClient, Any], Awaitable[Any]]] = {
    "await_rent_code": lambda client, number: client.await_rent_code(number, timeout=30),
    "rent_messages": lambda client, number: anext(client.rent_messages(number)),
    "number": lambda client, number: client.rent.number(number),
    "extend": lambda client, number: client.rent.extend(number, 7),
    "reload_port": lambda client, number: client.rent.reload_port(number),
    "close": lambda client, number: client.rent.close(number),
}

SMS = Sms(text="Telegram code 04217", code="04217")


@pytest.fixture
def sandbox() -> Sandbox:
    """Both purchases receive a code."""
    code = [Delivery(5, "Telegram code 04217", "04217")]
    return Sandbox(scenario=Scenario(plans={"telegram": [code]}, rent_plans={"7": [code]}))


async def outcome(act: Awaitable[Any]) -> object:
    """The result of the call, or its error in words."""
    try:
        found = await act
    except SmsApiError as error:
        return str(error)
    return type(found)


def ids(line: str) -> list[str]:
    return [part for part in line.replace("=", "/").replace("&", "/").split("/") if part.isdigit()]


@pytest.mark.filterwarnings("ignore:order .* was never settled:ResourceWarning")
@pytest.mark.parametrize("name", ABOUT_ORDERS)
async def test_a_call_about_an_order_takes_the_order_itself(sandbox: Sandbox, client: AsyncClient, name: str) -> None:
    """The caller has it in hand, and `.id` is one more thing to know."""
    order = await client.v1.buy_activation("telegram", country="russia")

    await outcome(ABOUT_ORDERS[name](client, order))

    await client.v1.check(order)
    assert all(str(order.id) in ids(line) for line in sandbox.requests[1:])


@pytest.mark.parametrize("name", ABOUT_NUMBERS)
async def test_a_call_about_a_rented_number_takes_the_number_itself(
    sandbox: Sandbox, client: AsyncClient, name: str
) -> None:
    """The caller has it in hand, and `.tzid` is one more thing to know."""
    number = await client.rent.buy_number(7, 1, extension=True)
    before = len(sandbox.requests)

    await outcome(ABOUT_NUMBERS[name](client, number))

    asked = [line for line in sandbox.requests[before:] if "tzid=" in line]
    assert asked
    assert all(str(number.tzid) in ids(line.replace("?", "/")) for line in asked)


@pytest.mark.parametrize("name", ABOUT_ORDERS)
async def test_what_is_no_order_is_named_before_anything_is_sent(sandbox: Sandbox, client, name: str) -> None:
    """A rented number handed to a call about orders is a mistake of the program."""
    with pytest.raises(ValueError, match=r"^(order|order_id|id): "):
        await ABOUT_ORDERS[name](client, RentedNumber(tzid=9))

    assert sandbox.requests == []


@pytest.mark.parametrize("name", ABOUT_NUMBERS)
async def test_what_is_no_rented_number_is_named_before_anything_is_sent(sandbox: Sandbox, client, name: str) -> None:
    """An order handed to a call about rented numbers is a mistake of the program."""
    with pytest.raises(ValueError, match=r"^tzid: "):
        await ABOUT_NUMBERS[name](client, Order(id=9))

    assert sandbox.requests == []


async def test_a_scope_shows_the_price_of_its_order(client: AsyncClient) -> None:
    """A bot tells its user what a number cost."""
    async with client.activation("telegram", country="russia") as bought:
        assert bought.price == bought.order.price
        assert bought.price is not None


@pytest.mark.parametrize(
    ("error", "texts"),
    [
        (NoCodeError("no code", order=Order(id=7, sms=(SMS,))), (SMS,)),
        (NoCodeError("no code", number=RentedNumber(tzid=9, messages=(SMS,))), (SMS,)),
        (NoCodeError("no code"), ()),
    ],
    ids=["order", "number", "neither"],
)
def test_the_messages_of_a_wait_without_a_code_are_at_hand(error: NoCodeError, texts: tuple[Sms, ...]) -> None:
    """`error.order` may be None, so that a strict type checker refuses `error.order.sms`."""
    assert error.sms == texts


def test_the_candidates_of_a_lost_purchase_are_sorted_by_kind() -> None:
    """An order has an `id` and a rented number a `tzid`: a loop over both needs to ask which it is."""
    order, number = Order(id=7), RentedNumber(tzid=9)
    error = SpendUnknownError("lost", candidates=(order, number))

    assert (error.orders, error.numbers) == ((order,), (number,))
