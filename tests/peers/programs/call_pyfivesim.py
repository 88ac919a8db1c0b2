"""Every public method of PyFiveSim 1.0.4; the sixth argument names its synchronous or its asynchronous client."""

import sys
from importlib import import_module
from typing import Any

from tests.peers.programs.calling import Calls


def main() -> None:
    """The profile is read after a purchase: it requires a last order."""
    calls = Calls()
    client: Any = getattr(import_module("pyfivesim"), sys.argv[5])(calls.token, calls.v1_url)
    use_orders(calls, client)
    for name, path in (("get_user_profile", ()), ("get_vendor_profile", ()), ("get_vendor_wallets", ())):
        calls(f"client.{name}", getattr(client, name), *path)
    for name in ("get_user_orders", "get_vendor_orders"):
        for category in ("activation", "hosting"):
            calls(f"client.{name}", getattr(client, name), category, 5, None, "id", True)
    for name in ("get_user_payments", "get_vendor_payments"):
        calls(f"client.{name}", getattr(client, name), 5, None, "id", True)
    calls("client.get_countries_list", client.get_countries_list)
    calls("client.get_available_products", client.get_available_products, "russia", "any")
    for place in ({}, {"country": "russia"}, {"product": "telegram"}, {"country": "russia", "product": "telegram"}):
        calls("client.get_prices", client.get_prices, **place)
    limit = client.action_with_user_price_limits
    calls("client.action_with_user_price_limits", limit, "create", "telegram", 30.0)
    calls("client.get_user_price_limits", client.get_user_price_limits)
    calls("client.action_with_user_price_limits", limit, "delete", "telegram")
    calls("client.request", client.request, "GET", f"{calls.v1_url}/guest/countries")
    calls("client.get_session", client.get_session)
    calls("client.create_vendor_withdraw", client.create_vendor_withdraw, "4100", "visa", 1.0, "unitpay")
    calls.finish(client=client)


def use_orders(calls: Calls, client: Any) -> None:
    coded = calls("client.buy_number", client.buy_number, "telegram", "russia", reuse=True, max_price=1.0)
    calls("client.buy_number", client.buy_number, "telegram", forwarding_number="79001112233", voice=True)
    silent, other = (calls("client.buy_number", client.buy_number, "google", "russia") for _ in range(2))
    calls("client.get_order_info", client.get_order_info, coded.id)
    for action, order in (("finish", coded), ("cancel", silent), ("ban", other)):
        calls("client.action_with_order", client.action_with_order, action, order.id)
    calls("client.reuse_number", client.reuse_number, "telegram", coded.phone.removeprefix("+"))
    calls("client.rent_number", client.rent_number, "1day")
    calls("client.get_rental_info", client.get_rental_info, coded.id)


if __name__ == "__main__":
    main()
