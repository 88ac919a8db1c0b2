"""Waiting for codes of rented numbers: such a wait never closes its number."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import anyio
import pytest

from smsapi_async import AsyncClient, AuthenticationError, ClientClosedError, RentClosedError, WaitTimeoutError
from smsapi_async.sandbox import BAD_GATEWAY, Answer, Delivery, NotConnected, Sandbox, Scenario, Stall, literal
from smsapi_async.testing import open_client
from tests.opening import moments, second

CODES = [Delivery(10, "code 0711", "0711"), Delivery(40, "again 0711", "0711"), Delivery(100, "Your code is 5512")]


@pytest.fixture
def sandbox() -> Sandbox:
    """A Russian number gets two codes the provider reads and one it does not; a Swedish one gets nothing."""
    return Sandbox(scenario=Scenario(rent_plans={"7": [CODES]}))


async def rent(client: AsyncClient, country: int = 7) -> int:
    return (await client.rent.buy_number(country, 1)).tzid


def states(sandbox: Sandbox) -> list[float]:
    return moments(sandbox, "getRentState.php?tzid")


async def test_a_code_is_returned_and_the_number_stays_rented(sandbox: Sandbox, client: AsyncClient) -> None:
    """The number is paid for days, so a code does not end the rent."""
    tzid = await rent(client)

    assert await client.await_rent_code(tzid) == "0711"
    assert 10 <= second() <= 13
    assert sandbox.ledger.open_rents == [tzid]


async def test_a_code_is_handed_over_once(sandbox: Sandbox, client: AsyncClient) -> None:
    """The next wait is for the next message, with the same code or with a code that only its text holds."""
    tzid = await rent(client)
    ends = []

    codes = [await client.await_rent_code(tzid)]
    ends.append(second())
    codes.append(await client.await_rent_code(tzid))
    ends.append(second())
    codes.append(await client.await_rent_code(tzid))
    ends.append(second())

    assert codes == ["0711", "0711", "5512"]
    assert [10 <= ends[0] <= 13, 40 <= ends[1] <= 44, 100 <= ends[2] <= 109] == [True] * 3


async def test_a_timeout_ends_the_wait_and_not_the_rent(sandbox: Sandbox, client: AsyncClient) -> None:
    """The error brings the number as last seen; the last look may wait a second for its slot."""
    tzid = await rent(client, 46)
    before = second()

    with pytest.raises(WaitTimeoutError) as caught:
        await client.await_rent_code(tzid, timeout=60)

    assert 60 <= second() - before <= 61
    assert caught.value.number is not None
    assert caught.value.number.tzid == tzid
    assert sandbox.ledger.open_rents == [tzid]


@pytest.mark.parametrize(
    "gone", ["[]", "null", "NO_NUMBER", "ERROR_NO_OPERATIONS", "ERROR_NO_TZID", "ERROR_WRONG_TZID"]
)
async def test_two_looks_that_do_not_find_the_number_end_the_wait(gone: Any) -> None:
    """The provider may use other words, and a single one may be a slip."""
    sandbox = Sandbox(scenario=Scenario(rent_gone=gone))
    async with open_client(sandbox) as client:
        with pytest.raises(RentClosedError) as caught:
            await client.await_rent_code(4711)

        assert caught.value.number is None
        assert states(sandbox) == [0.0, 2.0]


async def test_one_look_that_does_not_find_the_number_ends_nothing(sandbox: Sandbox, client: AsyncClient) -> None:
    """One empty answer may be a slip of the provider."""
    tzid = await rent(client)
    sandbox.fail("getRentState.php?tzid", literal("NO_NUMBER"))

    assert await client.await_rent_code(tzid) == "0711"


async def test_a_number_that_ends_during_the_wait_is_in_the_error(sandbox: Sandbox, client: AsyncClient) -> None:
    """Unconfirmed for twenty minutes, it is taken back and refunded."""
    tzid = await rent(client, 46)

    with pytest.raises(RentClosedError) as caught:
        await client.await_rent_code(tzid)

    assert caught.value.number is not None
    assert caught.value.number.phone.startswith("+46")
    assert 1200 <= second() <= 1240
    assert sandbox.ledger.paid == 0


async def test_the_last_minute_of_a_number_brings_no_burst_of_looks(sandbox: Sandbox, client: AsyncClient) -> None:
    """The wire counts whole minutes, and shows 0 of them for sixty seconds; the provider allows a call a second."""
    tzid = await rent(client, 46)

    with pytest.raises(RentClosedError):
        await client.await_rent_code(tzid)

    assert len([at for at in states(sandbox) if 1100 <= at < 1200]) <= 5


async def test_trouble_ends_no_wait(sandbox: Sandbox, client: AsyncClient) -> None:
    """It slows the looks down."""
    tzid = await rent(client)
    before = len(states(sandbox))
    sandbox.fail("getRentState.php?tzid", BAD_GATEWAY, times=4)

    assert await client.await_rent_code(tzid) == "0711"
    assert len(states(sandbox)) == before + 5


async def test_a_wait_that_was_quiet_for_an_hour_outlives_a_blip_of_the_network(
    sandbox: Sandbox, client: AsyncClient
) -> None:
    """Every answer was readable until a moment ago, though none had any news."""
    first, other = await rent(client, 46), await rent(client, 46)
    for tzid in (first, other):
        sandbox.world.receive_rent(tzid, "code 1111", "1111")
        assert await client.await_rent_code(tzid) == "1111"
    found: list[str] = []

    async def wait(tzid: int) -> None:
        found.append(await client.await_rent_code(tzid))

    async with anyio.create_task_group() as group:
        group.start_soon(wait, first)
        group.start_soon(wait, other)
        await anyio.sleep(3600)
        sandbox.fail("", NotConnected(), times=8)
        for tzid in (first, other):
            sandbox.world.receive_rent(tzid, "code 0711", "0711", after=60)

    assert found == ["0711", "0711"]


async def test_half_an_hour_without_a_readable_answer_ends_wait_and_iteration(
    sandbox: Sandbox, client: AsyncClient
) -> None:
    """They would go on for ever."""
    sandbox.fail("getRentState.php", BAD_GATEWAY, times=10_000)

    with pytest.raises(WaitTimeoutError):
        await client.await_rent_code(4711)
    with pytest.raises(WaitTimeoutError, match="30 minutes"):
        await anext(client.rent_messages(4711))

    assert 3600 <= second() <= 3660


async def test_a_wrong_key_ends_the_wait_at_once(sandbox: Sandbox, client: AsyncClient) -> None:
    """It will not pass by itself."""
    sandbox.fail("getRentState.php", literal("ERROR_WRONG_KEY"))

    with pytest.raises(AuthenticationError):
        await client.await_rent_code(4711)

    assert len(states(sandbox)) == 1


async def test_a_look_that_stalls_holds_a_timeout_up_for_three_seconds_only(
    sandbox: Sandbox, client: AsyncClient
) -> None:
    """As with orders."""
    sandbox.fail("getRentState.php", Stall(), times=100)

    with pytest.raises(WaitTimeoutError) as caught:
        await client.await_rent_code(4711, timeout=20)

    assert second() == 23
    assert caught.value.number is not None
    assert caught.value.number.tzid == 4711


async def test_messages_come_once_each_until_the_number_is_gone(sandbox: Sandbox, client: AsyncClient) -> None:
    """Closing it elsewhere ends the iteration without an error."""
    tzid = await rent(client)
    texts: list[str] = []

    async with anyio.create_task_group() as group:

        async def close() -> None:
            await anyio.sleep(200)
            await client.rent.close(tzid)

        group.start_soon(close)
        async for sms in client.rent_messages(tzid):
            texts.append(sms.text)  # noqa: PERF401 - a comprehension hides the loop that is tested

    assert texts == [sms.text for sms in CODES]
    assert 200 <= second() <= 225


async def test_closing_the_client_ends_its_waits(sandbox: Sandbox) -> None:
    """At once, also while a look is under way."""
    async with open_client(sandbox) as client:
        tzid = await rent(client, 46)
        sandbox.fail("getRentState.php", Stall(), after=3)

        async def wait() -> None:
            with pytest.raises(ClientClosedError):
                await client.await_rent_code(tzid)

        async def iterate() -> None:
            with pytest.raises(ClientClosedError):
                await anext(client.rent_messages(tzid))

        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            group.start_soon(iterate)
            await anyio.sleep(50)
            before = second()
            await client.aclose()
            assert second() == before
    assert sandbox.ledger.open_rents == [tzid]


@pytest.mark.parametrize("bad", [0, -1, True, "7", 1.5])
async def test_a_tzid_that_is_none_is_the_callers_mistake(client: AsyncClient, bad: Any) -> None:
    """Named, and nothing is sent."""
    with pytest.raises(ValueError, match="tzid"):
        await client.await_rent_code(bad)
    with pytest.raises(ValueError, match="tzid"):
        client.rent_messages(bad)


async def test_a_reply_of_another_number_is_no_reply(sandbox: Sandbox, client: AsyncClient) -> None:
    """The list is searched for the number that was asked for."""
    tzid = await rent(client)
    sandbox.fail(
        f"tzid={tzid}",
        Answer(200, '{"response":1,"list":[{"tzid":1,"messages":[{"text":"code 1111","code":"1111"}]}]}'),
    )

    assert await client.await_rent_code(tzid) == "0711"


async def test_two_waits_of_one_number_get_each_its_own_code(sandbox: Sandbox, client: AsyncClient) -> None:
    """A number serves several services: a message that one wait passes over is another's."""
    tzid, codes = await rent(client, 46), dict[str, str]()
    sandbox.world.receive_rent(tzid, "Telegram code 1111", "1111", "Telegram", after=30)
    sandbox.world.receive_rent(tzid, "Google code 2222", "2222", "Google", after=30.2)

    async def wait(sender: str) -> None:
        codes[sender] = await client.await_rent_code(tzid, timeout=300, match=lambda sms: sms.sender == sender)

    async with anyio.create_task_group() as group:
        group.start_soon(wait, "Google")
        group.start_soon(wait, "Telegram")

    assert codes == {"Google": "2222", "Telegram": "1111"}


# -- which message is next --------------------------------------------------------------------------------------------


async def test_of_two_messages_in_one_look_the_older_comes_first(sandbox: Sandbox, client: AsyncClient) -> None:
    """A number serves many senders: in a loop the older one was skipped."""
    tzid = await rent(client, 46)
    await client.rent.number(tzid)

    async def receive() -> None:
        await anyio.sleep(5)
        for code in ("1111", "2222"):
            sandbox.world.receive_rent(tzid, f"code {code}", code)

    codes: list[str] = []
    async with anyio.create_task_group() as group:
        group.start_soon(receive)
        codes += [await client.await_rent_code(tzid), await client.await_rent_code(tzid)]

    assert codes == ["1111", "2222"]


async def test_messages_from_before_the_first_wait_count_once(sandbox: Sandbox, client: AsyncClient) -> None:
    """As their newest code: a program that restarts wants the code that it asked for last."""
    tzid = await rent(client, 46)
    for code in ("1111", "2222"):
        sandbox.world.receive_rent(tzid, f"code {code}", code)
    await anyio.sleep(100)

    assert await client.await_rent_code(tzid) == "2222"
    with pytest.raises(WaitTimeoutError):
        await client.await_rent_code(tzid, timeout=10)


async def test_a_wait_with_a_match_gets_its_message_beside_one_without(sandbox: Sandbox, client: AsyncClient) -> None:
    """The message of one wait was given to the wait that woke first."""
    tzid = await rent(client, 46)
    codes: dict[str, str] = {}

    async def wait(name: str, **options: Any) -> None:
        codes[name] = await client.await_rent_code(tzid, **options)

    async with anyio.create_task_group() as group:
        group.start_soon(partial(wait, "any"))
        await anyio.sleep(2)
        group.start_soon(partial(wait, "bank", match=lambda sms: sms.sender == "Bank"))
        await anyio.sleep(2)
        sandbox.world.receive_rent(tzid, "code 2222", "2222", "Bank")
        await anyio.sleep(10)
        sandbox.world.receive_rent(tzid, "code 1111", "1111", "Shop")

    assert codes == {"any": "1111", "bank": "2222"}


async def test_a_fresh_number_that_the_list_does_not_show_yet_is_waited_for() -> None:
    """It was called closed three seconds after it was paid."""
    sandbox = Sandbox(scenario=Scenario(rent_plans={"7": [CODES]}), rent_lag=timedelta(seconds=8))
    async with open_client(sandbox) as client:
        tzid = await rent(client)

        assert await client.await_rent_code(tzid) == "0711"


async def test_a_number_of_another_process_that_is_gone_is_told_within_seconds(sandbox: Sandbox) -> None:
    """Two looks that do not find it are enough."""
    async with open_client(sandbox) as client:
        with pytest.raises(RentClosedError):
            await client.await_rent_code(4711)

    assert second() <= 5
