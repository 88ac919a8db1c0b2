"""A bot at work: it records each call of the client with its result. Decides nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from functools import partial
from typing import Any, TypeAlias, TypeVar

import anyio
import attrs

from smsapi_async import AsyncClient, Sms, SmsApiError
from smsapi_async._activation import Activation
from smsapi_async.sandbox import Sandbox
from smsapi_async.v1 import Messages, Order

from .records import Held, Read, Records, Wait, Walk, id_of
from .schedule import Deed

T = TypeVar("T")
Enter: TypeAlias = Callable[[], Awaitable[Activation]]
COUNTRY = "russia"


@attrs.frozen
class Bot:
    """A bot at work."""

    deed: Deed
    client: AsyncClient
    number: int
    """The number of its client."""
    records: Records
    sandbox: Sandbox

    async def spend(
        self,
        kind: str,
        asked: object,
        act: Callable[[], Awaitable[T]],
        *,
        most: Decimal | None = None,
        early: bool = False,
    ) -> T:
        """Make one call that spends."""
        about = self.records.spending(kind, asked, self.number, self.deed.number, most=most, early=early)
        with about as call:
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
                held.kept = held.order in {id_of(left) for left in self.client.unsettled}
                held.open_after = self.sandbox.world.orders[held.order].is_open

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
        await self.code_within(held, self.deed.patience)

    async def code_within(self, held: Held, patience: float | None) -> None:
        """Await the code of a scope, with a timeout."""
        act = partial(held.activation.code, timeout=patience)
        await self.wait(held.order, act, settles=False, scope=held.number, patience=patience)

    async def await_code(self, order: Order, patience: float | None, settle: bool = True) -> None:
        """Wait for a code of a stored id."""
        await self.await_id(order.id, patience, settle)

    async def await_id(self, order: int, patience: float | None, settle: bool = True) -> None:
        """Await the code of an order that others bought."""
        act = partial(self.client.await_code, order, timeout=patience, settle=settle)
        await self.wait(order, act, settles=settle, patience=patience)

    async def await_sms(self, order: Order, patience: float | None, sender: str, settle: bool = True) -> None:
        """Wait for a message of one sender."""
        act = partial(
            self.client.await_sms, order.id, timeout=patience, settle=settle, match=lambda sms: sms.sender == sender
        )
        await self.wait(order.id, act, settles=settle, sender=sender, patience=patience)

    async def await_rent_code(self, tzid: int, patience: float, sender: str | None = None) -> None:
        """Wait for a code of a rented number."""
        match = None if sender is None else lambda sms: sms.sender == sender
        act = partial(self.client.await_rent_code, tzid, timeout=patience, match=match)
        await self.wait(tzid, act, settles=False, rent=True, sender=sender, patience=patience)

    async def read(self, order: int, messages: Messages) -> None:
        """Read every message of an order until it closes."""
        reading = Read(order)
        self.records.reads.append(reading)
        async for sms in messages:
            reading.texts.append(sms.text)
        reading.whole = True

    async def walk(self) -> None:
        """Find the open orders."""
        walked = Walk(self.number, self.deed.number, anyio.current_time())
        self.records.walks.append(walked)
        try:
            ids = [order.id async for order in self.client.iter_open_orders()]
            walked.ids = set(ids)
        except SmsApiError as error:
            walked.error = error
            raise
        finally:
            walked.ended = anyio.current_time()
