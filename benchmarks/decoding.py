"""What does it cost to read an order, a page of a thousand, a page at a glance, the whole price table?

Each runs beside `orjson.loads` of the same bytes to plain dicts; the two alternate in one process. A core install has
no `msgspec`; the extra `fast` has it. The price table has the shapes and names of `tests/samples/v1`: 540,000 offers,
24 MB. The bars are multiples of orjson's time. A glance at a page has a bar only with `fast`, and so has memory, beyond
the body. A look-up has bars in milliseconds and microseconds.

    python -m benchmarks.decoding core|fast      one of the two, as JSON
"""

from __future__ import annotations

import json
import random
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

from benchmarks._measure import alone, bar, beside, middle, peer

SAMPLES = Path(__file__).parents[1] / "tests" / "samples" / "v1"
ROWS = 1000
COUNTRIES, PRODUCTS, OPERATORS = 153, 512, 7
"""Countries seen live; the activation products of 2024; operators a product has in a country, on average."""

BARS: dict[str, dict[str, float]] = {
    "order": {},
    "page of 1000": {},
    "page of 1000 at a glance": {"fast": 0.4},
    "price table": {"core": 1.6, "fast": 0.12},
}
NUMBERS = {"page of 1000 at a glance": "P5", "price table": "P6"}
Read = Callable[[], object]


def order() -> bytes:
    return json.dumps(json.loads((SAMPLES / "seed_check_received.json").read_text())).encode()


def page() -> bytes:
    """Rows of the recorded history; of every tenth a message is there."""
    shape = json.loads((SAMPLES / "docs_user_orders_england.json").read_text())
    (row,) = shape["Data"]
    sms = json.loads(order())["sms"]
    rows = [{**row, "id": 10_000 + n, "status": "RECEIVED", "sms": [] if n % 10 else sms} for n in range(ROWS)]
    return json.dumps({**shape, "Data": rows[::-1]}, separators=(",", ":")).encode()


def table() -> bytes:
    """The price table, drawn anew and always the same."""
    names = json.loads((SAMPLES / "docs_names_2024.lists.json").read_text())
    draw = random.Random(1)  # noqa: S311 - the same draw in each run

    def offer() -> dict[str, float]:
        told = {"cost": round(draw.choice((0.0641, 0.2, 0.3256, 4, 21.5)), 4), "count": draw.randrange(10_000)}
        return told if draw.random() < 0.4 else {**told, "rate": round(draw.uniform(0, 100), 2)}

    def operators() -> dict[str, dict[str, float]]:
        return {name: offer() for name in draw.sample(names["operators"], draw.randint(1, 2 * OPERATORS - 1))}

    countries, products = names["countries"][:COUNTRIES], names["activation_products"][:PRODUCTS]
    whole = {country: {product: operators() for product in products} for country in countries}
    return json.dumps(whole, separators=(",", ":")).encode()


def ratio(ours: Read, theirs: Read, *, rounds: int, calls: int) -> tuple[float, float]:
    """Return the CPU of ours / of theirs, and the seconds of one of ours."""
    ours()
    theirs()
    costs: list[tuple[float, float]] = []
    for _ in range(rounds):
        spent = []
        for read in (ours, theirs):
            begun = time.process_time()
            for _ in range(calls):
                read()
            spent.append((time.process_time() - begun) / calls)
        costs.append((spent[0], spent[1]))
    return middle([mine / other for mine, other in costs]), middle([mine for mine, _ in costs])


def prices(body: bytes, *, fast: bool) -> dict[str, float]:
    """The table: to a usable mapping, its memory, and what a look-up takes."""
    from smsapi_async._sending import TABLE, Reply  # noqa: PLC0415 - after `msgspec` was taken away, or not
    from smsapi_async.v1._offers import read_prices  # noqa: PLC0415

    reply, read = Reply(status=200, headers={}, body=body, bounds=TABLE), read_prices(None, None)
    orjson = peer("orjson")
    found, _ = ratio(lambda: read(reply), lambda: orjson.loads(body), rounds=3, calls=1)
    mapping = read(reply)
    waits = []
    for country in mapping.countries[:5]:
        begun = time.perf_counter()
        assert mapping[country]["telegram"]
        waits.append(time.perf_counter() - begun)
    first = mapping.countries[0]
    begun = time.perf_counter()
    for _ in range(1000):
        assert mapping[first]["telegram"]
    again = (time.perf_counter() - begun) / 1000
    answer = {"price table": found, "first": max(waits) * 1e3, "again": again * 1e6}
    del mapping
    memory = traced(lambda: read(reply)) / len(body) if fast else 0.0
    return {**answer, "memory": memory, "megabytes": len(body) / 1e6}


def traced(read: Read) -> int:
    """Return the most bytes that were allocated meanwhile."""
    tracemalloc.start()
    kept = read()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak if kept is not None else 0


def measure(*, fast: bool) -> dict[str, float]:
    from smsapi_async._polling import Known  # noqa: PLC0415
    from smsapi_async._sending import Clock, Reply  # noqa: PLC0415
    from smsapi_async.v1 import _glance, _wire  # noqa: PLC0415
    from smsapi_async.v1._models import Order  # noqa: PLC0415

    orjson = peer("orjson")
    one, many = Reply(status=200, headers={}, body=order()), Reply(status=200, headers={}, body=page())
    read_page, timing = _wire.read_page(Order), _glance.Timing(Clock(), lambda _: None)
    found: dict[str, float] = {}
    ways: dict[str, tuple[Read, Read, int]] = {
        "order": (lambda: _wire.read_order(one), lambda: orjson.loads(one.body), 2000),
        "page of 1000": (lambda: read_page(many), lambda: orjson.loads(many.body), 3),
        "page of 1000 at a glance": (lambda: _glance.Rows(many), lambda: orjson.loads(many.body), 20),
        "page of 1000 at a glance, its rows looked up": (
            lambda: _glance.read_page(many, Known(lambda _: None, ()), timing),
            lambda: orjson.loads(many.body),
            20,
        ),
    }
    for what, (ours, theirs, calls) in ways.items():
        found[what], seconds = ratio(ours, theirs, rounds=7, calls=calls)
        found[f"{what}, µs"] = seconds * 1e6
    return {**found, **prices(table(), fast=fast)}


def main() -> None:
    core, fast = alone("decoding", "core"), alone("decoding", "fast")
    beside("the price table", f"{fast['megabytes']:.1f} MB")
    for what, bars in BARS.items():
        for install, found in (("core", core), ("fast", fast)):
            if install in bars:
                bar(NUMBERS[what], f"reading one {what} / orjson, {install}", found[what], bars[install])
            else:
                beside(f"reading one {what} / orjson, {install}", f"{found[what]:.2f}")
    bar("P6", "memory of the table over its body, fast", fast["memory"] * 100, 2, " %")
    for install, found in (("core", core), ("fast", fast)):
        bar("P7", f"first look-up of a country and product, {install}", found["first"], 5, " ms")
        bar("P7", f"repeated look-up, {install}", found["again"], 15, " µs")
        looked_up = "page of 1000 at a glance, its rows looked up"
        beside(f"{looked_up} / orjson, {install}", f"{found[looked_up]:.2f}, {found[looked_up + ', µs']:.0f} µs")


if __name__ == "__main__":
    if sys.argv[1:]:
        if sys.argv[1] == "core":
            sys.modules["msgspec"] = None  # type: ignore[assignment]  # so an import of it fails
        print(json.dumps(measure(fast=sys.argv[1] == "fast")))
    else:
        main()
