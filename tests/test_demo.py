"""`make demo` as its user sees it: a program of its own, the provider another, real sockets and real time."""

from __future__ import annotations

import re
import runpy
import signal
import socket
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "examples" / "demo.py"
COMMAND = [sys.executable, str(DEMO)]


@pytest.fixture(scope="module")
def shown() -> subprocess.CompletedProcess[str]:
    """One run from beginning to end."""
    return subprocess.run(COMMAND, capture_output=True, text=True, timeout=60, check=False)


def events(output: str, name: str) -> list[str]:
    """The lines of the live log about one kind of event."""
    return re.findall(rf"^ *[\d.]+ s  {name} +(.*)$", output, re.MULTILINE)


@pytest.mark.socket
def test_the_demo_shows_every_promise(shown):
    """It is the first thing a newcomer runs; each of its events stands for a promise."""
    assert shown.stderr == ""
    assert len(events(shown.stdout, "bought")) == 20
    assert len(events(shown.stdout, "code")) == 19
    assert events(shown.stdout, "sold out") == [
        "telegram in usa: 'no free phones', nothing was bought, try another operator, country or max_price, or later"
    ]
    assert [event.split()[0] for event in events(shown.stdout, "client")] == ["purchase.lost", "purchase.found"]
    assert [event.split()[0] for event in events(shown.stdout, "refunded")] == ["facebook"]
    assert len(events(shown.stdout, "message")) == 2


@pytest.mark.socket
def test_the_account_of_the_demo_agrees_to_the_cent(shown):
    """A program that lost money or a number would show it here, and in its exit code."""
    _, _, account = shown.stdout.partition("\n\n")

    assert [" ".join(line.split()) for line in account.splitlines()] == [
        "bought refunded paid balance",
        "v1 20 for 8.09 1 for 0.40 7.69 25.00 -> 17.31 agrees",
        "rent 1 for 40.00 0 for 0.00 40.00 100.00 -> 60.00 agrees",
        "the provider lists 20 orders, exactly ours: 19 FINISHED, 1 CANCELED",
        "unsettled: 0, still rented: 1",
    ]
    assert shown.returncode == 0


@pytest.mark.socket
def test_the_readme_shows_the_account_as_it_is_printed(shown):
    """A newcomer sees the output that the page shows."""
    _, _, account = shown.stdout.partition("\n\n")

    assert account
    assert account in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.socket
def test_the_demo_masks_phones(shown):
    """People copy examples, their logging too."""
    assert re.findall(r"\+\d{7,}", shown.stdout) == []


@pytest.mark.socket
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
def test_ctrl_c_ends_the_demo_and_its_provider():
    """A provider left behind would hold its port, and open orders their price."""
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as demo:
        assert demo.stdout is not None
        port = int(re.findall(r"on port (\d+)", demo.stdout.readline())[0])
        next(line for line in demo.stdout if "facebook" in line)
        demo.send_signal(signal.SIGINT)
        rest = demo.stdout.read()

    assert rest.splitlines()[-1].startswith("stopped")
    assert "Traceback" not in rest
    assert demo.returncode == 130
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_the_demo_would_tell_of_a_missing_cent():
    """An account that cannot disagree proves nothing."""
    line = runpy.run_path(str(DEMO))["Line"]
    paid, refunded = [Decimal("0.32"), Decimal("0.40")], [Decimal("0.40")]

    right = line("v1", paid, refunded, Decimal(25), Decimal("24.68"))
    wrong = line("v1", paid, refunded, Decimal(25), Decimal("24.67"))

    assert (right.agrees, str(right).endswith("  agrees")) == (True, True)
    assert (wrong.agrees, str(wrong).endswith("  DOES NOT AGREE")) == (False, True)
