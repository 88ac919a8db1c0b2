"""A sandbox on real sockets: served by uvicorn in a thread, or over HTTP/2 by a small server of the test's own loop."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anyio
import anyio.abc
import h2.config
import h2.connection
import h2.events
import uvicorn

from smsapi_async.sandbox import Request, Sandbox


class Host:
    """An ASGI application that stands for one sandbox after another: starting a server for each would take longer."""

    def __init__(self) -> None:
        self.sandbox = Sandbox()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.sandbox.app(scope, receive, send)


class Server(uvicorn.Server):
    """Says when its port is open."""

    @contextmanager
    def running(self, listener: socket.socket) -> Iterator[None]:
        thread = threading.Thread(target=self.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not self.started:
            time.sleep(0.005)
        try:
            yield
        finally:
            self.should_exit = self.force_exit = True
            thread.join()


@contextmanager
def served(host: Host) -> Iterator[int]:
    """The port. The server's own loggers are silent: it stands for a provider, whose logs are not ours."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            host,
            loop="asyncio",  # else some versions give the whole process uvloop, where there is one
            date_header=False,
            server_header=False,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        with Server(config).running(listener):
            yield listener.getsockname()[1]


@asynccontextmanager
async def served_over_http2(sandbox: Sandbox) -> AsyncIterator[int]:
    """The port. Without TLS: a client that speaks nothing else begins at once (RFC 9113, section 3.3)."""

    async def serve(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            await converse(stream, sandbox)

    listeners = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listeners, anyio.create_task_group() as group:
        group.start_soon(listeners.serve, serve)
        yield listeners.extra(anyio.abc.SocketAttribute.local_port)
        group.cancel_scope.cancel()


async def converse(stream: anyio.abc.SocketStream, sandbox: Sandbox) -> None:
    """One connection, request by request."""
    config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
    connection = h2.connection.H2Connection(config)
    connection.initiate_connection()
    await stream.send(connection.data_to_send())
    asked: dict[int, dict[str, str]] = {}
    while True:
        try:
            data = await stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                asked[event.stream_id] = dict(event.headers)  # type: ignore[arg-type]  # text, by the configuration
            if isinstance(event, h2.events.StreamEnded):
                answer(connection, event.stream_id, asked[event.stream_id], sandbox)
        await stream.send(connection.data_to_send())


def answer(connection: h2.connection.H2Connection, stream_id: int, headers: dict[str, str], sandbox: Sandbox) -> None:
    response = sandbox.handle(Request(headers[":method"], headers[":path"], headers), sandbox.now())
    connection.send_headers(stream_id, [(":status", str(response.status)), *response.headers.items()])
    connection.send_data(stream_id, response.body, end_stream=True)
