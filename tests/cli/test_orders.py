"""The commands about orders that exist, what they ask, and how they are shown where there is little room."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
from rich.console import Console

from smsapi_async import __version__
from smsapi_async._cli import _terminal
from smsapi_async._cli._app import app
from smsapi_async._cli._help import EXAMPLES
from smsapi_async._cli._terminal import show_table
from smsapi_async.sandbox import Answer, LostAfter, Sandbox
from tests.cli.conftest import Smsapi, buy
from tests.opening import statuses

# -- one order --------------------------------------------------------------------------------------------------------


def test_an_order_is_checked(smsapi: Smsapi, sandbox: Sandbox) -> None:
    """The code, without waiting for it."""
    order_id = buy(sandbox, "google")
    sandbox.world.receive(order_id, "code 1234", "1234")

    heading, row = smsapi("check", order_id).rows

    assert (heading[0], row[0], row[-1]) == ("id", str(order_id), "1234")
    assert smsapi("check", order_id, "--json").json["status"] == "RECEIVED"
    assert statuses(sandbox) == ["RECEIVED"]


ENDS = {
    "finish": ("FINISHED", "is finished, paid {} (account currency)"),
    "cancel": ("CANCELED", "is cancelled and refunded"),
    "ban": ("BANNED", "is banned, believed to be refunded"),
}


@pytest.mark.parametrize("verb", ENDS)
@pytest.mark.parametrize("as_json", [False, True])
def test_an_order_is_brought_to_its_end(smsapi, sandbox, verb, as_json):
    """By its id, and so without a question."""
    order_id = buy(sandbox, "google")
    if verb == "finish":
        sandbox.world.receive(order_id, "code 1234", "1234")
    price = sandbox.world.orders[order_id].price
    status, words = ENDS[verb]

    ran = smsapi(verb, order_id, *["--json"] * as_json)

    assert (ran.code, statuses(sandbox)) == (0, [status])
    if as_json:
        assert ran.json["status"] == status
    else:
        assert ran.err == f"order {order_id} {words.format(f'{price:f}')}\n"


def test_an_order_that_cannot_be_ended_so_says_why(smsapi: Smsapi, sandbox: Sandbox) -> None:
    """The provider cancels no order with an SMS: `finish` is the way."""
    order_id = buy(sandbox, "google")
    sandbox.world.receive(order_id, "code 1234", "1234")

    ran = smsapi("cancel", order_id)

    assert (ran.code, statuses(sandbox)) == (1, ["RECEIVED"])
    assert "order has sms" in ran.err


# -- settling ---------------------------------------------------------------------------------------------------------


def test_settling_asks_and_names_the_orders(smsapi: Smsapi, sandbox: Sandbox) -> None:
    """Another program may wait for one of them."""
    first, second = buy(sandbox, "google"), buy(sandbox, "telegram")

    ran = smsapi("orders", "--settle", typed="n\n")

    assert (ran.code, statuses(sandbox)) == (1, ["PENDING", "PENDING"])
    assert ran.err == (
        "Bring these 2 orders to the end, each finished if it has an SMS, else cancelled with a refund: "
        f"{second} (telegram, PENDING), {first} (google, PENDING)? [y/N] smsapi: nothing was settled\n"
    )


def test_settling_takes_ids(smsapi: Smsapi, sandbox: Sandbox) -> None:
    """The others belong to somebody else."""
    first, second = buy(sandbox, "google"), buy(sandbox, "google")

    ran = smsapi("orders", first, "--settle", typed="y\n")

    assert ran.err.startswith("Bring this order to the end, each finished if it has an SMS, else cancelled")
    assert {order.id: order.status for order in sandbox.world.orders.values()} == {first: "CANCELED", second: "PENDING"}


def test_where_nobody_can_be_asked_nothing_is_settled(smsapi: Smsapi, sandbox: Sandbox) -> None:
    """A script that forgot --yes."""
    buy(sandbox, "google")

    ran = smsapi("orders", "--settle")

    assert (ran.code, statuses(sandbox)) == (2, ["PENDING"])
    assert "repeat it with --yes" in ran.err


def test_there_may_be_nothing_to_settle(smsapi: Smsapi) -> None:
    """Then there is no question either."""
    assert smsapi("orders", "--settle", typed="").err == "no open orders\n"


# -- what is typed ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flag", ["-V", "--version"])
def test_the_version_is_told(smsapi: Smsapi, flag: str) -> None:
    """As other programs do."""
    assert smsapi(flag).out == f"{__version__}\n"


@pytest.mark.parametrize(
    ("span", "seconds"), [("90", 90), ("90s", 90), ("1.5", 1.5), ("5m", 300), ("1m30s", 90), ("1h", 3600), ("2M", 120)]
)
def test_a_span_may_have_units(span: str, seconds: float) -> None:
    """Few users count five minutes in seconds."""
    _, bound, _ = app.parse_args(["code", "telegram", "--timeout", span], exit_on_error=False, print_error=False)

    assert bound.arguments["timeout"] == seconds


@pytest.mark.parametrize("span", ["5x", "m", "", "0", "0m", "-5m"])
def test_a_span_that_is_none_is_wrong_usage(smsapi: Smsapi, sandbox: Sandbox, span: str) -> None:
    """Before anything is bought."""
    ran = smsapi("code", "telegram", f"--timeout={span}", "--yes")

    assert (ran.code, ran.err.count("\n"), sandbox.requests) == (2, 1, [])
    assert "--timeout" in ran.err


def test_a_tariff_is_asked_for_by_position(smsapi: Smsapi) -> None:
    """As a country is by every other command of `rent`."""
    assert smsapi("rent", "tariffs", 46).out == smsapi("rent", "tariffs", "--country", 46).out != ""


@pytest.mark.parametrize("command", EXAMPLES)
def test_every_help_has_examples_that_can_be_pasted(smsapi: Smsapi, command: str) -> None:
    """They are read before the options are."""
    shown = smsapi(*command.split(), "--help").out

    assert [line for line in EXAMPLES[command] if line not in shown] == []
    for line in EXAMPLES[command]:
        app.parse_args(shlex.split(line)[1:], exit_on_error=False, print_error=False)


def test_every_command_has_examples() -> None:
    """A new command needs some too."""
    commands = [name for name in app if not name.startswith("-")]

    assert set(commands) | {f"rent {name}" for name in app["rent"] if not name.startswith("-")} == set(EXAMPLES) - {""}


# -- errors for a program ---------------------------------------------------------------------------------------------


def told(text: str) -> dict[str, Any]:
    """The error in the last line of stderr."""
    found: dict[str, Any] = json.loads(text.splitlines()[-1])
    return found


def test_an_error_is_json_where_json_was_asked_for(smsapi: Smsapi) -> None:
    """A program need not pick words apart."""
    ran = smsapi("code", "telegram", "--country", "england", "--operator", "virtual52", "--yes", "--json")

    assert (ran.code, ran.out) == (1, "")
    error = told(ran.err)
    assert error.pop("message").startswith("v1.buy_activation: the provider refused with 'no free phones'")
    assert error == {
        "error": "NoNumbersError",
        "exit_code": 1,
        "call": "v1.buy_activation",
        "reason": "no free phones",
        "status": 200,
    }


def test_the_candidates_are_in_the_json(smsapi: Smsapi, sandbox: Sandbox) -> None:
    """They are what a program looks at next."""
    other = buy(sandbox, "telegram")
    sandbox.fail("user/buy", LostAfter())

    ran = smsapi("code", "telegram", "--yes", "--json")

    assert (ran.code, told(ran.err)["error"], told(ran.err)["numbers"]) == (3, "SpendUnknownError", [])
    assert other in told(ran.err)["orders"]


def test_wrong_usage_is_json_too(smsapi: Smsapi) -> None:
    """Each way to end a command."""
    ran = smsapi("wait", "five", "--json")

    assert (ran.code, told(ran.err)["exit_code"]) == (2, 2)


def test_an_error_of_ours_is_not_hidden(smsapi: Smsapi, monkeypatch: pytest.MonkeyPatch) -> None:
    """A traceback is what a report of it needs."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("smsapi_async._cli._catalogue.show_table", broken)

    with pytest.raises(ZeroDivisionError):
        smsapi("countries")


# -- little room ------------------------------------------------------------------------------------------------------

ORDER = (1090123457, "2026-01-01 12:00:00+00:00", "telegram", "russia", "+79000389373", "PENDING", "0.2875", "04217")
COLUMNS = ("id", "created", "product", "country", "phone", "status", "price", "code")


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 200])
def test_no_id_or_phone_is_cut_in_a_narrow_terminal(width, monkeypatch, capsys):
    """They are copied from there, and a number without its last digit is another one."""
    monkeypatch.setattr(_terminal, "Console", lambda **_: Console(width=width, highlight=False))

    show_table(COLUMNS, [ORDER, ORDER])

    lines = capsys.readouterr().out.splitlines()
    for value in (ORDER[0], ORDER[4], ORDER[7]):
        assert sum(str(value) in line for line in lines) == 2
    words = " ".join(lines).split()
    assert all(words.count(word) == 2 for word in " ".join(map(str, ORDER)).split())
    assert "…" not in " ".join(lines)


def test_a_row_of_a_narrow_terminal_is_a_line_for_each_cell(monkeypatch, capsys):
    """With its name before it, and a blank line between two rows."""
    monkeypatch.setattr(_terminal, "Console", lambda **_: Console(width=12, highlight=False))

    show_table(("id", "phone"), [(1, "+79000389373"), (2, None)])

    assert capsys.readouterr().out == "id: 1\nphone: +79000389373\n\nid: 2\nphone: -\n"


def test_a_time_has_its_zone(smsapi: Smsapi, sandbox: Sandbox) -> None:
    """A reader compares it with a clock on the wall."""
    buy(sandbox, "google")

    created = smsapi("orders").rows[1][1:3]

    assert created[0].startswith("2026-01-0")
    assert created[1][-6] in "+-"


def test_a_table_of_amounts_names_their_currency(smsapi: Smsapi) -> None:
    """No answer of the providers names one."""
    assert smsapi("balance").err == "amounts are in the account currency\n"
    assert smsapi("balance", "--json").err == ""


# -- the doctor, and where the output goes ----------------------------------------------------------------------------


def test_the_doctor_is_not_content_without_any_key(smsapi: Smsapi, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script asks it whether the rest will work."""
    for name in ("SMSAPI_TOKEN", "SMSAPI_RENT_KEY"):
        monkeypatch.delenv(name)

    ran = smsapi("doctor")

    assert ran.code == 1
    assert ran.err == "smsapi: no key is set: set SMSAPI_TOKEN or SMSAPI_RENT_KEY, or try --sandbox\n"
    assert smsapi("doctor", "--sandbox").code == 0


def test_the_doctor_needs_one_key_only(smsapi: Smsapi, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most users have one of the two."""
    monkeypatch.delenv("SMSAPI_RENT_KEY")
    sandbox.fail("getBalance", Answer(500))

    assert smsapi("doctor").code == 0
