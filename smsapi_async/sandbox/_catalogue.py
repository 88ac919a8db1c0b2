"""The v1 catalogue: the offers of each place with price and stock, and the numbers that are sold from it.
Source: docs/protocol/v1.md sections 1.2, 2 (catalogue) and 4."""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import count
from typing import Any

from attrs import define

from ._goods import Country, Hosting, Offer
from ._message import RefusalError
from ._scenario import Scenario

ANY = "any"


@define
class Shelf:
    """An offer and how many numbers of it are left."""

    offer: Offer
    left: int


@define
class HostingShelf:
    """A hosting product and how many numbers of it are left."""

    hosting: Hosting
    left: int


class Catalogue:
    """Shelves, and the rules by which a purchase finds one."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self.shelves: list[Shelf] = [Shelf(offer, offer.count) for offer in scenario.offers]
        self.hosting: dict[str, HostingShelf] = {
            each.product: HostingShelf(each, each.count) for each in scenario.hosting
        }
        strangers = {name: Country(name, name[:2], "+7", name.title()) for name in (o.country for o in scenario.offers)}
        self.countries: dict[str, Country] = strangers | {country.name: country for country in scenario.countries}
        self._sold = count(1)

    @property
    def operators(self) -> set[str]:
        """Every operator that sells anywhere."""
        return {shelf.offer.operator for shelf in self.shelves}

    @property
    def products(self) -> set[str]:
        """Every activation product."""
        return {shelf.offer.product for shelf in self.shelves}

    def check_place(self, country: str, operator: str) -> None:
        """Refuse a country or an operator that the catalogue does not know."""
        if country not in {ANY, *self.countries}:
            raise RefusalError("bad country")
        if operator not in {ANY, *self.operators}:
            raise RefusalError("bad operator")
        if operator in self._scenario.offline:
            raise RefusalError("server offline")

    def pick(self, country: str, operator: str, product: str, limit: Decimal | None) -> Shelf:
        """Return the cheapest shelf in stock; `limit` counts only if the provider chooses the operator."""
        self.check_place(country, operator)
        if product not in self.products:
            raise RefusalError("no product")
        capped = limit is not None and operator == ANY and not self._scenario.ignores_max_price
        fitting = [
            shelf
            for shelf in self.matching(country, operator, product)
            if shelf.left > 0
            and shelf.offer.operator not in self._scenario.offline
            and not (capped and shelf.offer.cost > (limit or 0))
        ]
        if not fitting:
            raise RefusalError("no free phones")
        return min(fitting, key=lambda shelf: shelf.offer.cost)

    def pick_hosting(self, country: str, operator: str, product: str) -> HostingShelf:
        """Return the shelf of a hosting product, which is sold only in the places whose products list it."""
        self.check_place(country, operator)
        if product not in self.hosting:
            raise RefusalError("no product")
        shelf = self.hosting[product]
        if not shelf.left or not _sells(shelf, country, operator):
            raise RefusalError("no free phones")
        return shelf

    def matching(self, country: str, operator: str, product: str | None = None) -> list[Shelf]:
        """Return the shelves of a country and operator; either may be `any`."""
        return [
            shelf
            for shelf in self.shelves
            if country in {ANY, shelf.offer.country}
            and operator in {ANY, shelf.offer.operator}
            and product in {None, shelf.offer.product}
        ]

    def new_phone(self, country: Country) -> str:
        """Return a number that was never sold. The stride makes neighbours look unrelated; it is prime to the range."""
        tail = (next(self._sold) * 7919 + 381454) % 10**country.digits
        return f"{country.prefix}{country.mobile}{tail:0{country.digits}d}"

    def price_tree(self, country: str | None, product: str | None) -> dict[str, Any] | None:
        """Return country > product > operator, or product > country > operator for a product alone; None if empty."""
        if country is not None and country not in self.countries:
            raise RefusalError("country is incorrect")
        if product is not None and product not in self.products:
            raise RefusalError("product is incorrect")
        by_product = product is not None and country is None
        tree: dict[str, Any] = {}
        for shelf in self.matching(country or ANY, ANY, product):
            offer = shelf.offer
            outer, inner = (offer.product, offer.country) if by_product else (offer.country, offer.product)
            tree.setdefault(outer, {}).setdefault(inner, {})[offer.operator] = _price(shelf)
        return tree or None

    def product_map(self, country: str, operator: str) -> dict[str, dict[str, Any]]:
        """Return product -> Category, Qty, Price. The price is the lowest of all shelves, empty ones too.

        Source: docs/protocol/v1.md trap 11."""
        self.check_place(country, operator)
        found = dict(self._hosting_rows(country, operator))
        for name, shelves in _grouped(self.matching(country, operator), lambda shelf: shelf.offer.product):
            found[name] = {
                "Category": "activation",
                "Qty": sum(shelf.left for shelf in shelves),
                "Price": min(shelf.offer.cost for shelf in shelves),
            }
        return found

    def _hosting_rows(self, country: str, operator: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, shelf in self.hosting.items():
            if _sells(shelf, country, operator):
                yield name, {"Category": "hosting", "Qty": shelf.left, "Price": shelf.hosting.cost}

    def country_map(self) -> dict[str, dict[str, Any]]:
        """Return country -> iso and prefix flags, names, and a key for each listed operator."""
        return {country.name: self._country_info(country) for country in self.countries.values()}

    def _country_info(self, country: Country) -> dict[str, Any]:
        info: dict[str, Any] = {"iso": {country.iso: 1}, "prefix": {country.prefix: 1}, "text_en": country.text_en}
        if country.text_ru is not None:
            info["text_ru"] = country.text_ru
        sellers = {shelf.offer.operator for shelf in self.matching(country.name, ANY)}
        return info | {operator: {"activation": 1} for operator in sorted(sellers - country.unlisted)}


def _sells(shelf: HostingShelf, country: str, operator: str) -> bool:
    """Return True if a hosting product is listed for this place."""
    return operator in {ANY, shelf.hosting.operator} and country in {ANY, shelf.hosting.country}


def _price(shelf: Shelf) -> dict[str, Any]:
    """Return the row of a shelf. An absent `rate` is unknown, 0 is zero."""
    row: dict[str, Any] = {"cost": shelf.offer.cost, "count": shelf.left}
    if shelf.offer.rate is not None:
        row["rate"] = shelf.offer.rate
    return row | dict(shelf.offer.rates)


def _grouped(shelves: Iterable[Shelf], key: Callable[[Shelf], str]) -> Iterable[tuple[str, list[Shelf]]]:
    groups: dict[str, list[Shelf]] = {}
    for shelf in shelves:
        groups.setdefault(key(shelf), []).append(shelf)
    return groups.items()
