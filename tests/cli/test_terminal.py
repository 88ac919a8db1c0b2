"""The command line as a user has it: processes of their own, in a pseudo-terminal, before a provider on a port."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest

from smsapi_async.sandbox import Delivery, Sandbox, Scenario
from tests.cli.conftest import Ran
from tests.serving import Host

pty = pytest.importorskip("pty", reason="there are no pseudo-terminals here")
pytestmark = pytest.mark.socket

SMSAPI = [sys.executable, "-m", "smsapi_async"]
CODE = Scenario(plans={"telegram": [[Delivery(0, "Telegram code 04217", "04217")]]})


@attrs.define
class Window:
    """A terminal with one command in it, and what was to be seen there so far."""

    process: subprocess.Popen[bytes]
    master: int
    seen: str = ""

    def until(self, text: str) -> None:
        """Look until it is to be seen."""
        while text not in self.seen:
            more = self._more()
            assert more, self.seen
            self.seen += more

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def end(self) -> int:
        """Look until the command has ended; its exit code."""
        while more := self._more():
            self.seen += more
        return self.process.wait(timeout=30)

    def _more(self) -> str:
        try:
            return os.read(self.master, 4096).decode()
        except OSError:  # how Linux says that the other side is closed
            return ""


Open = Callable[..., Window]


@pytest.fixture
def terminal(host: tuple[Host, int]) -> Iterator[Open]:
    """Opens a terminal, types the command, and closes it with the test."""
    with ExitStack() as stack:

        def opened(sandbox: Sandbox, *tokens: str, start: Sequence[str] = ()) -> Window:
            host[0].sandbox = sandbox
            master, slave = pty.openpty()
            keys = {"SMSAPI_TOKEN": sandbox.token, "SMSAPI_V1_URL": f"http://127.0.0.1:{host[1]}/v1"}
            environment = {**os.environ, **keys, "TERM": "xterm", "COLUMNS": "100"}
            command = [*start, *SMSAPI, *tokens]
            process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment)
            os.close(slave)
            stack.callback(os.close, master)
            stack.enter_context(process)
            stack.callback(process.kill)
            return Window(process, master)

        yield opened


def test_a_code_is_bought_watched_and_shown(terminal: Open) -> None:
    """The question, the number, the time that is left, the code, the bill."""
    window = terminal(Sandbox(scenario=CODE, start=datetime.now(UTC)), "code", "telegram", "--country", "russia")
    window.until("listed at 0.2875 to 0.32 (account currency)? [y/N] ")
    window.type("y\n")
    window.until("+79000389373")
    window.until("waiting for the code")

    assert window.end() == 0
    assert len(set(re.findall(r"\b1[45]:\d\d\b", window.seen))) > 1
    assert window.seen.endswith("04217\r\norder 1090123457 is finished, paid 0.2875 (account currency)\r\n")


IN_THE_BACKGROUND = ["sh", "-c", "trap '' INT HUP; exec \"$@\"", "sh"]
"""A program that a script starts with `nohup` and `&`: Ctrl-C is ignored."""


@pytest.mark.parametrize(
    ("stop", "start"), [(signal.SIGINT, []), (signal.SIGTERM, IN_THE_BACKGROUND)], ids=["Ctrl-C", "SIGTERM"]
)
def test_stopping_it_settles_the_order_and_says_so(terminal: Open, stop: signal.Signals, start: list[str]) -> None:
    """By the user or by a supervisor."""
    sandbox = Sandbox()
    window = terminal(sandbox, "code", "google", "--yes", start=start)
    window.until("waiting for the code")

    window.process.send_signal(stop)

    assert window.end() == 130
    assert window.seen.endswith("order 1090123457 is cancelled and refunded\r\nsmsapi: stopped\r\n")
    assert [order.status for order in sandbox.world.orders.values()] == ["CANCELED"]


# -- pipes ------------------------------------------------------------------------------------------------------------


def test_a_reader_that_leaves_ends_it_quietly() -> None:
    """As `smsapi countries --json | head -0` does."""
    with subprocess.Popen(
        [*SMSAPI, "countries", "--json", "--sandbox"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()

        assert (process.stderr.read(), process.wait()) == ("", 1)


FULL = Path("/dev/full")
"""A disk without room."""


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("tokens", [["countries"], ["countries", "--json"]], ids=" ".join)
def test_a_full_disk_is_a_message(tokens: list[str]) -> None:
    """And not Python's own words for what it could not write at its end."""
    with FULL.open("w") as full:
        done = subprocess.run(
            [*SMSAPI, *tokens, "--sandbox"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "the result could not be written: No space left on device" in done.stderr


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
def test_what_is_said_about_a_result_may_go_to_a_full_disk() -> None:
    """The code is paid for, and is printed."""
    with FULL.open("w") as full:
        done = subprocess.run(
            [*SMSAPI, "balance", "--sandbox"], stdout=subprocess.PIPE, stderr=full, text=True, check=False
        )

    assert (done.returncode, len(done.stdout.splitlines())) == (0, 3)


def test_the_served_sandbox_prints_what_to_paste_and_ends_with_ctrl_c() -> None:
    """The next command works against it."""
    with subprocess.Popen([*SMSAPI, "sandbox", "--port", "0"], stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        while serving.stdout.readline() != "bash, zsh:\n":
            pass
        lines = [serving.stdout.readline().split() for _ in range(4)]
        exported = dict(line[1].split("=", 1) for line in lines)
        ran = ran_with(exported, "balance")
        serving.send_signal(signal.SIGINT)

    assert [line[0] for line in lines] == ["export"] * 4
    assert [row[:2] for row in ran.rows] == [["api", "balance"], ["v1", "100"], ["rent", "1000.00"]]
    assert serving.returncode == 0


def ran_with(environment: dict[str, str], *tokens: str) -> Ran:
    done = subprocess.run(
        [*SMSAPI, *tokens], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    return Ran(done.returncode, done.stdout, done.stderr)
