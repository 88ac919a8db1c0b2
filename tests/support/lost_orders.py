"""Names that tests of lost v1 purchases share: the requests, and the ids of the orders found."""

from __future__ import annotations

from typing import Any

BUY = "GET /v1/user/buy/"
HISTORY = "GET /v1/user/orders"
BOOK = "GET /v1/user/payments"


def ids(found: Any) -> list[int]:
    """Return the ids of the orders, or of the candidates that an error names."""
    orders = getattr(found, "candidates", ()) if isinstance(found, Exception) else found
    return [order.id for order in orders]
