"""A task sleeps until it is rung: no ring is lost, whenever it comes."""

from __future__ import annotations

import anyio

from smsapi_async._wakeup import Wakeup


async def test_one_rung_before_it_sleeps_does_not_sleep() -> None:
    """A turn may be dealt to a waiter in the moment in which it goes to rest."""
    sleeper = Wakeup()
    sleeper.ring()

    with anyio.fail_after(1):
        await sleeper.sleep()


async def test_one_that_was_hushed_sleeps_until_the_next_ring() -> None:
    """The ring before the hush was answered already."""
    sleeper = Wakeup()
    sleeper.ring()
    sleeper.hush()

    with anyio.move_on_after(5):
        await sleeper.sleep()

    assert anyio.current_time() >= 5
