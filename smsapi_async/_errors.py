"""Every error of the package, drawn once. Imports only its texts (types aside), knows no wire.

    SmsApiError(Exception)
      NotSentError                nothing left this machine
      OutcomeUnknownError         it left; no readable answer (5xx, gateway page, cut, timeout)
        SpendUnknownError           ... to a call that spends; .candidates, .__cause__
      NothingBoughtError          the answer was lost; the records show no purchase
      UnreadableReplyError        an answer to a read that cannot be read
      RefusedError                the provider said no; .reason its own word, .status the HTTP status
        AuthenticationError         the key is missing, wrong or expired
        AccountBlockedError         the account, the key or this address is shut out
        RateLimitError              too many requests
        NoNumbersError              out of stock
        InsufficientBalanceError    not enough money
        LowRatingError              the account's rating is too low to buy
        LimitReachedError           too many numbers held at once
        BadParameterError           the provider does not know what was asked for
        NotFoundError               no such order, record or route
        OrderStateError             the order's state does not allow it
        ReuseRefusedError           the number cannot be bought again
        ProviderUnavailableError    the provider says it cannot work now
      PriceTooHighError           bought above the ceiling, given back; .order
      BudgetExceededError         the caller's own budget does not cover it; nothing was sent
      ClientClosedError           the client was closed
      NoCodeError                 a wait ended without a code; .order or .number
        OrderExpiredError           the order's time ran out
        OrderClosedError            the order was closed before a code came
        RentClosedError             the rented number is gone
        WaitTimeoutError            the caller's own timeout (also a TimeoutError)

The first question is *did it happen?* Every message names the call, and ends with the state of the money and the next
step. No message holds a key, a whole phone, a code or a control character. A caller's own mistake is a ValueError or a
RuntimeError.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Any, TypeVar

from . import _advice as advice

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from typing_extensions import TypeIs

    from ._values import Sms
    from .rent._models import RentedNumber
    from .v1._models import Order

MOST = 200
"""The most characters that are shown of a provider's text."""

LONGEST = 600
"""The most characters of an error's first part: our own words and the words they quote."""


def escaped(text: str, most: int = MOST) -> str:
    """Return the text on one line, cut to `most` characters. Control characters are written as escapes."""
    if len(text) <= most and text.isprintable():
        return text
    parts = [letter if letter.isprintable() else _escape(letter) for letter in text[: most + 1]]
    ends = list(accumulate(map(len, parts)))
    if ends[-1] <= most:
        return "".join(parts)
    return "".join(parts[: bisect_right(ends, most - 1)]) + "…"


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode()


class SmsApiError(Exception):
    """The root: catch it to catch every error of this package about the remote side.

    Attributes:
        call: the call that failed, such as ``v1.buy_activation``; empty outside of a call.
    """

    fate: str = ""

    def __init__(self, what: str, *, call: str = "") -> None:
        super().__init__(escaped(what, LONGEST))
        self.call = call

    def __str__(self) -> str:
        what, fate = str(self.args[0]), self._what_became()
        head = f"{self.call}: {what}" if self.call else what
        return f"{head.removesuffix('.')}; {fate}" if fate else head

    def _what_became(self) -> str:
        """The state of the money, and the next step."""
        return self._given or self.fate

    @property
    def _given(self) -> str:
        """The advice that `advised` gave to this error alone."""
        return str(vars(self).get("fate", ""))

    def __reduce__(self) -> tuple[Callable[..., SmsApiError], tuple[Any, ...]]:
        # Keyword-only arguments defeat the default protocol, which calls the class with `args` alone.
        return _restore, (type(self), self.args, self.__dict__.copy())


E = TypeVar("E", bound=SmsApiError)


def advised(error: E, fate: str) -> E:
    """Give an error an advice of its own, in place of that of its class."""
    error.fate = escaped(fate, LONGEST)
    return error


def _restore(kind: type[SmsApiError], args: tuple[Any, ...], state: dict[str, Any]) -> SmsApiError:
    error = kind.__new__(kind)
    error.args = args  # an OSError, which every TimeoutError is, takes them in __init__ alone
    error.__dict__.update(state)
    return error


class NotSentError(SmsApiError):
    """Nothing left this machine: no connection was made."""

    fate: str = advice.NOT_SENT


class OutcomeUnknownError(SmsApiError):
    """The request left and no readable answer came back: a timeout, a reset, a cut body, a 5xx or a gateway's page.

    Attributes:
        status: the HTTP status, or None if no status arrived.
    """

    fate: str = advice.OUTCOME_UNKNOWN

    def __init__(self, what: str, *, call: str = "", status: int | None = None) -> None:
        super().__init__(what, call=call)
        self.status = status


class SpendUnknownError(OutcomeUnknownError):
    """A call that spends lost its answer, and the provider's records did not settle whether it happened.

    Attributes:
        candidates: orders or rented numbers in the records that may be the purchase; there may be none or several.
            The client did nothing to them.
    """

    fate: str = advice.spend_unknown("", has_candidates=True)

    def __init__(
        self,
        what: str,
        *,
        call: str = "",
        status: int | None = None,
        candidates: tuple[Order | RentedNumber, ...] = (),
    ) -> None:
        super().__init__(what, call=call, status=status)
        self.candidates = candidates

    def _what_became(self) -> str:
        is_foreign = advice.NOT_THE_API in str(self.args[0])
        return advice.spend_unknown(self.call, has_candidates=bool(self.candidates), is_foreign=is_foreign)

    @property
    def orders(self) -> tuple[Order, ...]:
        """The candidates of a v1 purchase: orders. Empty after a call to the rent API."""
        return tuple(found for found in self.candidates if not _is_rented(found))

    @property
    def numbers(self) -> tuple[RentedNumber, ...]:
        """The candidates of a rent: rented numbers. Empty after a call to the v1 API."""
        return tuple(found for found in self.candidates if _is_rented(found))


def _is_rented(found: Order | RentedNumber) -> TypeIs[RentedNumber]:
    return hasattr(found, "tzid")


class NothingBoughtError(SmsApiError):
    """The answer to a purchase was lost, and the provider's records show that nothing was bought."""

    fate: str = advice.NOTHING_BOUGHT


class UnreadableReplyError(SmsApiError):
    """An answer to a read came whole and cannot be read.

    Attributes:
        status: the HTTP status.
        path: the place in the body that could not be read, such as ``id``; empty for the whole body.
        excerpt: the first characters of the body, with phones, codes and texts masked.
    """

    fate: str = advice.UNREADABLE

    def __init__(self, what: str, *, call: str = "", status: int = 0, path: str = "", excerpt: str = "") -> None:
        super().__init__(what, call=call)
        self.status = status
        self.path: str = escaped(path)
        self.excerpt: str = escaped(excerpt)


class RefusedError(SmsApiError):
    """The provider answered no. A refusal with unknown words raises this class itself.

    Attributes:
        reason: the provider's own word, such as ``no free phones`` or ``NO_NUMBER``.
        status: the HTTP status of the refusal; 0 if the call was stopped before it was sent.
    """

    fate: str = advice.REFUSED
    after_loss = False
    """True if an earlier try of the same call lost its answer: that try may be the reason of this refusal."""

    def __init__(self, reason: str, *, call: str = "", status: int = 0) -> None:
        reason = escaped(reason, MOST if status else LONGEST)
        words = f"with '{reason}'" if reason else "without a word"
        what = f"the provider refused {words} (HTTP {status})" if status else reason
        super().__init__(what, call=call)
        self.reason = reason
        self.status = status


class AuthenticationError(RefusedError):
    """The key is missing, wrong or expired."""

    fate: str = advice.wrong_key("")

    def _what_became(self) -> str:
        return self._given or advice.wrong_key(self.call)


class AccountBlockedError(RefusedError):
    """The account, its API access or this address is shut out."""

    fate: str = advice.ACCOUNT_BLOCKED


class RateLimitError(RefusedError):
    """Too many requests."""

    fate: str = advice.RATE_LIMIT


class NoNumbersError(RefusedError):
    """No number is in stock for this request, or none below the price ceiling."""

    fate: str = advice.NO_NUMBERS


class InsufficientBalanceError(RefusedError):
    """The balance does not cover the price."""

    fate: str = advice.INSUFFICIENT_BALANCE


class LowRatingError(RefusedError):
    """The account's rating is too low to buy. Too many cancels, bans and timeouts bring it down.

    Attributes:
        possible_at: the latest time at which buying is possible again. The provider bars it for 24 hours and does
            not say since when. None when the refusal had no date.
    """

    fate: str = advice.LOW_RATING

    def __init__(self, reason: str, *, call: str = "", status: int = 0, possible_at: datetime | None = None) -> None:
        super().__init__(reason, call=call, status=status)
        self.possible_at = possible_at

    def _what_became(self) -> str:
        if self.possible_at is None:
            return self.fate
        return f"nothing was bought, buying is possible again by {self.possible_at:%Y-%m-%d %H:%M} UTC at the latest"


class LimitReachedError(RefusedError):
    """The account holds as many numbers at once as it may."""

    fate: str = advice.LIMIT_REACHED


class BadParameterError(RefusedError):
    """The provider does not know the country, operator, product, days or another value of the request."""

    fate: str = advice.BAD_PARAMETER


class NotFoundError(RefusedError):
    """The provider knows no such order, number, record or route."""

    fate: str = advice.not_found("")

    def _what_became(self) -> str:
        return self._given or advice.not_found(self.call)


class OrderStateError(RefusedError):
    """The state of the order or rented number does not allow the call; `reason` names the state."""

    fate: str = advice.order_state("")

    def _what_became(self) -> str:
        return self._given or advice.order_state(self.call)


class ReuseRefusedError(RefusedError):
    """The number cannot be bought again: not bought for reuse, too late, cancelled, or not allowed by its operator."""

    fate: str = advice.REUSE_REFUSED


class ProviderUnavailableError(RefusedError):
    """The provider says, in known words, that it cannot do it now."""

    fate: str = advice.PROVIDER_UNAVAILABLE


class PriceTooHighError(SmsApiError):
    """The provider sold above `max_price`. The order was settled at once.

    Attributes:
        order: the order in its last known state; `status` says whether it was cancelled.
    """

    fate: str = advice.PRICE_TOO_HIGH

    def __init__(self, what: str, *, call: str = "", order: Order) -> None:
        super().__init__(what, call=call)
        self.order = order


class BudgetExceededError(SmsApiError):
    """The caller's own budget does not cover the price."""

    fate: str = advice.BUDGET_EXCEEDED


class ClientClosedError(SmsApiError):
    """The client was closed before or during the call."""

    fate: str = advice.CLIENT_CLOSED


class NoCodeError(SmsApiError):
    """A wait ended without a code.

    Attributes:
        order: the order as last seen, for a wait on an order; otherwise None.
        number: the rented number as last seen, for a wait on one; otherwise None.
    """

    fate: str = advice.NO_CODE

    def __init__(
        self, what: str, *, call: str = "", order: Order | None = None, number: RentedNumber | None = None
    ) -> None:
        super().__init__(what, call=call)
        self.order = order
        self.number = number

    @property
    def sms(self) -> tuple[Sms, ...]:
        """The messages that did come, oldest first, without a code that was wanted."""
        if self.order is not None:
            return self.order.sms
        return self.number.messages if self.number is not None else ()

    def _what_became(self) -> str:
        if self.number is not None:
            return advice.NUMBER_UNTOUCHED
        return advice.ENDED_AS.get(self.order.status, self.fate) if self.order is not None else self.fate


class OrderExpiredError(NoCodeError):
    """The order's time ran out without a code."""


class OrderClosedError(NoCodeError):
    """The order was cancelled, banned or finished elsewhere before a code came."""


class RentClosedError(NoCodeError):
    """The rented number is no longer among the account's active ones."""

    fate: str = advice.RENT_CLOSED


class WaitTimeoutError(NoCodeError, TimeoutError):
    """The wait's own timeout passed, or nothing readable came from the provider for 30 minutes."""

    fate: str = advice.WAIT_TIMEOUT
