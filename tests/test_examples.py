"""The examples as their readers have them, each against a sandbox: what they promise in their first lines."""

from __future__ import annotations

import ast
import io
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path

import anyio
import httpx
import pytest

from examples import best_offers, inbox, service, telegram_bot, worker
from smsapi_async import AsyncClient
from smsapi_async.rent import RentedNumber
from smsapi_async.sandbox import Delay, Delivery, Sandbox, Scenario, no_numbers
from smsapi_async.testing import open_client
from smsapi_async.v1 import Offer, Picker

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


@pytest.fixture
def sms_scenario() -> Scenario:
    """`telegram` brings a code after five seconds, a number of country 7 two messages; `google` brings nothing."""
    rented = [Delivery(5, "Your code is 070051", "070051", "Google"), Delivery(90, "Hello", "", "Bank")]
    return Scenario(rent_plans={"7": [rented]}).with_code("telegram", "04217", after=5)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_an_example_says_what_it_shows_and_the_pages_list_it(example):
    """A reader opens no file whose use must be guessed."""
    told = ast.get_docstring(ast.parse(example.read_text(encoding="utf-8"))) or ""

    assert len(told.splitlines()[0]) > 40
    assert f"`examples/{example.name}`" in (ROOT / "docs/examples.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("example", [e for e in EXAMPLES if e.stem != "demo"], ids=lambda example: example.stem)
def test_an_example_says_how_to_run_it(example):
    """Against the local provider, and against the real one with what it costs there."""
    told = ast.get_docstring(ast.parse(example.read_text(encoding="utf-8"))) or ""

    assert f"python examples/{example.name}" in told
    assert "python -m smsapi_async.sandbox" in told
    assert "real provider" in told


# -- telegram_bot ------------------------------------------------------------------------------------------------------


@pytest.fixture
def chat(sms_client):
    """Says lines, each at its second, to the bot of that client; gives back what the bot answered, and when."""

    async def play(*lines: tuple[float, str, str], until: float) -> list[tuple[int, str, str]]:
        answers: list[tuple[int, str, str]] = []

        async def answer(name: str, text: str) -> None:
            answers.append((int(anyio.current_time()), name, text))

        async def messages() -> AsyncIterator[telegram_bot.Message]:
            for second, name, text in lines:
                await anyio.sleep_until(second)
                yield telegram_bot.Message(name, text, partial(answer, name))
            await anyio.sleep_until(until)

        await telegram_bot.router.poll(messages(), sms_client)
        return answers

    return play


async def test_the_bot_serves_its_chats_side_by_side(chat, sms_sandbox):
    """No chat waits for the code of another chat."""
    answers = await chat((0, "alice", "/code telegram"), (1, "bob", "/code google"), (2, "eve", "/code"), until=1000)

    assert [text for _, name, text in answers if name == "alice"][1:] == ["The code is 04217."]
    assert [text for _, name, text in answers if name == "eve"][1:] == ["The code is 04217."]
    assert [text for _, name, text in answers if name == "bob"][1:] == ["No code came, the number is given back."]
    assert all(text.endswith("is yours, waiting for its code.") for second, _, text in answers if second < 3)
    sms_sandbox.ledger.assert_bought(3)


async def test_the_bot_stops_a_wait_when_it_is_told_to(chat, sms_sandbox):
    """The bot also says when there is no wait to stop, and that one wait at a time is enough."""
    lines = [(0, "/stop"), (1, "/code google"), (2, "/code google"), (3, "/stop"), (9, "/code telegram"), (20, "hello")]

    answers = await chat(*[(second, "bob", text) for second, text in lines], until=30)

    said = [(second, text) for second, _, text in answers if "is yours" not in text]
    assert [text for _, text in said] == [
        "There is nothing to stop.",
        "One number at a time: /stop gives it back.",
        "Stopped, the number is given back.",
        "The code is 04217.",
        "/code PRODUCT gets a number and its code, /stop gives it back.",
    ]
    assert said[2][0] == 3
    sms_sandbox.ledger.assert_paid("0.2875")


async def test_the_bot_gives_back_what_waits_when_it_ends(chat, sms_sandbox):
    """The fixture's own check would find the number left open."""
    await chat((0, "bob", "/code google"), until=10)

    sms_sandbox.ledger.assert_paid(0)


@pytest.mark.parametrize("line", ["/code nonsense", "/code a/b"])
async def test_the_bot_tells_what_did_not_work(chat, line):
    """A refusal of the provider, and a word that cannot be a product."""
    ((_, _, text),) = await chat((0, "bob", line), until=10)

    assert text.startswith("That did not work: ")


# -- service -----------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def serving(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    """The application between its server's start and stop, as the ASGI specification has it."""
    app = service.Service(connect=partial(open_client, sandbox))
    ask, asked = anyio.create_memory_object_stream[service.Event](2)
    tell, told = anyio.create_memory_object_stream[service.Event](2)
    async with ask, asked, tell, told, anyio.create_task_group() as group:
        group.start_soon(app, {"type": "lifespan"}, asked.receive, tell.send)
        await ask.send({"type": "lifespan.startup"})
        assert (await told.receive())["type"] == "lifespan.startup.complete"
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service.test") as http:
            yield http
        await ask.send({"type": "lifespan.shutdown"})
        assert (await told.receive())["type"] == "lifespan.shutdown.complete"


async def test_the_service_answers_at_once_and_has_the_code_later(sms_sandbox):
    """A request that waited for an SMS would be cut by every proxy on its way."""
    async with serving(sms_sandbox) as http:
        answer = await http.post("/signups/telegram")
        where = f"/signups/{answer.json()['id']}"
        waiting, second = (await http.get(where)).json(), int(anyio.current_time())
        await anyio.sleep(10)
        done = (await http.get(where)).json()

    assert (answer.status_code, second) == (202, 0)
    assert (waiting["state"], done["state"], done["code"]) == ("waiting", "done", "04217")
    sms_sandbox.ledger.assert_settled()


async def test_the_service_gives_back_what_waits_when_it_is_stopped(sms_sandbox):
    """A deployment at noon must not cost a number for every user of that minute."""
    async with serving(sms_sandbox) as http:
        for _ in range(3):
            await http.post("/signups/google")

    sms_sandbox.ledger.assert_bought(3)
    sms_sandbox.ledger.assert_paid(0)
    assert anyio.current_time() < 12


async def test_one_failed_wait_of_the_service_ends_no_other(sms_sandbox):
    """An exception that reached the task group would end all of them."""
    async with serving(sms_sandbox) as http:
        failing = (await http.post("/signups/google")).json()["id"]
        await anyio.sleep(885)
        waiting = (await http.post("/signups/telegram")).json()["id"]
        await anyio.sleep(12)
        states = [(await http.get(f"/signups/{which}")).json()["state"] for which in (failing, waiting)]

    assert states == ["failed", "done"]


async def test_the_service_answers_what_it_cannot_do(sms_sandbox):
    """Each with a status that its caller can act upon."""
    async with serving(sms_sandbox) as http:
        wrong = [await http.post("/signups/nonsense"), await http.get("/signups/7"), await http.get("/signups/seven")]
        no_numbers(sms_sandbox)
        wrong += [await http.post("/signups/telegram"), await http.get("/")]

    assert [answer.status_code for answer in wrong] == [502, 404, 404, 503, 404]
    assert all(answer.json()["why"] for answer in wrong)


# -- worker ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def journal(tmp_path):
    """A worker's memory, on disk."""
    with worker.Journal(tmp_path / "jobs.db") as journal:
        yield journal


async def test_the_worker_does_its_jobs(journal, sms_client, sms_sandbox):
    """Side by side; one that gets no code fails alone."""
    for product in ("telegram", "google", "telegram"):
        journal.add(product)

    await worker.work(sms_client, journal)

    assert [(job.state, job.code) for job in journal.jobs()] == [("done", "04217"), ("failed", None), ("done", "04217")]
    sms_sandbox.ledger.assert_bought(3)


async def test_the_worker_goes_on_with_the_orders_of_a_run_that_was_killed(journal, sms_client, sms_sandbox):
    """Bought and noted; bought and not noted; never bought; and the code came while no worker ran."""
    noted, lost = [await sms_client.v1.buy_activation("telegram") for _ in range(2)]
    for _ in range(3):
        journal.add("telegram")
    first, second, third = journal.jobs()
    journal.note(first, "waiting", noted.id)
    journal.note(second, "buying")
    journal.note(third, "buying")
    await anyio.sleep(60)

    await worker.work(sms_client, journal)

    assert [(job.state, job.code) for job in journal.jobs()] == [("done", "04217")] * 3
    assert [job.order_id for job in journal.jobs()] == sms_sandbox.ledger.purchases
    assert {noted.id, lost.id} < set(sms_sandbox.ledger.purchases)
    sms_sandbox.ledger.assert_bought(3)


async def test_the_worker_leaves_alone_what_no_job_bought(journal, sms_client, sms_sandbox):
    """An order of another product is no order of its."""
    other = await sms_client.v1.buy_activation("google")
    journal.add("telegram")
    journal.note(journal.jobs()[0], "buying")

    await worker.work(sms_client, journal)

    assert sms_sandbox.ledger.open == [other.id]
    await sms_client.v1.cancel(other.id)


async def test_the_worker_queues_again_what_an_orderly_stop_gave_back(journal, sms_client, sms_sandbox):
    """Ctrl-C refunds the number; the job is still to be done."""
    journal.add("google")

    with anyio.move_on_after(10):
        await worker.work(sms_client, journal)

    assert [job.state for job in journal.jobs()] == ["queued"]
    sms_sandbox.ledger.assert_paid(0)


async def test_the_worker_leaves_to_the_next_run_what_no_numbers_are_there_for(journal, sms_client, sms_sandbox):
    """Nothing was bought, so the next run buys."""
    no_numbers(sms_sandbox, 60)
    journal.add("telegram")

    await worker.work(sms_client, journal)
    before = journal.jobs()[0].state
    await anyio.sleep(60)
    await worker.work(sms_client, journal)

    assert (before, journal.jobs()[0].state) == ("buying", "done")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such modes")
@pytest.mark.parametrize("there", [False, True], ids=["a new file", "one that was there"])
def test_nobody_else_may_read_the_worker_s_file(tmp_path, there):
    """A code opens a user's account."""
    file = tmp_path / "jobs.db"
    if there:
        file.touch(0o644)

    with worker.Journal(file) as journal:
        journal.add("telegram")

    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_worker_erases_a_code_that_was_handed_over(tmp_path):
    """SQLite by default leaves the bytes of a row in the file."""
    file = tmp_path / "jobs.db"
    with worker.Journal(file) as journal:
        journal.add("telegram")
        journal.note(journal.jobs()[0], "done", 5, "04217")
        journal.erase_codes()

        assert [(job.state, job.order_id, job.code) for job in journal.jobs()] == [("done", 5, None)]

    assert b"04217" not in file.read_bytes()


@pytest.mark.socket
def test_the_worker_survives_a_kill_in_the_middle_of_a_purchase(host, tmp_path):
    """The worst moment: the provider has sold, and the answer is on its way."""
    at_once = Scenario(plans={"telegram": [[Delivery(0, "Your code: 04217", "04217")]]})
    served, port = host
    sandbox = served.sandbox = Sandbox(scenario=at_once)
    sandbox.fail("/user/buy/", Delay(30))
    base = f"http://127.0.0.1:{port}/v1"
    environment = os.environ | {"SMSAPI_TOKEN": sandbox.token, "SMSAPI_V1_URL": base}
    command = [sys.executable, str(ROOT / "examples" / "worker.py"), str(tmp_path / "jobs.db")]

    with subprocess.Popen([*command, "telegram"], env=environment) as killed:
        while not sandbox.count("GET /v1/user/buy/"):
            time.sleep(0.01)
        killed.kill()
    again = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)

    assert killed.returncode == (1 if sys.platform == "win32" else -signal.SIGKILL)
    assert again.stdout == "job 1: telegram done 04217\n"
    assert b"04217" not in (tmp_path / "jobs.db").read_bytes()
    sandbox.ledger.assert_bought(1)
    sandbox.ledger.assert_settled()


# -- best_offers -------------------------------------------------------------------------------------------------------


async def test_the_spreadsheet_has_the_best_offers_first(sms_client):
    """By what a code is expected to cost; without a rate the picker's own guess, and no rate in the table."""
    out = io.StringIO()

    await best_offers.write(sms_client, ["telegram", "amazon"], Picker(max_price="1.00"), 2, out)

    assert out.getvalue().splitlines() == [
        "product,country,operator,cost,stock,rate,expected cost of a code",
        "telegram,russia,beeline,0.32,1260,99.99,0.3200",
        "telegram,russia,mts,0.2875,935,87.5,0.3286",
        "amazon,russia,beeline,0.12,500,,0.6000",
        "amazon,england,vodafone,0.14,500,,0.7000",
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", " =", "\N{FULLWIDTH EQUALS SIGN}"])
def test_no_cell_of_the_spreadsheet_is_a_formula(start):
    """It would be executed where the table is opened: `=HYPERLINK(...)` sends the other cells elsewhere."""
    name = start + "cmd|' /C calc'!A0"
    offer = Offer(country=name, product=name, operator=name, cost=Decimal("0.1"))

    (cells,) = best_offers.rows([offer], Picker())

    assert cells[:3] == (f"'{name}",) * 3


def test_the_spreadsheet_takes_its_bounds_from_the_command_line():
    """The other bounds are the picker's own defaults."""
    words = best_offers.parser().parse_args(["telegram", "--max-price", "0.5", "--by", "rate"])

    assert (words.products, words.max_price, words.by, words.min_stock) == (["telegram"], "0.5", "rate", 1)


# -- inbox -------------------------------------------------------------------------------------------------------------


async def close_at(second: float, client: AsyncClient, *numbers: RentedNumber) -> None:
    await anyio.sleep_until(second)
    for number in numbers:
        await client.rent.close(number.tzid)


async def test_the_inboxes_are_followed_together_until_the_numbers_are_gone(sms_client):
    """One line a message, of every number there is."""
    numbers = [await sms_client.rent.buy_number(7, days=1) for _ in range(2)]
    lines: list[str] = []

    async with anyio.create_task_group() as group:
        group.start_soon(close_at, 120, sms_client, *numbers)
        await inbox.follow_all(sms_client, [], lines.append)

    for number in numbers:
        (_, code, hello, gone) = [line.removeprefix(number.phone).split() for line in lines if number.phone in line]
        assert code[2:] == ["Google:", "Your", "code", "is", "070051"]
        assert hello[2:] == ["Bank:", "Hello"]
        assert gone == ["is", "gone"]
    assert 120 < anyio.current_time() < 160


async def test_one_inbox_may_be_chosen(sms_client):
    """A number that is not rented is reported, not waited for."""
    chosen, _ = [await sms_client.rent.buy_number(7, days=1) for _ in range(2)]
    lines: list[str] = []

    async with anyio.create_task_group() as group:
        group.start_soon(close_at, 20, sms_client, chosen)
        await inbox.follow_all(sms_client, [chosen.tzid, 5], lines.append)

    assert lines[0] == "5 is not a number you rent"
    assert len(lines) == 4
    assert all(line.startswith(chosen.phone) for line in lines[1:])
