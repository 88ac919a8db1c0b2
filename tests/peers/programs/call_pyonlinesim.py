"""Every public method of pyonlinesim 1.1.3. Only its rents and its balance are of the API that the sandbox serves."""

from importlib import import_module
from typing import Any

from tests.peers.programs.calling import Calls


def main() -> None:
    """It asks for a rented number by a name of its own, so it is shown the only one there is."""
    calls, pyonlinesim = Calls(), import_module("pyonlinesim")
    pyonlinesim.OnlineRent.BASE_URL = f"{calls.rent_url}/rent/"
    pyonlinesim.OnlineSMS.BASE_URL = f"{calls.rent_url}/"
    rent: Any = pyonlinesim.OnlineRent(calls.rent_key)
    sms: Any = pyonlinesim.OnlineSMS(calls.rent_key)
    calls("rent.get_tariffs", rent.get_tariffs)
    calls("rent.rent_number", rent.rent_number, 7, 1, auto_renewal=True, pagination=True)
    calls("rent.get_rent_info", rent.get_rent_info, 1, pagination=True)
    calls("rent.extend_rent", rent.extend_rent, 1, 7)
    calls("rent.finish_rent", rent.finish_rent, 1)
    calls("rent.get_balance", rent.get_balance)
    calls("sms.get_balance", sms.get_balance)
    calls("sms.get_services", sms.get_services)
    calls("sms.order_number", sms.order_number, "telegram")
    for name in ("get_order_info", "finish_order", "revise_order"):
        calls(f"sms.{name}", getattr(sms, name), 1)
    calls.finish(rent=rent, sms=sms)


if __name__ == "__main__":
    main()
