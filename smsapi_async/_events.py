"""What happens, by name: told to the logger `smsapi_async` and to a function of the caller's, and to nobody else.

No field is ever a key, a phone, a code or a text: ids, names, spans and the class names of errors tell enough.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal

import anyio
import attrs

from ._log import logger


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


@attrs.define
class Wait:
    """A wait for a code, under way.

    Attributes:
        code_seconds: how long after its purchase the code was there; None when either is unknown.
    """

    code_seconds: float | None = None


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
        """Log it, and call the caller's function, whose failure is only logged.

        The record's fields are such as JSON and OpenTelemetry's handler know: money becomes text.
        """
        if logger.isEnabledFor(level):
            said = {key: _said(value) for key, value in fields.items() if value is not None}
            words = " ".join((name, *(f"{key}=%s" for key in said)))
            plain = {key: str(value) if isinstance(value, Decimal) else value for key, value in fields.items()}
            logger.log(level, words, *said.values(), extra={"event": name, "fields": plain}, stacklevel=2)
        if self._tell is None:
            return
        try:
            self._tell(Event(name, fields))
        except Exception:  # noqa: BLE001 - the caller's function must not change what happens to his orders
            logger.exception("on_event failed event=%s", name)

    @contextmanager
    def waiting(self, provider: str, key: int) -> Iterator[Wait]:
        """Around a wait for a code: tells how it ended, and after how long."""
        wait, began, outcome = Wait(), anyio.current_time(), "code"
        try:
            yield wait
        except BaseException as error:
            outcome = kind(error)
            raise
        finally:
            span = anyio.current_time() - began
            self.emit(
                logging.INFO,
                "wait.ended",
                provider=provider,
                id=key,
                outcome=outcome,
                seconds=span,
                code_seconds=wait.code_seconds if outcome == "code" else None,
            )


def kind(error: BaseException) -> str:
    """An error's class name; one word for all that cuts a task off, which has another name on each loop."""
    return type(error).__name__ if isinstance(error, Exception) else "cancelled"


def _said(value: object) -> object:
    """A field as it reads in a line."""
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return value
