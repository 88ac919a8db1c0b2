"""The decision to send a failed call again, and when. Pure: error, failures and Repeat in; seconds or None out."""

from __future__ import annotations

from .._errors import (
    NotSentError,
    OutcomeUnknownError,
    ProviderUnavailableError,
    RateLimitError,
    SmsApiError,
    UnreadableReplyError,
)
from .call import Repeat

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
AFTER_LIMIT = 2.0
"""Both providers name limits per second and send no Retry-After. The fifth hit in ten minutes is a ban (v1)."""

PASSING = (NotSentError, OutcomeUnknownError, UnreadableReplyError, RateLimitError, ProviderUnavailableError)


def pause_before_retry(error: SmsApiError, failures: int, repeat: Repeat, max_retries: int) -> float | None:
    """Seconds to wait before the same call may be sent again; None if it must not be sent again.

    The pauses double: 0.5, 1, 2, ... 30 s. After a rate limit they start at 2 s.
    """
    if failures > max_retries or not isinstance(error, PASSING):
        return None
    if repeat is Repeat.NEVER and not isinstance(error, NotSentError):
        return None
    first = AFTER_LIMIT if isinstance(error, RateLimitError) else FIRST_PAUSE
    return min(LONGEST_PAUSE, first * 2.0 ** min(failures - 1, 10))
