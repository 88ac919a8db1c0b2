"""The ground every test stands on: both loops on virtual time, no way out of this machine, a sandbox and its client."""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
import random
import signal
import sys
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from smsapi_async import AsyncClient
from smsapi_async._account import forget_accounts
from smsapi_async.sandbox import Sandbox
from smsapi_async.testing import open_client, virtual_backend
from tests import guard
from tests.chances import seed_trio
from tests.support.ear import Ear

if TYPE_CHECKING:
    from tests.serving import Host

guard.install()
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background program of a shell ignores Ctrl-C
# A slow machine is no failure; CI tries the same examples every time.
hypothesis.settings.register_profile("ours", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("ours")

pytest_plugins = ["pytester", "smsapi_async.testing"]


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Every coroutine test runs on both loops; on virtual time, unless it is marked `socket`."""
    if request.node.get_closest_marker("socket"):
        return request.param, {}
    return virtual_backend(request.param)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep of every table marked `in_turn` one loop a row."""
    items[:] = [item for item in items if item.get_closest_marker("in_turn") is None or has_its_turn(item)]


def has_its_turn(item: Any) -> bool:
    loop: str = item.callspec.params["anyio_backend"]
    row = item.callspec.id.replace(loop, "")
    return loop == ("asyncio", "trio")[zlib.crc32(row.encode()) % 2]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    """Put what must hold of every coroutine test around it, then leave the call to the plugins."""
    if inspect.iscoroutinefunction(pyfuncitem.obj):
        backend: Any = pyfuncitem.funcargs["anyio_backend"]
        if backend[0] == "asyncio":
            pyfuncitem.obj = leaves_no_task(pyfuncitem.obj)


def leaves_no_task(test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """On trio a task cannot outlive its nursery; on asyncio only a look shows it."""

    @functools.wraps(test)
    async def run(**arguments: Any) -> None:
        before = asyncio.all_tasks()
        await test(**arguments)
        leaked = asyncio.all_tasks() - before
        assert not leaked, f"tasks outlive the test: {leaked}"

    return run


@pytest.fixture(autouse=True)
def stays_on_this_machine() -> Iterator[None]:
    """Not even the default URLs are called: a lookup of their hosts fails the test."""
    guard.refused.clear()
    yield
    assert guard.refused == []


@pytest.fixture(autouse=True)
def no_keys_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's real keys and addresses stay out of every test."""
    for name in [name for name in os.environ if name.startswith("SMSAPI_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def no_account_is_known() -> Iterator[None]:
    """No test knows the accounts of another: its provider is another world with the same URL and keys."""
    forget_accounts()
    yield
    forget_accounts()


@pytest.fixture(autouse=True)
def the_same_chances_each_time(request: pytest.FixtureRequest) -> None:
    """The name of the test is the seed of all chance: the jitter of looks, the order in which trio runs tasks."""
    seed = zlib.crc32(request.node.nodeid.encode())
    random.seed(seed)
    seed_trio(seed)


@pytest.fixture
def untraced(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No lines are counted, here and in programs the test starts: it would take three times as long."""
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    trace = sys.gettrace()
    sys.settrace(None)
    yield
    sys.settrace(trace)


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """The looks come without jitter: at 4 s, then every 2 s, from 25 s on every 8 % of the order's age."""
    monkeypatch.setattr("smsapi_async._polling.tracked.random.random", lambda: 0.5)


@pytest.fixture
def sandbox() -> Sandbox:
    """A fresh world: both providers, nothing bought yet."""
    return Sandbox()


@pytest.fixture(scope="module")
def host() -> Iterator[tuple[Host, int]]:
    """A server for the whole module; each test gives it a world of its own."""
    from tests.serving import Host, served  # noqa: PLC0415  uvicorn takes its time

    host = Host()
    with served(host) as port:
        yield host, port


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[AsyncClient]:
    """A client of that world, in the same process."""
    async with open_client(sandbox) as client:
        yield client
