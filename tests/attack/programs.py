"""The programs of the bots: what users of the client do. Knows no fault and no interruption."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from functools import partial
from typing import Any

import anyio

from smsapi_async import SmsApiError, WaitTimeoutError
from smsapi_async.sandbox._orders import Wish
from smsapi_async.v1 import Order

from .bot import COUNTRY, Bot
from .interruptions import EARLY
from .records import Asked
from .schedule import OTHER

SENDER = "Telegram"


class BodyError(Exception):
    """An error inside a scope that has nothing to do with the provider."""


# -- the programs ---------------------------------------------------------------------------------------------------


async def wait(bot: Bot) -> None:
    """Buy, then await the code."""
    order = await bot.buy()
    await bot.await_code(order, bot.deed.patience)


async def sms(bot: Bot) -> None:
    """Buy, then await a message of one sender."""
    order = await bot.buy()
    await bot.await_sms(order, bot.deed.patience, SENDER)


async def scope(bot: Bot) -> None:
    """The scope of the README."""
    async with bot.bought() as held:
        await bot.code(held)


async def twice(bot: Bot) -> None:
    """A scope in which a second code is asked for."""
    async with bot.bought() as held:
        await bot.code(held)
        await bot.code(held)


async def failing(bot: Bot) -> None:
    """A scope whose body fails; the body's error comes out, also if settling fails."""
    entered = False
    try:
        async with bot.bought():
            entered = True
            await anyio.sleep(3)
            raise BodyError
    except BodyError:
        pass
    except SmsApiError as error:
        if entered:
            bot.records.surprises.append(f"settling masked the error of the scope's body with {error!r}")
        raise


async def ban(bot: Bot) -> None:
    """A scope whose number turns out to be used."""
    async with bot.bought() as held:
        await anyio.sleep(2)
        await held.activation.ban()


async def listen(bot: Bot) -> None:
    """A scope that awaits the code in one task and reads every message in another."""
    async with bot.bought() as held, anyio.create_task_group() as group:
        group.start_soon(_quietly, bot.read, held.order, held.activation.messages())
        await _quietly(bot.code, held)
        await anyio.sleep(4)
        group.cancel_scope.cancel()


async def together(bot: Bot) -> None:
    """Two waits and an iterator on one order: only the last wait to leave may settle it."""
    order = await bot.buy()
    async with anyio.create_task_group() as group:
        group.start_soon(_quietly, bot.await_code, order, bot.deed.patience)
        group.start_soon(_quietly, bot.await_code, order, 30)
        group.start_soon(_quietly, bot.read, order.id, bot.client.messages(order.id))


async def reuse(bot: Bot) -> None:
    """Buy for reuse, take the code, buy the number again."""
    first = await bot.buy(reuse=True)
    await bot.await_code(first, bot.deed.patience)
    product = bot.deed.product
    second = await bot.spend("reuse", (product, first.phone), lambda: bot.client.v1.reuse(product, first.phone))
    async with bot.resumed(second) as held:
        await bot.code(held)


async def resume_by_order(bot: Bot) -> None:
    """Buy by hand, then a scope."""
    order = await bot.buy()
    async with bot.resumed(order) as held:
        await bot.code(held)


async def resume_by_id(bot: Bot) -> None:
    """Buy by hand, store the id, then a scope."""
    order = await bot.buy()
    async with bot.resumed(order.id) as held:
        await bot.code(held)


async def by_hand(bot: Bot) -> None:
    """Every step a call of its own."""
    order = await bot.buy()
    await anyio.sleep(6)
    order = await bot.client.v1.check(order.id)
    v1 = bot.client.v1
    unwanted = v1.ban if bot.deed.product == "whatsapp" else v1.cancel
    await (v1.finish if order.sms else unwanted)(order.id)


async def read(bot: Bot) -> None:
    """Look at the records, as a dashboard would."""
    for _ in range(2):
        await _quietly(bot.client.v1.orders, "activation")
        await _quietly(bot.client.v1.payments)
        await _quietly(bot.walk)
        await anyio.sleep(5)


async def hosting(bot: Bot) -> None:
    """Buy a number for hours and look into its inbox."""
    order = await bot.spend("buy hosting", "3hours", lambda: bot.client.v1.buy_hosting("3hours", country=COUNTRY))
    await _quietly(bot.client.v1.check, order.id)
    await bot.client.v1.inbox(order.id)


async def rent(bot: Bot) -> None:
    """Rent a number, take its code, keep it longer."""
    number = await bot.spend("rent", (7, 1), lambda: bot.client.rent.buy_number(7, 1, extension=True))
    tzid = number.tzid
    await _quietly(bot.await_rent_code, tzid, bot.deed.patience or 60)
    await bot.spend("extend", tzid, lambda: bot.client.rent.extend(tzid, 7))


async def rent_messages(bot: Bot) -> None:
    """Rent a number and read what it gets."""
    number = await bot.spend("rent", (7, 7), lambda: bot.client.rent.buy_number(7, 7, extension=True))
    with anyio.move_on_after(30):
        async for _sms in bot.client.rent_messages(number.tzid):
            pass


async def rent_codes(bot: Bot) -> None:
    """Rent a number and take one code after the other, while another task awaits those of one sender."""
    number = await bot.spend("rent", (7, 1), lambda: bot.client.rent.buy_number(7, 1, extension=True))
    async with anyio.create_task_group() as group:
        if bot.deed.variant % 2:
            group.start_soon(_quietly, bot.await_rent_code, number.tzid, 40, OTHER)
        if bot.deed.variant % 5 == 0:
            await anyio.sleep(20)
        for _ in range(3):
            await _quietly(bot.await_rent_code, number.tzid, 20)


async def beside(bot: Bot) -> None:
    """A wait that may settle, beside two that may not: who came first changes nothing."""
    order = await bot.buy()
    pauses = [bot.deed.variant % 3, bot.deed.variant // 3 % 3, bot.deed.variant // 9 % 3]
    waits: list[tuple[Callable[..., Awaitable[None]], tuple[object, ...]]] = [
        (bot.await_code, (order, bot.deed.patience, True)),
        (bot.await_code, (order, bot.deed.variant % 70 + 1.0, False)),
        (bot.await_sms, (order, 30.0, OTHER, False)),
    ]
    async with anyio.create_task_group() as group:
        for pause, (act, arguments) in zip(pauses, waits, strict=True):
            group.start_soon(_later, pause, act, *arguments)


async def senders(bot: Bot) -> None:
    """Two waits on one order, each for a sender of its own; then all messages."""
    order = await bot.buy()
    async with anyio.create_task_group() as group:
        group.start_soon(_quietly, bot.await_sms, order, 50.0, OTHER, False)
        group.start_soon(_quietly, bot.await_sms, order, 50.0, SENDER, False)
    await bot.await_code(order, bot.deed.patience)


async def patient(bot: Bot) -> None:
    """A scope in which a short wait is followed by one to the end."""
    async with bot.bought() as held:
        await anyio.sleep(bot.deed.variant % 50)
        await _quietly(bot.code_within, held, bot.deed.variant % 7 + 1.0)
        await anyio.sleep(bot.deed.variant % 3)
        await bot.code_within(held, None)


async def priced(bot: Bot) -> None:
    """A purchase with a ceiling; what is dearer is given back."""
    most, product = Decimal("0.2") + Decimal(bot.deed.variant % 3) / 10, bot.deed.product
    buy = partial(bot.client.v1.buy_activation, product, country=COUNTRY, max_price=most)
    order = await bot.spend("buy activation", (product, most), buy, most=most)
    await bot.await_code(order, bot.deed.patience)


async def batch(bot: Bot) -> None:
    """Many orders that end together: each must be cancelled in time. Bought here, or found after a crash."""
    many, way = 24 + bot.deed.variant % 17, bot.deed.variant // 17 % 5
    found = [_sold_to_another(bot) for _ in range(many)] if way in (0, 1) else [None] * many
    act = (_await_found, _resume_found, _await_bought, _hold_bought, _churn)[way]
    async with anyio.create_task_group() as group:
        for nth, order in enumerate(found):
            group.start_soon(_quietly, act, bot, nth, order)


def _sold_to_another(bot: Bot) -> int:
    """An order that a dead process bought."""
    wish = Wish(country=COUNTRY, operator="any", product=bot.deed.product)
    return bot.sandbox.world.order_book.buy(wish).id


async def _await_found(bot: Bot, _nth: int, order: int) -> None:
    await bot.await_id(order, None)


async def _resume_found(bot: Bot, _nth: int, order: int) -> None:
    async with bot.resumed(order) as held:
        await bot.code_within(held, None)


async def _await_bought(bot: Bot, _nth: int, _order: None) -> None:
    await bot.await_code(await bot.buy(), None)


async def _hold_bought(bot: Bot, nth: int, _order: None) -> None:
    """All but a few leave at nearly the same time; those that stay wait again."""
    async with bot.bought() as held:
        await _quietly(bot.code_within, held, 30.0 if nth % 8 else 5.0)
        if nth % 8 == 0:
            await bot.code_within(held, None)


async def _churn(bot: Bot, nth: int, _order: None) -> None:
    """Wait for a while, do something else, wait again, until the order is over."""
    chance = random.Random(1000 * bot.deed.variant + nth)
    async with bot.bought() as held:
        for _ in range(40):
            with suppress(WaitTimeoutError):
                await bot.code_within(held, round(chance.uniform(1, 15), 2))
            await anyio.sleep(chance.choice((0.0, 1.0, 5.0)))


async def catalogue(bot: Bot) -> None:
    """Read the price table while others wait."""
    for _ in range(3):
        began = anyio.current_time()
        with suppress(SmsApiError):
            await bot.client.v1.prices(country=COUNTRY)
            bot.records.catalogue.append(Asked(bot.number, began, anyio.current_time()))
        await anyio.sleep(10)


async def withdraw(bot: Bot) -> None:
    """Pay out; no record shows a payout."""
    await bot.spend("withdraw", bot.deed.number, partial(_pay_out, bot))


async def _pay_out(bot: Bot) -> None:
    await bot.client.v1.withdraw(receiver="1234567", method="visa", amount=1, fee="payeer")


async def early(bot: Bot) -> None:
    """Calls that spend, by a caller who was cancelled before: nothing may leave."""
    v1, rent = bot.client.v1, bot.client.rent
    order = await bot.buy() if bot.deed.variant % 4 == 0 else None
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "buy activation": partial(v1.buy_activation, bot.deed.product, country=COUNTRY),
        "buy hosting": partial(v1.buy_hosting, "3hours", country=COUNTRY),
        "rent": partial(rent.buy_number, 7, 1, extension=True),
        "extend": partial(rent.extend, 10000371, 7),
        "reuse": partial(v1.reuse, bot.deed.product, order.phone if order else "+79005554433"),
        "withdraw": partial(_pay_out, bot),
    }
    ways = sorted(EARLY)
    for nth, (kind, act) in enumerate(calls.items()):
        way = EARLY[ways[(bot.deed.variant + nth) % len(ways)]]
        await _quietly(way, partial(bot.spend, kind, ("early", nth), act, early=True))
    if order:
        await bot.await_code(order, bot.deed.patience)


async def _later(pause: float, act: Callable[..., Awaitable[object]], *arguments: Any) -> None:
    await anyio.sleep(pause)
    await _quietly(act, *arguments)


async def _quietly(act: Callable[..., Awaitable[object]], *arguments: Any) -> None:
    """Call it, and go on after an error: the record of the call has it."""
    with suppress(SmsApiError):
        await act(*arguments)


PROGRAMS: Mapping[str, Callable[[Bot], Awaitable[None]]] = {
    "wait": wait,
    "sms": sms,
    "scope": scope,
    "twice": twice,
    "failing": failing,
    "ban": ban,
    "listen": listen,
    "together": together,
    "reuse": reuse,
    "resume by order": resume_by_order,
    "resume by id": resume_by_id,
    "by hand": by_hand,
    "read": read,
    "hosting": hosting,
    "rent": rent,
    "rent messages": rent_messages,
    "rent codes": rent_codes,
    "beside": beside,
    "senders": senders,
    "patient": patient,
    "priced": priced,
    "batch": batch,
    "catalogue": catalogue,
    "withdraw": withdraw,
    "early": early,
}


async def recover(bot: Bot, lost: set[int]) -> None:
    """A restarted process: it finds its open orders among all of the key, and resumes each of them."""
    found: dict[int, Order] = {}
    for _ in range(20):
        try:
            async for order in bot.client.iter_open_orders():
                found[order.id] = order
        except SmsApiError:
            await anyio.sleep(5)
        else:
            break
    async with anyio.create_task_group() as group:
        for order in found.values():
            if order.id in lost and order.product != "3hours":
                group.start_soon(_quietly, _take_up, bot, order)


async def _take_up(bot: Bot, order: Order) -> None:
    async with bot.resumed(order) as held:
        await bot.code(held)
