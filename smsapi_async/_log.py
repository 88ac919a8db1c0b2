"""Our logger, and the filter that keeps keys, phones and codes out of the HTTP libraries' own records.

httpx and httpx2 log every URL at INFO; httpcore and hpack log requests and headers at DEBUG. The filter touches only
records that name one of our hosts or hold one of our keys, and never drops a record.
"""

from __future__ import annotations

import logging
import re

logger = logging.getLogger("smsapi_async")

HTTP_LOGGERS = (
    "httpx",
    "httpx2",
    *(f"{core}.{part}" for core in ("httpcore", "httpcore2") for part in ("connection", "http11", "http2", "proxy")),
    "hpack",
    "hpack.hpack",
    "hpack.table",
    "hpack.huffman",
)
"""Python asks a logger's filters only of the records made by that very logger, so each is named."""

_PHONE_IN_URL = re.compile(r"(/user/reuse/[^/\s]+/|[?&]number=)[^/?&\s\"'\])]+")
_KEY_IN_URL = re.compile(r"([?&]apikey=)[^&\s\"'\])]+")
_BEARER = re.compile(r"([Bb]earer )[\w.~+/=-]+")


class _Mask(logging.Filter):
    """Masks what belongs to us in a record of an HTTP library."""

    def __init__(self) -> None:
        super().__init__()
        self.hosts: set[str] = set()
        self.keys: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if not any(mark in message for mark in (*self.hosts, *self.keys, "/user/reuse/")):
            return True
        clean = _KEY_IN_URL.sub(r"\1***", _PHONE_IN_URL.sub(r"\1***", message))
        for key in self.keys:
            clean = clean.replace(key, "***")
        if clean != message:
            record.msg, record.args = _BEARER.sub(r"\1***", clean), ()
        return True


_mask = _Mask()


def keep_private(hosts: tuple[str, ...], keys: tuple[str, ...]) -> None:
    """Mask these keys, and whatever is private in the URLs of these hosts, from now on in the process's logs."""
    _mask.hosts.update(filter(None, hosts))
    _mask.keys.update(filter(None, keys))
    for name in HTTP_LOGGERS:
        logging.getLogger(name).addFilter(_mask)
