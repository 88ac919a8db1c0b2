"""A web service that signs up in the background: the request gets the number at once, the code comes later.

    POST /signups/telegram    202 {"id": 1090123457, "phone": "+7900...", "state": "waiting"}
    GET /signups/1090123457   200 {..., "state": "done", "code": "04217"}, or "state": "failed" and why

It is a plain ASGI application, so it needs only a server. With FastAPI or Starlette `Service.life` is the `lifespan`,
and the two methods below it are the bodies of two endpoints.

One client and one task group live as long as the server. A background wait is a child of that group, never a loose
task. When the server stops, the group is cancelled, and each scope gives its number back. If a code lands in that
moment, the scope takes it and finishes the order. Then the client closes.

Against the local provider:

    python -m smsapi_async.sandbox               # in another terminal; paste its lines into this one
    python examples/service.py                   # serves on port 8056, needs the extra `sandbox` for uvicorn
    curl -X POST localhost:8056/signups/telegram

Against the real provider set only `SMSAPI_TOKEN`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import anyio
import anyio.abc

from smsapi_async import Activation, AsyncClient, NoNumbersError, SmsApiError

Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
Answer = tuple[int, dict[str, Any]]


@dataclass
class Signup:
    """The service's record of one order."""

    id: int
    phone: str
    state: str = "waiting"
    code: str | None = None
    why: str | None = None


@dataclass
class Service:
    """Sells sign-ups. `connect` opens the client; a test gives one of a sandbox."""

    connect: Callable[[], AbstractAsyncContextManager[AsyncClient]] = AsyncClient
    signups: dict[int, Signup] = field(default_factory=dict)

    @asynccontextmanager
    async def life(self) -> AsyncIterator[None]:
        """Run from the start of the server to its end. The end gives back every number that still waits."""
        async with self.connect() as self.client, anyio.create_task_group() as self.group:
            yield
            self.group.cancel_scope.cancel()

    async def sign_up(self, product: str) -> Answer:
        """Buy a number and answer with it; its code is awaited in the background."""
        try:
            signup: Signup = await self.group.start(self.wait, product)
        except NoNumbersError as error:
            return 503, {"why": str(error)}
        except (SmsApiError, ValueError) as error:
            return 502, {"why": str(error)}
        return 202, asdict(signup)

    async def look_up(self, id: str) -> Answer:
        """Return the state of a sign-up."""
        signup = self.signups.get(int(id)) if id.isdecimal() else None
        return (200, asdict(signup)) if signup else (404, {"why": "no such sign-up"})

    async def wait(self, product: str, *, task_status: anyio.abc.TaskStatus[Signup]) -> None:
        """Run one order from its purchase to its end. An error before the number is there goes to `sign_up`."""
        async with self.client.activation(product) as order:
            signup = self.signups[order.id] = Signup(order.id, order.phone)
            task_status.started(signup)
            await self.follow(signup, order)

    async def follow(self, signup: Signup, order: Activation) -> None:
        """Record the code, or the reason why there is none. An error of one wait must not end the other waits."""
        try:
            signup.code = await order.code()
            signup.state = "done"
        except SmsApiError as error:
            signup.state, signup.why = "failed", str(error)
        except anyio.get_cancelled_exc_class():
            signup.state, signup.why = "failed", "the service was stopped first"
            raise

    # -- ASGI ----------------------------------------------------------------------------------------------------------

    async def __call__(self, scope: Event, receive: Receive, send: Send) -> None:
        """One connection of the server."""
        if scope["type"] == "lifespan":
            await receive()
            async with self.life():
                await send({"type": "lifespan.startup.complete"})
                await receive()
            await send({"type": "lifespan.shutdown.complete"})
        elif scope["type"] == "http":
            status, body = await self.answer(scope["method"], scope["path"])
            headers = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    async def answer(self, method: str, path: str) -> Answer:
        """The two routes."""
        match method, path.strip("/").split("/"):
            case "POST", ["signups", product]:
                return await self.sign_up(product)
            case "GET", ["signups", id]:
                return await self.look_up(id)
        return 404, {"why": "POST /signups/PRODUCT or GET /signups/ID"}


app = Service()

if __name__ == "__main__":
    import uvicorn

    uvicorn.run(app, port=8056)
