"""A call becomes bytes, and its answer becomes a value: pace, repeats, and calls that spend. Knows no provider's wire.

The only entrance: the rest of the package imports from here, never from the modules inside.
"""

from .call import (
    BODY_CAP,
    CATALOGUE_CAP,
    LIST_CAP,
    MEGABYTE,
    NO_REFUSALS,
    NOT_THE_API,
    Call,
    Lane,
    Provider,
    Repeat,
    Reply,
    described,
    is_html,
    understood,
    unreadable,
)
from .claims import Claims, Purchase, is_running
from .clock import Clock, Offset
from .http import Http, HttpClient, Target
from .lost_purchases import LOOKS, LostPurchases
from .pace import Pace, Slots
from .retry import PASSING
from .sender import Sender
from .shape import LIST, TABLE, Bounds, refuse_excess
from .spend import Attempt, let_cancellation_arrive

__all__ = [
    "BODY_CAP",
    "CATALOGUE_CAP",
    "LIST",
    "LIST_CAP",
    "LOOKS",
    "MEGABYTE",
    "NOT_THE_API",
    "NO_REFUSALS",
    "PASSING",
    "TABLE",
    "Attempt",
    "Bounds",
    "Call",
    "Claims",
    "Clock",
    "Http",
    "HttpClient",
    "Lane",
    "LostPurchases",
    "Offset",
    "Pace",
    "Provider",
    "Purchase",
    "Repeat",
    "Reply",
    "Sender",
    "Slots",
    "Target",
    "described",
    "is_html",
    "is_running",
    "let_cancellation_arrive",
    "refuse_excess",
    "understood",
    "unreadable",
]
