"""Words for the errors of one request: whether the API answered at all, and whether a proxy is down.

Never sends; what it asks the HTTP library for is only the way that a request took.
"""

from __future__ import annotations

from typing import Any

from .. import _advice as advice
from .._errors import (
    NotFoundError,
    NotSentError,
    OutcomeUnknownError,
    SmsApiError,
    UnreadableReplyError,
    advised,
)
from .call import NOT_THE_API, Call, Provider, Repeat
from .http import Http

SERVER_DOWN = "the page of a server that is down, or of one in front of it"
READ_DONE = "nothing was spent or changed"

NO_CONNECTION = "no connection to "
"""How the words of a connection that was not made begin. A call may also stay here because looks have stopped."""

PAGE = "not found"
"""The reason of a refusal that was a page. The provider's old server answers so for an order that it does not know."""

ABOUT_ONE_ORDER = frozenset(("v1.check", "v1.finish", "v1.cancel", "v1.ban", "v1.inbox"))


def explain(error: SmsApiError, call: Call[Any], http: Http) -> None:
    """Give the error the advice that fits this call."""
    if isinstance(error, NotSentError):
        _explain_connection(error, call, http)
    elif isinstance(error, OutcomeUnknownError):
        fate = advice.READ_LOST if call.repeat is Repeat.FREELY else advice.OUTCOME_UNKNOWN
        advised(error, fate)
        _explain_page(error, fate)
    elif isinstance(error, UnreadableReplyError):
        _explain_page(error, READ_DONE)
    elif isinstance(error, NotFoundError) and error.reason == PAGE and call.name not in ABOUT_ONE_ORDER:
        advised(error, advice.not_the_api(error.call, READ_DONE))


def _explain_page(error: OutcomeUnknownError | UnreadableReplyError, fate: str) -> None:
    """Explain a page or an unknown route. A page with a 5xx is the outage of a server at the right address."""
    what = str(error.args[0])
    if NOT_THE_API not in what:
        return
    is_outage = (error.status or 0) >= 500
    error.args = (what.replace(NOT_THE_API, SERVER_DOWN if is_outage else advice.NOT_THE_API),)
    advised(error, advice.not_the_api(error.call, fate, is_outage=is_outage))


def _explain_connection(error: NotSentError, call: Call[Any], http: Http) -> None:
    what = str(error.args[0])
    if what.startswith(NO_CONNECTION) and (proxy := _proxy_of(http, call.provider)):
        error.args = (what.replace(NO_CONNECTION, f"no connection through the proxy {proxy} to ", 1),)
        advised(error, advice.proxy_down(proxy))


def _proxy_of(http: Any, provider: Provider) -> str:
    """The address of the proxy on the way to a provider, without its password; empty if there is none.

    Neither library has a public way to ask. A transport of another make lacks these attributes, and names no proxy.
    """
    try:
        url = http._library.URL(http._targets[provider].base_url)
        proxy = http._client._transport_for_url(url)._pool._proxy_url
        return f"{proxy.scheme.decode()}://{proxy.host.decode()}:{proxy.port}"
    except AttributeError:
        return ""
