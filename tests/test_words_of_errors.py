"""A table of situations and messages: what happened, what became of the money, and what to do next, in plain words.

The messages stand whole, so that a reader of this file sees what a user sees.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import httpx
import pytest

from smsapi_async import Activation, AsyncClient, Budget, NotSentError, SmsApiError
from smsapi_async._sending import Http, Target
from smsapi_async._sending.explain import explain
from smsapi_async.sandbox import Answer, LostAfter, NotConnected, Sandbox
from smsapi_async.testing import open_client
from smsapi_async.v1 import Picker
from smsapi_async.v1._calls import check

Act = Callable[[AsyncClient], Awaitable[Any]]

PAGE = Answer(404, "<!DOCTYPE html><title>404</title><p>nginx", "text/html")
LOGIN = Answer(200, "<!DOCTYPE html><title>Log in</title>", "text/html")
OLD_PAGE = Answer(404, "<html><head><title>Not Found</title></head><body>Not Found</body></html>", "text/html")
OUTAGE = Answer(502, "<html><h1>502 Bad Gateway</h1></html>", "text/html")


@attrs.frozen
class Row:
    """One situation, the call that meets it, and the whole message."""

    situation: str
    act: Act
    message: str
    faults: tuple[tuple[str, Any], ...] = ()
    budget: dict[str, Any] = attrs.field(factory=dict)
    shared_key: bool = False


def buy(product: str = "telegram", **options: Any) -> Act:
    return lambda client: client.v1.buy_activation(product, **options)


def after(first: Act, then: Act) -> Act:
    """The second call, after the first one went well."""

    async def act(client: AsyncClient) -> Any:
        await first(client)
        return await then(client)

    return act


async def enter(scope: Activation) -> None:
    async with scope:
        pass


ROWS = [
    # -- the address ----------------------------------------------------------------------------------------------
    Row(
        "a read finds a web page at a wrong address",
        lambda client: client.v1.profile(),
        "v1.profile: HTTP 404, unreadable (this is not the API); nothing was spent or changed: check `v1_url`"
        " (SMSAPI_V1_URL), and proxies on the way to it",
        (("/", PAGE),),
    ),
    Row(
        "a read finds a login page of a proxy",
        lambda client: client.rent.balance(),
        "rent.balance: HTTP 200, unreadable (this is not the API); nothing was spent or changed: check "
        "`rent_url` (SMSAPI_RENT_URL), and proxies on the way to it",
        (("/", LOGIN),),
    ),
    Row(
        "a read finds the provider's own page for a route that does not exist",
        lambda client: client.v1.profile(),
        "v1.profile: the provider refused with 'not found' (HTTP 404); nothing was spent or changed: check "
        "`v1_url` (SMSAPI_V1_URL), and proxies on the way to it",
        (("/", OLD_PAGE),),
    ),
    Row(
        "an order is unknown to the provider's old server, which answers with a page",
        lambda client: client.v1.cancel(7),
        "v1.cancel: the provider refused with 'not found' (HTTP 404); nothing was changed, check the id, and "
        "that `token` (SMSAPI_TOKEN) is the key that bought it",
        (("/", OLD_PAGE),),
    ),
    Row(
        "an act finds a web page",
        lambda client: client.v1.cancel(7),
        "v1.cancel: HTTP 404, unreadable (this is not the API); what the provider did is unknown, read its "
        "state before trying again: check `v1_url` (SMSAPI_V1_URL), and proxies on the way to it",
        (("/", PAGE),),
    ),
    Row(
        "a read meets a gateway that is down",
        lambda client: client.v1.profile(),
        "v1.profile: HTTP 502: the page of a server that is down, or of one in front of it; it was a read, so"
        " nothing was spent or changed: try again; if it goes on, check `v1_url` (SMSAPI_V1_URL), and proxies"
        " on the way to it",
        (("/", OUTAGE),),
    ),
    Row(
        "nothing listens at the address",
        lambda client: client.v1.profile(),
        "v1.profile: no connection to http://sandbox.test/v1, ConnectError: All connection attempts failed; "
        "nothing was sent and nothing spent, try again when the network is back",
        (("/", NotConnected()),),
    ),
    Row(
        "an answer to a read has another form than documented",
        lambda client: client.v1.check(7),
        'v1.check: HTTP 200, unreadable at id (id is missing): \'{"phone":"…"}\'; nothing was spent or changed,'
        " look for a newer version of smsapi_async, or report it",
        (("/", Answer(200, '{"phone":"x"}', "application/json")),),
    ),
    # -- keys -----------------------------------------------------------------------------------------------------
    Row(
        "the token is wrong",
        lambda client: client.v1.profile(),
        "v1.profile: the provider refused without a word (HTTP 401); nothing was spent, check `token` (SMSAPI_TOKEN)",
        (("/", Answer(401)),),
    ),
    Row(
        "the rent key is wrong",
        lambda client: client.rent.balance(),
        "rent.balance: the provider refused with 'ERROR_WRONG_KEY' (HTTP 200); nothing was spent, check "
        "`rent_key` (SMSAPI_RENT_KEY)",
        (("/", Answer(200, '{"response":"ERROR_WRONG_KEY"}', "application/json")),),
    ),
    # -- what was asked for ---------------------------------------------------------------------------------------
    Row(
        "the country is unknown",
        buy(country="rusia"),
        "v1.buy_activation: the provider refused with 'bad country' (HTTP 400); nothing was bought, check the"
        " country 'rusia': `client.v1.countries()` lists what there is",
    ),
    Row(
        "the country is unknown, and the right ones were read before",
        after(lambda client: client.v1.countries(), buy(country="rusia")),
        "v1.buy_activation: the provider refused with 'bad country' (HTTP 400); nothing was bought, check the"
        " country 'rusia' (perhaps 'russia' or 'usa' is meant): `client.v1.countries()` lists what there is",
    ),
    Row(
        "the operator is unknown",
        buy(country="russia", operator="beline"),
        "v1.buy_activation: the provider refused with 'bad operator' (HTTP 400); nothing was bought, check "
        "the operator 'beline': `client.v1.countries()['russia'].operators` lists what there is",
    ),
    Row(
        "the product is unknown",
        after(lambda client: client.v1.products("russia"), buy("telegarm", country="russia")),
        "v1.buy_activation: the provider refused with 'no product' (HTTP 400); nothing was bought, check the "
        "product 'telegarm' (perhaps 'telegram' is meant): `client.v1.products('russia')` lists what there is",
    ),
    Row(
        "a price ceiling is for a product that is unknown",
        lambda client: client.v1.set_max_price("telegarm", 1),
        "v1.set_max_price: the provider refused with 'product is incorrect' (HTTP 400); nothing was bought, "
        "check the product 'telegarm': `client.v1.products('any')` lists what there is",
        (("/", Answer(400, "product is incorrect")),),
    ),
    Row(
        "the price table has no such country",
        lambda client: client.v1.prices(country="rusia"),
        "v1.prices: the provider refused with 'country is incorrect' (HTTP 400); nothing was bought, check "
        "the country 'rusia': `client.v1.countries()` lists what there is",
        (("/", Answer(400, "country is incorrect")),),
    ),
    Row(
        "the provider rents no number of the country",
        lambda client: client.rent.buy_number(999, 7),
        "rent.buy_number: the provider refused with 'UNDEFINED_COUNTRY' (HTTP 200); nothing was bought, check"
        " the country 999: `client.rent.tariffs()` lists what there is",
        (("getRentNum", Answer(200, '{"response":"UNDEFINED_COUNTRY"}', "application/json")),),
    ),
    Row(
        "the provider rents no number for so many days",
        after(lambda client: client.rent.tariffs(7), lambda client: client.rent.buy_number(7, 8)),
        "rent.buy_number: the provider refused with 'UNDEFINED_DAYS' (HTTP 200); nothing was bought, check "
        "the days 8 (perhaps 1 or 7 or 15 or 30 is meant): `client.rent.tariffs(7)` lists what there is",
        (("getRentNum", Answer(200, '{"response":"UNDEFINED_DAYS"}', "application/json")),),
    ),
    Row(
        "the provider says only that something is wrong",
        lambda client: client.rent.buy_number(7, 8),
        "rent.buy_number: the provider refused with 'ERROR_PARAMS' (HTTP 200); nothing was bought, check the "
        "country 7 and the days 8: `client.rent.tariffs()` and `client.rent.tariffs(7)` list what there is",
        (("getRentNum", Answer(200, '{"response":"ERROR_PARAMS"}', "application/json")),),
    ),
    Row(
        "a number is not extended by so many days",
        lambda client: client.rent.extend(7, 8),
        "rent.extend: the provider refused with 'UNDEFINED_DAYS' (HTTP 200); nothing was bought, check the "
        "days 8: `client.rent.number(tzid).extensions` lists what there is",
        (("extendRentState", Answer(200, '{"response":"UNDEFINED_DAYS"}', "application/json")),),
    ),
    Row(
        "the order is unknown",
        lambda client: client.v1.check(7),
        "v1.check: the provider refused with 'order not found' (HTTP 404); nothing was changed, check the id,"
        " and that `token` (SMSAPI_TOKEN) is the key that bought it",
    ),
    Row(
        "a price ceiling is not there",
        lambda client: client.v1.delete_max_price("telegram"),
        "v1.delete_max_price: the provider refused with 'record not found' (HTTP 404); nothing was changed, the "
        "product has no price ceiling: `client.v1.max_prices()` lists those there are",
        (("/", Answer(404, "record not found")),),
    ),
    Row(
        "the rented number is unknown",
        lambda client: client.rent.number(7),
        "rent.number: number 7 is not active; nothing was changed, check the tzid, and that `rent_key` "
        "(SMSAPI_RENT_KEY) is the key that bought it",
    ),
    # -- money ----------------------------------------------------------------------------------------------------
    Row(
        "the budget's money is spent",
        after(buy(country="russia"), buy(country="russia")),
        "v1.buy_activation: up to 0.4 is needed and 0.2125 of 0.5 is left; nothing was sent and nothing "
        "spent: wait until an order is cancelled or ends, or raise `money` of the `Budget`",
        budget={"money": "0.5", "per_order": "0.4"},
    ),
    Row(
        "the budget's only place is taken",
        after(buy(country="russia"), buy(country="russia")),
        "v1.buy_activation: 1 order is open, and no more may be; nothing was sent and nothing spent: wait "
        "until an order is cancelled or ends, or raise `open_orders` of the `Budget`",
        budget={"open_orders": 1},
    ),
    Row(
        "the budget's places are taken",
        after(after(buy(), buy()), buy()),
        "v1.buy_activation: 2 orders are open, and no more may be; nothing was sent and nothing spent: wait "
        "until an order is cancelled or ends, or raise `open_orders` of the `Budget`",
        budget={"open_orders": 2},
    ),
    Row(
        "an order may cost less than any number does",
        buy(country="russia"),
        "v1.buy_activation: the provider refused with 'no free phones' (HTTP 200); nothing was bought, there may be "
        "numbers that cost more than `Budget(per_order=0.01)` allows: raise it, try another country, or try later",
        budget={"per_order": "0.01"},
    ),
    Row(
        "max_price is below the price of every number",
        buy(country="russia", max_price="0.01"),
        "v1.buy_activation: the provider refused with 'no free phones' (HTTP 200); nothing was bought, there "
        "may be numbers that cost more than `max_price=0.01` allows: raise it, try another country, or try later",
        budget={"per_order": "2"},
    ),
    Row(
        "every offer costs more than one order may",
        lambda client: enter(client.activation("telegram", country="russia", offers=Picker())),
        "v1.buy_activation: no number for telegram; tried 0 of 2 offers, passed over 2 too dear or found "
        "empty within the minute; nothing was bought, there may be numbers that cost more than "
        "`Budget(per_order=0.01)` allows: raise it, try another country, or try later",
        budget={"per_order": "0.01"},
    ),
    Row(
        "a purchase is answered by a page, and so are the records",
        buy(),
        "v1.buy_activation: the answer was lost (HTTP 200, unreadable (this is not the API)), the records "
        "could not be read; money may be spent, and there are no candidates: check `v1_url` (SMSAPI_V1_URL), "
        'then read `client.v1.orders("activation", order="id", reverse=True)` and the balance before trying '
        "again",
        (("/", LOGIN),),
    ),
    Row(
        "a rent loses its answer, and another process may have rented the new number",
        lambda client: client.rent.buy_number(7, 1),
        "rent.buy_number: the answer was lost (RemoteProtocolError: Server disconnected without sending a "
        "response.), 1 new number may have come of it; money may be spent: look at the candidates and the "
        "provider's records before buying again",
        (("getRentNum", LostAfter()),),
        shared_key=True,
    ),
    Row(
        "a payout loses its answer",
        lambda client: client.v1.withdraw(receiver="1", method="qiwi", amount=1, fee="unitpay"),
        "v1.withdraw: RemoteProtocolError: Server disconnected without sending a response; money may be "
        "spent, and there are no candidates: ask the provider before trying again",
        (("withdraw", LostAfter()),),
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.situation)
async def test_a_message_says_what_happened_and_what_to_do(row: Row) -> None:
    """It is read by somebody who wants to go on, in a log or a terminal."""
    sandbox = Sandbox()
    for line, fault in row.faults:
        sandbox.fail(line, fault, times=99)

    options: dict[str, Any] = {"max_retries": 0, "shared_key": row.shared_key, "budget": Budget(**row.budget)}
    async with open_client(sandbox, **options) as client:
        with pytest.raises(SmsApiError) as caught:
            await row.act(client)

    assert str(caught.value) == row.message


# -- mistakes of the program ------------------------------------------------------------------------------------------


async def test_a_plain_with_is_refused_in_words(client: AsyncClient) -> None:
    """The words of Python speak of a protocol that a newcomer has not heard of."""
    for opened in (client, client.activation("telegram")):
        with (
            pytest.raises(
                TypeError, match=r"^(AsyncClient|Activation) is asynchronous: write `async with`, not `with`$"
            ),
            opened,  # type: ignore[union-attr]
        ):
            raise AssertionError("it was entered")


async def test_a_code_asked_for_after_its_scope_is_told_that_the_scope_is_over(client: AsyncClient) -> None:
    """The advice to use `async with` would puzzle a reader who did."""
    scope = client.activation("telegram", country="russia")
    with pytest.raises(RuntimeError, match=r"^the order is bought on entering the scope: write `async with "):
        await scope.code()

    async with scope:
        pass

    with pytest.raises(
        RuntimeError, match=rf"^the scope of order {scope.id} is over: .*`client.resume\({scope.id}\)`$"
    ):
        await scope.code()


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (
            "secretkey\n",
            "the key begins or ends with a blank or a line end, which a file or a copy often adds: strip it",
        ),
        (
            " secretkey",
            "the key begins or ends with a blank or a line end, which a file or a copy often adds: strip it",
        ),
        ("Bearer secretkey", "give the key without the word Bearer, which the client adds"),
        ("secretkéy", "a key has only ASCII letters, digits and signs, and character 8 of 9 is none"),
        ("secret key", "the key has a blank, a line end or a control character inside"),
        ("secret\x1bkey", "the key has a blank, a line end or a control character inside"),
        ("secretkey" * 500, "a key has at most 4000 characters, and this has 4500"),
    ],
)
def test_a_key_that_cannot_be_one_is_described_and_not_shown(key: str, words: str, monkeypatch) -> None:
    """Most often it came with the line end of its file."""
    monkeypatch.setenv("SMSAPI_RENT_KEY", key)
    after = "; nothing was sent, copy the key anew from your account"

    for given, variable in ((key, "token (or SMSAPI_TOKEN)"), (None, "rent_key (from SMSAPI_RENT_KEY)")):
        with pytest.raises(ValueError, match=r"^(token|rent_key) \(") as caught:
            AsyncClient(given)
        assert str(caught.value) == f"{variable}: {words}{after}"


# -- proxies ----------------------------------------------------------------------------------------------------------


async def test_a_proxy_is_not_blamed_for_a_call_that_stayed_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks that have stopped send nothing, and no proxy has seen any of them."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    target = Target("https://provider.test/v1", "token")
    http = Http({"v1": target}, 30.0, None)
    http._open()
    error = NotSentError("looks have stopped: the next hit would be a ban", call="v1.check")

    explain(error, check(7), http)
    await http.aclose()

    assert str(error).endswith("; nothing was sent and nothing spent, try again when the network is back")


@pytest.mark.socket
@pytest.mark.parametrize("own", [False, True], ids=["from the environment", "of the caller's client"])
async def test_a_proxy_that_is_down_is_named(own: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider's host is well; its user looked for an outage there."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, so that no other program gets the port, and nothing listens
        proxy = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with_password = proxy.replace("http://", "http://me:pa55word@")
        if not own:
            monkeypatch.setenv("HTTPS_PROXY", with_password)
        async with (
            httpx.AsyncClient(proxy=with_password) as http,
            AsyncClient("token", v1_url="https://provider.test/v1", http_client=http if own else None) as client,
        ):
            with pytest.raises(NotSentError) as caught:
                await client.v1.buy_activation("telegram")

    told = str(caught.value)
    assert told.startswith(
        f"v1.buy_activation: no connection through the proxy {proxy} to https://provider.test/v1, ConnectError"
    )
    assert told.endswith(
        f"; nothing was sent and nothing spent, check that the proxy {proxy} runs (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY)"
    )
    assert "pa55word" not in told
