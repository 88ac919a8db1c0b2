"""Every literal of docs/protocol/v1.md, given to every call that may meet it: the error, its words, its status."""

from __future__ import annotations

import pytest

from smsapi_async import (
    NoNumbersError,
    NotFoundError,
    NothingBoughtError,
    OutcomeUnknownError,
    RefusedError,
    SmsApiError,
    SpendUnknownError,
    UnreadableReplyError,
)
from tests.answers import TOKEN, answering
from tests.v1.literals import GATEWAY, NOT_FOUND_PAGE, REFUSALS, UNKNOWNS, Literal
from tests.v1.operations import CALLS, EVERY, PURCHASES


def rows(table: tuple[Literal, ...]) -> list[object]:
    return [
        pytest.param(row, call, id=f"{call}-{row.status}-{row.body.strip()[:30] or 'empty'}")
        for row in table
        for call in row.calls
    ]


REASONS = {NOT_FOUND_PAGE: "not found", GATEWAY.format(401): "", GATEWAY.format(429): ""}
"""No error quotes a page."""


@pytest.mark.in_turn
@pytest.mark.parametrize(("row", "call"), rows(REFUSALS))
async def test_a_refusal_is_its_own_error_with_the_provider_s_word(row: Literal, call: str):
    """A bot must distinguish `no free phones`, which another operator cures, from an empty purse."""
    async with answering(row.body, row.status) as (client, provider):
        with pytest.raises(RefusedError) as caught:
            await CALLS[call](client)

    assert type(caught.value) is row.error
    assert caught.value.reason == REASONS.get(row.body, row.body)
    assert "<" not in str(caught.value)
    assert (caught.value.status, caught.value.call) == (row.status, f"v1.{call}")
    assert len(provider.asked) == 1, "a refusal is an answer: nothing is looked up"


VARIANTS = {
    "upper case": str.upper,
    "title case": str.title,
    "newline": lambda word: f"{word}\n",
    "padding": lambda word: f"\r\n  {word} \t",
    "JSON message": lambda word: f'{{"message":"{word}"}}',
    "JSON error": lambda word: f'{{ "code": 400, "error": " {word}" }}',
    "JSON text": lambda word: f'"{word}"',
}
WORDS = {row.body: row for row in REFUSALS if row.body and row.error is not RefusedError and row.status != 401}
del WORDS[GATEWAY.format(429)]


@pytest.mark.parametrize("body", WORDS)
async def test_a_refusal_is_known_in_any_case_and_with_any_blanks_round_it(body: str):
    """Clients tested for a trailing newline, the documentation writes Unauthorized; envelopes were seen nowhere."""
    row = WORDS[body]
    variants = ("upper case", "newline", "padding") if body.startswith("<") else VARIANTS
    for name in variants:
        async with answering(VARIANTS[name](body), row.status) as (client, _):
            with pytest.raises(RefusedError) as caught:
                await CALLS[row.calls[0]](client)

        assert type(caught.value) is row.error, name


async def test_a_known_text_counts_whatever_its_status():
    """`no free phones` comes with 200 on a purchase, with 400 on reuse, and no source promises that this stays so."""
    for status in (200, 400, 404, 409, 500):
        async with answering("no free phones", status) as (client, _):
            with pytest.raises(NoNumbersError) as caught:
                await client.v1.buy_activation("telegram")

        assert caught.value.status == status


@pytest.mark.in_turn
@pytest.mark.parametrize(("row", "call"), rows(UNKNOWNS))
async def test_an_answer_that_says_nothing_is_no_refusal(row: Literal, call: str):
    """Taken for a refusal it would be bought again, and paid twice; a purchase is looked up in the records instead."""
    async with answering(row.body, row.status, records=row.spends and call in PURCHASES) as (client, provider):
        with pytest.raises(SmsApiError) as caught:
            await CALLS[call](client)

    looked = any("user/orders" in line for line in provider.lines[1:])
    if row.spends and call in PURCHASES:
        assert type(caught.value) is NothingBoughtError, "the records show nothing"
        assert isinstance(caught.value.__cause__, row.error)
        assert looked
    else:
        expected = SpendUnknownError if call == "withdraw" else row.error
        assert type(caught.value) is expected
        assert isinstance(caught.value, (OutcomeUnknownError, UnreadableReplyError))
        assert caught.value.status == row.status
        assert not looked
        assert "<" not in str(caught.value)
    assert sum(line.startswith(provider.lines[0]) for line in provider.lines) == 1, "asked once"


def test_no_call_is_missing_from_the_tables():
    """A new operation must be put into every row that any call may meet."""
    assert {call for row in REFUSALS for call in row.calls} == set(EVERY) == set(CALLS)
    assert {call for row in UNKNOWNS for call in row.calls} == set(EVERY)


async def test_the_inbox_alone_may_be_switched_off():
    """Its route answers a redirect to /404.html today, for orders that exist too."""
    page = '<a href="/404.html">Found</a>.'
    async with answering(page, 302, location="https://5sim.net/404.html") as (client, provider):
        with pytest.raises(NotFoundError) as caught:
            await client.v1.inbox(1)

    assert (caught.value.reason, caught.value.status) == ("no such route", 302)
    assert len(provider.asked) == 1


@pytest.mark.in_turn
@pytest.mark.parametrize("call", [name for name in CALLS if name != "inbox"])
async def test_a_redirect_is_not_followed_and_proves_nothing(call: str):
    """The page behind it is 42 KB of HTML, and a followed redirect would carry the key to wherever it leads."""
    page = '<a href="/404.html">Found</a>.'
    async with answering(page, 302, records=call in PURCHASES, location="https://5sim.net/404.html") as (
        client,
        provider,
    ):
        with pytest.raises((UnreadableReplyError, OutcomeUnknownError, NothingBoughtError)) as caught:
            await CALLS[call](client)

    assert sum(line.startswith(provider.lines[0]) for line in provider.lines) == 1, "asked once"
    assert "<" not in str(caught.value)


async def test_a_page_says_what_to_look_at():
    """A base URL with a slip in it, or a proxy that asks to log in, answers pages."""
    async with answering("<!DOCTYPE html><title>Log in</title>", 404) as (client, _):
        with pytest.raises(UnreadableReplyError, match=r"check `v1_url` \(SMSAPI_V1_URL\), and proxies"):
            await client.v1.check(1)
        with pytest.raises(OutcomeUnknownError, match=r"check `v1_url` \(SMSAPI_V1_URL\), and proxies"):
            await client.v1.cancel(1)
    async with answering("<!DOCTYPE html><title>Log in</title>", 502) as (client, _):
        with pytest.raises(OutcomeUnknownError, match=r"check `v1_url` \(SMSAPI_V1_URL\), and proxies"):
            await client.v1.check(1)


async def test_the_words_of_an_unlisted_refusal_are_kept():
    """New texts appear without notice; the user needs them to ask the provider."""
    async with answering("this country sleeps today", 422) as (client, _):
        with pytest.raises(RefusedError) as caught:
            await client.v1.buy_activation("telegram")

    assert type(caught.value) is RefusedError
    assert (caught.value.reason, caught.value.status) == ("this country sleeps today", 422)
    assert "this country sleeps today" in str(caught.value)


@pytest.mark.parametrize("size", [400, 5_000], ids=["one line", "a page"])
async def test_a_long_refusal_is_cut_and_holds_no_key_and_no_phone(size: int):
    """Errors are logged whole."""
    async with answering(f"no: {TOKEN} +79000381454 " + "word " * (size // 5), 400) as (client, _):
        with pytest.raises(RefusedError) as caught:
            await client.v1.check(1)

    assert 100 < len(caught.value.reason) <= 200
    for private in (TOKEN, "79000381454"):
        assert private not in caught.value.reason
        assert private not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    ['{"message":5}', '{"message":{"error":"x"}}', '{"error":', "[]", '{"id":1,"message":"no free phones"}'],
    ids=["number", "object", "cut", "list", "with an id"],
)
async def test_a_json_body_that_is_no_envelope_is_the_text_itself(body: str):
    """Only an object that says one word may stand for that word."""
    async with answering(body, 400) as (client, _):
        with pytest.raises(RefusedError) as caught:
            await client.v1.check(1)

    assert caught.value.reason == body


async def test_an_envelope_nested_beyond_reason_is_no_crash():
    """The reader of JSON gives up with a RecursionError, which no caller expects."""
    async with answering('{"message":' + "[" * 1_900, 400) as (client, _):
        with pytest.raises(RefusedError):
            await client.v1.check(1)
