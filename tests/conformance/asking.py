"""Asks a provider operation by operation, and writes the report. Buys one number only when a product is named."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import anyio
import httpx
from attrs import frozen

from smsapi_async import AsyncClient, NotSentError, OutcomeUnknownError, SmsApiError, UnreadableReplyError
from smsapi_async.v1 import Order
from tests.conformance.beliefs import BOUGHT, CHECKED, RENT_READS, V1_READS, Belief
from tests.conformance.recording import Recorder, json_of
from tests.conformance.shapes import Seen, look, masked

Say = Callable[[str], object]
PATIENCE = 30.0
NO_KEY = "none"
"""Sent with nothing: what needs a key is not asked without one."""


@frozen
class Provider:
    """Where it is, which of the two APIs it speaks, and the key that opens it; without one only what needs none."""

    url: str
    api: str
    key: str | None = None

    @property
    def reads(self) -> tuple[Belief, ...]:
        """The reads to send. The rent API needs its key for all of them."""
        return tuple(each for each in (V1_READS if self.api == "v1" else RENT_READS) if self.key or not each.needs_key)


@frozen
class Purchase:
    """One activation that the user allows: bought, looked at, and cancelled."""

    product: str
    country: str = "any"
    max_price: Decimal | None = None


@frozen
class Asking:
    """One run: the client, what it received last, and where the lines of the report go."""

    provider: Provider
    client: AsyncClient
    recorder: Recorder
    write: Say

    def say(self, line: str) -> None:
        """One line of the report, without the key."""
        self.write(line.replace(self.provider.key, "[key]") if self.provider.key else line)

    async def ask(self, belief: Belief) -> object:
        """Ask, say how the answer differs, and hand on what the client made of it; None if it made nothing."""
        read, failure = None, None
        try:
            read = await belief.act(self.client)
        except SmsApiError as error:
            failure = error
        seen = self._seen(belief)
        if isinstance(failure, UnreadableReplyError | OutcomeUnknownError | NotSentError):
            seen.differs(f"the client of this package makes nothing of it: {type(failure).__name__}")
        self.say(f"{belief.name}: {'DIFFERS' if seen.differences else 'as believed'}")
        for line in [seen.open_fields, *seen.differences]:
            if line:
                self.say(f"    {line}")
        return read

    def _seen(self, belief: Belief) -> Seen:
        seen, answer = Seen(), self.recorder.last
        if answer is None:
            return seen
        if answer.status_code != belief.status:
            seen.differs(f"status {answer.status_code}, believed {belief.status}")
        found = answer.headers.get("content-type", "none").partition(";")[0]
        if found != belief.content_type:
            seen.differs(f"content type {self._masked(found)}, believed {belief.content_type}")
        if not belief.text and answer.status_code == belief.status:
            self._look(belief, answer, seen)
        elif answer.text.strip() != belief.text:
            seen.differs(f"body {self._masked(answer.text)!r}, believed {belief.text or 'JSON'!r}")
        return seen

    def _look(self, belief: Belief, answer: httpx.Response, seen: Seen) -> None:
        try:
            body = json_of(answer)
        except (ValueError, RecursionError):
            seen.differs(f"no JSON: {self._masked(answer.text)!r}")
            return
        look(belief.shape, body, seen)
        if not seen.differences and (more := belief.also(body)):
            seen.differs(more)

    def _masked(self, text: str) -> str:
        return masked(text, self.provider.key)


async def report(
    provider: Provider,
    say: Say,
    purchase: Purchase | None = None,
    *,
    pause: float = 1.0,
    transport: httpx.AsyncBaseTransport | None = None,
) -> None:
    """Ask everything that only reads, then make the purchase if there is one; a line at a time."""
    async with httpx.AsyncClient(transport=Recorder(transport or httpx.AsyncHTTPTransport())) as http:
        recorder = http._transport
        assert isinstance(recorder, Recorder)
        key, url = provider.key or NO_KEY, provider.url
        async with AsyncClient(
            key, rent_key=key, v1_url=url, rent_url=url, max_retries=0, request_timeout=PATIENCE, http_client=http
        ) as client:
            asking = Asking(provider, client, recorder, say)
            for belief in provider.reads:
                await asking.ask(belief)
                await anyio.sleep(pause)
            if purchase is not None:
                await buy_and_cancel(asking, purchase, pause)


async def buy_and_cancel(asking: Asking, wish: Purchase, pause: float) -> None:
    """Buy one activation, look at it, give it back; say whether the whole price came back."""
    before = await asking.client.v1.profile()
    order = await asking.ask(
        Belief(
            "buy_activation",
            lambda c: c.v1.buy_activation(wish.product, country=wish.country, max_price=wish.max_price),
            BOUGHT,
        )
    )
    if not isinstance(order, Order):
        asking.say("nothing was cancelled: look at your orders, if the purchase is not refused above")
        return
    cancelled: object = None
    with anyio.CancelScope(shield=True):  # Ctrl-C, too, must not leave it open
        await anyio.sleep(pause)
        await asking.ask(Belief("check", lambda c: c.v1.check(order.id), CHECKED))
        await anyio.sleep(pause)
        cancelled = await asking.ask(Belief("cancel", lambda c: c.v1.cancel(order.id), CHECKED))
    if cancelled is None:
        asking.say(f"order {order.id} may still be open: cancel it yourself")
        return
    after = await asking.client.v1.profile()
    asking.say(f"the price {'came back' if after.balance == before.balance else 'did NOT come back'} at once")
