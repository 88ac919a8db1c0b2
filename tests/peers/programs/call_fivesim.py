"""Every public method of fivesim 1.2.0."""

from importlib import import_module
from typing import Any

from tests.peers.programs.calling import Calls


def main() -> None:
    """Two orders get no SMS, so that one can be cancelled and one banned."""
    calls, fivesim = Calls(), import_module("fivesim")
    client: Any = fivesim.FiveSim(calls.token)
    for name in ("user", "guest", "vendor"):
        getattr(client, name)._APIRequest__endpoint = f"{calls.v1_url}/{name}/"
    russia, any_operator = fivesim.Country.RUSSIA, fivesim.Operator.ANY_OPERATOR
    telegram, google = fivesim.ActivationProduct.TELEGRAM, fivesim.ActivationProduct.GOOGLE
    read_user(calls, fivesim, client.user)
    use_orders(calls, fivesim, client.user)
    guest, vendor = client.guest, client.vendor
    calls("guest.get_products", guest.get_products, russia, any_operator)
    for place in ((), (russia,), (None, telegram), (russia, google)):
        calls("guest.get_prices", guest.get_prices, *place)
    calls("guest.get_notification", guest.get_notification, fivesim.Language.ENGLISH)
    calls("guest.get_countries", guest.get_countries)
    calls("vendor.get_wallets_reserve", vendor.get_wallets_reserve)
    calls("vendor.get_orders_history", vendor.get_orders_history, fivesim.Category.HOSTING, 5, 0, "id", True)
    calls("vendor.get_payments_history", vendor.get_payments_history)
    method, fee = fivesim.VendorPaymentMethod.VISA, fivesim.VendorPaymentSystem.UNITPAY
    calls("vendor.create_payout", vendor.create_payout, "4100", method, 1, fee)
    calls.finish(user=client.user, guest=guest, vendor=vendor)


def use_orders(calls: Calls, fivesim: Any, user: Any) -> None:
    place = (fivesim.Country.RUSSIA, fivesim.Operator.ANY_OPERATOR)
    products = fivesim.ActivationProduct
    coded = calls("user.buy_number", user.buy_number, *place, products.TELEGRAM, reuse=True)
    calls("user.buy_number", user.buy_number, *place, products.TELEGRAM, forwarding_number="79001112233")
    silent, other = (calls("user.buy_number", user.buy_number, *place, products.GOOGLE) for _ in range(2))
    hosting = calls("user.buy_number", user.buy_number, *place, fivesim.HostingProduct.ONE_DAY)
    for action, order in (("CHECK", coded), ("FINISH", coded), ("CANCEL", silent), ("BAN", other)):
        calls("user.order", user.order, fivesim.OrderAction[action], order)
    calls("user.reuse_number", user.reuse_number, products.TELEGRAM, coded.phone.removeprefix("+"))
    calls("user.get_sms_inbox_list", user.get_sms_inbox_list, hosting)
    for kind in fivesim.Category:
        calls("user.get_orders_history", user.get_orders_history, kind, 5, 0, "id", True)


def read_user(calls: Calls, fivesim: Any, user: Any) -> None:
    calls("user.get_profile_data", user.get_profile_data)
    calls("user.get_profile_data", user.get_profile_data, vendor=True)
    calls("user.get_payments_history", user.get_payments_history, 5, 0, "id", True)


if __name__ == "__main__":
    main()
