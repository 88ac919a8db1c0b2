"""`python -m smsapi_async.sandbox`: the sandbox on localhost, until Ctrl-C.

Without a scenario every `telegram` order and every rent of country 7 gets a code after five seconds."""

import argparse
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import uvicorn  # noqa: TID253  nothing imports this module: the `sandbox` extra has it

from . import Delivery, Sandbox, Scenario

DEMO = Scenario(
    plans={"telegram": [[Delivery(5, "Telegram code 04217", "04217")]]},
    rent_plans={"7": [[Delivery(5, "Your verification code is 070051", "070051", "Google")]]},
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve; prints one line with both addresses and both keys once the port is open."""
    parser = argparse.ArgumentParser(
        prog="python -m smsapi_async.sandbox", description="A local provider of both APIs."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8055, help="0 picks a free one")
    parser.add_argument("--scenario", type=Path, help="a JSON object with the fields of Scenario")
    options = parser.parse_args(arguments)
    scenario = DEMO if options.scenario is None else Scenario.from_json(options.scenario.read_bytes())
    sandbox = Sandbox(scenario=scenario, start=datetime.now(UTC))
    with socket.create_server((options.host, options.port)) as listener:
        base = "http://{}:{}".format(*listener.getsockname())
        print(f"v1 {base}/v1 token {sandbox.token} | rent {base}/api key {sandbox.rent_key}", flush=True)
        serve(sandbox, listener)


def serve(sandbox: Sandbox, listener: socket.socket) -> None:
    """Run the server on an open port until it is told to stop. `Date` and `Server` are left to the world."""
    config = uvicorn.Config(sandbox.app, date_header=False, server_header=False, log_level="warning")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
