"""The sandbox: a world, its two faces, the faults to come, and a record of every request.
Its time is the event loop's clock, and it never waits by itself."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

import anyio
from attrs import define, evolve, field, frozen

from ._app import App, Asgi
from ._faults import TOO_MANY_REQUESTS, Answer, Fault, LostAfter, NotConnected, Rule, literal
from ._ledger import Ledger
from ._limits import Limiter
from ._message import Request, Response, not_found
from ._quirks import Quirks
from ._rent import RentApi
from ._scenario import Scenario
from ._transport import Transport
from ._v1 import V1
from ._world import World

if TYPE_CHECKING:
    from ._transport2 import Transport2

TOKEN = "eyJhbGciOiJSUzUxMiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE4MzAyOTc2MDAsInN1YiI6InNhbmRib3gifQ.c2FuZGJveC12MS10b2tlbg"  # noqa: S105  opens nothing but a sandbox
RENT_KEY = "5a9db0c0ffee41d2b7e6a1f0c3d8e94b"
START = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOST = "sandbox.test"
TOO_FAST = literal("INTERVAL_CONCURRENT_REQUESTS_ERROR")

SPENDING = (
    "GET /v1/user/buy/",
    "GET /v1/user/reuse/",
    "POST /v1/vendor/withdraw",
    "GET /api/rent/getRentNum.php",
    "GET /api/rent/extendRentState.php",
)


@frozen
class LogEntry:
    """One request that arrived: `at` in seconds of the loop's clock, `line` is "METHOD target"."""

    at: float
    line: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = b""


@define(eq=False, slots=False)
class Sandbox(Quirks):
    """A local provider of both APIs.

    Args:
        scenario: the goods, and which SMS come when.
        start: the world's clock at first use.
        clock_skew, date_skew, date_rate, date_text, no_date: the provider's clocks; see `Quirks`, like all that follow.
        history_lag, page_cap, listing_without_sms, listing_sms_lag, listing_status_lag, reverse_is_empty: its lists.
        rent_lag, misprints: its rented numbers, and unreadable fields. All of these may be set at any time.
    """

    scenario: Scenario = field(factory=Scenario, kw_only=True)
    start: datetime = field(default=START, kw_only=True)
    token: str = field(default=TOKEN, kw_only=True, repr=False)
    rent_key: str = field(default=RENT_KEY, kw_only=True, repr=False)
    log: list[LogEntry] = field(factory=list, init=False, repr=False)
    faults_met: list[tuple[str, Fault]] = field(factory=list, init=False, repr=False)
    """Each request that met a fault of `fail` or `lose_next_reply`, as "METHOD target", and the fault."""
    _rules: list[Rule] = field(factory=list, init=False, repr=False)
    _first_use: float | None = field(default=None, init=False, repr=False)

    v1_url: ClassVar[str] = f"http://{HOST}/v1"
    rent_url: ClassVar[str] = f"http://{HOST}/api"

    def __attrs_post_init__(self) -> None:
        self._world = World(self.scenario, self.start)
        self._v1 = V1(self._world, self.token, self)
        self._rent = RentApi(self._world, self.rent_key, self)
        self._v1_limit = Limiter(self.scenario.requests_per_second, bans=True)
        self._rent_limit = Limiter(self.scenario.rent_requests_per_second, bans=False)

    @property
    def world(self) -> World:
        """The world, advanced to now."""
        self._world.advance(self.now())
        return self._world

    @property
    def ledger(self) -> Ledger:
        """The account of all money, as of now."""
        return self.world.ledger

    def now(self) -> datetime:
        """Return the world's time: `start` plus the loop's seconds since the first use. It never goes back."""
        elapsed = self._loop_time()
        if elapsed is None:
            return self._world.now
        if self._first_use is None:
            self._first_use = elapsed
        return max(self._world.now, self.start + timedelta(seconds=elapsed - self._first_use))

    def _loop_time(self) -> float | None:
        """Return the loop's time; None outside of a running event loop."""
        try:
            return anyio.current_time()
        except RuntimeError:  # no loop; or one of anyio's test runner, between two of its calls
            return None

    def transport(self) -> Transport:
        """Return an in-process transport for `httpx.AsyncClient(transport=...)`."""
        return Transport(self)

    def transport2(self) -> "Transport2":
        """Return the same for `httpx2`."""
        from ._transport2 import Transport2  # noqa: PLC0415  httpx2 is an extra

        return Transport2(self)

    @property
    def app(self) -> Asgi:
        """The ASGI application, for a real server."""
        return App(self)

    def fail(self, match: str | Callable[[Request], bool], fault: Fault, times: int = 1, after: int = 0) -> None:
        """Let the next `times` requests that match meet a fault; `after` of them pass first.

        Args:
            match: a part of the "METHOD target" of a request, or a function of the request, called in its task.
        """
        matches = match if callable(match) else lambda request: match in request.line
        self._rules.append(Rule(matches, fault, times, after))

    def lose_next_reply(self) -> None:
        """Process the next request that spends, and lose its answer."""
        self.fail(lambda request: request.line.startswith(SPENDING), LostAfter())

    @property
    def requests(self) -> list[str]:
        """Every request received, as "METHOD target", in order."""
        return [entry.line for entry in self.log]

    def count(self, start: str) -> int:
        """Return how many of the requests begin with `start`."""
        return sum(line.startswith(start) for line in self.requests)

    def arrive(self, request: Request, now: datetime) -> Fault | None:
        """Record a request, if it was connected, and return the fault that it meets. Called once, before `perform`."""
        fault: Fault | None = next((rule.fault for rule in self._rules if rule.applies(request)), None)
        if fault is not None:
            self.faults_met.append((request.line, fault))
        if isinstance(fault, NotConnected):
            return fault
        clock = self._loop_time()
        at = (now - self.start).total_seconds() if clock is None else clock
        self.log.append(LogEntry(at, request.line, dict(request.headers), request.body))
        return fault or self._too_fast(request, at)

    def _too_fast(self, request: Request, at: float) -> Answer | None:
        if request.path.startswith("/v1/"):
            return TOO_MANY_REQUESTS if self._v1_limit.refuses(at) else None
        return TOO_FAST if self._rent_limit.refuses(at) else None

    def perform(self, request: Request, now: datetime) -> Response:
        """Carry out a request at the instant `now`. A HEAD acts like a GET: a purchase is made."""
        if request.method == "HEAD":
            request = evolve(request, method="GET")
        self._world.advance(now)
        face = next((face for start, face in self._faces().items() if request.path.startswith(start)), None)
        return self.dated(face(request) if face else not_found(), now)

    def _faces(self) -> dict[str, Callable[[Request], Response]]:
        return {"/v1/": self._v1.answer, "/api/": self._rent.answer}

    def dated(self, response: Response, now: datetime) -> Response:
        """Return the response with the provider's `Date` and the length of its body."""
        date = self.date(now, self.start)
        dated = response if date is None else response.having({"date": date})
        return dated.having({"content-length": str(len(response.body))})

    def handle(self, request: Request, now: datetime) -> Response:
        """Answer a request at the instant `now`, without a loop. Of the faults only `Answer` applies."""
        fault = self.arrive(request, now)
        if not isinstance(fault, Answer):
            return self.perform(request, now).to(request)
        if fault.processed:
            self.perform(request, now)
        return self.dated(fault.response(), now).to(request)
