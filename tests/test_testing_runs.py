"""Runs of pytest as a user of the plugin sees them: skips, failures, waits in real time. And a run without pytest."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.support.user_project import run_project

BOTH = ("asyncio", "trio")
ROOT = Path(__file__).parents[1]
PLAIN = {**os.environ, "PYTHONPATH": str(ROOT)}
ON_BOTH = """
import pytest


@pytest.mark.sms_virtual_time("asyncio", "trio")
async def test_signs_up(sms_client):
    async with sms_client.activation("telegram") as order:
        assert await order.code() == "04217"
"""
UNITTEST = """
import sys

sys.modules.update(dict.fromkeys(["pytest", "_pytest", "pluggy"]))  # an import of these fails

import unittest

from smsapi_async.sandbox import Sandbox
from smsapi_async.testing import open_client


class Bot(unittest.IsolatedAsyncioTestCase):
    async def test_it_buys_a_number(self):
        sandbox = Sandbox()
        async with open_client(sandbox) as client:
            order = await client.v1.buy_activation("telegram")
            await client.v1.cancel(order.id)
        sandbox.ledger.assert_paid(0)


unittest.main()
"""
IN_REAL_TIME = """
import pytest


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.mark.parametrize("number", range(13))
async def test_without_the_mark(number, sms_client, anyio_backend):
    await sms_client.v1.profile()


@pytest.mark.sms_real_time
async def test_meant(sms_client):
    await sms_client.v1.profile()


@pytest.mark.sms_virtual_time
async def test_virtual(sms_client):
    await sms_client.v1.profile()


def test_without_a_loop(sms_sandbox):
    pass
"""
FAILING = """
import anyio
import pytest

pytestmark = pytest.mark.sms_virtual_time("asyncio", "trio")


async def test_waits_for_nobody(sms_client):
    await anyio.Event().wait()  # first: test_waits_for_nobody


async def test_in_a_group(sms_client):
    async with anyio.create_task_group() as group:  # first: test_in_a_group
        group.start_soon(anyio.Event().wait)


async def test_asserts(sms_client):
    assert (await sms_client.v1.profile()).balance == 7  # first: test_asserts
"""
STUCK = """
import anyio
import pytest


@pytest.mark.sms_virtual_time("asyncio", "trio")
async def test_waits_for_nobody(sms_client):
    async with sms_client.activation("google") as order:
        await anyio.sleep(12)
        await anyio.Event().wait()


@pytest.mark.sms_virtual_time("asyncio", "trio")
async def test_waits_for_ever(sms_client):
    while True:
        await anyio.sleep(86_400)
"""


@pytest.fixture
def project(pytester, monkeypatch):
    """Runs the tests of a user's project; no plugin is loaded that the project does not name."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return partial(run_project, pytester)


def test_without_trio_a_test_on_it_is_skipped_and_says_why(project, monkeypatch):
    """The same tests run on asyncio, so a machine without trio still has a use for the file."""
    monkeypatch.setattr("smsapi_async.testing._plugin.find_spec", {}.get)

    ran = project(test_bot=ON_BOTH)

    ran.assert_outcomes(passed=1, skipped=1)
    ran.stdout.fnmatch_lines(["SKIPPED * trio is not installed: pip install trio"])


def test_a_client_opens_without_pytest(tmp_path):
    """A bot tested with unittest, or tried in a script, has no pytest in its environment."""
    program = tmp_path / "test_bot.py"
    program.write_text(UNITTEST, encoding="utf-8")

    ran = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False, cwd=ROOT, env=PLAIN)

    assert ran.returncode == 0, ran.stderr
    assert "OK" in ran.stderr


def test_a_test_in_real_time_is_listed(project):
    """A forgotten mark shows only as a slow run otherwise. A mark of its own says that real time is meant."""
    ran = project(test_bot=IN_REAL_TIME)

    ran.assert_outcomes(passed=16)
    ran.stdout.fnmatch_lines(
        [
            "*tests with the sandbox in real time*",
            "test_bot.py::test_without_the_mark?0? (*.* s)",
            "test_bot.py::test_without_the_mark?1? (*.* s)",
            "and 3 more",
            "(@pytest.mark.sms_virtual_time ends each wait at once; *: @pytest.mark.sms_real_time)",
        ]
    )
    ran.stdout.no_fnmatch_line("test_bot.py::test_meant*")
    ran.stdout.no_fnmatch_line("test_bot.py::test_virtual*")


def test_a_run_on_virtual_time_has_no_list(project):
    """A heading with nothing below it would be noise at the end of each run."""
    project(test_bot=ON_BOTH).stdout.no_fnmatch_line("*in real time*")


@pytest.mark.parametrize("name", ["test_waits_for_nobody", "test_in_a_group", "test_asserts"])
def test_a_failure_shows_the_lines_of_the_test_first(project, name):
    """The machinery of pytest, anyio and this kit is no part of what went wrong."""
    ran = project(test_bot=FAILING)

    for loop in BOTH:
        _, _, report = str(ran.stdout).partition(f" {name}[{loop}] __")
        shown = [line for line in report.splitlines() if re.match(r">  |\S+:\d+: ", line)]
        assert re.match(r">       .*# first: " + name, shown[0])
        assert "pytest_pyfunc_call" not in report.partition("\n____")[0]


def test_a_test_that_can_never_go_on_names_the_place(project):
    """Without it a run would hang, on trio at full speed. The test's orders are still given back, its client closed."""
    ran = project(test_bot=STUCK)

    ran.assert_outcomes(failed=4)
    for what in (
        "nothing left to wait for (virtual second 12); *nobody at *:9",
        "the test waits longer than 400 days*",
    ):
        ran.stdout.fnmatch_lines([f"*StuckError: {what}"] * 2)
