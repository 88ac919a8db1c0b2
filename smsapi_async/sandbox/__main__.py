"""`python -m smsapi_async.sandbox`: the sandbox on localhost, until Ctrl-C.

Every `telegram` order and every rent of country 7 gets a code after five seconds, unless the scenario has `plans` or
`rent_plans` of its own."""

import argparse
import json
import socket
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path

from . import Delivery, Sandbox, Scenario

DEMO = Scenario(
    plans={"telegram": [[Delivery(5, "Telegram code 04217", "04217")]]},
    rent_plans={"7": [[Delivery(5, "Your verification code is 070051", "070051", "Google")]]},
)

SHELLS = {"bash, zsh": "export {}={}", "PowerShell": "$env:{} = '{}'", "cmd": 'set "{}={}"'}
"""How each shell sets a variable. The values hold letters, digits and `:/._-` alone, and so need no escape in any."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve as the arguments say. A mistake in them is reported in one line."""
    parser = argparse.ArgumentParser(
        prog="python -m smsapi_async.sandbox", description="A local provider of both APIs."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8055, help="0 picks a free one")
    parser.add_argument("--scenario", type=Path, help="a JSON object with the fields of Scenario")
    options = parser.parse_args(arguments)
    try:
        run(options.host, options.port, options.scenario)
    except ValueError as mistake:
        parser.error(str(mistake))


def run(host: str, port: int, scenario: Path | None) -> None:
    """Serve until Ctrl-C. Once the port is open, print both addresses and both keys, and the lines to paste.

    Raises:
        ValueError: there is no such scenario or address, or the extra is missing. The text says which.
    """
    if find_spec("uvicorn") is None:
        raise ValueError("to serve needs the extra `sandbox`: pip install 'smsapi_async[sandbox]'")
    sandbox = Sandbox(scenario=DEMO if scenario is None else read(scenario), start=datetime.now(UTC))
    with listening(host, port) as listener, suppress(KeyboardInterrupt):
        print(to_paste(sandbox, "http://{}:{}".format(*listener.getsockname())), flush=True)
        serve(sandbox, listener)


def to_paste(sandbox: Sandbox, base: str) -> str:
    """Return both addresses and both keys, then the lines that set them in the environment of each shell.

    No line to paste is a comment: an interactive zsh would run it as a command.
    """
    variables = {
        "SMSAPI_V1_URL": f"{base}/v1",
        "SMSAPI_TOKEN": sandbox.token,
        "SMSAPI_RENT_URL": f"{base}/api",
        "SMSAPI_RENT_KEY": sandbox.rent_key,
    }
    lines = [
        "v1 {} token {} | rent {} key {}".format(*variables.values()),
        "",
        "Paste the lines of your shell into another terminal",
    ]
    for shell, form in SHELLS.items():
        lines += ["", f"{shell}:", *(form.format(name, value) for name, value in variables.items())]
    return "\n".join([*lines, ""])


def read(file: Path) -> Scenario:
    """Return the scenario of a file, with the demo's codes unless it has plans of its own.

    Raises:
        ValueError: with the file and the field that is wrong in it.
    """
    try:
        fields = json.loads(file.read_bytes(), parse_float=Decimal)
    except OSError as error:
        raise ValueError(f"{file}: {error.strerror}") from error
    except ValueError as error:
        raise ValueError(f"{file} is no JSON: {error}") from error
    if not isinstance(fields, dict):
        raise ValueError(f"{file}: a JSON object with the fields of Scenario is needed")
    for name, value in fields.items():
        try:
            Scenario(**{name: value})
        except Exception as error:
            raise ValueError(f"{file}: {name} is no field of Scenario, or no such value of one: {error}") from error
    return Scenario(**{"plans": DEMO.plans, "rent_plans": DEMO.rent_plans, **fields})


def listening(host: str, port: int) -> socket.socket:
    """Return an open port, or raise ValueError with the address."""
    try:
        return socket.create_server((host, port))
    except (OSError, OverflowError) as error:
        raise ValueError(f"{host}:{port} cannot be listened at: {error}") from error


def serve(sandbox: Sandbox, listener: socket.socket) -> None:
    """Run the server on an open port until a signal stops it. The sandbox writes `Date` and `Server` itself."""
    import uvicorn

    config = uvicorn.Config(sandbox.app, date_header=False, server_header=False, log_level="warning")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
