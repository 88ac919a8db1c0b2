"""Attempt.spend(): one exit for each law, for every error and every leaving caller."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import anyio
import anyio.lowlevel
import attrs
import pytest

from smsapi_async import (
    NoNumbersError,
    NothingBoughtError,
    NotSentError,
    OutcomeUnknownError,
    Pace,
    SpendUnknownError,
)
from smsapi_async._sending import Attempt, Call, Repeat, Reply, Sender
from smsapi_async._sending.spend import let_cancellation_arrive
from smsapi_async.testing import VirtualLoop
from tests.busy import work_for


@attrs.define
class Wire:
    """A fake of the HTTP layer that follows the test's orders."""

    acts: list[Any]

    async def exchange(self, call: Call[Any]) -> Reply:
        act = self.acts.pop(0)
        if isinstance(act, BaseException):
            raise act
        await anyio.sleep(act)
        return Reply(status=200, headers={}, body=b"bought")

    async def aclose(self) -> None:
        """Nothing to close."""


def read(reply: Reply) -> str:
    return reply.text


@attrs.define
class Deed:
    """One call that spends, and what became of it.

    Attributes:
        trouble: raised by recovering, one at each try; then it finds something.
    """

    acts: list[Any]
    read: Callable[[Reply], str] = read
    trouble: list[BaseException] = attrs.field(factory=list)
    lost: list[OutcomeUnknownError] = attrs.field(factory=list)
    kept: list[str] = attrs.field(factory=list)
    attempt: Attempt[str] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        call = Call(name="v1.buy", provider="v1", path="x", read=self.read, repeat=Repeat.NEVER)
        self.attempt = Attempt(call, self._recover, self._keep)

    async def __call__(self) -> str:
        return await self.attempt.spend(Sender(Wire(self.acts), Pace(), 3))  # type: ignore[arg-type]  # a fake

    async def _recover(self, lost: OutcomeUnknownError) -> str:
        self.lost.append(lost)
        await anyio.sleep(10)
        if self.trouble:
            raise self.trouble.pop(0)
        return "recovered"

    async def _keep(self, result: str) -> None:
        self.kept.append(result)


async def test_what_spends_is_sent_once_and_its_answer_returned():
    """The ordinary case."""
    assert await Deed([1])() == "bought"


async def test_what_spends_is_recovered_when_its_answer_is_lost():
    """The caller gets the recovered purchase."""
    assert await Deed([OutcomeUnknownError("cut")])() == "recovered"


async def test_what_spends_is_sent_again_only_if_it_never_left():
    """The moment it left is the moment of the try that did."""
    deed = Deed([NotSentError("no route"), 1])

    assert await deed() == "bought"
    assert deed.attempt.sent_at == 0.5


async def test_what_never_left_has_no_moment():
    """A purchase that was not sent cannot have made a row."""
    deed = Deed([NotSentError("no route")] * 4)

    with pytest.raises(NotSentError):
        await deed()

    assert deed.attempt.sent_at == float("inf")


async def test_a_refusal_that_was_read_is_the_end():
    """The provider's word is enough: nothing is looked up."""

    def refuse(reply: Reply) -> str:
        raise NoNumbersError("no free phones", status=200)

    deed = Deed([1], refuse)

    with pytest.raises(NoNumbersError):
        await deed()

    assert (deed.lost, deed.attempt.may_have_happened) == ([], False)


class OddError(BaseException):
    """An error of an unknown library."""


UNFORESEEN = [
    ValueError("phone +79001234567"), OverflowError(), RecursionError(), MemoryError(),
    ExceptionGroup("", [ValueError()]), OddError(), BaseExceptionGroup("", [OddError()]),
]  # fmt: skip

unforeseen = pytest.mark.parametrize("error", UNFORESEEN, ids=lambda error: type(error).__name__)


@unforeseen
async def test_any_exception_after_the_first_byte_is_an_unknown_outcome(error):
    """The money may be spent, also after an exception that no code expects."""
    deed = Deed([error])

    assert await deed() == "recovered"
    assert (len(deed.lost), "7900" in str(deed.lost[0])) == (1, False)


@unforeseen
async def test_any_exception_while_the_answer_is_read_is_an_unknown_outcome(error):
    """The answer came, so the provider has done it."""

    def fail(reply: Reply) -> str:
        raise error

    assert await Deed([1], fail)() == "recovered"


@unforeseen
async def test_any_exception_while_it_is_looked_for_leaves_it_unknown(error):
    """The caller gets an error in the package's own words, which quote nothing private."""
    deed = Deed([OutcomeUnknownError("HTTP 500", status=500)], trouble=[error])

    with pytest.raises(SpendUnknownError, match=r"looking for it ended with .*; money may be spent") as caught:
        await deed()

    assert (caught.value.call, caught.value.status) == ("v1.buy", 500)
    assert isinstance(caught.value.__cause__, OutcomeUnknownError)
    assert "7900" not in f"{caught.value} {caught.value.__cause__!r} {caught.value.__context__!r}"
    assert deed.attempt.may_have_happened


async def test_what_turns_out_not_to_be_bought_is_void():
    """A budget counts nothing for it."""
    deed = Deed([OutcomeUnknownError("cut")], trouble=[NothingBoughtError("no trace")])

    with pytest.raises(NothingBoughtError):
        await deed()

    assert not deed.attempt.may_have_happened


@pytest.mark.parametrize("anyio_backend", [("asyncio", {"loop_factory": VirtualLoop})], ids=["asyncio"])
async def test_a_task_of_ours_that_is_cancelled_by_others_leaves_the_outcome_unknown():
    """We did not cancel the task, and we must not hide that another task did."""
    deed = Deed([5])

    async def cancel_all_others() -> None:
        await anyio.sleep(1)
        current = asyncio.current_task()
        for task in asyncio.all_tasks() - before - {current}:
            task.cancel()

    before = asyncio.all_tasks()
    async with anyio.create_task_group() as group:
        group.start_soon(cancel_all_others)
        with pytest.raises(SpendUnknownError, match="cut off"):
            await deed()

    assert deed.kept == ["recovered"]


async def test_a_recovery_that_is_hit_as_well_is_begun_anew():
    """The second Ctrl-C is not promised anything, yet the first may come at any time."""
    deed = Deed([OutcomeUnknownError("cut")], trouble=[KeyboardInterrupt()])

    with pytest.raises(KeyboardInterrupt):
        await deed()

    assert deed.kept == ["recovered"]


async def test_an_outcome_that_stays_unknown_after_ctrl_c_is_logged(caplog):
    """No caller is left to read it in an error."""
    deed = Deed([KeyboardInterrupt()], trouble=[SpendUnknownError("no trace", call="v1.buy")])

    with pytest.raises(KeyboardInterrupt), caplog.at_level(logging.WARNING, "smsapi_async"):
        await deed()

    assert "purchase.unknown call=v1.buy candidates=none" in caplog.text


async def test_a_purchase_found_void_after_ctrl_c_counts_for_nothing():
    """The money of an order that was never bought is booked back, however the call ended."""
    deed = Deed([KeyboardInterrupt()], trouble=[NothingBoughtError("no trace")])

    with pytest.raises(KeyboardInterrupt):
        await deed()

    assert not deed.attempt.may_have_happened


async def test_what_was_bought_for_a_caller_who_is_gone_is_kept():
    """The house decides how: it registers the order, or settles it."""
    deed = Deed([1])

    with anyio.move_on_after(0.5):
        await deed()

    assert deed.kept == ["bought"]


@pytest.mark.parametrize("rounds", range(8))
async def test_a_deadline_that_passes_while_the_cancellation_is_awaited_is_seen_as_well(rounds):
    """Another task works for long in one of those rounds of the loop; the timer rings in the next one."""
    passed: list[float] = []

    async def work() -> None:
        for _ in range(rounds):
            await anyio.lowlevel.checkpoint()
        work_for(5)

    async with anyio.create_task_group() as group:
        with anyio.move_on_after(1):
            group.start_soon(work)
            await let_cancellation_arrive()
            passed.append(anyio.current_time())

    assert passed in ([], [0.0])
