"""The faults of a connection, as data. The transport, the application and the proxy carry them out.
Source: section 4 of docs/protocol/v1.md and docs/protocol/rent.md.
The exceptions are measured in tests/sandbox/test_proxy.py."""

import gzip
import re
from collections.abc import Callable
from typing import Literal

from attrs import define, evolve, frozen

from ._message import HTML_TYPE, JSON_TYPE, TEXT_TYPE, Request, Response

Spoiled = Literal["charset", "gzip", "bad gzip", "content type"]


@frozen
class LostBefore:
    """The connection is dropped before the request is processed."""


@frozen
class LostAfter:
    """The request is processed, then the connection is dropped without an answer."""


@frozen
class NotConnected:
    """No connection is made: nothing is sent."""


@frozen
class Cut:
    """Processed; the body ends after `at` bytes (None: in the middle)."""

    at: int | None = None

    def length(self, response: Response) -> int:
        """Return how many bytes of the body are sent: never all of them."""
        whole = len(response.body)
        return whole // 2 if self.at is None else max(0, min(self.at, whole - 1))


@frozen
class Stall:
    """No answer before `seconds` (None: never). With `processed=False` the request is processed only then."""

    seconds: float | None = None
    processed: bool = True


@frozen
class Reset:
    """The connection is reset; `processed` says whether the request was done first."""

    processed: bool = True


@frozen
class Answer:
    """Another answer in place of the real one."""

    status: int
    body: str | bytes = ""
    content_type: str = TEXT_TYPE
    processed: bool = False
    headers: tuple[tuple[str, str], ...] = ()

    def response(self) -> Response:
        """The answer, without `Date`."""
        body = self.body.encode() if isinstance(self.body, str) else self.body
        return Response(self.status, {"content-type": self.content_type, **dict(self.headers)}, body)


@frozen
class Delay:
    """Processed at once, answered whole after `seconds`."""

    seconds: float


@frozen
class Mangle:
    """Processed; the body is changed by a function, or spoiled in a named way.

    charset: UTF-16 under the header of UTF-8; gzip: compressed, with the right header; bad gzip: plain, under the
    header of gzip; content type: the right body as `text/html`.
    """

    change: Callable[[bytes], bytes] | Spoiled

    def spoil(self, response: Response) -> Response:
        """Return the changed response; its length is not corrected here."""
        if callable(self.change):
            return evolve(response, body=self.change(response.body))
        if self.change == "charset":
            changed = evolve(response, body=response.body.decode().encode("utf-16"))
            return changed.having({"content-type": f"{JSON_TYPE}; charset=utf-8"})
        if self.change == "gzip":
            return evolve(response, body=gzip.compress(response.body, mtime=0)).having({"content-encoding": "gzip"})
        if self.change == "bad gzip":
            return response.having({"content-encoding": "gzip"})
        return response.having({"content-type": HTML_TYPE})


ACTS = re.compile(r"/user/(?:finish|cancel|ban)/")


@frozen
class NotDone:
    """A finish, cancel or ban is answered 200 with the order as it is, and is not done. No source shows such a case."""


@frozen
class DoneUnseen:
    """A finish, cancel or ban is done, and answered 200 with the order as it was. No source shows such a case."""


def look_of(request: Request) -> Request:
    """Return the check of the order that an act is for; any other request is returned as it is."""
    return evolve(request, target=ACTS.sub("/user/check/", request.target))


@frozen
class Chunked:
    """Processed; the body comes without its length, in pieces of `size` bytes with `pause` seconds between two."""

    size: int = 16
    pause: float = 0.0


Fault = (
    LostBefore
    | LostAfter
    | NotConnected
    | Cut
    | Stall
    | Reset
    | Answer
    | Delay
    | Mangle
    | NotDone
    | DoneUnseen
    | Chunked
)

INTERNAL_ERROR = Answer(500, "internal error")
INTERNAL_ERROR_AFTER = Answer(500, "internal error", processed=True)
API_LIMIT = Answer(429, "api limit is 100 requests per second")
TOO_MANY_REQUESTS = Answer(429, "too many requests")
IP_LIMIT = Answer(503, "ip address limit is 100 requests per second")
BAD_GATEWAY = Answer(
    502,
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
    "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n",
    HTML_TYPE,
)
GATEWAY_BUSY = Answer(503, "<html><body>503 Service Temporarily Unavailable</body></html>", HTML_TYPE)
"""A page of a gateway; it does not mean too many requests."""
NO_SUCH_PAGE = Answer(
    404, "<html><head><title>404 Not Found</title></head><body>404 Not Found</body></html>", HTML_TYPE
)
"""A page of a gateway that has lost its route to the provider: it says nothing about any order."""
TO_NO_SUCH_PAGE = Answer(302, '<a href="/404.html">Found</a>.', HTML_TYPE, headers=(("location", "/404.html"),))
"""The answer to a route that the provider does not know (live); here for a request that is right."""
MAINTENANCE = Answer(200, "<html><body>Technical works</body></html>", HTML_TYPE)


def literal(word: str, processed: bool = False) -> Answer:
    """Return a refusal of the rent API: HTTP 200, the word as `response`."""
    return Answer(200, f'{{"response":"{word}"}}', JSON_TYPE, processed)


@define
class Rule:
    """A fault and the requests that meet it."""

    matches: Callable[[Request], bool]
    fault: Fault
    times: int
    skip: int

    def applies(self, request: Request) -> bool:
        """Return True if this request meets the fault; count it then."""
        if self.times <= 0 or not self.matches(request):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True
