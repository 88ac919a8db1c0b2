"""Numbers for days."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from cyclopts import App

from .. import AsyncClient, Sms
from ..rent import RentedNumber
from ._help import epilogue
from ._running import InSandbox, need_key, run
from ._terminal import Json, Yes, amount, ask, clean, say, show, show_json, show_table

app = App(name="rent", help="Rent numbers for days and read their messages.", help_epilogue=epilogue("rent"))


def tariffs(country: int | None = None, *, json: Json = False, sandbox: InSandbox = False) -> None:
    """List what a number costs by country and days.

    Args:
        country: a dial code, such as 7.
    """
    found = run(lambda client: client.rent.tariffs(country), sandbox=sandbox)
    if json:
        show_json(found)
        return
    rows = [
        (tariff.country, tariff.name, days, price, tariff.stock.get(days))
        for tariff in found
        for days, price in tariff.prices.items()
    ]
    show_table(("country", "name", "days", "price", "stock"), rows, "no tariffs")


def get(
    country: int,
    days: int,
    /,
    *,
    extension: bool = False,
    yes: Yes = False,
    json: Json = False,
    sandbox: InSandbox = False,
) -> None:
    """Rent a number. Spends money.

    It is refunded only if no message comes in the first 20 minutes.

    Args:
        country: a dial code, such as 7.
        days: one of the lengths of `smsapi rent tariffs`.
        extension: let it renew by itself, 30 days at a time; without it the provider may not let it be extended.
    """
    need_key("rent", sandbox=sandbox)
    if not (yes or sandbox):
        tariff = partial(_tariff, country=country, days=days)
        ask(lambda: f"Rent a number of country {country} for {days} days, {run(tariff, sandbox=False)}?")

    async def buy(client: AsyncClient) -> RentedNumber:
        number = await client.rent.buy_number(country, days, extension=extension)
        say(f"rented number {number.tzid} is bought for {amount(number.price)}")
        return number

    _show([run(buy, sandbox=sandbox)], json=json)


def numbers(*, json: Json = False, sandbox: InSandbox = False) -> None:
    """List the numbers that are rented now."""
    _show(run(lambda client: client.rent.numbers(), sandbox=sandbox), json=json)


def messages(tzid: int, /, *, follow: bool = False, json: Json = False, sandbox: InSandbox = False) -> None:
    """Show the messages of a rented number.

    Args:
        tzid: the number's tzid, as `smsapi rent list` shows it.
        follow: go on with those to come, until the number is gone or Ctrl-C is pressed.
    """

    def tell(sms: Sms) -> None:
        if json:
            show_json(sms)
        else:
            show(f"{clean(sms.created_at)}  {sms.sender}: {sms.text}")

    async def work(client: AsyncClient) -> None:
        if follow:
            async for sms in client.rent_messages(tzid):
                tell(sms)
        else:
            for sms in (await client.rent.number(tzid)).messages:
                tell(sms)

    run(work, sandbox=sandbox)


def extend(tzid: int, days: int, /, *, yes: Yes = False, json: Json = False, sandbox: InSandbox = False) -> None:
    """Keep a rented number for more days. Spends money.

    Args:
        tzid: the number's tzid.
        days: one of the lengths it may be extended by.
    """
    need_key("rent", sandbox=sandbox)
    if not (yes or sandbox):
        price = partial(_extension, tzid=tzid, days=days)
        ask(lambda: f"Keep rented number {tzid} for {days} more days, {run(price, sandbox=False)}?")

    async def prolong(client: AsyncClient) -> RentedNumber:
        number = await client.rent.extend(tzid, days)
        say(f"rented number {number.tzid} is extended by {days} days")
        return number

    _show([run(prolong, sandbox=sandbox)], json=json)


def close(tzid: int, /, *, yes: Yes = False, sandbox: InSandbox = False) -> None:
    """Give a rented number up for good. No refund is promised.

    Args:
        tzid: the number's tzid.
    """
    need_key("rent", sandbox=sandbox)
    if not (yes or sandbox):
        ask(lambda: f"Give rented number {tzid} up for good? No refund is promised.")
    run(lambda client: client.rent.close(tzid), sandbox=sandbox)
    say(f"rented number {tzid} is closed")


async def _tariff(client: AsyncClient, *, country: int, days: int) -> str:
    prices = [tariff.prices.get(days) for tariff in await client.rent.tariffs(country)]
    return _listed(prices[0] if prices else None)


async def _extension(client: AsyncClient, *, tzid: int, days: int) -> str:
    return _listed((await client.rent.number(tzid)).extensions.get(days))


def _listed(price: object) -> str:
    return "which is not in the price list" if price is None else f"listed at {clean(price)} (account currency)"


def _show(found: tuple[RentedNumber, ...] | list[RentedNumber], *, json: bool) -> None:
    if json:
        show_json(found)
        return
    rows = [(each.tzid, each.phone, _state(each), each.ends_in, each.price, _days(each), each.code) for each in found]
    show_table(("tzid", "phone", "state", "ends in", "price", "extendable by days", "code"), rows, "no rented numbers")


def _state(number: RentedNumber) -> str:
    return "confirmed" if number.status else "awaits its first message"


def _days(number: RentedNumber) -> str | None:
    return ", ".join(map(str, number.extensions)) or None


COMMANDS: dict[str, Callable[..., None]] = {
    "tariffs": tariffs,
    "get": get,
    "list": numbers,
    "messages": messages,
    "extend": extend,
    "close": close,
}
for name, command in COMMANDS.items():
    app.command(command, name=name, help_epilogue=epilogue(f"rent {name}"))
