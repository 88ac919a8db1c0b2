"""The ```python blocks of the README and of docs/: what tests run, and what type checkers read in their strict modes.

`python -m documenting.blocks` writes each block as a module of its own into `build/blocks`, where `make types` has mypy
and pyright read it. A block keeps its line numbers. A block with `await` at its top level becomes the body of a
coroutine. The reader's own names, those of `GIVEN`, are declared above it.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import attrs

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "blocks"
README = ROOT / "README.md"
DOCUMENTS = (README, *sorted((ROOT / "docs").rglob("*.md")))
PYTHON = re.compile(r"^```python\n(.*?)^```$(?:\n+^```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
GIVEN = {
    "client": "client: AsyncClient",
    "order_id": "order_id: int",
    "tzid": "tzid: int",
    "sign_in": "async def sign_in(phone: str) -> None: ...",
    "my_bot": "async def my_bot(client: AsyncClient) -> str | None: ...",
}
"""The names that a block may use without defining them, and what they are."""
PYRIGHT = {
    "typeCheckingMode": "strict",
    "reportUnusedVariable": False,  # a block may end with a value that its reader goes on with
    "reportMissingModuleSource": False,  # of `documenting/stubs`
    "pythonVersion": "3.11",
    "extraPaths": ["../.."],
    "stubPath": "../../documenting/stubs",
}


@attrs.frozen
class Block:
    """One example; its source padded, so that a traceback shows the lines of its document."""

    page: str
    line: int
    source: str
    printed: str | None

    @property
    def awaits(self) -> bool:
        """True if there is an `await` outside of all functions."""
        code = compile(self.tree, self.page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        return bool(code.co_flags & inspect.CO_COROUTINE)

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.source, self.page)

    @property
    def missing(self) -> set[str]:
        """The names that the block uses and does not define."""
        nodes = list(ast.walk(self.tree))
        names = [node for node in nodes if isinstance(node, ast.Name)]
        defined = {name.id for name in names if isinstance(name.ctx, ast.Store)}
        defined |= {node.arg for node in nodes if isinstance(node, ast.arg)}
        defined |= {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
        return {name.id for name in names if isinstance(name.ctx, ast.Load)} - defined

    @property
    def module(self) -> str:
        """The block as a module that a type checker can read."""
        above = [GIVEN[name] for name in sorted(self.missing & GIVEN.keys())]
        if any("AsyncClient" in given for given in above):
            above = ["from smsapi_async import AsyncClient", *above]
        lines = self.source.splitlines()[self.line - 1 :]
        if self.awaits:
            above.append("async def example() -> None:")
            lines = [f"    {line}" if line else "" for line in lines]
        padding = [""] * (self.line - 1 - len(above))
        return "\n".join([*padding, *above, *lines, ""])


def blocks() -> Iterator[Block]:
    """Yield the blocks of all documents."""
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for match in PYTHON.finditer(text):
            above = text.count("\n", 0, match.start(1))
            yield Block(document.relative_to(ROOT).as_posix(), above + 1, "\n" * above + match[1], match[2])


def write() -> None:
    """Write every block into `FOLDER`, which is emptied before."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    (FOLDER / "pyrightconfig.json").write_text(json.dumps(PYRIGHT), encoding="utf-8")
    for block in blocks():
        name = re.sub(r"\W+", "_", f"{block.page.removesuffix('.md')}_{block.line}")
        (FOLDER / f"{name}.py").write_text(block.module, encoding="utf-8")


if __name__ == "__main__":
    write()
