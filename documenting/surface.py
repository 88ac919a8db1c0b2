"""The public surface as text: every public name with its signature, one on a line, in `documenting/surface.txt`.

    python -m documenting.surface            compare the sources with the record; print the difference and fail
    python -m documenting.surface --record   write the record anew

The sources are parsed and not imported, so that every Python and every set of extras reads the same.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from griffe import Alias, Attribute, Class, Function, Object, ParameterKind, load

ROOT = Path(__file__).parents[1]
FILE = Path(__file__).with_suffix(".txt")
HANDED_OUT = {"Activation", "Messages", "Prices", "Rent", "RentMessages", "Rows", "V1"}
"""Classes that the client makes for its users: what they are made from is no promise."""
UNSAID = {"after_loss", "fate"}
"""Words for the texts of errors, which the reference leaves out too."""
SPOKEN = {f"__{name}__" for name in ("aenter", "aiter", "anext", "call", "enter", "getitem", "init", "iter", "len")}

CHANGED = """
The public surface is not the recorded one. If the change is meant, run `make record` and write the change into
CHANGELOG.md. If it removes or renames anything, or asks for more than before, follow "Deprecations" in CONTRIBUTING.md.
"""
FIELD = re.compile(r"^(?:attrs\.)?field\((.*)\)$")
DEFAULT = re.compile(r"(?:^|, )((?:default|factory)=.+?)(?:, (?:converter|repr|init|kw_only|eq|alias)=|$)")


def surface() -> str:
    """Return the whole record."""
    package = load("smsapi_async", search_paths=[ROOT], allow_inspection=False, resolve_aliases=True)
    doors = [package, *(module for name, module in sorted(package.modules.items()) if not name.startswith("_"))]
    public = {door[str(name)].canonical_path for door in doors for name in door.exports or ()}
    return "\n".join(line for door in doors for line in _module(door, public))


def _module(module: Object | Alias, public: set[str]) -> Iterator[str]:
    yield module.path
    shown = {str(name): module.members[str(name)] for name in module.exports or ()} | _fixtures(module)
    for name, member in sorted(shown.items()):
        yield from _member(name, member, public, "    ")
    yield ""


def _fixtures(module: Object | Alias) -> dict[str, Function]:
    """Return the fixtures of pytest, which its users name although no module exports them."""
    functions = {name: found for inner in module.modules.values() for name, found in inner.functions.items()}
    return {name: found for name, found in functions.items() if "pytest.fixture" in _decorated(found)}


def _member(name: str, member: Object | Alias, public: set[str], indent: str) -> Iterator[str]:
    found = member.final_target if isinstance(member, Alias) else member
    if isinstance(found, Class):
        yield f"{indent}{_head(name, found)}"
        for key, inner in _members(found, public):
            yield from _member(key, inner, public, indent + "    ")
    elif isinstance(found, Function):
        for one in found.overloads or [found]:
            yield f"{indent}{_function(name, one)}"
    elif isinstance(found, Attribute):
        yield f"{indent}{_attribute(name, found)}"


def _head(name: str, found: Class) -> str:
    return f"class {name}({', '.join(map(str, found.bases))}){_decorated(found)}"


def _decorated(found: Class | Function) -> str:
    """Return the decorators that change how a class or a function is used."""
    named = [str(decorator.value) for decorator in found.decorators]
    shown = ", ".join(name for name in named if found.is_class or name.endswith(("contextmanager", "fixture")))
    return f" by {shown}" if shown else ""


def _members(found: Class, public: set[str]) -> list[tuple[str, Object | Alias]]:
    """Return the attributes in their order, which attrs makes that of the arguments; then the methods by name.

    Members that a base on the record has are not repeated.
    """
    shown: list[tuple[str, Object | Alias]] = []
    for name, member in found.all_members.items():
        of = member.final_target if isinstance(member, Alias) else member
        owner = of.parent.path if of.parent else ""
        if name in UNSAID or (owner != found.path and owner in public):
            continue
        made = name == "__init__" and found.name in HANDED_OUT
        if not name.startswith("_") or (name in SPOKEN and not made):
            shown.append((name, member))
    return sorted(shown, key=lambda pair: (pair[1].is_function, pair[0] if pair[1].is_function else ""))


def _function(name: str, found: Function) -> str:
    marks = "".join(f"{mark} " for mark in ("async", "classmethod", "staticmethod") if mark in found.labels)
    return f"{marks}{name}({', '.join(_parameters(found))}) -> {found.returns}{_decorated(found)}"


def _parameters(found: Function) -> Iterator[str]:
    """Yield the parameters as they are written, with the marks `/` and `*` between their kinds."""
    before = None
    for parameter in found.parameters:
        kind = parameter.kind
        if before is ParameterKind.positional_only is not kind:
            yield "/"
        if kind is ParameterKind.keyword_only and before not in {kind, ParameterKind.var_positional}:
            yield "*"
        before = kind
        stars = "*" if kind is ParameterKind.var_positional else "**" if kind is ParameterKind.var_keyword else ""
        typed = "" if parameter.annotation is None else f": {parameter.annotation}"
        default = "" if parameter.default is None or stars else f" = {parameter.default}"
        yield f"{stars}{parameter.name}{typed}{default}"


def _attribute(name: str, found: Attribute) -> str:
    mark = "property " if "property" in found.labels else ""
    typed = "" if found.annotation is None else f": {found.annotation}"
    return f"{mark}{name}{typed}{_value(found)}"


def _value(found: Attribute) -> str:
    """Return the default of an attribute; of one that attrs makes, without what concerns only its making."""
    if found.value is None or not found.labels & {"class-attribute", "module-attribute"}:
        return ""
    written = " ".join(str(found.value).split())
    field = FIELD.match(written)
    if field is None:
        return f" = {written}"
    default = DEFAULT.search(field[1])
    return (f" = field({default[1]})" if default else "") + (", no argument" if "init=False" in field[1] else "")


def difference() -> str:
    """Return how the sources differ from the record, and what to do; empty where they agree."""
    found, recorded = surface(), FILE.read_text(encoding="utf-8")
    lines = difflib.unified_diff(recorded.splitlines(), found.splitlines(), "recorded", "found", n=1, lineterm="")
    return "" if found == recorded else "\n".join([*lines, CHANGED])


if __name__ == "__main__":
    if sys.argv[1:] == ["--record"]:
        FILE.write_text(surface(), encoding="utf-8")
    else:
        sys.exit(difference() or 0)
