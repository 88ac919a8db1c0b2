"""The inboxes of rented numbers, followed like a log: one line for each message of all numbers.

    python examples/inbox.py                     # every number you rent, until they are gone or Ctrl-C
    python examples/inbox.py 10000371            # one of them
    python examples/inbox.py --rent 7 1          # rents a number in country 7 for a day first: that costs money

One request every few seconds asks for all numbers, however many there are. Following never closes a number. After a
restart the messages of the inbox are printed again.

Against the local provider start `python -m smsapi_async.sandbox`, paste the lines for your shell, and use
`--rent 7 1`: the number gets a message after five seconds. Against the real provider set only `SMSAPI_RENT_KEY`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

import anyio

from smsapi_async import AsyncClient
from smsapi_async.rent import RentedNumber

Print = Callable[[str], object]


async def follow_all(client: AsyncClient, tzids: Sequence[int], out: Print = print) -> None:
    """Follow these numbers, or all that are rented now, until the last of them is gone."""
    numbers = [number for number in await client.rent.numbers() if not tzids or number.tzid in tzids]
    for missing in sorted(set(tzids) - {number.tzid for number in numbers}):
        out(f"{missing} is not a number you rent")
    async with anyio.create_task_group() as group:
        for number in numbers:
            group.start_soon(follow, client, number, out)


async def follow(client: AsyncClient, number: RentedNumber, out: Print) -> None:
    """Print each message once, as it arrives."""
    out(f"{number.phone}  followed, {len(number.messages)} messages so far")
    async for sms in client.rent_messages(number.tzid):
        received = f"{sms.received_at:%d.%m. %H:%M:%S}" if sms.received_at else ""
        out(f"{number.phone}  {received}  {sms.sender}: {sms.text}")
    out(f"{number.phone}  is gone")


def parser() -> argparse.ArgumentParser:
    """The words of the command."""
    words = argparse.ArgumentParser(description="Follow the messages of rented numbers.")
    words.add_argument("tzids", nargs="*", type=int, metavar="TZID", help="without any: all of them")
    words.add_argument("--rent", nargs=2, type=int, metavar=("COUNTRY", "DAYS"), help="rent one first; costs money")
    return words


async def main() -> None:
    """Rent a number if asked to, then follow."""
    words = parser().parse_args()
    async with AsyncClient() as client:
        tzids = list(words.tzids)
        if words.rent:
            country, days = words.rent
            tzids.append((await client.rent.buy_number(country, days)).tzid)
        await follow_all(client, tzids)


if __name__ == "__main__":
    try:
        anyio.run(main)
    except KeyboardInterrupt:
        print("the numbers stay yours")
