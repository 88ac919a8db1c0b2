"""The defects that `tests/mutants.py` plants, one at a time, and what must notice each."""

from __future__ import annotations

import attrs

PYTEST = "pytest -x -q -p no:cacheprovider "
ATTACK = "tests.attack 150"
LONG_ATTACK = "tests.attack 700 --loop asyncio"
"""For what takes asyncio's own cancel at the wrong moment, twice."""


@attrs.frozen
class Mutant:
    """A defect, and what notices it.

    Attributes:
        name: the defect in words.
        file: where it is planted.
        old: the text in its place, which is there once.
        new: the defect.
        killed_by: commands that must fail, as the arguments of `python -m`.
    """

    name: str
    file: str
    old: str
    new: str
    killed_by: tuple[str, ...]

    def planted(self, source: str) -> str:
        """The source with the defect."""
        if source.count(self.old) != 1:
            raise ValueError(f"{self.file}: {source.count(self.old)} times, not once:\n{self.old}")
        return source.replace(self.old, self.new)


MUTANTS = (
    Mutant(
        "a purchase is sent again after a lost answer",
        "smsapi_async/_sending/retry.py",
        "if repeat is Repeat.NEVER and not isinstance(error, NotSentError):",
        "if repeat is Repeat.NEVER and not isinstance(error, (NotSentError, OutcomeUnknownError)):",
        (PYTEST + "tests/v1/test_purchases.py::test_a_lost_answer_to_a_purchase_is_found_in_the_history", ATTACK),
    ),
    Mutant(
        "work is shielded in the caller's own task, not in a child",
        "smsapi_async/_shield.py",
        "            group.start_soon(child)\n",
        "            await child()\n",
        (PYTEST + "tests/test_shield.py::test_task_cancel_does_not_reach_the_work", LONG_ATTACK),
    ),
    Mutant(
        "no last look is taken before the end of an order or of a wait",
        "smsapi_async/_polling/tracked.py",
        "moments = (self.last_at, self.ends_at + 1.0, *[waiter.deadline for waiter in self.waiters])",
        "moments = (self.ends_at + 1.0,)",
        (PYTEST + "tests/v1/test_waits.py::test_a_timeout_ends_the_wait_to_the_second", ATTACK),
    ),
    Mutant(
        "an order that a sweep no longer shows is never looked at again",
        "smsapi_async/_polling/agenda.py",
        "        self.queue.spare_no_longer(self._registry, now, unless_listed_since=since)\n",
        "",
        (
            PYTEST
            + "tests/polling/test_agenda.py::test_an_order_that_a_sweep_does_not_show_goes_back_to_its_own_rhythm",
        ),
    ),
    Mutant(
        "a refused cancel is taken for the order's end",
        "smsapi_async/v1/_settle.py",
        'return word == "hosting order"',
        "return bool(reason)",
        (PYTEST + "tests/v1/test_settle.py::test_an_order_with_a_message_is_finished_instead", ATTACK),
    ),
    Mutant(
        "looks that have stopped hold their turns",
        "smsapi_async/_sending/sender.py",
        "if look and slots.resumes_at(call.lane)",
        "if not look and slots.resumes_at(call.lane)",
        (
            PYTEST + "tests/v1/test_stopped_looks.py"
            "::test_a_request_that_stands_in_line_when_looks_stop_gives_its_turn_back",
        ),
    ),
    Mutant(
        "an order that is awaited is taken for a lost purchase",
        "smsapi_async/v1/_waits.py",
        "            self._name(order_id)\n",
        "            pass\n",
        (
            PYTEST
            + "tests/v1/test_purchases_of_others.py::test_an_order_that_is_awaited_is_not_taken_for_a_lost_purchase",
        ),
    ),
    Mutant(
        "a wait that comes back plans no look",
        "smsapi_async/_polling/queue.py",
        "        else:\n            self.replan(tracked, max(now, tracked.next_look_at(tracked.asked_at(now))))",
        "        elif not tracked.is_seen():\n"
        "            self.replan(tracked, max(now, tracked.next_look_at(tracked.asked_at(now))))",
        (PYTEST + "tests/v1/test_returning.py::test_a_wait_that_comes_back_near_the_end_is_not_forgotten", ATTACK),
    ),
    Mutant(
        "a list spares looks before it has earned trust",
        "smsapi_async/_polling/coverage.py",
        "return self._trust.earned and tracked.listed_at >=",
        "return tracked.listed_at >=",
        (PYTEST + "tests/v1/test_late_lists.py::test_a_list_that_is_late_or_says_nothing_delays_no_code", ATTACK),
    ),
    Mutant(
        "a lookup ends by what it knew before its last await",
        "smsapi_async/_sending/lost_purchases.py",
        "            found: R | None = purchase.found\n            void = found is None and self._is_void(purchase, search)",
        "            found: R | None = None\n            void = self._is_void(purchase, search)",
        (
            PYTEST
            + "tests/v1/test_purchases_together.py::test_an_order_found_for_it_while_the_payments_are_read_is_returned",
        ),
    ),
    Mutant(
        "a purchase is denied although the two clocks are unknown",
        "smsapi_async/v1/_matching.py",
        "NEAR = 600.0",
        "NEAR = 0.0",
        (
            PYTEST + "tests/v1/test_purchases_clocks.py::test_a_purchase_is_not_denied_while_the_clocks_are_not_known",
            ATTACK,
        ),
    ),
    Mutant(
        "the end of an order bought here is read from the Date",
        "smsapi_async/v1/_glance.py",
        "        if bought is not None and sold is not None:\n            first =",
        "        if bought is not None and order.expires_at is None and sold is not None:\n            first =",
        (
            PYTEST + "tests/v1/test_timing.py::test_an_order_bought_here_ends_its_span_after_its_purchase_was_sent",
            ATTACK,
        ),
    ),
    Mutant(
        "a gateway's 503 counts as a hit",
        "smsapi_async/_sending/sender.py",
        "if isinstance(error, RateLimitError):",
        'if isinstance(error, RateLimitError) or getattr(error, "status", 0) == 503:',
        (PYTEST + "tests/v1/test_odd_answers.py::test_a_gateway_s_503_for_3_s_does_not_stop_the_looks", ATTACK),
    ),
    Mutant(
        "a purchase leaves for a caller that is cancelled",
        "smsapi_async/_sending/spend.py",
        "    for _ in range(CHECKPOINTS):\n        await checkpoint()\n    while anyio.current_effective_deadline() <= anyio.current_time():\n        await checkpoint()",
        "    del checkpoint",
        (PYTEST + "tests/test_cancelled_already.py::test_a_caller_that_is_cancelled_already_buys_nothing", ATTACK),
    ),
    Mutant(
        "a page that is not found settles an order",
        "smsapi_async/v1/_refusals.py",
        'return unreadable(f"v1.{name}", repeat, reply, NOT_THE_API)',
        'return NotFoundError("not found", call=f"v1.{name}", status=reply.status)',
        (
            PYTEST + "tests/v1/test_refusals.py::test_an_answer_that_says_nothing_is_no_refusal",
            ATTACK,
        ),
    ),
    Mutant(
        "a 200 to an act is taken for its end",
        "smsapi_async/v1/_settle.py",
        "        if not is_open(settlement.order):\n            return True\n        try:",
        "        else:\n            return True\n        try:",
        (PYTEST + "tests/v1/test_settle.py::test_an_answer_that_does_not_close_the_order_ends_nothing", ATTACK),
    ),
    Mutant(
        "a wait that may not settle keeps the others from it",
        "smsapi_async/_polling/poller.py",
        "return not any(other.settles for other in tracked.waiters)",
        "return not tracked.waiters",
        (
            PYTEST + "tests/v1/test_waits_together.py::test_a_wait_that_may_not_settle_keeps_no_code_s_order_open",
            ATTACK,
        ),
    ),
    Mutant(
        "a field that cannot be read costs the answer",
        "smsapi_async/_fields.py",
        "                if needed:\n                    raise MisreadError(wire_name, why(error)) from None",
        "                if wire_name:\n                    raise MisreadError(wire_name, why(error)) from None",
        (PYTEST + "tests/v1/test_odd_answers.py::test_a_code_is_handed_over_whatever_else_is_broken", ATTACK),
    ),
    Mutant(
        "looks keep finishes and the catalogue waiting",
        "smsapi_async/_sending/pace.py",
        "late = [ticket for ticket in heads[1:] if self._is_late(ticket, now)]",
        "late: list[Ticket] = []",
        (
            PYTEST
            + "tests/sending/test_lanes.py::test_behind_1500_looks_a_finish_leaves_within_5_s_and_a_price_table_within_2",
        ),
    ),
    Mutant(
        "a code filled into an older message is never handed over",
        "smsapi_async/_codes.py",
        "(self.given if self._code(pick, sms) else self.passed).put((sms,))",
        "self.given.put((sms,))",
        (PYTEST + "tests/v1/test_next_code.py::test_a_code_filled_into_a_message_already_seen_is_the_next",),
    ),
    Mutant(
        "of two messages of a rented number the older is skipped",
        "smsapi_async/rent/_waits.py",
        "Inbox(there)",
        "Inbox()",
        (PYTEST + "tests/rent/test_waits.py::test_of_two_messages_in_one_look_the_older_comes_first",),
    ),
    Mutant(
        "a timeout waits for the cancel",
        "smsapi_async/v1/_waits.py",
        "BACK_WITHIN = 5.0",
        "BACK_WITHIN = 5000.0",
        (PYTEST + "tests/v1/test_waits.py::test_a_timeout_is_kept_while_the_provider_refuses_the_cancel", ATTACK),
    ),
    Mutant(
        "a fresh number that is not listed yet counts as closed",
        "smsapi_async/_polling/poller.py",
        "if tracked.misses > 1 and now - tracked.bought_at >= PATIENCE:",
        "if tracked.misses > 1:",
        (PYTEST + "tests/rent/test_waits.py::test_a_fresh_number_that_the_list_does_not_show_yet_is_waited_for",),
    ),
    Mutant(
        "an error that was not foreseen loses a purchase",
        "smsapi_async/_sending/spend.py",
        "        except BaseException as error:  # no list of what may be raised would ever be complete",
        "        except SmsApiError as error:",
        (PYTEST + "tests/sending/test_spend.py::test_any_exception_after_the_first_byte_is_an_unknown_outcome",),
    ),
    Mutant(
        "an order seen closed stays in the register",
        "smsapi_async/v1/_settle.py",
        "refunded=order.status == Status.CANCELED)\n            self._unsettled.discard(order.id)",
        "refunded=order.status == Status.CANCELED)",
        (PYTEST + "tests/v1/test_settle.py::test_an_order_seen_closed_leaves_the_register",),
    ),
    Mutant(
        "each client has an account of its own",
        "smsapi_async/_account.py",
        "        found = known.get(key)\n",
        "        found = None\n",
        (PYTEST + "tests/test_account.py::test_two_clients_do_not_give_one_order_to_two_lost_purchases", ATTACK),
    ),
    Mutant(
        "a message without times is the oldest",
        "smsapi_async/_values.py",
        "_time_of(sms.id, timed) or latest,",
        "datetime.min.replace(tzinfo=UTC),",
        (PYTEST + "tests/v1/test_next_code.py::test_a_message_without_times_after_others_is_the_newest",),
    ),
    Mutant(
        "orders that end together are each begun ten seconds before their end",
        "smsapi_async/_polling/queue.py",
        "for tracked in self._endings.begin(now, self._pair()):",
        "for tracked in self._endings.begin(now, 0.0):",
        (PYTEST + "tests/v1/test_ending_together.py::test_a_batch_that_ends_together_is_cancelled_in_time",),
    ),
    Mutant(
        "an order that is somebody's already is claimed for a lost purchase",
        "smsapi_async/_sending/claims.py",
        "return key not in self._claimed",
        "return True",
        (PYTEST + "tests/v1/test_purchases_together.py::test_a_purchase_in_flight_is_waited_for", ATTACK),
    ),
)
