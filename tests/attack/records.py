"""The records of a run: the results of the bots' calls, and the requests that arrived. Judges nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal
from math import inf
from typing import Any

import anyio
import attrs

from smsapi_async import SmsApiError
from smsapi_async._activation import Activation
from smsapi_async.rent import RentedNumber
from smsapi_async.v1 import Order

BOT: ContextVar[int | None] = ContextVar("BOT", default=None)
CALL: ContextVar[int | None] = ContextVar("CALL", default=None)
"""Whose task a request is made in, and for which call that spends. A child task inherits both from who began it."""


def id_of(bought: Any) -> int:
    """The id of an order, of a scope around one, or of a rented number; 0 for a payout, which has none."""
    if bought is None:
        return 0
    number: int = bought.tzid if isinstance(bought, RentedNumber) else bought.id
    return number


@attrs.define(eq=False)
class Spending:
    """One call that spends, and its caller's result.

    Attributes:
        asked: the mark of equal calls: product, phone, country or tzid.
        returned: the id that the call gave.
        most: the most that the purchase may cost.
        early: True if its caller was cancelled before the call.
        cancelled: True if its caller got only the cancellation.
    """

    number: int
    kind: str
    asked: object
    client: int
    bot: int
    at: float
    most: Decimal | None = None
    early: bool = False
    returned: int | None = None
    error: SmsApiError | None = None
    cancelled: bool = False
    ended: float = inf

    @property
    def named(self) -> set[int]:
        """The ids that its error names."""
        order = getattr(self.error, "order", None)
        found: tuple[Order | RentedNumber, ...] = getattr(self.error, "candidates", ())
        return {id_of(each) for each in (*found, *((order,) if order is not None else ()))}


@attrs.define(eq=False)
class Wait:
    """One wait for a code and how it ended.

    Attributes:
        settles: whether it closes the order when it is the last.
        sender: whose messages alone it is for; None: anybody's.
        scope: the number of the scope it was made in.
        patience: its own timeout.
    """

    order: int
    client: int
    began: float
    settles: bool
    rent: bool = False
    sender: str | None = None
    scope: int | None = None
    patience: float | None = None
    ended: float = inf
    code: str | None = None
    error: SmsApiError | None = None


@attrs.define(eq=False)
class Held:
    """One scope around an order."""

    number: int
    activation: Activation
    client: int
    began: float
    ended: float = inf
    kept: bool = False
    """True if the order was in `client.unsettled` when it was left."""
    open_after: bool = False
    """True if the order was open then."""

    @property
    def order(self) -> int:
        return self.activation.id


@attrs.define(eq=False)
class Read:
    """The messages of an iterator; `whole` once it ended by itself."""

    order: int
    texts: list[str] = attrs.field(factory=list)
    whole: bool = False


@attrs.define(eq=False)
class Walk:
    """One iteration over the open orders; `ids` once it ended by itself."""

    client: int
    bot: int
    began: float
    ended: float = inf
    ids: set[int] | None = None
    error: SmsApiError | None = None


@attrs.frozen
class Asked:
    """One read of the catalogue."""

    client: int
    began: float
    ended: float


@attrs.define(eq=False)
class Interrupted:
    """A bot that was cancelled at `at`, and when and how it ended."""

    bot: int
    how: str
    at: float
    ended: float = 0.0
    cancelled: bool = False


@attrs.frozen
class Arrival:
    """A request at the provider's door.

    Attributes:
        request: its name in the table of requests.
        fault: the name of the fault it met.
        received: whether it left the client at all.
    """

    at: float
    line: str
    request: str | None
    client: int
    bot: int | None
    call: int | None
    fault: str | None
    received: bool


@attrs.define
class Records:
    """Everything written down in one run; clients are numbered, one that recovers for another has its own number."""

    calls: list[Spending] = attrs.field(factory=list)
    waits: list[Wait] = attrs.field(factory=list)
    scopes: list[Held] = attrs.field(factory=list)
    reads: list[Read] = attrs.field(factory=list)
    interruptions: list[Interrupted] = attrs.field(factory=list)
    arrivals: list[Arrival] = attrs.field(factory=list)
    made: dict[tuple[str, int, int], int | None] = attrs.field(factory=dict)
    """(order, rent or extension; id; which of its extensions) -> the call whose request made it."""
    registered: dict[int, set[int]] = attrs.field(factory=dict)
    """Client -> what it handed to `on_unsettled` or has in `unsettled`."""
    crashed: dict[int, float] = attrs.field(factory=dict)
    closings: dict[int, tuple[float, float]] = attrs.field(factory=dict)
    """Client -> when its first aclose() was called, and when it returned."""
    idle_closings: set[int] = attrs.field(factory=set)
    """Clients that were closed when every order that their calls made was over, and no bot was at work."""
    walks: list[Walk] = attrs.field(factory=list)
    catalogue: list[Asked] = attrs.field(factory=list)
    told_settled: list[str] = attrs.field(factory=list)
    """Orders that were open when an event said that they are settled."""
    spent: dict[int, Decimal] = attrs.field(factory=dict)
    """Client -> what its budget says at the end."""
    processes: dict[int, int] = attrs.field(factory=dict)
    """Client -> the process it is of."""
    recovered: dict[int, int] = attrs.field(factory=dict)
    """The client that crashed -> the one that recovered for it."""
    after_closing: list[str] = attrs.field(factory=list)
    failed: set[int] = attrs.field(factory=set)
    """Bots who left a scope with an error: that outlives a cancellation during the settling."""
    surprises: list[str] = attrs.field(factory=list)
    """Faults that no user should ever see: other errors, warnings, tasks and streams left."""
    log: list[str] = attrs.field(factory=list)

    @contextmanager
    def spending(
        self, kind: str, asked: object, client: int, bot: int, *, most: Decimal | None = None, early: bool = False
    ) -> Iterator[Spending]:
        """Around one call that spends."""
        call = Spending(len(self.calls), kind, asked, client, bot, anyio.current_time(), most, early)
        self.calls.append(call)
        token = CALL.set(call.number)
        try:
            yield call
        except SmsApiError as error:
            call.error = error
            raise
        except BaseException:
            call.cancelled = True
            raise
        finally:
            CALL.reset(token)
            call.ended = anyio.current_time()
