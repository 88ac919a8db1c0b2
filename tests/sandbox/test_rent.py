"""The rent face, asked in bytes. Source: docs/protocol/rent.md."""

from decimal import Decimal

import pytest

from smsapi_async.sandbox import Delivery, Request, Tariff
from tests.sandbox.asking import Asker, asker

CODE = Delivery(60, "Your verification code is 070051", "070051", "Google")
CONFIRMED = {"7": [[CODE]]}
DAY = 86400


def refusal(ask: Asker, path: str) -> str:
    literal: str = ask.rent_json(path)["response"]
    return literal


def state(ask: Asker, tzid: int) -> list[dict[str, object]]:
    found: list[dict[str, object]] = ask.rent_json(f"rent/getRentState.php?tzid={tzid}")["list"]
    return found


@pytest.mark.parametrize(
    ("query", "headers", "literal"),
    [
        ("", {}, "ERROR_NO_KEY"),
        ("?apikey=", {}, "ERROR_NO_KEY"),
        ("?apikey=wrong", {}, "ERROR_WRONG_KEY"),
        ("?apikey={key}", {}, 1),
        ("", {"authorization": "Bearer wrong"}, "ERROR_WRONG_KEY"),
        ("", {"authorization": "{key}"}, "ERROR_NO_KEY"),
        ("", {"authorization": "Bearer {key}"}, 1),
    ],
)
def test_the_key_travels_in_the_header_or_the_query(query: str, headers: dict[str, str], literal: object) -> None:
    """A refusal is HTTP 200 all the same."""
    ask = asker()
    key = ask.sandbox.rent_key
    sent = {name: value.format(key=key) for name, value in headers.items()}

    response = ask.sandbox.handle(Request("GET", f"/api/getBalance.php{query.format(key=key)}", sent), ask.now)

    assert response.status == 200
    assert response.body.decode().startswith(f'{{"response":{literal if literal == 1 else chr(34) + str(literal)}')


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "rent/nothing.php"), ("GET", "rent/getRentNum"), ("POST", "rent/getRentNum.php")]
)
def test_an_unknown_method_is_refused(method: str, path: str) -> None:
    """Also the right one with the wrong verb or without its suffix."""
    assert asker().rent(path, method).body == b'{"response":"REQUEST_NOT_FOUND"}'


def test_a_purchase_waits_for_its_first_sms() -> None:
    """Status 0, and minutes of the window, not of the lease."""
    ask = asker(rent_plans=CONFIRMED)
    tzid = ask.hire()
    ask.later(59)
    before = state(ask, tzid)[0]

    ask.later(1)

    after = state(ask, tzid)[0]
    assert (before["status"], before["time"], before["hours"], before["days"]) == (0, 19, 0, 0)
    assert (after["status"], after["time"], after["hours"], after["days"]) == (1, 1439, 23, 0)


def test_the_frozen_part_is_the_unconfirmed_price() -> None:
    """Compare balance and zbalance together."""
    ask = asker(rent_plans=CONFIRMED)
    ask.hire()
    before = ask.rent_json("getBalance.php")

    ask.later(60)

    assert before == {"response": 1, "balance": "960.00", "zbalance": 40}
    assert ask.rent_json("getBalance.php")["zbalance"] == 0
    assert ask.world.rent_frozen == 0


def test_without_an_sms_the_window_ends_the_rent_and_refunds_it() -> None:
    """The window ends by itself, after twenty minutes."""
    ask = asker()
    tzid = ask.hire()

    ask.later(1200)

    assert state(ask, tzid) == []
    assert ask.world.rent_balance == 1000
    assert ask.world.rents[tzid].ended == "unconfirmed"


def test_an_sms_after_the_end_is_lost() -> None:
    """The number no longer belongs to the account."""
    ask = asker()
    tzid = ask.hire()
    ask.world.receive_rent(tzid, text="late", code="1", after=1300)

    ask.later(1400)

    assert state(ask, tzid) == []
    assert ask.world.rents[tzid].messages == []


@pytest.mark.parametrize(
    ("query", "literal"),
    [
        ("days=1", "NO_COUNTRY"),
        ("country=999&days=1", "UNDEFINED_COUNTRY"),
        ("country=russia&days=1", "UNDEFINED_COUNTRY"),
        ("country=77&days=1", "NO_COUNTRY"),
        ("country=7", "UNDEFINED_DAYS"),
        ("country=7&days=2", "UNDEFINED_DAYS"),
        ("country=46&days=7", "NO_NUMBER"),
    ],
)
def test_a_purchase_is_refused_in_the_words_of_the_seed(query: str, literal: str) -> None:
    """Nothing is charged."""
    ask = asker()

    assert refusal(ask, f"rent/getRentNum.php?{query}") == literal
    assert ask.ledger.rents == []


def test_too_little_money_or_too_many_numbers_are_refused() -> None:
    """Two limits of the account."""
    poor, busy = asker(rent_balance=10), asker(rent_limit=1)
    busy.hire()

    assert refusal(poor, "rent/getRentNum.php?country=7&days=1") == "WARNING_LOW_BALANCE"
    assert refusal(busy, "rent/getRentNum.php?country=7&days=1") == "EXCEEDED_CONCURRENT_OPERATIONS"


@pytest.mark.parametrize(
    ("query", "renews"),
    [
        ("", 1),
        ("&extension=true", 1),
        ("&extension=True", 1),
        ("&extension=1", 1),
        ("&extension=false", 0),
        ("&extension=False", 0),
        ("&extension=0", 0),
    ],
)
def test_extension_is_on_unless_it_is_switched_off(query: str, renews: int) -> None:
    """Left out it costs thirty days more; off, nothing can be extended."""
    ask = asker()

    item = state(ask, ask.hire(f"country=7&days=1{query}"))[0]

    assert item["extension"] == renews
    assert bool(item["extend"]) is bool(renews)
    assert renews or item["extend"] == []


def test_an_empty_map_may_be_a_map() -> None:
    """Two clients of the vendor itself disagree."""
    ask = asker(rent_empty_map="{}")

    assert state(ask, ask.hire("country=7&days=1&extension=false"))[0]["extend"] == {}


def test_an_extension_adds_days_and_costs_their_price() -> None:
    """Only the lengths of `extend` are sold."""
    ask = asker(rent_plans=CONFIRMED)
    tzid = ask.hire()
    ask.later(60)

    item = ask.rent_json(f"rent/extendRentState.php?tzid={tzid}&days=7&pagination=false")["item"]

    assert (item["rent"], item["sum"], item["days"]) == (8, 250, 7)
    assert isinstance(item["messages"], dict)
    assert ask.ledger.extensions == [tzid]
    assert ask.world.rent_balance == 750


@pytest.mark.parametrize(
    ("query", "literal"),
    [
        ("days=1", "ERROR_NO_TZID"),
        ("tzid=5&days=1", "ERROR_WRONG_TZID"),
        ("tzid={}&days=2", "UNDEFINED_DAYS"),
        ("tzid={}", "UNDEFINED_DAYS"),
    ],
)
def test_a_wrong_extension_is_refused(query: str, literal: str) -> None:
    """Nothing is extended."""
    ask = asker()
    tzid = ask.hire()

    assert refusal(ask, f"rent/extendRentState.php?{query.format(tzid)}") == literal
    assert ask.ledger.extensions == []


def test_an_extension_may_be_answered_as_a_list() -> None:
    """One client's authors read its first entry; the page prints `item`."""
    ask = asker(rent_extend_form="list", rent_plans=CONFIRMED)
    tzid = ask.hire()

    answer = ask.rent_json(f"rent/extendRentState.php?tzid={tzid}&days=7")

    assert (list(answer), answer["list"][0]["rent"]) == (["response", "list"], 8)


def test_every_length_of_the_default_tariffs_has_its_count() -> None:
    """A list that offers a length and sells none of it is a trap that no source shows."""
    for tariff in asker().rent_json("rent/tariffsRent.php").values():
        assert list(tariff["days"]) == list(tariff["count"])


def test_an_extension_needs_its_money() -> None:
    """The rent itself took all there was."""
    ask = asker(rent_balance=40)

    assert refusal(ask, f"rent/extendRentState.php?tzid={ask.hire()}&days=1") == "WARNING_LOW_BALANCE"


def test_an_extended_rent_lives_to_its_new_end() -> None:
    """The old end finds it moved."""
    ask = asker(rent_plans=CONFIRMED, rent_balance=70)
    tzid = ask.hire()
    ask.later(60)
    ask.rent(f"rent/extendRentState.php?tzid={tzid}&days=1")

    ask.later(DAY)
    alive = state(ask, tzid)
    ask.later(DAY)

    assert len(alive) == 1
    assert state(ask, tzid) == []
    assert ask.world.rents[tzid].ended == "expired"


def test_a_renewing_rent_is_charged_for_thirty_days_at_its_end() -> None:
    """A purchase without `extension` renews the rent, and each renewal costs money."""
    ask = asker(rent_plans=CONFIRMED)
    tzid = ask.hire()

    ask.later(DAY)

    assert state(ask, tzid)[0]["rent"] == 31
    assert ask.world.rent_balance == 60


def test_without_renewal_a_rent_expires() -> None:
    """Gone from the list; its SMS planned for later is lost, its second end finds it ended."""
    ask = asker(rent_plans=CONFIRMED)
    tzid = ask.hire("country=7&days=1&extension=false")

    ask.later(DAY)

    assert ask.rent_json("rent/getRentState.php") == {"response": 1, "list": []}
    assert ask.world.rents[tzid].ended == "expired"


def test_closing_is_final_and_answers_true() -> None:
    """No refund is promised, also inside the window; later events find it closed."""
    ask = asker()
    tzid = ask.hire()

    answer = ask.rent_json(f"rent/closeRentNum.php?tzid={tzid}")
    ask.later(2 * DAY)

    assert answer == {"response": True}
    assert refusal(ask, f"rent/closeRentNum.php?tzid={tzid}") == "ERROR_WRONG_TZID"
    assert ask.ledger.paid == 40


def test_success_may_be_text() -> None:
    """The vendor's own clients compare text with "1", and read a close that way too."""
    ask = asker(rent_success="1", rent_close_success="1", tariff_names=True)
    tzid = ask.hire()

    answers = [ask.rent_json(path) for path in ("getBalance.php", f"rent/closeRentNum.php?tzid={tzid}")]

    assert [answer["response"] for answer in answers] == ["1", "1"]
    assert ask.rent_json("rent/tariffsRent.php?country=7")["name"] == "Russia"


def test_closing_may_be_too_early_and_may_refund() -> None:
    """No source describes a close inside the window."""
    ask = asker(rent_close_lock=120, rent_close_refunds=True, rent_plans={"7": [[], [Delivery(1, "x")]]})
    silent, confirmed = ask.hire(), ask.hire()
    early = refusal(ask, f"rent/closeRentNum.php?tzid={silent}")
    ask.later(120)

    ask.rent(f"rent/closeRentNum.php?tzid={silent}")
    ask.rent(f"rent/closeRentNum.php?tzid={confirmed}")

    assert early == "NO_COMPLETE_TZID"
    assert ask.ledger.refunded == 40


def test_a_port_is_reloaded() -> None:
    """`reload` 0 means it can be."""
    ask = asker()
    tzid = ask.hire()

    answer = ask.rent_json(f"rent/portReload.php?tzid={tzid}")

    assert answer == {"response": 1}
    assert state(ask, tzid)[0]["reload"] == 1


@pytest.mark.parametrize(
    ("gone", "one", "all_of_them"),
    [
        ("[]", {"response": 1, "list": []}, {"response": 1, "list": []}),
        ("null", {"response": 1, "list": None}, {"response": 1, "list": None}),
        ("NO_NUMBER", {"response": "NO_NUMBER"}, {"response": "NO_NUMBER"}),
        ("ERROR_WRONG_TZID", {"response": "ERROR_WRONG_TZID"}, {"response": 1, "list": []}),
    ],
)
def test_a_rent_that_is_gone_is_answered_as_the_scenario_says(gone: str, one: object, all_of_them: object) -> None:
    """Five answers are thinkable; the documents print none."""
    ask = asker(rent_gone=gone)

    assert ask.rent_json("rent/getRentState.php?tzid=5") == one
    assert ask.rent_json("rent/getRentState.php") == all_of_them


def messages(ask: Asker, query: str = "") -> object:
    return ask.rent_json(f"rent/getRentState.php{query}")["list"][0]["messages"]


def many(count: int) -> dict[str, list[list[Delivery]]]:
    return {"7": [[Delivery(1, f"text {n}", f"{n:06d}") for n in range(count)]]}


def test_messages_come_newest_first_in_moscow_time() -> None:
    """A page object holds all messages, for any page numbers."""
    ask = asker(rent_plans=many(21))
    ask.hire()
    ask.later(1)

    page = messages(ask)

    assert isinstance(page, dict)
    assert (page["to"], page["last_page"], page["total"], len(page["data"])) == (2, 2, 21, 21)
    assert page["data"][0]["code"] == "000020"
    assert page["data"][0]["created_at"] == "2026-01-01 15:00:01"


def test_messages_may_be_a_list_or_a_list_of_pages() -> None:
    """`pagination=false`, or the scenario; the seed prints pages."""
    ask, listed, paged = (
        asker(rent_plans=many(21)),
        asker(rent_message_form="list"),
        asker(rent_plans=many(21), rent_message_form="pages"),
    )
    for each in (ask, listed, paged):
        each.hire()
        each.later(1)

    unpaged, pages = messages(ask, "?pagination=false"), messages(paged)

    assert isinstance(unpaged, list)
    assert isinstance(pages, dict)
    assert (len(unpaged), messages(listed), [len(page) for page in pages["data"]]) == (21, [], [20, 1])


def test_tariffs_change_their_shape_with_the_country() -> None:
    """An object, a map of objects, or an empty list."""
    ask = asker()

    one, everything = ask.rent_json("rent/tariffsRent.php?country=7"), ask.rent_json("rent/tariffsRent.php")

    assert one["days"] == {"1": 40, "7": Decimal("251.5"), "15": 450, "30": 900}
    assert set(everything) == {"7", "46", "77"}
    assert everything["46"]["name"] == "Sweden"
    assert ask.rent_json("rent/tariffsRent.php?country=999") == []
    assert asker(tariffs=[]).rent_json("rent/tariffsRent.php") == []


def test_tariffs_may_carry_the_envelope_and_empty_maps() -> None:
    """`response` beside the countries; `[]` for no days."""
    ask = asker(tariffs_envelope=True, tariffs=[Tariff(7, "Russia", {}, {}, 1)])

    assert ask.rent_json("rent/tariffsRent.php?country=7")["days"] == []
    assert ask.rent_json("rent/tariffsRent.php")["response"] == 1


def test_the_sum_is_text_only_in_the_list() -> None:
    """Text in getRentState, a number elsewhere; all text where the scenario says so."""
    ask, text = asker(), asker(money_form="text")

    bought = ask.rent_json("rent/getRentNum.php?country=46&days=1")["item"]
    listed = state(ask, bought["tzid"])[0]

    assert (bought["sum"], listed["sum"]) == (Decimal("36.125"), "36.125")
    assert text.rent_json("rent/getRentNum.php?country=46&days=1")["item"]["sum"] == "36.125"


def test_the_balance_keeps_three_decimals_and_shows_income_on_demand() -> None:
    """`"1674.540"` was seen."""
    ask = asker(rent_balance="1674.540")

    assert ask.rent_json("getBalance.php?income=true") == {
        "response": 1, "balance": "1674.540", "zbalance": 0, "income": "0.00", "income_usd": "0.00",
    }  # fmt: skip


def test_a_rent_account_is_topped_up() -> None:
    """So a test can make a refused purchase possible."""
    ask = asker(rent_balance=0)

    ask.world.charge_rent(Decimal(40))

    assert ask.hire()
