"""The testing kit as its user has it: a bot of theirs, tested with the fixtures and markers of the plugin.

Tests that must fail are run by a pytest inside this one, in a project of its own.
"""

from __future__ import annotations

import re
import time
from functools import partial
from pathlib import Path

import anyio
import pytest

from smsapi_async import AsyncClient, Budget, BudgetExceededError, NoCodeError, NoNumbersError
from smsapi_async.sandbox import LostAfter, Scenario, no_numbers
from smsapi_async.testing import open_client, virtual_backend
from tests.support.user_project import run_project

BOTH = ("asyncio", "trio")
ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
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
    """A user's own tests, on both loops."""

    pytestmark = pytest.mark.sms_virtual_time(*BOTH)

    async def test_it_gets_its_code(self, sms_client, sms_sandbox):
        """The three lines of the page about testing."""
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
    """Runs the tests of a user's project; no plugin is loaded that the project does not name."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return partial(run_project, pytester)


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
    """A user's copy of it is collected, run and passed, but for the bot itself."""
    conftest, *tests = shown_tests()
    files = {f"test_{number}": has_a_bot(test) for number, test in enumerate(tests)}

    ran = project(conftest, bot=MY_BOT, **files)

    assert len(tests) == 2
    ran.assert_outcomes(passed=3)


def shown_tests() -> list[str]:
    """The conftest.py and the tests that the documents show for the plugin."""
    pages = (README, ROOT / "docs" / "how-to" / "testing.md")
    blocks = [block for page in pages for block in re.findall(BLOCK, page.read_text(encoding="utf-8"))]
    return [block for block in blocks if "pytest_plugins" in block or "sms_virtual_time" in block]


def has_a_bot(test: str) -> str:
    """The test as it stands; an import of the reader's bot before one that names it without importing it."""
    return test if re.search(r"(import|def) my_bot\b", test) else f"from bot import my_bot\n{test}"


def test_the_tests_of_the_documents_run_without_trio(project, monkeypatch):
    """The second one names both loops, and a reader has trio only if the bot is written with it."""
    monkeypatch.setattr("smsapi_async.testing._plugin.find_spec", {}.get)
    conftest, *tests = shown_tests()

    ran = project(conftest, bot=MY_BOT, **{f"test_{number}": has_a_bot(test) for number, test in enumerate(tests)})

    ran.assert_outcomes(passed=2, skipped=1)
