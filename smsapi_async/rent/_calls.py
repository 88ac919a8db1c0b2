"""The calls about rented numbers, as values: both the API and the waits send them."""

from __future__ import annotations

from datetime import tzinfo

from .._errors import NotFoundError, SmsApiError
from .._sending import Call
from . import _wire
from ._models import RentedNumber


def all_numbers(zone: tzinfo, *, complete: bool = False) -> Call[tuple[RentedNumber, ...]]:
    """The call that asks for the active numbers.

    Args:
        complete: whether the answer is evidence of what was bought. A list with an entry that cannot be named is then
            unreadable.
    """
    read, query = _wire.read_numbers(zone, complete=complete), (_wire.ALL_AT_ONCE,)
    return _wire.call("numbers", "rent/getRentState.php", read, query=query, when_none=tuple, large=True)


def one_number(tzid: int, zone: tzinfo) -> Call[RentedNumber]:
    """The call that asks for one number. Each answer that means that it is absent is NotFoundError."""
    find = _wire.read_number(tzid, zone)

    def read(body: object) -> RentedNumber | SmsApiError:
        return find(body) or absent()

    def absent() -> SmsApiError:
        return NotFoundError(f"number {tzid} is not active", call="rent.number")

    query = (("tzid", str(tzid)), _wire.ALL_AT_ONCE)
    return _wire.call("number", "rent/getRentState.php", read, query=query, when_none=absent)
