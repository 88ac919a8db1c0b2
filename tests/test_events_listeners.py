"""A listener that fails costs no order, and leaks nothing into the log."""

from __future__ import annotations

import logging

import anyio
import pytest

from smsapi_async import AsyncClient, Event
from smsapi_async._events import Events
from smsapi_async.sandbox import Sandbox
from smsapi_async.testing import open_client
from tests.opening import buy
from tests.support.messages import CODE

pytestmark = pytest.mark.usefixtures("steady")


async def test_a_failing_listener_harms_nothing(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """The listener is the caller's own, and its error is logged."""

    def fails(event: Event) -> None:
        raise ZeroDivisionError(event.name)

    async with open_client(sandbox, on_event=fails) as client:
        code = await client.await_code(await buy(client, sandbox, CODE))

    assert code == "04217"
    assert "on_event failed event=order.bought" in caplog.messages
    assert sandbox.ledger.open == []


@pytest.mark.parametrize("error", [SystemExit(3), anyio.BrokenResourceError(), GeneratorExit()], ids=repr)
async def test_nothing_a_listener_raises_costs_the_order(sandbox: Sandbox, error: BaseException) -> None:
    """A program that ends itself from there would leave a paid number behind."""

    def tell(event: Event) -> None:
        raise error

    async with open_client(sandbox, on_event=tell) as client, client.activation("telegram", country="russia") as order:
        sandbox.world.receive(order.id, CODE.text, CODE.code)
        code = await order.code()

    assert code == "04217"
    sandbox.ledger.assert_settled()


async def test_ctrl_c_inside_a_listener_is_not_swallowed() -> None:
    """A signal handler may raise it in any code that runs."""

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
    """Python does not catch errors of filters. The caller still gets the order and its code."""

    class Failing(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            raise error

    failing, logger = Failing(), logging.getLogger("smsapi_async")
    logger.addFilter(failing)
    before = logger.level
    logger.setLevel(logging.INFO)
    try:
        async with open_client(sandbox) as client, client.activation("telegram", country="russia") as order:
            sandbox.world.receive(order.id, CODE.text, CODE.code)
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
