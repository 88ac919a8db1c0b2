"""Every ```python block of the README runs, word for word, as a program of its own against the sandbox.

`await` and `async with` at the top level are allowed, as in `python -m asyncio`; a block with its own `asyncio.run()`
runs as it stands. The environment holds the sandbox's keys and addresses, what would leave for the network goes to the
sandbox in this process, and time is virtual. Names a block uses without defining them are the reader's own: `sign_in`,
`client` (open), and those of `GIVEN`, bought for the block.
"""

from __future__ import annotations

import ast
import asyncio
import asyncio.events
import inspect
import re
import types
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import pytest

from smsapi_async.testing import VirtualLoop

if TYPE_CHECKING:
    from smsapi_async import AsyncClient
    from smsapi_async.sandbox import Sandbox

README = Path(__file__).parents[1] / "README.md"


def blocks() -> dict[str, str]:
    """Source by its place in the README; padded, so that a traceback shows the README's own lines."""
    text = README.read_text(encoding="utf-8") if README.exists() else ""
    found = {}
    for match in re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        above = text.count("\n", 0, match.start(1))
        found[f"line {above + 1}"] = "\n" * above + match[1]
    return found


async def sign_in(phone: str) -> None:
    """The reader's own deed with the number: here the world sends the code by itself."""
    assert phone.startswith("+")


async def order_id(client: AsyncClient) -> int:
    return (await client.v1.buy_activation("telegram", country="russia")).id


async def tzid(client: AsyncClient) -> int:
    return (await client.rent.buy_number(7, 1)).tzid


GIVEN: dict[str, Callable[[AsyncClient], Awaitable[object]]] = {"order_id": order_id, "tzid": tzid}


def names_missing(tree: ast.Module) -> set[str]:
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    return {n.id for n in names if isinstance(n.ctx, ast.Load)} - {n.id for n in names if isinstance(n.ctx, ast.Store)}


async def run_awaiting(code: types.CodeType, missing: set[str]) -> None:
    """A block with `await` at its top level, inside the client and with the things it only mentions."""
    from smsapi_async import AsyncClient  # noqa: PLC0415  the blocks are collected before the package is there

    async with AsyncClient() as client:
        names: dict[str, object] = {name: await GIVEN[name](client) for name in missing & GIVEN.keys()}
        await eval(code, {"__name__": "__main__", "sign_in": sign_in, "client": client, **names})


def answered_by(provider: Any) -> Callable[..., Awaitable[object]]:
    """What stands where a pool of connections would have sent the request."""

    async def handle_async_request(pool: object, request: object) -> object:
        return await provider.handle_async_request(request)

    return handle_async_request


@pytest.fixture
def sandbox() -> Sandbox:
    """A world that sends what the examples wait for."""
    from smsapi_async.sandbox import Delivery, Sandbox, Scenario  # noqa: PLC0415  as in `run_awaiting`

    google = Delivery(7, "G-281935 is your Google verification code.", sender="Google")
    plans = {"telegram": [[Delivery(5, "Telegram code 04217", "04217")]], "google": [[google]]}
    return Sandbox(scenario=Scenario(plans=plans, rent_plans={"7": [[google]]}))


@pytest.fixture
def sandboxed(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment, the network and the time of a reader who has the sandbox for a provider."""
    monkeypatch.setenv("SMSAPI_TOKEN", sandbox.token)
    monkeypatch.setenv("SMSAPI_RENT_KEY", sandbox.rent_key)
    monkeypatch.setenv("SMSAPI_V1_URL", sandbox.v1_url)
    monkeypatch.setenv("SMSAPI_RENT_URL", sandbox.rent_url)
    for library, provider in (httpx, sandbox.transport()), (httpx2, sandbox.transport2()):
        monkeypatch.setattr(library.AsyncHTTPTransport, "handle_async_request", answered_by(provider))
    monkeypatch.setattr(asyncio.events, "new_event_loop", VirtualLoop)


def test_the_readme_has_examples():
    """Were none found, none would be tried."""
    assert blocks()


@pytest.mark.usefixtures("sandboxed")
@pytest.mark.parametrize("source", [pytest.param(source, id=name) for name, source in blocks().items()])
def test_a_readme_example_runs_as_printed(source):
    """The first thing a newcomer does is to copy it."""
    tree = ast.parse(source, str(README))
    code = compile(tree, str(README), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)

    if code.co_flags & inspect.CO_COROUTINE:
        asyncio.run(run_awaiting(code, names_missing(tree)))
    else:
        exec(code, {"__name__": "__main__", "sign_in": sign_in})
