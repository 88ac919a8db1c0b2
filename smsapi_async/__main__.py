"""`python -m smsapi_async` and the command `smsapi`; a plain install lacks what they need, and is told the extra."""

import signal
import sys


def script() -> int:
    """Run the command line on this process's arguments; its exit code."""
    try:
        from ._cli._app import main  # noqa: PLC0415  the extra may be missing
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in ("cyclopts", "rich"):
            raise
        print("smsapi: the command line needs the extra `cli`: pip install 'smsapi_async[cli]'", file=sys.stderr)
        return 2
    for other in {"SIGTERM", "SIGHUP"} & set(dir(signal)):  # a closed terminal settles orders as Ctrl-C does
        signal.signal(getattr(signal, other), lambda *_: signal.raise_signal(signal.SIGINT))
    return main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(script())
