"""The harness of `make peers`: what it sees of a client, and how it compares that with the page."""

from __future__ import annotations

import sys

import pytest

from tests.peers.__main__ import PAGE
from tests.peers.clients import PEERS
from tests.peers.running import Peer, outcomes
from tests.peers.table import FAULTS, WORKS, Said, differences, printed, read_page

TEXT = """## Clients

### one 1.0

Work: `a.read`, `a.buy`.

| method | what happens | whose fault | why |
|---|---|---|---|
| `a.pay`, `a.close` | `TypeError` | client | It sends `x | y`. |
| `a.limit` | `KeyError` | nobody | The scenario field `form` chooses. |
"""
ONE = {
    "a.read": Said(WORKS),
    "a.buy": Said(WORKS),
    "a.pay": Said("TypeError", "client"),
    "a.close": Said("TypeError", "client"),
    "a.limit": Said("KeyError", "nobody"),
}


def test_the_page_is_read_method_by_method():
    """A row may speak of several methods, and of anything in its last cell."""
    assert read_page(TEXT) == {"one 1.0": ONE}


@pytest.mark.socket
def test_a_client_is_called_in_a_process_of_its_own():
    """A method that fails once has failed, and one that is never called is no success."""
    found = outcomes(Peer("example", [], "call_example"), sys.executable)

    assert found == {
        "client.countries": WORKS,
        "client.profile": "HTTPError",
        "client.finish": "returns False",
        "client.forgotten": "not called",
    }


@pytest.mark.socket
def test_a_program_that_fails_is_no_row():
    """A mistake of ours must not look like one of the client."""
    with pytest.raises(RuntimeError, match="no_such_program"):
        outcomes(Peer("example", [], "no_such_program"), sys.executable)


@pytest.mark.parametrize(
    ("said", "found", "agrees"),
    [
        (Said(WORKS), (WORKS, WORKS), True),
        (Said(WORKS), ("TypeError", "TypeError"), False),
        (Said("TypeError", "client"), ("TypeError", "TypeError"), True),
        (Said("TypeError", "client"), ("KeyError", "KeyError"), False),
        (Said("TypeError", "client"), ("TypeError", WORKS), False),
        (Said("TypeError", "client"), (WORKS, WORKS), False),
        (Said("TypeError", "nobody"), ("TypeError", WORKS), True),
        (Said("TypeError", "nobody"), ("TypeError", "TypeError"), False),
        (Said("TypeError", "other API"), ("TypeError", "TypeError"), True),
        (Said("TypeError", "ours"), ("TypeError", "TypeError"), False),
        (Said("TypeError"), ("TypeError", "TypeError"), False),
    ],
)
def test_a_row_must_say_what_happened_and_why(said, found, agrees):
    """A fault of ours is no explanation, and a fault of no side must end in a scenario that suits the client."""
    assert (not differences({"a": said}, {"a": found})) is agrees


def test_a_method_without_a_row_and_a_row_without_a_method_are_named():
    """A new version of a client has other methods."""
    assert differences({"a.old": Said(WORKS)}, {"a.new": (WORKS, WORKS)}) == [
        "a.new: not on the page",
        "a.old: no method of this client",
    ]


def test_the_table_is_printed_with_its_faults():
    """A reader of the command's output sees the page's words beside the outcome."""
    shown = printed("one 1.0", ONE, {"a.read": (WORKS, WORKS), "a.limit": ("KeyError", WORKS), "a.x": (WORKS, WORKS)})

    assert [line.split() for line in shown.splitlines()] == [
        ["one", "1.0:", "2", "of", "3", "methods", "work"],
        ["a.limit", "KeyError", "works", "nobody"],
        ["a.read", "works", "works"],
        ["a.x", "works", "works"],
    ]


def test_the_page_speaks_of_every_client():
    """No row of the page is explained by a fault of ours."""
    pages = read_page(PAGE.read_text(encoding="utf-8"))

    assert list(pages) == [peer.name for peer in PEERS]
    for rows in pages.values():
        assert {said.fault for said in rows.values() if said.outcome != WORKS} <= set(FAULTS)
        assert {said.fault for said in rows.values() if said.outcome == WORKS} == {""}
