"""A served sandbox answers programs on this machine, and never a page in a browser.

Its keys are public, so a page of any website could otherwise use it. A page has two ways: a request across sites, which
a browser marks with `Origin` or `Sec-Fetch-Site`; and DNS rebinding, which leaves the page's own name in `Host`.
Source: fetch.spec.whatwg.org (the Origin header), w3.org/TR/fetch-metadata, RFC 9110 section 7.2."""

import re
from collections.abc import Iterable
from ipaddress import ip_address

from ._message import Response, text_reply

AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:/@]+)(?::[0-9]*)?", re.IGNORECASE)
FOREIGN_HOST = "the sandbox answers only requests whose Host is localhost or a loopback address"
FOREIGN_PAGE = "the sandbox answers no page of another site"
MAX_BODY = 65536
"""Bytes of a request body. The largest that either API documents has four short fields."""
TOO_LARGE = text_reply(413, f"the sandbox reads bodies of at most {MAX_BODY} bytes").having({"connection": "close"})

Headers = Iterable[tuple[str, str]]


def refusal(headers: Headers) -> Response | None:
    """Return the 403 for a stranger; None for a request that the sandbox may answer. Header names are lower-case."""
    sent = list(headers)
    hosts = [value for name, value in sent if name == "host"]
    if not hosts or not all(map(_is_loopback, hosts)):
        return text_reply(403, FOREIGN_HOST)
    return text_reply(403, FOREIGN_PAGE) if _is_foreign_page(sent) else None


def _is_foreign_page(headers: Headers) -> bool:
    """Return True if a browser marks this as sent by another site: an image, a form and a link carry no `Origin`."""
    origins = [value for name, value in headers if name == "origin"]
    if origins:
        return not all(scheme in {"http", "https"} and _is_loopback(host) for scheme, _, host in map(_split, origins))
    return ("sec-fetch-site", "cross-site") in {(name, value.strip().lower()) for name, value in headers}


def _split(origin: str) -> tuple[str, str, str]:
    return origin.strip().lower().partition("://")


def _is_loopback(authority: str) -> bool:
    match = AUTHORITY.fullmatch(authority.strip())
    if match is None:
        return False
    host = match[1].strip("[]").lower()
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
