"""A provider on bare sockets, in HTTP/1.1 and HTTP/2. It breaks where a test wants it, and records its requests.

It runs in threads, so that nothing about it depends on the client's loop, and it holds the sockets themselves: only a
bare one can be reset. Its answers are those of a sandbox.
"""

from __future__ import annotations

import re
import select
import socket
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, TypeAlias

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings
import trustme
from attrs import define, field

from smsapi_async.sandbox import Request, Response, Sandbox

PURCHASE = "GET /v1/user/buy/"
CHUNK = 65536
ABSOLUTE = re.compile("^http://[^/]+")
"""How a forward proxy is asked."""

Fault: TypeAlias = Callable[[Any], bool]
"""An act in place of a line's work; it returns True if the line goes on afterwards."""

AUTHORITY = trustme.CA()
CERTIFICATE = AUTHORITY.issue_cert("127.0.0.1")
"""A certificate of this run only."""


def next_of(faults: deque[Fault | None]) -> Fault | None:
    return faults.popleft() if faults else None


@define(eq=False)
class Server:
    """``with Server(...).running() as server:`` then go to `server.url`.

    Args:
        http2: over TLS it is agreed upon, else it is spoken from the first byte (RFC 9113, section 3.3).
        tls: with `CERTIFICATE`, which clients trust that trust `AUTHORITY`.
        streams: how many requests one connection of HTTP/2 may carry at once.
    """

    http2: bool = False
    tls: bool = False
    streams: int = 100
    sandbox: Sandbox = field(factory=Sandbox)
    on_accept: deque[Fault | None] = field(factory=deque, converter=deque)
    """For each connection to come, in place of its TLS handshake."""
    before: deque[Fault | None] = field(factory=deque, converter=deque)
    """For each request to come, in place of reading it."""
    faults: deque[Fault | None] = field(factory=deque, converter=deque)
    """For each purchase to come, in place of answering it."""
    tunnels: deque[Fault | None] = field(factory=deque, converter=deque)
    """For each CONNECT to come, in place of opening a tunnel."""
    asked: list[str] = field(factory=list, init=False)
    """Each request whose head came whole, as "METHOD target"; what a proxy is asked for, as the provider would be."""
    heard: bytearray = field(factory=bytearray, init=False)
    """The bytes that came where no request was read."""
    ended: threading.Semaphore = field(factory=lambda: threading.Semaphore(0), init=False)
    """Released by each connection that is closed."""
    go: threading.Event = field(factory=threading.Event, init=False)
    """Set by a test that has a fault wait for it."""
    over: threading.Event = field(factory=threading.Event, init=False)
    """The test has ended: each stalled line ends, too."""
    port: int = field(default=0, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)
    sockets: list[socket.socket] = field(factory=list, init=False)
    _threads: list[threading.Thread] = field(factory=list, init=False)
    _began: float = field(factory=time.monotonic, init=False)

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    @property
    def purchases(self) -> int:
        """How many requests to buy have reached it."""
        return sum(line.startswith(PURCHASE) for line in self.asked)

    @property
    def made(self) -> list[int]:
        """The orders that came of them."""
        with self._lock:
            return list(self.sandbox.ledger.purchases)

    def perform(self, request: Request) -> Response:
        with self._lock:
            return self.sandbox.handle(request, self.sandbox.start + timedelta(seconds=time.monotonic() - self._began))

    @contextmanager
    def running(self) -> Iterator[Server]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
            self._start(self._accept, listener)
            try:
                yield self
            finally:
                self.go.set()
                self.over.set()
                socket.create_connection(("127.0.0.1", self.port)).close()  # wakes who accepts
                for thread in self._threads:
                    for line in self.sockets:
                        with suppress(OSError):
                            socket.socket.shutdown(line, socket.SHUT_RDWR)
                    thread.join()

    def _start(self, work: Callable[[socket.socket], None], on: socket.socket) -> None:
        thread = threading.Thread(target=work, args=(on,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            raw, _ = listener.accept()
            if self.over.is_set():
                raw.close()
                return
            self.sockets.append(raw)
            self._start(self._serve, raw)

    def _serve(self, raw: socket.socket) -> None:
        line = (Http2 if self.http2 else Http11)(self, raw)
        fault = next_of(self.on_accept)
        try:
            if fault is None or fault(line):
                if self.tls:
                    line.encrypt()
                line.run()
        except (OSError, h2.exceptions.ProtocolError):
            pass  # the client has hung up, or was never met
        finally:
            line.socket.close()
            self.ended.release()


@define(eq=False)
class Line:
    """One connection, and the request it carries just now."""

    server: Server
    socket: socket.socket
    request: Request = field(factory=lambda: Request("", ""))

    def encrypt(self) -> None:
        """Shake hands; the bare socket is from then on the encrypted one's."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        CERTIFICATE.configure_cert(context)
        context.set_alpn_protocols(["h2"] if self.server.http2 else ["http/1.1"])
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.server.sockets.append(self.socket)
        self.socket.do_handshake()

    def perform(self) -> Response:
        """Do what is asked for, and say nothing of it."""
        return self.server.perform(self.request)

    def await_data(self) -> None:
        select.select([self.socket], [], [])

    def hear(self) -> None:
        self.server.heard += self.socket.recv(CHUNK)

    def reset(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def stall(self) -> None:
        self.server.over.wait()

    def goes_on(self) -> bool:
        """Return True if the server reads the next request."""
        fault = next_of(self.server.before)
        return fault is None or fault(self)

    def meets(self, request: Request) -> bool:
        """Answer a request, or do what is to be done instead; whether the connection goes on."""
        self.request = request
        fault = next_of(self.server.faults) if request.line.startswith(PURCHASE) else None
        return self.answer() if fault is None else fault(self)

    def answer(self) -> bool:
        raise NotImplementedError


@define(eq=False)
class Http11(Line):
    def run(self) -> None:
        while self.goes_on():
            request = self._read()
            if request is None or not self.meets(request):
                return

    def answer(self) -> bool:
        if self.request.method == "CONNECT":
            return self._open_tunnel()
        self.socket.sendall(self.written())
        return True

    def _open_tunnel(self) -> bool:
        """Be the proxy, and then whom it leads to."""
        fault = next_of(self.server.tunnels)
        if fault is not None and not fault(self):
            return False
        self.socket.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        fault = next_of(self.server.tunnels)
        if fault is not None and not fault(self):
            return False
        self.encrypt()
        return True

    def written(self, *, length: bool = True) -> bytes:
        """The whole answer, after having done what is asked for."""
        response = self.perform()
        head = [f"HTTP/1.1 {response.status} It"]
        head += [f"{name}: {value}" for name, value in response.headers.items() if length or name != "content-length"]
        return "\r\n".join([*head, "", ""]).encode() + response.body

    def _read(self) -> Request | None:
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = self.socket.recv(CHUNK)
            if not chunk:
                return None
            data += chunk
        first, *rest = data.partition(b"\r\n\r\n")[0].decode().split("\r\n")
        method, target, _ = first.split(" ")
        target = ABSOLUTE.sub("", target)
        self.server.asked.append(f"{method} {target}")
        headers = (line.partition(": ") for line in rest)
        return Request(method, target, {name.lower(): value for name, _, value in headers})


@define(eq=False)
class Http2(Line):
    protocol: h2.connection.H2Connection = field(init=False)
    stream: int = field(default=0, init=False)

    def run(self) -> None:
        self.protocol = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        )
        most = {h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: self.server.streams}
        self.protocol.local_settings = h2.settings.Settings(client=False, initial_values=most)
        self.protocol.initiate_connection()
        self.flush()
        asked: dict[int, Request] = {}
        while self.goes_on():
            met = False
            while not met:
                data = self.socket.recv(CHUNK)
                if not data:
                    return
                for event in self.protocol.receive_data(data):
                    if isinstance(event, h2.events.RequestReceived):
                        asked[event.stream_id] = self._note(event)
                    if isinstance(event, h2.events.StreamEnded):
                        self.stream, met = event.stream_id, True
                        if not self.meets(asked[event.stream_id]):
                            return
                self.flush()

    def answer(self) -> bool:
        body = self.begin()
        self.protocol.send_data(self.stream, body, end_stream=True)
        self.flush()
        return True

    def begin(self) -> bytes:
        """Send the head of the answer, after having done what is asked for; the body is to follow."""
        response = self.perform()
        self.protocol.send_headers(self.stream, [(":status", str(response.status)), *response.headers.items()])
        return response.body

    def flush(self) -> None:
        self.socket.sendall(self.protocol.data_to_send())

    def _note(self, event: h2.events.RequestReceived) -> Request:
        headers: dict[str, str] = dict(event.headers)  # type: ignore[arg-type]  # text, by the configuration
        request = Request(headers[":method"], headers[":path"], headers)
        self.server.asked.append(request.line)
        return request
