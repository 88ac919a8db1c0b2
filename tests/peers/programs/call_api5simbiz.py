"""Every public method of api5simbiz 1.0.0."""

import json
from importlib import import_module
from typing import Any

from tests.peers.programs.calling import Calls


def main() -> None:
    """It gives the text of each answer and reads none, but the profile."""
    calls = Calls()
    client: Any = import_module("api5simbiz").fivesim(calls.token)
    client.base_url = f"{calls.v1_url}/"

    def call(name: str, *arguments: Any, **options: Any) -> Any:
        return calls(f"client.{name}", getattr(client, name), *arguments, **options)

    coded = json.loads(call("get_number", "russia", "any", "telegram", reuse=1))
    silent, other = (json.loads(call("get_number", "russia", "any", "google")) for _ in range(2))
    hosting = json.loads(call("rent_phone", "russia", "any", "1day"))
    for name, order in (
        ("get_sms", coded), ("complete_order", coded), ("cancel_order", silent), ("ban_phone", other),
        ("get_sms_for_rent_number", hosting),
    ):  # fmt: skip
        call(name, order["id"])
    call("rebuy_phone", coded["phone"].removeprefix("+"), "telegram")
    call("order_history", "activation", limit=5, order="id", reverse=True)
    call("payment_history", limit=5)
    call("payment_history", limit=5, order="id", reverse=True)
    call("set_limit", "telegram", 30)
    call("delete_limit", "telegram")
    for name in ("get_profile", "max_prices", "request_for_prices", "get_countries", "available_currency_reserves"):
        call(name)
    call("product_request", "russia", "any")
    call("prices_by_country", "russia")
    call("product_prices", "telegram")
    call("prices_by_country_and_product", "russia", "telegram")
    call("get_notifications", "en")
    call("supplier_order_history", "activation")
    call("supplier_payment_history")
    call("create_payment", "4100", "visa", "1", "unitpay")
    calls.finish(client=client)


if __name__ == "__main__":
    main()
