"""CPU work on virtual time: the clock goes on, and no task gets a turn."""

from __future__ import annotations

import asyncio

import trio
from trio.testing import MockClock

from smsapi_async.testing import VirtualLoop


def work_for(seconds: float) -> None:
    """Hold the loop for that long: its timers are late then."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        clock = trio.lowlevel.current_clock()
        assert isinstance(clock, MockClock)
        clock.jump(seconds)
    else:
        assert isinstance(loop, VirtualLoop)
        loop._now += seconds
