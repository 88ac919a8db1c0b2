"""Programs that are stopped while they hold a number: processes of their own, real signals, real sockets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import attrs
import pytest

from smsapi_async.sandbox import Delay, Fault, LostAfter, Sandbox, Scenario, Stall
from tests.serving import Host

pytestmark = [
    pytest.mark.socket,
    pytest.mark.skipif(sys.platform == "win32", reason="signals cannot be sent to one process there"),
]

ROOT = Path(__file__).parents[1]
SLACK = 15.0
"""Seconds a busy machine may take for what is done in a moment."""

NOISE = ("was destroyed", "never retrieved", "never awaited", "unclosed", "Exception ignored")
"""The interpreter's words about objects that were left unclosed."""

each_loop = pytest.mark.parametrize("loop", ["asyncio", "trio"])
untraced = pytest.mark.usefixtures("untraced")


@attrs.define
class Program:
    """A running program, the provider it talks to, and what it printed in the end."""

    sandbox: Sandbox
    process: subprocess.Popen[str]
    cancel_timeout: float
    out: str = ""
    err: str = ""

    def until_ready(self) -> None:
        """Wait until it rests where it is to be stopped."""
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n", self.process.communicate()

    def until_asked(self, part: str, times: int = 1) -> None:
        """Wait until such a request has arrived."""
        while sum(part in line for line in self.sandbox.requests) < times:
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.002)

    def stop(self, by: signal.Signals = signal.SIGINT) -> None:
        self.process.send_signal(by)

    def end(self) -> int:
        """Its exit code, once it has ended: in the time of its scope, and of the closing behind it."""
        self.out, self.err = self.process.communicate(timeout=2 * self.cancel_timeout + SLACK)
        assert not [noise for noise in NOISE if noise in self.err], self.err
        return self.process.returncode

    @property
    def statuses(self) -> list[str]:
        return [order.status for order in self.sandbox.world.orders.values()]


Start = Callable[..., Program]


@pytest.fixture
def start(host: tuple[Host, int]) -> Iterator[Start]:
    """Starts a program of `tests/interrupted.py` before a provider, and ends it with the test."""
    with ExitStack() as processes:

        def start(loop: str, name: str, sandbox: Sandbox, cancel_timeout: float = 5.0) -> Program:
            host[0].sandbox = sandbox
            process = subprocess.Popen(
                [sys.executable, "-W", "always", "-m", "tests.interrupted", loop, name, str(cancel_timeout)],
                cwd=ROOT,
                env={**os.environ, "SMSAPI_TOKEN": sandbox.token, "SMSAPI_V1_URL": f"http://127.0.0.1:{host[1]}/v1"},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            processes.enter_context(process)
            processes.callback(process.kill)
            return Program(sandbox, process, cancel_timeout)

        yield start


# -- Ctrl-C -----------------------------------------------------------------------------------------------------------


@untraced
@each_loop
def test_ctrl_c_during_the_wait_for_a_code(start: Start, sandbox: Sandbox, loop: str) -> None:
    """Every user presses it first."""
    program = start(loop, "wait", sandbox)
    program.until_ready()

    program.stop()

    assert program.end() == -signal.SIGINT
    assert program.statuses == ["CANCELED"]


CUTS: dict[str, tuple[str, list[tuple[str, Fault]]]] = {
    "while the purchase is in flight": ("user/buy", [("user/buy", Delay(0.5))]),
    "while it is looked for": ("user/orders", [("user/buy", LostAfter()), ("user/orders", Delay(0.5))]),
    "during the settling": ("user/cancel", [("user/cancel", Stall(0.5, processed=False))]),
}


@untraced
@each_loop
@pytest.mark.parametrize(("moment", "faults"), CUTS.values(), ids=CUTS)
def test_ctrl_c_while_a_request_about_the_number_is_under_way(
    start: Start, sandbox: Sandbox, loop: str, moment: str, faults: list[tuple[str, Fault]]
) -> None:
    """The number exists, and the program does not know it yet, or is about to give it back anyhow."""
    for match, fault in faults:
        sandbox.fail(match, fault)
    program = start(loop, "leave", sandbox)
    program.until_asked(moment)

    program.stop()

    assert program.end() == -signal.SIGINT
    assert program.statuses == ["CANCELED"]


@untraced
@each_loop
def test_ctrl_c_in_a_program_with_several_numbers(start: Start, sandbox: Sandbox, loop: str) -> None:
    """trio hands it over in the groups of the program's own; asyncio's runner takes it out of them."""
    program = start(loop, "employ", sandbox)
    for _ in range(3):
        program.until_ready()

    program.stop()

    assert program.end() == (-signal.SIGINT if loop == "asyncio" else 1)
    assert program.statuses == ["CANCELED"] * 3
    assert "KeyboardInterrupt" in program.err


@untraced
@each_loop
def test_ctrl_c_names_the_number_that_cannot_be_given_back(start: Start, sandbox: Sandbox, loop: str) -> None:
    """Ctrl-C ends the program all the same."""
    sandbox.fail("user/cancel", Stall(processed=False), times=9)
    program = start(loop, "wait", sandbox, cancel_timeout=1)
    program.until_ready()

    program.stop()

    assert program.end() == -signal.SIGINT
    (order_id,) = sandbox.ledger.open
    assert program.out == f"unsettled {order_id}\n"
    assert f"order.unsettled id={order_id}" in program.err
    assert f"closed with unsettled orders: {order_id}" in program.err


@untraced
@each_loop
def test_ctrl_c_names_what_cannot_be_undone(start: Start, sandbox: Sandbox, loop: str) -> None:
    """A hosting order is paid for."""
    sandbox.fail("user/buy", Delay(0.5))
    program = start(loop, "hire", sandbox)
    program.until_asked("user/buy")

    program.stop()

    assert program.end() == -signal.SIGINT
    assert program.out == f"unsettled {sandbox.ledger.purchases[0]}\n"


@untraced
@each_loop
def test_a_second_ctrl_c_ends_the_program(start: Start, loop: str) -> None:
    """Nothing else is promised then."""
    sandbox = Sandbox(scenario=Scenario(cancel_lock=9999))
    program = start(loop, "wait", sandbox, cancel_timeout=1)
    program.until_ready()
    program.stop()
    program.until_asked("user/cancel")
    program.until_asked("user/check")
    time.sleep(0.3)  # until it rests between two cancels: the effect of a second Ctrl-C inside a line is unknown

    program.stop()

    assert program.end() != 0


# -- other ends -------------------------------------------------------------------------------------------------------


@each_loop
def test_sys_exit_inside_a_scope_keeps_its_status(start: Start, sandbox: Sandbox, loop: str) -> None:
    """The scope gives the number back."""
    program = start(loop, "exit_with_3", sandbox)

    assert program.end() == 3
    assert program.statuses == ["CANCELED"]


@pytest.mark.parametrize(
    ("loop", "name"),
    [("asyncio", "heed_sigterm"), ("asyncio", "heed_sigterm_by_task_cancel"), ("trio", "heed_sigterm")],
)
def test_a_program_that_heeds_sigterm_gives_its_number_back(
    start: Start, sandbox: Sandbox, loop: str, name: str
) -> None:
    """A supervisor sends this signal."""
    program = start(loop, name, sandbox)
    program.until_ready()

    program.stop(signal.SIGTERM)

    assert program.end() == 0
    assert program.out == "stopped\n"
    assert program.statuses == ["CANCELED"]


@pytest.mark.parametrize(
    ("loop", "name"),
    [("asyncio", "forget_a_task"), ("asyncio", "forget_a_generator"), ("trio", "forget_a_generator")],
)
def test_a_program_that_ends_around_a_scope_gives_its_number_back(
    start: Start, sandbox: Sandbox, loop: str, name: str
) -> None:
    """The loop cancels the tasks and closes the generators that are left."""
    program = start(loop, name, sandbox)

    assert program.end() == 0
    assert program.statuses == ["CANCELED"]
