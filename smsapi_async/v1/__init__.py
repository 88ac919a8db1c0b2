"""The v1 API: numbers for one verification SMS, and hosting orders. `client.v1` is a `V1`; the rest are its values."""

from ._api import V1
from ._models import (
    Country,
    Inbox,
    MaxPrice,
    Offer,
    Order,
    Page,
    Payment,
    Prices,
    Product,
    Profile,
    Status,
    Wallets,
)
from ._pagination import Rows
from ._picker import Picker
from ._waits import Messages

__all__ = [
    "V1",
    "Country",
    "Inbox",
    "MaxPrice",
    "Messages",
    "Offer",
    "Order",
    "Page",
    "Payment",
    "Picker",
    "Prices",
    "Product",
    "Profile",
    "Rows",
    "Status",
    "Wallets",
]
