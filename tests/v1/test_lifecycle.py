"""The life of an order as its table says."""

from __future__ import annotations

import pytest

from smsapi_async._polling.tracked import Phase
from smsapi_async.v1 import Order, Status
from smsapi_async.v1._lifecycle import is_hosting, is_open, phase

PHASES = [
    ("PENDING", Phase.OPEN),
    ("RECEIVED", Phase.OPEN),
    ("FINISHED", Phase.FINISHED),
    ("TIMEOUT", Phase.EXPIRED),
    ("CANCELED", Phase.CLOSED),
    ("BANNED", Phase.CLOSED),
    ("PREPARING", Phase.OPEN),
    ("", Phase.OPEN),
]


@pytest.mark.parametrize(("word", "expected"), PHASES)
def test_a_status_is_a_phase(word: str, expected: Phase) -> None:
    """The provider may invent more: an unknown word closes nothing, for what is open costs money."""
    order = Order(id=1, status=word)

    assert phase(order) is expected
    assert is_open(order) is (expected is Phase.OPEN)


def test_every_status_of_the_documents_is_in_the_table() -> None:
    """A seventh would be open without a thought."""
    assert {word for word, _ in PHASES} >= {status.value for status in Status}


@pytest.mark.parametrize("product", ["3hours", "1day", "10days", "1month", "1hour", "2months"])
def test_a_length_is_the_product_of_a_hosting_order(product: str) -> None:
    """No answer names the category."""
    assert is_hosting(Order(id=1, product=product))


@pytest.mark.parametrize("product", ["telegram", "1688", "day", "3hoursx", "115com", None])
def test_anything_else_is_an_activation(product: str | None) -> None:
    """Which is given back; a hosting order never is."""
    assert not is_hosting(Order(id=1, product=product))
