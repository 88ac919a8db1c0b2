"""A pytest plugin: your bot against a local provider, in the same process and on virtual time.

    pytest_plugins = ["smsapi_async.testing"]                         # in conftest.py

    @pytest.mark.sms_virtual_time
    async def test_the_bot_signs_up(sms_client, sms_sandbox):
        assert await sign_up(sms_client) == "04217"                   # yours
        sms_sandbox.ledger.assert_paid("0.2875")

Fixtures: `sms_scenario` is the world to begin with, to be overridden: every `telegram` order and every number rented in
country 7 gets a code after five seconds. `sms_sandbox` is a fresh `Sandbox` of it, `sms_client` an `AsyncClient` of
that sandbox, closed at the end. A test whose bot leaves an activation open, or lets one run out, then fails; the marker
`sms_leaves_open` allows it.

The marker `sms_virtual_time` lets time jump over every wait, on asyncio; `sms_virtual_time("asyncio", "trio")` runs the
test on both. Time begins at 0.0 (`anyio.current_time()`), and a test that can never go on ends with a `StuckError` that
names the place. Sockets, threads and processes cannot be waited for.

Coroutine tests are run by the pytest plugin of anyio, which is always there. A test of these fixtures needs no mark of
anyio's. pytest-asyncio in its strict mode leaves such tests alone; in its auto mode it runs them itself, on real time,
and `sms_virtual_time` then fails with that explanation.

Nothing is loaded into a pytest that did not ask for it. PYTEST_DONT_REWRITE: there is no assert in here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from inspect import iscoroutinefunction
from typing import Any

import httpx
import pytest

from .. import AsyncClient
from .._account import accounts_of
from ..sandbox import Delivery, Sandbox, Scenario
from ._clock import VirtualLoop, virtual_backend, watch_of
from ._stuck import StuckError, never_stuck

__all__ = ["StuckError", "VirtualLoop", "open_client", "virtual_backend"]

VIRTUAL_TIME = "sms_virtual_time"
LEAVES_OPEN = "sms_leaves_open"
MARKERS = (
    f"{VIRTUAL_TIME}(*loops): every wait is over at once, on these loops, 'asyncio' and 'trio'; on asyncio if none.",
    f"{LEAVES_OPEN}: the client of the fixture `sms_client` may leave paid activations open.",
)
TAKEN_OVER = (
    f"`sms_client` and `{VIRTUAL_TIME}` are for coroutine tests run by the pytest plugin of anyio, and something else "
    "runs this one. pytest-asyncio runs those marked `asyncio`, in its auto mode all: set `asyncio_mode = strict`. "
    "A property of Hypothesis cannot be such a test."
)
IS_COROUTINE = pytest.StashKey[bool]()


@asynccontextmanager
async def open_client(
    sandbox: Sandbox, *, transport: httpx.AsyncBaseTransport | None = None, **options: Any
) -> AsyncIterator[AsyncClient]:
    """A client of a sandbox in this process, closed at the end; a second one for a bot that was started again.

    Args:
        transport: yours, around `sandbox.transport()`, when the test is to see or to change what passes.
        options: further arguments of `AsyncClient`, such as `budget`.
    """
    async with httpx.AsyncClient(transport=transport or sandbox.transport()) as http:
        with accounts_of(sandbox):
            client = AsyncClient(
                sandbox.token,
                rent_key=sandbox.rent_key,
                v1_url=sandbox.v1_url,
                rent_url=sandbox.rent_url,
                http_client=http,
                **options,
            )
        async with client:
            yield client


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
    anyio_backend: object,  # noqa: ARG001  it says who runs the fixture, and the test
    sms_sandbox: Sandbox,
    request: pytest.FixtureRequest,
) -> AsyncIterator[AsyncClient]:
    """A client of that provider, closed at the end; what it then leaves open, though paid for, fails the test."""
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
    """Make the markers known."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Module | pytest.Class, obj: object) -> None:
    """A test on virtual time is one of anyio's, also without its mark."""
    if not _is_coroutine(obj):
        return
    marks = [*collector.iter_markers(VIRTUAL_TIME), *getattr(obj, "pytestmark", ())]
    if any(mark.name == VIRTUAL_TIME for mark in marks):
        pytest.mark.usefixtures("anyio_backend")(obj)


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Put virtual time in the place of whatever `anyio_backend` gives elsewhere."""
    marker = metafunc.definition.get_closest_marker(VIRTUAL_TIME)
    if marker is not None and iscoroutinefunction(metafunc.function):
        loops = marker.args or ("asyncio",)
        if "trio" in loops and find_spec("trio") is None:
            pytest.fail(
                f"{metafunc.definition.name} is to run on trio, which is missing: pip install trio", pytrace=False
            )
        backends = [_VirtualTime.on(loop) for loop in loops]
        metafunc.definition.add_marker(
            pytest.mark.parametrize("anyio_backend", backends, ids=loops, scope="function", indirect=False)
        )


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A clock belongs to one test. Whoever takes a test over from anyio does so later."""
    item.stash[IS_COROUTINE] = _is_coroutine(getattr(item, "obj", None))
    backend = _backend(item)
    if isinstance(backend, _VirtualTime):
        backend.renew()


def _is_coroutine(test: Any) -> bool:
    return iscoroutinefunction(test.hypothesis.inner_test if hasattr(test, "hypothesis") else test)


def _backend(item: pytest.Item) -> object:
    """The value of `anyio_backend` that a test was collected with."""
    callspec = getattr(item, "callspec", None)
    return callspec and callspec.params.get("anyio_backend")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    """Let no test on virtual time stand still, whoever made its time virtual."""
    if iscoroutinefunction(pyfuncitem.obj):
        backend = pyfuncitem.funcargs.get("anyio_backend")
        find_watch = watch_of(backend[1]) if isinstance(backend, tuple) else None
        if find_watch:
            pyfuncitem.obj = never_stuck(pyfuncitem.obj, find_watch)
    elif pyfuncitem.stash[IS_COROUTINE] and _is_ours(pyfuncitem):
        pytest.fail(TAKEN_OVER, pytrace=False)


def _is_ours(item: pytest.Function) -> bool:
    return "sms_client" in item.fixturenames or item.get_closest_marker(VIRTUAL_TIME) is not None
