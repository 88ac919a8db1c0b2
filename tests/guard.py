"""No test reaches beyond this machine. An audit hook sees every connection and every name lookup of every library.

Source: docs.python.org/3/library/audit_events.html; a hook that raises stops the act before it happens.
"""

from __future__ import annotations

import ipaddress
import sys
from typing import Any

NAMES = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}  # their first argument is a host
ADDRESSES = {"socket.connect", "socket.sendto", "socket.sendmsg"}  # their second is an address, its first part the host

refused: list[str] = []  # since the running test began: an `except` in the tested code cannot hide one


class OutsideError(AssertionError):
    """The code under test was about to leave this machine."""


def is_outside(host: object) -> bool:
    """Return False for loopback names and addresses, a server's empty host, and all that is no internet address."""
    if not isinstance(host, str) or host in {"", "localhost"}:
        return False
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return True


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event in NAMES:
        host = arguments[0]
    elif event in ADDRESSES and isinstance(arguments[1], tuple):  # a local socket's address is a path
        host = arguments[1][0]
    else:
        return
    if isinstance(host, bytes):  # asyncio hands names over as text, anyio as IDNA bytes
        host = host.decode("ascii")
    if is_outside(host):
        refused.append(f"{event} {host}")
        raise OutsideError(f"a test must not reach beyond this machine: {refused[-1]}")


def install() -> None:
    """For the life of the process: an audit hook cannot be taken back."""
    sys.addaudithook(_hook)
