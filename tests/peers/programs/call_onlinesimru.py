"""Every public method of onlinesimru 2.1.3. Only its rents and its balance are of the API that the sandbox serves."""

from importlib import import_module
from typing import Any

from tests.peers.programs.calling import Calls


def main() -> None:
    """A rented number gets one SMS at once and another after two seconds, for which `wait_code` waits."""
    calls = Calls()
    client: Any = import_module("onlinesimru.driver").Driver(calls.rent_key, base_url=calls.host)
    rent, user, numbers, proxy, free = (
        calls(f"driver.{name}", getattr(client, name)) for name in ("rent", "user", "numbers", "proxy", "free")
    )
    calls("driver.get_price", client.get_price, "telegram")
    use_rents(calls, rent)
    calls("user.balance", user.balance)
    calls("user.profile", user.profile)
    for name, arguments in NUMBERS.items():
        calls(f"numbers.{name}", getattr(numbers, name), *arguments)
    for name, arguments in PROXY.items():
        calls(f"proxy.{name}", getattr(proxy, name), *arguments)
    for name, arguments in FREE.items():
        calls(f"free.{name}", getattr(free, name), *arguments)
    for part in (rent, user, numbers, proxy, free):
        calls(f"{PARTS[type(part).__name__]}.get_price", part.get_price, "telegram")
    calls.finish(driver=client, rent=rent, user=user, numbers=numbers, proxy=proxy, free=free)


def use_rents(calls: Calls, rent: Any) -> None:
    renewed, rented = (calls("rent.rent_new_number", rent.rent_new_number, 7, 1, each) for each in (True, False))
    calls("rent.wait_code", rent.wait_code, renewed["tzid"], 1, 8)
    calls("rent.extend_number_rental", rent.extend_number_rental, renewed["tzid"], 7)
    tzid = rented["tzid"]
    for name in ("get_number", "get_messages", "get_last_message", "port_reload"):
        calls(f"rent.{name}", getattr(rent, name), tzid)
    calls("rent.get_number_by_phone_number", rent.get_number_by_phone_number, f"7{rented['number']}")
    calls("rent.get_numbers", rent.get_numbers)
    calls("rent.get_tariffs", rent.get_tariffs)
    calls("rent.get_tariff", rent.get_tariff, 7)
    calls("rent.revoke_number", rent.revoke_number, tzid)


PARTS = {
    "RentNumbersService": "rent", "UserService": "user", "NumbersService": "numbers", "ProxyService": "proxy",
    "FreeNumbersService": "free",
}  # fmt: skip
NUMBERS: dict[str, tuple[Any, ...]] = {
    "price": ("telegram",), "get": ("telegram",), "state": (), "stateOne": (1,), "next": (1,), "close": (1,),
    "ban": (1,), "tariffs": (), "tariffsOne": (7,), "service": (), "serviceNumber": ("telegram",),
    "wait_code": (1, 0),
}  # fmt: skip
PROXY: dict[str, tuple[Any, ...]] = {
    "tariffs": (), "get": (), "state": (), "stateOne": (1,), "changeIp": (1,), "changeType": (1,),
    "setComment": (1, "x"),
}  # fmt: skip
FREE: dict[str, tuple[Any, ...]] = {"get_countries": (), "get_numbers": (), "get_messages": (79001112233,)}


if __name__ == "__main__":
    main()
