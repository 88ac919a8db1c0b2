"""The fixtures, markers and hooks of the pytest plugin; `smsapi_async.testing` describes them for their users.

Only pytest imports this module. PYTEST_DONT_REWRITE: there is no assert in here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib.util import find_spec
from inspect import iscoroutinefunction
from typing import Any

import pytest

from .. import AsyncClient
from ..sandbox import Delivery, Sandbox, Scenario
from . import open_client
from ._clock import virtual_backend, watch_of
from ._stuck import never_stuck

VIRTUAL_TIME = "sms_virtual_time"
REAL_TIME = "sms_real_time"
LEAVES_OPEN = "sms_leaves_open"
MARKERS = (
    f"{VIRTUAL_TIME}(*loops): every wait is over at once, on these loops, 'asyncio' and 'trio'; on asyncio if none.",
    f"{REAL_TIME}: the test waits in real time on purpose, so the summary does not list it.",
    f"{LEAVES_OPEN}: the client of the fixture `sms_client` may leave paid activations open.",
)
TAKEN_OVER = (
    f"`sms_client` and `{VIRTUAL_TIME}` are for coroutine tests run by the pytest plugin of anyio, and something else "
    "runs this one. pytest-asyncio runs those marked `asyncio`, in its auto mode all: set `asyncio_mode = strict`. "
    "A property of Hypothesis cannot be such a test."
)
ADVICE = f"(@pytest.mark.{VIRTUAL_TIME} ends each wait at once; if the test means it: @pytest.mark.{REAL_TIME})"
LISTED = 10  # tests in real time that the summary names; it counts the others
IS_COROUTINE = pytest.StashKey[bool]()


@pytest.fixture
def sms_scenario() -> Scenario:
    """The world to begin with. Override it in your conftest.py, module or class."""
    rented = [Delivery(5, "Your verification code is 070051", "070051", "Google")]
    return Scenario(rent_plans={"7": [rented]}).with_code("telegram", "04217", after=5)


@pytest.fixture
def sms_sandbox(sms_scenario: Scenario) -> Sandbox:
    """A provider of that world: nothing bought yet."""
    return Sandbox(scenario=sms_scenario)


@pytest.fixture
async def sms_client(
    anyio_backend: object,  # noqa: ARG001  it decides which loop runs the fixture and the test
    sms_sandbox: Sandbox,
    request: pytest.FixtureRequest,
) -> AsyncIterator[AsyncClient]:
    """A client of that provider, closed at the end; the test fails if it leaves a paid order open."""
    async with open_client(sms_sandbox) as client:
        yield client
    left_open = "" if request.node.get_closest_marker(LEAVES_OPEN) else _left_open(sms_sandbox)
    if left_open:
        pytest.fail(f"{left_open}\n(if the test means it: @pytest.mark.{LEAVES_OPEN})", pytrace=False)


def _left_open(sandbox: Sandbox) -> str:
    try:
        sandbox.ledger.assert_settled()
    except AssertionError as unsettled:
        return str(unsettled)
    return ""


class _VirtualTime(tuple[str, dict[str, Any]]):
    """A value of `anyio_backend`; made at collection, given a clock when its test begins."""

    __slots__ = ()

    @classmethod
    def on(cls, loop: str) -> _VirtualTime:
        return cls(virtual_backend(loop))

    def renew(self) -> None:
        name, options = self
        options.update(virtual_backend(name)[1])


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Module | pytest.Class, obj: object) -> None:
    """Give a test on virtual time to anyio, also without anyio's mark."""
    if not _is_coroutine(obj):
        return
    marks = [*collector.iter_markers(VIRTUAL_TIME), *getattr(obj, "pytestmark", ())]
    if any(mark.name == VIRTUAL_TIME for mark in marks):
        pytest.mark.usefixtures("anyio_backend")(obj)


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Replace the values that `anyio_backend` has elsewhere by virtual time."""
    marker = metafunc.definition.get_closest_marker(VIRTUAL_TIME)
    if marker is not None and iscoroutinefunction(metafunc.function):
        loops = marker.args or ("asyncio",)
        metafunc.definition.add_marker(
            pytest.mark.parametrize(
                "anyio_backend", [_virtual_or_skipped(loop) for loop in loops], ids=loops, scope="function"
            )
        )


def _virtual_or_skipped(loop: str) -> Any:
    if loop == "trio" and find_spec("trio") is None:
        return pytest.param(loop, marks=pytest.mark.skip(reason="trio is not installed: pip install trio"))
    return _VirtualTime.on(loop)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Give the test a clock of its own. Note whether it is a coroutine, before another plugin wraps it."""
    item.stash[IS_COROUTINE] = _is_coroutine(getattr(item, "obj", None))
    backend = _backend(item)
    if isinstance(backend, _VirtualTime):
        backend.renew()


def _is_coroutine(test: Any) -> bool:
    return iscoroutinefunction(test.hypothesis.inner_test if hasattr(test, "hypothesis") else test)


def _backend(item: pytest.Item) -> object:
    """Return the value of `anyio_backend` that a test was collected with."""
    callspec = getattr(item, "callspec", None)
    return callspec and callspec.params.get("anyio_backend")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    """End a test on virtual time that can never go on, also where the user's own fixture made its time virtual."""
    if not pyfuncitem.stash[IS_COROUTINE]:
        return
    is_run_by_anyio = iscoroutinefunction(pyfuncitem.obj)
    if not is_run_by_anyio and _is_ours(pyfuncitem):
        pytest.fail(TAKEN_OVER, pytrace=False)
    backend = pyfuncitem.funcargs.get("anyio_backend")
    find_watch = watch_of(backend[1]) if isinstance(backend, tuple) and is_run_by_anyio else None
    if find_watch:
        pyfuncitem.obj = never_stuck(pyfuncitem.obj, find_watch)
    elif "sms_sandbox" in pyfuncitem.fixturenames and pyfuncitem.get_closest_marker(REAL_TIME) is None:
        pyfuncitem.user_properties.append((REAL_TIME, True))  # a report carries these, from a worker of xdist too


def _is_ours(item: pytest.Function) -> bool:
    return "sms_client" in item.fixturenames or item.get_closest_marker(VIRTUAL_TIME) is not None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the tests that used the sandbox in real time, each with the seconds that it took."""
    endings = ("passed", "failed", "xfailed", "xpassed")
    reports = (report for ending in endings for report in terminalreporter.getreports(ending))
    lines = [f"{report.nodeid} ({report.duration:.1f} s)" for report in reports if _was_in_real_time(report)]
    if lines:
        others = [f"and {len(lines) - LISTED} more"] if len(lines) > LISTED else []
        terminalreporter.section("tests with the sandbox in real time")
        terminalreporter.write("\n".join([*lines[:LISTED], *others, ADVICE, ""]))


def _was_in_real_time(report: Any) -> bool:
    return report.when == "call" and any(name == REAL_TIME for name, _ in report.user_properties)
