"""The checked arguments of AsyncClient and the environment. An error names the argument, not a value that may be a
key."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

import attrs

from ._quoting import shown
from ._sending import Provider, Target
from ._values import exact_text, seconds

V1_URL = "https://5sim.net/v1"
RENT_URL = "https://onlinesim.io/api"

LONGEST = 4_000
"""Characters of a key or a URL. Servers refuse headers of more than 8,000."""


@attrs.frozen(repr=False)
class Keys:
    """The keys as they were given. A traceback keeps the locals of its frames, and this prints none of them."""

    token: str | None
    rent_key: str | None


def targets(keys: Keys, v1_url: str | None, rent_url: str | None, rent_key_in: str) -> Mapping[Provider, Target]:
    """Where the two providers are, and the keys that open them."""
    parameter = "apikey" if _place(rent_key_in) == "query" else None
    found: dict[Provider, Target] = {
        "v1": Target(_url("v1_url", v1_url, "SMSAPI_V1_URL", V1_URL), _key("token", keys.token, "SMSAPI_TOKEN")),
        "rent": Target(
            _url("rent_url", rent_url, "SMSAPI_RENT_URL", RENT_URL),
            _key("rent_key", keys.rent_key, "SMSAPI_RENT_KEY"),
            parameter,
        ),
    }
    return MappingProxyType(found)


def check_kinds(**given: tuple[object, type]) -> None:
    """Raise ValueError unless each argument is None or of its class."""
    for name, (value, kind) in given.items():
        if value is not None and not isinstance(value, kind):
            raise ValueError(f"{name}: a {kind.__name__} is needed, not a {type(value).__name__}")


def check_functions(**given: object) -> None:
    """Raise ValueError unless each argument is None or can be called."""
    for name, value in given.items():
        if not (value is None or callable(value)):
            raise ValueError(f"{name}: a function is needed, not {shown(value)}")


def span(name: str, value: float) -> float:
    """The value in seconds, which must be more than 0."""
    found = seconds(name, value)
    if not found:
        raise ValueError(f"{name}: more than 0 seconds are needed, not {shown(value)}")
    return found


def _key(name: str, given: str | None, variable: str) -> str | None:
    key = exact_text(os.environ.get(variable, "") if given is None else given)
    if key is None:
        raise ValueError(f"{name}: a text is needed")
    if wrong := _wrong_with(key):
        source = f"from {variable}" if given is None else f"or {variable}"
        del given, key  # a traceback keeps the locals of its frames
        raise ValueError(f"{name} ({source}): {wrong}; nothing was sent, copy the key anew from your account")
    return key or None


def _wrong_with(key: str) -> str:
    """The fault of a key, without showing any of it; empty if there is none."""
    if len(key) > LONGEST:
        return f"a key has at most {LONGEST} characters, and this has {len(key)}"
    if key != key.strip():
        return "the key begins or ends with a blank or a line end, which a file or a copy often adds: strip it"
    if key.lower().startswith("bearer "):
        return "give the key without the word Bearer, which the client adds"
    if not key.isascii():
        place = next(place for place, letter in enumerate(key, 1) if not letter.isascii())
        return f"a key has only ASCII letters, digits and signs, and character {place} of {len(key)} is none"
    if not key.isprintable() or " " in key:
        return "the key has a blank, a line end or a control character inside"
    return ""


def _url(name: str, given: str | None, variable: str, default: str) -> str:
    url = exact_text(given or os.environ.get(variable) or default) or ""
    if len(url) > LONGEST or not _is_base(url):
        del given, url
        raise ValueError(f"{name}: an http(s) URL without query is needed")  # not quoted: it may hold a key
    return url.rstrip("/")


def _is_base(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc) and not (parts.query or parts.fragment)


def _place(place: str) -> str:
    if exact_text(place) not in ("header", "query"):
        raise ValueError(f"rent_key_in: 'header' or 'query' is needed, not {shown(place)}")
    return str.__str__(place)
