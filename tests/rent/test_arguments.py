"""Arguments that the rent API refuses: a ValueError names the argument, and nothing leaves the machine."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from smsapi_async import AsyncClient
from smsapi_async.sandbox import Sandbox

Call = Callable[[AsyncClient, Any], Any]

NOT_COUNTS = (0, -1, -30, True, False, 1.0, "7", "russia", "", "..", "7/8", "7&days=30", [7], Decimal(7))
COUNTS: dict[str, Call] = {
    "tariffs country": lambda c, bad: c.rent.tariffs(bad),
    "buy_number country": lambda c, bad: c.rent.buy_number(bad, 1),
    "buy_number days": lambda c, bad: c.rent.buy_number(7, bad),
    "number tzid": lambda c, bad: c.rent.number(bad),
    "extend tzid": lambda c, bad: c.rent.extend(bad, 1),
    "extend days": lambda c, bad: c.rent.extend(3715, bad),
    "reload_port tzid": lambda c, bad: c.rent.reload_port(bad),
    "close tzid": lambda c, bad: c.rent.close(bad),
}
FLAGS: dict[str, Call] = {"buy_number extension": lambda c, bad: c.rent.buy_number(7, 1, extension=bad)}
NOT_FLAGS = ("false", "true", 1, 0, None, "")

ROWS = [
    pytest.param(call, name, values, id=name)
    for calls, values in ((COUNTS, NOT_COUNTS), (FLAGS, NOT_FLAGS))
    for name, call in calls.items()
]


@pytest.mark.parametrize(("call", "name", "values"), ROWS)
async def test_a_bad_argument_is_named_and_nothing_is_sent(
    call: Call, name: str, values: tuple[Any, ...], sandbox: Sandbox, client: AsyncClient
):
    """A country is a dial code here and a word in v1; the text "false" would turn renewal on."""
    argument = name.partition(" ")[2]
    for bad in values:
        with pytest.raises(ValueError, match=f"^{argument}: "):
            await call(client, bad)

    assert sandbox.requests == []
