"""Waiting for many orders at once: which order is asked about next, and which waiter asks. Knows no provider.

The only entrance: the rest of the package imports from here, never from the modules inside.
"""

from .coverage import Trust
from .listing import Known, Listing, Page
from .poller import Poller
from .tracked import LEAD, PATIENCE, UNKNOWN_LIFE, Phase, Snapshot, Tracked, Waiter

__all__ = [
    "LEAD",
    "PATIENCE",
    "UNKNOWN_LIFE",
    "Known",
    "Listing",
    "Page",
    "Phase",
    "Poller",
    "Snapshot",
    "Tracked",
    "Trust",
    "Waiter",
]
