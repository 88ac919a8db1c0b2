"""The testing kit as its user has it: a bot of theirs, tested with the fixtures and markers of the plugin.

Tests that must fail are run by a pytest inside this one, in a project of its own.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import anyio
import pytest

from smsapi_async import AsyncClient, Budget, BudgetExceededError, NoCodeError, NoNumbersError
from smsapi_async.sandbox import LostAfter, Scenario, no_numbers
from smsapi_async.testing import open_client, virtual_backend

BOTH = ("asyncio", "trio")
ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PLAIN = {**os.environ, "PYTHONPATH": str(ROOT)}
CONFTEST = """
import pytest

from smsapi_async.testing import open_client  # before the plugin itself is loaded

pytest_plugins = ["smsapi_async.testing"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    if "taken_over" in item.name:  # as pytest-asyncio does it
        item.obj = lambda **arguments: None
    return (yield)
"""
LEFT_OPEN = """
import anyio
import pytest

pytestmark = pytest.mark.sms_virtual_time("asyncio", "trio")


async def test_left_open(sms_client):
    await sms_client.v1.buy_activation("telegram")


async def test_run_out(sms_client):
    await sms_client.v1.buy_activation("google")
    await anyio.sleep(1200)


@pytest.mark.sms_leaves_open
async def test_allowed(sms_client):
    await sms_client.v1.buy_activation("telegram")
"""
RUN_BY = """
import anyio
import pytest
from hypothesis import given, strategies


@pytest.fixture
def anyio_backend():
    return "asyncio"


async def test_real_time(sms_client):
    assert anyio.current_time() > 1
    await sms_client.v1.profile()


class TestAClass:
    pytestmark = pytest.mark.sms_virtual_time

    @pytest.mark.parametrize("number", [1, 2])
    async def test_without_a_fixture(self, number):
        assert anyio.current_time() == 0
        await anyio.sleep(1200)

    def test_without_a_loop(self):
        pass


@pytest.mark.sms_virtual_time
async def test_taken_over():
    pass


async def test_with_a_client_taken_over(sms_client):
    pass


async def test_of_somebody_else_taken_over():
    pass


@pytest.mark.sms_virtual_time
@given(strategies.integers())
async def test_a_property(number):
    pass
"""
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

MY_BOT = """
import anyio

from smsapi_async import NoCodeError, NoNumbersError


async def my_bot(client):
    while True:
        try:
            async with client.activation("telegram") as order:
                return await order.code()
        except NoNumbersError:
            await anyio.sleep(60)
        except NoCodeError:
            pass
"""


class Bot:
    """A user's: signs up with one number, tries again after a minute when there are none."""

    def __init__(self, client: AsyncClient) -> None:
        self.client = client
        self.tries = 0

    async def sign_up(self) -> str | None:
        while self.tries < 3:
            self.tries += 1
            try:
                async with self.client.activation("telegram") as order:
                    return await order.code()
            except NoNumbersError:
                await anyio.sleep(60)
            except NoCodeError:
                return None
        return None


class TestABot:
    """What a user writes; on both loops."""

    pytestmark = pytest.mark.sms_virtual_time(*BOTH)

    async def test_it_gets_its_code(self, sms_client, sms_sandbox):
        """The three lines of the README."""
        assert await Bot(sms_client).sign_up() == "04217"

        sms_sandbox.ledger.assert_bought(1)
        sms_sandbox.ledger.assert_paid("0.2875")

    async def test_it_buys_once_when_the_answer_is_lost(self, sms_client, sms_sandbox):
        """A second number would be paid for, too."""
        sms_sandbox.lose_next_reply()

        assert await Bot(sms_client).sign_up() == "04217"
        sms_sandbox.ledger.assert_bought(1)
        assert [fault for _, fault in sms_sandbox.faults_met] == [LostAfter()]

    async def test_it_waits_for_numbers(self, sms_client, sms_sandbox):
        """Two minutes, over at once."""
        no_numbers(sms_sandbox, 90)

        assert await Bot(sms_client).sign_up() == "04217"
        assert 120 < anyio.current_time() < 130

    @pytest.mark.parametrize("product", ["telegram", "google"])
    async def test_its_time_begins_with_each_test(self, product, sms_client):
        """The values of a table are tried one after the other; each has a clock of its own."""
        assert anyio.current_time() == 0

        await sms_client.v1.prices(product=product)
        await anyio.sleep(1200)

    async def test_a_rented_number_gets_its_code(self, sms_client):
        """The second house is in the same world."""
        number = await sms_client.rent.buy_number(7, days=1)

        assert await sms_client.await_rent_code(number.tzid) == "070051"

    async def test_it_may_be_started_again(self, sms_sandbox):
        """A second client of the same world, as after a crash; with arguments of the user's."""
        async with open_client(sms_sandbox) as first:
            order = await first.v1.buy_activation("telegram")
        async with open_client(sms_sandbox, budget=Budget(money="0.10", per_order="0.50")) as second:
            assert await second.await_code(order.id) == "04217"
            with pytest.raises(BudgetExceededError):
                await second.v1.buy_activation("telegram")


class TestAWorldOfTheirs:
    """The scenario is a fixture to be overridden."""

    @pytest.fixture
    def sms_scenario(self) -> Scenario:
        return Scenario().with_silence("telegram").with_code("telegram", "55120", after=600)

    @pytest.mark.sms_virtual_time(*BOTH)
    async def test_twenty_minutes_take_no_time(self, sms_client, sms_sandbox):
        """The first order gets nothing until its end and is given back, the second its code after ten minutes."""
        begun = time.perf_counter()

        assert await Bot(sms_client).sign_up() is None
        assert await Bot(sms_client).sign_up() == "55120"
        assert 1490 < anyio.current_time() < 1560
        assert time.perf_counter() - begun < 60
        sms_sandbox.ledger.assert_paid("0.2875")


def test_a_loop_without_virtual_time_is_refused():
    """A misspelt name must not run on real time."""
    with pytest.raises(ValueError, match="not on 'curio'"):
        virtual_backend("curio")


@pytest.fixture
def project(pytester, monkeypatch):
    """A user's project: the plugin, and pytest's own defaults."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def run(conftest=CONFTEST, **files):
        pytester.makeconftest(conftest)
        pytester.makepyfile(**files)
        return pytester.runpytest_inprocess("-rfEs", "-p", "anyio", "-p", "no:cacheprovider", "--strict-markers", "-W", "error")

    return run


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


def test_a_bot_that_leaves_a_paid_number_open_fails_its_test(project):
    """Also one that lets its time run out; unless the test says that it is meant."""
    ran = project(test_bot=LEFT_OPEN)

    ran.assert_outcomes(passed=6, errors=4)
    ran.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_left_open?asyncio?*",
            "1 of 1 activation not settled, each of them paid for:",
            "  order 1090123457: telegram in russia for 0.2875, PENDING, no SMS",
            "finish those with an SMS, cancel the others in time",
            "(if the test means it: @pytest.mark.sms_leaves_open)",
            "*ERROR at teardown of test_left_open?trio?*",
            "*ERROR at teardown of test_run_out?asyncio?*",
            "  order 1090123457: google in russia for 0.15, TIMEOUT, no SMS",
        ]
    )


def test_the_kit_tells_when_a_test_is_not_run_by_anyio(project):
    """A wait of twenty minutes would be real, or a client would be on two loops; what is not ours is left alone."""
    ran = project(test_bot=RUN_BY)

    ran.assert_outcomes(passed=5, failed=3)
    ran.stdout.fnmatch_lines(["*`sms_client` and `sms_virtual_time` are for coroutine tests*asyncio_mode = strict*"])
    ran.stdout.fnmatch_lines_random(
        [f"FAILED *::{name}*" for name in ("test_taken_over", "test_with_a_client_taken_over", "test_a_property")]
    )


def test_the_readme_shows_a_whole_project(project):
    """What a user copies from there is collected, run and passed, but for the bot itself."""
    _, _, section = README.read_text(encoding="utf-8").partition("## Testing your bot")
    conftest, *tests = re.findall(r"^```python\n(.*?)^```$", section.partition("\n## ")[0], re.MULTILINE | re.DOTALL)
    files = {f"test_{number}": f"from bot import my_bot\n{test}" for number, test in enumerate(tests)}

    ran = project(conftest, bot=MY_BOT, **files)

    assert len(tests) == 2
    ran.assert_outcomes(passed=3)


def test_a_test_that_can_never_go_on_names_the_place(project):
    """Without it a run would hang, on trio at full speed. What the test holds is still given back, and closed."""
    ran = project(test_bot=STUCK)

    ran.assert_outcomes(failed=4)
    for what in (
        "nothing left to wait for (virtual second 12); *nobody at *:9",
        "the test waits longer than 400 days*",
    ):
        ran.stdout.fnmatch_lines([f"*StuckError: {what}"] * 2)
