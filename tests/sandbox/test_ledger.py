"""The closing account must notice what went wrong, or its agreement means nothing."""

from decimal import Decimal

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
