"""A request and a response as bytes, and the two ways a body is written. Never sends.
Source: docs/protocol/v1.md section 1 (content types), docs/protocol/rent.md section 4 (envelope)."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, unquote

from attrs import evolve, field, frozen

JSON_TYPE = "application/json"
TEXT_TYPE = "text/plain; charset=utf-8"
HTML_TYPE = "text/html; charset=utf-8"


@frozen
class Request:
    """What arrived: `target` is path and query as sent, header names are lower-case."""

    method: str
    target: str
    headers: Mapping[str, str] = field(factory=dict)
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path, percent-decoded."""
        return unquote(self.target.partition("?")[0])

    @property
    def query(self) -> dict[str, str]:
        """The query; of a repeated name the last value."""
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    @property
    def line(self) -> str:
        """Method and target: what counts and faults are matched against."""
        return f"{self.method} {self.target}"


@frozen
class Response:
    """What is answered; header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def having(self, headers: Mapping[str, str]) -> "Response":
        """The same with more headers."""
        return evolve(self, headers={**self.headers, **headers})

    def to(self, request: Request) -> "Response":
        """The same as it is sent to a request: a HEAD gets no body."""
        return evolve(self, body=b"") if request.method == "HEAD" else self

    def without(self, name: str) -> "Response":
        """The same with one header less."""
        return evolve(self, headers={other: text for other, text in self.headers.items() if other != name})


class RefusalError(Exception):
    """The provider's no, in its own word; the faces decide the HTTP status."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def number(text: str | None, default: int) -> int:
    """A whole number from a query; anything else is as if it were left out."""
    return int(text) if text is not None and text.isdecimal() else default


def plain(amount: Decimal) -> str:
    """An exact decimal as the shortest JSON number: 21, 0.0641."""
    return format(amount.normalize(), "f")


class Written(str):
    """What is JSON already."""

    __slots__ = ()


def encode(value: Any) -> str:
    """Compact JSON in which a Decimal is a number with all its digits."""
    if isinstance(value, Written):
        return value
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(str(name))}:{encode(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(encode, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def json_reply(value: Any) -> Response:
    """200 with a JSON body."""
    return Response(200, {"content-type": JSON_TYPE}, encode(value).encode())


def text_reply(status: int, text: str) -> Response:
    """A plain text without a newline; the empty one has no content type (401, live)."""
    return Response(status, {"content-type": TEXT_TYPE} if text else {}, text.encode())


def html_reply(status: int, text: str) -> Response:
    """An HTML page."""
    return Response(status, {"content-type": HTML_TYPE}, text.encode())


def no_route() -> Response:
    """Where a wrong route leads (live)."""
    return html_reply(302, '<a href="/404.html">Found</a>.').having({"location": "/404.html"})


def not_found() -> Response:
    """The page behind `/404.html`, and every path of neither API."""
    return html_reply(404, "<html><head><title>not found</title></head><body>not found</body></html>")
