"""The programs of the bots: what users of the client do, each call noted. Knows no fault and no interruption."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, TypeAlias, TypeVar

import anyio
import attrs

from smsapi_async import AsyncClient, Sms, SmsApiError
from smsapi_async._activation import Activation
from smsapi_async.v1 import Messages, Order

from .records import Held, Read, Records, Wait, id_of
from .schedule import Deed

T = TypeVar("T")
Enter: TypeAlias = Callable[[], Awaitable[Activation]]
COUNTRY = "russia"
SENDER = "Telegram"


class BodyError(Exception):
    """What goes wrong inside a scope, and has nothing to do with the provider."""


@attrs.frozen
class Bot:
    """A bot at work."""

    deed: Deed
    client: AsyncClient
    number: int
    """Of its client."""
    records: Records

    async def spend(self, kind: str, asked: object, act: Callable[[], Awaitable[T]]) -> T:
        """Make one call that spends."""
        with self.records.spending(kind, asked, self.number, self.deed.number) as call:
            bought = await act()
            call.returned = id_of(bought)
            return bought

    async def buy(self, *, reuse: bool = False) -> Order:
        """Buy the deed's product."""
        product = self.deed.product
        return await self.spend(
            "buy activation",
            (product, reuse),
            lambda: self.client.v1.buy_activation(product, country=COUNTRY, reuse=reuse),
        )

    @asynccontextmanager
    async def bought(self) -> AsyncIterator[Held]:
        """The scope of the README."""
        product = self.deed.product
        scope = self.client.activation(product, country=COUNTRY)
        async with self._inside(scope, lambda enter: self.spend("buy activation", (product, False), enter)) as held:
            yield held

    @asynccontextmanager
    async def resumed(self, order: Order | int) -> AsyncIterator[Held]:
        """A scope around an order that exists."""
        async with self._inside(self.client.resume(order), lambda enter: enter()) as held:
            yield held

    @asynccontextmanager
    async def _inside(
        self, scope: Activation, entering: Callable[[Enter], Awaitable[Activation]]
    ) -> AsyncIterator[Held]:
        held = None
        try:
            async with AsyncExitStack() as stack:
                order = await entering(lambda: stack.enter_async_context(scope))
                held = Held(len(self.records.scopes), order, self.number, anyio.current_time())
                self.records.scopes.append(held)
                try:
                    yield held
                except Exception:
                    self.records.failed.add(self.deed.number)
                    raise
        finally:
            if held is not None:
                held.ended = anyio.current_time()

    async def wait(self, order: int, act: Callable[[], Awaitable[str | Sms]], **traits: Any) -> None:
        """Wait for one code."""
        wait = Wait(order, self.number, anyio.current_time(), **traits)
        self.records.waits.append(wait)
        try:
            got = await act()
            wait.code = got.code if isinstance(got, Sms) else got
        except SmsApiError as error:
            wait.error = error
            raise
        finally:
            wait.ended = anyio.current_time()

    async def code(self, held: Held) -> None:
        """Wait for a code inside a scope."""
        patience = self.deed.patience
        await self.wait(held.order, lambda: held.activation.code(timeout=patience), settles=False, scope=held.number)

    async def await_code(self, order: Order, patience: float | None) -> None:
        """Wait for a code of a stored id."""
        await self.wait(order.id, lambda: self.client.await_code(order.id, timeout=patience), settles=True)

    async def read(self, order: int, messages: Messages) -> None:
        """Read every message of an order until it closes."""
        reading = Read(order)
        self.records.reads.append(reading)
        async for sms in messages:
            reading.texts.append(sms.text)
        reading.whole = True


# -- the programs ---------------------------------------------------------------------------------------------------


async def wait(bot: Bot) -> None:
    """Buy, then await the code."""
    order = await bot.buy()
    await bot.await_code(order, bot.deed.patience)


async def sms(bot: Bot) -> None:
    """Buy, then await a message of one sender."""
    order = await bot.buy()
    await bot.wait(
        order.id,
        lambda: bot.client.await_sms(order.id, timeout=bot.deed.patience, match=lambda sms: sms.sender == SENDER),
        settles=True,
        sender=SENDER,
    )


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
    """A scope whose body fails; its error comes out, whatever settling met."""
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
        async for _order in bot.client.iter_open_orders():
            pass
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
    await _quietly(
        lambda: bot.wait(
            tzid,
            lambda: bot.client.await_rent_code(tzid, timeout=bot.deed.patience or 60),
            settles=False,
            rent=True,
        )
    )
    await bot.spend("extend", tzid, lambda: bot.client.rent.extend(tzid, 7))


async def rent_messages(bot: Bot) -> None:
    """Rent a number and read what it gets."""
    number = await bot.spend("rent", (7, 7), lambda: bot.client.rent.buy_number(7, 7, extension=True))
    with anyio.move_on_after(30):
        async for _sms in bot.client.rent_messages(number.tzid):
            pass


async def _quietly(act: Callable[..., Awaitable[object]], *arguments: Any) -> None:
    """What it is told is noted, and the program goes on."""
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
}


async def recover(bot: Bot, lost: set[int]) -> None:
    """What a restarted process does: find its open orders among all of the key, and take each up where it was."""
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
