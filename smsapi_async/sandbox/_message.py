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
    """A request that arrived: `target` is path and query as sent, header names are lower-case."""

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
        """The query; a repeated name has its last value."""
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    @property
    def line(self) -> str:
        """Method and target; counts and faults match this text."""
        return f"{self.method} {self.target}"


@frozen
class Response:
    """An answer; header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def having(self, headers: Mapping[str, str]) -> "Response":
        """Return the same with more headers."""
        return evolve(self, headers={**self.headers, **headers})

    def to(self, request: Request) -> "Response":
        """Return the same as it is sent to a request: a HEAD gets no body."""
        return evolve(self, body=b"") if request.method == "HEAD" else self

    def without(self, name: str) -> "Response":
        """Return the same with one header less."""
        return evolve(self, headers={other: text for other, text in self.headers.items() if other != name})


class RefusalError(Exception):
    """A refusal in the provider's own word; the faces choose the HTTP status."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def number(text: str | None, default: int) -> int:
    """Return a whole number from a query; the default for anything else."""
    return int(text) if text is not None and text.isdecimal() else default


def plain(amount: Decimal) -> str:
    """Return an exact decimal as the shortest JSON number: 21, 0.0641."""
    return format(amount.normalize(), "f")


class Written(str):
    """A text that is JSON already."""

    __slots__ = ()


def encode(value: Any) -> str:
    """Return compact JSON in which a Decimal is a number with all its digits."""
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
    """Return 200 with a JSON body."""
    return Response(200, {"content-type": JSON_TYPE}, encode(value).encode())


def text_reply(status: int, text: str) -> Response:
    """Return a plain text without a newline; an empty one has no content type (401, live)."""
    return Response(status, {"content-type": TEXT_TYPE} if text else {}, text.encode())


def html_reply(status: int, text: str) -> Response:
    """Return an HTML page."""
    return Response(status, {"content-type": HTML_TYPE}, text.encode())


def no_route() -> Response:
    """Return the answer to a wrong route (live)."""
    return html_reply(302, '<a href="/404.html">Found</a>.').having({"location": "/404.html"})


def not_found() -> Response:
    """Return the page behind `/404.html`, and of every path of neither API."""
    return html_reply(404, "<html><head><title>not found</title></head><body>not found</body></html>")
