"""Every argument of every public method is bounded, named when it is refused, and sent as its plain value.

One table of all arguments; a method or an argument that is not in it fails the test.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from itertools import repeat
from typing import Any

import httpx
import pytest

from smsapi_async import Activation, AsyncClient, Budget, Pace, SmsApiError
from smsapi_async.rent import Rent
from smsapi_async.v1 import V1, Offer, Order
from tests.answers import RENT_KEY, TOKEN, answering

HUGE = 10**4000
UNPRINTABLE = 10**5000
LONG = "x" * 70_000

TEXTS = (LONG, "a\x1b]52;c;x\x07", 5, None, b"x", object())
NUMBERS = (HUGE, UNPRINTABLE, -HUGE, 0, True, 1.5, LONG, None, float("inf"))
FLAGS = (HUGE, UNPRINTABLE, LONG, "true", 1, object())
TINY = "0." + "0" * 500 + "1"
AMOUNTS = (HUGE, UNPRINTABLE, -1, LONG, "9" * 70_000, TINY, "1e999999999", float("nan"), 10**20, object())
SPANS = (HUGE, UNPRINTABLE, -1, float("nan"), LONG, True, object())
FUNCTIONS = (LONG, HUGE, UNPRINTABLE)
PHONES = (LONG, "7" * 70_000, HUGE, "", b"79000381454", object())
AGES = (HUGE, LONG, -timedelta(1), timedelta(), 5)
OFFERS = (5, LONG, [5], repeat(Offer(country="russia", product="telegram", operator="a")), object())

SLUG, WORD, COUNT, FLAG = ("telegram", TEXTS), ("id", TEXTS), (7, NUMBERS), (True, FLAGS)
OPTIONAL_WORD = ("id", tuple(bad for bad in TEXTS if bad is not None))
OPTIONAL_COUNT = (7, tuple(bad for bad in NUMBERS if bad is not None))
OFFSET = (7, tuple(bad for bad in NUMBERS if bad not in (None, 0)))
OPTIONAL_PHONE = ("79000381454", PHONES)
AMOUNT, OPTIONAL_AMOUNT = (5, (*AMOUNTS, None)), (5, AMOUNTS)
CATEGORY = ("activation", TEXTS)
PAGING = {"limit": OPTIONAL_COUNT, "offset": OFFSET, "order": OPTIONAL_WORD, "reverse": FLAG}
BUYING = {
    "product": SLUG,
    "country": SLUG,
    "operator": ("any", TEXTS),
    "forwarding": FLAG,
    "number": OPTIONAL_PHONE,
    "reuse": (True, (*FLAGS, None)),
    "voice": (True, (*FLAGS, None)),
    "ref": OPTIONAL_WORD,
    "max_price": OPTIONAL_AMOUNT,
}
WAITING = {"timeout": (1, SPANS), "match": (bool, FUNCTIONS), "extract": (str, FUNCTIONS)}

Argument = tuple[Any, tuple[Any, ...]]
"""A value that is taken, and those that are not."""

TABLE: dict[str, dict[str, Argument]] = {
    "v1.profile": {},
    "v1.orders": {"category": CATEGORY, **PAGING},
    "v1.iter_orders": {"category": CATEGORY},
    "v1.iter_open_orders": {"max_age": (timedelta(1), AGES)},
    "v1.payments": PAGING,
    "v1.iter_payments": {},
    "v1.products": {"country": SLUG, "operator": SLUG},
    "v1.prices": {"country": ("russia", TEXTS[:3]), "product": ("telegram", TEXTS[:3])},
    "v1.countries": {},
    "v1.notification": {"lang": ("en", TEXTS)},
    "v1.buy_activation": BUYING,
    "v1.buy_hosting": {"product": SLUG, "country": SLUG, "operator": SLUG},
    "v1.reuse": {"product": SLUG, "phone": ("79000381454", (*PHONES, None))},
    "v1.check": {"id": COUNT},
    "v1.finish": {"id": COUNT},
    "v1.cancel": {"id": COUNT},
    "v1.ban": {"id": COUNT},
    "v1.inbox": {"id": COUNT},
    "v1.max_prices": {},
    "v1.set_max_price": {"product": SLUG, "price": AMOUNT},
    "v1.delete_max_price": {"product": SLUG},
    "v1.vendor": {},
    "v1.wallets": {},
    "v1.vendor_orders": {"category": CATEGORY, **PAGING},
    "v1.iter_vendor_orders": {"category": CATEGORY},
    "v1.vendor_payments": PAGING,
    "v1.iter_vendor_payments": {},
    "v1.withdraw": {"receiver": ("1", TEXTS), "method": ("qiwi", TEXTS), "amount": AMOUNT, "fee": ("payeer", TEXTS)},
    "rent.tariffs": {"country": OPTIONAL_COUNT},
    "rent.buy_number": {"country": COUNT, "days": COUNT, "extension": (True, (*FLAGS, None))},
    "rent.numbers": {},
    "rent.number": {"tzid": COUNT},
    "rent.extend": {"tzid": COUNT, "days": COUNT},
    "rent.reload_port": {"tzid": COUNT},
    "rent.close": {"tzid": COUNT},
    "rent.balance": {},
    "await_code": {"order_id": COUNT, "settle": (True, (*FLAGS, None)), **WAITING},
    "await_sms": {"order_id": COUNT, "settle": (True, (*FLAGS, None)), **WAITING},
    "messages": {"order_id": COUNT},
    "await_rent_code": {"tzid": COUNT, **WAITING},
    "rent_messages": {"tzid": COUNT},
    "activation": {**BUYING, "offers": ((), OFFERS)},
    "resume": {"order": (7, (*NUMBERS, Order(id=0), Order(id=HUGE)))},
    "iter_open_orders": {"max_age": (timedelta(1), AGES)},
    "aclose": {},
}
NEEDED: dict[str, dict[str, Any]] = {
    "v1.orders": {"category": "activation"},
    "v1.vendor_orders": {"category": "activation"},
    "v1.iter_orders": {"category": "activation"},
    "v1.iter_vendor_orders": {"category": "activation"},
    "v1.iter_open_orders": {"max_age": None},
    "v1.notification": {"lang": "en"},
    "v1.buy_activation": {"product": "telegram"},
    "v1.buy_hosting": {"product": "1day"},
    "v1.reuse": {"product": "telegram", "phone": "79000381454"},
    "v1.set_max_price": {"product": "telegram", "price": 5},
    "v1.delete_max_price": {"product": "telegram"},
    "v1.withdraw": {"receiver": "1", "method": "qiwi", "amount": 5, "fee": "payeer"},
    "rent.buy_number": {"country": 7, "days": 7},
    "rent.extend": {"tzid": 7, "days": 7},
    "await_code": {"order_id": 7},
    "await_sms": {"order_id": 7},
    "await_rent_code": {"tzid": 7},
    "activation": {"product": "telegram"},
}
"""Arguments without a default, of methods that have more than the one in question."""

CLIENT: dict[str, tuple[Any, ...]] = {
    "token": (LONG, "a\nb", 5, b"x"),
    "rent_key": (LONG, "a\nb", 5, b"x"),
    "v1_url": ("http://p.test/" + LONG, LONG, "http://[", "ftp://x", 5, b"http://p.test"),
    "rent_url": ("http://p.test/" + LONG, LONG, "http://[", "ftp://x", 5, b"http://p.test"),
    "request_timeout": (*SPANS, 0, None),
    "max_retries": (HUGE, UNPRINTABLE, -1, True, 1.5, LONG, None),
    "pace": (HUGE, LONG),
    "budget": (HUGE, LONG),
    "rent_budget": (HUGE, LONG),
    "shared_key": (*FLAGS, None),
    "http_client": (HUGE, LONG),
    "rent_key_in": (LONG, HUGE, None, UNPRINTABLE),
    "rent_timezone": (HUGE, LONG),
    "settle_timeout": (*SPANS, 0, None),
    "cancel_timeout": (*SPANS, 0, None),
    "on_unsettled": FUNCTIONS,
    "on_event": FUNCTIONS,
}

ROWS = [(name, argument) for name, arguments in TABLE.items() for argument in arguments]


def methods() -> Iterator[tuple[str, Callable[..., Any]]]:
    for prefix, kind in (("v1.", V1), ("rent.", Rent), ("", AsyncClient)):
        for name, method in inspect.getmembers(kind, inspect.isfunction):
            if not name.startswith("_"):
                yield prefix + name, method


def test_the_table_names_every_argument():
    """A new one is bounded from its first day."""
    found = {name: set(inspect.signature(method).parameters) - {"self"} for name, method in methods()}

    assert {name: set(arguments) for name, arguments in TABLE.items()} == found
    assert set(CLIENT) == set(inspect.signature(AsyncClient).parameters)


@asynccontextmanager
async def ended(found: Any) -> AsyncIterator[None]:
    """Await the result of a method, or read its iterator to the end."""
    if isinstance(found, Activation):
        async with found:
            yield
    elif inspect.isawaitable(found):
        await found
        yield
    else:
        async for _ in found:
            break
        yield


async def call(client: AsyncClient, name: str, **arguments: Any) -> None:
    house, _, method = name.rpartition(".")
    async with ended(getattr(getattr(client, house) if house else client, method)(**arguments)):
        pass


@pytest.mark.in_turn
@pytest.mark.parametrize(("name", "argument"), ROWS, ids=lambda part: part)
async def test_an_argument_beyond_all_bounds_is_named_and_nothing_is_sent(name, argument):
    """A product of 70,000 letters failed inside the HTTP library, a country of 4,000 digits with an OverflowError."""
    async with answering("no free phones") as (client, provider):
        for bad in TABLE[name][argument][1]:
            with pytest.raises(ValueError, match=f"^{argument}: ") as caught:
                await call(client, name, **{**NEEDED.get(name, {}), argument: bad})
            assert len(str(caught.value)) < 400
            assert str(caught.value).isprintable()

    assert provider.asked == []


@pytest.mark.parametrize("argument", CLIENT)
def test_an_option_beyond_all_bounds_is_named(argument):
    """Found out later, it would cost a purchase."""
    for bad in CLIENT[argument]:
        with pytest.raises(ValueError, match=f"^{argument}[: ]") as caught:
            AsyncClient(**{argument: bad})
        assert len(str(caught.value)) < 400
        assert str(caught.value).isprintable()


# -- classes of the caller's ------------------------------------------------------------------------------------------


class Text(str):
    """A text that prints itself otherwise."""

    __slots__ = ()

    def __str__(self) -> str:
        return "../other"

    def __format__(self, spec: str) -> str:
        return "../other"

    def removeprefix(self, prefix: str) -> str:
        return "666"


class Number(int):
    """A number that prints itself otherwise."""

    def __str__(self) -> str:
        return "../other"

    def __format__(self, spec: str) -> str:
        return "../other"

    def __index__(self) -> int:
        return 666


def of_enum(plain: Any) -> Any:
    made: Any = Enum("made", {"A": plain}, type=int if isinstance(plain, int) else str)
    return made(plain)


def in_class(plain: Any) -> Any:
    return Number(plain) if isinstance(plain, int) else Text(plain)


async def sent(name: str, arguments: dict[str, Any]) -> list[tuple[str, str, bytes]]:
    """The requests of a call, also of one that ends in an error."""
    async with answering("order not found", 400, records=True) as (client, provider):
        with suppress(SmsApiError):
            await call(client, name, **arguments)
    return [(request.method, str(request.url), request.content) for request in provider.asked]


PLAIN = [
    (name, argument)
    for name, argument in ROWS
    if isinstance(TABLE[name][argument][0], (str, int)) and not isinstance(TABLE[name][argument][0], bool)
]


@pytest.mark.in_turn
@pytest.mark.parametrize("dressed", [of_enum, in_class])
@pytest.mark.parametrize(("name", "argument"), PLAIN, ids=lambda part: part)
async def test_a_class_of_the_caller_s_is_sent_as_its_plain_value(name, argument, dressed):
    """Members of enums are common; `{product}` of one is its name on some Pythons, and its value on others."""
    plain = TABLE[name][argument][0]
    needed = NEEDED.get(name, {})

    wanted = await sent(name, {**needed, argument: plain})

    assert await sent(name, {**needed, argument: dressed(plain)}) == wanted
    assert wanted
    assert not any("other" in url or "666" in url for _, url, _ in wanted)


async def test_a_key_and_a_url_of_the_caller_s_class_are_sent_as_their_plain_values():
    """The header is made with a format."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"id": 1, "balance": 1, "response": 1})

    async with (
        httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http,
        AsyncClient(
            Text(TOKEN),
            rent_key=Text(RENT_KEY),
            v1_url=Text("http://p.test/v1"),
            rent_url=Text("http://p.test/api"),
            rent_key_in=Text("query"),  # type: ignore[arg-type]
            http_client=http,
        ) as client,
    ):
        await client.v1.profile()
        await client.rent.balance()

    assert [str(request.url) for request in asked] == [
        "http://p.test/v1/user/profile",
        f"http://p.test/api/getBalance.php?apikey={RENT_KEY}",
    ]
    assert asked[0].headers["Authorization"] == f"Bearer {TOKEN}"


async def test_a_refused_argument_leaves_the_budget_as_it_was():
    """The library refused the URL after the money was set aside, and it stayed so."""
    budget = Budget(money=10, per_order=3)
    async with AsyncClient(TOKEN, v1_url="http://p.test/v1", budget=budget, pace=Pace()) as client:
        with pytest.raises(ValueError, match=r"^product: "):
            await client.v1.buy_activation(LONG)

    assert (budget.spent, budget.left) == (Decimal(0), Decimal(10))
