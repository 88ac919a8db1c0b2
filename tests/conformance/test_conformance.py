"""The report for us: the sandbox is as believed, the differences of another provider are named, and nothing leaks."""

from __future__ import annotations

import json
import re

import pytest

from smsapi_async.sandbox import Answer, Delivery, Fault, LostBefore, Mangle, NotConnected, Request, Sandbox, Scenario
from tests.conformance.__main__ import main
from tests.conformance.asking import Provider, Purchase, report
from tests.conformance.shapes import Each, Seen, look, masked
from tests.serving import Host, served

SMS = Delivery(0, "Telegram code 04217", "04217")
LIVELY = Scenario(plans={"telegram": [[SMS]], "1day": [[SMS]]}, rent_plans={"7": [[SMS]]}, max_prices={"telegram": 1})


async def asked(sandbox: Sandbox, api: str = "v1", purchase: Purchase | None = None, key: bool = True) -> list[str]:
    """The lines of a report."""
    lines: list[str] = []
    url, secret = {"v1": (sandbox.v1_url, sandbox.token), "rent": (sandbox.rent_url, sandbox.rent_key)}[api]
    provider = Provider(url, api, secret if key else None)
    await report(provider, lines.append, purchase, transport=sandbox.transport())
    return lines


def lived_in() -> Sandbox:
    """With orders, a hosting order and two rented numbers, so that every page has rows."""
    sandbox = Sandbox(scenario=LIVELY)
    now = sandbox.start
    for path in ("activation/any/any/telegram", "activation/any/any/google", "hosting/any/any/1day"):
        sandbox.handle(request(sandbox, f"/v1/user/buy/{path}", sandbox.token), now)
    for extension in ("true", "false"):
        path = f"/api/rent/getRentNum.php?country=7&days=1&extension={extension}"
        sandbox.handle(request(sandbox, path, sandbox.rent_key), now)
    sandbox.log.clear()
    return sandbox


def request(sandbox: Sandbox, target: str, key: str) -> Request:
    return Request("GET", target, {"authorization": f"Bearer {key}"})


def changed(**fields: object) -> Mangle:
    """An object of JSON with other fields; None takes one away."""

    def change(body: bytes) -> bytes:
        value = json.loads(body) | fields
        return json.dumps({name: item for name, item in value.items() if item is not None}).encode()

    return Mangle(change)


@pytest.mark.parametrize("api", ["v1", "rent"])
async def test_the_sandbox_is_as_we_believe(api):
    """The beliefs are written down twice, and the two must agree."""
    lines = await asked(lived_in(), api)

    assert [line for line in lines if "DIFFERS" in line] == []
    assert len([line for line in lines if line.endswith(": as believed")]) == (17 if api == "v1" else 5)


async def test_fields_that_the_sources_disagree_on_are_reported_either_way():
    """This is what we want to know most."""
    lines = await asked(lived_in())

    profile = lines[lines.index("profile: as believed") + 1]
    orders = lines[lines.index("orders, activation: as believed") + 1]
    assert profile.startswith("    has default_forwarding_number, did_order")
    assert orders.endswith("; lacks Data[].forwarding, Data[].forwarding_number")


@pytest.mark.parametrize("api", ["v1", "rent"])
async def test_nothing_is_changed_without_leave(api):
    """The user's own key and money."""
    sandbox = lived_in()
    before = (sandbox.ledger.purchases[:], sandbox.ledger.rents[:], sandbox.ledger.paid)

    await asked(sandbox, api)

    assert (sandbox.ledger.purchases, sandbox.ledger.rents, sandbox.ledger.paid) == before
    acts = "^(?!GET)|buy|reuse|finish|cancel|ban/|getRentNum|extend|portReload|close"
    assert [line for line in sandbox.requests if re.search(acts, line)] == []


DIFFERENCES: dict[str, tuple[Fault, str]] = {
    "a field more": (changed(shoe_size=43), "shoe_size: not known, int"),
    "a field less": (changed(balance=None), "balance: missing"),
    "another kind": (changed(balance="100"), "balance: text, believed number"),
    "no object": (Mangle(lambda body: b"[]"), "the body: list, believed object"),
    "no JSON": (Mangle(lambda body: b"<html>"), "no JSON: '<html>'"),
    "no number of JSON": (Mangle(lambda body: b'{"id":NaN}'), "no JSON: '{\"id\":NaN}'"),
    "another status": (Answer(418, "I'm a teapot"), "status 418, believed 200"),
    "another content type": (Mangle("content type"), "content type text/html, believed application/json"),
    "unreadable": (Mangle(lambda body: b"[]"), "the client of this package makes nothing of it: UnreadableReplyError"),
    "no connection": (NotConnected(), "the client of this package makes nothing of it: NotSentError"),
    "no answer": (LostBefore(), "the client of this package makes nothing of it: OutcomeUnknownError"),
}


@pytest.mark.parametrize("name", DIFFERENCES)
async def test_a_difference_is_reported(name):
    """One line that says what is there and what we believed."""
    fault, line = DIFFERENCES[name]
    sandbox = Sandbox()
    sandbox.fail("user/profile", fault, times=9)

    lines = await asked(sandbox)

    shown = lines[lines.index("profile: DIFFERS") + 1 :]
    assert f"    {line}" in shown[:4]


async def test_a_history_in_another_order_is_reported():
    """Asked for newest first, of the rows' own numbers."""
    sandbox = lived_in()
    sandbox.fail("user/orders?category=activation", Mangle(turned))

    lines = await asked(sandbox)

    assert "    the rows are not newest first" in lines[lines.index("orders, activation: DIFFERS") :]


def turned(body: bytes) -> bytes:
    page = json.loads(body)
    return json.dumps(page | {"Data": page["Data"][::-1]}).encode()


async def test_a_refusal_in_other_words_is_reported_without_what_it_holds():
    """People send the report: a key, a phone or a code in it would be public."""
    sandbox = Sandbox()
    said = f"no {sandbox.token} for +7 (900) 111-22-33, code 482-913\r\n\x1b[31m" + "x" * 200
    sandbox.fail("user/check", Answer(400, said))

    lines = await asked(sandbox)

    shown = lines[lines.index("check of an unknown order: DIFFERS") :][1:3]
    assert shown[0] == "    status 400, believed 404"
    assert shown[1].startswith("    body 'no [key] for +[digits], code [digits]?")
    assert not re.search(r"\d{3}|eyJ|\x1b|\n", shown[1].replace("404", ""))


async def test_a_name_of_a_field_is_masked_too():
    """A phone may be a key of JSON."""
    sandbox = Sandbox()
    sandbox.fail("user/profile", changed(**{"79001112233": 1, sandbox.token: 2}))

    shown = "\n".join(await asked(sandbox))

    assert "[digits]: not known, int" in shown
    assert sandbox.token not in shown


async def test_without_a_key_only_guests_questions_are_asked():
    """A user without an account can help, too."""
    sandbox = Sandbox()

    lines = await asked(sandbox, key=False)

    assert {line.split("/")[2] for line in sandbox.requests} == {"guest"}
    assert len(lines) >= 6


async def test_a_purchase_is_cancelled_again():
    """Allowed by name, with a limit; the report says whether the price came back."""
    sandbox = Sandbox()

    lines = await asked(sandbox, purchase=Purchase("google", "russia", sandbox.scenario.offers[5].cost))

    assert lines[-1] == "the price came back at once"
    sandbox.ledger.assert_bought(1)
    sandbox.ledger.assert_settled()


async def test_a_refused_purchase_ends_the_report():
    """Out of stock, or too dear."""
    sandbox = Sandbox()
    sandbox.fail("user/buy", Answer(200, "no free phones"))

    lines = await asked(sandbox, purchase=Purchase("google"))

    assert "    no JSON: 'no free phones'" in lines
    assert lines[-1].startswith("nothing was cancelled")


async def test_a_cancel_that_is_refused_names_the_order():
    """The user must know what is still open."""
    sandbox = Sandbox(scenario=Scenario(cancel_lock=600))

    lines = await asked(sandbox, purchase=Purchase("google"))

    assert lines[-1] == f"order {sandbox.ledger.purchases[0]} may still be open: cancel it yourself"


async def test_a_price_that_does_not_come_back_is_reported():
    """Money is what we know least of."""
    sandbox = Sandbox()
    sandbox.fail("user/profile", changed(balance=7), after=1)

    lines = await asked(sandbox, purchase=Purchase("google"))

    assert lines[-1] == "the price did NOT come back at once"


@pytest.mark.parametrize(
    ("shape", "value", "lines"),
    [
        ("int", 1, []),
        ("number", 1, []),
        ("int|null", None, []),
        ("any", [], []),
        ("int", True, ["a: flag, believed int"]),
        (["int"], [1, "x", "y"], ["a[]: text, believed int"]),
        (["int"], {}, ["a: object, believed several rows"]),
        (Each("int"), {"x": 1, "y": None}, ["a[]: null, believed int"]),
        (Each("int"), [], []),
        ({"b": "int"}, {}, ["a.b: missing"]),
        ({"b?": "int"}, {}, []),
    ],
)
def test_a_shape_names_kinds_and_never_values(shape, value, lines):
    """An empty map may be a list: PHP writes it so."""
    seen = Seen()

    look(shape, value, seen, "a")

    assert seen.differences == lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("order not found", "order not found"),
        ("limit is 100 requests", "limit is [digits] requests"),
        ("+7 900 111 22 33", "+[digits]"),
        ("482-913", "[digits]"),
        ("a\r\nb\x9b", "a??b?"),
        ("my secret", "my [key]"),
    ],
)
def test_what_could_be_a_phone_or_a_code_is_masked(text, shown):
    """Three digits are enough to be one."""
    assert masked(text, "secret", None) == shown


@pytest.mark.parametrize(
    "arguments",
    [
        ["http://localhost/nothing"],
        ["http://localhost/v1", "--buy", "telegram"],
        ["http://localhost/api", "--buy", "telegram"],
        ["http://localhost/v1", "--max-price", "abc"],
        ["localhost/v1"],
    ],
)
def test_a_wrong_use_asks_nothing(arguments, capsys):
    """A purchase needs a key, and is of v1 alone."""
    with pytest.raises(SystemExit, match=r"^2$"):
        main(arguments)

    assert "error:" in capsys.readouterr().err


@pytest.mark.socket
@pytest.mark.parametrize(("path", "name"), [("/v1", "SMSAPI_TOKEN"), ("/api", "SMSAPI_RENT_KEY")])
def test_a_report_is_made_of_any_address(path, name, capsys, monkeypatch):
    """The key comes from the environment, and the address says which API it is."""
    host = Host()
    monkeypatch.setenv(name, host.sandbox.token if path == "/v1" else host.sandbox.rent_key)
    with served(host) as port:
        assert main([f"http://127.0.0.1:{port}{path}", "--pause", "0"]) == 0

    shown = capsys.readouterr().out
    assert "127.0.0.1, the " in shown
    assert "DIFFERS" not in shown


@pytest.mark.socket
def test_a_report_without_a_key_says_so(capsys):
    """An environment without the variable is the usual mistake."""
    with served(Host()) as port:
        main([f"http://127.0.0.1:{port}/v1", "--pause", "0"])

    assert capsys.readouterr().out.startswith("SMSAPI_TOKEN is not set: only what needs no key is asked\n")


@pytest.mark.socket
def test_a_report_that_cannot_go_on_says_why(capsys, monkeypatch):
    """Before the purchase the balance is read; without it nothing is bought."""
    host = Host()
    monkeypatch.setenv("SMSAPI_TOKEN", host.sandbox.token)
    host.sandbox.fail("user/profile", Answer(401), times=9)
    with served(host) as port:
        assert main([f"http://127.0.0.1:{port}/v1", "--pause", "0", "--buy", "google", "--max-price", "1"]) == 1

    assert "the report ends here: " in capsys.readouterr().out
    assert host.sandbox.ledger.purchases == []
