"""Behaviour that no source rules out: clocks that differ, lists that lag, acts not done, unreadable fields."""

from __future__ import annotations

import json
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import anyio
import httpx
import pytest

from smsapi_async.sandbox import (
    GATEWAY_BUSY,
    NO_SUCH_PAGE,
    TO_NO_SUCH_PAGE,
    Answer,
    Delivery,
    DoneUnseen,
    Mangle,
    Misprint,
    NotDone,
    Sandbox,
    ignore_acts,
)
from tests.sandbox.asking import Asker, asker

CODED = (Delivery(3, "Your code: 04217", "04217"),)


def row(ask: Asker) -> Any:
    """The newest row of the list of activations."""
    return ask.v1_json("user/orders?category=activation&order=id&reverse=true")["Data"][0]


def only_rent(ask: Asker) -> Any:
    """The one rented number, as the list of all shows it."""
    return ask.rent_json("rent/getRentState.php?pagination=false")["list"][0]


# -- the Date header ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [-5, 5])
def test_a_date_is_ahead_or_behind_while_the_records_are_right(minutes: int) -> None:
    """A front server and a database have two clocks; a client must not take them for one."""
    ask = asker()
    ask.sandbox.date_skew = timedelta(minutes=minutes)

    answer = ask.v1("user/buy/activation/russia/any/telegram")

    assert parsedate_to_datetime(answer.headers["date"]) == ask.now + timedelta(minutes=minutes)
    assert json.loads(answer.body)["created_at"].startswith(f"{ask.now:%Y-%m-%dT%H:%M:%S}")


def test_a_date_drifts() -> None:
    """It was right when the world began, and is a minute ahead a thousand seconds later."""
    ask = asker()
    ask.sandbox.date_rate = 1.06

    ask.later(1000)

    assert parsedate_to_datetime(ask.v1("user/profile").headers["date"]) == ask.now + timedelta(seconds=60)


@pytest.mark.parametrize("text", ["", "Thu, 01 Jan 99999999999 12:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_date_says_what_it_is_told(text: str) -> None:
    """A proxy on the way may write anything."""
    ask = asker()
    ask.sandbox.date_text = text

    assert ask.v1("user/profile").headers["date"] == text


def test_a_date_may_be_missing() -> None:
    """HTTP lets a server without a clock leave it out."""
    ask = asker()
    ask.sandbox.no_date = True

    answer = ask.v1("user/profile")

    assert "date" not in answer.headers
    assert answer.headers["content-length"] == str(len(answer.body))


# -- the lists ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("form", "shown"), [("[]", [[]]), ("null", [None]), ("absent", []), (True, [])])
def test_a_row_says_nothing_of_messages(form: Any, shown: list[Any]) -> None:
    """An empty list in a row is no proof that no message came."""
    ask = asker(plans={"telegram": [CODED]})
    ask.sandbox.listing_without_sms = form
    order_id = ask.buy()
    ask.later(5)

    listed = row(ask)

    assert [listed[name] for name in listed if name == "sms"] == shown
    assert ask.v1_json(f"user/check/{order_id}")["sms"][0]["code"] == "04217"


def test_a_row_shows_its_messages_late() -> None:
    """The single order shows them at once."""
    ask = asker(plans={"telegram": [CODED]})
    ask.sandbox.listing_sms_lag = timedelta(seconds=30)
    order_id = ask.buy()

    ask.later(32.9)
    assert row(ask)["sms"] == []
    assert len(ask.v1_json(f"user/check/{order_id}")["sms"]) == 1

    ask.later(0.1)
    assert len(row(ask)["sms"]) == 1


def test_a_row_shows_a_filled_code_late() -> None:
    """The message was there before; only its code lags."""
    ask = asker(plans={"telegram": [(Delivery(3, "hello", "04217", code_after=10),)]})
    ask.sandbox.listing_sms_lag = timedelta(seconds=30)
    ask.buy()

    ask.later(40)
    assert row(ask)["sms"][0]["code"] == ""

    ask.later(3)
    assert row(ask)["sms"][0]["code"] == "04217"


def test_a_row_shows_a_status_late() -> None:
    """An order cancelled by others goes on to look open."""
    ask = asker(plans={"telegram": [CODED]})
    ask.sandbox.listing_status_lag = timedelta(seconds=30)
    order_id = ask.buy()
    ask.later(10)
    ask.v1(f"user/finish/{order_id}")

    seen = []
    for seconds in (0, 22.9, 0.1, 6.9, 0.1):
        ask.later(seconds)
        seen.append(row(ask)["status"])

    assert seen == ["PENDING", "PENDING", "RECEIVED", "RECEIVED", "FINISHED"]


# -- messages -------------------------------------------------------------------------------------------------------


def test_a_code_is_filled_into_a_message_that_was_there() -> None:
    """A client that has seen the message must look at it again."""
    ask = asker(plans={"telegram": [(Delivery(3, "hello", "04217", code_after=10), Delivery(5, "bye"))]})
    order_id = ask.buy()

    ask.later(12.9)
    assert [sms["code"] for sms in ask.v1_json(f"user/check/{order_id}")["sms"]] == ["", ""]

    ask.later(0.1)
    ask.world.fill_code(order_id, "111111")
    assert [sms["code"] for sms in ask.v1_json(f"user/check/{order_id}")["sms"]] == ["04217", "111111"]


def test_an_order_that_is_over_gets_no_code() -> None:
    """Nothing reaches a closed order."""
    ask = asker(plans={"telegram": [(Delivery(3, "hello", "04217", code_after=10),)]})
    order_id = ask.buy()
    ask.later(5)
    ask.v1(f"user/finish/{order_id}")
    ask.later(60)

    assert ask.v1_json(f"user/check/{order_id}")["sms"][0]["code"] == ""


def test_a_code_is_filled_into_a_message_of_a_rented_number() -> None:
    """A message of a rent gets its code as late as one of an order."""
    ask = asker(rent_plans={"7": [(Delivery(3, "hello", "04217", code_after=10), Delivery(4, "bye"))]})
    tzid = ask.hire()

    ask.later(5)
    assert [message["code"] for message in only_rent(ask)["messages"]] == ["", ""]

    ask.later(10)
    ask.world.fill_rent_code(tzid, "111111")
    assert [message["code"] for message in only_rent(ask)["messages"]] == ["111111", "04217"]


def test_a_message_may_have_no_times() -> None:
    """Only its place in the list then shows its age."""
    deliveries = (Delivery(3, "first", "1"), Delivery(4, "second", "2", timed=False))
    ask = asker(plans={"telegram": [deliveries]}, rent_plans={"7": [deliveries]})
    order_id, _ = ask.buy(), ask.hire()
    ask.later(5)

    sms = ask.v1_json(f"user/check/{order_id}")["sms"]
    messages = only_rent(ask)["messages"]

    assert [(each["created_at"] is None, each["date"] is None) for each in sms] == [(False, False), (True, True)]
    assert [each["created_at"] is None for each in messages] == [True, False]


# -- orders and rented numbers --------------------------------------------------------------------------------------


def test_an_order_stays_open_past_its_end() -> None:
    """Its status is no proof that an act can still be done."""
    ask = asker(lifetime=60, lapses_late=30)
    order_id = ask.buy()

    ask.later(60)
    assert ask.v1_json(f"user/check/{order_id}")["status"] == "PENDING"
    assert ask.v1_text(f"user/cancel/{order_id}") == (400, "order expired")

    ask.later(30)
    assert ask.v1_json(f"user/check/{order_id}")["status"] == "TIMEOUT"


@pytest.mark.parametrize("query", ["", "?tzid=10000371"])
def test_a_fresh_number_is_missing_for_a_while(query: str) -> None:
    """Bought, and not yet there: a client must not call it closed."""
    ask = asker()
    ask.sandbox.rent_lag = timedelta(seconds=8)
    assert ask.hire() == 10000371

    ask.later(7.9)
    assert ask.rent_json(f"rent/getRentState.php{query}")["list"] == []

    ask.later(0.1)
    assert len(ask.rent_json(f"rent/getRentState.php{query}")["list"]) == 1


# -- acts -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def http(sandbox: Sandbox) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {sandbox.token}"}
    return httpx.AsyncClient(transport=sandbox.transport(), base_url=sandbox.v1_url, headers=headers)


async def bought(http: httpx.AsyncClient) -> int:
    order_id: int = (await http.get("/user/buy/activation/russia/any/telegram")).json()["id"]
    return order_id


@pytest.mark.parametrize("act", ["cancel", "ban", "finish"])
async def test_an_act_is_answered_and_not_done(act: str, sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    """A 200 is not yet an act done."""
    order_id = await bought(http)
    sandbox.fail(f"/user/{act}/", NotDone())

    answer = await http.get(f"/user/{act}/{order_id}")

    assert (answer.status_code, answer.json()["id"], answer.json()["status"]) == (200, order_id, "PENDING")
    assert sandbox.ledger.open == [order_id]
    assert sandbox.requests[-1] == f"GET /v1/user/{act}/{order_id}"


async def test_an_act_is_done_and_the_answer_shows_the_order_before_it(
    sandbox: Sandbox, http: httpx.AsyncClient
) -> None:
    """Asked again, it is refused: the order is closed."""
    order_id = await bought(http)
    sandbox.fail("/user/cancel/", DoneUnseen())

    answer = await http.get(f"/user/cancel/{order_id}")

    assert (answer.status_code, answer.json()["status"]) == (200, "PENDING")
    sandbox.ledger.assert_paid(0)


@pytest.mark.parametrize("fault", [NotDone(), DoneUnseen()])
async def test_other_requests_are_done_once(fault: Any, sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    """Only acts upon an order have a before and an after."""
    sandbox.fail("/user/buy/", fault)

    await bought(http)

    sandbox.ledger.assert_bought(1)


async def test_acts_are_ignored_for_a_while(sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    """They work again at their second."""
    order_id = await bought(http)
    ignore_acts(sandbox, 60)
    await anyio.sleep(59)
    assert (await http.get(f"/user/cancel/{order_id}")).json()["status"] == "PENDING"

    await anyio.sleep(1)

    assert (await http.get(f"/user/cancel/{order_id}")).json()["status"] == "CANCELED"


@pytest.mark.parametrize("page", [NO_SUCH_PAGE, TO_NO_SUCH_PAGE, GATEWAY_BUSY])
async def test_a_page_of_a_gateway_does_nothing(page: Answer, sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    """The page is HTML, and no word of the provider."""
    order_id = await bought(http)
    sandbox.fail("/user/cancel/", page)

    answer = await http.get(f"/user/cancel/{order_id}")

    assert (answer.status_code, answer.headers["content-type"]) == (page.status, "text/html; charset=utf-8")
    assert answer.headers.get("location") == dict(page.headers).get("location")
    assert sandbox.ledger.open == [order_id]


# -- misprints ------------------------------------------------------------------------------------------------------


UNREADABLE = {
    "an endless price": (Misprint("price", "1e999"), '"price":1e999'),
    "a price with a comma": (Misprint("price", '"0,32"'), '"price":"0,32"'),
    "no number": (Misprint("price", "NaN"), '"price":NaN'),
    "a null among the messages": (Misprint("sms.+", "null"), ",null]"),
    "a date of a message": (Misprint("sms.created_at", '"soon"'), '"sms":[{"created_at":"soon"'),
    "an end": (Misprint("expires", '"soon"'), '"expires":"soon"'),
    "an id as text": (Misprint("id", '"{}"'), '"id":"1090123457"'),
}


@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.parametrize("where", ["answers", "rows", "both"])
def test_one_field_cannot_be_read(name: str, where: Any) -> None:
    """In single answers, in rows of the list, or in both; everything else is as it was."""
    misprint, text = UNREADABLE[name]
    ask = asker(plans={"telegram": [CODED]})
    order_id = ask.buy()
    ask.later(5)
    ask.sandbox.misprints = (Misprint(misprint.field, misprint.text, where=where),)

    answer = ask.v1(f"user/check/{order_id}").body.decode()
    page = ask.v1("user/orders?category=activation").body.decode()

    assert (text in answer, text in page) == (where != "rows", where != "answers")
    assert '"code":"04217"' in answer
    assert '"code":"04217"' in page


def test_only_the_orders_of_one_product_are_misprinted() -> None:
    """One bad row among good ones."""
    ask = asker()
    ask.buy("russia/any/telegram")
    ask.buy("russia/any/google")
    ask.sandbox.misprints = (Misprint("price", "1e999", product="google"),)

    page = ask.v1("user/orders?category=activation").body.decode()

    assert page.count('"price":1e999') == 1


@pytest.mark.parametrize("form", ["list", "page", "pages"])
def test_a_field_of_the_messages_of_a_rented_number_cannot_be_read(form: Any) -> None:
    """Messages of every shape."""
    ask = asker(rent_plans={"7": [CODED]}, rent_message_form=form)
    tzid = ask.hire()
    ask.later(5)
    ask.sandbox.misprints = (Misprint("messages.created_at", '"soon"'),)

    bodies = [
        ask.rent(f"rent/{path}").body.decode()
        for path in ("getRentState.php", f"getRentState.php?tzid={tzid}", f"extendRentState.php?tzid={tzid}&days=7")
    ]

    assert [body.count('"created_at":"soon"') for body in bodies] == [1, 1, 1]


def test_a_misprint_spoils_the_answers_to_some_requests() -> None:
    """As a fault it comes and goes; orders, pages, items and lists alike."""
    price, tzid = Misprint("price", "1e999"), Misprint("tzid", '"{}"')

    assert price(b'{"id":1,"price":0.32}') == b'{"id":1,"price":1e999}'
    assert price(b'{"Data":[{"id":1,"price":0.32}],"Total":1}') == b'{"Data":[{"id":1,"price":1e999}],"Total":1}'
    assert tzid(b'{"response":1,"item":{"tzid":7}}') == b'{"response":1,"item":{"tzid":"7"}}'
    assert tzid(b'{"response":1,"list":[{"tzid":7}]}') == b'{"response":1,"list":[{"tzid":"7"}]}'
    assert price(b"no free phones") == b"no free phones"
    assert price(b"[]") == b"[]"
    assert Misprint("sms.code", '"x"')(b'{"sms":null}') == b'{"sms":null}'
    assert Misprint("sms.code", '"x"')(b'{"id":1}') == b'{"id":1}'


async def test_a_misprint_is_a_fault_of_its_own(sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    """`Mangle` takes it like any other change."""
    order_id = await bought(http)
    sandbox.fail("/user/check/", Mangle(Misprint("expires", '"soon"')))

    first, second = [(await http.get(f"/user/check/{order_id}")).json()["expires"] for _ in range(2)]

    assert (first, second[:4]) == ("soon", "2026")
