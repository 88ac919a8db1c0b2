"""Every sample is asked of the sandbox: the same names, in the same order, with values of the same kind.

Not asked, because no scenario can make them:
- docs_request_*.json, seed_request_vendor_withdraw.json: requests, sent in test_v1_account.py.
- docs_names_2024.lists.json: a list of names, not an answer.
- err_400_select_country.txt, err_400_select_operator.txt: an empty segment fits no route and is redirected (live).
- err_404_not_found.html as an answer to finish, cancel, ban, inbox: the service of 2021. It is the page of `/404.html`.
- err_400_server_offline.txt is made by a scenario; err_500, err_429 (docs' text), err_503 only by a fault.
- openapi_webhook_newSms.json: sent by the provider to its customer's own server.
- olddocs_extendRentState_ok.json: `item` is a placeholder of the page.
- seed_getRentNum_ok.as_printed.txt: not JSON; its mended twin is asked.
- fragments of rent items unwrapped by a client (jsdocs_*): that client's form, not the wire's.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from smsapi_async.sandbox import (
    API_LIMIT,
    INTERNAL_ERROR,
    IP_LIMIT,
    Answer,
    Delivery,
    Hosting,
    Offer,
    Request,
    Sandbox,
    Scenario,
    Tariff,
)  # fmt: skip
from tests.sandbox.asking import Asker, asker

SAMPLES = Path(__file__).parents[1] / "samples"
SMS = Delivery(1, "VK: 09363 - use this code to reclaim your suspended profile.", "09363", "VKcom")
VK = {"offers": [Offer("russia", "vkontakte", "beeline", 21, 134)], "plans": {"vkontakte": [[SMS]]}}


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text(encoding="utf-8"), parse_float=Decimal)


def form(value: Any) -> Any:
    """Return the parts that must agree: names and their order, kinds of values, one entry for each list."""
    if isinstance(value, dict):
        return [(name, form(item)) for name, item in value.items()]
    if isinstance(value, list):
        return [form(value[0])] if value else []
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return type(value)
    return Decimal


def with_sms(act: str, **scenario: Any) -> Any:
    ask = asker(**VK, **scenario)
    order = ask.buy("russia/any/vkontakte")
    ask.later(1)
    return ask.v1_json(f"user/{act}/{order}")


def closed(act: str) -> Any:
    """The printed cancel and ban hold an SMS, which the real ones refuse: it is put there afterwards."""
    ask = asker(**VK, closed_answer="same")
    order = ask.buy("russia/any/vkontakte")
    ask.v1(f"user/{act}/{order}")
    record = ask.world.orders[order]
    other = ask.buy("russia/any/vkontakte")
    ask.later(1)
    record.sms.extend(ask.world.orders[other].sms)
    return ask.v1_json(f"user/{act}/{order}")


def banned_page(country: str = "russia", operator: str = "tele2", product: str = "aliexpress") -> Any:
    ask = asker(offers=[Offer(country, product, operator, 2)], total=3, timestamp_digits=6)
    ask.v1(f"user/ban/{ask.buy(f'{country}/any/{product}')}")
    return ask.v1_json("user/orders?category=activation")


def inbox(sender: str) -> Any:
    ask = asker(plans={"1day": [[Delivery(0, "12345", "", sender)]]}, timestamp_digits=6)
    order = ask.v1_json("user/buy/hosting/any/any/1day")["id"]
    return ask.v1_json(f"user/sms/inbox/{order}")


def hosting_with_sms() -> Any:
    """The printed answer to a purchase holds an SMS already; the sandbox shows it in the history."""
    sms = Delivery(0, "Use 415127 as your login code", "415127", "Facebook")
    ask = asker(plans={"1day": [[sms]]}, timestamp_digits=6, hosting=[Hosting("1day", 1)])
    ask.v1("user/buy/hosting/any/any/1day")
    row = ask.v1_json("user/orders?category=hosting")["Data"][0]
    return row | {"status": "PENDING"}


def afghan(*products: str) -> list[Offer]:
    stock = [("virtual18", 1260), ("virtual23", 935), ("virtual4", 0)]
    return [Offer("afghanistan", each, name, 4, count, "99.99") for each in products for name, count in stock]


def offers(country: str, product: str, cost: int, **stock: int) -> list[Offer]:
    return [Offer(country, product, operator, cost, count, "99.99") for operator, count in stock.items()]


NUMBER_1688 = offers("russia", "1688", 4, beeline=1260, lycamobile=935, matrix=0)
SOLD_OUT = dict.fromkeys(("beeline", "matrix", "megafon", "mts", "rostelecom", "tele2", "virtual15", "yota"), 0)
AFGHAN_OPERATORS = [Offer("afghanistan", "telegram", f"virtual{n}", 4) for n in (18, 21, 23, 4)]
AFGHANISTAN = {"name": "afghanistan", "iso": "af", "prefix": "+93", "text_en": "Afghanistan"}
RUSSIA = {"name": "russia", "iso": "ru", "prefix": "+7", "text_en": "Russia"}
ENGLAND = {"name": "england", "iso": "gb", "prefix": "+44", "text_en": "England"}
COUNTED = [Hosting("1day", 80, 14), Hosting("1day", 80, 14, country="england")]
FACEBOOK = offers("england", "facebook", 4, vodafone=1260, virtual60=935, virtual52=0)


def max_price(name: str, form: str) -> Callable[[], Any]:
    sandbox = Sandbox(
        scenario=Scenario(max_prices={name: 11}, max_prices_form=form),  # type: ignore[arg-type]
        start=datetime(2020, 6, 24, 15, 37, 8, 149895, tzinfo=UTC),
    )
    return lambda: Asker(sandbox).v1_json("user/max-prices")


def payments() -> Any:
    start = datetime(2020, 6, 25, 15, 37, 8, 149895, tzinfo=UTC)
    return Asker(Sandbox(scenario=Scenario(timestamp_digits=6), start=start)).v1_json("user/payments")


def documented() -> Asker:
    """Without the fields that were only seen live."""
    return asker(email="[email\xa0protected]", profile_extras=False)


EXACT: dict[str, Callable[[], Any]] = {
    "v1/seed_user_profile.json": lambda: documented().v1_json("user/profile"),
    "v1/seed_user_vendor.json": lambda: documented().v1_json("user/vendor"),
    "v1/docs_user_profile_england.json": lambda: asker(
        countries=[ENGLAND], forwarding_number="447350690992", offers=[], profile_extras=False
    ).v1_json("user/profile"),
    "v1/seed_guest_countries.json": lambda: asker(
        offers=AFGHAN_OPERATORS, countries=[{**AFGHANISTAN, "text_ru": "Афганистан"}]
    ).v1_json("guest/countries"),
    "v1/docs_guest_countries_no_text_ru.json": lambda: asker(offers=AFGHAN_OPERATORS, countries=[AFGHANISTAN]).v1_json(
        "guest/countries"
    ),
    "v1/seed_guest_products.json": lambda: asker(
        offers=[Offer("russia", "vkontakte", "beeline", 21, 133)], hosting=[Hosting("1day", 80, 14)]
    ).v1_json("guest/products/russia/any"),
    "v1/docs_guest_products_england.json": lambda: asker(
        offers=[Offer("england", "facebook", "vodafone", 21, 133)], hosting=COUNTED
    ).v1_json("guest/products/england/any"),
    "v1/seed_guest_prices_all.json": lambda: asker(offers=NUMBER_1688).v1_json("guest/prices"),
    "v1/seed_guest_prices_country.json": lambda: asker(offers=NUMBER_1688).v1_json("guest/prices?country=russia"),
    "v1/seed_guest_prices_product.json": lambda: asker(offers=afghan("telegram")).v1_json(
        "guest/prices?product=telegram"
    ),
    "v1/docs_guest_prices_product_facebook.json": lambda: asker(offers=afghan("facebook", "telegram")).v1_json(
        "guest/prices?product=facebook"
    ),
    "v1/docs_guest_prices_country_england.json": lambda: asker(offers=FACEBOOK).v1_json("guest/prices?country=england"),
    "v1/seed_guest_prices_country_product.json": lambda: asker(
        offers=[*offers("russia", "telegram", 8, **SOLD_OUT), *NUMBER_1688]
    ).v1_json("guest/prices?country=russia&product=telegram"),
    "v1/seed_guest_flash.json": lambda: asker(flash={"en": "...notification text..."}).v1_json("guest/flash/en"),
    "v1/seed_vendor_wallets.json": lambda: asker().v1_json("vendor/wallets"),
    "v1/seed_vendor_orders.json": lambda: asker(total=3).v1_json("vendor/orders?category=activation"),
    "v1/seed_vendor_payments.json": lambda: asker(total=3).v1_json("vendor/payments"),
    "v1/seed_user_payments.json": payments,
    "v1/docs_max_prices_array.json": max_price("facebook", "list"),
    "v1/docs_max_prices_object.json": max_price("telegram", "object"),
    "v1/docs_vendor_prices.json": lambda: asker(offers=[Offer("england", "facebook", "virtual16", 22, 0)]).v1_json(
        "vendor/prices"
    ),
    "rent/openapi_closeRentNum_ok.json": lambda: (ask := asker()).rent_json(f"rent/closeRentNum.php?tzid={ask.hire()}"),
}


@pytest.mark.parametrize("name", EXACT)
def test_a_sample_is_answered_value_for_value(name: str) -> None:
    """Where a scenario can say what the page says, not a byte of meaning differs."""
    assert EXACT[name]() == sample(name)
    assert form(EXACT[name]()) == form(sample(name))


def rented(act: str, **scenario: Any) -> Any:
    ask = asker(rent_plans={"46": [[Delivery(1, "code 070051", "070051", "Google")]]}, **scenario)
    tzid = ask.hire("country=46&days=1")
    ask.later(1)
    return ask.rent_json(act.format(tzid))


def seed_rent() -> Any:
    tariff = Tariff(7, "Russia", {1: 30, 7: 210, 15: 450, 30: 900}, {1: 9}, 30)
    ask = asker(tariffs=[tariff], rent_item_form="seed")
    tzid = ask.hire()
    ask.later(1)
    item = ask.rent_json(f"rent/getRentState.php?tzid={tzid}")["list"][0]
    return {"response": 1, "item": item | {"number": "9313358547", "tzid": 3715}}


def fresh_rent() -> Any:
    """The page's `data` holds one empty object, its messages do not exist: filler."""
    fresh = asker().rent_json("rent/getRentNum.php?country=46&days=1")
    fresh["item"]["messages"]["data"] = [{}]
    return fresh


FORM: dict[str, Callable[[], Any]] = {
    "v1/seed_buy_activation.json": lambda: asker(**VK).v1_json("user/buy/activation/russia/any/vkontakte"),
    "v1/docs_buy_activation_england.json": lambda: asker().v1_json("user/buy/activation/england/any/facebook"),
    "v1/seed_buy_hosting.json": hosting_with_sms,
    "v1/seed_check_received.json": lambda: with_sms("check"),
    "v1/docs_check_received_england.json": lambda: with_sms("check"),
    "v1/docs_old_check_received_sms_with_id.json": lambda: with_sms("check", sms_ids=True),
    "v1/seed_finish.json": lambda: with_sms("finish"),
    "v1/docs_finish_england.json": lambda: with_sms("finish"),
    "v1/seed_cancel.json": lambda: closed("cancel"),
    "v1/seed_ban.json": lambda: closed("ban"),
    "v1/seed_user_orders.json": banned_page,
    "v1/docs_user_orders_england.json": lambda: banned_page("england", "vodafone", "facebook"),
    "v1/seed_sms_inbox.json": lambda: inbox("+79998887060"),
    "v1/docs_sms_inbox_england.json": lambda: inbox("+447350690992"),
    "v1/seed_sms_structure.fragment.json": lambda: {"sms": with_sms("check")["sms"]},
    "rent/seed_getRentNum_ok.json": seed_rent,
    "rent/openapi_getBalance_ok.json": lambda: asker().rent_json("getBalance.php"),
    "rent/openapi_getRentState_unpaginated_ok.json": lambda: rented("rent/getRentState.php?pagination=false"),
    "rent/openapi_extendRentState_ok.json": lambda: rented("rent/extendRentState.php?tzid={}&days=1"),
    "rent/openapi_getRentNum_ok.json": fresh_rent,
    "rent/openapi_tariffsRent_one_country_ok.json": lambda: asker().rent_json("rent/tariffsRent.php?country=46"),
    "rent/seed_messages_data_list_of_lists.fragment.json": lambda: rented(
        "rent/getRentState.php", rent_message_form="pages"
    )["list"][0]["messages"]["data"],
}

IDENTITY = {"id", "phone", "number", "created_at", "expires", "date", "tzid"}
"""Each purchase has its own."""

DAYS = {"extend", "count"}
"""Maps whose keys are placeholders on the page."""


def unkeyed(value: Any) -> Any:
    """The same without the keys of the maps of days."""
    if isinstance(value, dict):
        maps = DAYS | ({"days"} if isinstance(value.get("days"), dict) else set())
        return {
            name: "map" if name in maps and isinstance(item, dict) else unkeyed(item) for name, item in value.items()
        }
    return [unkeyed(item) for item in value] if isinstance(value, list) else value


def sorted_names(value: Any) -> Any:
    """JSON objects are unordered: a fragment's table of names says nothing about order."""
    return json.loads(json.dumps(value, sort_keys=True, default=float))


@pytest.mark.parametrize("name", FORM)
def test_a_sample_is_answered_name_for_name(name: str) -> None:
    """Values are the purchase's own; names, absences and kinds of values are the page's."""
    asked, printed = unkeyed(FORM[name]()), unkeyed(sample(name))

    if name.endswith("fragment.json"):
        asked, printed = sorted_names(asked), sorted_names(printed)
    assert form(asked) == form(printed)


@pytest.mark.parametrize(
    "name",
    [
        "v1/seed_buy_activation.json",
        "v1/seed_check_received.json",
        "v1/seed_finish.json",
        "v1/seed_cancel.json",
        "v1/seed_ban.json",
    ],
)
def test_what_is_not_the_order_s_own_agrees_too(name: str) -> None:
    """Product, price, status, sender, text, code."""
    asked, printed = FORM[name](), sample(name)

    for each in (asked, printed, *(asked["sms"] or []), *(printed["sms"] or [])):
        for field in IDENTITY & set(each):
            del each[field]
    assert asked == printed


def test_the_seed_s_rent_agrees_in_every_value() -> None:
    """Only its number and its tzid are ours."""
    assert seed_rent() == sample("rent/seed_getRentNum_ok.json")


def refused(path: str, **scenario: Any) -> Callable[[], tuple[int, str]]:
    return lambda: asker(**scenario).v1_text(path)


def of_order(act: str, seconds: float = 0, sms: bool = False) -> Callable[[], tuple[int, str]]:
    def ask_for_it() -> tuple[int, str]:
        ask = asker(plans={"telegram": [[Delivery(0, "x", "1")]] if sms else []})
        order = ask.buy()
        ask.later(seconds)
        return ask.v1_text(f"user/{act}/{order}")

    return ask_for_it


def of_hosting() -> tuple[int, str]:
    ask = asker()
    return ask.v1_text(f"user/ban/{ask.v1_json('user/buy/hosting/any/any/1day')['id']}")


def of_reuse(wait: float = 0, left: int = 9, **scenario: Any) -> Callable[[], tuple[int, str]]:
    def ask_for_it() -> tuple[int, str]:
        offer = Offer("russia", "telegram", "mts", 1, left)
        ask = asker(plans={"telegram": [[Delivery(0, "x", "1")]]}, offers=[offer], **scenario)
        bought = ask.v1_json(f"user/buy/activation/any/any/telegram?reuse={int('reuse_refusal' not in scenario)}")
        ask.later(wait)
        return ask.v1_text(f"user/reuse/telegram/{bought['phone'][1:]}")

    return ask_for_it


def faulty(fault: Answer) -> Callable[[], tuple[int, str]]:
    def ask_for_it() -> tuple[int, str]:
        ask = asker()
        ask.sandbox.fail("user/buy", fault)
        return ask.v1_text("user/buy/activation/any/any/telegram")

    return ask_for_it


def without_key() -> tuple[int, str]:
    ask = asker()
    response = ask.sandbox.handle(Request("GET", "/v1/user/profile"), ask.now)
    return response.status, response.body.decode()


def lost_page() -> tuple[int, str]:
    ask = asker()
    response = ask.sandbox.handle(Request("GET", "/404.html"), ask.now)
    return response.status, response.body.decode()


BUY = "user/buy/activation/russia/any/telegram"
REFUSALS: dict[str, Callable[[], tuple[int, str]]] = {
    "err_200_buy_no_free_phones.txt": refused(BUY, offers=offers("russia", "telegram", 1, mts=0)),
    "err_400_bad_country.txt": refused("user/buy/activation/atlantis/any/telegram"),
    "err_400_bad_operator.txt": refused("user/buy/activation/any/nobody/telegram"),
    "err_400_no_product.txt": refused("user/buy/activation/any/any/nothing"),
    "err_400_server_offline.txt": refused("user/buy/activation/any/mts/telegram", offline=["mts"]),
    "err_400_not_enough_user_balance.txt": refused(BUY, balance=0),
    "err_400_not_enough_rating.txt": refused(BUY, rating=0),
    "err_400_country_is_incorrect.txt": refused("guest/prices?country=atlantis"),
    "err_400_product_is_incorrect.txt": refused("guest/prices?product=nothing"),
    "err_400_order_not_found.txt": refused("user/ban/1"),
    "err_404_check_order_not_found.txt": refused("user/check/1"),
    "err_404_record_not_found.txt": refused("user/sms/inbox/1"),
    "err_400_order_expired.txt": of_order("finish", 900),
    "err_400_order_has_sms.txt": of_order("cancel", sms=True),
    "err_400_order_no_sms.txt": of_order("finish"),
    "err_400_hosting_order.txt": of_hosting,
    "err_400_reuse_not_possible.txt": refused("user/reuse/telegram/79001112233"),
    "err_400_reuse_false.txt": of_reuse(reuse_refusal="reuse false"),
    "err_400_reuse_expired.txt": of_reuse(61, reuse_window=60),
    "err_400_reuse_no_free_phones.txt": of_reuse(left=1),
    "err_400_product_name_is_empty.txt": lambda: asker().v1_text("user/max-prices", "POST", {}),
    "err_401_empty.txt": without_key,
    "err_404_not_found.html": lost_page,
    "err_500_internal_error.txt": faulty(INTERNAL_ERROR),
    "err_429_api_limit.txt": faulty(API_LIMIT),
    "err_503_ip_limit.txt": faulty(IP_LIMIT),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_the_sample_to_the_byte(name: str) -> None:
    """Status, text, and no newline."""
    assert REFUSALS[name]() == (int(name.split("_")[1]), (SAMPLES / "v1" / name).read_text(encoding="utf-8"))


NOT_ASKED = {
    "v1/INDEX.md", "rent/INDEX.md",
    "v1/docs_request_max_prices_delete.json", "v1/docs_request_max_prices_post.json",
    "v1/seed_request_vendor_withdraw.json", "v1/docs_names_2024.lists.json",
    "v1/err_400_select_country.txt", "v1/err_400_select_operator.txt",
    "rent/openapi_webhook_newSms.json", "rent/olddocs_extendRentState_ok.json",
    "rent/seed_getRentNum_ok.as_printed.txt",
    "rent/jsdocs_rent_item_unwrapped.fragment.json", "rent/jsdocs_tariffs_all_unwrapped.fragment.json",
}  # fmt: skip


def test_every_sample_is_asked_or_excused() -> None:
    """A new one must be put somewhere; the reasons stand at the top of this file."""
    found = {
        str(path.relative_to(SAMPLES))
        for path in SAMPLES.glob("*/*")
        if path.suffix in {".json", ".txt", ".html", ".md"}
    }

    assert found - NOT_ASKED == {*EXACT, *FORM, *(f"v1/{name}" for name in REFUSALS)}
