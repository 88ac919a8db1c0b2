"""A spreadsheet of the best offers: the countries and operators with the lowest expected cost of a code.

    python examples/best_offers.py telegram whatsapp > offers.csv

Each offer is a line, the best of each product first: its cost, its stock, the rate of orders that got their SMS, and
the expected cost of one code. A `v1.Picker` chooses, and `client.activation(product, offers=picker)` buys by it.
Reading the price table needs no key and costs nothing, so this runs against the real provider as it is. Against the
local one start `python -m smsapi_async.sandbox` and paste the lines for your shell.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TextIO

import anyio

from smsapi_async import AsyncClient, SmsApiError
from smsapi_async.v1 import Offer, Picker

COLUMNS = ("product", "country", "operator", "cost", "stock", "rate", "expected cost of a code")
CENT = Decimal("0.0001")
FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # the last four are wide, and taken alike


async def write(client: AsyncClient, products: Sequence[str], picker: Picker, best: int, out: TextIO) -> None:
    """Read one table for all products. A product that no country sells is refused: BadParameterError."""
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    for product in products:
        prices = await client.v1.prices(product=product)
        table.writerows(rows(picker.pick(prices)[:best], picker))


def rows(offers: Sequence[Offer], picker: Picker) -> Iterator[tuple[object, ...]]:
    """Write an unknown rate as empty; the expected cost is then the picker's guess."""
    for offer in offers:
        expected = picker.expected_cost(offer)
        yield (
            as_text(offer.product),
            as_text(offer.country),
            as_text(offer.operator),
            offer.cost,
            offer.count,
            "" if offer.rate is None else offer.rate,
            "" if expected is None else expected.quantize(CENT),
        )


def as_text(name: str) -> str:
    """A name that a spreadsheet takes for a text: it executes a cell that begins as a formula does.

    The names are the provider's, and nothing says what they may hold.
    """
    return f"'{name}" if name.lstrip().startswith(FORMULA) or name.startswith(("\t", "\r", "\n")) else name


def parser() -> argparse.ArgumentParser:
    """The words of the command."""
    words = argparse.ArgumentParser(description="The best offers of some products, as CSV.")
    words.add_argument("products", nargs="+", metavar="PRODUCT")
    words.add_argument("--best", type=int, default=10, help="lines of each product (10)")
    words.add_argument("--max-price", help="what one number may cost")
    words.add_argument("--min-stock", type=int, default=1, help="numbers the provider must say it has (1)")
    words.add_argument("--by", choices=("expected", "cost", "rate"), default="expected", help="the order (expected)")
    return words


async def main() -> None:
    """From the command line to stdout."""
    words = parser().parse_args()
    picker = Picker(by=words.by, max_price=words.max_price, min_stock=words.min_stock)
    async with AsyncClient() as client:
        await write(client, words.products, picker, words.best, sys.stdout)


if __name__ == "__main__":
    try:
        anyio.run(main)
    except SmsApiError as error:
        sys.exit(str(error))
