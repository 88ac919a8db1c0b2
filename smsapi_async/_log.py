"""Our logger, and the filter that keeps keys and phones out of the HTTP libraries' own records.

httpx and httpx2 log every URL at INFO; httpcore logs what it connects to, hpack every header at DEBUG. A body is logged
only where it is longer than its Content-Length: its rest is taken for the next answer and quoted as a bad one. The
filter changes our own keys and what is private in our own URLs, and masks such quotes, which name no host. It drops no
record.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable

logger = logging.getLogger("smsapi_async")

CORE_PARTS = ("connection", "http11", "http2", "proxy", "socks")
HTTP_LOGGERS = (
    "httpx",
    "httpx2",
    *(f"{core}.{part}" for core in ("httpcore", "httpcore2") for part in CORE_PARTS),
    "hpack.hpack",
    "hpack.table",
)
"""A filter sees only the records that its own logger made, so each logger is named."""

_PRIVATE = re.compile(r"(/user/reuse/[^/]+/|[?&](?:number|ref|apikey)=)[^/?&]+")
_BLOCK = "Encoded header block to"
_NOTHING = re.compile(r"(?!)")

_QUOTED = re.compile(r"\W*\b(?:bytearray\()?b\\*['\"].*", re.DOTALL)
"""Bytes that break the protocol, as h11 and h2 quote them, and all after them. They may be the rest of an answer."""

LEAST_KEY = 8
"""A shorter key is masked only after `Bearer`: a key such as `abc` also occurs in words."""


class _Mask(logging.Filter):
    """Masks our keys and phones in a record of an HTTP library."""

    def __init__(self) -> None:
        super().__init__()
        self._urls: set[str] = set()
        self._keys: set[str] = set()
        self._ours = self._our_paths = _NOTHING
        self._our_hosts: tuple[str, ...] = ()
        self._encoding: set[int | None] = set()

    def learn(self, urls: Iterable[str], keys: Iterable[str]) -> None:
        """Add base URLs and keys to those that are masked."""
        self._urls.update(url.rstrip("/") for url in urls)
        self._keys.update(keys)
        hosts = {url.partition("://")[2].partition("/")[0] for url in self._urls}
        self._our_hosts = tuple(f"Adding b':authority'={host.encode()!r} " for host in hosts)
        paths = {"/" + url.partition("://")[2].partition("/")[2] for url in self._urls}
        self._ours, self._our_paths = _below(self._urls), _below(path.rstrip("/") for path in paths)

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        clean = self._ours.sub(_masked_url, message)
        if record.name.startswith("hpack"):  # hpack logs each header on its own: a path without its host
            clean = self._our_paths.sub(_masked_url, clean)
        if "RemoteProtocolError(" in clean or "bytearray(" in clean:
            clean = _QUOTED.sub(": ***", clean)
        for key in sorted(self._keys, key=len, reverse=True):
            clean = clean.replace(key if len(key) >= LEAST_KEY else f"Bearer {key}", "***")
        if record.name == "hpack.hpack":
            clean = self._unpacked(record, clean)
        if clean != message:
            record.msg, record.args = clean, ()
        return True

    def _unpacked(self, record: logging.LogRecord, message: str) -> str:
        """Mask the packed block of our own headers: hpack logs it after the headers, and it is easy to unpack."""
        if message.startswith(self._our_hosts):
            self._encoding.add(record.thread)
        elif message.startswith(_BLOCK) and record.thread in self._encoding:
            self._encoding.discard(record.thread)
            return f"{_BLOCK} ***"
        return message


def _below(starts: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern for each URL below these, up to its end."""
    return re.compile(rf"(?:{'|'.join(map(re.escape, starts))})/[^\s\"'\])]*")


def _masked_url(url: re.Match[str]) -> str:
    return _PRIVATE.sub(r"\1***", url[0])


_mask = _Mask()


def keep_private(urls: Iterable[str], keys: Iterable[str]) -> None:
    """Mask these keys, and the private parts of URLs below these, in the process's logs from now on."""
    _mask.learn(urls, keys)
    for name in HTTP_LOGGERS:
        logging.getLogger(name).addFilter(_mask)
