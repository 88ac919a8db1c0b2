"""The commands by name, and what their errors are to a shell."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cyclopts import App, CycloptsError

from .. import BadParameterError, OutcomeUnknownError, SmsApiError, SpendUnknownError, __version__
from . import _account, _catalogue, _code, _doctor, _orders, _rent
from ._help import epilogue
from ._terminal import StopError, accept_every_letter, say

HELP = """Phone numbers for receiving SMS, from the shell.

Keys come from the environment: SMSAPI_TOKEN for numbers for one code, SMSAPI_RENT_KEY for rented numbers. Results are
printed on stdout, everything else on stderr. What spends money asks first."""


def sandbox(*, host: str = "127.0.0.1", port: int = 8055, scenario: Path | None = None) -> None:
    """Serve a local provider of both APIs until Ctrl-C. Needs the extra `sandbox`.

    Args:
        host: the address to listen at.
        port: the port to listen at; 0 picks a free one.
        scenario: a JSON file with the fields of Scenario.
    """
    from ..sandbox.__main__ import run as serve  # noqa: PLC0415

    serve(host, port, scenario)


app = App(
    name="smsapi",
    help=HELP,
    help_epilogue=epilogue(),
    version=__version__,
    version_flags=["--version", "-V"],
    suppress_keyboard_interrupt=False,
)
for command in (
    _account.balance, _catalogue.offers, _catalogue.countries, _catalogue.products, _code.code, _code.wait,
    _orders.orders, _orders.check, _orders.finish, _orders.cancel, _orders.ban, sandbox, _doctor.doctor,
):  # fmt: skip
    app.command(command, help_epilogue=epilogue(command.__name__))
app.command(_rent.app)
app.register_install_completion_command()


def main(tokens: Sequence[str]) -> int:
    """Run one command; its exit code. An error is one line on stderr, of JSON with `--json`."""
    accept_every_letter()
    try:
        with _warnings_said():
            app(tokens, exit_on_error=False, print_error=False, result_action="return_value")
    except BaseException as error:
        found = _ending(error)
        if found is None:
            raise
        what, code = found
        if not what:
            return code
        if "--json" in tokens:
            say(json.dumps(_as_json(error, what, code)))
        else:
            _explain(error, what)
        return code
    return 0


def _ending(error: BaseException) -> tuple[str, int] | None:
    """The words for the error that ended a command, and its exit code; None for a mistake of ours.

    Nothing is said of a reader of the results that has gone, as `head` does.
    """
    if isinstance(error, (CycloptsError, ValueError)):
        return str(error), 2
    if isinstance(error, StopError):
        return str(error), error.code
    if isinstance(error, SmsApiError):
        return str(error), 3 if isinstance(error, OutcomeUnknownError) else 1
    if isinstance(error, KeyboardInterrupt):
        return "stopped", 130
    if isinstance(error, OSError):
        _write_no_more()
        why = error.strerror or type(error).__name__
        return "" if isinstance(error, BrokenPipeError) else f"the result could not be written: {why}", 1
    return None


def _write_no_more() -> None:
    """Let what is left of the results go nowhere: Python would try to write it once more at its end."""
    if sys.__stdout__ is not None and sys.stdout is sys.__stdout__:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno())


def _explain(error: BaseException, what: str) -> None:
    say(f"smsapi: {what}")
    if isinstance(error, SpendUnknownError):
        for order in error.orders:
            say(f"perhaps it is order {order.id}")
        for number in error.numbers:
            say(f"perhaps it is rented number {number.tzid}")
    if isinstance(error, BadParameterError):
        say("`smsapi products`, `smsapi countries` and `smsapi rent tariffs` list what there is")


def _as_json(error: BaseException, what: str, code: int) -> dict[str, object]:
    """An error for a program: its class, its message, and what it has beside that."""
    found: dict[str, object] = {"error": type(error).__name__, "message": what, "exit_code": code}
    found |= {name: value for name in ("call", "reason", "status") if (value := getattr(error, name, None))}
    if isinstance(error, SpendUnknownError):
        found["orders"] = [order.id for order in error.orders]
        found["numbers"] = [number.tzid for number in error.numbers]
    return found


@contextmanager
def _warnings_said() -> Iterator[None]:
    """Events that the client reports although its caller is gone, such as a purchase of unknown outcome."""
    log, handler = logging.getLogger("smsapi_async"), logging.Handler(logging.WARNING)
    handler.addFilter(lambda record: not record.getMessage().startswith("order.unsettled"))  # `run` tells of those
    handler.emit = lambda record: say(record.getMessage())  # type: ignore[method-assign]
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
