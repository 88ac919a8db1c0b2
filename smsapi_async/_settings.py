"""The arguments of AsyncClient and the environment, checked. An error names the argument, never a value that may be a
key."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from ._sending import Provider, Target
from ._values import seconds

V1_URL = "https://5sim.net/v1"
RENT_URL = "https://onlinesim.io/api"


def targets(
    token: str | None, rent_key: str | None, v1_url: str | None, rent_url: str | None, rent_key_in: str
) -> Mapping[Provider, Target]:
    """Where the two providers are, and the keys that open them."""
    parameter = "apikey" if _place(rent_key_in) == "query" else None
    found: dict[Provider, Target] = {
        "v1": Target(_url("v1_url", v1_url, "SMSAPI_V1_URL", V1_URL), _key("token", token, "SMSAPI_TOKEN")),
        "rent": Target(
            _url("rent_url", rent_url, "SMSAPI_RENT_URL", RENT_URL),
            _key("rent_key", rent_key, "SMSAPI_RENT_KEY"),
            parameter,
        ),
    }
    return MappingProxyType(found)


def check_kinds(**given: tuple[object, type]) -> None:
    """Each argument is None or of its class."""
    for name, (value, kind) in given.items():
        if value is not None and not isinstance(value, kind):
            raise ValueError(f"{name}: a {kind.__name__} is needed, not a {type(value).__name__}")


def check_functions(**given: object) -> None:
    """Each argument is None or can be called."""
    for name, value in given.items():
        if not (value is None or callable(value)):
            raise ValueError(f"{name}: a function is needed, not {value!r}")


def check_retries(max_retries: int) -> None:
    """It is a number of repetitions."""
    check_kinds(max_retries=(max_retries, int))
    if max_retries < 0:
        raise ValueError(f"max_retries: 0 or more is needed, not {max_retries!r}")


def span(name: str, value: float) -> float:
    """More than no time, in seconds."""
    found = seconds(name, value)
    if not found:
        raise ValueError(f"{name}: more than 0 seconds are needed, not {value!r}")
    return found


def _key(name: str, given: str | None, variable: str) -> str | None:
    key = given if given is not None else os.environ.get(variable)
    if key is not None and not (key.isascii() and key.isprintable() and " " not in key):
        raise ValueError(f"{name} (or {variable}): a text without blanks and control characters is needed")
    return key or None


def _url(name: str, given: str | None, variable: str, default: str) -> str:
    url = given or os.environ.get(variable) or default
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise ValueError(f"{name}: an http(s) URL without query is needed")  # what was given may hold a key
    return url.rstrip("/")


def _place(place: str) -> str:
    if place not in ("header", "query"):
        raise ValueError(f"rent_key_in: 'header' or 'query' is needed, not {place!r}")
    return place
