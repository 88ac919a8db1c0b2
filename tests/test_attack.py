"""The attack of `tests/attack`, a hundred schedules of it; `make attack N=20000` plays more.

Also the attack itself: that it reaches what it aims at, that every law can fail, and that a failure is made small.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from decimal import Decimal

import attrs
import pytest

from smsapi_async import NoCodeError, NothingBoughtError, OrderClosedError, OrderExpiredError, SpendUnknownError
from smsapi_async._sending import retry
from smsapi_async._sending.call import Repeat
from tests.attack import laws
from tests.attack.__main__ import main
from tests.attack.cells import CELLS, FAULTS, REQUESTS
from tests.attack.facts import code_in
from tests.attack.laws import LAWS, broken
from tests.attack.mass import LOOPS, everywhere, smallest, tried
from tests.attack.records import Asked, Interrupted
from tests.attack.report import replay
from tests.attack.run import Outcome, play
from tests.attack.schedule import Deed, Schedule, Trouble, draw
from tests.attack.shrink import add_arguments, from_arguments, kept, without

pytestmark = pytest.mark.usefixtures("untraced")


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("start", range(0, 50, 10))
def test_no_law_is_broken_whatever_goes_wrong(start, loop):
    """Examples show what we thought of; random schedules also show what we did not."""
    found = {seed: tried(draw(seed), loop)[1] for seed in range(start, start + 10)}

    assert {replay(draw(seed), loop): what for seed, what in found.items() if what} == {}


def test_the_holder_of_a_page_of_the_list_takes_its_last_look():
    """Looks had stopped: the page waited for ten minutes in the queue, and the end of the holder's order passed by."""
    programs = ("resume by order", "reuse", "reuse", "twice", "resume by id", "listen", "sms", "wait", "listen")
    deeds = [Deed(nth, program, "whatsapp", begins=nth / 2) for nth, program in enumerate(programs)]
    limited = [Trouble(nth, "buy activation", "503 limit", bot=nth) for nth in range(4)]
    reset = Trouble(4, "cancel", "reset", times=5)

    assert not tried(Schedule(seed=0, deeds=tuple(deeds), troubles=(*limited, reset), lifetime=120.0), "trio")[1]


@pytest.mark.parametrize("loop", LOOPS)
def test_a_schedule_is_played_the_same_way_again(loop):
    """A seed that fails is of use only if it fails again."""
    first, second = (play(draw(47), loop).records.arrivals for _ in range(2))

    assert first == second


def test_successive_seeds_aim_at_every_cell_alike():
    """A fault that never met a request proved nothing about it."""
    aims = Counter(
        (trouble.request, trouble.fault)
        for seed in range(len(CELLS))
        for trouble in draw(seed).troubles
        if trouble.bot is not None and not trouble.skip
    )

    assert len(set(CELLS)) == len(CELLS) == 14 * 34 + 3 * 2 + 8 * 4 + 3 * 7
    assert {request for request, _ in CELLS} == set(REQUESTS)
    assert {fault for _, fault in CELLS} == set(FAULTS)
    assert min(aims[cell] for cell in CELLS) >= 4


OPTIONS = Schedule(
    seed=395,
    deeds=(
        Deed(1, "scope", "facebook", begins=0.02, patience=20.0),
        Deed(3, "reuse", "facebook", patience=20.0),
    ),
    troubles=(
        Trouble(1, "buy activation", "lost after", bot=1),
        Trouble(4, "buy activation", "too late", bot=3),
    ),
    lifetime=120.0,
)
LENGTHS = Schedule(
    seed=0,
    deeds=(Deed(0, "rent", "telegram"), Deed(1, "rent messages", "telegram")),
    troubles=(
        Trouble(0, "rent", "not connected", bot=0),
        Trouble(1, "rent", "lost after", bot=0),
        Trouble(2, "rent", "lost after", bot=1),
    ),
)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("schedule", [OPTIONS, LENGTHS], ids=["other options", "other lengths"])
def test_lost_purchases_that_asked_for_different_things_are_not_swapped(schedule, loop):
    """A number bought for reuse is not another's, and seven days cost six times one day."""
    assert tried(schedule, loop)[1] == []


# -- every law can fail ---------------------------------------------------------------------------------------------


QUIET = Schedule(
    seed=0,
    deeds=(
        Deed(0, "listen", "telegram"),
        Deed(1, "wait", "telegram"),
        Deed(2, "sms", "facebook", patience=5.0),
        Deed(3, "rent", "telegram"),
        Deed(4, "read", "telegram"),
    ),
    plans=draw(0).plans,
    budget={"money": "20", "per_order": "2"},
)
"""Nothing goes wrong: every kind of record is there, and nothing in it."""


def test_a_quiet_world_breaks_no_law():
    """The sandbox alone never breaks a law; the test must break it by hand."""
    assert broken(play(QUIET, "asyncio")) == []


def in_silence(run: Outcome) -> None:
    run.records.calls[0].returned = None


def said_nothing_was_bought(run: Outcome) -> None:
    run.records.calls[0].error = NothingBoughtError("it was")


def left_unknown(run: Outcome) -> None:
    rented = next(call for call in run.records.calls if call.kind == "rent")
    rented.error = SpendUnknownError("nobody looked")
    run.records.calls[:] = [call for call in run.records.calls if call.kind != "extend"]
    run.records.made = {key: call for key, call in run.records.made.items() if key[0] != "extension"}
    sent = next(each for each in run.records.arrivals if each.call == rented.number and each.request == "rent")
    run.records.arrivals.append(attrs.evolve(sent, request="rent state", at=sent.at + 1))


def sent_twice(run: Outcome) -> None:
    run.records.arrivals.append(next(each for each in run.records.arrivals if each.request == "buy activation"))


def handed_twice(run: Outcome) -> None:
    run.records.calls[0].returned = run.records.calls[1].returned


def sent_for_a_cancelled_caller(run: Outcome) -> None:
    run.records.calls[0].early = True


def too_dear(run: Outcome) -> None:
    run.records.calls[0].most = Decimal("0.01")


def miscounted(run: Outcome) -> None:
    run.records.spent[0] += 1


def not_found(run: Outcome) -> None:
    run.records.walks[0].error = NothingBoughtError("the list could be read")


def called_settled(run: Outcome) -> None:
    run.records.scopes[0].open_after = True


def slow_to_close(run: Outcome) -> None:
    began, _ = run.records.closings[0]
    run.records.closings[0] = began, began + 100
    run.records.idle_closings.add(0)


def late(run: Outcome) -> None:
    next(wait for wait in run.records.waits if wait.code).ended += 100


def skipped(run: Outcome) -> None:
    wait = next(wait for wait in run.records.waits if wait.rent and wait.code)
    received = run.sandbox.world.rents[wait.order].messages
    first = next(nth for nth, message in enumerate(received) if code_in(message) == wait.code)
    received.insert(first, attrs.evolve(received[first], code="000000"))


def overslept(run: Outcome) -> None:
    next(wait for wait in run.records.waits if wait.patience and wait.error).ended += 100


def ended_without_reason(run: Outcome) -> None:
    next(wait for wait in run.records.waits if wait.error).error = OrderExpiredError("it is not")


def starved(run: Outcome) -> None:
    run.records.catalogue.append(Asked(0, 1.0, 100.0))


def money_lost(run: Outcome) -> None:
    run.sandbox.world.account.balance -= 1


def left_open(run: Outcome) -> None:
    run.sandbox.world.orders[run.records.scopes[0].order].status = "PENDING"


def not_recovered(run: Outcome) -> None:
    left_open(run)
    run.records.recovered[0] = 0


def wrong_code(run: Outcome) -> None:
    run.records.waits[0].code = "another"


def code_withheld(run: Outcome) -> None:
    wait = next(wait for wait in run.records.waits if wait.scope is None and wait.code)
    wait.code, wait.error = None, NoCodeError("it was there")


def cancelled_under_another(run: Outcome) -> None:
    wait = next(wait for wait in run.records.waits if wait.error is not None)
    wait.error = OrderClosedError("somebody did")


def read_twice(run: Outcome) -> None:
    run.records.reads[0].texts *= 2


def sent_after_closing(run: Outcome) -> None:
    run.records.after_closing.append("GET /v1/user/profile")


def swallowed(run: Outcome) -> None:
    run.records.interruptions.append(Interrupted(0, "cancel", at=1.0, ended=2.0))


def left_behind(run: Outcome) -> None:
    run.records.surprises.append("a task")


DOCTORS: dict[str, Callable[[Outcome], None]] = {
    "nothing_is_bought_in_silence": in_silence,
    "who_is_told_nothing_happened_bought_nothing": said_nothing_was_bought,
    "what_the_records_show_is_found": left_unknown,
    "one_call_is_one_request": sent_twice,
    "nothing_is_sent_for_a_cancelled_caller": sent_for_a_cancelled_caller,
    "nothing_is_handed_out_twice": handed_twice,
    "nothing_dearer_is_kept": too_dear,
    "the_budget_agrees": miscounted,
    "open_orders_are_found": not_found,
    "nothing_open_is_called_settled": called_settled,
    "a_closing_without_work_is_quick": slow_to_close,
    "a_code_is_handed_over_in_time": late,
    "no_code_is_skipped": skipped,
    "a_timeout_is_kept": overslept,
    "a_wait_ends_for_a_reason": ended_without_reason,
    "the_catalogue_is_answered": starved,
    "the_balance_agrees": money_lost,
    "every_order_comes_to_its_end": left_open,
    "a_crash_leaves_nothing_open": not_recovered,
    "every_code_is_the_right_one": wrong_code,
    "no_code_is_withheld": code_withheld,
    "no_order_is_cancelled_under_a_wait": cancelled_under_another,
    "every_message_is_read_once": read_twice,
    "a_closed_client_is_silent": sent_after_closing,
    "a_cancellation_goes_on": swallowed,
    "nothing_is_left_behind": left_behind,
}


@pytest.mark.parametrize("law", [law.__name__ for law in LAWS])
def test_every_law_can_fail(law):
    """A law that cannot fail proves nothing."""
    run = play(QUIET, "asyncio")
    DOCTORS[law](run)

    assert law in {each.law for each in broken(run)}


def test_a_client_that_buys_again_is_found_out(monkeypatch):
    """The laws see a true defect, not only a doctored record: here a lost purchase is simply sent again."""
    allowed = retry.pause_before_retry
    monkeypatch.setattr(
        "smsapi_async._sending.sender.pause_before_retry",
        lambda error, failures, repeat, most: allowed(error, failures, Repeat.FREELY, most),
    )
    lost = attrs.evolve(QUIET, troubles=(Trouble(0, "buy activation", "lost after", bot=0),))

    assert "one_call_is_one_request" in {each.law for each in tried(lost, "trio")[1]}


def test_a_run_without_an_end_is_a_failure_too(monkeypatch):
    """A wait that nothing can ever wake would otherwise stop the attack itself."""
    monkeypatch.setattr("tests.attack.run.AFTERWARDS", float("inf"))

    for loop in LOOPS:
        assert [each.law for each in tried(QUIET, loop)[1]] == ["every_run_comes_to_its_end"]


# -- a failure is made small ----------------------------------------------------------------------------------------


@pytest.fixture
def no_ban(monkeypatch):
    """A law that is false on purpose, and the only one."""

    def nobody_bans_while_lagging(run):
        yield from (each.line for each in run.records.arrivals if each.request == "ban" and each.fault == "504")

    monkeypatch.setattr(laws, "LAWS", (nobody_bans_while_lagging,))


def banning() -> Schedule:
    """One of whose bots breaks the false law, full of what that does not need."""
    return next(
        schedule
        for schedule in map(draw, range(len(CELLS)))
        if not schedule.events
        and not schedule.budget
        and schedule.library == "httpx"
        and any((each.request, each.fault, each.skip) == ("ban", "504", 0) and each.bot for each in schedule.troubles)
    )


def test_a_failing_schedule_shrinks_to_what_breaks_the_law(no_ban):
    """A maintainer reads one bot and one fault, not five of each."""
    small = smallest(banning(), "asyncio")

    assert [deed.program for deed in small.deeds] == ["ban"]
    assert [(trouble.request, trouble.fault) for trouble in small.troubles] == [("ban", "504")]
    assert (dict(small.quirks), dict(small.plans), small.events) == ({}, {}, ())


def test_the_command_of_a_small_schedule_plays_it_again(no_ban, capsys):
    """A finding is handed on as one line."""
    schedule = without(banning(), [("deeds", "1"), ("troubles", "0")])
    parser = argparse.ArgumentParser()
    add_arguments(parser)

    assert from_arguments(schedule.seed, parser.parse_args(list(kept(schedule)))) == schedule


def test_the_command_line_shrinks_and_fails(no_ban, capsys):
    """The schedule as data, the command to play it again, and the law; exit code 1."""
    seed = banning().seed

    code = main(["--seed", str(seed), "--loop", "asyncio", "--shrink"])

    assert code == 1
    said = capsys.readouterr().out
    assert f"Schedule(seed={seed}, deeds=(Deed(" in said
    assert f"python -m tests.attack --seed {seed} --loop asyncio --keep-deeds=" in said
    assert "nobody_bans_while_lagging" in said


@pytest.mark.socket
def test_all_cores_count_together():
    """Processes are spawned, so what they are to do must be found by its name."""
    tallies = dict(everywhere(range(2), LOOPS))

    assert {loop: tally.runs for loop, tally in tallies.items()} == dict.fromkeys(LOOPS, 2)
    assert all(tally.cells and tally.spending for tally in tallies.values())
