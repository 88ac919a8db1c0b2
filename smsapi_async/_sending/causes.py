"""What an error of ours may keep of the one that caused it: its class, and words without what is private.

The errors of an HTTP library hold their request, whose URL may hold a key or a phone; they quote the bytes of an answer
that breaks the protocol; and the frames of their traceback, as ours do, hold all of it in their locals.
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
"""Packages whose frames are left out of a traceback; those of a hook of the caller's stay."""

_HOLDING = ("_request", "_response", "request", "response", "doc", "object")
"""Where errors keep what they are about: those of an HTTP library, of a JSON decoder, of a codec."""

_QUOTATION = re.compile(r"bytearray\(|b?['\"]")

WithoutKeys = Callable[[str], str]


def words(error: BaseException, without_keys: WithoutKeys) -> str:
    """The words of an error of the HTTP library, up to the first quotation. Empty if a URL is among them."""
    text = _QUOTATION.split(without_keys(str(error)), 1)[0].rstrip(": ")
    return "" if "://" in text else escaped(masked(text))


def bare(error: BaseException, without_keys: WithoutKeys) -> BaseException:
    """The error itself, without what it holds of the request and of the answer.

    The words of an HTTP library may quote anything. Those of a hook of the caller's are its own, keys and phones aside.
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
