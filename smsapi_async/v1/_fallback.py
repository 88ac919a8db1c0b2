"""Buying along several offers. The next offer is tried when the provider proves that it sold nothing of the last one.

Only `NoNumbersError` is such a proof. A purchase of unknown outcome, or any other refusal, ends the walk.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from decimal import Decimal
from itertools import islice
from math import inf

import anyio
import attrs

from .. import _advice as advice
from .._budget import Budget
from .._errors import NoNumbersError, advised
from .._quoting import shown
from .._shield import unbroken
from .._values import money, seconds
from ._api import V1, Amount
from ._arguments import is_slug
from ._models import Offer, Order
from ._picker import Picker
from ._settle import Settler

EMPTY_FOR = 60.0
"""Seconds for which an empty offer is not tried again. The price table may show stock that is not there."""

MOST_OFFERS = 10_000
"""A product has a thousand offers in all countries together."""

CALL = "v1.buy_activation"

Buy = Callable[..., Awaitable[Order]]
"""`V1.buy_activation` with everything but country and operator."""


class Fallback:
    """Purchases along offers, and the offers that one client found empty."""

    def __init__(self, v1: V1, settler: Settler, budget: Budget) -> None:
        self._v1 = v1
        self._settler = settler
        self._budget = budget
        self._empty_until: dict[tuple[str, str, str], float] = {}

    @unbroken
    async def buy(
        self,
        buy: Buy,
        product: str,
        offers: Picker | tuple[Offer, ...],
        *,
        country: str,
        operator: str,
        max_price: Amount | None,
    ) -> Order:
        """Buy from the first offer that has a number. Raise NoNumbersError with the offers tried if none has one."""
        if operator != "any":
            raise ValueError("operator: every offer names its own, so it must be left 'any'")
        begun, walk = anyio.current_time(), self._walk_of(offers, max_price)
        candidates = await self._candidates(product, offers, country)
        for offer in candidates:
            if walk.ended(anyio.current_time() - begun):
                break
            if walk.too_dear(offer) or self._is_empty(offer):
                walk.passed_over += 1
                walk.dear += walk.too_dear(offer)
                continue
            try:
                order = await buy(country=offer.country, operator=offer.operator)
            except NoNumbersError as refusal:
                self._note_empty(offer)
                walk.tried.append(offer)
                walk.refusal = refusal
            else:
                # The provider ignores a `max_price` beside an operator.
                return await self._settler.hold_against(walk.ceiling, order, CALL)
        raise walk.error(product, len(candidates)) from walk.refusal

    def _walk_of(self, offers: Picker | tuple[Offer, ...], max_price: Amount | None) -> Walk:
        own = [None if max_price is None else money("max_price", max_price)]
        if isinstance(offers, Picker):
            own.append(offers.max_price)
        lowest = min((bound for bound in own if bound is not None), default=None)
        walk = Walk(self._budget.ceiling(lowest), is_of_budget=lowest != self._budget.ceiling(lowest))
        if isinstance(offers, Picker):
            walk.tries, walk.patience = offers.tries, seconds("patience", offers.patience) or 0.0
        return walk

    async def _candidates(self, product: str, offers: Picker | tuple[Offer, ...], country: str) -> tuple[Offer, ...]:
        if isinstance(offers, Picker):
            table = await self._v1.prices(product=product, country=None if country == "any" else country)
            return tuple(offer for offer in offers.pick(table) if is_slug(offer.country) and is_slug(offer.operator))
        for offer in offers:
            if offer.product != product or country not in ("any", offer.country):
                what = f"{offer.product} in {offer.country}"
                raise ValueError(f"offers: each must be of the product and country asked for, not {shown(what)}")
        return offers

    def _is_empty(self, offer: Offer) -> bool:
        return self._empty_until.get(_key(offer), -inf) > anyio.current_time()

    def _note_empty(self, offer: Offer) -> None:
        now = anyio.current_time()
        self._empty_until.pop(_key(offer), None)  # so that the oldest entry comes first
        self._empty_until[_key(offer)] = now + EMPTY_FOR
        while next(iter(self._empty_until.values())) <= now:
            del self._empty_until[next(iter(self._empty_until))]


def offers_of(given: object) -> tuple[Offer, ...]:
    """The offers a caller passed, or ValueError naming the argument."""
    found = tuple(islice(given, MOST_OFFERS + 1)) if isinstance(given, Iterable) else (None,)
    offers = tuple(offer for offer in found if isinstance(offer, Offer))
    if len(found) > MOST_OFFERS or len(offers) < len(found):
        raise ValueError(f"offers: a Picker or up to {MOST_OFFERS} offers are needed")
    return offers


@attrs.define
class Walk:
    """One walk along offers: its limits, and its results so far.

    Attributes:
        is_of_budget: whether the ceiling is the budget's, and not the caller's own.
        dear: how many of the offers passed over cost more than the ceiling.
    """

    ceiling: Decimal | None
    is_of_budget: bool = False
    tries: float = inf
    patience: float = 60.0
    tried: list[Offer] = attrs.field(factory=list)
    passed_over: int = 0
    dear: int = 0
    refusal: NoNumbersError | None = None

    def ended(self, age: float) -> bool:
        return len(self.tried) >= self.tries or age > self.patience

    def too_dear(self, offer: Offer) -> bool:
        return self.ceiling is not None and (offer.cost is None or offer.cost > self.ceiling)

    def error(self, product: str, candidates: int) -> NoNumbersError:
        """The error that nothing was bought, with the offers tried. Its `reason` is the provider's last word."""
        tried = ", ".join(f"{offer.country}/{offer.operator} at {offer.cost}" for offer in self.tried)
        what = f"no number for {product}; tried {len(self.tried)} of {candidates} offers"
        what += f" ({tried})" if tried else ""
        if self.passed_over:
            what += f", passed over {self.passed_over} too dear or found empty within the minute"
        error = NoNumbersError(what, call=CALL)
        if self.refusal is not None:
            error.reason, error.status = self.refusal.reason, self.refusal.status
        if self.dear:
            advised(error, advice.below_ceiling(self.ceiling, is_of_budget=self.is_of_budget))
        return error


def _key(offer: Offer) -> tuple[str, str, str]:
    return offer.country, offer.product, offer.operator
