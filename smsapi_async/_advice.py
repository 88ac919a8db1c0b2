"""The last words of every error: what became of the money, and what to do next. Texts only; imports nothing of ours.

A message is what happened, a semicolon, and one of these texts. A text that depends on the provider takes the name of
the call, which begins with ``v1.`` or ``rent.``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

KEYS = {"v1": "`token` (SMSAPI_TOKEN)", "rent": "`rent_key` (SMSAPI_RENT_KEY)"}
URLS = {"v1": "`v1_url` (SMSAPI_V1_URL)", "rent": "`rent_url` (SMSAPI_RENT_URL)"}
RECORDS = {
    "v1.buy_activation": '`client.v1.orders("activation", order="id", reverse=True)`',
    "v1.buy_hosting": '`client.v1.orders("hosting", order="id", reverse=True)`',
    "v1.reuse": '`client.v1.orders("activation", order="id", reverse=True)`',
    "rent.buy_number": "`client.rent.numbers()`",
    "rent.extend": "`client.rent.number(tzid)`",
}
"""The call that reads the record in which a purchase would stand. A payout stands in none."""

NOT_THE_API = "this is not the API"
"""The failure where a page answers, or a server that does not have the API's routes."""

NOT_SENT = "nothing was sent and nothing spent, try again when the network is back"
OUTCOME_UNKNOWN = "what the provider did is unknown, read its state before trying again"
READ_LOST = "it was a read, so nothing was spent or changed: try again"
NOTHING_BOUGHT = "nothing was bought, it is safe to try again"
UNREADABLE = "nothing was spent or changed, look for a newer version of smsapi_async, or report it"
REFUSED = "the request was refused, nothing was spent"
ACCOUNT_BLOCKED = "nothing was spent, trying again will not help until the provider lifts it"
RATE_LIMIT = "the request was turned away before it was carried out, slow down and try again"
NO_NUMBERS = "nothing was bought, try another operator, country or max_price, or later"
INSUFFICIENT_BALANCE = "nothing was bought, top up first"
LOW_RATING = "nothing was bought, the provider allows buying again after 24 hours"
LIMIT_REACHED = "nothing was bought, close a number first"
BAD_PARAMETER = "nothing was bought, correct the country, operator, product or days"
REUSE_REFUSED = "nothing was bought, buy a fresh number"
PROVIDER_UNAVAILABLE = "nothing was bought, try again later"
PRICE_TOO_HIGH = "the order was given back at once, `order` and `client.unsettled` tell whether it worked"
BUDGET_EXCEEDED = "nothing was sent and nothing spent"
CLIENT_CLOSED = "nothing more is sent, open orders are in `client.unsettled` or stay open under their ids"
NO_CODE = "the order is open: leaving its scope settles it, else it stays under its id"
WAIT_TIMEOUT = "the order is open: leaving its scope settles it, else it is in `client.unsettled` or stays under its id"
RENT_CLOSED = "it expired, was closed, or was never confirmed; nothing was spent by this wait"
NUMBER_UNTOUCHED = "the number is not touched by a wait"
ENDED_AS = {
    "CANCELED": "the order is cancelled and refunded",
    "BANNED": "the order is banned, believed to be refunded",
    "FINISHED": "the order is finished and paid",
    "TIMEOUT": "the provider ended the order, check the balance: a refund is not certain",
}


# -- which key, which address ---------------------------------------------------------------------------------------


def wrong_key(call: str) -> str:
    return f"nothing was spent, check {KEYS.get(_provider(call), 'the key')}"


def not_found(call: str) -> str:
    if call == "v1.delete_max_price":
        return "nothing was changed, the product has no price ceiling: `client.v1.max_prices()` lists those there are"
    name = "tzid" if _provider(call) == "rent" else "id"
    whose = f"that {KEYS[_provider(call)]} is the key that bought it" if _provider(call) in KEYS else "whose key it is"
    return f"nothing was changed, check the {name}, and {whose}"


def order_state(call: str) -> str:
    state = "client.rent.number()" if _provider(call) == "rent" else "client.v1.check()"
    return f"nothing was changed, read the state with `{state}`"


def not_the_api(call: str, fate: str, *, is_outage: bool = False) -> str:
    """The text for an answer that does not come from the provider's API, after what became of the money."""
    what = f"check {URLS.get(_provider(call), 'the base URL')}, and proxies on the way to it"
    return f"{fate}; if it goes on, {what}" if is_outage else f"{fate}: {what}"


def proxy_down(proxy: str) -> str:
    return f"nothing was sent and nothing spent, check that the proxy {proxy} runs (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY)"


# -- what was asked for ---------------------------------------------------------------------------------------------


class Unknown(NamedTuple):
    """A word that the provider does not know.

    Attributes:
        kind: what the word names, such as ``country``.
        listing: the call that lists the right words.
        near: right words that are nearly the same.
    """

    kind: str
    word: str
    listing: str
    near: Sequence[str] = ()


def unknown_words(words: Sequence[Unknown]) -> str:
    """The text for words of which the provider does not know at least one."""
    doubtful = " and ".join(f"the {found.kind} {found.word}" for found in words)
    near = " or ".join(word for found in words for word in found.near)
    meant = f" (perhaps {near} is meant)" if near else ""
    listings = [f"`{found.listing}`" for found in words]
    return f"nothing was bought, check {doubtful}{meant}: {' and '.join(listings)} {_verb(listings)} what there is"


def _verb(listings: Sequence[str]) -> str:
    return "lists" if len(listings) == 1 else "list"


# -- money ----------------------------------------------------------------------------------------------------------


def spend_unknown(call: str, *, has_candidates: bool, is_foreign: bool = False) -> str:
    """The text for a purchase whose outcome is unknown.

    Args:
        is_foreign: whether something else than the provider's API answered.
    """
    if has_candidates:
        return "money may be spent: look at the candidates and the provider's records before buying again"
    records = RECORDS.get(call)
    where = f"read {records} and the balance" if records else "ask the provider"
    first = f"check {URLS.get(_provider(call), 'the base URL')}, then " if is_foreign else ""
    return f"money may be spent, and there are no candidates: {first}{where} before trying again"


def below_ceiling(ceiling: object, *, is_of_budget: bool) -> str:
    """The text for a purchase with a ceiling for its price, for which there was no number."""
    source = f"`Budget(per_order={ceiling})`" if is_of_budget else f"`max_price={ceiling}`"
    dearer = f"there may be numbers that cost more than {source} allows"
    return f"nothing was bought, {dearer}: raise it, try another country, or try later"


def raise_limit(limit: str) -> str:
    return f"{BUDGET_EXCEEDED}: raise `{limit}` of the `Budget`, or buy something cheaper"


def wait_or_raise(limit: str, set_aside: object = None) -> str:
    """The text for a budget that is used up, for now at least.

    Args:
        set_aside: the money that purchases under way hold.
    """
    aside = f" ({set_aside} is set aside for purchases under way)" if set_aside else ""
    return f"{BUDGET_EXCEEDED}: wait until an order is cancelled or ends, or raise `{limit}` of the `Budget`{aside}"


def _provider(call: str) -> str:
    return call.partition(".")[0]
