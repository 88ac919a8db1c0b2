"""What happens, by name: told to the logger `smsapi_async` and to a function of the caller's, and to nobody else.

No field is ever a key, a phone, a code or a text: ids, names, spans and the class names of errors tell enough.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import lru_cache
from typing import TypeVar

import anyio
import attrs

from ._errors import LONGEST, MOST, escaped
from ._log import logger
from ._quoting import MOST_READ, without_phones

T = TypeVar("T")


@attrs.frozen
class Event:
    """One thing that happened; handed to the function given as ``AsyncClient(on_event=...)``.

    It holds neither keys nor phones, codes and texts.

    Attributes:
        name: what happened, such as ``order.bought``.
        fields: the particulars: texts, numbers, truth values, None and tuples of numbers.
    """

    name: str
    fields: Mapping[str, object]


class Events:
    """Where every layer tells what happens.

    Args:
        tell: the caller's own function, called with every event in the task in which it happened.
    """

    def __init__(self, tell: Callable[[Event], object] | None = None) -> None:
        self._tell = tell

    def wanted(self, level: int) -> bool:
        """Whether anybody would hear of it: asked before what costs time to find out."""
        return self._tell is not None or logger.isEnabledFor(level)

    def emit(self, level: int, name: str, **fields: object) -> None:
        """Log it, and call the caller's function. What either raises changes nothing for the orders."""
        if not self.wanted(level):
            return
        fields = {key: _safe(key, value) for key, value in fields.items()}
        if logger.isEnabledFor(level):
            _log(level, name, fields)
        if self._tell is not None:
            tell_safely(self._tell, Event(name, fields), f"on_event failed event={name}")

    def wait_ended(
        self,
        provider: str,
        key: int,
        began_at: float,
        error: BaseException | None = None,
        code_seconds: float | None = None,
    ) -> None:
        """Tell how a wait for a code ended.

        Args:
            code_seconds: how long after its purchase the code was there; None when either is unknown.
        """
        self.emit(
            logging.INFO,
            "wait.ended",
            provider=provider,
            id=key,
            outcome="code" if error is None else kind(error),
            seconds=anyio.current_time() - began_at,
            code_seconds=code_seconds if error is None else None,
        )


def tell_safely(tell: Callable[[T], object], subject: T, failed: str) -> None:
    """Call a function of the caller's; what it raises is logged, whatever it is, lest an order be lost by it."""
    try:
        tell(subject)
    except KeyboardInterrupt:
        raise  # a Ctrl-C that happened to come then
    except BaseException as error:  # noqa: BLE001 - SystemExit too: it would end the task that holds the order
        error.__context__ = None  # an error being handled just now may quote a URL, and that a key or a phone
        with _last_word(failed):
            logger.error(failed, exc_info=error)


def _log(level: int, name: str, fields: Mapping[str, object]) -> None:
    """The record's fields are such as JSON and OpenTelemetry's handler know: money becomes text."""
    said = {key: _said(value) for key, value in fields.items() if value is not None}
    words = " ".join((name, *(f"{key}=%s" for key in said)))
    plain = {key: str(value) if isinstance(value, Decimal) else value for key, value in fields.items()}
    with _last_word(name):
        logger.log(level, words, *said.values(), extra={"event": name, "fields": plain}, stacklevel=3)


@contextmanager
def _last_word(what: str) -> Iterator[None]:
    """Around logging: a filter or a handler of the caller's that raises is told of where nothing can fail any more."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - the purchase or the code that was to be told of must not be lost
        if sys.stderr is not None:
            sys.stderr.write(f"smsapi_async: not logged, for {kind(error)}: {what}\n")


def kind(error: BaseException) -> str:
    """An error's class name; one word for all that cuts a task off, which has another name on each loop."""
    return type(error).__name__ if isinstance(error, Exception) else "cancelled"


def _safe(key: str, value: object) -> object:
    """A field as it may be shown: on one line, not longer than a line, and without a phone."""
    if not isinstance(value, str):
        return value
    return _line(value[:MOST_READ], LONGEST if key == "why" else MOST)


@lru_cache(200, typed=True)
def _line(text: str, most: int) -> str:
    """Remembered: an event is emitted for each request, and most of its texts are names that come again."""
    return escaped(without_phones(text), most)


def _said(value: object) -> object:
    """A field as it reads in a line."""
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return value
