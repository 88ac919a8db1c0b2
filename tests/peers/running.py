"""Runs the program of one peer against a sandbox of its own, served on localhost."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen

from smsapi_async.sandbox import Delivery, Sandbox, Scenario
from tests.serving import Host, served

ROOT = Path(__file__).parents[2]
CODE = Delivery(0, "Telegram code 04217", "04217")
WORLD = Scenario(
    plans={"telegram": [[CODE]], "1day": [[CODE]]},
    rent_plans={"7": [[Delivery(0, "code 070051", "070051"), Delivery(2, "code 281935", "281935")]]},
)


@frozen
class Peer:
    """Another author's client: its distribution, the program that calls it, and the world that suits it."""

    name: str
    requirements: Sequence[str]
    program: str
    arguments: Sequence[str] = ()
    suited: dict[str, Any] = field(factory=dict)
    """Fields of `Scenario` that choose what this client expects where no document decides."""

    @property
    def folder(self) -> str:
        """A name for its environment."""
        return "".join(letter if letter.isalnum() or letter == "." else "-" for letter in "-".join(self.requirements))


def outcomes(peer: Peer, python: str, **scenario: Any) -> dict[str, str]:
    """Method -> what became of it.

    Raises:
        RuntimeError: the program itself ended badly.
    """
    host = Host()
    host.sandbox = Sandbox(scenario=evolve(WORLD, **scenario))
    with served(host) as port:
        base = f"http://127.0.0.1:{port}"
        keys = (f"{base}/v1", host.sandbox.token, f"{base}/api", host.sandbox.rent_key)
        command = [python, "-m", f"tests.peers.programs.{peer.program}", *keys, *peer.arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise RuntimeError(f"{peer.name}: its program failed\n{done.stderr[-3000:]}")
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found
