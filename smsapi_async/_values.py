"""The values both APIs share. Frozen, ignorant of any wire; what must not be printed is masked in their repr."""

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
    """The phone as a log may show it: its first and last digits."""
    if not phone:
        return repr(phone)
    return f"'{escaped(phone[:4])}…{escaped(phone[-2:])}'" if len(phone) > 8 else "'…'"


def hidden(text: str | None) -> str:
    """A text as a log may show it: only whether it is there."""
    return repr(text) if not text else "'…'"


@attrs.frozen(kw_only=True)
class Sms:
    """One message received.

    Attributes:
        id: the provider's number of the message, where the wire gives one.
        sender: who sent it, as shown on the phone.
        text: the whole message.
        code: what the reader must type, or None when none was found; a `str`, zeros lead.
        received_at: when the phone received it.
        created_at: when the provider wrote it down.
        is_wave: the wire's own flag of inbox messages, unexplained by the provider.
        wave_uuid: the wire's own mark beside `is_wave`.
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
    """The messages by their time; where times are equal by the provider's number, or else by their place in the list.

    A message without a time takes that of the message numbered before it, or of the first numbered after it: lists may
    come newest first. One without a number too takes those of the message before it in the list.
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
    """The time of the message numbered before this one, or of the first after it; None if neither says."""
    if not (number and timed):
        return None
    return timed[max(bisect(timed, number, key=itemgetter(0)) - 1, 0)][1]


# -- what callers pass ------------------------------------------------------------------------------------------------

LARGEST = 10**31 - 1
"""Ids have as many digits in answers, at the most."""

RICHEST = Decimal(10**20)
LONGEST_AMOUNT = 100
"""Characters of an amount that is written as a text."""

LONGEST_SPAN = 1e10
"""Seconds. A longer one, three hundred years, is a mistake or is infinite."""


def exact_text(value: object) -> str | None:
    """The text itself, of a member of an enum its value; None if it is no text.

    A class of the caller's may print itself otherwise, and what is printed would be sent.
    """
    return str.__str__(value) if isinstance(value, str) else None


def exact_int(value: object) -> int | None:
    """The number itself, of a member of an enum its value; None if it is no whole number, and for True and False."""
    return int.__index__(value) if isinstance(value, int) and not isinstance(value, bool) else None


def positive(name: str, value: object, most: int = LARGEST) -> int:
    """A whole number above 0, or ValueError naming the argument."""
    number = exact_int(value)
    if number is None or number < 1:
        raise ValueError(f"{name}: a whole number above 0 is needed, not {shown(value)}")
    return _bounded(name, number, most)


def natural(name: str, value: object, most: int = LARGEST) -> int:
    """A whole number, 0 or above, or ValueError naming the argument."""
    number = exact_int(value)
    if number is None or number < 0:
        raise ValueError(f"{name}: a whole number, 0 or above, is needed, not {shown(value)}")
    return _bounded(name, number, most)


def _bounded(name: str, number: int, most: int) -> int:
    if number > most:
        raise ValueError(f"{name}: at most {most} is possible")
    return number


def switch(name: str, value: object) -> bool:
    """True or False itself, or ValueError naming the argument: the text "false" would turn on what costs money."""
    if not isinstance(value, bool):
        raise ValueError(f"{name}: True or False is needed, not {shown(value)}")
    return value


def money(name: str, value: object) -> Decimal:
    """An amount above 0, written with at most four decimals, or ValueError naming the argument."""
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
    """The amount that is written, or that a number prints as: 0.1 means 0.1."""
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
    """A span as seconds; None stays None. ValueError for one that is negative or no number."""
    if value is None:
        return None
    span = timedelta.total_seconds(value) if isinstance(value, timedelta) else value
    if isinstance(span, bool) or not isinstance(span, (int, float)) or not span >= 0:
        raise ValueError(f"{name}: seconds or a timedelta, not negative, are needed, not {shown(value)}")
    if span > LONGEST_SPAN and span != inf:
        raise ValueError(f"{name}: at most {LONGEST_SPAN:.0f} seconds are possible, or none at all")
    return float.__float__(span) if isinstance(span, float) else float(int.__index__(span))
