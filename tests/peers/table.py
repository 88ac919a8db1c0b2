"""The table of clients and methods of docs/about/faithful.md: read, printed, and compared with what happened."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from attrs import frozen

WORKS = "works"
CLIENT, NOBODY, OTHER_API = "client", "nobody", "other API"
FAULTS = (CLIENT, NOBODY, OTHER_API)
NAMES = re.compile(r"`([^`]+)`")


@frozen
class Said:
    """A row of the page about one method: the outcome in the default scenario, and whose fault it is."""

    outcome: str
    fault: str = ""


Found = tuple[str, str]
"""The outcomes in the default scenario, and in the one that suits the client."""


def read_page(text: str) -> dict[str, dict[str, Said]]:
    """Client -> method -> what the page says of it. A client is a heading of the third level."""
    sections = re.split(r"^### ", text, flags=re.MULTILINE)[1:]
    return {name.strip(): dict(_rows(body)) for name, _, body in (part.partition("\n") for part in sections)}


def _rows(section: str) -> Iterator[tuple[str, Said]]:
    for line in section.splitlines():
        if line.startswith("Work: "):
            yield from ((name, Said(WORKS)) for name in NAMES.findall(line))
        elif line.startswith("| `"):
            methods, outcome, fault, _ = (cell.strip() for cell in line.strip("| ").split(" | ", 3))
            yield from ((name, Said(outcome.strip("`"), fault)) for name in NAMES.findall(methods))


def explained(said: Said, found: Found) -> bool:
    """Return True if the page has the outcome, and whose fault it is. A suited scenario has no fault."""
    outcome, suited = found
    if said.outcome != outcome:
        return False
    if outcome == WORKS:
        return not said.fault
    return said.fault in FAULTS and (said.fault == NOBODY) == (suited == WORKS)


def differences(page: Mapping[str, Said], found: Mapping[str, Found]) -> list[str]:
    """One line for each method of a client whose row is missing, wrong, or explained by a fault of ours."""
    lines = []
    for method in sorted({*page, *found}):
        said, happened = page.get(method), found.get(method)
        if said is None or happened is None:
            lines.append(f"{method}: {'not on the page' if said is None else 'no method of this client'}")
        elif not explained(said, happened):
            stated = f"{said.outcome}{said.fault and f', fault: {said.fault}'}"
            lines.append(f"{method}: {happened[0]} (suited: {happened[1]}); the page says {stated}")
    return lines


def printed(name: str, page: Mapping[str, Said], found: Mapping[str, Found]) -> str:
    """The rows of one client, as `make peers` shows them."""
    count = sum(outcome == WORKS for outcome, _ in found.values())
    lines = [f"{name}: {count} of {len(found)} methods work"]
    for method, (outcome, suited) in sorted(found.items()):
        fault = page[method].fault if method in page else ""
        lines.append(f"  {method:40} {outcome:24} {suited:24} {fault}".rstrip())
    return "\n".join(lines)
