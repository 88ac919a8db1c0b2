"""One who asks a sandbox in plain bytes and says what time it is: no loop, no transport, no client."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from attrs import define, field

from smsapi_async.sandbox import Ledger, Request, Response, Sandbox, Scenario, World


@define
class Asker:
    """Holds the keys and the watch."""

    sandbox: Sandbox
    now: datetime = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.now = self.sandbox.start

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @property
    def world(self) -> World:
        self.sandbox.world.advance(self.now)
        return self.sandbox.world

    @property
    def ledger(self) -> Ledger:
        return self.world.ledger

    def v1(self, path: str, method: str = "GET", body: object = None) -> Response:
        headers = {"authorization": f"Bearer {self.sandbox.token}"}
        content = b"" if body is None else json.dumps(body).encode()
        return self.sandbox.handle(Request(method, f"/v1/{path}", headers, content), self.now)

    def rent(self, path: str, method: str = "GET") -> Response:
        headers = {"authorization": f"Bearer {self.sandbox.rent_key}"}
        return self.sandbox.handle(Request(method, f"/api/{path}", headers), self.now)

    def v1_json(self, path: str) -> Any:
        return read(self.v1(path))

    def rent_json(self, path: str) -> Any:
        return read(self.rent(path))

    def v1_text(self, path: str, method: str = "GET", body: object = None) -> tuple[int, str]:
        response = self.v1(path, method, body)
        return response.status, response.body.decode()

    def buy(self, place: str = "russia/any/telegram") -> int:
        bought: int = self.v1_json(f"user/buy/activation/{place}")["id"]
        return bought

    def hire(self, query: str = "country=7&days=1") -> int:
        tzid: int = self.rent_json(f"rent/getRentNum.php?{query}")["item"]["tzid"]
        return tzid


def read(response: Response) -> Any:
    """The JSON of a success, every number with a point a Decimal."""
    assert (response.status, response.headers["content-type"]) == (200, "application/json"), response
    return json.loads(response.body, parse_float=Decimal)


def asker(**scenario: Any) -> Asker:
    """Asks a fresh sandbox."""
    return Asker(Sandbox(scenario=Scenario(**scenario)))
