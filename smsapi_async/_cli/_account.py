"""The contents of the accounts."""

from __future__ import annotations

from typing import Any

from .. import AsyncClient
from ._running import InSandbox, keys_set, run
from ._terminal import Json, show_json, show_table


def balance(*, json: Json = False, sandbox: InSandbox = False) -> None:
    """Show what is on the accounts whose keys are set."""
    apis = keys_set(sandbox=sandbox)

    async def read(client: AsyncClient) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        if "v1" in apis:
            profile = await client.v1.profile()
            found["v1"] = {"balance": profile.balance, "frozen": profile.frozen_balance, "rating": profile.rating}
        if "rent" in apis:
            money = await client.rent.balance()
            found["rent"] = {"balance": money.balance, "frozen": money.frozen, "rating": None}
        return found

    found = run(read, sandbox=sandbox)
    if json:
        show_json(found)
    else:
        show_table(("api", "balance", "frozen", "rating"), [(api, *row.values()) for api, row in found.items()])
