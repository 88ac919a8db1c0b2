"""The public surface as type checkers see it. This file never runs; `make types` reads it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import assert_type

import httpx
import httpx2

from smsapi_async import Activation, AsyncClient, NoCodeError, Pace, RefusedError, Sms, SpendUnknownError
from smsapi_async.rent import Balance, RentedNumber, Tariff
from smsapi_async.v1 import Country, Inbox, MaxPrice, Offer, Order, Page, Payment, Prices, Product, Profile


async def doors(own: httpx.AsyncClient, other: httpx2.AsyncClient, pace: Pace) -> None:
    def tell(left_open: Order | RentedNumber) -> None: ...

    async with AsyncClient("token", rent_key="key", http_client=own, pace=pace, on_unsettled=tell) as client:
        assert_type(client, AsyncClient)
        assert_type(client.unsettled, tuple[Order | RentedNumber, ...])
    AsyncClient(http_client=other, rent_key_in="query", settle_timeout=10)
    AsyncClient(rent_key_in="cookie")  # type: ignore[arg-type]


async def waits(client: AsyncClient) -> None:
    assert_type(await client.await_code(1), str)
    assert_type(await client.await_code(1, timeout=timedelta(minutes=5), match=lambda sms: sms.sender == "x"), str)
    assert_type(await client.await_sms(1, timeout=5.0, settle=False, extract=lambda text: text[:4]), Sms)
    assert_type(await client.await_rent_code(1), str)
    async for sms in client.messages(1):
        assert_type(sms, Sms)
    async for sms in client.rent_messages(1):
        assert_type(sms, Sms)
    async for order in client.iter_open_orders(max_age=timedelta(hours=1)):
        assert_type(await client.await_code(order), str)
        assert_type(await client.await_sms(order), Sms)
        client.messages(order)
    for number in await client.rent.numbers():
        assert_type(await client.await_rent_code(number), str)
        client.rent_messages(number)
    await client.await_code("1")  # type: ignore[arg-type]


async def scopes(client: AsyncClient, order: Order) -> None:
    async with client.activation("telegram", country="russia", max_price="0.5") as bought:
        assert_type(bought, Activation)
        assert_type(bought.id, int)
        assert_type(bought.phone, str)
        assert_type(bought.order, Order)
        assert_type(bought.price, Decimal | None)
        assert_type(await bought.code(), str)
        assert_type(await bought.sms(), Sms)
        assert_type(await bought.ban(), Order)
    client.resume(order)
    client.resume(1)
    client.resume("1")  # type: ignore[arg-type]


async def v1(client: AsyncClient) -> None:
    assert_type(await client.v1.profile(), Profile)
    assert_type(await client.v1.orders("activation", limit=10), Page[Order])
    assert_type(await client.v1.payments(), Page[Payment])
    assert_type(await client.v1.products(), Mapping[str, Product])
    assert_type(await client.v1.countries(), Mapping[str, Country])
    assert_type(await client.v1.inbox(1), Inbox)
    assert_type(await client.v1.max_prices(), tuple[MaxPrice, ...])
    assert_type(await client.v1.wallets(), Mapping[str, Decimal])
    assert_type(await client.v1.buy_activation("telegram", max_price=Decimal(1)), Order)
    assert_type(await client.v1.buy_hosting("1day"), Order)
    assert_type(await client.v1.reuse("telegram", "+79000000000"), Order)
    assert_type(await client.v1.check(1), Order)
    order = await client.v1.check(1)
    assert_type(await client.v1.finish(order), Order)
    assert_type(await client.v1.cancel(order), Order)
    assert_type(await client.v1.ban(order), Order)
    assert_type(await client.v1.inbox(order), Inbox)
    async for order in client.v1.iter_orders("hosting"):
        assert_type(order, Order)
    await client.v1.orders("rented")  # type: ignore[arg-type]
    await client.v1.buy_activation(7)  # type: ignore[arg-type]


async def prices(client: AsyncClient) -> None:
    table = await client.v1.prices(country="england")
    assert_type(table, Prices)
    assert_type(table["england"]["telegram"]["virtual53"], Offer)
    for offer in table:
        assert_type(offer.cost, Decimal | None)


async def rent(client: AsyncClient) -> None:
    assert_type(await client.rent.tariffs(), tuple[Tariff, ...])
    assert_type(await client.rent.buy_number(7, 1, extension=True), RentedNumber)
    assert_type(await client.rent.numbers(), tuple[RentedNumber, ...])
    assert_type(await client.rent.extend(1, 7), RentedNumber)
    number = await client.rent.number(1)
    assert_type(await client.rent.extend(number, 7), RentedNumber)
    await client.rent.reload_port(number)
    await client.rent.close(number)
    assert_type(await client.rent.balance(), Balance)
    await client.rent.buy_number("russia", 1)  # type: ignore[arg-type]


def values(order: Order, sms: Sms, number: RentedNumber) -> None:
    assert_type(order.code, str | None)
    assert_type(order.sms, tuple[Sms, ...])
    assert_type(order.expires_at, datetime | None)
    assert_type(sms.received_at, datetime | None)
    assert_type(number.extensions, Mapping[int, Decimal])
    order.id = 2  # type: ignore[misc]


def errors(unknown: SpendUnknownError, ended: NoCodeError, refused: RefusedError) -> None:
    assert_type(unknown.candidates, tuple[Order | RentedNumber, ...])
    assert_type([candidate.id for candidate in unknown.orders], list[int])
    assert_type([candidate.tzid for candidate in unknown.numbers], list[int])
    assert_type(ended.order, Order | None)
    assert_type(ended.sms, tuple[Sms, ...])
    assert_type(refused.reason, str)
