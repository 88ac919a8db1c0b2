"""What the client tells: every event with its fields, to the log and to `on_event`; never anything private."""

from __future__ import annotations

import ast
import logging
import re
from collections.abc import Awaitable
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import attrs
import pytest

import smsapi_async
from smsapi_async import AsyncClient, Event, Pace, SmsApiError
from smsapi_async._events import Events
from smsapi_async.sandbox import (
    API_LIMIT,
    Answer,
    Delay,
    Delivery,
    LostAfter,
    LostBefore,
    Mangle,
    NotConnected,
    Sandbox,
    Stall,
)
from smsapi_async.testing import open_client
from tests.opening import buy
from tests.test_log import CODE, SCENARIO, Capture, leaks, unmeasured, whole_run

pytestmark = pytest.mark.usefixtures("steady")

PACKAGE = Path(smsapi_async.__file__).parent
SMS = Delivery(5, "Telegram code 04217", "04217")
CHECK = "/user/check/"
BUY = "/user/buy/"
BUY_RENT = "getRentNum"
EXTEND = "extendRentState"


@attrs.define
class Ear:
    """An `on_event` that keeps what it is told."""

    told: list[Event] = attrs.field(factory=list)

    def __call__(self, event: Event) -> None:
        self.told.append(event)

    @property
    def names(self) -> list[str]:
        """Of all but the requests."""
        return [event.name for event in self.told if event.name != "call.ended"]

    def of(self, name: str) -> list[dict[str, Any]]:
        return [dict(event.fields) for event in self.told if event.name == name]

    def ended(self) -> list[tuple[Any, ...]]:
        return [(call["call"], call["look"], call["status"], call["error"]) for call in self.of("call.ended")]


@pytest.fixture
def ear() -> Ear:
    return Ear()


async def failing(act: Awaitable[object]) -> None:
    with pytest.raises(SmsApiError):
        await act


# -- requests -------------------------------------------------------------------------------------------------------


async def test_a_request_is_told_with_its_status_and_its_time(sandbox: Sandbox, ear: Ear) -> None:
    """The first question to a slow program is whether it waits for the provider, or for its own turn."""
    sandbox.fail("/user/profile", Delay(3))
    async with open_client(sandbox, on_event=ear) as client:
        await client.v1.profile()

    told = {"call": "v1.profile", "provider": "v1", "look": False, "status": 200, "error": None}
    assert ear.of("call.ended") == [told | {"seconds": 3.0, "queued": 0.0}]


async def test_the_time_in_the_queue_is_told(sandbox: Sandbox, ear: Ear) -> None:
    """It is the client's own pace that holds a burst back, not the provider."""
    async with (
        open_client(sandbox, on_event=ear, pace=Pace(v1_per_second=0.5)) as client,
        anyio.create_task_group() as group,
    ):
        for _ in range(3):
            group.start_soon(client.v1.profile)

    assert [round(call["queued"], 3) for call in ear.of("call.ended")] == [0.0, 2.0, 4.0]


async def test_requests_that_fail_are_told_with_their_error(sandbox: Sandbox, ear: Ear) -> None:
    """Refused, lost after an answer began, lost before, never connected: four different troubles."""
    async with open_client(sandbox, on_event=ear, max_retries=0) as client:
        await failing(client.v1.check(1))
        for fault in (Answer(502, "<html>"), LostAfter(), NotConnected()):
            sandbox.fail("/user/profile", fault)
            await failing(client.v1.profile())
        sandbox.fail("/user/profile", Stall())
        with anyio.move_on_after(1):
            await client.v1.profile()

    assert ear.ended() == [
        ("v1.check", False, 404, "NotFoundError"),
        ("v1.profile", False, 502, "OutcomeUnknownError"),
        ("v1.profile", False, None, "OutcomeUnknownError"),
        ("v1.profile", False, None, "NotSentError"),
        ("v1.profile", False, None, "cancelled"),
    ]


async def test_what_never_left_is_not_told(sandbox: Sandbox, ear: Ear) -> None:
    """A request that gave up in the queue, or has no key, is none."""
    async with (
        open_client(sandbox, on_event=ear, pace=Pace(v1_per_second=0.1)) as client,
        AsyncClient("", on_event=ear) as keyless,
    ):
        await client.v1.profile()
        with anyio.move_on_after(1):
            await client.v1.profile()
        await failing(keyless.v1.profile())

    assert len(ear.told) == 1


async def test_a_repetition_and_a_limit_that_was_met_are_told(sandbox: Sandbox, ear: Ear) -> None:
    """Whoever sees them often asks too much."""
    sandbox.fail("/user/profile", API_LIMIT, times=2)
    async with open_client(sandbox, on_event=ear) as client:
        await client.v1.profile()

    assert ear.of("pace.hit") == [{"provider": "v1", "hits": 1}, {"provider": "v1", "hits": 2}]
    assert [(again["call"], again["failures"]) for again in ear.of("call.repeated")] == [
        ("v1.profile", 1),
        ("v1.profile", 2),
    ]
    assert [call["error"] for call in ear.of("call.ended")] == ["RateLimitError", "RateLimitError", None]


async def test_a_field_that_cannot_be_read_is_reported_once_per_client(sandbox: Sandbox, ear: Ear) -> None:
    """The provider has changed something; reported at every look it would bury the rest. Its value may be a code."""
    bad = Mangle(
        lambda body: body.replace(b'"price":', b'"price":"0,32","was":').replace(b'"code":', b'"code":[],"old":')
    )
    sandbox.fail(lambda request: "/user/check/" in request.line or "/user/orders" in request.line, bad, times=99)
    async with open_client(sandbox, on_event=ear) as client:
        order_id = await buy(client, sandbox, SMS)
        assert await client.await_code(order_id) == "04217", "read out of the text"
        for _ in range(2):
            await client.v1.check(order_id)
            await client.v1.orders("activation")
    async with open_client(sandbox, on_event=ear) as other:
        await other.v1.check(order_id)

    assert sorted((event["call"], event["field"]) for event in ear.of("field.unread")) == [
        ("v1.check", "price"),
        ("v1.check", "price"),
        ("v1.check", "sms[].code"),
        ("v1.check", "sms[].code"),
        ("v1.orders", "Data[].price"),
        ("v1.orders", "Data[].sms[].code"),
    ]
    assert "0,32" not in str(ear.told)


async def test_nothing_is_timed_when_nobody_listens(
    sandbox: Sandbox, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client under load pays for what somebody reads, and for nothing else."""
    timed: list[object] = []
    monkeypatch.setattr("smsapi_async._sending.sender.Timing", timed.append)

    await client.v1.profile()

    assert timed == []
    assert not Events().wanted(logging.DEBUG)


# -- orders ---------------------------------------------------------------------------------------------------------


async def test_an_order_is_told_from_its_purchase_to_its_end(sandbox: Sandbox, ear: Ear) -> None:
    """What a day cost, how many codes came of it and how long they took is counted from these.

    The wait ends when the order is finished; by the pace, that leaves 0.02 s after the look that found the code.
    """
    async with open_client(sandbox, on_event=ear) as client:
        order_id = await buy(client, sandbox, SMS)
        await client.await_code(order_id)

    assert ear.names == ["order.bought", "order.settled", "wait.ended"]
    bought, settled, waited = (dict(event.fields) for event in ear.told if event.name != "call.ended")
    assert bought == {"id": order_id, "product": "telegram", "country": "russia", "cost": sandbox.ledger.paid}
    assert settled == {"id": order_id, "status": "FINISHED"}
    assert waited == {"provider": "v1", "id": order_id, "outcome": "code", "seconds": 6.02, "code_seconds": 6.0}
    assert [call[:2] for call in ear.ended()] == [
        ("v1.buy_activation", False),
        ("v1.check", True),
        ("v1.check", True),
        ("v1.finish", False),
    ]


async def test_a_wait_without_a_code_is_told_with_its_error(sandbox: Sandbox, ear: Ear) -> None:
    """Given up, and given back."""
    async with open_client(sandbox, on_event=ear) as client:
        order_id = await buy(client)
        await failing(client.await_code(order_id, timeout=9))

    assert ear.of("wait.ended") == [
        {"provider": "v1", "id": order_id, "outcome": "WaitTimeoutError", "seconds": 9.02, "code_seconds": None}
    ]
    assert ear.of("order.settled") == [{"id": order_id, "status": "CANCELED"}]


async def test_a_cancelled_wait_is_told_as_such(sandbox: Sandbox, ear: Ear) -> None:
    """Under the same word on both loops."""
    async with open_client(sandbox, on_event=ear) as client:
        order_id = await buy(client)
        with anyio.move_on_after(3):
            await client.await_code(order_id)

    assert [(wait["outcome"], wait["seconds"]) for wait in ear.of("wait.ended")] == [("cancelled", 3.0)]


async def test_the_age_of_an_order_bought_elsewhere_is_the_provider_s(sandbox: Sandbox, ear: Ear) -> None:
    """After a restart the time to the code is still counted from the purchase."""
    async with open_client(sandbox) as before:
        order_id = await buy(before, sandbox, Delivery(60, "code 04217", "04217"))
    await anyio.sleep(50)

    async with open_client(sandbox, on_event=ear) as client:
        await client.await_code(order_id)

    (waited,) = ear.of("wait.ended")
    assert 60 <= waited["code_seconds"] <= 66
    assert waited["seconds"] < 16


async def test_a_failed_look_is_told(sandbox: Sandbox, ear: Ear) -> None:
    """It ends no wait, so nothing else tells of it."""
    sandbox.fail(CHECK, Answer(502, "<html>"))
    async with open_client(sandbox, on_event=ear) as client:
        await client.await_code(await buy(client, sandbox, SMS))

    assert ear.of("look.failed") == [{"call": "v1.check", "error": "OutcomeUnknownError"}]


async def test_a_finish_left_to_others_is_told_once(sandbox: Sandbox, ear: Ear) -> None:
    """Where many wait another wait finishes the order; the closing client would, too."""
    async with open_client(sandbox, on_event=ear) as client:
        orders = [await buy(client, sandbox, Delivery(5 + 7 * number, "code 04217", "04217")) for number in range(6)]
        async with anyio.create_task_group() as group:
            for order_id in orders:
                group.start_soon(client.await_code, order_id)

    assert sorted(end["id"] for end in ear.of("order.settled")) == orders
    assert len(ear.of("wait.ended")) == 6


async def test_a_finish_done_while_the_client_closes_is_told_once(sandbox: Sandbox, ear: Ear) -> None:
    """One that is left to other waits is still under way when the client asks itself."""
    sandbox.fail("user/finish", Delay(2))
    async with open_client(sandbox, on_event=ear) as client:
        orders = [await buy(client, sandbox, Delivery(20, "code 04217", "04217")) for _ in range(6)]
        async with anyio.create_task_group() as group:
            for order_id in orders:
                group.start_soon(client.await_code, order_id)
            await anyio.sleep(21)
        await client.aclose()

    assert sorted(end["id"] for end in ear.of("order.settled")) == orders


async def test_what_stays_open_is_told(sandbox: Sandbox, ear: Ear) -> None:
    """Money may hang on it; the register and the log tell the same."""
    sandbox.fail("/user/cancel/", Stall(processed=False), times=99)
    async with open_client(sandbox, on_event=ear, settle_timeout=5) as client:
        async with client.activation("telegram") as order:
            pass
        with pytest.warns(ResourceWarning, match="unsettled"):
            await client.aclose()

    assert ear.of("order.unsettled") == [{"id": order.id, "why": "no end within the bound"}]
    assert ear.of("order.settled") == []


# -- lost purchases -------------------------------------------------------------------------------------------------


async def test_a_purchase_found_again_is_told(sandbox: Sandbox, ear: Ear) -> None:
    """Lost, found, and bought like any other; also that its records could not be read at first."""
    sandbox.fail(BUY, LostAfter())
    sandbox.fail("/user/orders", Stall(processed=False))
    async with open_client(sandbox, on_event=ear, request_timeout=1, max_retries=0) as client:
        order = await client.v1.buy_activation("telegram")

    assert ear.names == ["purchase.lost", "purchase.records_unread", "purchase.found", "order.bought"]
    assert ear.of("purchase.lost") == [{"call": "v1.buy_activation", "product": "telegram"}]
    assert ear.of("purchase.records_unread") == [{"call": "v1.buy_activation", "error": "OutcomeUnknownError"}]
    assert ear.of("purchase.found") == [{"call": "v1.buy_activation", "id": order.id}]


async def test_a_purchase_that_was_not_made_is_told(sandbox: Sandbox, ear: Ear) -> None:
    """So that every loss is followed by one of three ends."""
    sandbox.fail(BUY, LostBefore())
    async with open_client(sandbox, on_event=ear) as client:
        await failing(client.v1.buy_activation("telegram"))

    assert ear.names == ["purchase.lost", "purchase.void"]
    assert ear.of("purchase.void") == [{"call": "v1.buy_activation"}]


@pytest.mark.parametrize(("patience", "level"), [(60, logging.INFO), (1, logging.WARNING)], ids=["there", "gone"])
async def test_an_unknown_outcome_is_told_once(
    patience: float, level: int, sandbox: Sandbox, ear: Ear, caplog: pytest.LogCaptureFixture
) -> None:
    """The louder where the error reaches nobody."""
    sandbox.fail(BUY, LostAfter())
    with caplog.at_level(logging.INFO, "smsapi_async"):
        async with open_client(sandbox, on_event=ear, shared_key=True) as client:
            with anyio.move_on_after(patience):
                await failing(client.v1.buy_activation("telegram"))

    (unknown,) = ear.of("purchase.unknown")
    assert unknown["candidates"] == tuple(sandbox.ledger.purchases)
    assert (unknown["call"], unknown["error"]) == ("v1.buy_activation", "SpendUnknownError")
    assert unknown["why"].startswith("v1.buy_activation: the answer was lost, 1 orders may have come of it")
    assert caplog.records[-1].levelno == level
    assert ear.names == ["purchase.lost", "purchase.unknown"]


async def test_an_order_bought_for_a_caller_who_is_gone_is_told(sandbox: Sandbox, ear: Ear) -> None:
    """It is paid and given back, and nobody holds its id."""
    sandbox.fail(BUY, Delay(5))
    async with open_client(sandbox, on_event=ear) as client:
        with anyio.move_on_after(1):
            await client.v1.buy_activation("telegram")

    assert ear.names == ["order.bought", "order.settled"]
    assert ear.of("order.settled") == [{"id": sandbox.ledger.purchases[0], "status": "CANCELED"}]


# -- rented numbers -------------------------------------------------------------------------------------------------


async def test_a_rented_number_is_told_from_its_purchase_to_its_code(ear: Ear) -> None:
    """The same words as for an order, where there is the same to tell."""
    sandbox = Sandbox(scenario=SCENARIO)
    async with open_client(sandbox, on_event=ear) as client:
        number = await client.rent.buy_number(7, 1, extension=True)
        await client.await_rent_code(number.tzid)
        await client.rent.extend(number.tzid, 7)
    price = number.extensions[7]

    assert ear.names == ["rent.bought", "wait.ended", "rent.extended"]
    assert ear.of("rent.bought") == [{"tzid": number.tzid, "country": 7, "cost": number.price}]
    assert ear.of("rent.extended") == [{"tzid": number.tzid, "days": 7, "cost": price}]
    (waited,) = ear.of("wait.ended")
    assert (waited["provider"], waited["id"], waited["outcome"]) == ("rent", number.tzid, "code")


async def test_rents_and_extensions_that_are_found_again_are_told(sandbox: Sandbox, ear: Ear) -> None:
    """As purchases of the other house are."""
    sandbox.fail(BUY_RENT, LostAfter())
    sandbox.fail(EXTEND, LostAfter())
    async with open_client(sandbox, on_event=ear) as client:
        number = await client.rent.buy_number(7, 1, extension=True)
        await client.rent.extend(number.tzid, 7)

    bought, extended = ["purchase.lost", "purchase.found", "rent.bought"], ["purchase.lost", "purchase.found"]
    assert ear.names == [*bought, *extended, "rent.extended"]
    assert ear.of("purchase.found") == [
        {"call": "rent.buy_number", "tzid": number.tzid},
        {"call": "rent.extend", "tzid": number.tzid},
    ]


async def test_an_extension_for_a_caller_who_is_gone_is_told(sandbox: Sandbox, ear: Ear) -> None:
    """It is paid, and never undone."""
    sandbox.fail(EXTEND, Delay(5))
    async with open_client(sandbox, on_event=ear) as client:
        number = await client.rent.buy_number(7, 1, extension=True)
        with anyio.move_on_after(3):
            await client.rent.extend(number.tzid, 7)
        with pytest.warns(ResourceWarning, match="unsettled"):
            await client.aclose()

    assert ear.names == ["rent.bought", "rent.extended", "order.unsettled"]


# -- who listens ----------------------------------------------------------------------------------------------------


async def test_a_failing_listener_harms_nothing(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """It is the caller's own, and it is told so."""

    def fails(event: Event) -> None:
        raise ZeroDivisionError(event.name)

    async with open_client(sandbox, on_event=fails) as client:
        code = await client.await_code(await buy(client, sandbox, SMS))

    assert code == "04217"
    assert "on_event failed event=order.bought" in caplog.messages
    assert sandbox.ledger.open == []


@pytest.mark.parametrize("error", [SystemExit(3), anyio.BrokenResourceError(), GeneratorExit()], ids=repr)
async def test_nothing_a_listener_raises_costs_the_order(sandbox: Sandbox, error: BaseException) -> None:
    """A program that ends itself from there would leave a paid number behind."""

    def tell(event: Event) -> None:
        raise error

    async with open_client(sandbox, on_event=tell) as client, client.activation("telegram", country="russia") as order:
        sandbox.world.receive(order.id, SMS.text, SMS.code)
        code = await order.code()

    assert code == "04217"
    sandbox.ledger.assert_settled()


async def test_ctrl_c_inside_a_listener_is_not_swallowed() -> None:
    """Where the program handles it so, it is raised in whatever runs."""

    def tell(event: Event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Events(tell).emit(logging.INFO, "order.bought", id=7)


async def test_a_listener_that_fails_brings_no_url_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """It may fail while an error of the HTTP library is handled, which quotes one, and the one a key."""

    def tell(event: Event) -> None:
        raise ZeroDivisionError

    try:
        raise OSError("https://example.org/?apikey=secret")
    except OSError:
        Events(tell).emit(logging.INFO, "order.bought", id=7)

    assert "ZeroDivisionError" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("error", [ValueError, KeyError])
async def test_a_log_that_fails_costs_no_order(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str], error: type[Exception]
) -> None:
    """Python calls filters without a net; what is bought and found is the caller's all the same."""

    class Failing(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            raise error

    failing, logger = Failing(), logging.getLogger("smsapi_async")
    logger.addFilter(failing)
    before = logger.level
    logger.setLevel(logging.INFO)
    try:
        async with open_client(sandbox) as client, client.activation("telegram", country="russia") as order:
            sandbox.world.receive(order.id, SMS.text, SMS.code)
            code = await order.code()
    finally:
        logger.setLevel(before)
        logger.removeFilter(failing)

    assert code == "04217"
    sandbox.ledger.assert_settled()
    assert f"smsapi_async: not logged, for {error.__name__}: order.bought\n" in capsys.readouterr().err


def test_a_program_without_an_error_output_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """One without a console has none."""
    asked = []

    def failing(record: logging.LogRecord) -> bool:
        asked.append(record.getMessage())
        raise ValueError

    monkeypatch.setattr("sys.stderr", None)
    monkeypatch.setattr(logging.getLogger("smsapi_async"), "filters", [failing])

    Events().emit(logging.WARNING, "order.unsettled", id=7)

    assert asked == ["order.unsettled id=7"]


def test_a_listener_that_is_no_function_is_refused() -> None:
    """It would fail at the first event, in the log."""
    with pytest.raises(ValueError, match="on_event: a function is needed, not 'print'"):
        AsyncClient(on_event="print")  # type: ignore[arg-type]


# -- the log --------------------------------------------------------------------------------------------------------


def test_a_record_carries_its_event_and_its_fields(caplog: pytest.LogCaptureFixture) -> None:
    """Formatters that write JSON take them from there; in a line they read as before."""
    fields = {"id": 7, "cost": Decimal("0.32"), "seconds": 1.23456, "error": None, "candidates": (1, 2), "none": ()}
    with caplog.at_level(logging.INFO, "smsapi_async"):
        Events().emit(logging.INFO, "order.bought", **fields)

    (record,) = caplog.records
    assert record.getMessage() == "order.bought id=7 cost=0.32 seconds=1.235 candidates=1, 2 none=none"
    assert (vars(record)["event"], vars(record)["fields"]) == ("order.bought", fields | {"cost": "0.32"})
    assert record.filename == "test_events.py"


async def test_nothing_private_is_in_an_event_or_a_record(ear: Ear) -> None:
    """Events are for dashboards, which are read by many."""
    sandbox, capture = Sandbox(scenario=SCENARIO), Capture()
    logger = logging.getLogger("smsapi_async")
    logger.addHandler(capture)
    before = logger.level
    logger.setLevel(1)
    try:
        sandbox.fail("/user/reuse/", LostAfter())
        async with open_client(sandbox, on_event=ear) as client:
            secrets = await whole_run(client, [])
    finally:
        logger.setLevel(before)
        logger.removeHandler(capture)
    written = [*capture.written, *(unmeasured(event.fields) for event in ear.told)]

    assert leaks(written, [sandbox.token, sandbox.rent_key, *secrets]) == []
    assert CODE in secrets
    assert len(ear.told) > 15
    assert len(capture.written) == 4 * len(ear.told)


# -- the page -------------------------------------------------------------------------------------------------------


def told_in_the_sources() -> dict[str, set[str]]:
    """Every event and its fields, as they stand in the calls that tell it."""
    found: dict[str, set[str]] = {}
    for file in PACKAGE.rglob("*.py"):
        calls = [node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Call)]
        for call in calls:
            for name in [part.value for part in call.args if isinstance(part, ast.Constant)]:
                if (
                    re.fullmatch(r"(call|look|field|pace|order|rent|purchase|wait)\.[a-z_]+", str(name))
                    and call.keywords
                ):
                    found.setdefault(str(name), set()).update(str(word.arg) for word in call.keywords)
    return found


def test_the_page_lists_every_event_with_its_fields() -> None:
    """Dashboards are made from it."""
    page = (PACKAGE.parent / "docs/how-to/observe.md").read_text("utf-8").partition("## The events")[2]

    rows = re.findall(r"^\| `([\w.]+)` \|.*\| (.*?) \|$", page, re.MULTILINE)

    assert {name: set(re.findall(r"`(\w+)`", fields)) for name, fields in rows} == told_in_the_sources()
