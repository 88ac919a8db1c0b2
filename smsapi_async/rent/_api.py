"""A method per endpoint of the rent API. Each checks its arguments, builds a Call and hands it on; nothing more.

Source: https://onlinesim.io/docs/api/en/rent.
"""

from __future__ import annotations

from datetime import tzinfo
from math import inf

import attrs

from .. import _advice as advice
from .._budget import Budget
from .._errors import BadParameterError, NotFoundError, advised
from .._sending import Call, Claims, Lane, Repeat, Sender
from .._shield import unbroken
from .._unsettled import Unsettled
from .._values import positive, switch
from . import _wire
from ._arguments import tzid_of
from ._calls import all_numbers, one_number
from ._models import Balance, CountryCode, RentedNumber, Tariff
from ._purchases import DAY, LostNumbers, Purchase, Purchases

LARGEST_CODE = 10**9
"""Dial codes have up to seven digits, an area code included."""

MOST_DAYS = 10_000
"""The longest lease that is sold is a fraction of it."""

MOST_TARIFFS = 1_000
"""Countries whose lengths are kept for an error. The provider has about a hundred."""

EXTENSIONS = "client.rent.number(tzid).extensions"


class Rent:
    """The rent API: a number for days. Every method is one endpoint; `client.rent` is one of these."""

    def __init__(
        self,
        sender: Sender,
        unsettled: Unsettled[RentedNumber],
        budget: Budget,
        zone: tzinfo,
        claims: Claims[Purchase],
        *,
        shared_key: bool,
    ) -> None:
        self._sender = sender
        self._zone = zone
        lost = LostNumbers(sender, claims, self._listed, shared_key=shared_key)
        self.purchases: Purchases = Purchases(sender, unsettled, lost, budget)
        self._tariffs: dict[CountryCode, tuple[int, ...]] = {}

    async def tariffs(self, country: CountryCode | None = None) -> tuple[Tariff, ...]:
        """Read the price list, or one country of it, in the order of the provider's site. Free.

        Args:
            country: a dial code such as 7 for Russia. Without it, every country is listed.
        Source: onlinesim.io/docs/api/en/rent/tariffsRent.
        """
        query = () if country is None else (("country", str(positive("country", country, LARGEST_CODE))),)
        asked = _wire.call(
            "tariffs", "rent/tariffsRent.php", _wire.read_tariffs, query=query, when_none=tuple[Tariff, ...], large=True
        )
        found = await self._sender.share(asked)
        self._tariffs.update({tariff.country: tuple(tariff.prices) for tariff in found[:MOST_TARIFFS]})
        return found

    @unbroken
    async def buy_number(self, country: CountryCode, days: int, *, extension: bool = False) -> RentedNumber:
        """Hire a number for days. Spends the tariff's price; refunded only if no message comes in the first 20 minutes.

        The request is sent once. A lost answer is looked up in the list of active numbers, in about ten seconds. A
        caller cancelled meanwhile gets no number, and the one that was bought is in `client.unsettled`.

        Args:
            country: a dial code such as 7 for Russia; `tariffs` lists them.
            days: whole days: one of the lengths in `Tariff.prices`.
            extension: True renews the number by itself at its end, and charges 30 more days. With False, the provider
                may not let the number be extended at all. It is always sent, because the provider's own default is on.
        Raises:
            NoNumbersError, InsufficientBalanceError, LimitReachedError, BadParameterError, RateLimitError: nothing
                was bought.
            NotSentError, NothingBoughtError: nothing was bought; safe to try again.
            SpendUnknownError: the answer was lost and the list did not settle it; see its `candidates`.
        Source: onlinesim.io/docs/api/en/rent/getRentNum.
        """
        country, days = positive("country", country, LARGEST_CODE), positive("days", days, MOST_DAYS)
        query = (
            ("country", str(country)),
            ("days", str(days)),
            ("extension", "true" if switch("extension", extension) else "false"),
            _wire.ALL_AT_ONCE,
        )
        life = inf if extension else days * DAY
        asked = self._spending("buy_number", "rent/getRentNum.php", query)
        try:
            return await self.purchases.buy(asked, country, days, life)
        except BadParameterError as error:
            advised(error, self._not_rented(error.reason, country, days))
            raise

    async def numbers(self) -> tuple[RentedNumber, ...]:
        """Read the active numbers with their messages. Free.

        Source: onlinesim.io/docs/api/en/rent/getRentState.
        """
        return await self._sender.send(all_numbers(self._zone))

    async def number(self, tzid: RentedNumber | int) -> RentedNumber:
        """Read one active number with its messages. Free.

        Args:
            tzid: the rented number, or its tzid.
        Raises:
            NotFoundError: it is not active: unknown, expired, closed, or never confirmed.
        Source: onlinesim.io/docs/api/en/rent/getRentState.
        """
        return await self._sender.send(one_number(tzid_of(tzid), self._zone))

    @unbroken
    async def extend(self, tzid: RentedNumber | int, days: int) -> RentedNumber:
        """Keep a rented number for more days. Spends the price in `RentedNumber.extensions`.

        The request is sent once. A lost answer is looked up in the number's own days and time left.

        Args:
            tzid: the rented number, or its tzid.
            days: whole days, one of the lengths in `RentedNumber.extensions`.
        Raises:
            InsufficientBalanceError, BadParameterError, OrderStateError, NotFoundError: nothing was extended.
            NotSentError, NothingBoughtError: nothing was extended; safe to try again.
            SpendUnknownError: the answer was lost and the number does not tell; read `number(tzid)` before trying
                again.
        Source: onlinesim.io/docs/api/en/rent/extendRentState.
        """
        key, days = tzid_of(tzid), positive("days", days, MOST_DAYS)
        query = (("tzid", str(key)), ("days", str(days)))
        try:
            return await self.purchases.extend(self._spending("extend", "rent/extendRentState.php", query), key, days)
        except BadParameterError as error:
            advised(error, advice.unknown_words([advice.Unknown("days", str(days), EXTENSIONS)]))
            raise

    async def reload_port(self, tzid: RentedNumber | int) -> None:
        """Restart the number's port, when messages do not come. Free; see `RentedNumber.port_reload_available`.

        The provider's newer pages leave it out, so it may be retired. Repeated when its answer is lost.

        Args:
            tzid: the rented number, or its tzid.
        Raises:
            NotFoundError: the number is not active, or the provider knows no such method any more.
        Source: onlinesim.io/docs/api/en/rent/getRentNum, field `reload`.
        """
        await self._sender.send(self._closing("reload_port", "rent/portReload.php", tzid_of(tzid), Lane.LOOK))

    async def close(self, tzid: RentedNumber | int) -> None:
        """Give the number up, for good. No refund is promised. Repeated when its answer is lost.

        Args:
            tzid: the rented number, or its tzid.
        Raises:
            NotFoundError: it is not active.
            OrderStateError: it is too early to close it.
        Source: onlinesim.io/docs/api/en/rent/closeRentNum.
        """
        key = tzid_of(tzid)
        try:
            await self._sender.send(self._closing("close", "rent/closeRentNum.php", key, Lane.CANCEL))
        except NotFoundError as refusal:
            if not refusal.after_loss:  # else the lost answer was that of the closing
                raise
        self.purchases.closed(key)

    async def balance(self) -> Balance:
        """Read the account's money. Free. Source: onlinesim.io/docs/api/en/getBalance."""
        return await self._sender.send(_wire.call("balance", "getBalance.php", _wire.read_balance))

    # -- shared by the methods above --------------------------------------------------------------------------------

    def _not_rented(self, reason: str, country: CountryCode, days: int) -> str:
        """The advice for a country or a length that the provider does not rent out."""
        lengths = [str(length) for length in self._tariffs.get(country, ()) if length != days]
        unknown = {
            "COUNTRY": advice.Unknown("country", str(country), "client.rent.tariffs()"),
            "DAYS": advice.Unknown("days", str(days), f"client.rent.tariffs({country})", lengths),
        }
        doubtful = [found for word, found in unknown.items() if word in reason.upper()]
        return advice.unknown_words(doubtful or list(unknown.values()))

    async def _listed(self) -> tuple[RentedNumber, ...]:
        """The active numbers, asked as part of a purchase."""
        asked = all_numbers(self._zone, complete=True)
        return await self._sender.send(attrs.evolve(asked, settling=True, lane=Lane.PURCHASE))

    def _spending(self, name: str, path: str, query: tuple[tuple[str, str], ...]) -> Call[RentedNumber]:
        return _wire.call(
            name, path, _wire.read_purchase(self._zone), repeat=Repeat.NEVER, lane=Lane.PURCHASE, query=query
        )

    def _closing(self, name: str, path: str, tzid: int, lane: Lane) -> Call[None]:
        query = (("tzid", str(tzid)),)
        return _wire.call(name, path, _wire.read_success, repeat=Repeat.IF_LOST, lane=lane, query=query)
