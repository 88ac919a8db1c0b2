"""The rent face: request bytes in, reply bytes out. An error is HTTP 200 with its literal as `response`.
Source: docs/protocol/rent.md sections 1, 2, 4 and 5."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal

from ._goods import Tariff
from ._message import RefusalError, Request, Response, json_reply, plain
from ._quirks import Quirks
from ._rents import Rent, RentMessage
from ._world import World

PER_PAGE = 20
MOSCOW = timedelta(hours=3)
"""No zone is in the format; Moscow is inferred (docs/protocol/rent.md section 2)."""
OFF = frozenset({"false", "False", "0", ""})
"""The vendor's own Python client sends `false`, a foreign one `False`, the PHP client 0."""


class RentApi:
    """Answers every path under `/api/`."""

    def __init__(self, world: World, key: str, quirks: Quirks) -> None:
        self._world = world
        self._scenario = world.scenario
        self._rents = world.rent_book
        self._key = key
        self._quirks = quirks

    def answer(self, request: Request) -> Response:
        """Return the reply to one request; the world must have been advanced to now."""
        act = METHODS.get(request.path.removeprefix("/api/"))
        try:
            if act is None or request.method != "GET":
                raise RefusalError("REQUEST_NOT_FOUND")
            self._check_key(request)
            return json_reply(act(self, request.query))
        except RefusalError as refusal:
            return json_reply({"response": refusal.text})

    def _check_key(self, request: Request) -> None:
        """Refuse a wrong key. The header or the query may hold it."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        offered = token if scheme == "Bearer" and token else request.query.get("apikey", "")
        if not offered:
            raise RefusalError("ERROR_NO_KEY")
        if offered != self._key:
            raise RefusalError("ERROR_WRONG_KEY")

    def tariffs(self, query: Mapping[str, str]) -> Any:
        """Return one bare tariff, or all by country code; `[]` if there is none."""
        envelope: dict[str, Any] = {"response": self._scenario.rent_success} if self._scenario.tariffs_envelope else {}
        if "country" in query:
            tariff = self._rents.tariffs.get(_int(query, "country") or 0)
            if tariff is None:
                return []
            name = tariff.name if self._scenario.tariff_names else None
            return {**envelope, **self._tariff(tariff, {"confirm": tariff.confirm}, name)}
        everything = {str(code): self._tariff(each, {}, each.name) for code, each in self._rents.tariffs.items()}
        return {**envelope, **everything} if everything else []

    def _tariff(self, tariff: Tariff, more: dict[str, Any], name: str | None = None) -> dict[str, Any]:
        return {
            "code": tariff.code,
            "enabled": tariff.enabled,
            **({"name": name} if name is not None else {}),
            "new": tariff.new,
            "position": tariff.position,
            "count": self._map({days: self._rents.stock[tariff.code, days] for days in tariff.count}),
            "days": self._map({days: self._money(price) for days, price in tariff.days.items()}),
            "extend": self._money(tariff.extend),
            **more,
        }

    def buy(self, query: Mapping[str, str]) -> Any:
        """Order a number. `extension` is on by default; `false`, `False`, 0 and "" switch it off."""
        extension = _switch(query, "extension", default=True)
        rent = self._rents.buy(_int(query, "country"), _int(query, "days"), extension)
        return {
            "response": self._scenario.rent_success,
            "item": self._quirks.printed(self._item(rent, query, ITEM_ORDER_BOUGHT, self._money), "answers"),
        }

    def state(self, query: Mapping[str, str]) -> Any:
        """Return the active rents, or the requested one, always as a list."""
        until = self._world.now - self._quirks.rent_lag
        rents = [rent for rent in self._rents.open if rent.created_at <= until]
        where: Literal["answers", "rows"] = "answers" if "tzid" in query else "rows"
        if "tzid" in query:
            rents = [rent for rent in rents if rent.tzid == _int(query, "tzid")]
        if not rents:
            return self._nothing("tzid" in query)
        return {
            "response": self._scenario.rent_success,
            "list": [self._quirks.printed(self._item(rent, query, ITEM_ORDER_LISTED, plain), where) for rent in rents],
        }

    def _nothing(self, one: bool) -> Any:
        gone = self._scenario.rent_gone
        if gone == "null":
            return {"response": self._scenario.rent_success, "list": None}
        if gone == "[]" or (not one and gone in {"ERROR_NO_TZID", "ERROR_WRONG_TZID"}):
            return {"response": self._scenario.rent_success, "list": []}
        raise RefusalError(gone)

    def extend(self, query: Mapping[str, str]) -> Any:
        """Sell more days. Its page documents no `pagination`, so it ignores that."""
        rent = self._rents.extend(_int(query, "tzid"), _int(query, "days"))
        item = self._quirks.printed(self._item(rent, {}, ITEM_ORDER_LISTED, self._money), "answers")
        answer = {"list": [item]} if self._scenario.rent_extend_form == "list" else {"item": item}
        return {"response": self._scenario.rent_success, **answer}

    def reload(self, query: Mapping[str, str]) -> Any:
        """Reload the port."""
        self._rents.reload_port(_int(query, "tzid"))
        return {"response": self._scenario.rent_success}

    def close(self, query: Mapping[str, str]) -> Any:
        """Close for good. This is the one success that is `true`."""
        self._rents.close(_int(query, "tzid"))
        return {"response": self._scenario.rent_close_success}

    def balance(self, query: Mapping[str, str]) -> Any:
        """Return the purse; the balance is text, the frozen part a number."""
        balance = self._world.rent_balance + Decimal("0.00")
        income = {"income": "0.00", "income_usd": "0.00"} if _switch(query, "income", default=False) else {}
        return {
            "response": self._scenario.rent_success,
            "balance": f"{balance:f}",
            "zbalance": self._money(self._world.rent_frozen),
            **income,
        }

    def _map(self, value: dict[int, Any]) -> Any:
        """Return the map in its wire form: PHP writes an empty one as a list."""
        return value or ([] if self._scenario.rent_empty_map == "[]" else {})

    def _money(self, amount: Decimal) -> Any:
        return plain(amount) if self._scenario.money_form == "text" else amount

    def _item(
        self, rent: Rent, query: Mapping[str, str], order: Sequence[str], write_sum: Callable[[Decimal], Any]
    ) -> dict[str, Any]:
        """Return the item of a rent. Before its first SMS the minutes left are the window's, not the lease's."""
        left = (rent.ends_at if rent.confirmed else rent.window_ends_at) - self._world.now
        minutes = int(left.total_seconds() // 60)
        fields = {
            "status": int(rent.confirmed),
            "extension": int(rent.extension),
            "messages": self._messages(rent, query),
            "sum": write_sum(rent.price),
            "country": rent.country,
            "checked_time": self._stamp(rent.created_at),
            "number": rent.number,
            "rent": rent.days,
            "tzid": rent.tzid,
            "time": minutes,
            "days": minutes // 1440,
            "hours": minutes // 60,
            "extend": self._map({days: self._money(price) for days, price in rent.extend.items()}),
            "checked": rent.confirmed,
            "reload": rent.reload,
            "day_extend": self._money(rent.tariff.extend),
            "m_ext": True,
            "freeze": False,
        }
        return {name: fields[name] for name in (ITEM_ORDER_SEED if self._scenario.rent_item_form == "seed" else order)}

    def _messages(self, rent: Rent, query: Mapping[str, str]) -> Any:
        """Return the messages, newest first; all at once, for any requested page."""
        rows: list[Any] = [self._message(message) for message in reversed(rent.messages)]
        if self._scenario.rent_message_form == "list" or not _switch(query, "pagination", default=True):
            return rows
        pages = [rows[start : start + PER_PAGE] for start in range(0, len(rows), PER_PAGE)]
        return {
            "current_page": 1,
            "data": pages if self._scenario.rent_message_form == "pages" else rows,
            "from": 1,
            "last_page": max(1, len(pages)),
            "per_page": PER_PAGE,
            "to": len(pages),
            "total": len(rows),
        }

    def _message(self, message: RentMessage) -> dict[str, Any]:
        return {
            "id": message.id,
            "service": message.sender,
            "text": message.text,
            "code": message.code,
            "created_at": self._stamp(message.at) if message.timed else None,
        }

    def _stamp(self, at: Any) -> str:
        return f"{at + self._quirks.clock_skew + MOSCOW:%Y-%m-%d %H:%M:%S}"


METHODS: dict[str, Callable[[RentApi, Mapping[str, str]], Any]] = {
    "rent/tariffsRent.php": RentApi.tariffs,
    "rent/getRentNum.php": RentApi.buy,
    "rent/getRentState.php": RentApi.state,
    "rent/extendRentState.php": RentApi.extend,
    "rent/portReload.php": RentApi.reload,
    "rent/closeRentNum.php": RentApi.close,
    "getBalance.php": RentApi.balance,
}

ITEM_ORDER_LISTED = (
    "status", "extension", "messages", "sum", "country", "checked_time", "number", "rent", "tzid", "time", "days",
    "hours", "extend", "checked", "reload", "day_extend", "m_ext", "freeze",
)  # fmt: skip
ITEM_ORDER_BOUGHT = (
    "status", "messages", "country", "rent", "extension", "checked_time", "sum", "number", "tzid", "time", "days",
    "hours", "extend", "checked", "reload", "day_extend", "m_ext", "freeze",
)  # fmt: skip
ITEM_ORDER_SEED = (
    "checked", "country", "days", "extend", "hours", "messages", "number", "reload", "rent", "status", "time", "tzid",
)  # fmt: skip


def _int(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    return int(text) if text is not None and text.isdecimal() else (None if not text else -1)


def _switch(query: Mapping[str, str], name: str, *, default: bool) -> bool:
    return query[name] not in OFF if name in query else default
