"""`python -m tests.peers`: install each client, call every public method of it, compare with the page."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

from tests.peers.clients import PEERS
from tests.peers.running import ROOT, Peer, outcomes
from tests.peers.table import differences, printed, read_page

HOME = ROOT / ".venv-peers"
PAGE = ROOT / "docs" / "about" / "faithful.md"


def main() -> int:
    """1 if a row of the page is missing or wrong."""
    pages, wrong = read_page(PAGE.read_text(encoding="utf-8")), []
    for peer in PEERS:
        python = installed(peer)
        default, suited = outcomes(peer, python), outcomes(peer, python, **peer.suited)
        found = {method: (outcome, suited[method]) for method, outcome in default.items()}
        page = pages.get(peer.name, {})
        print(printed(peer.name, page, found), flush=True)
        wrong += [f"{peer.name}: {line}" for line in differences(page, found)]
    print(*wrong or [f"every row is as {PAGE.relative_to(ROOT)} says"], sep="\n")
    return int(bool(wrong))


def installed(peer: Peer) -> str:
    """The interpreter of the client's own environment, made at first use."""
    folder = HOME / peer.folder
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    stamp = folder / "installed"
    if not stamp.exists() or stamp.read_text(encoding="utf-8").split() != list(peer.requirements):
        print(f"making {Path(folder).relative_to(ROOT)}", flush=True)
        venv.create(folder, clear=True, with_pip=True)
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--quiet"]
        subprocess.run([*pip, *peer.requirements], check=True)
        stamp.write_text("\n".join(peer.requirements), encoding="utf-8")
    return str(python)


if __name__ == "__main__":
    sys.exit(main())
