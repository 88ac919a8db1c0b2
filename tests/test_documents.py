"""Every ```python block of the README and of docs/ runs, word for word, as a program of its own against the sandbox.

`await` and `async with` at the top level are allowed, as in `python -m asyncio`; a block with its own `asyncio.run()`
runs as it stands. A ```text block right below is what it prints. The environment holds the sandbox's keys and
addresses, what would leave for the network goes to the sandbox in this process, and time is virtual. Names a block uses
without defining them are the reader's own: `sign_in`, `client` (open), and those of `readers.GIVEN`.
"""

from __future__ import annotations

import ast
import asyncio
import asyncio.events
import contextlib
import functools
import gc
import inspect
import re
import shlex
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
import trio
from trio.testing import MockClock

import smsapi_async
import smsapi_async.rent
import smsapi_async.v1
from documenting import rhythm
from documenting.blocks import DOCUMENTS, README, blocks
from smsapi_async import AsyncClient, Budget, OrderExpiredError, Pace, SmsApiError
from smsapi_async._cli._app import app
from smsapi_async.sandbox import Delivery, Sandbox, Scenario
from smsapi_async.testing import VirtualLoop
from smsapi_async.v1 import Picker
from tests import readers
from tests.leading import lead_to
from tests.rent import literals as rent_literals
from tests.rent import operations as rent_operations
from tests.v1 import literals as v1_literals
from tests.v1 import operations as v1_operations

ROOT = Path(__file__).parents[1]


def commands() -> Iterator[str]:
    """Every line of a shell block that calls `smsapi`."""
    for document in DOCUMENTS:
        for block in re.findall(r"^```sh\n(.*?)^```$", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
            yield from (line for line in block.splitlines() if line.startswith("smsapi "))


async def run_awaiting(code: types.CodeType, missing: set[str]) -> None:
    """A block with `await` at its top level, inside the client and with the things it only mentions."""
    async with AsyncClient() as client:
        names: dict[str, object] = {name: await readers.GIVEN[name](client) for name in missing & readers.GIVEN.keys()}
        await eval(code, {"__name__": "__main__", "sign_in": readers.sign_in, "client": client, **names})


@pytest.fixture
def sandbox() -> Sandbox:
    """A world that sends what the examples wait for: to `telegram` what a served sandbox sends by itself."""
    google = Delivery(7, "G-281935 is your Google verification code.", sender="Google")
    plans = {"telegram": [[Delivery(5, "Telegram code 04217", "04217")]], "google": [[google]]}
    return Sandbox(scenario=Scenario(plans=plans, rent_plans={"7": [[google]]}))


@pytest.fixture
def sandboxed(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The environment, the network, the time and the folder of a reader who has the sandbox for a provider."""
    monkeypatch.chdir(tmp_path)
    lead_to(sandbox, monkeypatch)
    monkeypatch.setattr(asyncio.events, "new_event_loop", VirtualLoop)
    monkeypatch.setattr(trio, "run", functools.partial(trio.run, clock=MockClock(autojump_threshold=0)))


@pytest.mark.parametrize("document", ["README.md", "docs/tutorial.md", "docs/how-to/crash.md", "docs/about/errors.md"])
def test_a_document_has_examples(document):
    """Were none found, none would be tried."""
    assert [block for block in blocks() if block.page == document]


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.stem)
def test_a_page_can_be_read_where_it_lies(page):
    """Most readers see it in the repository, where a marker shows nothing."""
    lines = page.read_text(encoding="utf-8").splitlines()
    text = [line for line in lines if line and not line.startswith(("#", ":::", "    ", "--8<--"))]

    assert len(" ".join(text)) > 80


@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("pip install", "index.md"),
        ("pip install", "tutorial.md"),
        ("retry", "how-to/limits.md"),
        ("sold out", "how-to/offers.md"),
        ("Sold out", "tutorial.md"),
        ("kill -9", "how-to/crash.md"),
        ("kill -9", "examples.md"),
        ("refund", "about/money.md"),
        ("refund", "tutorial.md"),
    ],
)
def test_a_search_for_the_words_of_a_user_finds_the_page(words, page):
    """The search of the site knows no synonyms."""
    assert words in (ROOT / "docs" / page).read_text(encoding="utf-8")


def test_the_readme_is_one_tour():
    """A newcomer decides by one page whether to read on."""
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.usefixtures("sandboxed")
@pytest.mark.parametrize("block", [pytest.param(block, id=f"{block.page}:{block.line}") for block in blocks()])
def test_an_example_runs_and_prints_as_shown(block, sandbox, capsys, monkeypatch):
    """The first thing a newcomer does is to copy it."""
    code = compile(block.tree, block.page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)

    if block.awaits:
        asyncio.run(run_awaiting(code, block.missing))
    elif block.page in readers.USES:
        readers.USES[block.page](code, sandbox, monkeypatch)
    else:
        exec(code, {"__name__": "__main__", "sign_in": readers.sign_in})

    gc.collect()  # a resource that the example left open is reported here, and not in a later test

    assert block.printed is None or capsys.readouterr().out == block.printed
    assert sandbox.ledger.balance_ok()
    assert block.page not in readers.USES or not sandbox.ledger.open


ENDS = {
    "coded": "04217 FINISHED",
    "silent": "WaitTimeoutError CANCELED",
    "cancelled": "OrderClosedError CANCELED",
    "lapsed": "OrderExpiredError TIMEOUT",
    "unknown": "NotFoundError not known",
}
"""How the recipe for a crash must report each order of the run before."""


async def orders_of_a_run_before(client: AsyncClient, sandbox: Sandbox) -> dict[str, int]:
    lapsed = await client.v1.buy_activation("whatsapp")
    await anyio.sleep(1000)
    bought = {"lapsed": lapsed, "coded": await client.v1.buy_activation("telegram")}
    bought |= {name: await client.v1.buy_activation("whatsapp") for name in ("silent", "cancelled")}
    await client.v1.cancel(bought["cancelled"].id)
    return {name: order.id for name, order in bought.items()} | {"unknown": 5}


@pytest.mark.usefixtures("sandboxed")
@pytest.mark.parametrize("number", [0, 1], ids=["by the stored id", "without an id"])
def test_the_recipe_for_a_crash_brings_every_order_to_its_end(number, sandbox, capsys):
    """All wait side by side, one bad id stops no other, and each is reported as it was left."""
    block = [block for block in blocks() if block.page == "docs/how-to/crash.md"][number]
    code = compile(block.tree, block.page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    names: dict[str, Any] = {"__name__": "example"}

    async def start_again() -> tuple[dict[str, int], float]:
        async with AsyncClient() as client:
            orders = await orders_of_a_run_before(client, sandbox)
            names["client"] = client
            began = anyio.current_time()
            coroutine = eval(code, names)
            if number == 0:
                names["book"].executemany("INSERT INTO open_orders VALUES (?, ?)", [(orders[n], n) for n in orders])
                coroutine = names["go_on"](client)
            await coroutine
            return orders, anyio.current_time() - began

    orders, took = asyncio.run(start_again())

    printed = capsys.readouterr().out.splitlines()
    if number == 0:
        assert sorted(printed) == sorted(f"{name} {end}" for name, end in ENDS.items())
        assert names["book"].execute("SELECT account FROM open_orders").fetchall() == [("unknown",)]
        names["book"].close()
    else:
        assert sorted(printed) == sorted(f"{orders[name]} {ENDS[name]}" for name in ("coded", "silent"))
    assert not sandbox.ledger.open
    assert took < 75


@pytest.mark.parametrize("line", sorted(set(commands())))
def test_a_command_is_one_that_smsapi_knows(line):
    """It is pasted into a shell, where a wrong option is all that the reader gets to see."""
    words = shlex.split(re.split(r" [|] ", line)[0], comments=True)[1:]

    app.parse_args(words, exit_on_error=False, print_error=False)


# -- what is written in two places ----------------------------------------------------------------------------------


def rows(table: str) -> list[list[str]]:
    """The cells of each row that begins with a name."""
    lines = [line for line in table.splitlines() if line.startswith(("| `", "| [`"))]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def listed(house: str) -> dict[str, str]:
    """The table of a house: endpoint by operation."""
    page = ROOT / "docs/reference/operations.md"
    table = page.read_text(encoding="utf-8").partition(f"| `client.{house}` | endpoint |")[2].partition("\n\n")[0]
    return {name: endpoint for names, endpoint in rows(table) for name in re.findall(r"`(\w+)\(", names)}


def as_pattern(endpoint: str) -> str:
    """The request lines an endpoint of the table stands for, as in "POST `user/max-prices`" or "`user/check/{id}`"."""
    method, path = re.findall(r"^(\w+ |)`(.*?)`", endpoint)[0]
    path = re.sub(r"{\w+}", "[^/?]+", path)
    return rf"{method.strip() or 'GET'} /(?:v1|api)/{path}(?:\?.*)?"


@pytest.mark.parametrize(("house", "calls"), [("v1", v1_operations.CALLS), ("rent", rent_operations.CALLS)])
async def test_the_table_of_operations_names_the_requests(house, calls, client, sandbox):
    """A reader who compares it with a provider's manual must find the same words there."""
    table = listed(house)
    first = {}
    for name, call in calls.items():
        before = len(sandbox.requests)
        with contextlib.suppress(SmsApiError):
            await call(client)
        first[name] = sandbox.requests[before:]

    wrong = {n: asked for n, asked in first.items() if not any(re.fullmatch(as_pattern(table[n]), r) for r in asked)}
    assert wrong == {}
    assert {name for name in table if not name.startswith("iter_")} == set(calls)


@pytest.mark.parametrize("door", [smsapi_async, smsapi_async.v1, smsapi_async.rent], ids=lambda door: door.__name__)
def test_the_reference_has_every_public_name(door):
    """A reader must be able to look up each name that can be imported."""
    pages = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs/reference").glob("*.md"))

    shown = set(re.findall(rf"^::: {door.__name__}\.(\w+)$", pages, re.MULTILINE))

    assert shown == set(door.__all__)


def public_functions() -> Iterator[tuple[str, Callable[..., object]]]:
    """Every method of the doors that the reference shows."""
    internal: tuple[object, ...] = (Budget, Pace)  # the package alone calls their methods
    for door in (smsapi_async, smsapi_async.v1, smsapi_async.rent):
        classes = [found for name in door.__all__ if inspect.isclass(found := getattr(door, name))]
        for owner in [found for found in classes if found not in internal]:
            members = {name: member for name, member in vars(owner).items() if inspect.isfunction(member)}
            yield from ((f"{owner.__name__}.{name}", member) for name, member in members.items() if name[0] != "_")


@pytest.mark.parametrize(("name", "function"), list(public_functions()))
def test_every_argument_is_described_where_it_stands(name, function):
    """A reader of an editor's help sees one docstring, and not the one that it points to."""
    taken = set(inspect.signature(function).parameters) - {"self"}
    described = re.findall(r"^ +((?:[a-z_]+, )*[a-z_]+): ", inspect.getdoc(function) or "", re.MULTILINE)

    assert taken - {name for names in described for name in names.split(", ")} == set()


@pytest.mark.parametrize("owner", [AsyncClient, Budget, Pace, Picker], ids=lambda owner: owner.__name__)
def test_every_argument_of_a_constructor_is_described(owner):
    """They are described at the class, which is what a reader looks up."""
    described = re.findall(r"^ +([a-z_0-9]+): ", inspect.getdoc(owner) or "", re.MULTILINE)

    assert list(inspect.signature(owner).parameters) == described


def test_the_reference_draws_the_tree_of_errors():
    """A reader decides by it what to catch."""
    page = (ROOT / "docs/reference/errors.md").read_text(encoding="utf-8")
    above: list[str] = []
    drawn = {}
    for indent, name in re.findall(r"^([│├└─ ]*)(\w+Error)(?: |$)", page, re.MULTILINE):
        above[len(indent) // 4 :] = [name]
        drawn[name] = above[-2] if len(above) > 1 else "Exception"

    errors = {name: getattr(smsapi_async, name) for name in smsapi_async.__all__ if name.endswith("Error")}
    assert drawn == {name: error.__bases__[0].__name__ for name, error in errors.items()}


def test_the_page_about_errors_names_each_of_them():
    """An error that is not explained there sends its reader to the sources."""
    page = (ROOT / "docs/about/errors.md").read_text(encoding="utf-8")

    errors = {name for name in smsapi_async.__all__ if name.endswith("Error")} - {"SmsApiError"}
    assert set(re.findall(r"^\| `(\w+Error)`", page, re.MULTILINE)) == errors


def test_the_page_about_errors_quotes_the_providers():
    """A word beside the wrong class sends its reader the wrong way."""
    page = (ROOT / "docs/about/errors.md").read_text(encoding="utf-8")
    table = page.partition("## The provider said no")[2].partition("\n## ")[0]
    known = {(literal.body, literal.error.__name__) for literal in v1_literals.REFUSALS}
    known |= {(literal.word, literal.error.__name__) for literal in rent_literals.LITERALS}

    quoted = {(word, error.strip("`")) for error, words, _ in rows(table) for word in re.findall("`(.+?)`", words)}

    assert quoted <= known
    assert len(quoted) > 12


def test_the_page_about_the_insides_has_a_line_for_each_module():
    """A newcomer finds the file to change there; a module without a line is not found."""
    page = (ROOT / "docs/about/internals.md").read_text(encoding="utf-8")
    shown = {"smsapi_async"}
    for title, table in re.findall(r"^### (.+)\n\n((?:\|.+\n)+)", page, re.MULTILINE):
        folder = re.match(r"`(\w+)`", title)
        names = [name for line in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", line.split("|")[1])]
        shown |= {f"{folder[1]}.{name}" if folder else name for name in names} | {folder[1] if folder else "__init__"}

    package = ROOT / "smsapi_async"
    files = [file.relative_to(package).with_suffix("") for file in package.rglob("*.py")]
    in_one_line = {"sandbox", "testing", "_cli"}
    modules = {".".join(f.parts).removesuffix(".__init__") for f in files if f.parts[0] not in in_one_line}
    assert shown == modules | in_one_line | {"smsapi_async"}


def test_the_drawing_of_the_looks_is_the_rhythm():
    """A picture is believed; it is drawn from the function that asks."""
    assert rhythm.FILE.read_text(encoding="utf-8") == rhythm.drawing()


async def test_a_lonely_order_costs_as_many_requests_as_written(client, sandbox, steady):
    """A reader who plans for many orders multiplies this number."""
    page = (ROOT / "docs/about/waiting.md").read_text(encoding="utf-8")
    (written,) = re.findall(r"about (\d+) requests for an order that gets nothing", page)

    async with client.activation("whatsapp") as order:
        with pytest.raises(OrderExpiredError):
            await order.code()

    assert sandbox.count("GET /v1/user/check/") == int(written) == len(rhythm.looks())
