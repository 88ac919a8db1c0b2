"""Every literal of docs/protocol/rent.md, given to every call that may meet it: the error, its word, its status."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from smsapi_async import (
    AsyncClient,
    NotFoundError,
    NothingBoughtError,
    OutcomeUnknownError,
    Pace,
    RefusedError,
    SmsApiError,
    SpendUnknownError,
)
from smsapi_async.sandbox import Sandbox, literal
from tests.answers import RENT_KEY, answering, parsed
from tests.rent.literals import LITERALS, NONE_ACTIVE, PAGES, Literal, Page
from tests.rent.operations import CALLS, EVERY, PATHS, SPENDING

ITEM = parsed("rent/seed_getRentNum_ok.json")["item"]


class Refusing:
    """Refuses one method; the list of numbers holds the one that is asked about."""

    def __init__(self, call: str, response: httpx.Response) -> None:
        self.path = f"/api/{PATHS[call]}"
        self.response = response
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        if request.url.path == self.path:
            return self.response
        return httpx.Response(200, json={"response": 1, "list": [ITEM]})


async def refused(call: str, response: httpx.Response) -> tuple[SmsApiError, list[str]]:
    provider = Refusing(call, response)
    pace = Pace(rent_per_second=1e6)
    async with httpx.AsyncClient(transport=httpx.MockTransport(provider)) as http:
        client = AsyncClient(
            rent_key=RENT_KEY, rent_url="http://provider.test/api", max_retries=0, pace=pace, http_client=http
        )
        with pytest.raises(SmsApiError) as caught:
            await CALLS[call](client)
        await client.aclose()
    assert provider.asked.count(provider.path) == 1, "asked once"
    return caught.value, provider.asked


LITERAL_ROWS = [
    pytest.param(row, call, status, id=f"{call}-{status}-{row.word or 'empty'}")
    for row in LITERALS
    for call in row.calls
    for status in row.statuses
]


@pytest.mark.in_turn
@pytest.mark.parametrize(("row", "call", "status"), LITERAL_ROWS)
async def test_a_literal_is_its_own_error_with_the_provider_s_word(row: Literal, call: str, status: int):
    """One vocabulary for both providers: NO_NUMBER and `no free phones` are the same to a bot."""
    error, asked = await refused(call, httpx.Response(status, json={"response": row.word, "tzid": 1}))

    if row.spends and call in SPENDING:
        assert type(error) is NothingBoughtError, "looked up, and the list shows nothing new"
        assert isinstance(error.__cause__, OutcomeUnknownError)
        assert asked[-1] == "/api/rent/getRentState.php"
    else:
        assert type(error) is row.error
        assert isinstance(error, RefusedError)
        assert (error.reason, error.status, error.call) == (row.word, status, f"rent.{call}")
        assert asked[-1] == f"/api/{PATHS[call]}"


def test_no_call_is_missing_from_the_tables():
    """A new operation must be put into every row that any call may meet."""
    assert {call for row in LITERALS for call in row.calls} == set(EVERY) == set(CALLS) == set(PATHS)
    assert {call for page in PAGES for call in page.calls} == set(EVERY)


VARIANTS = {
    "lower case": str.lower,
    "newline": lambda word: f"{word}\n",
    "padding": lambda word: f"  {word} ",
}


@pytest.mark.in_turn
@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("row", [row for row in LITERALS if row.error is not RefusedError], ids=lambda row: row.word)
async def test_a_literal_is_known_in_any_case_and_with_any_blanks_round_it(row: Literal, name: str):
    """`repeat disabled` shows that lower case occurs."""
    call = next((call for call in row.calls if call not in SPENDING), row.calls[0])
    error, _ = await refused(call, httpx.Response(200, json={"response": VARIANTS[name](row.word)}))

    if row.spends and call in SPENDING:
        assert type(error) is NothingBoughtError
    else:
        assert type(error) is row.error


@pytest.mark.parametrize("word", NONE_ACTIVE)
async def test_to_a_list_some_literals_say_that_it_is_empty(word: str):
    """The provider's own PHP and Go clients read them so."""
    for variant in (word, word.lower(), f" {word}\n"):
        async with answering({"response": variant}) as (client, _):
            assert await client.rent.numbers() == ()
            assert await client.rent.tariffs() == ()
            with pytest.raises(NotFoundError):
                await client.rent.number(3715)


async def test_a_literal_is_compared_whole():
    """Trap 12: NO_NUMBER is inside NO_NUMBER_FOR_FORWARD, and ERROR_NO_NUMBER ends with it."""
    error, _ = await refused("buy_number", httpx.Response(200, json={"response": "NO_NUMBER_NOW"}))

    assert type(error) is NothingBoughtError, "an unknown literal, so looked up; not out of stock"


@pytest.mark.in_turn
@pytest.mark.parametrize("word", [0, False, None, 2, 1.5, [], {}, {"error": "x"}, [1]], ids=str)
@pytest.mark.parametrize("call", EVERY)
async def test_a_failure_without_a_literal_is_a_refusal_without_a_word(call: str, word: Any):
    """0, false and null were guessed by clients; anything but a success is none."""
    error, _ = await refused(call, httpx.Response(200, json={"response": word, "list": [], "item": ITEM}))

    if call in SPENDING:
        assert type(error) is NothingBoughtError
    else:
        assert type(error) is RefusedError
        assert error.reason == ""


PAGE_ROWS = [
    pytest.param(page, call, id=f"{call}-{page.status}-{page.body[:30] or 'empty'}")
    for page in PAGES
    for call in page.calls
]


@pytest.mark.in_turn
@pytest.mark.parametrize(("page", "call"), PAGE_ROWS)
async def test_an_answer_of_something_in_front_of_the_api_is_told_by_its_status(page: Page, call: str):
    """A 502 read as an empty list would say that nothing was bought, and one buys again."""
    error, asked = await refused(call, httpx.Response(page.status, text=page.body))

    if page.spends and call in SPENDING:
        assert type(error) is NothingBoughtError
        assert isinstance(error.__cause__, page.error)
        assert asked[-1] == "/api/rent/getRentState.php"
    else:
        assert type(error) is page.error
        assert getattr(error, "status", None) == page.status
        assert "<" not in str(error)


@pytest.mark.parametrize("body", [page.body for page in PAGES if page.status == 500 or page.body in ("[]", "null")])
async def test_a_broken_list_does_not_say_that_nothing_was_bought(body: str):
    """The list is the only record of a rent: unread, the outcome stays unknown."""
    state = iter([httpx.Response(200, json={"response": 1, "list": []}), *[httpx.Response(502, text=body)] * 9])

    def provider(request: httpx.Request) -> httpx.Response:
        return next(state) if request.url.path.endswith("getRentState.php") else httpx.Response(502)

    async with httpx.AsyncClient(transport=httpx.MockTransport(provider)) as http:
        client = AsyncClient(rent_key=RENT_KEY, rent_url="http://provider.test/api", max_retries=0, http_client=http)
        with pytest.raises(SpendUnknownError):
            await client.rent.buy_number(7, 1)
        await client.aclose()


@pytest.mark.parametrize("word", ["TRY_AGAIN_LATER", "DUPLICATE_OPERATION", "SOMETHING_NEW"])
async def test_a_purchase_behind_a_doubtful_literal_is_found(word: str, sandbox: Sandbox, client: AsyncClient):
    """The number is paid for, and the list shows it."""
    sandbox.fail("getRentNum", literal(word, processed=True))

    number = await client.rent.buy_number(7, 1)

    assert [number.tzid] == list(sandbox.world.rents)
    assert sandbox.count("GET /api/rent/getRentNum.php") == 1


async def test_words_of_a_front_are_kept_without_what_is_private():
    """Errors are logged whole."""
    body = {"message": f"key {RENT_KEY} of +79000381454 " + "is wrong " * 100}
    error, _ = await refused("balance", httpx.Response(400, text=json.dumps(body)))

    assert isinstance(error, RefusedError)
    assert error.reason.startswith("key ")
    assert 100 < len(error.reason) <= 200
    for private in (RENT_KEY, "79000381454"):
        assert private not in str(error)


async def test_a_long_literal_is_cut():
    """Errors are logged whole, and a literal may hold anything."""
    error, _ = await refused("balance", httpx.Response(200, json={"response": "NO +79000381454 " + "X" * 1_000}))

    assert isinstance(error, RefusedError)
    assert len(error.reason) == 200
    assert "79000381454" not in str(error)
