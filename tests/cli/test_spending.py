"""The commands that spend: they ask, they settle, and they say what became of the money."""

from __future__ import annotations

import errno
import io
import re
from typing import Any

import pytest

from smsapi_async.sandbox import Answer, Delay, Delivery, LostAfter, LostBefore, Request, Sandbox, Stall
from tests.cli.conftest import Smsapi, buy


def statuses(sandbox: Sandbox) -> list[str]:
    return [order.status for order in sandbox.world.orders.values()]


# -- the number and its code ------------------------------------------------------------------------------------------


def test_the_number_and_the_code_are_the_two_lines_of_stdout(smsapi: Smsapi, sandbox: Sandbox) -> None:
    """The lines that a script reads, one after the other."""
    ran = smsapi("code", "telegram", "--country", "russia", "--operator", "beeline", "--yes")

    assert (ran.code, ran.out) == (0, "+79000389373\n04217\n")
    assert ran.err.splitlines() == [
        "order 1090123457, russia beeline, 0.32 (account currency)",
        "order 1090123457 is finished, paid 0.32 (account currency)",
    ]
    assert statuses(sandbox) == ["FINISHED"]


def test_the_number_and_the_code_as_json(smsapi: Smsapi) -> None:
    """A line each: the number is needed before the code comes."""
    lines = smsapi("code", "telegram", "--country", "russia", "--json", "--yes").out.splitlines()

    assert lines == ['{"id": 1090123457, "phone": "+79000389373", "price": "0.2875"}', '{"code": "04217"}']


def test_no_code_is_a_refund_and_said_so(smsapi: Smsapi, sandbox: Sandbox) -> None:
    """The error is told of the order as it was left, not as it was when the wait ended."""
    ran = smsapi("code", "google", "--timeout", 60, "--yes")

    assert (ran.code, ran.out.count("\n")) == (1, 1)
    assert ran.err.splitlines()[1:] == [
        "smsapi: await_code: order 1090123457 got no code within the timeout; the order is cancelled and refunded"
    ]
    assert statuses(sandbox) == ["CANCELED"]


def test_offers_are_tried_in_the_order_asked_for(smsapi: Smsapi, sandbox: Sandbox) -> None:
    """The best one has no numbers."""
    sandbox.fail("user/buy/activation/russia/beeline", Answer(200, "no free phones"))

    ran = smsapi("code", "telegram", "--sort", "expected", "--yes")

    assert ran.err.startswith("order 1090123457, russia mts, 0.2875 (account currency)\n")


def test_a_purchase_that_cannot_be_is_one_line(smsapi: Smsapi, sandbox: Sandbox) -> None:
    """Nothing was bought, and the line says so."""
    ran = smsapi("code", "telegram", "--country", "england", "--operator", "virtual52", "--yes")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        "smsapi: v1.buy_activation: the provider refused with 'no free phones' (HTTP 200);"
        " nothing was bought, try another operator, country or max_price, or later\n"
    )


# -- asking -----------------------------------------------------------------------------------------------------------

BUYING: list[tuple[list[Any], str]] = [
    (
        ["code", "telegram"],
        "Buy a number for telegram (country any, operator any), listed at 0.2875 to 4 (account currency)? [y/N]",
    ),
    (
        ["code", "telegram", "--country", "russia", "--operator", "mts"],
        "Buy a number for telegram (country russia, operator mts), listed at 0.2875 (account currency)? [y/N]",
    ),
    (
        ["code", "telegram", "--country", "usa", "--max-price", "1.20"],
        (
            "Buy a number for telegram (country usa, operator any), "
            "listed at 1.1 (account currency), for 1.20 at most? [y/N]"
        ),
    ),
    (
        ["code", "google", "--operator", "tele2"],
        "Buy a number for google (country any, operator tele2), which is not in the price list? [y/N]",
    ),
    (["rent", "get", 7, 7], "Rent a number of country 7 for 7 days, listed at 251.5 (account currency)? [y/N]"),
    (["rent", "get", 7, 99], "Rent a number of country 7 for 99 days, which is not in the price list? [y/N]"),
    (["rent", "close", 5], "Give rented number 5 up for good? No refund is promised. [y/N]"),
]


@pytest.mark.parametrize(("tokens", "question"), BUYING, ids=str)
@pytest.mark.parametrize("typed", ["n\n", "\n", ""])
def test_what_spends_asks_first_and_takes_nothing_else_for_a_yes(smsapi, sandbox, tokens, question, typed):
    """With the price, as far as the list tells it."""
    ran = smsapi(*tokens, typed=typed)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"{question} smsapi: nothing was spent\n"
    assert sandbox.ledger.purchases == sandbox.ledger.rents == []


@pytest.mark.parametrize("tokens", [tokens for tokens, _ in BUYING], ids=lambda tokens: " ".join(map(str, tokens)))
def test_where_nobody_can_be_asked_nothing_is_spent(smsapi, sandbox, tokens):
    """A script that forgot --yes; not even the price is asked for."""
    ran = smsapi(*tokens)

    assert (ran.code, ran.out) == (2, "")
    assert "repeat it with --yes" in ran.err
    assert sandbox.requests == []


@pytest.mark.parametrize(
    ("tokens", "key"), [(["code", "telegram"], "SMSAPI_TOKEN"), (["rent", "get", 7, 7], "SMSAPI_RENT_KEY")]
)
def test_without_a_key_nothing_is_asked(smsapi, sandbox, monkeypatch, tokens, key):
    """Neither the provider nor the user, whose yes would come to nothing."""
    monkeypatch.delenv(key)

    ran = smsapi(*tokens, typed="y\n")

    assert (ran.code, ran.err) == (1, f"smsapi: no key: set {key}, or try it without one with --sandbox\n")
    assert sandbox.requests == []


def test_a_misspelt_product_gets_a_hint(smsapi: Smsapi) -> None:
    """The provider says neither which word is wrong nor which there are."""
    ran = smsapi("code", "telegarm", "--yes")

    assert ran.code == 1
    assert ran.err.splitlines()[0] == "perhaps telegram is meant"
    assert "`smsapi products`" in ran.err.splitlines()[-1]


@pytest.mark.parametrize(("country", "near"), [("rusia", True), ("zzz", False)])
def test_a_misspelt_country_gets_a_hint(smsapi: Smsapi, country: str, near: bool) -> None:
    """If there is one that is nearly the same."""
    ran = smsapi("code", "telegram", "--country", country, "--yes")

    assert ran.code == 1
    assert ("perhaps russia or usa is meant" in ran.err) is near


def test_a_hint_that_cannot_be_had_hides_no_error(smsapi: Smsapi, sandbox: Sandbox) -> None:
    """The catalogue is a further request."""
    sandbox.fail("guest/", Answer(502), times=99)

    ran = smsapi("code", "telegarm", "--yes")

    assert (ran.code, ran.err.startswith("smsapi: v1.buy_activation: ")) == (1, True)


def test_a_yes_buys(smsapi: Smsapi) -> None:
    """And one keystroke will do."""
    assert smsapi("code", "telegram", typed="y\n").out.splitlines()[1] == "04217"


def test_a_sandbox_of_the_command_is_not_asked_about(smsapi: Smsapi, sandbox: Sandbox) -> None:
    """Nothing is spent there; the provider of the environment hears nothing."""
    assert smsapi("code", "telegram", "--sandbox").out.splitlines()[1] == "04217"
    assert sandbox.requests == []


# -- Ctrl-C -----------------------------------------------------------------------------------------------------------


def test_ctrl_c_settles_the_order_and_says_so(smsapi: Smsapi, sandbox: Sandbox) -> None:
    """The most common way out of all."""
    ran = smsapi("code", "google", "--yes", ctrl_c=(30,))

    assert ran.code == 130
    assert ran.err.splitlines()[1:] == ["order 1090123457 is cancelled and refunded", "smsapi: stopped"]
    assert statuses(sandbox) == ["CANCELED"]


def test_ctrl_c_in_the_middle_of_a_purchase_gives_the_number_back(smsapi: Smsapi, sandbox: Sandbox) -> None:
    """It is bought all the same, and nobody waits for it."""
    sandbox.fail("user/buy", Delay(5))

    ran = smsapi("code", "google", "--yes", ctrl_c=(3,))

    assert (ran.code, statuses(sandbox)) == (130, ["CANCELED"])
    assert ran.err.startswith("a number that was being bought is given back, unless")


@pytest.mark.filterwarnings("ignore:closed with unsettled orders:ResourceWarning")
def test_ctrl_c_names_the_order_that_cannot_be_settled(smsapi: Smsapi, sandbox: Sandbox) -> None:
    """And what to type to try again."""
    sandbox.fail("user/cancel", Stall(processed=False), times=9)

    ran = smsapi("code", "google", "--yes", ctrl_c=(3,))

    assert ran.code == 130
    assert ran.err.splitlines()[1:] == [
        "order 1090123457 is left open: `smsapi orders --settle` tries again",
        "order 1090123457 was left PENDING",
        "smsapi: stopped",
    ]


@pytest.mark.filterwarnings("ignore:closed with unsettled orders:ResourceWarning")
def test_a_second_ctrl_c_names_the_order_too(smsapi: Smsapi, sandbox: Sandbox) -> None:
    """A user who presses twice wants out, and needs to know what is left."""
    sandbox.fail("user/cancel", Stall(processed=False), times=9)

    ran = smsapi("code", "google", "--yes", ctrl_c=(3, 4))

    assert ran.code == 130
    assert "order 1090123457 was left PENDING" in ran.err


def test_ctrl_c_leaves_an_order_open_that_was_only_waited_for(smsapi: Smsapi, sandbox: Sandbox) -> None:
    """Another program may need it."""
    order_id = buy(sandbox, "google")

    ran = smsapi("wait", order_id, ctrl_c=(3,))

    assert (ran.code, statuses(sandbox)) == (130, ["PENDING"])
    assert ran.err.startswith(f"order {order_id} is not cancelled: `smsapi wait {order_id}` goes on\n")


def test_ctrl_c_at_the_question_spends_nothing(smsapi, sandbox, monkeypatch):
    """Before anything is bought."""

    def interrupted(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("tests.cli.conftest.Keyboard.readline", interrupted)

    assert smsapi("rent", "close", 5, typed="").code == 130
    assert sandbox.requests == []


# -- what is unknown, and what is left open ---------------------------------------------------------------------------


def test_an_unknown_outcome_has_a_code_of_its_own_and_names_the_candidates(smsapi: Smsapi, sandbox: Sandbox) -> None:
    """A script must not take it for a refusal and buy again."""
    sandbox.fail("user/buy", LostAfter())
    sandbox.fail("user/orders", Answer(502, "bad gateway"), times=99)

    ran = smsapi("code", "telegram", "--yes")

    assert (ran.code, ran.out) == (3, "")
    assert "money may be spent" in ran.err


def test_candidates_are_named(smsapi: Smsapi, sandbox: Sandbox) -> None:
    """To be looked at before anything is bought again."""
    buy(sandbox, "telegram")
    sandbox.fail("user/buy", LostAfter())

    ran = smsapi("code", "telegram", "--yes")

    assert ran.code == 3
    assert [line for line in ran.err.splitlines() if line.startswith("perhaps")] == [
        "perhaps it is order 1090123457",
        "perhaps it is order 1090123470",
    ]


def test_a_lost_purchase_that_was_not_made_is_safe_to_repeat(smsapi: Smsapi, sandbox: Sandbox) -> None:
    """The line says so."""
    sandbox.fail("user/buy", LostBefore())

    ran = smsapi("code", "telegram", "--yes")

    assert ran.code == 1
    assert ran.err.endswith("nothing was bought, it is safe to try again\n")


def test_a_purchase_whose_outcome_stays_unknown_behind_ctrl_c_is_told_of(smsapi: Smsapi, sandbox: Sandbox) -> None:
    """No caller is left that an error could reach."""
    sandbox.fail("user/buy", LostAfter())
    sandbox.fail("user/orders", Answer(502, "bad gateway"), times=99)

    ran = smsapi("code", "telegram", "--yes", ctrl_c=(3,))

    assert ran.code == 130
    assert "purchase.unknown call=v1.buy_activation" in ran.err


@pytest.mark.filterwarnings("ignore:closed with unsettled orders:ResourceWarning")
def test_an_order_left_open_has_the_code_of_an_unknown_outcome(smsapi: Smsapi, sandbox: Sandbox) -> None:
    """The refund is not certain."""
    sandbox.fail("user/cancel", Stall(processed=False), times=99)

    ran = smsapi("code", "google", "--timeout", 10, "--yes")

    assert ran.code == 3
    assert "is left open" in ran.err


@pytest.mark.filterwarnings("ignore:closed with unsettled orders:ResourceWarning")
def test_settling_that_fails_has_that_code_too(smsapi: Smsapi, sandbox: Sandbox) -> None:
    """The list alone would look as if all were well."""
    order_id = buy(sandbox, "google")
    sandbox.fail("user/cancel", Stall(processed=False), times=99)

    ran = smsapi("orders", "--settle", "--yes")

    assert ran.code == 3
    assert ran.err.startswith(f"order {order_id} is left open")


@pytest.mark.filterwarnings("ignore:closed with unsettled orders:ResourceWarning")
def test_a_rent_bought_behind_ctrl_c_is_told_of(smsapi: Smsapi, sandbox: Sandbox) -> None:
    """It cannot be undone, so it is kept."""
    sandbox.fail("getRentNum", Delay(9))

    ran = smsapi("rent", "get", 7, 1, "--yes", ctrl_c=(5,))

    assert ran.code == 130
    assert f"rented number {sandbox.ledger.rents[0]} is bought and kept" in ran.err


def test_rent_candidates_are_named(smsapi: Smsapi, sandbox: Sandbox) -> None:
    """By the handle that the other commands want."""

    def another_program_rents_too(request: Request) -> bool:
        if "getRentNum" in request.line:
            sandbox.perform(request, sandbox.now())
        return "getRentNum" in request.line

    sandbox.fail(another_program_rents_too, LostAfter())

    ran = smsapi("rent", "get", 7, 1, "--yes")

    assert ran.code == 3
    assert ran.err.splitlines()[1:] == [f"perhaps it is rented number {tzid}" for tzid in sandbox.ledger.rents]


# -- waiting and rented numbers ---------------------------------------------------------------------------------------


def test_a_wait_finishes_the_order(smsapi: Smsapi, sandbox: Sandbox) -> None:
    """And prints its code alone."""
    order_id = buy(sandbox, "telegram")

    ran = smsapi("wait", order_id)

    assert (ran.code, ran.out, ran.err) == (0, "04217\n", "")
    assert statuses(sandbox) == ["FINISHED"]


def test_a_wait_for_a_while_gives_the_order_back(smsapi: Smsapi, sandbox: Sandbox) -> None:
    """When no code comes."""
    ran = smsapi("wait", buy(sandbox, "google"), "--timeout", 20)

    assert ran.code == 1
    assert ran.err.endswith("the order is cancelled and refunded\n")


def test_an_order_that_is_unknown_is_refused(smsapi: Smsapi) -> None:
    """Whose key is it?"""
    assert smsapi("wait", 17).code == 1


def test_a_rent_is_extended_and_closed(smsapi: Smsapi, sandbox: Sandbox) -> None:
    """Its whole life from the shell."""
    tzid = smsapi("rent", "get", 7, 1, "--extension", "--yes", "--json").json[0]["tzid"]
    smsapi("rent", "messages", tzid, "--follow", ctrl_c=(9,))

    declined = smsapi("rent", "extend", tzid, 7, typed="n\n")
    extended = smsapi("rent", "extend", tzid, 7, "--yes")
    closed = smsapi("rent", "close", tzid, "--yes")

    assert declined.err.startswith(
        f"Keep rented number {tzid} for 7 more days, listed at 210 (account currency)? [y/N]"
    )
    assert extended.rows[1][0] == str(tzid)
    assert (closed.code, closed.err) == (0, f"rented number {tzid} is closed\n")
    assert smsapi("rent", "list").rows == []


# -- where the output goes --------------------------------------------------------------------------------------------


class Printed(io.BytesIO):
    """The text that is written to an output of one encoding. Refused bytes stand for a full disk."""

    def __init__(self, *, full: bool = False) -> None:
        super().__init__()
        self.full = full

    def write(self, data: Any, /) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


ARABIC = "٠٤٢١٧"
"""A code that no ASCII can show."""


def test_a_code_is_shown_whatever_the_encoding_of_the_output(smsapi, sandbox, monkeypatch) -> None:
    """It was bought, and the program ended with "wrong usage, nothing was sent"."""
    printed = Printed()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(printed, encoding="ascii"))
    sandbox.scenario.plans["telegram"] = [[Delivery(5, f"Telegram {ARABIC}", ARABIC)]]

    ran = smsapi("code", "telegram", "--yes")

    assert ran.code == 0
    assert printed.getvalue().decode() == "+79000389373\n" + ARABIC.encode("unicode_escape").decode() + "\n"
    assert ran.err.endswith("is finished, paid 0.2875 (account currency)\n")
    assert statuses(sandbox) == ["FINISHED"]


def test_a_full_disk_costs_no_more_than_the_result(smsapi, sandbox, monkeypatch) -> None:
    """The state of the money is said where it still can be."""
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(Printed(full=True), encoding="utf-8"))

    ran = smsapi("code", "telegram", "--yes")

    assert ran.code == 1
    assert "order 1090123457 is cancelled and refunded\n" in ran.err
    assert ran.err.endswith("smsapi: the result could not be written: No space left on device\n")
    assert statuses(sandbox) == ["CANCELED"]


@pytest.mark.parametrize("name", ["sys.stdout", "sys.stderr"])
def test_an_output_that_is_closed_costs_nothing(smsapi, sandbox, monkeypatch, name: str) -> None:
    """As a shell does with `>&-`."""
    monkeypatch.setattr(name, None)

    codes = [smsapi(*tokens).code for tokens in (["code", "telegram", "--yes"], ["orders"], ["code", "google"])]

    assert codes == [0, 0, 2], "the last one would ask"
    assert statuses(sandbox) == ["FINISHED"]


def test_a_mistake_of_ours_after_a_purchase_is_no_wrong_usage(smsapi, sandbox, monkeypatch) -> None:
    """The exit code 2 says that nothing was sent."""

    def broken(found: str, *, json: bool) -> None:
        raise UnicodeError("cannot show it")

    monkeypatch.setattr("smsapi_async._cli._code._show_code", broken)

    ran = smsapi("code", "telegram", "--yes")

    assert (ran.code, ran.err.splitlines()[1:]) == (
        3,
        [
            "order 1090123457 is finished, paid 0.2875 (account currency)",
            "smsapi: UnicodeError after something was sent: cannot show it",
        ],
    )


def test_a_number_that_is_rented_is_named_before_it_is_shown(smsapi, sandbox, monkeypatch) -> None:
    """The table may go to a full disk."""
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(Printed(full=True), encoding="utf-8"))

    bought = smsapi("rent", "get", 7, 1, "--yes")

    assert bought.code == 1
    assert re.match(r"rented number \d+ is bought for \d", bought.err)
