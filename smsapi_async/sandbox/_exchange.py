"""One request and its fate, for every way in: processed or not, with its delay, and with all or a part of its answer.
Knows no HTTP library. Its exceptions have the names that real sockets raised (tests/sandbox/test_proxy.py)."""

from datetime import datetime
from typing import Any, Protocol

import anyio
import anyio.lowlevel
from attrs import frozen

from ._faults import (
    Answer,
    Chunked,
    Cut,
    Delay,
    DoneUnseen,
    Fault,
    LostAfter,
    LostBefore,
    Mangle,
    NotConnected,
    NotDone,
    Reset,
    Stall,
    look_of,
)
from ._message import Request, Response

HOSTS = frozenset({"sandbox.test"})
DISCONNECTED = "Server disconnected without sending a response."


class Provider(Protocol):
    """The part of a sandbox that an exchange needs."""

    def now(self) -> datetime: ...
    def arrive(self, request: Request, now: datetime) -> Fault | None: ...
    def perform(self, request: Request, now: datetime) -> Response: ...
    def dated(self, response: Response, now: datetime) -> Response: ...


class BrokenError(Exception):
    """The exchange failed below HTTP: `kind` is the name of the exception in httpx and httpx2 alike."""

    def __init__(self, kind: str, message: str = "") -> None:
        super().__init__(kind, message)
        self.kind = kind
        self.message = message


@frozen
class Passage:
    """An answer on its way; with `sent` only that much of its body arrives, with `chunked` it arrives in chunks."""

    response: Response
    sent: int | None = None
    chunked: Chunked | None = None
    read_timeout: float | None = None

    @property
    def chunks(self) -> list[bytes]:
        """The pieces of the body, as they arrive."""
        body = self.response.body[: self.sent]
        size = self.chunked.size if self.chunked else max(1, len(body))
        return [body[start : start + size] for start in range(0, len(body), size)]

    async def next_chunk(self) -> None:
        """Wait for the next piece.

        Raises:
            BrokenError: the reader's timeout passed first.
        """
        if self.chunked and self.chunked.pause:
            await _wait(self.chunked.pause, self.read_timeout)

    @property
    def broken(self) -> BrokenError:
        """The error after the last byte of a cut body."""
        counts = f"received {self.sent} bytes, expected {len(self.response.body)}"
        return BrokenError(
            "RemoteProtocolError", f"peer closed connection without sending complete message body ({counts})"
        )


async def serve(provider: Provider, request: Any) -> Passage:
    """Answer a request of httpx or of httpx2, which are alike and unrelated.

    Raises:
        BrokenError: there is no answer; also for every host that does not exist here.
    """
    await request.aread()
    if request.url.host not in HOSTS:
        raise BrokenError("ConnectError", "[Errno -2] Name or service not known")
    headers = {name.lower(): value for name, value in request.headers.items()}
    ours = Request(request.method, request.url.raw_path.decode("ascii"), headers, request.content)
    return await exchange(provider, ours, request.extensions.get("timeout", {}).get("read"))


async def exchange(provider: Provider, request: Request, read_timeout: float | None = None) -> Passage:
    """Pass the request to the provider, and apply the faults.

    Raises:
        BrokenError: there is no answer.
    """
    passage = await _passage(provider, request, read_timeout)
    return Passage(passage.response.to(request)) if request.method == "HEAD" else passage


async def _passage(provider: Provider, request: Request, read_timeout: float | None) -> Passage:
    await anyio.lowlevel.checkpoint()
    fault = provider.arrive(request, provider.now())
    _drop(provider, request, fault)
    if isinstance(fault, Stall):
        return Passage(await _stalled(provider, request, fault, read_timeout))
    if isinstance(fault, Answer):
        if fault.processed:
            provider.perform(request, provider.now())
        return Passage(provider.dated(fault.response(), provider.now()))
    if isinstance(fault, NotDone | DoneUnseen):
        return Passage(_unseen(provider, request, fault))
    response = provider.perform(request, provider.now())
    if isinstance(fault, Delay):
        await _wait(fault.seconds, read_timeout)
    if isinstance(fault, Mangle):
        response = provider.dated(fault.spoil(response), provider.now())
    if isinstance(fault, Chunked):
        return Passage(response.without("content-length"), chunked=fault, read_timeout=read_timeout)
    return Passage(response, fault.length(response) if isinstance(fault, Cut) else None)


def _drop(provider: Provider, request: Request, fault: Fault | None) -> None:
    """Raise for the faults that end a connection without an answer."""
    if isinstance(fault, NotConnected):
        raise BrokenError("ConnectError", "All connection attempts failed")
    if isinstance(fault, LostBefore):
        raise BrokenError("RemoteProtocolError", DISCONNECTED)
    if isinstance(fault, LostAfter):
        provider.perform(request, provider.now())
        raise BrokenError("RemoteProtocolError", DISCONNECTED)
    if isinstance(fault, Reset):
        if fault.processed:
            provider.perform(request, provider.now())
        raise BrokenError("ReadError")


def _unseen(provider: Provider, request: Request, fault: NotDone | DoneUnseen) -> Response:
    """Return the answer that shows the order as it was before the act."""
    look = look_of(request)
    shown = provider.perform(look, provider.now())
    if isinstance(fault, DoneUnseen) and look != request:
        provider.perform(request, provider.now())
    return shown


async def _stalled(provider: Provider, request: Request, fault: Stall, read_timeout: float | None) -> Response:
    early = provider.perform(request, provider.now()) if fault.processed else None
    await _wait(fault.seconds, read_timeout)
    return early or provider.perform(request, provider.now())


async def _wait(seconds: float | None, read_timeout: float | None) -> None:
    """Sleep, but no longer than the reader's timeout; without either end, until cancelled."""
    if seconds is not None and (read_timeout is None or seconds < read_timeout):
        await anyio.sleep(seconds)
    elif read_timeout is None:
        await anyio.sleep_forever()
    else:
        await anyio.sleep(read_timeout)
        raise BrokenError("ReadTimeout")
