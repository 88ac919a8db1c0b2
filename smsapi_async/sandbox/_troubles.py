"""Troubles of a whole provider in one call each, for tests. They use `Sandbox.fail`, and last until their end.
Source: docs/protocol/v1.md and docs/protocol/rent.md, section 4 of each."""

import math
import sys
from functools import partial

from ._faults import ACTS, Answer, NotDone, literal
from ._message import Request
from ._sandbox import Sandbox

NO_NUMBERS = {
    "GET /v1/user/buy/": Answer(200, "no free phones"),
    "GET /v1/user/reuse/": Answer(400, "no free phones"),
    "GET /api/rent/getRentNum.php": literal("NO_NUMBER"),
}
REFUSED_KEYS = {
    "/v1/user/": Answer(401),
    "/v1/vendor/": Answer(401),
    "/api/": literal("ERROR_WRONG_KEY"),
}
ALWAYS = sys.maxsize


def no_numbers(sandbox: Sandbox, seconds: float = math.inf) -> None:
    """Let both providers be out of numbers for `seconds` from now; by default for good."""
    begun = sandbox.now()

    def too_early(start: str, request: Request) -> bool:
        return request.line.startswith(start) and (sandbox.now() - begun).total_seconds() < seconds

    for start, refusal in NO_NUMBERS.items():
        sandbox.fail(partial(too_early, start), refusal, times=ALWAYS)


def refuse_keys(sandbox: Sandbox) -> None:
    """Let both providers refuse their keys from now on, as after a ban of the account."""
    for part, refusal in REFUSED_KEYS.items():
        sandbox.fail(part, refusal, times=ALWAYS)


def ignore_acts(sandbox: Sandbox, seconds: float = math.inf) -> None:
    """Answer a finish, cancel or ban with 200 and do nothing, for `seconds` from now; by default for good.

    No source shows such an answer, and no source says that a 200 means success.
    """
    begun = sandbox.now()

    def too_early(request: Request) -> bool:
        return ACTS.search(request.target) is not None and (sandbox.now() - begun).total_seconds() < seconds

    sandbox.fail(too_early, NotDone(), times=ALWAYS)
