"""A provider's words steer no terminal, forge no line, fill no log, and bring nothing private into an error."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import anyio
import httpx
import httpx2
import pytest
from anyio.abc import SocketAttribute, SocketStream

from smsapi_async import AsyncClient, Event, Pace, SmsApiError, UnreadableReplyError
from smsapi_async._log import keep_private
from smsapi_async.sandbox import Delivery, Sandbox, Scenario
from smsapi_async.testing import open_client
from tests.answers import RENT_KEY, TOKEN, answering
from tests.rent.operations import CALLS as RENT_CALLS
from tests.support.leaks import locals_of, shown_by
from tests.v1.operations import CALLS as V1_CALLS

Act = Callable[[AsyncClient], Awaitable[Any]]

CALLS: dict[str, Act] = {
    **{f"v1.{name}": call for name, call in V1_CALLS.items()},
    **{f"rent.{name}": call for name, call in RENT_CALLS.items()},
}

STEERING = "\x1b]52;c;cm0gLXJmIC8=\x07\r\n2026-01-01 order.bought id=1\x9b2J\u202e\u2028"
ORDER = {"id": 5, "phone": "+79000381454", "product": "telegram", "price": 1, "status": "PENDING", "sms": []}

CODE = "482913"
SECRETS = {
    "a code": CODE,
    "a code with a dash": "482-913",
    "a code with a blank": "482 913",
    "a code of letters": "A7X9Q2",
    "a phone": "+79111222333",
    "a phone with blanks": "+7 911 122 23 33",
    "a phone with brackets": "+7 (911) 122-23-33",
    "a phone with hard blanks": "+7\xa0911\xa0122\xa023\xa033",
}


async def error_of(call: Act, body: Any, status: int = 200, **headers: str) -> SmsApiError | None:
    """The error of a call that is answered so; None if it is none. The records show no purchase."""
    async with answering(body, status, records=True, **headers) as (client, _):
        try:
            await call(client)
        except SmsApiError as error:
            return error
    return None


# -- control characters and length ------------------------------------------------------------------------------------

BODIES: dict[str, tuple[Any, int]] = {
    "a text": (STEERING, 400),
    "a text of success": (STEERING, 200),
    "a message": ({"message": STEERING}, 400),
    "an error": ({"error": STEERING}, 403),
    "a literal": ({"response": STEERING}, 200),
    "a status": ({**ORDER, "id": 11631253, "status": STEERING}, 200),
    "a key": ({STEERING: 5}, 200),
    "a key of keys": ({STEERING: {STEERING: 5}}, 200),
    "a page": (f"<html>{STEERING}</html>", 502),
    "a text of 5xx": (STEERING, 500),
    "a literal of 6 MB": ({"response": "X" * 6_000_000}, 200),
    "a key of 900 kB": ({"X" * 900_000: 5}, 200),
    "a message of 900 kB": ({"message": "X" * 900_000}, 400),
}


@pytest.mark.in_turn
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("body", BODIES)
async def test_an_error_is_one_line_of_bounded_length(name, body):
    """OSC 52 fills the clipboard of the log's reader, and a line break forges an entry of the log."""
    error = await error_of(CALLS[name], *BODIES[body])

    if error is not None:
        for text in (
            str(error),
            getattr(error, "reason", ""),
            getattr(error, "excerpt", ""),
            getattr(error, "path", ""),
        ):
            assert text.isprintable()
            assert len(text) < 900
        assert len(getattr(error, "reason", "")) <= 200
        assert "X" * 201 not in str(error)


async def test_a_key_of_a_map_is_named_only_if_it_is_a_name():
    """A key of 6 MB stood in the error, and so did a phone that was used as a key."""
    named = await error_of(V1_CALLS["prices"], {"england": 5})
    phone = await error_of(V1_CALLS["prices"], {"+79000381454": 5})
    long = await error_of(V1_CALLS["prices"], {"x" * 6_000_000: 5})

    assert isinstance(named, UnreadableReplyError)
    assert named.path == "england"
    assert getattr(phone, "path", None) == getattr(long, "path", None) == "{}"


@pytest.mark.parametrize("field", ["product", "country", "operator"])
async def test_an_event_and_a_log_line_hold_no_control_characters(field, caplog):
    """The product and the country of an order were logged as they came."""
    events: list[Event] = []
    order = {**ORDER, field: STEERING + "+79000381454" + "x" * 1_000}
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, json=order))) as http:
        client = AsyncClient(TOKEN, v1_url="http://p.test/v1", http_client=http, on_event=events.append)
        with caplog.at_level(logging.DEBUG, "smsapi_async"):
            async with client:
                await client.v1.buy_activation("telegram")

    lines = [record.getMessage() for record in caplog.records if record.name == "smsapi_async"]
    values = [str(value) for event in events for value in event.fields.values()]
    assert any(line.startswith("order.bought") for line in lines)
    assert all(text.isprintable() and "79000381454" not in text for text in lines + values)
    assert max(map(len, values)) <= 200


# -- private matter in errors -----------------------------------------------------------------------------------------


def hiding(secret: str) -> dict[str, tuple[Any, int]]:
    """Answers with the secret where it has been found in errors, and where it may be."""
    text = f"your code is {secret}"
    sms = {"id": 1, "text": text, "code": secret, "created_at": text, "date": text}
    order = {**ORDER, "sms": [sms]}
    return {
        "a refusal": (f"no such thing {secret}", 400),
        "a message": ({"message": f"no such thing {secret}"}, 400),
        "a literal": ({"response": f"NO {secret}"}, 200),
        "a 5xx": (text, 500),
        "no JSON": ('{"id": 5, "text": "' + text, 200),
        "a date": (
            {"id": 11631253, "expires": text, "created_at": text, "price": text, "Total": text, "Data": text},
            200,
        ),
        "an id": ({"id": text, "tzid": text, "balance": text, "response": 1, "item": {"tzid": text}}, 200),
        "an order": ({**order, "id": text}, 200),
        "another order": (order, 200),
        "a list": ([text, {"text": text}], 200),
        "a row": ({"Data": {"sms": [text]}, "response": 1, "list": {"messages": [sms]}}, 200),
        "a key": ({text: {text: text}}, 200),
        "a text of texts": ({"text": {"inner": [text]}}, 200),
        "half a character": (json.dumps(order).encode() + b'"\xff', 200),
    }


@pytest.mark.in_turn
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("place", hiding(""))
async def test_an_error_shows_no_code_and_no_phone(name, place):
    """Errors are logged, and crash reporters send the locals of each frame."""
    for kind, secret in SECRETS.items():
        error = await error_of(CALLS[name], *hiding(secret)[place])

        assert error is None or secret not in shown_by(error), kind


@pytest.mark.in_turn
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("place", sorted(set(hiding("")) - {"a refusal", "a message", "a literal", "a 5xx"}))
async def test_an_error_shows_no_text(name, place):
    """The provider's own word is shown; the words of a message are not."""
    error = await error_of(CALLS[name], *hiding("kept secret")[place])

    assert error is None or "kept secret" not in shown_by(error)


@pytest.mark.in_turn
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    "headers",
    [
        {"content-encoding": "{}"},
        {"location": "http://elsewhere.test/?apikey={}"},
        {"set-cookie": "key={}"},
        {"date": "{}"},
        {"content-type": "{}"},
    ],
    ids=lambda headers: next(iter(headers)),
)
@pytest.mark.parametrize("status", [200, 302, 400, 500])
async def test_a_key_that_a_header_repeats_is_in_no_error(name, headers, status):
    """A gateway that reflects a request reflects its key."""
    for key in (TOKEN, RENT_KEY):
        filled = {header: value.format(key) for header, value in headers.items()}
        error = await error_of(CALLS[name], f"nothing {key}", status, **filled)

        assert error is None or key not in shown_by(error)


# -- keys in the query ------------------------------------------------------------------------------------------------

FAILURES: dict[str, Callable[[httpx.Request], Exception]] = {
    "no connection": lambda request: httpx.ConnectError(f"no way to {request.url}", request=request),
    "a timeout": lambda request: httpx.ReadTimeout("", request=request),
    "a broken protocol": lambda request: httpx.RemoteProtocolError(
        f'illegal status line: bytearray(b\'{{"text":"{CODE}"}} {RENT_KEY}\')', request=request
    ),
    "a hook's refusal": lambda request: httpx.HTTPStatusError(
        f"for url {request.url}", request=request, response=httpx.Response(401, text=CODE, request=request)
    ),
    "a hook's mistake": lambda request: ValueError(f"for url {request.url}", CODE.encode()),
    "a group": lambda request: ExceptionGroup("two", [FAILURES["a timeout"](request), FAILURES["no JSON"](request)]),
    "no JSON": lambda request: json.JSONDecodeError("no JSON", f"your code is {CODE} {request.url}", 0),
    "no UTF-8": lambda request: UnicodeDecodeError("utf-8", f"code {CODE} {request.url}".encode(), 0, 1, "bad"),
}


@pytest.mark.parametrize("name", RENT_CALLS)
@pytest.mark.parametrize("failure", FAILURES)
async def test_a_key_in_the_query_is_in_no_error(name, failure):
    """The library's errors hold their request, and its URL holds the key."""

    def fail(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("getRentState.php") and name in ("buy_number", "extend"):
            return httpx.Response(200, json={"response": 1, "list": []})
        raise FAILURES[failure](request) from OSError(str(request.url))

    async with (
        httpx.AsyncClient(transport=httpx.MockTransport(fail)) as http,
        AsyncClient(
            rent_key=RENT_KEY,
            rent_url="http://p.test/api",
            rent_key_in="query",
            max_retries=0,
            pace=Pace(rent_per_second=1e6),
            http_client=http,
        ) as client,
    ):
        with pytest.raises(SmsApiError) as caught:
            await RENT_CALLS[name](client)

    printed = shown_by(caught.value)
    assert RENT_KEY not in printed
    assert CODE not in printed


async def test_a_hook_s_own_frames_stay_in_the_traceback():
    """Its author needs the error to find the mistake."""

    async def broken_hook(_: httpx.Request) -> None:
        raise LookupError("nothing there")

    async with (
        httpx.AsyncClient(event_hooks={"request": [broken_hook]}) as http,
        AsyncClient(TOKEN, v1_url="http://p.test/v1", max_retries=0, http_client=http) as client,
    ):
        with pytest.raises(SmsApiError) as caught:
            await client.v1.profile()

    assert "in broken_hook" in "".join(traceback.format_exception(caught.value))


def test_what_breaks_the_protocol_is_not_quoted_in_the_library_s_records():
    """A body that is longer than it says is taken for the head of the next answer, and h11 quotes it."""
    keep_private(["https://5sim.net/v1"], [])
    words = f'illegal status line: bytearray(b\'{{"text":"code {CODE}"}}\')'
    message, failed = "receive_response_headers.failed exception=%r", httpx.RemoteProtocolError(words)
    record = logging.LogRecord("httpcore.http11", logging.DEBUG, "x.py", 1, message, (failed,), None)

    assert all(each.filter(record) for each in logging.getLogger("httpcore.http11").filters)  # type: ignore[union-attr]

    assert CODE not in record.getMessage()
    assert "illegal status line" in record.getMessage()
    assert record.args == ()


# -- waits and sockets ------------------------------------------------------------------------------------------------

WORDS = "kept secret"
NO_CODE = [Delivery(5, WORDS, ""), Delivery(15, f"{WORDS}, call +79111222333", "")]


async def expire(client: AsyncClient) -> None:
    order = await client.v1.buy_activation("telegram")
    await client.await_code(order.id, timeout=60)


async def leave(client: AsyncClient) -> None:
    async with client.activation("telegram") as order:
        await order.code(timeout=60)


async def ban(client: AsyncClient) -> None:
    async with client.activation("telegram") as order:
        await anyio.sleep(20)
        await order.ban()


async def pass_over(client: AsyncClient) -> None:
    number = await client.rent.buy_number(7, 1)
    await client.await_rent_code(number.tzid, timeout=60, match=lambda _: False)


async def outlive(client: AsyncClient) -> None:
    number = await client.rent.buy_number(7, 1)
    await client.await_rent_code(number.tzid)
    await client.rent.close(number.tzid)
    await client.await_rent_code(number.tzid)


@pytest.mark.parametrize("wait", [expire, leave, ban, pass_over, outlive])
async def test_the_error_of_a_wait_shows_no_text_and_no_phone(wait):
    """It holds the order with its messages, which are for the program, not for its log."""
    rented = [Delivery(5, WORDS, "", ""), Delivery(9, f"{WORDS} {CODE}", CODE)]
    sandbox = Sandbox(scenario=Scenario(plans={"telegram": [NO_CODE]}, rent_plans={"7": [rented]}))
    with pytest.raises(SmsApiError) as caught:
        async with open_client(sandbox) as client:
            await wait(client)

    printed = shown_by(caught.value)
    phones = [order.phone for order in sandbox.world.orders.values()]
    assert not [secret for secret in (WORDS, CODE, "79111222333", *phones) if secret in printed]


async def answer_too_long(stream: SocketStream) -> None:
    """Each answer is longer than it says; what is left over is taken for the head of the next."""
    async with stream:
        with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
            while b"\r\n\r\n" in await stream.receive():
                body = b'{"id":1,"balance":1}'
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
                await stream.send(head.encode() + body + f'{{"sms":[{{"text":"{WORDS} {CODE}"}}]}}\r\n\r\n'.encode())


@pytest.mark.socket
@pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
async def test_what_is_left_over_of_an_answer_is_in_no_error_and_no_record(library, caplog):
    """The HTTP library quotes it, in the error of the next call and in a record of its own."""
    shown = ""
    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0) as listener,
        anyio.create_task_group() as group,
        library.AsyncClient(trust_env=False) as http,
    ):
        group.start_soon(listener.serve, answer_too_long)
        port = listener.extra(SocketAttribute.local_port)
        async with AsyncClient(TOKEN, v1_url=f"http://127.0.0.1:{port}/v1", max_retries=0, http_client=http) as client:
            with caplog.at_level(1):
                await client.v1.profile()
                with pytest.raises(SmsApiError, match="illegal status line") as caught:
                    await client.v1.profile()
                shown = shown_by(caught.value)
        group.cancel_scope.cancel()

    written = "".join([shown, *(f"{r.getMessage()} {r.args!r}" for r in caplog.records)])
    assert "receive_response_headers.failed" in written
    assert WORDS not in written
    assert CODE not in written


# -- what the caller passed -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [{"token": "kept-secret\n"}, {"rent_key": "kept-secret "}, {"token": "kept-secret", "max_retries": -1}],
    ids=["a token", "a rent key", "another option"],
)
def test_a_key_is_in_no_error_about_an_option(options):
    """A line break at the end of a key is common, and all before it is the key."""
    with pytest.raises(ValueError, match=r"^(token|rent_key|max_retries)") as caught:
        AsyncClient(**options)

    assert "kept-secret" not in "".join(locals_of(caught.value)) + str(caught.value)


async def test_the_account_of_a_payout_is_in_no_error():
    """The account may be the number of a card."""
    error = await error_of(
        lambda c: c.v1.withdraw(receiver="4111 1111 1111 1111", method="visa", amount=1, fee="payeer"), "no", 400
    )

    assert error is not None
    assert "4111" not in shown_by(error)
