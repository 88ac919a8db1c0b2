"""What does a second `AsyncClient()` of a process take, its HTTP client included? Bar: 1 ms.

A client makes its HTTP client with its first request, so both are timed together, without the request. The first HTTP
client of a process loads the certificates of the system.
"""

from __future__ import annotations

import time

from benchmarks._measure import TOKEN, bar, beside, middle, peer
from smsapi_async import AsyncClient
from smsapi_async._sending.http import Http

ROUNDS = 11


def milliseconds(library: str) -> float:
    begun = time.perf_counter()
    if library == "ours":
        _http_of(AsyncClient(TOKEN))._open()
    else:
        peer(library).AsyncClient()
    return (time.perf_counter() - begun) * 1e3


def _http_of(client: AsyncClient) -> Http:
    return client._sender._http


def main() -> None:
    first = milliseconds("ours")
    times = {name: [milliseconds(name) for _ in range(ROUNDS)] for name in ("ours", "httpx", "httpx2")}
    bar("P15", "a second AsyncClient()", middle(times["ours"]), 1, " ms")
    beside("the first AsyncClient()", f"{first:.1f} ms")
    for name in ("httpx", "httpx2"):
        beside(f"a second {name}.AsyncClient()", f"{middle(times[name]):.1f} ms")


if __name__ == "__main__":
    main()
