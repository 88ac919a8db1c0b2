"""Events by name. They go to the logger `smsapi_async` and to a function of the caller's, and nowhere else.

No field is ever a key, a phone, a code or a text. The fields are ids, names, spans and the class names of errors.
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
    """One event; the client passes it to the function given as ``AsyncClient(on_event=...)``.

    An event never holds a key, a phone, a code or a text.

    Attributes:
        name: the name of the event, such as ``order.bought``.
        fields: the details: texts, numbers, True or False, None and tuples of numbers.
    """

    name: str
    fields: Mapping[str, object]


class Events:
    """Emits the events of every layer.

    Args:
        tell: the caller's own function, called with every event in the task that emits it.
    """

    def __init__(self, tell: Callable[[Event], object] | None = None) -> None:
        self._tell = tell

    def wanted(self, level: int) -> bool:
        """Return True if a listener wants this level. Ask before collecting fields that cost time."""
        return self._tell is not None or logger.isEnabledFor(level)

    def emit(self, level: int, name: str, **fields: object) -> None:
        """Log the event, and call the caller's function. An error in either changes nothing for the orders."""
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
        """Emit how a wait for a code ended.

        Args:
            code_seconds: seconds from the purchase to the code; None if either time is unknown.
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
    """Call a function of the caller's, and log any error that it raises, so that no order is lost by it."""
    try:
        tell(subject)
    except KeyboardInterrupt:
        raise  # a Ctrl-C that came during the call
    except BaseException as error:  # noqa: BLE001 - SystemExit too: it would end the task that holds the order
        error.__context__ = None  # an error being handled just now may quote a URL, and that a key or a phone
        with _last_word(failed):
            logger.error(failed, exc_info=error)


def _log(level: int, name: str, fields: Mapping[str, object]) -> None:
    """Log the event. Money becomes text, because JSON and OpenTelemetry's handler know no Decimal."""
    said = {key: _said(value) for key, value in fields.items() if value is not None}
    words = " ".join((name, *(f"{key}=%s" for key in said)))
    plain = {key: str(value) if isinstance(value, Decimal) else value for key, value in fields.items()}
    with _last_word(name):
        logger.log(level, words, *said.values(), extra={"event": name, "fields": plain}, stacklevel=3)


@contextmanager
def _last_word(what: str) -> Iterator[None]:
    """Stand around logging. An error of the caller's own filter or handler is reported on stderr."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - the purchase or the code that was to be logged must not be lost
        if sys.stderr is not None:
            sys.stderr.write(f"smsapi_async: not logged, for {kind(error)}: {what}\n")


def kind(error: BaseException) -> str:
    """Return an error's class name, or "cancelled": a cancellation has another class on each loop."""
    return type(error).__name__ if isinstance(error, Exception) else "cancelled"


def _safe(key: str, value: object) -> object:
    """Return a field that is safe to show: on one line, cut to a length, and without a phone."""
    if not isinstance(value, str):
        return value
    return _line(value[:MOST_READ], LONGEST if key == "why" else MOST)


@lru_cache(200, typed=True)
def _line(text: str, most: int) -> str:
    """Cached: an event is emitted for each request, and most of its texts are names that come again."""
    return escaped(without_phones(text), most)


def _said(value: object) -> object:
    """Return a field in the form that a log line shows."""
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return value
