"""All chance of a run, drawn from a seed."""

from __future__ import annotations

from typing import Any

import trio


def seed_trio(seed: int) -> None:
    """Let trio run its tasks in an order drawn from the seed, as its own tests do: the same one each time."""
    scheduler: Any = trio._core._run
    scheduler._ALLOW_DETERMINISTIC_SCHEDULING = True
    scheduler._r.seed(seed)
