"""Every public method of PanjSim 1.0.4."""

from importlib import import_module
from typing import Any

from tests.peers.programs.calling import Calls


def main() -> None:
    """Its vendor part has no door of its own and is made by hand, as its authors' page does not show either."""
    calls = Calls()
    import_module("PanjSim.http_client").HttpClient._HttpClient__BASE_URL = calls.host
    client: Any = import_module("PanjSim.client").PanjSim(calls.token)
    vendor: Any = import_module("PanjSim.vendor.vendor").Vendor(client.session)
    user, products, purchase = (
        calls(f"client.{name}", getattr(client, name)) for name in ("User", "Products", "Purchase")
    )
    calls("client.get_countries_list", client.get_countries_list)
    calls("client.get_notification", client.get_notification, "en")
    calls("client.find_low_price", client.find_low_price, "telegram")
    calls("client.find_low_price", client.find_low_price, "telegram", limit=1)
    calls("products.get_products", products.get_products, "russia", "any")
    for place in ({}, {"country": "russia"}, {"product": "telegram"}, {"country": "russia", "product": "telegram"}):
        calls("products.get_prices", products.get_prices, **place)
    use_orders(calls, purchase)
    calls("user.get_balance", user.get_balance)
    calls("user.get_orders_history", user.get_orders_history, limit=5, order="id", reverse=True)
    calls("user.get_payments_history", user.get_payments_history, limit=5, order="id", reverse="true")
    for name in ("get_vendor", "wallets_reserve", "orders_history", "payments_history"):
        calls(f"vendor.{name}", getattr(vendor, name))
    calls("vendor.withdraw", vendor.withdraw, "4100", "visa", "1")
    calls.finish(client=client, user=user, products=products, purchase=purchase, vendor=vendor)


def use_orders(calls: Calls, purchase: Any) -> None:
    buy = purchase.buy_activation_number
    coded = calls("purchase.buy_activation_number", buy, "russia", "any", "telegram", reuse=1)
    silent, other = (calls("purchase.buy_activation_number", buy, "russia", "any", "google") for _ in range(2))
    hosting = calls("purchase.buy_hosting_number", purchase.buy_hosting_number, "russia", "any", "1day")
    for name, order in (
        ("check_order", coded), ("finish_order", coded), ("cancel_order", silent), ("ban_order", other),
        ("get_sms_inbox", hosting),
    ):  # fmt: skip
        calls(f"purchase.{name}", getattr(purchase, name), order["id"])
    calls("purchase.rebuy_number", purchase.rebuy_number, "telegram", coded["phone"].removeprefix("+"))


if __name__ == "__main__":
    main()
