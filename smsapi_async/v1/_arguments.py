"""The arguments of the v1 API, checked before anything is sent: a ValueError names the argument.

The provider's lists of countries, operators and products grow, so a name is held against the form of its routes only.
"""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

from .._quoting import shown
from .._values import OrderId, Phone, exact_text, natural, positive, switch
from ._models import Order
from ._wire import Category

_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
_WORD = re.compile(r"[A-Za-z0-9_-]{1,100}")
"""The longest name that is documented has 25 letters."""

LONGEST_ACCOUNT = 200
MOST_ROWS = 10**9


def slug(name: str, value: object) -> str:
    """A path segment the provider's routes accept, or ValueError naming the argument."""
    text = exact_text(value)
    if text is None or not _SLUG.fullmatch(text):
        example = {"country": "england", "operator": "virtual53", "product": "telegram"}.get(name, "en")
        raise ValueError(f"{name}: a v1 {name} is a lower-case word such as {example!r}, not {shown(value)}")
    return text


def is_slug(value: str) -> bool:
    """Return True if the routes accept it as a path segment. The provider's own lists may hold any text."""
    return _SLUG.fullmatch(value) is not None


def slugs(**values: object) -> tuple[str, ...]:
    """Path segments in their order, each checked."""
    return tuple(slug(name, value) for name, value in values.items())


def order_id(name: str, value: Order | OrderId) -> OrderId:
    """The id of an order that is given whole or by its id, or ValueError naming the argument."""
    return positive(name, value.id if isinstance(value, Order) else value)


def phone_digits(name: str, value: object, least: int, most: int) -> str:
    """A phone as the provider's paths want it, without its plus, or ValueError naming the argument."""
    digits = (exact_text(value) or "").removeprefix("+")
    if not (digits.isascii() and digits.isdigit() and least <= len(digits) <= most):
        length = f"{least}" if least == most else f"{least} to {most}"
        raise ValueError(f"{name}: a phone of {length} digits, perhaps after a plus, is needed")
    return digits


def account(name: str, value: object) -> str:
    """A wallet or card, of any form, or ValueError naming the argument."""
    text = exact_text(value) or ""
    if not text.strip() or not text.isprintable() or len(text) > LONGEST_ACCOUNT:
        raise ValueError(f"{name}: a wallet or card is needed")
    return text


def category(value: object) -> Category:
    return "hosting" if one_of("category", value, ("activation", "hosting")) == "hosting" else "activation"


def one_of(name: str, value: object, words: tuple[str, ...]) -> str:
    text = exact_text(value)
    if text not in words:
        raise ValueError(f"{name}: one of {', '.join(words)} is needed, not {shown(value)}")
    return text


def word(name: str, value: object) -> str:
    """A word of letters, digits, '-' and '_', or ValueError naming the argument."""
    text = exact_text(value)
    if text is None or not _WORD.fullmatch(text):
        raise ValueError(f"{name}: a word of letters, digits, '-' and '_' is needed, not {shown(value)}")
    return text


def age(name: str, value: object) -> timedelta | None:
    """A span of time above none, or ValueError naming the argument; None stays None."""
    if value is None:
        return None
    if not isinstance(value, timedelta) or value <= timedelta():
        raise ValueError(f"{name}: a timedelta above 0 is needed, not {shown(value)}")
    return value


def paging(
    limit: int | None, offset: int | None, order: str | None, reverse: bool | None
) -> tuple[tuple[str, str], ...]:
    query = []
    if limit is not None:
        query.append(("limit", str(positive("limit", limit, MOST_ROWS))))
    if offset is not None:
        query.append(("offset", str(natural("offset", offset, MOST_ROWS))))
    if order is not None:
        query.append(("order", word("order", order)))
    if reverse is not None:
        query.append(("reverse", "true" if switch("reverse", reverse) else "false"))
    return tuple(query)


def buy_options(
    forwarding: bool | None,
    number: Phone | None,
    *,
    reuse: bool,
    voice: bool,
    ref: str | None,
    ceiling: Decimal | None,
) -> tuple[tuple[str, str], ...]:
    options = (
        ("forwarding", "1" if forwarding is not None and switch("forwarding", forwarding) else None),
        ("number", None if number is None else phone_digits("number", number, 11, 11)),
        ("reuse", "1" if switch("reuse", reuse) else None),
        ("voice", "1" if switch("voice", voice) else None),
        ("ref", None if ref is None else word("ref", ref)),
        ("maxPrice", None if ceiling is None else f"{ceiling:f}"),
    )
    return tuple((name, value) for name, value in options if value is not None)
