"""The cause of an error of ours keeps its class, and its words without private parts.

An error of an HTTP library holds its request, whose URL may hold a key or a phone. It also quotes the bytes of an
answer that breaks the protocol. The frames of its traceback, like ours, hold all of this in their locals.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from types import TracebackType

from .._errors import escaped
from .._quoting import masked, without_phones

LIBRARIES = frozenset(
    ("anyio", "asyncio", "contextlib", "h11", "h2", "hpack", "httpcore", "httpcore2", "httpx", "httpx2", "smsapi_async",
     "socksio", "ssl", "trio", "zlib")
)  # fmt: skip
"""Packages whose frames are left out of a traceback. The frames of a caller's hook stay."""

_HOLDING = ("_request", "_response", "request", "response", "doc", "object")
"""Attributes in which the errors of HTTP libraries, JSON decoders and codecs keep their subject."""

_QUOTATION = re.compile(r"bytearray\(|b?['\"]")

WithoutKeys = Callable[[str], str]


def words(error: BaseException, without_keys: WithoutKeys) -> str:
    """Return the words of an error of the HTTP library, up to the first quotation; empty if they hold a URL."""
    text = _QUOTATION.split(without_keys(str(error)), 1)[0].rstrip(": ")
    return "" if "://" in text else escaped(masked(text))


def bare(error: BaseException, without_keys: WithoutKeys) -> BaseException:
    """Return the error itself, stripped of the request and the answer.

    The words of an HTTP library may quote anything, so they are cut. The words of a caller's hook stay, without keys
    and phones.
    """
    if _package(type(error).__module__) in LIBRARIES:
        error.args = (words(error, without_keys),)
    else:
        error.args = tuple(_safe(part, without_keys) for part in error.args)
    for inner in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        bare(inner, without_keys)
    for name in _HOLDING:
        if name in vars(error):
            vars(error)[name] = None
    if isinstance(error, UnicodeDecodeError):
        error.object = b""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(_frames_of_hooks(error.__traceback__))


def _safe(part: object, without_keys: WithoutKeys) -> object:
    if isinstance(part, bytes):
        return b""
    return without_phones(without_keys(part)) if isinstance(part, str) else part


def _frames_of_hooks(trace: TracebackType | None) -> TracebackType | None:
    kept: TracebackType | None = None
    for step in reversed(list(_steps(trace))):
        if _package(str(step.tb_frame.f_globals.get("__name__", ""))) not in LIBRARIES:
            kept = TracebackType(kept, step.tb_frame, step.tb_lasti, step.tb_lineno)
    return kept


def _package(module: str) -> str:
    return module.partition(".")[0]


def _steps(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next
