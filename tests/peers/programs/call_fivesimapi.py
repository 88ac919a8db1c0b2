"""Every public method of fivesimapi 0.2. It sends its key bare, so it is handed one that begins with `Bearer`."""

from importlib import import_module
from typing import Any

from tests.peers.programs.calling import Calls


def main() -> None:
    """It gives what JSON holds."""
    calls = Calls()
    client: Any = import_module("FiveSimApi.fivesim").FiveSim(f"Bearer {calls.token}")
    client.api_url = calls.v1_url

    def call(name: str, *arguments: Any) -> Any:
        return calls(f"client.{name}", getattr(client, name), *arguments)

    place = ("russia", "any")
    coded = call("buy_activation_number", *place, "telegram?reuse=1")
    silent, other = (call("buy_activation_number", *place, "google") for _ in range(2))
    hosting = call("buy_hosting_number", *place, "1day")
    for name, order in (("check_order", coded), ("get_sms", coded), ("finish_order", coded)):
        call(name, order["id"])
    for name, order in (("cancel_order", silent), ("ban_order", other), ("sms_inbox_list", hosting)):
        call(name, order["id"])
    call("re_buy_number", "telegram", coded["phone"].removeprefix("+"))
    for name in ("get_profile", "payment_history", "get_prices", "countries_list", "vendor_stats", "wallets_reserve"):
        call(name)
    for name in ("order_history", "vendor_orders_history"):
        call(name, "activation")
    call("vendor_payments_history")
    call("product_details", *place)
    call("get_prices_by_country", "russia")
    call("get_prices_by_product", "telegram")
    call("get_prices_by_country_and_product", "russia", "telegram")
    call("get_notifications", "en")
    call("create_payouts", "4100", "visa", "1", "unitpay")
    call("crypto_rates")
    call("get_deposit_address", "1", "usdt", "trc20")
    call("fetch", "GET", "/guest/countries")
    calls.finish(client=client)


if __name__ == "__main__":
    main()
