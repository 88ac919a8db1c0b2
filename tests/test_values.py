"""The parts that both APIs share: arguments checked before anything is sent, and values that hide private things."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsapi_async import Sms
from smsapi_async._values import hidden, masked_phone, money, natural, positive, seconds, switch

GOOD: list[tuple[Callable[[str, Any], Any], Any, Any]] = [
    (positive, 1, 1),
    (positive, 1090123457, 1090123457),
    (natural, 0, 0),
    (natural, 5, 5),
    (switch, True, True),
    (switch, False, False),
    (money, 1, "1"),
    (money, 0.1, "0.1"),
    (money, "0.0641", "0.0641"),
    (money, Decimal("251.5"), "251.5"),
    (money, "5.0000000", "5.0000"),
    (money, "1E+2", "100"),
    (money, " 3 ", "3"),
    (seconds, None, None),
    (seconds, 0, 0.0),
    (seconds, 2.5, 2.5),
    (seconds, timedelta(minutes=2), 120.0),
    (seconds, float("inf"), float("inf")),
]
BAD: dict[Callable[[str, Any], Any], tuple[Any, ...]] = {
    positive: (0, -1, True, 1.0, "1", None, [], Decimal(1)),
    natural: (-1, False, True, 0.0, "0", None),
    switch: (1, 0, "true", "false", None, []),
    money: (
        0, -1, "-0.01", "NaN", "sNaN", float("nan"), float("inf"), "-Infinity", "0.00001", 1e-5, "1e30", 10**40, "",
        "x", True, None, [], b"1", "1.00000000000000000000000000000000001",
    ),
    seconds: (-1, -0.001, timedelta(seconds=-1), float("nan"), "5", True, [], Decimal(5)),
}  # fmt: skip


@pytest.mark.parametrize(("check", "value", "expected"), GOOD, ids=lambda part: getattr(part, "__name__", repr(part)))
def test_a_good_argument_is_taken(check: Callable[[str, Any], Any], value: Any, expected: Any):
    """Money is written as the provider will read it."""
    found = check("argument", value)

    assert (f"{found:f}" if check is money else found) == expected


@pytest.mark.parametrize(
    ("check", "value"),
    [pytest.param(check, value, id=f"{check.__name__}-{value!r}") for check, values in BAD.items() for value in values],
)
def test_a_bad_argument_is_named(check: Callable[[str, Any], Any], value: Any):
    """A ValueError also for a wrong type: the caller has one thing to catch."""
    with pytest.raises(ValueError, match=r"^argument: "):
        check("argument", value)


@given(st.integers(min_value=1, max_value=10**12), st.integers(min_value=0, max_value=4))
def test_money_is_never_changed(units: int, places: int):
    """The text that is sent is the amount that was given."""
    amount = Decimal(units).scaleb(-places)

    assert Decimal(f"{money('price', f'{amount:f}'):f}") == money("price", amount) == amount


@pytest.mark.parametrize(
    ("phone", "shown"),
    [("+79000381454", "'+790…54'"), ("+7900038", "'…'"), ("", "''"), (None, "None")],
)
def test_a_phone_is_shown_by_its_ends(phone: str | None, shown: str):
    """Enough to distinguish two in a log, too little to call."""
    assert masked_phone(phone) == shown


@pytest.mark.parametrize(("value", "shown"), [("070051", "'…'"), ("", "''"), (None, "None")])
def test_a_secret_is_shown_by_its_being_there(value: str | None, shown: str):
    """The text must not show its length either."""
    assert hidden(value) == shown


def test_a_message_keeps_its_text_and_code_to_itself():
    """Messages land in logs as well."""
    shown = repr(Sms(id=1, sender="Google", text="code 070051", code="070051"))

    assert "070051" not in shown
    assert "Google" in shown
