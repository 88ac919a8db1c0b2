"""A purchase whose answer is lost is looked up in the provider's records, and never bought twice."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import partial

import anyio
import attrs
import httpx
import pytest

from smsapi_async import NoNumbersError, NothingBoughtError, NotSentError, OutcomeUnknownError, SpendUnknownError
from smsapi_async.sandbox import (
    BAD_GATEWAY,
    INTERNAL_ERROR,
    INTERNAL_ERROR_AFTER,
    MAINTENANCE,
    Answer,
    Cut,
    Delay,
    Delivery,
    Fault,
    LostAfter,
    LostBefore,
    Mangle,
    Misprint,
    NotConnected,
    Reset,
    Sandbox,
    Scenario,
    Stall,
)
from smsapi_async.testing import open_client
from tests.opening import open_elsewhere
from tests.support.lost_orders import BOOK, BUY, HISTORY, ids
from tests.support.lost_purchases import beside, together


def processed(answer: Answer) -> Answer:
    return attrs.evolve(answer, processed=True)


def cut_short(body: bytes) -> bytes:
    return body[:40]


def emptied(_: bytes) -> bytes:
    return b"{}"


# -- one lost answer --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        LostAfter(), Reset(), Cut(), Cut(at=0), Stall(), Stall(seconds=40), Delay(31),
        INTERNAL_ERROR_AFTER, processed(BAD_GATEWAY), processed(MAINTENANCE), Answer(302, headers=(("location", "/x"),),
        processed=True), Mangle(cut_short), Mangle(emptied), Mangle("bad gzip"), Mangle("charset"),
    ],
    ids=lambda fault: re.sub(r"<function (\w+) at \w+>", r"\1", repr(fault)),
)  # fmt: skip
async def test_a_lost_answer_to_a_purchase_is_found_in_the_history(fault: Fault, sandbox, client):
    """The number is paid for: it is handed over, and no second one is bought."""
    sandbox.fail(BUY, fault)

    order = await client.v1.buy_activation("telegram", country="russia")

    assert sandbox.ledger.purchases == [order.id]
    assert sandbox.count(BUY) == 1
    assert order.phone
    assert client.unsettled == ()


async def test_an_order_found_is_looked_after_like_one_that_was_answered():
    """Its end is known from the history, so a wait for its code is as good as any."""
    sandbox = Sandbox(scenario=Scenario(plans={"telegram": [[Delivery(20, "Telegram code 04217", "04217")]]}))
    async with open_client(sandbox) as client:
        sandbox.lose_next_reply()
        order = await client.v1.buy_activation("telegram")

        assert await client.await_code(order.id) == "04217"

    assert (sandbox.ledger.open, sandbox.count(BUY)) == ([], 1)


@pytest.mark.parametrize(
    "fault",
    [LostBefore(), Reset(processed=False), INTERNAL_ERROR, BAD_GATEWAY, MAINTENANCE, Answer(302, "<a>", "text/html")],
    ids=repr,
)
async def test_a_purchase_that_left_no_trace_was_not_made(fault: Fault, sandbox, client):
    """Three looks in ten seconds and the book agree: the caller may safely buy again."""
    sandbox.fail(BUY, fault)

    with pytest.raises(NothingBoughtError, match=r"^v1\.buy_activation: .* nothing was bought, .* try again") as caught:
        await client.v1.buy_activation("telegram")

    assert isinstance(caught.value.__cause__, OutcomeUnknownError)
    assert (sandbox.count(BUY), sandbox.count(HISTORY), sandbox.count(BOOK)) == (1, 3, 1)
    assert 10 <= anyio.current_time() < 11


async def test_a_purchase_that_never_left_is_sent_again(sandbox, client):
    """Only a connection that was never made proves that nothing was bought."""
    sandbox.fail(BUY, NotConnected(), times=2)

    order = await client.v1.buy_activation("telegram")

    assert sandbox.ledger.purchases == [order.id]
    assert (sandbox.count(BUY), sandbox.count(HISTORY)) == (1, 0)


async def test_without_any_network_nothing_is_looked_up(sandbox, client):
    """There is nothing to look for, and the caller may try again at once."""
    sandbox.fail(BUY, NotConnected(), times=9)

    with pytest.raises(NotSentError):
        await client.v1.buy_activation("telegram")

    assert sandbox.requests == []


async def test_a_refusal_is_no_lost_answer(sandbox, client):
    """`no free phones` comes with status 200, and is an answer."""
    with pytest.raises(NoNumbersError):
        await client.v1.buy_activation("telegram", country="russia", operator="tele2")

    assert sandbox.requests == [f"{BUY}activation/russia/tele2/telegram"]


@pytest.mark.parametrize("lag", [0.5, 3, 8])
async def test_a_history_that_lags_is_looked_at_again(lag: float, sandbox, client):
    """Its lag was never measured; ten seconds are allowed."""
    sandbox.history_lag = timedelta(seconds=lag)
    sandbox.lose_next_reply()

    order = await client.v1.buy_activation("telegram")

    assert sandbox.ledger.purchases == [order.id]
    assert anyio.current_time() < lag + 7


async def test_a_payment_without_an_order_is_money_of_unknown_fate(sandbox, client):
    """The history shows nothing, the book does: to say that nothing was bought would be a lie."""
    sandbox.lose_next_reply()
    sandbox.fail(HISTORY, Answer(200, '{"Data":[],"Total":0}', "application/json"), times=9)

    with pytest.raises(
        SpendUnknownError, match=r"money may be spent, and there are no candidates: read `client\.v1\.orders"
    ) as caught:
        await client.v1.buy_activation("telegram")

    assert caught.value.candidates == ()
    assert isinstance(caught.value.__cause__, OutcomeUnknownError)


async def test_a_payment_for_an_order_that_is_known_explains_nothing_else(sandbox, client):
    """An order bought a moment before stands in the book too, and is not this one."""
    await client.v1.buy_activation("telegram")
    sandbox.fail(BUY, LostBefore())

    with pytest.raises(NothingBoughtError):
        await client.v1.buy_activation("telegram")


async def test_a_book_that_cannot_be_read_denies_nothing(sandbox, client):
    """Nothing bought is said only where it is known."""
    sandbox.fail(BUY, LostBefore())
    sandbox.fail(BOOK, INTERNAL_ERROR, times=9)

    with pytest.raises(SpendUnknownError):
        await client.v1.buy_activation("telegram")


async def test_a_history_that_cannot_be_read_leaves_it_unknown(sandbox, client):
    """An outage that took the answer takes the records as well."""
    sandbox.lose_next_reply()
    sandbox.fail(HISTORY, BAD_GATEWAY, times=99)

    with pytest.raises(SpendUnknownError) as caught:
        await client.v1.buy_activation("telegram")

    assert (sandbox.count(BUY), caught.value.candidates) == (1, ())


async def test_an_early_look_that_shows_nothing_denies_nothing(sandbox):
    """The history lags, and then cannot be read: the first look saw it empty, which says little."""
    sandbox.history_lag = timedelta(seconds=3)
    sandbox.lose_next_reply()
    sandbox.fail(HISTORY, BAD_GATEWAY, times=99, after=1)
    async with open_client(sandbox, max_retries=0) as client:
        with pytest.raises(SpendUnknownError):
            await client.v1.buy_activation("telegram")


async def test_a_history_that_fails_once_is_asked_again(sandbox):
    """One look is missed, the next one finds it."""
    sandbox.lose_next_reply()
    sandbox.fail(HISTORY, BAD_GATEWAY)
    async with open_client(sandbox, max_retries=0) as client:
        order = await client.v1.buy_activation("telegram")

    assert sandbox.ledger.purchases == [order.id]


async def test_a_reversed_history_that_comes_empty_is_read_forward(sandbox, client):
    """One project saw it: no rows, though `Total` says one."""
    sandbox.reverse_is_empty = True
    sandbox.lose_next_reply()

    order = await client.v1.buy_activation("telegram")

    assert sandbox.ledger.purchases == [order.id]


async def test_a_purchase_is_found_behind_a_page_of_others(sandbox, client):
    """A busy account buys more in ten seconds than one page holds."""
    sandbox.page_cap = 2
    sandbox.lose_next_reply()

    lost, *others = await together(*[lambda: client.v1.buy_activation("telegram")] * 7)

    assert sorted([lost.id, *(other.id for other in others)]) == sandbox.ledger.purchases
    assert len({lost.id, *(other.id for other in others)}) == 7


@pytest.mark.parametrize("hours", [-3, 3])
async def test_clocks_apart_by_hours_do_not_matter(hours: int, sandbox, client):
    """Times are compared by the provider's own clock alone."""
    sandbox.clock_skew = timedelta(hours=hours)
    sandbox.lose_next_reply()

    order = await client.v1.buy_activation("telegram")

    assert sandbox.ledger.purchases == [order.id]


async def test_the_country_any_takes_what_came(sandbox, client):
    """The provider chose; any country fits."""
    sandbox.lose_next_reply()

    order = await client.v1.buy_activation("telegram")

    assert (order.country, sandbox.ledger.purchases) == ("russia", [order.id])


async def test_a_lost_hosting_order_is_found_although_its_row_has_no_country(sandbox, client):
    """The most expensive order there is, and the shortest row."""
    sandbox.lose_next_reply()

    order = await client.v1.buy_hosting("1day", country="russia")

    assert sandbox.ledger.purchases == [order.id]
    assert "category=hosting" in sandbox.requests[1]


async def test_a_lost_reuse_is_found_by_its_phone():
    """The first order has the same phone, and is known."""
    sandbox = Sandbox(scenario=Scenario(plans={"telegram": [[Delivery(1, "code 04217", "04217")]]}))
    async with open_client(sandbox) as client:
        first = await client.v1.buy_activation("telegram", country="russia", reuse=True)
        await client.await_code(first.id)
        sandbox.lose_next_reply()

        again = await client.v1.reuse("telegram", first.phone)

    assert (again.phone, sandbox.ledger.purchases) == (first.phone, [first.id, again.id])


# -- what is never claimed --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["created_at", "id"])
async def test_a_row_that_cannot_be_read_is_claimed_by_no_purchase(field, sandbox, client):
    """It may be of an hour ago, or hide the row that is the purchase's own."""
    sandbox.misprints = (Misprint(field, '"?"', where="rows"),)
    sandbox.fail(BUY, LostAfter())

    with pytest.raises(SpendUnknownError):
        await client.v1.buy_activation("telegram", country="russia")


async def test_an_order_of_another_country_forbids_to_deny(sandbox, client):
    """A row may write its country in a way of its own, and the book shows a payment for this product."""
    sandbox.fail(f"{BUY}activation/russia/any/telegram", LostBefore())

    async with open_elsewhere(sandbox) as other:
        await other.v1.buy_activation("telegram", country="england")
        with pytest.raises(SpendUnknownError):
            await client.v1.buy_activation("telegram", country="russia")


@pytest.mark.parametrize(
    "foreign",
    [
        lambda other: other.v1.buy_activation("whatsapp", country="russia"),
        lambda other: other.v1.buy_hosting("1day"),
    ],
    ids=["another product", "another category"],
)
async def test_an_order_that_is_not_what_was_asked_for_is_not_claimed(foreign, sandbox, client):
    """The order belongs to another process."""
    sandbox.fail(f"{BUY}activation/russia/any/telegram", LostBefore())

    async with open_elsewhere(sandbox) as other:
        await foreign(other)
        with pytest.raises(NothingBoughtError):
            await client.v1.buy_activation("telegram", country="russia")


async def test_an_order_from_before_the_request_is_not_claimed(sandbox, client):
    """Six seconds are more than the clocks' grain, once a purchase has measured how far they are apart."""
    await client.v1.buy_activation("facebook")
    async with open_elsewhere(sandbox) as other:
        await other.v1.buy_activation("telegram")
        await anyio.sleep(7)
        sandbox.fail(BUY, LostBefore())

        with pytest.raises(NothingBoughtError):
            await client.v1.buy_activation("telegram")


async def test_an_order_from_after_the_request_is_named_and_not_claimed(sandbox, client):
    """It may be our purchase, carried out late by a provider that was stuck, or the order of another process."""
    sandbox.fail(BUY, LostBefore())

    async with open_elsewhere(sandbox) as other:
        found = await beside(*(partial(each.v1.buy_activation, "telegram") for each in (client, other)), after=7)

    assert isinstance(found, SpendUnknownError)
    assert ids(found) == sandbox.ledger.purchases


async def test_two_candidates_for_one_purchase_are_both_named(sandbox, client):
    """The records do not show which order is ours. The wrong one would be another user's number."""
    sandbox.lose_next_reply()

    async with open_elsewhere(sandbox) as other:
        found = await beside(*(partial(each.v1.buy_activation, "telegram") for each in (client, other)), after=0.5)

    assert isinstance(found, SpendUnknownError)
    assert ids(found) == sandbox.ledger.purchases
    assert sandbox.count(BUY) == 2


async def test_with_a_shared_key_nothing_is_ever_claimed(sandbox):
    """Another process may have bought it in the same second."""
    sandbox.lose_next_reply()
    async with open_client(sandbox, shared_key=True) as client:
        with pytest.raises(SpendUnknownError) as caught:
            await client.v1.buy_activation("telegram")

    assert ids(caught.value) == sandbox.ledger.purchases


@pytest.mark.parametrize("bought", [True, False])
@pytest.mark.parametrize("hours", [-7, 0, 7])
async def test_without_the_provider_s_clock_nothing_is_claimed(hours: int, bought: bool, sandbox):
    """This machine's clock may be wrong by hours: what is there is named; that nothing is there is still seen."""
    sandbox.fail(BUY, LostAfter() if bought else LostBefore())
    sandbox.start = datetime.now(UTC) + timedelta(hours=hours)
    async with open_client(sandbox, transport=Dateless(sandbox)) as client:
        with pytest.raises(SpendUnknownError if bought else NothingBoughtError) as caught:
            await client.v1.buy_activation("telegram")

    assert ids(caught.value) == sandbox.ledger.purchases


class Dateless(httpx.AsyncBaseTransport):
    """A gateway that takes the Date away."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._inner = sandbox.transport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        response.headers.pop("date")
        return response
