"""The laws of every run, read from the sandbox's ledger beside the results that the bots got. Never plays anything.

The table of all laws. Each yields, in words, what breaks it; a run that breaks none yields nothing.
"""

from __future__ import annotations

import attrs

from . import codes, ends, money
from .run import Outcome


@attrs.frozen
class Broken:
    """A law that a run broke, and how."""

    law: str
    what: str


LAWS = (
    money.nothing_is_bought_in_silence,
    money.who_is_told_nothing_happened_bought_nothing,
    money.what_the_records_show_is_found,
    money.one_call_is_one_request,
    money.nothing_is_sent_for_a_cancelled_caller,
    money.nothing_is_handed_out_twice,
    money.nothing_dearer_is_kept,
    money.the_budget_agrees,
    money.the_balance_agrees,
    money.open_orders_are_found,
    ends.every_order_comes_to_its_end,
    ends.nothing_open_is_called_settled,
    ends.a_crash_leaves_nothing_open,
    ends.a_closed_client_is_silent,
    ends.a_closing_without_work_is_quick,
    ends.a_cancellation_goes_on,
    ends.nothing_is_left_behind,
    codes.every_code_is_the_right_one,
    codes.no_code_is_withheld,
    codes.a_code_is_handed_over_in_time,
    codes.no_code_is_skipped,
    codes.a_timeout_is_kept,
    codes.a_wait_ends_for_a_reason,
    codes.no_order_is_cancelled_under_a_wait,
    codes.every_message_is_read_once,
    codes.the_catalogue_is_answered,
)


def broken(run: Outcome) -> list[Broken]:
    """Every law that the run broke."""
    return [Broken(law.__name__, what) for law in LAWS for what in law(run)]
