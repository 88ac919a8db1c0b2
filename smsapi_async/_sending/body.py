"""The body of an answer: unpacked and bounded while its bytes arrive, without blocking the event loop.

The HTTP library unpacks without a limit, and as many layers as a header names. It reads one member of a gzip only.
Sources: RFC 9110, section 8.4; RFC 1952, section 2.2.
"""

from __future__ import annotations

import zlib
from typing import Any

import anyio
from anyio.lowlevel import cancel_shielded_checkpoint

from .call import Call, Reply, unreadable

ENCODINGS = ("", "identity", "gzip")
"""The encoding that we ask for."""

PACKINGS = ("br", "compress", "deflate", "gzip", "identity", "zstd")
"""Encodings that servers send all the same."""

GZIP = 31
"""How zlib is told that a gzip header comes."""

MAGIC = b"\x1f\x8b"
"""The first bytes of each member of a gzip. Other bytes after a member are padding and are ignored."""

MEMBERS = 1_000
"""The most members accepted. A server sends one. Each costs 10 us and may be empty."""

PIECE = 16_384
"""Bytes unpacked at once. After each member zlib copies the rest of them."""

CHUNKS = 50
"""Chunks after which other tasks may run. One read of the library may give 10,000 chunks of a byte, 50 us each."""


async def read_body(response: Any, call: Call[Any], encoding: str) -> bytes:
    """Read and unpack the whole body. A body that is too large or cannot be unpacked is an unreadable answer."""
    consumed = response.is_stream_consumed  # a hook of the caller's client has read it
    body = Gzip(call.cap) if encoding == "gzip" and not consumed else Plain(call.cap)
    trouble = "" if encoding in ENCODINGS else f"packed as {_packing(encoding)}"
    chunks = 0
    with anyio.CancelScope() as scope:
        async for chunk in response.aiter_bytes() if consumed else response.stream:
            trouble = trouble or body.take(chunk)
            if trouble:
                scope.cancel()  # and no break, which would leave the library's generators hanging
            chunks += 1
            if chunks % CHUNKS == 0:
                await cancel_shielded_checkpoint()  # shielded for the same reason
    if trouble := trouble or body.end():
        start = Reply(status=response.status_code, headers={}, body=b"")
        raise unreadable(call.name, call.repeat, start, trouble)
    return bytes(body.content)


def _packing(encoding: str) -> str:
    """Its name if it is one. A header of the answer may repeat the key."""
    known = all(part.strip() in PACKINGS for part in encoding.split(","))
    return f"'{encoding[:40]}'" if known else "something unknown"


class Plain:
    """A body that is not packed."""

    def __init__(self, cap: int) -> None:
        self.content = bytearray()
        self._cap = cap

    def take(self, chunk: bytes) -> str:
        """Take in the next bytes. Return what is wrong with them, or an empty text."""
        self.content += chunk
        return f"the body is larger than {self._cap:,} bytes" if len(self.content) > self._cap else ""

    def end(self) -> str:
        """Return what is wrong with a body that ends here, or an empty text."""
        return ""


class Gzip(Plain):
    """A body packed as gzip, in one member or several. The cap holds for its packed and its unpacked bytes."""

    def __init__(self, cap: int) -> None:
        super().__init__(cap)
        self._packed = self._members = 0
        self._member: Any = None
        self._ahead = b""
        self._padding = False

    def take(self, chunk: bytes) -> str:
        self._packed += len(chunk)
        if self._packed > self._cap:
            return f"the body is larger than {self._cap:,} bytes"
        trouble = ""
        for start in range(0, len(chunk), PIECE):
            trouble = trouble or self._unpack(chunk[start : start + PIECE])
        return trouble

    def end(self) -> str:
        return "the gzip is cut" if self._packed and not (self._members and self._member is None) else ""

    def _unpack(self, piece: bytes) -> str:
        piece, self._ahead = self._ahead + piece, b""
        while piece and not self._padding:
            if self._member is None and len(piece) < len(MAGIC):
                self._ahead = piece
                break
            try:
                piece = self._next(piece)
            except zlib.error:
                return "no gzip, though it says so"
            if len(self.content) > self._cap:
                return f"the body is larger than {self._cap:,} bytes"
            if self._members > MEMBERS:
                return "a gzip of too many members"
        return ""

    def _next(self, piece: bytes) -> bytes:
        """Unpack the bytes that belong to one member. Return the rest."""
        if self._member is None:
            if self._members and not piece.startswith(MAGIC):
                self._padding = True
                return b""
            self._member = zlib.decompressobj(GZIP)
            self._members += 1
        self.content += self._member.decompress(piece, self._cap + 1 - len(self.content))
        rest: bytes = self._member.unused_data
        if self._member.eof:
            self._member = None
        return rest
