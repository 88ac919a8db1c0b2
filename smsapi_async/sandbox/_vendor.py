"""The page of `vendor/prices`: filters, sorting and pages of its own.
Source: docs/protocol/v1.md section 1.4, tests/samples/v1/docs_vendor_prices.json."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from ._catalogue import Shelf
from ._message import number

FIELDS = ("ID", "CountryName", "ProductName", "OperatorName", "Count", "Price")
FIRST_ID = 333567


def price_page(shelves: Iterable[Shelf], query: Mapping[str, str], money: Callable[[Decimal], Any]) -> dict[str, Any]:
    """Return the rows that pass every `_filters[...]`, sorted and cut by `_page` and `_perPage`."""
    rows = [row for row_id, shelf in enumerate(shelves, FIRST_ID) if _passes(row := _row(row_id, shelf), query)]
    field = query.get("_sortField", "ID")
    if field in FIELDS:
        rows.sort(key=lambda row: row[field], reverse=query.get("_sortDir") == "DESC")
    page, size = number(query.get("_page"), 1), number(query.get("_perPage"), 25)
    return {
        "Prices": [{**row, "Price": money(row["Price"])} for row in rows[(page - 1) * size : page * size]],
        "Products": sorted({row["ProductName"] for row in rows}),
        "Country": sorted({row["CountryName"] for row in rows}),
        "Operators": sorted({row["OperatorName"] for row in rows}),
        "Total": len(rows),
    }


def _row(row_id: int, shelf: Shelf) -> dict[str, Any]:
    return {
        "Count": shelf.left,
        "CountryName": shelf.offer.country,
        "ID": row_id,
        "OperatorName": shelf.offer.operator,
        "Price": shelf.offer.cost,
        "ProductName": shelf.offer.product,
    }


def _passes(row: dict[str, Any], query: Mapping[str, str]) -> bool:
    return all(query.get(f"_filters[{name}]", str(row[name])) == str(row[name]) for name in FIELDS)
