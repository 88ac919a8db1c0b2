"""The words that a call asked for, and those of the catalogue that the client has read: to explain a refusal of them.

Never sends. The provider says neither which word is wrong nor which words there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from difflib import get_close_matches
from itertools import islice
from types import TracebackType

import attrs

from .. import _advice as advice
from .._errors import BadParameterError, NoNumbersError, advised
from .._quoting import shown
from ._arguments import is_slug

MOST = 2_000
"""Words of one kind that are kept. The provider has about 800 products, 160 countries and 70 operators."""


class Names:
    """The countries, operators and products that one client has read in the catalogue."""

    def __init__(self) -> None:
        self._known: dict[str, set[str]] = {"country": set(), "operator": set(), "product": set()}

    def learn(self, kind: str, words: Iterable[str]) -> None:
        known = self._known[kind]
        known.update(islice(filter(is_slug, words), MOST - len(known)))

    def near(self, kind: str, word: str) -> list[str]:
        """The known words that are nearly the same."""
        return get_close_matches(word, self._known[kind] - {word}, n=3, cutoff=0.7)

    def asked(self, words: Mapping[str, str], ceiling: Ceiling | None = None) -> Asked:
        """The words of one call, around its request."""
        return Asked(self, words, ceiling)


@attrs.frozen
class Ceiling:
    """The most that a number may cost, as it was sent, and whether it is the budget's."""

    amount: Decimal
    is_of_budget: bool


@attrs.frozen
class Asked:
    """A context that explains a refusal of the words of a call."""

    names: Names
    words: Mapping[str, str]
    ceiling: Ceiling | None

    def __enter__(self) -> None:
        """Do nothing: only a refusal is of interest."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, BadParameterError):
            doubtful = [name for name in self.words if name in error.reason.lower()] or list(self.words)
            advised(error, advice.unknown_words([self._described(name) for name in doubtful]))
        elif isinstance(error, NoNumbersError) and self.ceiling is not None:
            advised(error, advice.below_ceiling(self.ceiling.amount, is_of_budget=self.ceiling.is_of_budget))

    def _described(self, name: str) -> advice.Unknown:
        word, country = self.words[name], self.words.get("country", "any")
        listing = {
            "country": "client.v1.countries()",
            "operator": f"client.v1.countries()[{shown('russia' if country == 'any' else country)}].operators",
            "product": f"client.v1.products({shown(country)})",
        }[name]
        return advice.Unknown(name, shown(word), listing, [shown(near) for near in self.names.near(name, word)])
