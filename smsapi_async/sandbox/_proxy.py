"""A TCP proxy before a served sandbox that really breaks connections: dropped, cut, stalled, reset.
It knows just enough HTTP/1.1 to find the end of a message (`content-length`; the sandbox sends no chunks).

It works on bare sockets: only closing one with `SO_LINGER` 0 sends a reset, and no stream class offers that."""

import math
import socket
import struct
from collections import deque
from contextlib import suppress
from types import TracebackType

import anyio
import anyio.abc
from attrs import define, field

from ._faults import Cut, Delay, Fault, LostAfter, LostBefore, Reset, Stall

ProxyFault = LostBefore | LostAfter | Cut | Stall | Reset | Delay
CHUNK = 65536
MAX_REQUEST = 1 << 20
"""Bytes of a request, sixteen times the sandbox's limit: past them the connection is closed."""
MAX_DIGITS = 18
"""Digits of a length that are read; `int` refuses a text of thousands of digits."""


@define(eq=False)
class Proxy:
    """`async with Proxy(upstream_port) as proxy:` then send requests to `proxy.port`, after `proxy.fail(fault)`.

    Args:
        upstream_port: the port of the served sandbox, on 127.0.0.1.
    """

    upstream_port: int
    _faults: deque[ProxyFault] = field(factory=deque, init=False)
    _listener: socket.socket = field(init=False, repr=False)
    _tasks: anyio.abc.TaskGroup = field(init=False, repr=False)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        port: int = self._listener.getsockname()[1]
        return port

    def fail(self, fault: Fault, times: int = 1) -> None:
        """Let the next `times` requests meet a fault.

        Raises:
            ValueError: the fault is not one of a connection.
        """
        if not isinstance(fault, ProxyFault):
            raise ValueError(f"{fault!r} is not made below HTTP")
        self._faults.extend([fault] * times)

    async def __aenter__(self) -> "Proxy":
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self._tasks = await anyio.create_task_group().__aenter__()
        self._tasks.start_soon(self._accept)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        self._tasks.cancel_scope.cancel()
        try:
            return await self._tasks.__aexit__(kind, error, trace)
        finally:
            self._listener.close()

    async def _accept(self) -> None:
        while True:
            await anyio.wait_readable(self._listener)
            client, _ = self._listener.accept()
            self._tasks.start_soon(self._serve, client)

    async def _serve(self, client: socket.socket) -> None:
        client.setblocking(False)
        try:
            with suppress(ConnectionError):
                await self._converse(client)
        finally:
            client.close()

    async def _converse(self, client: socket.socket) -> None:
        while request := await _read_message(client, MAX_REQUEST):
            if not await self._pass(client, request):
                return

    async def _pass(self, client: socket.socket, request: bytes) -> bool:
        """Pass one request on. Return True if the connection goes on after it."""
        fault = self._faults.popleft() if self._faults else None
        if isinstance(fault, LostBefore):
            return False
        if isinstance(fault, Stall) and not fault.processed:
            await _pause(fault.seconds)
        reset_unasked = isinstance(fault, Reset) and not fault.processed
        reply = b"" if reset_unasked else await self._ask(request)
        if isinstance(fault, Reset):
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if isinstance(fault, Reset | LostAfter):
            return False
        if isinstance(fault, Delay) or (isinstance(fault, Stall) and fault.processed):
            await _pause(fault.seconds)
        await _send(client, _cut(reply, fault.at) if isinstance(fault, Cut) else reply)
        return not isinstance(fault, Cut) and _goes_on(reply)

    async def _ask(self, request: bytes) -> bytes:
        with socket.socket() as upstream:
            upstream.connect(("127.0.0.1", self.upstream_port))
            upstream.setblocking(False)
            await _send(upstream, request)
            return await _read_message(upstream, has_body=not request.startswith(b"HEAD "))


async def _pause(seconds: float | None) -> None:
    await (anyio.sleep_forever() if seconds is None else anyio.sleep(seconds))


async def _send(to: socket.socket, data: bytes) -> None:
    while data:
        await anyio.wait_writable(to)
        data = data[to.send(data) :]


async def _read_message(source: socket.socket, limit: float = math.inf, *, has_body: bool = True) -> bytes:
    """Return one whole message; empty if the other side has closed, or has sent more than the limit."""
    data = bytearray()
    while not _is_whole(data, has_body):
        await anyio.wait_readable(source)
        chunk = source.recv(CHUNK)
        data += chunk
        if not chunk or len(data) > limit:
            return b""
    return bytes(data)


def _is_whole(data: bytearray, has_body: bool) -> bool:
    head, end, body = data.partition(b"\r\n\r\n")
    return bool(end) and (not has_body or len(body) >= _length(bytes(head)))


def _length(head: bytes) -> int:
    """Return the length in a head. A text that is no number counts as 0: the server refuses it."""
    lines = (line.partition(b":") for line in head.lower().split(b"\r\n"))
    text = next((value.strip() for name, _, value in lines if name == b"content-length"), b"0")
    return int(text[:MAX_DIGITS]) if text.isdigit() else 0


def _goes_on(reply: bytes) -> bool:
    """Return True if the server also keeps the connection after this reply."""
    head = reply.partition(b"\r\n\r\n")[0]
    return bool(reply) and b"\r\nconnection: close" not in head.lower()


def _cut(reply: bytes, at: int | None) -> bytes:
    head, end, body = reply.partition(b"\r\n\r\n")
    return head + end + body[: len(body) // 2 if at is None else at]
