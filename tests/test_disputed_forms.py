"""Where no source decides how a provider answers, the client reads either form: docs/about/faithful.md promises it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import attrs
import pytest

from smsapi_async import AsyncClient, NotFoundError
from smsapi_async.sandbox import Sandbox, Scenario
from smsapi_async.testing import open_client

PAGE = Path(__file__).parents[1] / "docs" / "about" / "faithful.md"
READ_ALIKE: dict[str, list[Any]] = {
    "order_form": ["full"],
    "empty_answer": ["{}"],
    "max_prices_stamp": ["created_at"],
    "max_prices_form": ["object"],
    "profile_extras": [False],
    "rent_extend_form": ["list"],
    "rent_message_form": ["list", "pages"],
    "rent_close_success": [1, "1"],
    "rent_empty_map": ["{}"],
    "rent_gone": ["null", "NO_NUMBER", "ERROR_NO_OPERATIONS", "ERROR_NO_TZID", "ERROR_WRONG_TZID"],
}
OTHER_MEANING = {"vendor", "closed_answer", "timeout_refunds", "inbox_redirects", "tariff_names"}
"""The form says something else there, so what is read differs too."""


async def everything(sandbox: Sandbox, client: AsyncClient) -> list[Any]:
    """The client's reading of each answer that may have another form."""
    v1, rent = client.v1, client.rent
    order, hosting = await v1.buy_activation("telegram"), await v1.buy_hosting("1day")
    await v1.set_max_price("telegram", 1)
    read: list[Any] = [order.id, (await v1.check(order.id)).status, (await v1.check(hosting.id)).sms]
    read += [await v1.max_prices(), await v1.profile()]
    await v1.delete_max_price("telegram")
    await v1.withdraw(receiver="1", method="qiwi", amount=1, fee="unitpay")
    read += [await v1.max_prices()]
    read += [[(row.id, row.status, row.price) for row in (await v1.orders("activation")).items]]
    kept, plain = await rent.buy_number(7, 1, extension=True), await rent.buy_number(7, 1)
    sandbox.world.receive_rent(kept.tzid, "code 04217", "04217")
    read += [await rent.extend(kept.tzid, 7), await rent.number(plain.tzid), await rent.numbers()]
    await rent.close(kept.tzid)
    with pytest.raises(NotFoundError):
        await rent.number(kept.tzid)
    return [*read, await rent.numbers()]


async def read_in(**scenario: Any) -> list[Any]:
    sandbox = Sandbox(scenario=Scenario(**scenario))
    async with open_client(sandbox) as client:
        return await everything(sandbox, client)


@pytest.mark.parametrize(("field", "form"), [(field, form) for field, forms in READ_ALIKE.items() for form in forms])
async def test_either_form_is_read_alike(field: str, form: Any):
    """No source says which one the user's provider sends."""
    assert await read_in(**{field: form}) == await read_in()


def test_every_disputed_field_of_the_page_is_one_of_a_scenario():
    """A field that is added to the page is added to this test."""
    named = re.findall(r"^\| `(\w+)` \| `", PAGE.read_text(encoding="utf-8"), re.MULTILINE)

    assert set(named) == {*READ_ALIKE, *OTHER_MEANING}
    assert set(named) <= {field.name for field in attrs.fields(Scenario)}
