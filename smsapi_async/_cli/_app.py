"""The commands by name, and what their errors are to a shell."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cyclopts import App, CycloptsError

from .. import BadParameterError, OutcomeUnknownError, SmsApiError, SpendUnknownError, __version__
from ..v1 import Order
from . import _account, _catalogue, _code, _doctor, _rent
from ._terminal import StopError, accept_every_letter, say

HELP = """Phone numbers for receiving SMS, from the shell.

Keys come from the environment: SMSAPI_TOKEN for numbers for one code, SMSAPI_RENT_KEY for rented numbers. Results are
printed on stdout, everything else on stderr. What spends money asks first."""

EXIT_CODES = """Exit codes: 0 done; 1 refused, or no code came; 2 wrong usage, nothing was sent; 3 the outcome is
unknown or something is left open; 130 stopped by Ctrl-C."""


def sandbox(*, host: str = "127.0.0.1", port: int = 8055, scenario: Path | None = None) -> None:
    """Serve a local provider of both APIs until Ctrl-C. Needs the extra `sandbox`.

    Args:
        host: the address to listen at.
        port: the port to listen at; 0 picks a free one.
        scenario: a JSON file with the fields of Scenario.
    """
    from ..sandbox.__main__ import run as serve  # noqa: PLC0415

    serve(host, port, scenario)


app = App(name="smsapi", help=HELP, help_epilogue=EXIT_CODES, version=__version__, suppress_keyboard_interrupt=False)
for command in (
    _account.balance, _catalogue.offers, _catalogue.countries, _catalogue.products, _code.code, _code.wait,
    _account.orders, _rent.app, sandbox, _doctor.doctor,
):  # fmt: skip
    app.command(command)
app.register_install_completion_command()


def main(tokens: Sequence[str]) -> int:
    """Run one command; its exit code. An error is one line on stderr."""
    accept_every_letter()
    try:
        with _warnings_said():
            app(tokens, exit_on_error=False, print_error=False, result_action="return_value")
    except (CycloptsError, ValueError) as mistake:
        return _told(mistake, 2)
    except StopError as stop:
        return _told(stop, stop.code)
    except SmsApiError as error:
        return _told(error, 3 if isinstance(error, OutcomeUnknownError) else 1)
    except KeyboardInterrupt:
        return _told("stopped", 130)
    except BrokenPipeError:  # who read the results has gone, as `head` does; what is left of them must go somewhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as trouble:  # a full disk, to which the results were written
        return _told(trouble, 1)
    return 0


def _told(what: object, code: int) -> int:
    say(f"smsapi: {what}")
    if isinstance(what, SpendUnknownError):
        for found in what.candidates:
            say(f"perhaps it is {f'order {found.id}' if isinstance(found, Order) else f'rented number {found.tzid}'}")
    if isinstance(what, BadParameterError):
        say("`smsapi products`, `smsapi countries` and `smsapi rent tariffs` list what there is")
    return code


@contextmanager
def _warnings_said() -> Iterator[None]:
    """What the client has to tell although its caller is gone, such as a purchase of unknown outcome."""
    log, handler = logging.getLogger("smsapi_async"), logging.Handler(logging.WARNING)
    handler.addFilter(lambda record: not record.getMessage().startswith("order.unsettled"))  # `run` tells of those
    handler.emit = lambda record: say(record.getMessage())  # type: ignore[method-assign]
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
