"""The tree of the package as a table, and a walk that holds every import to it. Reads sources, imports nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "smsapi_async"
DOOR = "smsapi_async"

# From the bottom up: a module may import those of its own row and of the rows below. A new module is added here.
ROWS = (
    {"_advice", "_async_only"},
    {"_errors", "_values", "_fields", "_quoting", "_shield", "_wakeup"},
    {"_budget", "_log", "_events", "_codes"},
    {"_sending", "_polling"},
    {"_unsettled", "_account", "_settings"},
    {"v1", "rent"},
    {"_activation"},
    {"_client"},
    {DOOR},
    {"testing", "_cli", "otel"},
    {"__main__"},
)
FOLDERS = {"_sending", "_polling"}
# The rooms of a house, in the same way; models know no wire.
ROOMS = (
    {"_models", "_lifecycle"},
    {"_refusals", "_wire", "_offers", "_picker"},
    {"_arguments", "_calls", "_glance", "_pagination"},
    {"_matching", "_names"},
    {"_settle", "_purchases", "_waits"},
    {"_api", "_fallback"},
    {"__init__"},
)
HOUSES = {"v1", "rent"}
SANDBOX = "sandbox"
MEETS_THE_SANDBOX = {"testing", "_cli"}
HTTP_LIBRARIES = {"httpx", "httpx2", "httpcore", "httpcore2", "h2"}
SPEAKS_HTTP = {"smsapi_async._sending.http"}
SPEAKS_HTTP_TOO = {"testing", "_cli", SANDBOX}


@dataclass(frozen=True)
class Import:
    """One import statement's target: dotted, absolute, as deep as a file of ours goes."""

    target: str
    line: int
    for_types: bool


def dotted(file: Path) -> str:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, Path]:
    return {dotted(file): file for file in sorted(PACKAGE.rglob("*.py"))}


def is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def statements(node: ast.AST, for_types: bool = False) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, for_types
        else:
            yield from statements(child, for_types or is_for_types(child))


@cache
def imports(module: str) -> tuple[Import, ...]:
    file = modules()[module]
    package = module.split(".") if file.name == "__init__.py" else module.split(".")[:-1]
    found = []
    for node, for_types in statements(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        else:
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            targets = [name if (name := f"{base}.{alias.name}") in modules() else base for alias in node.names]
        found += [Import(target, node.lineno, for_types) for target in targets]
    return tuple(found)


def place(module: str) -> str:
    """The name by which the table knows a module: its first part below the package."""
    return module.split(".")[1] if "." in module else DOOR


def height(name: str, table: tuple[set[str], ...]) -> int:
    return next((number for number, names in enumerate(table) if name in names), len(table))


def row(module: str) -> int:
    return height(place(module), ROWS)


def room(module: str) -> int:
    return height(module.split(".")[2] if module.count(".") > 1 else "__init__", ROOMS)


def ours(module: str) -> Iterator[Import]:
    return (found for found in imports(module) if found.target.split(".")[0] == DOOR)


def where(module: str, found: Import) -> str:
    return f"{module} line {found.line} imports {found.target}"


CLIENT = [module for module in modules() if place(module) != SANDBOX]


def test_the_table_names_every_module():
    """A new module needs a decision about its place."""
    homeless = [module for module in CLIENT if row(module) == len(ROWS)]
    homeless += [module for module in CLIENT if place(module) in HOUSES and room(module) == len(ROOMS)]

    assert CLIENT
    assert homeless == []


@pytest.mark.parametrize("module", CLIENT)
def test_imports_run_one_way(module):
    """A lower row can be read, tested and changed without the rows above it."""
    upward = [
        where(module, found)
        for found in ours(module)
        if place(found.target) != SANDBOX and row(found.target) > row(module)
        if not (place(module) == "_errors" and found.for_types)
    ]

    assert upward == []


@pytest.mark.parametrize("module", [module for module in CLIENT if place(module) in HOUSES])
def test_a_house_knows_its_own_rooms_only_and_those_one_way(module):
    """Two providers that shared quirks would break together; a model that knew its wire could not outlive it."""
    houses = [found for found in ours(module) if place(found.target) in HOUSES]

    assert [where(module, found) for found in houses if place(found.target) != place(module)] == []
    assert [where(module, found) for found in houses if room(found.target) > room(module)] == []


@pytest.mark.parametrize("module", CLIENT)
def test_a_folder_has_one_entrance(module):
    """The modules behind it can be cut anew without touching the callers."""
    inside = [
        where(module, found)
        for found in ours(module)
        if place(found.target) in FOLDERS and found.target.count(".") > 1 and place(found.target) != place(module)
    ]

    assert inside == []


def test_the_errors_import_only_their_texts():
    """A program that handles an error loads nothing else for it."""
    needed = [found.target for found in ours("smsapi_async._errors") if not found.for_types]

    assert needed == ["smsapi_async._advice"]
    assert list(ours("smsapi_async._advice")) == []


@pytest.mark.parametrize("module", [module for module in modules() if place(module) == SANDBOX])
def test_the_sandbox_imports_nothing_of_ours(module):
    """It is a second witness, written from the documents: shared code would share its mistakes."""
    assert [where(module, found) for found in ours(module) if place(found.target) != SANDBOX] == []


@pytest.mark.parametrize("module", CLIENT)
def test_nothing_of_ours_imports_the_sandbox(module):
    """The user's programs must not carry a provider; only the pytest plugin and the command line meet it."""
    found = [where(module, found) for found in ours(module) if place(found.target) == SANDBOX]

    assert found == [] or place(module) in MEETS_THE_SANDBOX


@pytest.mark.parametrize("module", modules())
def test_one_client_file_speaks_http(module):
    """The HTTP library can be changed in one place."""
    found = [where(module, found) for found in imports(module) if found.target.split(".")[0] in HTTP_LIBRARIES]

    assert found == [] or module in SPEAKS_HTTP or place(module) in SPEAKS_HTTP_TOO


def test_there_is_no_circle():
    """A circle works until a program imports its other end first."""
    done: set[str] = set()

    def walk(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module not in done:
            for found in ours(module):
                if not found.for_types:
                    walk(found.target, (*path, module))
            done.add(module)

    for module in modules():
        walk(module, ())
