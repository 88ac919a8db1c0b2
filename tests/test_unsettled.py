"""The register of what could not be brought to its end."""

from __future__ import annotations

import logging

import anyio
import pytest

from smsapi_async import AsyncClient
from smsapi_async._unsettled import Unsettled
from smsapi_async.rent import RentedNumber
from smsapi_async.v1 import Order
from tests.opening import second


async def succeeds() -> bool:
    return True


async def fails() -> bool:
    return False


def test_what_is_added_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """A scope that closes after its client registers its order again."""
    told: list[str] = []
    unsettled = Unsettled[str](told.append)

    unsettled.add(7, "order", "no network", succeeds)
    unsettled.add(7, "order later", "no network", succeeds)

    assert (unsettled.keys, unsettled.subjects, told) == ((7,), ("order later",), ["order"])
    assert caplog.messages == ["order.unsettled id=7 why=no network"]
    assert caplog.records[0].levelno == logging.WARNING


def test_what_is_added_in_silence_is_told_in_the_end() -> None:
    """A late finish is worth a warning only when no task is left to send it."""
    told: list[str] = []
    unsettled = Unsettled[str](told.append)
    unsettled.add(7, "order", "late", succeeds, tell=False)
    assert told == []

    unsettled.tell_of_all()
    unsettled.tell_of_all()

    assert told == ["order"]


def test_nobody_needs_to_listen(caplog: pytest.LogCaptureFixture) -> None:
    """The log has it all the same."""
    Unsettled[str](None).add(7, "order", "late")

    assert "id=7" in caplog.text


def test_a_listener_that_fails_keeps_nothing_from_being_registered(caplog: pytest.LogCaptureFixture) -> None:
    """The listener is the caller's own code."""
    unsettled = Unsettled[str](lambda _: 1 / 0)

    unsettled.add(7, "order", "late")

    assert unsettled.keys == (7,)
    assert "on_unsettled failed id=7" in caplog.text


async def test_what_succeeds_at_the_second_try_is_dropped() -> None:
    """An order that cannot be settled stays, and so does a number that is kept on purpose."""
    unsettled = Unsettled[str](None)
    unsettled.add(1, "well", "", succeeds)
    unsettled.add(2, "ill", "", fails)
    unsettled.add(3, "kept", "")

    await unsettled.try_again()

    assert unsettled.subjects == ("ill", "kept")


async def test_all_are_tried_at_the_same_time_and_once() -> None:
    """One that hangs must not take the time of the others."""
    unsettled = Unsettled[int](None)
    tries: list[int] = []

    async def slow() -> bool:
        tries.append(second())
        await anyio.sleep(10)
        return False

    for key in range(5):
        unsettled.add(key, key, "", slow)

    async with anyio.create_task_group() as group:
        group.start_soon(unsettled.try_again)
        await anyio.sleep(1)
        await unsettled.try_again()

    assert tries == [0] * 5
    assert second() == 10


def test_what_came_to_its_end_is_dropped() -> None:
    """Once or more often."""
    unsettled = Unsettled[str](None)
    unsettled.add(7, "order", "")

    unsettled.discard(7)
    unsettled.discard(7)

    assert unsettled.keys == ()


async def test_an_order_and_a_rented_number_of_the_same_number_are_both_kept() -> None:
    """Their ids are counted by two providers: the one must not push the other out of the register."""
    async with AsyncClient("token", rent_key="key") as client:
        client._unsettled.add(7, Order(id=7), "no network")
        client._kept.add(7, RentedNumber(tzid=7), "bought for a caller that is gone")
        client.rent.purchases.closed(8)

        assert [type(each) for each in client.unsettled] == [Order, RentedNumber]

        client.rent.purchases.closed(7)
        assert [type(each) for each in client.unsettled] == [Order]
        client._unsettled.discard(7)
