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
    _stop_as_by_ctrl_c()
    return main(sys.argv[1:])


def _stop_as_by_ctrl_c() -> None:
    """A supervisor or a closed window ends the command as Ctrl-C does: its order is settled first."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background program of a shell ignores it
    for name in {"SIGTERM", "SIGHUP"} & set(dir(signal)):
        number = getattr(signal, name)
        if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` has it
            signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))


if __name__ == "__main__":
    sys.exit(script())
