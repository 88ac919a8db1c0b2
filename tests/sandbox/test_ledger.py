"""The closing account must notice what went wrong, or its agreement means nothing."""

from contextlib import nullcontext
from decimal import Decimal

import pytest

from smsapi_async.sandbox import Delivery
from tests.sandbox.asking import asker


def test_the_account_adds_up_over_both_apis() -> None:
    """Two orders, one refunded; a rent and its extension."""
    ask = asker(plans={"telegram": [[Delivery(1, "x", "1")], []]})
    kept, cancelled = ask.buy(), ask.buy()
    tzid = ask.hire()
    ask.v1(f"user/cancel/{cancelled}")
    ask.rent(f"rent/extendRentState.php?tzid={tzid}&days=1")

    ledger = ask.ledger

    assert (ledger.purchases, ledger.rents, ledger.extensions) == ([kept, cancelled], [tzid], [tzid])
    assert (ledger.bought, ledger.refunded, ledger.paid) == (Decimal("70.575"), Decimal("0.2875"), Decimal("70.2875"))
    assert (ledger.open, ledger.open_rents) == ([kept], [tzid])
    assert ledger.balance_ok()


def test_a_balance_that_does_not_agree_is_told() -> None:
    """Money from nowhere."""
    ask = asker()
    ask.buy()
    ask.world.account.balance += 1

    assert not ask.ledger.balance_ok()
    assert "DOES NOT AGREE" in str(ask.ledger)


def test_the_closing_account_can_be_read() -> None:
    """A failing test prints it."""
    ask = asker()
    order = ask.buy()
    open_account = str(ask.ledger)
    ask.v1(f"user/cancel/{order}")

    assert str(order) in open_account
    assert str(ask.ledger) == (
        "1 orders, 0 rents, 0 extensions, 0 withdrawals\n"
        "bought 0.2875, refunded 0.2875, paid 0\n"
        "left open: nothing\n"
        "balance agrees with the orders"
    )


def test_an_activation_left_open_is_told_with_its_state() -> None:
    """A user's test ends on it: an id and a state are what the search begins with."""
    ask = asker(plans={"telegram": [[Delivery(1, "x", "1")], []]})
    with_code, cancelled, silent = ask.buy(), ask.buy(), ask.buy()
    ask.v1(f"user/cancel/{cancelled}")
    ask.later(2)

    with pytest.raises(AssertionError) as told:
        ask.ledger.assert_settled()

    assert str(told.value).splitlines() == [
        "2 of 3 activations not settled, each of them paid for:",
        f"  order {with_code}: telegram in russia for 0.2875, RECEIVED, 1 SMS",
        f"  order {silent}: telegram in russia for 0.2875, PENDING, no SMS",
        "finish those with an SMS, cancel the others in time",
    ]


@pytest.mark.parametrize(("plan", "refunds", "lost"), [([], False, True), ([], True, False), ([1], False, False)])
def test_an_activation_that_ran_out_unused_is_not_settled(plan: list[float], refunds: bool, lost: bool) -> None:
    """Its price is gone for nothing; where it came back, or an SMS came for it, nothing is lost."""
    ask = asker(plans={"telegram": [[Delivery(after, "x", "1") for after in plan]]}, timeout_refunds=refunds)
    ask.buy()
    ask.later(1000)

    with pytest.raises(AssertionError, match="TIMEOUT, no SMS") if lost else nullcontext():
        ask.ledger.assert_settled()


def test_hosting_and_rents_are_no_unsettled_activations() -> None:
    """They are bought for their days, and stay until these are over."""
    ask = asker()
    ask.v1("user/buy/hosting/russia/any/1day")
    ask.hire()

    ask.ledger.assert_settled()

    assert (len(ask.ledger.open), len(ask.ledger.open_rents)) == (1, 1)


def test_a_wrong_number_of_purchases_is_told_with_each_of_them() -> None:
    """One too many is what a test of a bot is about."""
    ask = asker()
    order, tzid = ask.buy(), ask.hire()
    ask.v1(f"user/cancel/{order}")

    ask.ledger.assert_bought(1, rents=1)
    with pytest.raises(AssertionError) as told:
        ask.ledger.assert_bought(2)

    assert str(told.value).splitlines() == [
        "1 order and 1 rent bought, not 2 and 0",
        f"  order {order}: telegram in russia for 0.2875, CANCELED, no SMS, refunded",
        f"  rent {tzid}: country 7, 1 day for 40, active, no SMS",
    ]


def test_a_wrong_sum_is_told_with_each_price() -> None:
    """The sum alone would leave the search to the reader."""
    ask = asker()
    order, tzid = ask.buy(), ask.hire()
    ask.rent(f"rent/extendRentState.php?tzid={tzid}&days=1")

    ask.ledger.assert_paid("70.2875")
    ask.ledger.assert_paid(Decimal("70.2875"))
    with pytest.raises(AssertionError) as told:
        ask.ledger.assert_paid("0.20")

    assert str(told.value).splitlines() == [
        "paid 70.2875, not 0.2",
        f"  order {order}: telegram in russia for 0.2875, PENDING, no SMS",
        f"  rent {tzid}: country 7, 2 days for 70, active, no SMS",
    ]
