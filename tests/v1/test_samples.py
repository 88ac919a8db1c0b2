"""Every sample of the v1 documentation, read by the call it answers: the whole value that must come of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest

from smsapi_async import RefusedError, Sms
from smsapi_async.v1 import Country, Inbox, MaxPrice, Offer, Order, Page, Payment, Prices, Product, Profile
from tests.answers import answering, parsed, sample, sample_names
from tests.v1.literals import REFUSALS, UNKNOWNS
from tests.v1.operations import CALLS

CREATED = datetime(2018, 10, 13, 8, 13, 38, 809469, tzinfo=UTC)
VK = Sms(
    sender="VKcom",
    text="VK: 09363 - use this code to reclaim your suspended profile.",
    code="09363",
    received_at=datetime(2018, 10, 13, 8, 19, 38, tzinfo=UTC),
    created_at=CREATED + timedelta(minutes=7),
)
CHECKED = Order(
    id=11631253,
    phone="+79000381454",
    product="vkontakte",
    country="russia",
    price=Decimal(21),
    status="RECEIVED",
    expires_at=CREATED + timedelta(minutes=15),
    created_at=CREATED,
    sms=(VK,),
    forwarding=False,
)
ENGLISH = attrs.evolve(
    CHECKED,
    phone="+447350690992",
    product="facebook",
    country="england",
    sms=(
        attrs.evolve(VK, sender="Facebook", text="Facebook: 09363 - use this code to reclaim your suspended profile."),
    ),
)
PROFILE = Profile(
    id=1,
    email="[email\N{NO-BREAK SPACE}protected]",
    vendor="demo",
    balance=Decimal(100),
    frozen_balance=Decimal(0),
    rating=Decimal(96),
    default_country="russia",
    default_forwarding_number="+78009005040",
)
LISTED = Order(
    id=53533933,
    phone="+79085895281",
    product="aliexpress",
    operator="tele2",
    country="russia",
    price=Decimal(2),
    status="BANNED",
    created_at=datetime(2020, 6, 28, 16, 17, 43, 307041, tzinfo=UTC),
    expires_at=datetime(2020, 6, 28, 16, 32, 43, 307041, tzinfo=UTC),
)
INBOX_SMS = Sms(
    id=844928,
    sender="+79998887060",
    text="12345",
    received_at=datetime(2017, 9, 5, 15, 48, 27, tzinfo=UTC),
    created_at=datetime(2017, 9, 5, 15, 48, 33, 763297, tzinfo=UTC),
)
LOGIN = Sms(
    id=3027531,
    sender="Facebook",
    text="Use 415127 as your login code",
    code="415127",
    received_at=datetime(1970, 12, 1, 17, 23, 15, tzinfo=UTC),
    created_at=datetime(1970, 12, 1, 17, 23, 25, 106597, tzinfo=UTC),
)
AFGHANISTAN = Country(
    name="afghanistan",
    iso=("af",),
    prefixes=("+93",),
    text_en="Afghanistan",
    text_ru="Афганистан",
    operators=dict.fromkeys(("virtual18", "virtual21", "virtual23", "virtual4"), ("activation",)),
)
MAX_PRICE = MaxPrice(
    id=14,
    product="facebook",
    price=Decimal(11),
    created_at=datetime(2020, 6, 24, 15, 37, 8, 149895, tzinfo=UTC),
)


def offers(country: str, product: str, cost: int, **counts: int) -> list[Offer]:
    return [
        Offer(
            country=country,
            product=product,
            operator=operator,
            cost=Decimal(cost),
            count=count,
            rate=Decimal("99.99"),
        )
        for operator, count in counts.items()
    ]


RUSSIA_1688 = offers("russia", "1688", 4, beeline=1260, lycamobile=935, matrix=0)
EVERYWHERE = ("beeline", "matrix", "megafon", "mts", "rostelecom", "tele2", "virtual15", "yota")

READ: dict[str, tuple[str, Any]] = {
    "seed_user_profile.json": ("profile", PROFILE),
    "docs_user_profile_england.json": (
        "profile",
        attrs.evolve(
            PROFILE,
            email="user@example.com",
            default_country="england",
            default_forwarding_number="+447350690992",
        ),
    ),
    "seed_user_vendor.json": ("vendor", PROFILE),
    "seed_user_orders.json": ("orders", Page(items=(LISTED,), total=3)),
    "docs_user_orders_england.json": (
        "orders",
        Page(
            items=(
                attrs.evolve(LISTED, phone="+447350690992", product="facebook", operator="vodafone", country="england"),
            ),
            total=3,
        ),
    ),
    "seed_vendor_orders.json": ("vendor_orders", Page(total=3)),
    "seed_user_payments.json": (
        "payments",
        Page(
            items=(
                Payment(
                    id=30011934,
                    type="charge",
                    provider="admin",
                    amount=Decimal(100),
                    balance=Decimal(100),
                    created_at=datetime(2020, 6, 24, 15, 37, 8, 149895, tzinfo=UTC),
                ),
            ),
            total=1,
            payment_types=("charge",),
            payment_providers=("admin",),
        ),
    ),
    "seed_vendor_payments.json": ("vendor_payments", Page(total=3)),
    "seed_guest_products.json": (
        "products",
        {
            "1day": Product(category="hosting", quantity=14, price=Decimal(80)),
            "vkontakte": Product(category="activation", quantity=133, price=Decimal(21)),
        },
    ),
    "docs_guest_products_england.json": (
        "products",
        {
            "1day": Product(category="hosting", quantity=14, price=Decimal(80)),
            "facebook": Product(category="activation", quantity=133, price=Decimal(21)),
        },
    ),
    "seed_guest_prices_all.json": ("all prices", RUSSIA_1688),
    "seed_guest_prices_country.json": ("prices of a country", RUSSIA_1688),
    "docs_guest_prices_country_england.json": (
        "prices of a country",
        offers("england", "facebook", 4, vodafone=1260, virtual60=935, virtual52=0),
    ),
    "seed_guest_prices_product.json": (
        "prices of telegram",
        offers("afghanistan", "telegram", 4, virtual18=1260, virtual23=935, virtual4=0),
    ),
    "docs_guest_prices_product_facebook.json": (
        "prices of facebook",
        offers("afghanistan", "facebook", 4, virtual18=1260, virtual23=935, virtual4=0),
    ),
    "seed_guest_prices_country_product.json": (
        "prices",
        offers("russia", "telegram", 8, **dict.fromkeys(EVERYWHERE, 0)),
    ),
    "seed_guest_countries.json": ("countries", {"afghanistan": AFGHANISTAN}),
    "docs_guest_countries_no_text_ru.json": (
        "countries",
        {"afghanistan": attrs.evolve(AFGHANISTAN, text_ru=None)},
    ),
    "seed_guest_flash.json": ("notification", "...notification text..."),
    "seed_buy_activation.json": (
        "buy_activation",
        attrs.evolve(CHECKED, operator="beeline", status="PENDING", sms=()),
    ),
    "docs_buy_activation_england.json": (
        "buy_activation",
        attrs.evolve(ENGLISH, operator="vodafone", status="PENDING", sms=()),
    ),
    "seed_buy_hosting.json": (
        "buy_hosting",
        Order(
            id=1,
            phone="+79008001122",
            product="1day",
            price=Decimal(1),
            status="PENDING",
            expires_at=datetime(1970, 12, 1, 3, tzinfo=UTC),
            created_at=datetime(1970, 12, 1, tzinfo=UTC),
            sms=(LOGIN,),
        ),
    ),
    "seed_check_received.json": ("check", CHECKED),
    "docs_check_received_england.json": ("check", ENGLISH),
    "docs_old_check_received_sms_with_id.json": (
        "check",
        attrs.evolve(CHECKED, sms=(attrs.evolve(VK, id=3027531),)),
    ),
    "seed_finish.json": ("finish", attrs.evolve(CHECKED, status="FINISHED")),
    "docs_finish_england.json": ("finish", attrs.evolve(ENGLISH, status="FINISHED")),
    "seed_cancel.json": ("cancel", attrs.evolve(CHECKED, status="CANCELED")),
    "seed_ban.json": ("ban", attrs.evolve(CHECKED, status="BANNED")),
    "seed_sms_inbox.json": ("inbox", Inbox(sms=(INBOX_SMS,), total=1)),
    "docs_sms_inbox_england.json": (
        "inbox",
        Inbox(sms=(attrs.evolve(INBOX_SMS, sender="+447350690992"),), total=1),
    ),
    "docs_max_prices_array.json": ("max_prices", (MAX_PRICE,)),
    "docs_max_prices_object.json": ("max_prices", (attrs.evolve(MAX_PRICE, product="telegram"),)),
    "seed_vendor_wallets.json": (
        "wallets",
        {"fkwallet": Decimal("43339.55"), "payeer": Decimal("2117.32"), "unitpay": Decimal("97.6")},
    ),
}
"""File -> the call it answers, and what that call must give."""

MORE_CALLS = {
    "all prices": lambda client: client.v1.prices(),
    "prices of a country": lambda client: client.v1.prices(country="russia"),
    "prices of telegram": lambda client: client.v1.prices(product="telegram"),
    "prices of facebook": lambda client: client.v1.prices(product="facebook"),
}

REFUSED = {
    "err_200_buy_no_free_phones.txt": "buy_activation",
    "err_400_reuse_no_free_phones.txt": "reuse",
    "err_400_not_enough_user_balance.txt": "buy_activation",
    "err_400_not_enough_rating.txt": "buy_activation",
    "err_400_select_country.txt": "buy_activation",
    "err_400_select_operator.txt": "buy_activation",
    "err_400_bad_country.txt": "products",
    "err_400_bad_operator.txt": "buy_activation",
    "err_400_no_product.txt": "buy_activation",
    "err_400_server_offline.txt": "reuse",
    "err_400_reuse_not_possible.txt": "reuse",
    "err_400_reuse_false.txt": "reuse",
    "err_400_reuse_expired.txt": "reuse",
    "err_400_country_is_incorrect.txt": "prices",
    "err_400_product_is_incorrect.txt": "prices",
    "err_404_check_order_not_found.txt": "check",
    "err_400_order_not_found.txt": "cancel",
    "err_400_order_expired.txt": "finish",
    "err_400_order_has_sms.txt": "cancel",
    "err_400_order_no_sms.txt": "finish",
    "err_400_hosting_order.txt": "ban",
    "err_404_record_not_found.txt": "inbox",
    "err_400_product_name_is_empty.txt": "set_max_price",
    "err_404_not_found.html": "cancel",
    "err_429_api_limit.txt": "profile",
    "err_503_ip_limit.txt": "profile",
    "err_401_empty.txt": "profile",
}
"""File -> a call it refuses. Its error is the one of the table of literals."""

APART = {
    "err_500_internal_error.txt": "no refusal: a purchase may have been made; its row is in literals.UNKNOWNS",
    "seed_sms_structure.fragment.json": "the `sms` of an order, read below",
    "docs_request_max_prices_post.json": "a request, compared in test_operations.py with what set_max_price sends",
    "docs_request_max_prices_delete.json": "a request, compared there with what delete_max_price sends",
    "seed_request_vendor_withdraw.json": "a request, compared there with what withdraw sends",
    "docs_names_2024.lists.json": "no response: names, each accepted there as an argument",
    "docs_vendor_prices.json": "the answer of vendor/prices, which no method asks: it is in no edition before 2026",
}


@pytest.mark.parametrize("name", READ)
async def test_a_sample_is_read_whole(name: str):
    """Not that it raises nothing: each field, the missing ones too."""
    call, expected = READ[name]
    async with answering(sample(f"v1/{name}")) as (client, _):
        found = await {**CALLS, **MORE_CALLS}[call](client)

    assert (list(found) if isinstance(found, Prices) else found) == expected


async def test_the_structure_of_sms_is_read_inside_an_order():
    """The page's own description of a message has no `id`."""
    body = {"id": 1, **parsed("v1/seed_sms_structure.fragment.json")}
    async with answering(json.dumps(body)) as (client, _):
        order = await client.v1.check(1)

    assert order.sms == (attrs.evolve(LOGIN, id=None),)


@pytest.mark.parametrize("name", REFUSED)
async def test_a_refusal_sample_is_the_error_of_its_literal(name: str):
    """The file name holds the status; bodies carry no newline."""
    status, call, body = int(name.split("_")[1]), REFUSED[name], sample(f"v1/{name}")
    (literal,) = (row for row in REFUSALS if (row.status, row.body) == (status, body) and call in row.calls)
    async with answering(body, status) as (client, _):
        with pytest.raises(RefusedError) as caught:
            await CALLS[call](client)

    assert type(caught.value) is literal.error
    assert caught.value.status == status


def test_the_internal_error_is_an_unknown_outcome():
    """The one printed error after which money may be gone."""
    assert any(row.body == sample("v1/err_500_internal_error.txt") and row.spends for row in UNKNOWNS)


def test_every_sample_has_its_row():
    """A new one must be put into a table, or excused by name."""
    assert {f"v1/{name}" for name in (*READ, *REFUSED, *APART)} == sample_names("v1")
