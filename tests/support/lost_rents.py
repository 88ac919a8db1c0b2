"""Names that tests of lost rents and extensions share: the requests, the faults, and the tzids of the numbers found."""

from __future__ import annotations

from functools import partial
from typing import Any

import attrs

from smsapi_async.sandbox import (
    BAD_GATEWAY,
    INTERNAL_ERROR,
    INTERNAL_ERROR_AFTER,
    MAINTENANCE,
    Cut,
    Delay,
    LostAfter,
    LostBefore,
    Reset,
    Stall,
    literal,
)
from tests.support import lost_purchases

BUY = "GET /api/rent/getRentNum.php"
EXTEND = "GET /api/rent/extendRentState.php"
LIST = "GET /api/rent/getRentState.php"

AFTER = [
    LostAfter(), Reset(), Cut(), Cut(at=0), Stall(), Delay(31), INTERNAL_ERROR_AFTER,
    attrs.evolve(BAD_GATEWAY, processed=True), attrs.evolve(MAINTENANCE, processed=True),
    literal("TRY_AGAIN_LATER", processed=True), literal("DUPLICATE_OPERATION", processed=True),
]  # fmt: skip
BEFORE = [LostBefore(), Reset(processed=False), INTERNAL_ERROR, BAD_GATEWAY, MAINTENANCE, literal("TRY_AGAIN_LATER")]

together = partial(lost_purchases.together, apart=0.01)
"""Purchases that begin in one moment know of the same numbers, so these begin a moment apart."""


def tzids(found: Any) -> list[int]:
    """Return the tzids of the numbers, or of the candidates that an error names."""
    return [number.tzid for number in getattr(found, "candidates", found)]
