"""A program on virtual time that can never go on: the error, and the places where it waits."""

from __future__ import annotations

import functools
import sysconfig
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import anyio

LONGEST = 400 * 86_400.0  # virtual seconds; the longest thing waited for is a rent of a year
STDLIB = sysconfig.get_path("stdlib")
INSTALLED = ("site-packages", "dist-packages")


class StuckError(AssertionError):
    """The test can never go on: nothing is left to wait for, or it has waited longer than 400 days."""

    def __init__(self, now: float, coroutines: Iterable[Any]) -> None:
        what = "the test waits longer than 400 days" if now > LONGEST else "nothing left to wait for"
        waiting = "; ".join(places(coroutines)) or "no coroutine of yours"
        super().__init__(f"{what} (virtual second {now:g}); waiting: {waiting}")


def places(coroutines: Iterable[Any]) -> list[str]:
    """Return where suspended coroutines wait: each by its deepest frame that is not of an installed package."""
    found = []
    for coroutine in coroutines:
        place, inner = "", coroutine
        while (frame := getattr(inner, "cr_frame", None)) is not None:
            file = frame.f_code.co_filename
            if _is_of_the_user(file):
                place = f"{frame.f_code.co_name} at {_short(file)}:{frame.f_lineno}"
            inner = inner.cr_await
        if place:
            found.append(place)
    return sorted(found)


def _is_of_the_user(file: str) -> bool:
    return not file.startswith((STDLIB, "<")) and not any(name in file for name in INSTALLED)


def _short(file: str) -> str:
    """Return the path as pytest prints it, relative to the current folder."""
    path, here = Path(file), Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


class Watch(Protocol):
    """Notices a run that can never go on: it cancels the scope once and keeps the error."""

    scope: anyio.CancelScope | None
    stuck: StuckError | None


Test = Callable[..., Awaitable[object]]


def never_stuck(test: Test, find_watch: Callable[[], Watch]) -> Test:
    """Return the test in a scope of its own. A test that can never go on ends with the watch's error.

    The error has the traceback of the test's cancellation, so pytest shows the lines of the test that wait, instead of
    its own machinery.
    """

    @functools.wraps(test)
    async def run(**arguments: Any) -> None:
        watch, waited_in = find_watch(), None
        try:
            with anyio.CancelScope() as watch.scope:
                try:
                    await test(**arguments)
                except BaseException as ended:
                    waited_in = _cut(ended.__traceback__)
                    raise
        finally:
            watch.scope = None
            if watch.stuck:
                raise watch.stuck.with_traceback(waited_in)

    return run


def _cut(traceback: TracebackType | None) -> TracebackType | None:
    """Return the traceback up to its deepest frame that is not of an installed package."""
    if traceback is None:
        return None
    rest = _cut(traceback.tb_next)
    if rest is None and not _is_of_the_user(traceback.tb_frame.f_code.co_filename):
        return None
    return TracebackType(rest, traceback.tb_frame, traceback.tb_lasti, traceback.tb_lineno)
