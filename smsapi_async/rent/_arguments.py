"""The arguments of the rent API that name a rented number, checked before anything is sent."""

from __future__ import annotations

from .._values import positive
from ._models import RentedNumber


def tzid_of(value: RentedNumber | int) -> int:
    """The tzid of a number that is given whole or by its tzid, or ValueError naming the argument."""
    return positive("tzid", value.tzid if isinstance(value, RentedNumber) else value)
