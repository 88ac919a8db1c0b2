"""Calls the methods of one client and notes what became of each. Runs in that client's environment, without ours."""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
from collections.abc import Callable
from typing import Any

WORKS = "works"
NOT_CALLED = "not called"


class Calls:
    """`calls("user.profile", client.profile)`; the last line printed is a JSON object of method and outcome."""

    def __init__(self) -> None:
        self.v1_url, self.token, self.rent_url, self.rent_key = sys.argv[1:5]
        self._outcomes: dict[str, str] = {}

    @property
    def host(self) -> str:
        """Scheme, host and port, for clients that add the rest."""
        return self.v1_url.removesuffix("/v1")

    def __call__(self, method: str, act: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Call it and hand on what it gives, None if it fails. A method called twice works if it worked both times."""
        try:
            given = act(*arguments, **options)
            given = asyncio.run(given) if inspect.iscoroutine(given) else given
            outcome = "returns False" if given is False else "returns no answer" if inspect.ismethod(given) else WORKS
        except Exception as error:  # noqa: BLE001  any error of a stranger's client is the outcome
            given, outcome = None, type(error).__name__
            print(f"{method}: {outcome}: {error}"[:500], file=sys.stderr)
        if self._outcomes.get(method, WORKS) == WORKS:
            self._outcomes[method] = outcome
        return given

    def finish(self, **parts: Any) -> None:
        """Print the outcomes, and each public method of the parts that was not called."""
        for prefix, part in parts.items():
            for name, _ in inspect.getmembers(type(part), inspect.isfunction):
                if not name.startswith("_"):
                    self._outcomes.setdefault(f"{prefix}.{name}", NOT_CALLED)
        print(json.dumps(self._outcomes))
