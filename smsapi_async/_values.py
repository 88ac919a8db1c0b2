"""The values that both APIs share. They are frozen, know no wire, and mask private parts in their repr."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from math import inf
from operator import itemgetter
from typing import TypeAlias

import attrs

from ._errors import escaped
from ._quoting import shown

OrderId: TypeAlias = int
Phone: TypeAlias = str
"""``+`` and digits."""
Seconds: TypeAlias = float


def masked_phone(phone: str | None) -> str:
    """Return the phone as a log may show it: its first and last digits."""
    if not phone:
        return repr(phone)
    return f"'{escaped(phone[:4])}…{escaped(phone[-2:])}'" if len(phone) > 8 else "'…'"


def hidden(text: str | None) -> str:
    """Return a text as a log may show it: only whether it is empty."""
    return repr(text) if not text else "'…'"


@attrs.frozen(kw_only=True)
class Sms:
    """One message received.

    Attributes:
        id: the provider's number of the message, where the wire gives one.
        sender: the sender, as shown on the phone.
        text: the whole message.
        code: the code to type, or None if none was found. It is a `str`, because zeros may lead.
        received_at: when the phone received it.
        created_at: when the provider recorded it.
        is_wave: a flag of inbox messages that the provider does not explain.
        wave_uuid: a mark beside `is_wave`, not explained either.
    """

    id: int | None = None
    sender: str = attrs.field(default="", repr=shown)
    text: str = attrs.field(default="", repr=hidden)
    code: str | None = attrs.field(default=None, repr=hidden)
    received_at: datetime | None = None
    created_at: datetime | None = None
    is_wave: bool = False
    wave_uuid: str | None = None


def oldest_first(messages: Sequence[Sms]) -> tuple[Sms, ...]:
    """Return the messages by their time. Equal times are ordered by the provider's number, then by place in the list.

    A message without a time takes the time of the message numbered before it, or else of the first one numbered after
    it. (A list may come newest first.) A message without time and number takes both from its neighbour before it.
    """
    if len(messages) < 2:
        return tuple(messages)
    timed = sorted((sms.id, at) for sms in messages if sms.id and (at := sms.created_at or sms.received_at))
    latest, number, keys = datetime.min.replace(tzinfo=UTC), 0, []
    for sms in messages:
        latest, number = sms.created_at or sms.received_at or _time_of(sms.id, timed) or latest, sms.id or number
        keys.append((latest, number))
    places = sorted(range(len(keys)), key=keys.__getitem__)
    return tuple(messages[place] for place in places)


def _time_of(number: int | None, timed: Sequence[tuple[int, datetime]]) -> datetime | None:
    """Return the time of the message numbered before this one, or of the first after it; None if neither has one."""
    if not (number and timed):
        return None
    return timed[max(bisect(timed, number, key=itemgetter(0)) - 1, 0)][1]


# -- what callers pass ------------------------------------------------------------------------------------------------

LARGEST = 10**31 - 1
"""The largest id: answers have none with more digits."""

RICHEST = Decimal(10**20)
LONGEST_AMOUNT = 100
"""The most characters of an amount that is a text."""

LONGEST_SPAN = 1e10
"""Seconds: three hundred years. A longer span is a mistake or is infinite."""


def exact_text(value: object) -> str | None:
    """Return the text itself, or the value of an enum's member; None if it is no text.

    A subclass of the caller's may print another text, and the printed text would be sent.
    """
    return str.__str__(value) if isinstance(value, str) else None


def exact_int(value: object) -> int | None:
    """Return the number itself, or the value of an enum's member; None for True, False and other values."""
    return int.__index__(value) if isinstance(value, int) and not isinstance(value, bool) else None


def positive(name: str, value: object, most: int = LARGEST) -> int:
    """Return a whole number above 0, or raise ValueError naming the argument."""
    number = exact_int(value)
    if number is None or number < 1:
        raise ValueError(f"{name}: a whole number above 0 is needed, not {shown(value)}")
    return _bounded(name, number, most)


def natural(name: str, value: object, most: int = LARGEST) -> int:
    """Return a whole number, 0 or above, or raise ValueError naming the argument."""
    number = exact_int(value)
    if number is None or number < 0:
        raise ValueError(f"{name}: a whole number, 0 or above, is needed, not {shown(value)}")
    return _bounded(name, number, most)


def _bounded(name: str, number: int, most: int) -> int:
    if number > most:
        raise ValueError(f"{name}: at most {most} is possible")
    return number


def switch(name: str, value: object) -> bool:
    """Return True or False itself, or raise ValueError: the text "false" would switch on an option that costs money."""
    if not isinstance(value, bool):
        raise ValueError(f"{name}: True or False is needed, not {shown(value)}")
    return value


def money(name: str, value: object) -> Decimal:
    """Return an amount above 0 with at most four decimals, or raise ValueError naming the argument."""
    try:
        amount = _amount(value)
        rounded = round(amount, 4)
    except (InvalidOperation, ValueError, OverflowError):
        amount = rounded = Decimal(0)
    if isinstance(value, bool) or not amount.is_finite() or amount <= 0 or amount != rounded:
        raise ValueError(f"{name}: an amount above 0 with at most four decimals is needed, not {shown(value)}")
    if amount >= RICHEST:
        raise ValueError(f"{name}: an amount below {RICHEST} is needed")
    return min(amount, rounded, key=lambda same: len(f"{same:f}"))


def _amount(value: object) -> Decimal:
    """Return the written amount; of a float the amount that it prints as, so 0.1 means 0.1."""
    if isinstance(value, Decimal):
        return Decimal(value)
    if isinstance(value, float):
        return Decimal(float.__repr__(value))
    if (number := exact_int(value)) is not None:
        return Decimal(number)
    text = exact_text(value)
    if text is not None and len(text) > LONGEST_AMOUNT:
        raise ValueError("too long")
    return Decimal(str(value) if text is None else text)


def seconds(name: str, value: object) -> float | None:
    """Return a span as seconds; None stays None. Raise ValueError if it is negative or no number."""
    if value is None:
        return None
    span = timedelta.total_seconds(value) if isinstance(value, timedelta) else value
    if isinstance(span, bool) or not isinstance(span, (int, float)) or not span >= 0:
        raise ValueError(f"{name}: seconds or a timedelta, not negative, are needed, not {shown(value)}")
    if span > LONGEST_SPAN and span != inf:
        raise ValueError(f"{name}: at most {LONGEST_SPAN:.0f} seconds are possible, or none at all")
    return float.__float__(span) if isinstance(span, float) else float(int.__index__(span))
