"""An asyncio (and trio) client for two SMS number APIs: *v1*, a number for one verification SMS, and *rent*, for days.

    async with AsyncClient() as client:  # SMSAPI_TOKEN, SMSAPI_RENT_KEY from the environment
        async with client.activation("telegram", country="russia") as order:
            await sign_in(order.phone)
            code = await order.code()  # finished on the way out; cancelled if no code was taken

The tour: `AsyncClient` is the door. `client.v1` and `client.rent` have a coroutine per remote operation, their values
are in `smsapi_async.v1` and `smsapi_async.rent`. `client.await_code(order_id)` waits for an order bought earlier. Every
error is a `SmsApiError`; the tree is drawn in `_errors.py`. `smsapi_async.sandbox` is a local provider to try
everything against.
"""

from ._activation import Activation
from ._budget import Budget
from ._client import AsyncClient
from ._errors import (
    AccountBlockedError,
    AuthenticationError,
    BadParameterError,
    BudgetExceededError,
    ClientClosedError,
    InsufficientBalanceError,
    LimitReachedError,
    LowRatingError,
    NoCodeError,
    NoNumbersError,
    NotFoundError,
    NothingBoughtError,
    NotSentError,
    OrderClosedError,
    OrderExpiredError,
    OrderStateError,
    OutcomeUnknownError,
    PriceTooHighError,
    ProviderUnavailableError,
    RateLimitError,
    RefusedError,
    RentClosedError,
    ReuseRefusedError,
    SmsApiError,
    SpendUnknownError,
    UnreadableReplyError,
    WaitTimeoutError,
)
from ._events import Event
from ._sending import Pace
from ._values import Sms

__version__ = "0.2.0"

__all__ = [
    "AccountBlockedError",
    "Activation",
    "AsyncClient",
    "AuthenticationError",
    "BadParameterError",
    "Budget",
    "BudgetExceededError",
    "ClientClosedError",
    "Event",
    "InsufficientBalanceError",
    "LimitReachedError",
    "LowRatingError",
    "NoCodeError",
    "NoNumbersError",
    "NotFoundError",
    "NotSentError",
    "NothingBoughtError",
    "OrderClosedError",
    "OrderExpiredError",
    "OrderStateError",
    "OutcomeUnknownError",
    "Pace",
    "PriceTooHighError",
    "ProviderUnavailableError",
    "RateLimitError",
    "RefusedError",
    "RentClosedError",
    "ReuseRefusedError",
    "Sms",
    "SmsApiError",
    "SpendUnknownError",
    "UnreadableReplyError",
    "WaitTimeoutError",
]
