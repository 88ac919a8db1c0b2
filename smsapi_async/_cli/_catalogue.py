"""The catalogue: what can be bought."""

from __future__ import annotations

from decimal import Decimal

import attrs

from .. import AsyncClient
from ..v1 import Offer, Picker
from ..v1._picker import By
from ._running import InSandbox, run
from ._terminal import Json, show_json, show_table


def offers(
    product: str,
    /,
    *,
    country: str = "any",
    sort: By = "expected",
    min_stock: int = 1,
    max_price: Decimal | None = None,
    json: Json = False,
    sandbox: InSandbox = False,
) -> None:
    """List who sells numbers for a product, best first.

    Args:
        product: what the number is for, such as telegram.
        country: a country, such as england.
        sort: by the expected cost of a code (cost divided by rate), the cost of a number, or the rate.
        min_stock: numbers the provider must say it has.
        max_price: the most one number may cost.
    """
    picker = Picker(by=sort, min_stock=min_stock, max_price=max_price)

    async def read(client: AsyncClient) -> tuple[Offer, ...]:
        return picker.pick(await client.v1.prices(product=product, country=None if country == "any" else country))

    found = run(read, sandbox=sandbox)
    if json:
        show_json([{**attrs.asdict(offer), "expected_cost": _rounded(picker, offer)} for offer in found])
        return
    columns = ("country", "operator", "cost", "stock", "rate %", "a code")
    rows = [
        (offer.country, offer.operator, offer.cost, offer.count, offer.rate, _rounded(picker, offer)) for offer in found
    ]
    show_table(columns, rows, f"no offers for {product}")


def _rounded(picker: Picker, offer: Offer) -> Decimal:
    return round(picker.expected_cost(offer) or Decimal(0), 4)


def countries(*, json: Json = False, sandbox: InSandbox = False) -> None:
    """List the countries and how many operators sell there."""
    found = run(lambda client: client.v1.countries(), sandbox=sandbox)
    if json:
        show_json(list(found.values()))
        return
    rows = [(c.name, c.text_en, " ".join(c.iso), " ".join(c.prefixes), len(c.operators)) for c in found.values()]
    show_table(("country", "name", "iso", "prefix", "operators"), rows, "no countries")


def products(*, country: str = "any", operator: str = "any", json: Json = False, sandbox: InSandbox = False) -> None:
    """List what numbers are sold for. The prices of `smsapi offers` are nearer to what one costs.

    Args:
        country: a country, such as england.
        operator: an operator, such as virtual53.
    """
    found = run(lambda client: client.v1.products(country, operator), sandbox=sandbox)
    if json:
        show_json([{"product": name, **attrs.asdict(product)} for name, product in found.items()])
        return
    rows = [(name, product.category, product.quantity, product.price) for name, product in found.items()]
    show_table(("product", "category", "stock", "price"), rows, "no products")
