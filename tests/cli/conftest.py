"""The command line in this process: a world behind the default transports, virtual time, and keys that lead there."""

from __future__ import annotations

import asyncio.events
import io
import json
import signal
from typing import Any, Protocol

import attrs
import pytest

from smsapi_async._cli._app import main
from smsapi_async.sandbox import Delivery, Request, Sandbox, Scenario
from smsapi_async.testing import VirtualLoop
from tests.leading import lead_to


@attrs.frozen
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The printed output, one JSON value on the only line."""
        (line,) = self.out.splitlines()
        return json.loads(line)

    @property
    def rows(self) -> list[list[str]]:
        """The words of each line it printed."""
        return [line.split() for line in self.out.splitlines()]


class Smsapi(Protocol):
    """Runs `smsapi` with these words.

    Args:
        typed: what a user at a terminal answers; without it nobody is there to be asked.
        ctrl_c: the seconds at which it is pressed.
    """

    def __call__(self, *tokens: object, typed: str | None = None, ctrl_c: tuple[float, ...] = ()) -> Ran: ...


class Keyboard(io.StringIO):
    """A terminal's side of stdin."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def scenario() -> Scenario:
    """`telegram` brings a code after 5 s, a rent of country 7 two messages; nothing else brings anything."""
    rented = [Delivery(5, "Your code is 070051", "070051", "Google"), Delivery(9, "Hello", "", "Bank")]
    plans = {"telegram": [[Delivery(5, "Telegram code 04217", "04217")]]}
    return Scenario(plans=plans, rent_plans={"7": [rented]})


@pytest.fixture
def sandbox(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The world that the environment's keys and addresses lead to."""
    sandbox = Sandbox(scenario=scenario)
    lead_to(sandbox, monkeypatch)
    return sandbox


def buy(sandbox: Sandbox, product: str) -> int:
    """An order of another program with the same key, or of one that crashed."""
    path = f"/v1/user/buy/activation/russia/any/{product}"
    request = Request("GET", path, {"authorization": f"Bearer {sandbox.token}"})
    order_id: int = json.loads(sandbox.handle(request, sandbox.now()).body)["id"]
    return order_id


@pytest.fixture
def smsapi(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Smsapi:
    """One command after the other, on one clock."""
    loops: list[VirtualLoop] = []

    def run(*tokens: object, typed: str | None = None, ctrl_c: tuple[float, ...] = ()) -> Ran:
        def new_event_loop() -> VirtualLoop:
            """Time goes on where the command before it ended."""
            loop = VirtualLoop()
            loop._now = loops[-1].time() if loops else 0.0
            loops.append(loop)
            for second in ctrl_c:
                loop.call_later(second, signal.raise_signal, signal.SIGINT)
            return loop

        monkeypatch.setattr(asyncio.events, "new_event_loop", new_event_loop)
        monkeypatch.setattr("sys.stdin", io.StringIO() if typed is None else Keyboard(typed))
        code = main([str(token) for token in tokens])
        told = capsys.readouterr()
        return Ran(code, told.out, told.err)

    return run
