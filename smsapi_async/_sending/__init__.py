"""A call becomes bytes and its answer a value: pace, repeats, and calls that spend. Knows no provider's wire.

The one entrance: the rest of the package imports from here, never from the modules inside.
"""

from .call import (
    BODY_CAP,
    CATALOGUE_CAP,
    MEGABYTE,
    NOT_THE_API,
    Call,
    Lane,
    Repeat,
    Reply,
    described,
    is_html,
    masked,
    unreadable,
)
from .http import Http, HttpClient, Target
from .pace import Pace
from .retry import PASSING
from .sender import Sender, Spending

__all__ = [
    "BODY_CAP",
    "CATALOGUE_CAP",
    "MEGABYTE",
    "NOT_THE_API",
    "PASSING",
    "Call",
    "Http",
    "HttpClient",
    "Lane",
    "Pace",
    "Repeat",
    "Reply",
    "Sender",
    "Spending",
    "Target",
    "described",
    "is_html",
    "masked",
    "unreadable",
]
