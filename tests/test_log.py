"""No record, repr or traceback of a whole run holds a key, a code or a whole phone; others' records are left alone."""

from __future__ import annotations

import ast
import logging
import traceback
import warnings
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
import attrs
import hpack
import httpx
import httpx2
import pytest

from smsapi_async import AsyncClient, NotFoundError, Pace, SmsApiError, _log
from smsapi_async._log import HTTP_LOGGERS, keep_private
from smsapi_async.sandbox import Answer, LostAfter, Sandbox
from smsapi_async.testing import open_client
from tests.serving import Host, served, served_over_http2
from tests.support.ear import Ear
from tests.support.messages import CODE, CODES_AT_ONCE

FORWARDED = "79001234567"


@attrs.define
class Capture(logging.Handler):
    """Everything that a handler could write, at any level."""

    written: list[str] = attrs.field(factory=list)

    def __attrs_pre_init__(self) -> None:
        super().__init__(1)

    def __hash__(self) -> int:
        return id(self)

    def emit(self, record: logging.LogRecord) -> None:
        particulars = unmeasured(vars(record).get("fields", {}))
        self.written += [self.format(record), repr(record.args), repr(record.msg), particulars]


@pytest.fixture
def capture() -> Iterator[Capture]:
    """As after `logging.basicConfig(level=1)`."""
    root, handler = logging.getLogger(), Capture()
    level = root.level
    root.addHandler(handler)
    root.setLevel(1)
    yield handler
    root.setLevel(level)
    root.removeHandler(handler)


def unmeasured(fields: Mapping[str, object]) -> str:
    """The fields of an event, as a structured formatter writes them; not the spans, which may be of any digits."""
    return repr({name: value for name, value in fields.items() if not isinstance(value, float)})


def leaks(written: list[str], secrets: list[str]) -> list[str]:
    """The lines that hold a secret."""
    return [line for line in written if any(secret in line for secret in secrets)]


def packed(value: str) -> bytes:
    """A header's value as HTTP/2 packs it, its last bits aside."""
    return hpack.Encoder().encode([("x", value)])[-len(value) // 2 : -1]


def blocks(written: list[str]) -> list[bytes]:
    """The packed headers that were printed."""
    start = "Encoded header block to b"
    return [ast.literal_eval(line[len(start) - 1 :]) for line in written if line.startswith(start)]


async def whole_run(client: AsyncClient, seen: list[str]) -> list[str]:
    """Use every call that holds something private. Add the output of a program to `seen`, and return the secrets."""
    order = await client.v1.buy_activation("telegram", reuse=True, forwarding=True, number=FORWARDED, ref="friend77")
    code = await client.await_code(order.id)
    again = await client.v1.reuse("telegram", order.phone)
    number = await client.rent.buy_number(7, 1)
    numbers = await client.rent.numbers()
    rented = await client.await_rent_code(number.tzid)
    seen += map(
        repr, (client, order, again, await client.v1.check(order.id), await client.v1.profile(), number, numbers)
    )
    for wrong in (client.v1.check(1), client.v1.reuse("telegram", "+79005550000"), client.rent.number(1)):
        try:
            await wrong
        except SmsApiError as error:
            logging.getLogger("program").exception("it failed: %s %r", error, error)
            seen += [str(error), repr(error), repr(vars(error)), "".join(traceback.format_exception(error))]
    await client.v1.finish(again.id)
    phones = [order.phone, again.phone, number.phone, "+79005550000", f"+{FORWARDED}", number.number]
    assert code == rented == CODE.code
    return [code, "friend77", *(phone.removeprefix("+") for phone in phones)]


@asynccontextmanager
async def running(http: Any, port: int, sandbox: Sandbox) -> AsyncIterator[AsyncClient]:
    url = f"http://127.0.0.1:{port}"
    async with AsyncClient(
        sandbox.token,
        rent_key=sandbox.rent_key,
        v1_url=f"{url}/v1",
        rent_url=f"{url}/api",
        rent_key_in="query",
        pace=Pace(v1_per_second=1000, rent_per_second=1000),
        http_client=http,
    ) as client:
        yield client


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real time: when looks are taken is proven on virtual time, in tests/polling."""
    for pause in ("FIRST_LOOK", "LEAD"):
        monkeypatch.setattr(f"smsapi_async._polling.tracked.{pause}", 0.01)
    monkeypatch.setattr("smsapi_async._polling.tracked.rhythm", lambda age, chance: 0.01)
    monkeypatch.setattr("smsapi_async._sending.lost_purchases.LOOKS", (0.01, 0.01, 0.01))


@pytest.mark.socket
@pytest.mark.parametrize("library", [None, httpx, httpx2], ids=["our own", "httpx", "httpx2"])
async def test_a_whole_run_over_http_leaves_nothing_private_in_the_logs(library, capture, at_once):
    """The libraries log every URL at INFO and every header at DEBUG; programs log what they get."""
    host, seen = Host(), capture.written
    host.sandbox = sandbox = Sandbox(scenario=CODES_AT_ONCE)
    sandbox.fail("/user/reuse/", LostAfter())
    sandbox.fail("/user/profile", Answer(403, f"no good: {sandbox.token} {FORWARDED}"), after=1)
    with served(host) as port, warnings.catch_warnings(record=True) as warned:
        http = None if library is None else library.AsyncClient(trust_env=False)
        async with running(http, port, sandbox) as client:
            secrets = await whole_run(client, seen)
            with pytest.raises(SmsApiError) as caught:
                await client.v1.profile()
        if http is not None:
            await http.aclose()
    seen += [str(caught.value), repr(vars(caught.value)), *(str(warning.message) for warning in warned)]

    assert leaks(seen, [sandbox.token, sandbox.rent_key, *secrets]) == []
    assert sum("HTTP Request: GET" in line for line in seen) > 10
    assert any("/user/reuse/telegram/*** " in line for line in seen)
    assert any("getRentNum.php?" in line and "apikey=***" in line for line in seen)
    assert any("number=***" in line for line in seen)


@pytest.mark.socket
@pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
async def test_a_whole_run_over_http_2_leaves_nothing_private_in_the_logs(library, capture, at_once):
    """hpack logs every header, and all of them once more packed, which anybody can unpack."""
    sandbox, seen = Sandbox(scenario=CODES_AT_ONCE), capture.written
    # The server of this test runs in the same process and unpacks with the same library: its records are not ours.
    decoded = logging.getLogger("hpack.hpack")
    decoded.addFilter(only_what_is_sent)
    try:
        async with (
            served_over_http2(sandbox) as port,
            library.AsyncClient(http1=False, http2=True, trust_env=False) as http,
            running(http, port, sandbox) as client,
        ):
            secrets = await whole_run(client, seen)
    finally:
        decoded.removeFilter(only_what_is_sent)

    assert leaks(seen, [sandbox.token, sandbox.rent_key, *secrets]) == []
    assert any("HTTP/2 200" in line for line in seen)
    assert any("b':path'=b'/v1/user/reuse/telegram/***'" in line for line in seen)
    assert "Encoded header block to ***" in seen
    printed = blocks(seen)
    bearer = packed(f"Bearer {sandbox.token}")
    assert bearer in hpack.Encoder().encode([("authorization", f"Bearer {sandbox.token}")])
    assert not any(bearer in block for block in printed)


def only_what_is_sent(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith("Decod")


# -- the filter -------------------------------------------------------------------------------------------------------


@pytest.fixture
def mask(monkeypatch: pytest.MonkeyPatch) -> _log._Mask:
    """A filter that knows one provider, one long key and one short one."""
    mask = _log._Mask()
    mask.learn(["https://5sim.net/v1", "https://onlinesim.io/api/"], ["eyJ.long.key", "abc"])
    return mask


def masked(mask: _log._Mask, message: str, *args: object, name: str = "httpx") -> str:
    record = logging.LogRecord(name, logging.INFO, "x.py", 1, message, args, None)
    assert mask.filter(record)
    return record.getMessage()


@pytest.mark.parametrize(
    ("message", "clean"),
    [
        ("'https://5sim.net/v1/user/reuse/telegram/79001234567' 2", "'https://5sim.net/v1/user/reuse/telegram/***' 2"),
        ("https://5sim.net/v1/user/buy/activation/a/b/c?forwarding=1&number=790&reuse=1",
         "https://5sim.net/v1/user/buy/activation/a/b/c?forwarding=1&number=***&reuse=1"),
        ("URL('https://onlinesim.io/api/getBalance.php?apikey=k%2Fv')", "URL('https://onlinesim.io/api/getBalance.php?apikey=***')"),
        ("[(b'authorization', b'Bearer eyJ.long.key')]", "[(b'authorization', b'Bearer ***')]"),
        ("(b'Authorization', b'Bearer abc')", "(b'Authorization', b'***')"),
        ("whatever eyJ.long.key holds", "whatever *** holds"),
    ],
)  # fmt: skip
def test_what_is_private_in_our_urls_and_headers_is_masked(message, clean, mask):
    """The rest of the record stays, for debugging."""
    assert masked(mask, message) == clean


@pytest.mark.parametrize(
    "message",
    [
        "GET https://other.example/user/reuse/telegram/79001234567?number=1&apikey=2",
        "GET https://other.example/?next=5sim.net&apikey=theirs",
        "GET https://5sim.net.other.example/v1/user/reuse/telegram/79001234567",
        "GET https://5sim.net/other/user/reuse/telegram/79001234567",
        "[(b'Authorization', b'Bearer theirs')]",
        "an abc of things, 100 %",
    ],
)
def test_other_people_s_records_are_left_alone(message, mask):
    """They share the process, and debug what is theirs."""
    record = logging.LogRecord("httpx", logging.INFO, "x.py", 1, message, None, None)

    assert mask.filter(record)
    assert (record.msg, record.args) == (message, None)


def test_the_arguments_of_a_masked_record_are_gone(mask):
    """Structured handlers write them one by one."""
    url = httpx.URL("https://onlinesim.io/api/getBalance.php?apikey=eyJ.long.key")
    record = logging.LogRecord("httpx", logging.INFO, "x.py", 1, "HTTP Request: %s %s", ("GET", url), None)

    mask.filter(record)

    assert (record.msg, record.args) == ("HTTP Request: GET https://onlinesim.io/api/getBalance.php?apikey=***", ())


def test_packed_headers_of_others_are_left_alone(mask):
    """Only what follows a header of ours is ours."""
    theirs = [
        masked(mask, "Adding %s=%s to the header table", b":authority", b"5sim.net.other", name="hpack.hpack"),
        masked(mask, "Encoded header block to %s", b"\x82", name="hpack.hpack"),
    ]
    ours = [
        masked(mask, "Adding %s=%s to the header table", b":path", b"/v1/user/reuse/x/79001234567", name="hpack.hpack"),
        masked(mask, "Adding %s=%s to the header table", b":authority", b"5sim.net", name="hpack.hpack"),
        masked(mask, "Adding %s=%s to the header table", b"accept", b"*/*", name="hpack.hpack"),
        masked(mask, "Encoded header block to %s", b"\x82", name="hpack.hpack"),
        masked(mask, "Encoded header block to %s", b"\x82", name="hpack.hpack"),
    ]

    assert theirs[1] == ours[4] == r"Encoded header block to b'\x82'"
    assert ours[0].startswith("Adding b':path'=b'/v1/user/reuse/x/***'")
    assert ours[3] == "Encoded header block to ***"


def test_an_evicted_header_is_masked_too(mask):
    """The table of a connection forgets, aloud."""
    assert masked(mask, "Evicting %s: %s", b"authorization", b"Bearer eyJ.long.key", name="hpack.table").endswith(
        "***'"
    )


def test_every_logger_of_the_http_libraries_is_known():
    """A logger of a new version is found here, and not in a user's log file."""
    parts = ("httpx", "httpcore", "hpack", "h2", "hyperframe")
    names = {name for name in logging.root.manager.loggerDict if name.startswith(parts)}
    loggers = {name for name in names if isinstance(logging.root.manager.loggerDict[name], logging.Logger)}

    assert loggers <= set(HTTP_LOGGERS)


def test_the_filter_is_there_once_however_many_clients_there_are():
    """Each record would be searched as often."""
    for _ in range(5):
        keep_private(["https://5sim.net/v1"], ["eyJ.long.key"])

    assert all(logging.getLogger(name).filters.count(_log._mask) == 1 for name in HTTP_LOGGERS)


async def test_our_own_records_name_no_phone(sandbox, client, caplog):
    """Ids, products and kinds of errors are enough to find it."""
    sandbox.fail("/user/buy/", LostAfter())
    with caplog.at_level(logging.INFO):
        order = await client.v1.buy_activation("telegram")
        with pytest.raises(NotFoundError):
            await client.v1.check(1)
        await anyio.sleep(1)

    ours = [record.getMessage() for record in caplog.records if record.name == "smsapi_async"]
    assert ours == [
        "purchase.lost call=v1.buy_activation product=telegram",
        f"purchase.found call=v1.buy_activation id={order.id}",
        f"order.bought id={order.id} product=telegram country={order.country} cost={order.price}",
    ]


@pytest.mark.usefixtures("steady")
async def test_nothing_private_is_in_an_event_or_a_record(ear: Ear) -> None:
    """Events are for dashboards, which are read by many."""
    sandbox, capture = Sandbox(scenario=CODES_AT_ONCE), Capture()
    logger = logging.getLogger("smsapi_async")
    logger.addHandler(capture)
    before = logger.level
    logger.setLevel(1)
    try:
        sandbox.fail("/user/reuse/", LostAfter())
        async with open_client(sandbox, on_event=ear) as client:
            secrets = await whole_run(client, [])
    finally:
        logger.setLevel(before)
        logger.removeHandler(capture)
    written = [*capture.written, *(unmeasured(event.fields) for event in ear.told)]

    assert leaks(written, [sandbox.token, sandbox.rent_key, *secrets]) == []
    assert CODE.code in secrets
    assert len(ear.told) > 15
    assert len(capture.written) == 4 * len(ear.told)
