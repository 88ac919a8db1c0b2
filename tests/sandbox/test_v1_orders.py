"""The life of a v1 order, asked for in bytes. Source: docs/protocol/v1.md sections 3 and 4."""

from decimal import Decimal

import pytest

from smsapi_async.sandbox import Delivery
from tests.sandbox.asking import Asker, asker

CODE = Delivery(5, "Telegram code 04217", "04217")
ONE_CODE = {"telegram": [[CODE]]}


def status(ask: Asker, order: int) -> str:
    found: str = ask.v1_json(f"user/check/{order}")["status"]
    return found


def test_an_sms_makes_a_pending_order_received() -> None:
    """The list says it; the status alone never means a code."""
    ask = asker(plans=ONE_CODE)
    order = ask.buy()
    before = ask.v1_json(f"user/check/{order}")

    ask.later(5)

    after = ask.v1_json(f"user/check/{order}")
    assert (before["status"], before["sms"]) == ("PENDING", [])
    assert (after["status"], after["sms"][0]["code"]) == ("RECEIVED", "04217")


def test_an_order_may_be_received_without_any_sms() -> None:
    """By choice of the scenario from the start, or when the number is ready."""
    fresh, ready = asker(fresh_status="RECEIVED"), asker(ready_after=2)
    first, second = fresh.buy(), ready.buy()

    ready.later(2)

    assert (status(fresh, first), status(ready, second)) == ("RECEIVED", "RECEIVED")


def test_a_closed_order_is_not_made_ready() -> None:
    """No way back from a terminal status."""
    ask = asker(ready_after=2)
    order = ask.buy()
    ask.v1(f"user/cancel/{order}")

    ask.later(2)

    assert status(ask, order) == "CANCELED"


def test_the_last_plan_of_a_product_repeats() -> None:
    """The n-th order gets the n-th plan."""
    ask = asker(plans={"telegram": [[], [CODE]]})
    orders = [ask.buy() for _ in range(3)]

    ask.later(5)

    assert [len(ask.world.orders[order].sms) for order in orders] == [0, 1, 1]


def test_messages_go_on_until_the_order_is_closed() -> None:
    """Further SMS are appended; those after the end are lost."""
    ask = asker(plans={"telegram": [[CODE, Delivery(6, "hello"), Delivery(60, "late")]]})
    order = ask.buy()

    ask.later(10)
    ask.v1(f"user/finish/{order}")
    ask.later(100)

    assert [sms["text"] for sms in ask.v1_json(f"user/check/{order}")["sms"]] == ["Telegram code 04217", "hello"]


def test_finish_needs_an_sms() -> None:
    """By `order no sms` a client knows that it has nothing to pay for."""
    ask = asker()

    assert ask.v1_text(f"user/finish/{ask.buy()}") == (400, "order no sms")


def test_finish_closes_and_pays_half_a_point() -> None:
    """96 is the most a rating can be, so the scenario begins below."""
    ask = asker(plans=ONE_CODE, rating=90)
    order = ask.buy()
    ask.later(5)

    finished = ask.v1_json(f"user/finish/{order}")

    assert finished["status"] == "FINISHED"
    assert ask.world.rating == Decimal("90.5")
    assert ask.ledger.refunded == 0


@pytest.mark.parametrize(("act", "ended"), [("cancel", "CANCELED"), ("ban", "BANNED")])
def test_cancel_and_ban_refund_the_whole_price(act: str, ended: str) -> None:
    """Each of them costs a tenth of a point."""
    ask = asker()
    order = ask.buy()

    closed = ask.v1_json(f"user/{act}/{order}")

    assert closed["status"] == ended
    assert (ask.world.balance, ask.world.rating) == (Decimal(100), Decimal("95.9"))


def test_a_ban_may_keep_the_money() -> None:
    """No balance ever verified the refund of a ban."""
    ask = asker(ban_refunds=False)

    ask.v1(f"user/ban/{ask.buy()}")

    assert ask.ledger.paid == Decimal("0.2875")


@pytest.mark.parametrize("act", ["cancel", "ban"])
def test_an_order_with_sms_is_neither_cancelled_nor_banned(act: str) -> None:
    """The code came: it is paid."""
    ask = asker(plans=ONE_CODE)
    order = ask.buy()
    ask.later(5)

    assert ask.v1_text(f"user/{act}/{order}") == (400, "order has sms")


def test_a_cancel_may_come_too_early() -> None:
    """`you need to wait time`, and the order is open as before."""
    ask = asker(cancel_lock=60)
    order = ask.buy()
    first = ask.v1_text(f"user/cancel/{order}")

    ask.later(60)

    assert first == (400, "you need to wait time")
    assert ask.v1_json(f"user/cancel/{order}")["status"] == "CANCELED"


def test_an_order_without_sms_times_out() -> None:
    """Without a refund unless the scenario gives one: the sources disagree."""
    ask = asker()
    order = ask.buy()

    ask.later(900)

    assert status(ask, order) == "TIMEOUT"
    assert ask.v1_text(f"user/cancel/{order}") == (400, "order expired")
    assert (ask.ledger.paid, ask.world.rating) == (Decimal("0.2875"), Decimal("95.85"))


def test_the_end_of_a_closed_order_changes_nothing() -> None:
    """Its expiry passes it by: no second refund, no points."""
    ask = asker()
    order = ask.buy()
    ask.v1(f"user/cancel/{order}")

    ask.later(900)

    assert (status(ask, order), ask.world.rating) == ("CANCELED", Decimal("95.9"))


def test_a_timeout_may_refund() -> None:
    """Some clients assume it."""
    ask = asker(timeout_refunds=True)
    ask.buy()

    ask.later(900)
    ask.v1("user/profile")

    assert ask.world.balance == 100


def test_an_order_with_sms_finishes_by_itself_at_its_end() -> None:
    """Automatic completion earns less than a finish."""
    ask = asker(plans=ONE_CODE, rating=90)
    order = ask.buy()

    ask.later(900)

    assert status(ask, order) == "FINISHED"
    assert ask.v1_text(f"user/finish/{order}") == (400, "order expired")
    assert ask.world.rating == Decimal("90.4")


def test_an_order_may_finish_some_minutes_after_its_last_sms() -> None:
    """The help article's five minutes begin anew with every SMS, and find a closed order closed."""
    ask = asker(plans={"telegram": [[CODE, Delivery(200, "again", "1111")], [CODE]]}, finish_after_sms=300)
    order, closed = ask.buy(), ask.buy()
    ask.later(5)
    ask.v1(f"user/finish/{closed}")
    ask.later(301)
    between = status(ask, order)

    ask.later(200)

    assert (between, status(ask, order)) == ("RECEIVED", "FINISHED")
    assert ask.world.orders[closed].lapsed is False


def test_a_test_may_move_the_end_of_an_order() -> None:
    """The record is mutable: an end put off is kept."""
    ask = asker()
    order = ask.buy()
    record = ask.world.orders[order]
    record.expires_at += record.expires_at - record.created_at

    ask.later(900)
    first = status(ask, order)
    ask.later(900)

    assert (first, status(ask, order)) == ("PENDING", "TIMEOUT")


@pytest.mark.parametrize(
    ("answer", "again", "other"),
    [
        ("order not found", (400, "order not found"), (400, "order not found")),
        ("order expired", (400, "order expired"), (400, "order expired")),
        ("same", (200, "CANCELED"), (400, "order expired")),
    ],
)
def test_a_second_close_is_answered_as_the_scenario_says(
    answer: str, again: tuple[int, str], other: tuple[int, str]
) -> None:
    """No source says if it is an error or a no-op. It never refunds twice."""
    ask = asker(closed_answer=answer)
    order = ask.buy()
    ask.v1(f"user/cancel/{order}")

    second, third = ask.v1_text(f"user/cancel/{order}"), ask.v1_text(f"user/ban/{order}")

    assert (second[0], again[1] in second[1]) == (again[0], True)
    assert third == other
    assert ask.ledger.balance_ok()


def test_finish_and_ban_twice_are_no_ops_too() -> None:
    """The scenario's choice holds for finish, cancel and ban alike."""
    ask = asker(closed_answer="same", plans={"telegram": [[CODE], []]})
    finished, banned = ask.buy(), ask.buy()
    ask.later(5)

    for path in (f"user/finish/{finished}", f"user/ban/{banned}"):
        assert ask.v1(path) == ask.v1(path)


@pytest.mark.parametrize(("act", "code"), [("check", 404), ("finish", 400), ("cancel", 400), ("ban", 400)])
def test_an_unknown_order_is_not_found_with_two_statuses(act: str, code: int) -> None:
    """404 from check, 400 from the rest (live)."""
    assert asker().v1_text(f"user/{act}/1") == (code, "order not found")


def test_a_hosting_order_cannot_be_closed() -> None:
    """A hosting order is paid for its hours."""
    ask = asker()
    order = ask.v1_json("user/buy/hosting/any/any/1day")["id"]

    assert {ask.v1_text(f"user/{act}/{order}") for act in ("finish", "cancel", "ban")} == {(400, "hosting order")}


def test_a_hosting_order_lives_for_its_hours_and_touches_no_rating() -> None:
    """Its SMS carry an id; no money comes back at its end."""
    ask = asker(plans={"3hours": [[Delivery(3600, "Use 415127", "415127", "Facebook")]]}, finish_after_sms=1)
    order = ask.v1_json("user/buy/hosting/russia/any/3hours")["id"]
    ask.later(3 * 3600 - 1)
    alive = ask.v1_json(f"user/check/{order}")

    ask.later(1)

    assert alive["status"] == "RECEIVED"
    assert set(alive["sms"][0]) == {"id", "created_at", "date", "sender", "text", "code"}
    assert status(ask, order) == "FINISHED"
    assert (ask.world.rating, ask.world.balance) == (Decimal(96), Decimal("97.5"))


def test_the_inbox_lists_the_messages_of_an_order() -> None:
    """`ID` instead of `id`, and the marks of a wave."""
    ask = asker(plans=ONE_CODE)
    order = ask.buy()
    ask.later(5)

    inbox = ask.v1_json(f"user/sms/inbox/{order}")

    assert inbox["Total"] == 1
    assert inbox["Data"][0]["code"] == "04217"
    assert ask.v1_text("user/sms/inbox/1") == (404, "record not found")


def test_the_inbox_may_redirect_as_it_does_today() -> None:
    """Seen live for every id."""
    ask = asker(inbox_redirects=True)

    assert ask.v1(f"user/sms/inbox/{ask.buy()}").headers["location"] == "/404.html"


def test_a_test_sends_an_sms_when_it_likes() -> None:
    """At once, or after a while."""
    ask = asker()
    order = ask.buy()

    ask.world.receive(order, text="now 1111", code="1111")
    ask.world.receive(order, text="soon 2222", code="2222", sender="Google", after=3)
    codes = [sms["code"] for sms in ask.v1_json(f"user/check/{order}")["sms"]]
    ask.later(3)

    assert codes == ["1111"]
    assert ask.v1_json(f"user/check/{order}")["sms"][1]["sender"] == "Google"


@pytest.mark.parametrize("kind", ["activation/russia/any/telegram", "hosting/any/any/1day"])
def test_every_answer_about_an_order_may_have_every_field(kind: str) -> None:
    """The printed answers leave fields out, and clients written against the live service require some of those."""
    ask = asker(order_form="full")
    bought = ask.v1_json(f"user/buy/{kind}")
    category = kind.partition("/")[0]

    checked = ask.v1_json(f"user/check/{bought['id']}")
    listed = ask.v1_json(f"user/orders?category={category}")["Data"][0]

    assert bought["operator"]
    assert {**bought, "sms": []} == checked == listed
