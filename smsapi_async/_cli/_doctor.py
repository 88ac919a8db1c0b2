"""A report to paste into a question: what is installed, what is configured, what answers. Never a key."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Awaitable, Callable
from importlib import metadata

import anyio

from .. import AsyncClient, SmsApiError, __version__
from ._running import KEYS, InSandbox, run
from ._terminal import Json, StopError, clean, show, show_json

PACKAGES = (
    "anyio", "attrs", "cattrs", "httpx", "httpx2", "msgspec", "h2", "opentelemetry-api", "trio", "uvicorn", "cyclopts",
    "rich",
)  # fmt: skip
VARIABLES = ("SMSAPI_TOKEN", "SMSAPI_RENT_KEY", "SMSAPI_V1_URL", "SMSAPI_RENT_URL")


def doctor(*, json: Json = False, sandbox: InSandbox = False) -> None:
    """Tell what is installed and configured, and whether the providers answer. Spends nothing; shows no key."""
    _show(
        {
            "installed": _installed(),
            "configured": {name: _shown(name) for name in VARIABLES},
            "answers": _asked(sandbox=sandbox),
        },
        json=json,
    )


def _show(report: dict[str, dict[str, str]], *, json: bool) -> None:
    if json:
        show_json(report)
    else:
        for title, lines in report.items():
            show(title, *(f"  {name:<16} {clean(text)}" for name, text in lines.items()))
    if not all(text.startswith(("ok", "not asked")) for text in report["answers"].values()):
        raise StopError("not everything that is configured answers", 1)
    if all(text.startswith("not asked") for name, text in report["answers"].items() if name.endswith("account")):
        raise StopError(f"no key is set: set {' or '.join(KEYS.values())}, or try --sandbox", 1)


def _installed() -> dict[str, str]:
    own = {"smsapi_async": __version__, "python": platform.python_version(), "system": platform.platform()}
    return own | {name: _version(name) for name in PACKAGES}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _shown(name: str) -> str:
    """A URL without what it may hold of a password; of a key only whether it is there."""
    value = os.environ.get(name)
    if not value:
        return "not set"
    if not name.endswith("_URL"):
        return "set"
    return re.sub(r"(?<=//).*@|[?#].*", "", value)


def _asked(*, sandbox: bool) -> dict[str, str]:
    """The answers of the providers, or the reason why there is no client to ask them with."""
    try:
        return run(lambda client: _answers(client, sandbox=sandbox), sandbox=sandbox)
    except ValueError as mistake:
        return {"client": str(mistake)}


async def _answers(client: AsyncClient, *, sandbox: bool) -> dict[str, str]:
    asked: dict[str, tuple[str | None, Callable[[], Awaitable[object]]]] = {
        "v1": (None, lambda: client.v1.notification("en")),
        "v1 account": (KEYS["v1"], client.v1.profile),
        "rent account": (KEYS["rent"], client.rent.balance),
    }
    found = {}
    for name, (variable, ask) in asked.items():
        if variable is not None and not (sandbox or os.environ.get(variable)):
            found[name] = f"not asked: {variable} is not set"
            continue
        begun = anyio.current_time()
        try:
            await ask()
        except SmsApiError as error:
            found[name] = str(error)
        else:
            found[name] = f"ok in {anyio.current_time() - begun:.2f} s"
    return found
