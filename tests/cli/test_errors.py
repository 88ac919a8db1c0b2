"""The command line never prints a traceback, a key, or text of a stranger that a terminal would obey."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import httpx2
import pytest

from smsapi_async import __main__ as entry
from smsapi_async._cli._app import app
from smsapi_async.sandbox import Answer, Delivery, Sandbox, Scenario
from tests.cli.conftest import Smsapi, buy

COMMANDS: list[list[object]] = [
    ["balance"], ["offers", "telegram"], ["countries"], ["products"], ["code", "telegram", "--yes"], ["wait", 5],
    ["orders"], ["orders", "--open"], ["orders", "--settle", "--yes"], ["check", 5],
    ["finish", 5], ["cancel", 5], ["ban", 5], ["rent", "tariffs"], ["rent", "get", 7, 1, "--yes"],
    ["rent", "list"], ["rent", "messages", 5], ["rent", "extend", 5, 1, "--yes"], ["rent", "close", 5, "--yes"],
    ["doctor"],
]  # fmt: skip


def joined(tokens: list[object]) -> str:
    return " ".join(map(str, tokens))


# -- usage ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tokens", "word"),
    [
        (["sell"], "sell"),
        (["code"], "PRODUCT"),
        (["wait", "five"], "five"),
        (["offers", "telegram", "--cheap"], "--cheap"),
        (["offers", "telegram", "--sort", "luck"], "luck"),
        (["offers", "../profile"], "product: "),
        (["orders", "--limit", 0], "--limit"),
        (["code", "telegram", "--operator", "mts", "--max-price", 1, "--yes"], "max_price: "),
        (["code", "telegram", "--timeout", -1, "--yes"], "--timeout"),
    ],
    ids=lambda value: joined(value) if isinstance(value, list) else None,
)
def test_wrong_usage_is_one_line_and_sends_nothing(smsapi, sandbox, tokens, word):
    """The word that is wrong is in it."""
    ran = smsapi(*tokens)

    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert ran.err.startswith("smsapi: ")
    assert word in ran.err
    assert sandbox.ledger.purchases == []


@pytest.mark.parametrize("tokens", [[], *([*tokens[: 1 + (tokens[0] == "rent")]] for tokens in COMMANDS)], ids=joined)
def test_every_command_explains_itself(smsapi, tokens):
    """With the exit codes, which a script needs to know."""
    ran = smsapi(*tokens, "--help")

    assert ran.code == 0
    assert "130 stopped by Ctrl-C" in " ".join(ran.out.split())


def test_the_completion_of_a_shell_knows_the_commands() -> None:
    """The script that `smsapi --install-completion` installs."""
    for shell in ("bash", "zsh", "fish"):
        assert "--max-price" in app.generate_completion(shell=shell)


# -- keys and strangers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refusal", [None, Answer(401), Answer(502, "bad gateway")], ids=["ok", "401", "502"])
@pytest.mark.parametrize("tokens", COMMANDS, ids=joined)
def test_no_command_prints_a_key_or_a_traceback(smsapi, sandbox, tokens, refusal):
    """For each answer of the provider."""
    if refusal is not None:
        sandbox.fail("/", refusal, times=99)

    ran = smsapi(*tokens)

    assert sandbox.token not in ran.out + ran.err
    assert sandbox.rent_key not in ran.out + ran.err
    assert "Traceback" not in ran.err
    assert ran.code in (0, 1, 3)


@pytest.mark.parametrize(
    "scenario", [Scenario(plans={"telegram": [[Delivery(0, "\x1b]0;owned\x07\n\u202e", "\x1b[2J")]]})]
)
def test_a_text_cannot_steer_the_terminal(smsapi, sandbox):
    """Anybody can send an SMS to the number."""
    order_id = buy(sandbox, "telegram")

    listed, waited = smsapi("orders"), smsapi("wait", order_id)

    assert waited.out == " [2J\n"
    assert listed.out.isascii()
    assert "\x1b" not in listed.out


# -- doctor -----------------------------------------------------------------------------------------------------------


def test_the_doctor_reports_what_is_there(smsapi: Smsapi, sandbox: Sandbox) -> None:
    """Made to be pasted."""
    ran = smsapi("doctor")

    assert ran.code == 0
    assert "  SMSAPI_TOKEN     set\n" in ran.out
    assert f"  SMSAPI_RENT_URL  {sandbox.rent_url}\n" in ran.out
    assert "  v1 account       ok in " in ran.out


def test_the_doctor_shows_no_password_of_a_url(smsapi: Smsapi, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client refuses such a URL; the report is pasted all the same."""
    monkeypatch.setenv("SMSAPI_RENT_URL", "https://user:sec/secret@example.org/api?key=secret")

    ran = smsapi("doctor")

    assert ran.code == 1
    assert "  SMSAPI_RENT_URL  https://example.org/api\n" in ran.out
    assert "secret" not in ran.out


def test_the_doctor_tells_what_does_not_answer(smsapi, sandbox, monkeypatch):
    """And what was not asked, for it is not set up."""
    monkeypatch.delenv("SMSAPI_RENT_KEY")
    sandbox.fail("user/profile", Answer(401))

    ran = smsapi("doctor", "--json")

    assert ran.code == 1
    assert ran.json["answers"]["v1"].startswith("ok in ")
    assert "check `token` (SMSAPI_TOKEN)" in ran.json["answers"]["v1 account"]
    assert ran.json["answers"]["rent account"] == "not asked: SMSAPI_RENT_KEY is not set"


def test_the_doctor_reports_a_configuration_that_opens_no_client(smsapi, monkeypatch):
    """The user is asked then."""
    monkeypatch.setenv("SMSAPI_V1_URL", "5sim.net")

    ran = smsapi("doctor", "--json")

    assert ran.code == 1
    assert ran.json["answers"] == {"client": "v1_url: an http(s) URL without query is needed"}


def test_the_doctor_tells_what_is_not_installed(smsapi, monkeypatch):
    """Extras are a frequent question."""
    monkeypatch.setattr("smsapi_async._cli._doctor.PACKAGES", ("httpx2", "no-such-package"))

    ran = smsapi("doctor", "--json")

    assert ran.json["installed"]["no-such-package"] == "not installed"
    assert ran.json["installed"]["httpx2"] == httpx2.__version__


# -- extras and the served sandbox ------------------------------------------------------------------------------------


def test_without_the_extra_its_name_is_told(monkeypatch, capsys):
    """A plain install has the command, too."""
    monkeypatch.delitem(sys.modules, "smsapi_async._cli._app")
    monkeypatch.setitem(sys.modules, "cyclopts", None)

    assert entry.script() == 2
    assert capsys.readouterr().err.endswith("needs the extra `cli`: pip install 'smsapi_async[cli]'\n")


def test_a_module_of_ours_that_is_missing_is_no_matter_of_extras(monkeypatch):
    """A broken install must not be blamed on the user."""
    monkeypatch.setitem(sys.modules, "smsapi_async._cli._app", None)

    with pytest.raises(ModuleNotFoundError):
        entry.script()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('{"balanse": 1}', "balanse"),
        ('{"balance": "much"}', "balance"),
        ("not json", "line 1"),
        ("[]", "object"),
        (None, "No such file"),
    ],
)
def test_a_bad_scenario_is_one_line(smsapi, tmp_path, text, word):
    """With the file and what is wrong in it."""
    file: Path = tmp_path / "scenario.json"
    if text is not None:
        file.write_text(text, encoding="utf-8")

    ran = smsapi("sandbox", "--scenario", file)

    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert str(file) in ran.err
    assert word in ran.err


def test_a_port_in_use_is_one_line(smsapi: Smsapi) -> None:
    """Most often by the sandbox itself."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = smsapi("sandbox", "--port", taken.getsockname()[1])

    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "cannot be listened at" in ran.err


def test_serving_without_its_extra_names_it(smsapi, monkeypatch):
    """The command line alone does not bring it."""
    monkeypatch.setitem(sys.modules, "uvicorn", None)

    assert "pip install 'smsapi_async[sandbox]'" in smsapi("sandbox").err
