"""The whole path, to watch: real HTTP to a local provider in a process of its own, and the account at the end.

Twenty numbers are bought at once and their codes awaited together. The connection of the first purchase is cut after
the provider has sold: the order is found again and not bought twice. One product is sold out. One number never gets
its SMS and is given back. One number is rented and gets two messages. Which SMS comes when is `demo_scenario.json`.

`sign_up` and `rent` are the part that a program of yours would have; the rest starts the provider and keeps the books.
It takes about 20 seconds. The exit code is 1 if the account does not agree with the provider's balances to the cent.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import anyio
from anyio.streams.buffered import BufferedByteReceiveStream

from smsapi_async import AsyncClient, NoNumbersError, WaitTimeoutError
from smsapi_async.rent import RentedNumber
from smsapi_async.sandbox import LostAfter, Proxy
from smsapi_async.v1 import Order, Status

SCENARIO = Path(__file__).with_name("demo_scenario.json")
PRODUCTS = 5 * ["telegram"] + 5 * ["whatsapp"] + 5 * ["google"] + 4 * ["vkontakte"] + ["facebook"]
PATIENCE = 18.0
"""Seconds each order waits for its code. The last one comes 15 s after the purchase, facebook's never."""


@dataclass
class Log:
    """One line an event, with the seconds since the start."""

    begun: float = field(default_factory=anyio.current_time)

    def __call__(self, event: str, text: object) -> None:
        print(f"{anyio.current_time() - self.begun:5.1f} s  {event:<9} {text}", flush=True)


@dataclass
class Books:
    """The purchases, each in its last state."""

    orders: list[Order] = field(default_factory=list)
    numbers: list[RentedNumber] = field(default_factory=list)


# -- what a program of yours would do ----------------------------------------------------------------------------------


async def sign_up(client: AsyncClient, product: str, log: Log, books: Books, country: str = "any") -> None:
    """Buy a number and await its code. Leaving the scope finishes the order, or cancels it when no code was taken."""
    try:
        async with client.activation(product, country=country) as order:
            who = f"{product:<10} {masked(order.phone)}"
            log("bought", f"{who}  for {order.order.price:.2f}")
            try:
                log("code", f"{who}  {await order.code(timeout=PATIENCE)}")
            except WaitTimeoutError:
                log("no code", f"{who}  in {PATIENCE:.0f} s")
        books.orders.append(order.order)
        if order.order.status == Status.CANCELED:
            log("refunded", f"{who}  {order.order.price:.2f}")
    except NoNumbersError as refusal:
        log("sold out", f"{product} in {country}: {refusal.reason!r}, {refusal.fate}")


async def rent(client: AsyncClient, log: Log, books: Books) -> None:
    """Hire a number for a day and read its first two messages. It stays ours when the program ends."""
    number = await client.rent.buy_number(7, days=1)
    books.numbers.append(number)
    log("rented", f"{masked(number.phone)}  a day for {number.price:.2f}")
    messages = client.rent_messages(number.tzid)
    for _ in range(2):
        sms = await anext(messages)
        log("message", f"{masked(number.phone)}  {sms.sender}: {sms.text}")


def masked(phone: str) -> str:
    """Return a phone as a log may show it."""
    return f"{phone[:5]}***{phone[-2:]}"


# -- the stage ---------------------------------------------------------------------------------------------------------


async def demo() -> bool:
    """Start the sandbox, play, and return True if the account agrees."""
    log = Log()
    show_client_log(log)
    async with provider() as (v1_url, token, rent_url, rent_key), Proxy(port_of(v1_url)) as wire:
        log("provider", f"both APIs on port {port_of(v1_url)}, in a process of its own")
        cuttable_url = f"http://127.0.0.1:{wire.port}/v1"  # the same provider, behind a wire that can be cut
        async with AsyncClient(token, rent_key=rent_key, v1_url=cuttable_url, rent_url=rent_url) as client:
            return await play(client, wire, log)


async def play(client: AsyncClient, wire: Proxy, log: Log) -> bool:
    """Everything at once, then the account."""
    books = Books()
    before = await balances(client)
    log("balance", f"v1 {before.v1:.2f}, rent {before.rent:.2f}")
    await sign_up(client, "telegram", log, books, country="usa")
    wire.fail(LostAfter())  # the next request arrives and its answer does not: the first purchase to go out
    async with anyio.create_task_group() as group:
        group.start_soon(rent, client, log, books)
        for product in PRODUCTS:
            group.start_soon(sign_up, client, product, log, books)
    return await closing_account(client, books, before, await balances(client))


class Provider(NamedTuple):
    """The address of the sandbox, and its keys."""

    v1_url: str
    token: str
    rent_url: str
    rent_key: str


@asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    """Serve the sandbox on a free port, until the program ends in any way."""
    command = [sys.executable, "-m", "smsapi_async.sandbox", "--port", "0", "--scenario", str(SCENARIO)]
    # In a session of its own: Ctrl-C goes to the whole session, and there are still open orders to cancel.
    process = await anyio.open_process(command, stdout=subprocess.PIPE, stderr=None, start_new_session=True)
    async with process:
        try:
            assert process.stdout is not None
            line = await BufferedByteReceiveStream(process.stdout).receive_until(b"\n", 4096)
            _, v1_url, _, token, _, _, rent_url, _, rent_key = line.decode().removeprefix("# ").split()
            yield Provider(v1_url, token, rent_url, rent_key)
        finally:
            process.terminate()


def port_of(url: str) -> int:
    """Return the port of a URL."""
    return urlsplit(url).port or 80


def show_client_log(log: Log) -> None:
    """Show what the client itself logs of purchases: answers lost, orders found."""
    handler = logging.Handler()
    handler.addFilter(lambda record: record.getMessage().startswith("purchase."))
    handler.emit = lambda record: log("client", record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("smsapi_async").addHandler(handler)
    logging.getLogger("smsapi_async").setLevel(logging.INFO)


# -- the account -------------------------------------------------------------------------------------------------------


class Balances(NamedTuple):
    """Both purses, as the provider reports them."""

    v1: Decimal
    rent: Decimal


@dataclass
class Line:
    """One line of the account."""

    name: str
    prices: list[Decimal]
    refunds: list[Decimal]
    before: Decimal
    after: Decimal

    @property
    def agrees(self) -> bool:
        """Return True if the provider took the sum of our own books, to the cent."""
        return self.before - self.after == total(self.prices) - total(self.refunds)

    def __str__(self) -> str:
        bought, refunded = total(self.prices), total(self.refunds)
        return (
            f"{self.name:<4}  {len(self.prices):>6} for {bought:>6.2f}  {len(self.refunds):>8} for {refunded:>5.2f}"
            f"  {bought - refunded:>6.2f}  {self.before:>6.2f} -> {self.after:>6.2f}"
            f"  {'agrees' if self.agrees else 'DOES NOT AGREE'}"
        )


async def balances(client: AsyncClient) -> Balances:
    """Ask both providers."""
    profile, rented = await client.v1.profile(), await client.rent.balance()
    return Balances(profile.balance or Decimal(0), rented.balance)


async def closing_account(client: AsyncClient, books: Books, before: Balances, after: Balances) -> bool:
    """Compare our books with the provider's balances and its list of orders."""
    listed = [order async for order in client.v1.iter_orders("activation")]
    ours = {order.id for order in books.orders}
    given_back = [order for order in books.orders if order.status == Status.CANCELED]
    v1 = Line("v1", prices(books.orders), prices(given_back), before.v1, after.v1)
    rented = Line("rent", prices(books.numbers), [], before.rent, after.rent)
    same = len(listed) == len(PRODUCTS) and ours == {order.id for order in listed}
    print(f"\n      {'bought':>17}  {'refunded':>18}  {'paid':>6}  {'balance':>10}", v1, rented, sep="\n")
    print(f"the provider lists {len(listed)} orders, {'exactly ours' if same else 'NOT OURS'}:", tally(listed))
    print(f"unsettled: {len(client.unsettled)}, still rented: {len(await client.rent.numbers())}")
    return v1.agrees and rented.agrees and same and not client.unsettled


def prices(bought: Iterable[Order | RentedNumber]) -> list[Decimal]:
    """Return the price of each."""
    return [each.price or Decimal(0) for each in bought]


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Return their exact sum."""
    return sum(amounts, Decimal(0))


def tally(orders: Iterable[Order]) -> str:
    """Count the orders by the way in which they ended."""
    ends = Counter(order.status for order in orders)
    return ", ".join(f"{count} {status}" for status, count in ends.most_common())


def main() -> int:
    """The exit code: 0 when the account agrees."""
    try:
        return 0 if anyio.run(demo) else 1
    except KeyboardInterrupt:
        print("\nstopped: open orders were cancelled, the provider's process has ended")
        return 130


if __name__ == "__main__":
    sys.exit(main())
