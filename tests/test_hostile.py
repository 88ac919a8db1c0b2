"""The corpus of `tests/hostile.py`, before every reader in both decoders, and before the calls of a client."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import pytest

from smsapi_async import NothingBoughtError, OutcomeUnknownError, UnreadableReplyError
from smsapi_async._sending import Reply
from tests.answers import answering
from tests.fuzz import reading, running
from tests.fuzz.running import Report, both, corpus
from tests.hostile import BODIES, ITEM, LARGE, NUMBERS, nested
from tests.rent import operations as rent
from tests.v1 import operations as v1

LISTS = {b'{"response"': ("rent.numbers",), b'{"Data"': ("v1.orders", "v1.inbox", reading.GLANCE)}
OTHERS = ("rent.tariffs", "v1.countries", "v1.products")
"""Readers of answers with many rows, by how the body begins."""


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    """The decoders that a broken test left."""
    yield
    reading.uninstall()


def test_every_reader_withstands_every_body(untraced: None) -> None:
    """None raises what is not ours, none takes long, and both decoders come to the same, or to what is stated."""
    report = Report()

    corpus(report, large=False)

    assert report.findings == []
    assert report.executions == 2 * len(BODIES) * len(reading.CALLS)


@pytest.mark.parametrize("name", LARGE)
def test_a_large_body_holds_the_loop_for_less_than_a_second(
    name: str, monkeypatch: pytest.MonkeyPatch, untraced: None
) -> None:
    """As much as the bounds allow, and all of it odd, so that each field is read by itself."""
    monkeypatch.setattr(running, "SLOWEST", 1.0)
    report, body = Report(), LARGE[name]()

    for reader in LISTS.get(body.partition(b":")[0], OTHERS):
        if len(body) <= reading.CALLS[reader].cap:
            both(report, reader, Reply(status=200, headers={}, body=body), name)

    assert report.findings == []


async def test_a_hundred_bytes_that_nest_deeply_are_unreadable_at_once():
    """Thirteen levels held the loop for four seconds, three hundred raised RecursionError."""
    for depth in (33, 300, 5_000):
        async with answering(NUMBERS % nested(depth)) as (client, _):
            with pytest.raises(UnreadableReplyError, match="nested too deeply"):
                await rent.CALLS["numbers"](client)


async def test_a_purchase_whose_answer_nests_deeply_is_looked_up():
    """The number may be bought: that its answer cannot be read is no proof of anything."""
    async with answering(ITEM % nested(300), records=True) as (client, provider):
        with pytest.raises(NothingBoughtError) as caught:
            await client.rent.buy_number(7, 1)

    assert isinstance(caught.value.__cause__, OutcomeUnknownError)
    assert len([line for line in provider.lines if "getRentNum" in line]) == 1


@pytest.mark.parametrize("call", ["products", "prices", "numbers"])
async def test_sixty_kilobytes_of_gzip_do_not_become_a_gigabyte(call: str, untraced: None):
    """They are 64 MB of empty lists, and as objects 1.7 GB."""
    packed = gzip.compress(LARGE["empty lists"](), mtime=0)
    encoded: dict[str, Any] = {"Content-Encoding": "gzip"}
    act = {**v1.CALLS, **rent.CALLS}[call]

    async with answering(packed, **encoded) as (client, _):
        with pytest.raises(UnreadableReplyError, match=r"too many values|larger than 4,000,000 bytes"):
            await act(client)

    assert len(packed) < 65_000
