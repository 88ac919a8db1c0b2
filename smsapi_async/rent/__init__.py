"""The rent API: numbers hired for days. `client.rent` is a `Rent`; the rest are its values."""

from ._api import Rent
from ._models import Balance, CountryCode, RentedNumber, Tariff
from ._waits import RentMessages

__all__ = ["Balance", "CountryCode", "Rent", "RentMessages", "RentedNumber", "Tariff"]
