"""The arguments of the v1 API. A refused one is a ValueError that names the argument, and nothing is sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from smsapi_async import AsyncClient, NotFoundError
from smsapi_async.sandbox import Answer, Sandbox
from tests.answers import answering, parsed

Call = Callable[..., Any]

NOT_SLUGS = (
    "", ".", "..", "../x", "a/b", "/", "a\\b", "England", "a b", "a\n", "a\x00", "\x7f", "%2e", "%2e%2e", "a?b=1",
    "a#b", "россия", "-a", "_a", 7, True, b"any", ["any"], Decimal(7),
)  # fmt: skip
NOT_IDS = (0, -1, True, False, 1.0, "1", None, [1])
NOT_MONEY = (
    0,
    -1,
    "-0.5",
    "NaN",
    float("nan"),
    float("inf"),
    "-Infinity",
    0.00001,
    "0.12345",
    "1e-5",
    "1e30",
    "",
    "x",
    True,
)
NOT_PHONES = ("", "+", "123", "+1234567890123456", "79 00", "++79000", "7900a", "+7900\n", "٧٩٠٠٠", 79000381454, None)
NOT_FLAGS: tuple[object, ...] = ("false", "true", 1, 0, "", [])
NOT_WORDS = ("", "a b", "a&b=1", "a\n", "имя", 5, b"id")

SLUGS: dict[str, Call] = {
    "products country": lambda c, bad: c.v1.products(bad),
    "products operator": lambda c, bad: c.v1.products("russia", bad),
    "prices country": lambda c, bad: c.v1.prices(country=bad),
    "prices product": lambda c, bad: c.v1.prices(product=bad),
    "notification lang": lambda c, bad: c.v1.notification(bad),
    "buy_activation product": lambda c, bad: c.v1.buy_activation(bad),
    "buy_activation country": lambda c, bad: c.v1.buy_activation("telegram", country=bad),
    "buy_activation operator": lambda c, bad: c.v1.buy_activation("telegram", operator=bad),
    "buy_hosting product": lambda c, bad: c.v1.buy_hosting(bad),
    "buy_hosting country": lambda c, bad: c.v1.buy_hosting("1day", country=bad),
    "buy_hosting operator": lambda c, bad: c.v1.buy_hosting("1day", operator=bad),
    "reuse product": lambda c, bad: c.v1.reuse(bad, "+79000381454"),
    "set_max_price product": lambda c, bad: c.v1.set_max_price(bad, 1),
    "delete_max_price product": lambda c, bad: c.v1.delete_max_price(bad),
}
IDS: dict[str, Call] = {
    f"{name} id": (lambda c, bad, name=name: getattr(c.v1, name)(bad))
    for name in ("check", "finish", "cancel", "ban", "inbox")
}
PAGES = ("orders", "vendor_orders")
BOOKS = ("payments", "vendor_payments")


def paged(argument: str) -> dict[str, Call]:
    lists = {
        f"{name} {argument}": (lambda c, bad, name=name: getattr(c.v1, name)("activation", **{argument: bad}))
        for name in PAGES
    }
    books = {f"{name} {argument}": (lambda c, bad, name=name: getattr(c.v1, name)(**{argument: bad})) for name in BOOKS}
    return lists | books


def option(name: str) -> dict[str, Call]:
    return {f"buy_activation {name}": lambda c, bad: c.v1.buy_activation("telegram", **{name: bad})}


def payout(name: str) -> dict[str, Call]:
    good = {"receiver": "1", "method": "qiwi", "amount": 1, "fee": "unitpay"}
    return {f"withdraw {name}": lambda c, bad: c.v1.withdraw(**{**good, name: bad})}


TABLE: tuple[tuple[dict[str, Call], tuple[object, ...]], ...] = (
    (SLUGS, NOT_SLUGS),
    (IDS, NOT_IDS),
    (paged("limit"), NOT_IDS[:-2]),
    (paged("offset"), (-1, True, False, 0.0, "0", [1])),
    (paged("order"), NOT_WORDS),
    (paged("reverse"), NOT_FLAGS),
    (
        {
            "orders category": lambda c, bad: c.v1.orders(bad),
            "vendor_orders category": lambda c, bad: c.v1.vendor_orders(bad),
            "iter_orders category": lambda c, bad: anext(c.v1.iter_orders(bad)),
            "iter_vendor_orders category": lambda c, bad: anext(c.v1.iter_vendor_orders(bad)),
        },
        ("", "activations", "Hosting", None, 1, ["hosting"]),
    ),
    (option("max_price"), NOT_MONEY),
    (option("number"), (*NOT_PHONES[:-1], "7900038145", "+790003814545")),
    (option("forwarding"), NOT_FLAGS),
    (option("reuse"), (*NOT_FLAGS, None)),
    (option("voice"), (*NOT_FLAGS, None)),
    (option("ref"), NOT_WORDS),
    ({"reuse phone": lambda c, bad: c.v1.reuse("telegram", bad)}, NOT_PHONES),
    ({"set_max_price price": lambda c, bad: c.v1.set_max_price("telegram", bad)}, (*NOT_MONEY, None)),
    (payout("amount"), (*NOT_MONEY, None)),
    (payout("receiver"), ("", "  ", "a\nb", "\x00", 5, None)),
    (payout("method"), ("", "paypal", "QIWI", None, 1, [])),
    (payout("fee"), ("", "qiwi", None, 1)),
)


ROWS = [pytest.param(call, name, values, id=name) for calls, values in TABLE for name, call in calls.items()]


@pytest.mark.parametrize(("call", "name", "values"), ROWS)
async def test_a_bad_argument_is_named_and_nothing_is_sent(
    call: Call, name: str, values: tuple[Any, ...], sandbox: Sandbox, client: AsyncClient
):
    """A `..` or a slash changes the route, and with it perhaps what is bought."""
    argument = name.partition(" ")[2]
    for bad in values:
        with pytest.raises(ValueError, match=f"^{argument}: "):
            await call(client, bad)

    assert sandbox.requests == []


@pytest.mark.parametrize("price", [1, "0.5"])
async def test_max_price_is_refused_beside_a_named_operator(price: Any, sandbox: Sandbox, client: AsyncClient):
    """Trap 10: the provider ignores it there without a word, and sells at any price."""
    with pytest.raises(ValueError, match=r"^max_price: .*operator"):
        await client.v1.buy_activation("telegram", operator="mts", max_price=price)

    assert sandbox.requests == []


async def test_a_phone_is_not_repeated_in_the_complaint(client: AsyncClient):
    """Tracebacks are logged."""
    with pytest.raises(ValueError, match=r"^phone: ") as caught:
        await client.v1.reuse("telegram", "+7 900 038 14 54")

    assert "900" not in str(caught.value)


@pytest.mark.parametrize(
    ("price", "text"),
    [
        (1, "1"),
        (0.1, "0.1"),
        ("0.0641", "0.0641"),
        (Decimal("5.00000"), "5.0000"),
        (Decimal("1E+2"), "100"),
        ("12.3400", "12.3400"),
    ],
)
async def test_max_price_travels_as_plain_text(price: Any, text: str, sandbox: Sandbox, client: AsyncClient):
    """No exponent, at most four decimals, no float's tail: what the provider cannot read it ignores."""
    sandbox.fail("user/buy", Answer(404, "record not found"))

    with pytest.raises(NotFoundError):
        await client.v1.buy_activation("telegram", max_price=price)

    assert sandbox.requests == [f"GET /v1/user/buy/activation/any/any/telegram?maxPrice={text}"]


@pytest.mark.parametrize("method", ["visa", "qiwi", "yandex"])
@pytest.mark.parametrize("fee", ["fkwallet", "payeer", "unitpay"])
async def test_every_way_of_a_payout_is_accepted(method: Any, fee: Any, sandbox: Sandbox, client: AsyncClient):
    """The three of each that are documented; the amount is text."""
    await client.v1.withdraw(receiver="+7 900 (card)", method=method, amount="12.5", fee=fee)

    sent = json.loads(sandbox.log[-1].body)
    assert sent == {"receiver": "+7 900 (card)", "method": method, "amount": "12.5", "fee": fee}
    assert [wish.amount for wish in sandbox.ledger.withdrawals] == [Decimal("12.5")]


NAMES = parsed("v1/docs_names_2024.lists.json")


@pytest.mark.parametrize("kind", NAMES)
async def test_every_name_the_documentation_lists_is_accepted(kind: str):
    """174 countries, 71 operators, 512 products, 4 lengths: each is a path segment, digits among them."""
    async with answering("no free phones") as (client, provider):
        for name in NAMES[kind]:
            where = {"countries": {"country": name}, "operators": {"operator": name}}.get(kind, {})
            product = name if not where else "telegram"
            buy = client.v1.buy_hosting if "hosting" in kind else client.v1.buy_activation
            with pytest.raises(Exception, match="no free phones"):
                await buy(product, **where)

    assert len(provider.asked) == len(NAMES[kind])
    assert all(f"/{name}" in line for name, line in zip(NAMES[kind], provider.lines, strict=True))
