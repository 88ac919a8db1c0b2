"""The built-in extractor, and which message is next. A wrong code is worse than none."""

from __future__ import annotations

import attrs
import pytest

from smsapi_async import Sms, _codes
from smsapi_async._codes import ANY_CODE, Inbox, Marks, Pick, extract_code, picked_by

CODES = [
    ("Your code is 12345", "12345"),
    ("Code:12345", "12345"),
    ("G-123456 is your Google verification code.", "123456"),
    ("Telegram code 04217\n\nYou can also tap on this link to log in:\nhttps://t.me/login/04217", "04217"),
    (
        "<#> Your WhatsApp code: 123-456\nTap to verify: v.whatsapp.com/123456\nDon't share this code\n4sgLq1p5sV6",
        "123456",
    ),
    ("Your Uber code is 1234. Never share this code. Reply STOP ALL to +44 7903 561836", "1234"),
    ("123 456 is your Instagram code. Don't share it.", "123456"),
    ("Your verification code is 4821. It expires in 10 minutes.", "4821"),
    ("Код подтверждения: 048213. Никому не сообщайте код!", "048213"),
    ("Никому не говорите код! Ваш код для входа 7731", "7731"),
    ("Ваш пароль - 8812", "8812"),
    ("Код 12345 действует 15 мин. Заказ 998877", "12345"),
    ("Списание 1500 руб. Код: 4417", "4417"),
    ("Ваш заказ 482133 готов, код получения 7712", "7712"),
    ("【腾讯】您的验证码为123456，5分钟内有效。", "123456"),
    ("验证码：8431，请勿告诉他人", "8431"),
    ("認証コード:123456", "123456"),
    ("[인증번호] 482913 를 입력하세요", "482913"),
    ("Doğrulama kodunuz: 482913", "482913"),
    ("Kode verifikasi Anda 482913", "482913"),
    ("Mã xác minh của bạn là 482913", "482913"),
    ("Tu código de verificación es 482913", "482913"),
    ("Seu código de verificação é: 4829", "4829"),
    ("Votre code de vérification est 482913", "482913"),
    ("Ihr Bestätigungscode lautet 482913", "482913"),
    ("Il tuo codice di verifica è 482913", "482913"),
    ("رمز التحقق 482913", "482913"),
    ("VK: 09363 - use this code to reclaim your suspended profile.", "09363"),
    ("Steam: R4T7K is your login code", "R4T7K"),
    ("Card ending 4276: your one-time password is 881203", "881203"),
    ("OTP for txn of INR 2500 at Amazon is 881203", "881203"),
    ("Balance 25.000, code 1234", "1234"),
    ("Your Apple ID Code is: 482913. Don't share it with anyone.", "482913"),
    ("482913 is your Facebook confirmation code", "482913"),
    ("FB-48291 is your Facebook confirmation code", "48291"),
    ("Login at 12:45 with code 7712", "7712"),
    ("Код: 123-456", "123456"),
    ("(482913) is the code", "482913"),
    ("Code: '4829'", "4829"),
    ("code 4829.", "4829"),
    ("Code for +79001234567: 5521", "5521"),
    ("Never share this code\n482913", "482913"),
]

NO_CODES = [
    "Your code will be valid 1440 minutes",
    "Your password was changed on 12 May 2024",
    "Покупка 1500р карта 4276, баланс 22000р. PIN не сообщайте",
    "Use promo code SAVE2024 today",
    "error code 5021",
    "Hello, how are you",
    "Your codes are 1234 and 5678",
    "Call 88005553535 for your code",
    "Your code: call 7903 for help",
    "1234",
    "Your account 12345678: password reset requested",
    "Rs 2500 debited. Never share your OTP",
    "Use code 4829-1 ",
    "Your PIN has been changed on 12.05.2024.",
    "https://example.com/code/123456",
    "Ваш промокод 12345",
    "tap https://x.co/123456 or enter code",
    "Welcome! Your number 79001234567 code",
    "ДляВхода123456 код",
]


@pytest.mark.parametrize(("text", "code"), CODES)
def test_a_code_beside_a_word_for_it_is_read(text: str, code: str) -> None:
    """The provider leaves `code` blank in messages its own reader does not know."""
    assert extract_code(text) == code


@pytest.mark.parametrize("text", NO_CODES)
def test_a_number_that_may_be_something_else_is_no_code(text: str) -> None:
    """Amounts, spans, years, phones, links, orders: typed in as a code each costs an attempt."""
    assert extract_code(text) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [("code " * 5_000, None), ("1234 " * 5_000, None), ("code 1234. " * 50_000, "1234"), ("A1" * 20_000, None)],
    ids=["words", "groups", "both", "one word"],
)
def test_a_hostile_text_is_read_in_no_time(text: str, code: str | None) -> None:
    """A body is a megabyte at most, and anybody may send an SMS; the suite's time limit is the judge."""
    assert extract_code(text) == code


# -- a choice of messages -------------------------------------------------------------------------------------------


def test_an_extractor_of_the_callers_own_replaces_the_built_in_one() -> None:
    """The caller knows what a code looks like. A code that the provider found still counts."""
    mute = Pick(extract=lambda _: None)

    assert mute.code(Sms(text="Your code is 2222")) is None
    assert mute.code(Sms(text="x", code="1")) == "1"
    assert Pick(extract=str.upper).code(Sms(text="x", code="1")) == "X"


def test_the_built_in_extractor_reads_what_the_provider_left_blank() -> None:
    """The provider's own code goes first."""
    assert ANY_CODE.code(Sms(text="Your code is 2222")) == "2222"
    assert ANY_CODE.code(Sms(text="Your code is 2222", code="3333")) == "3333"
    assert ANY_CODE.code(Sms(text="bye")) is None


def test_only_messages_that_match_are_wanted() -> None:
    """The others may be for another wait."""
    mine, other = Sms(text="a", sender="me"), Sms(text="b")

    assert Pick(match=lambda sms: sms.sender == "me").wanted([mine, other]) == [mine]
    assert ANY_CODE.wanted([mine, other]) == [mine, other]


@pytest.mark.parametrize("name", ["match", "extract"])
def test_a_choice_that_is_no_function_is_refused_at_once(name: str) -> None:
    """It would fail when the SMS is there, minutes later."""
    with pytest.raises(ValueError, match=f"{name}: a function is needed"):
        Pick(**{name: "1234"})  # type: ignore[arg-type]


def test_most_waits_share_one_choice() -> None:
    """Fifty thousand may wait."""
    assert picked_by(None, None) is ANY_CODE
    assert picked_by(bool, None) == Pick(match=bool)
    assert picked_by(None, str) == Pick(extract=str)


# -- messages already handed over -----------------------------------------------------------------------------------


def test_a_message_handed_over_is_not_new() -> None:
    """Its id does not count: the provider gives one in some answers only."""
    marks = Marks()
    marks.put([Sms(text="a"), Sms(text="b")])

    assert marks.without([Sms(id=1, text="a"), Sms(id=2, text="b"), Sms(id=3, text="c")]) == [Sms(id=3, text="c")]


def test_the_same_text_in_one_more_message_is_new() -> None:
    """A sender may send one code twice, and the second is asked for."""
    marks = Marks()
    marks.put([Sms(text="a")])

    assert marks.without([Sms(text="a"), Sms(text="b"), Sms(text="a")]) == [Sms(text="b"), Sms(text="a")]


def test_the_oldest_new_message_is_taken_and_counted_in() -> None:
    """Each message is handed over once."""
    marks = Marks()
    messages = (Sms(text="a"), Sms(text="b"))

    assert [marks.take(messages) for _ in range(3)] == [Sms(text="a"), Sms(text="b"), None]


def test_each_message_is_compared_once_while_the_messages_stay_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred messages of 100,000 took 3.4 seconds: all were compared for each that was taken."""
    compared: list[Sms] = []

    def mark(sms: Sms) -> tuple[object, ...]:
        compared.append(sms)
        return (sms.text,)

    monkeypatch.setattr(_codes, "_mark", mark)
    marks = Marks()
    messages = tuple(Sms(text=str(number)) for number in range(1_000))

    assert [marks.take(messages) for _ in range(101)] == list(messages[:101])
    assert len(compared) == 1_101


def test_what_is_counted_in_meanwhile_is_not_taken() -> None:
    """Of the same messages too."""
    marks = Marks()
    messages = (Sms(text="a"), Sms(text="b"), Sms(text="c"))
    assert marks.take(messages) == Sms(text="a")

    marks.put([Sms(text="b")])

    assert [marks.take(messages) for _ in range(2)] == [Sms(text="c"), None]
    assert marks.take((*messages, Sms(text="d"))) == Sms(text="d")


# -- which code is next ---------------------------------------------------------------------------------------------

A, B, C = (Sms(text=f"Your code is {digit * 4}", code=digit * 4) for digit in "123")
BLANK = Sms(text="welcome")


def codes(inbox: Inbox, messages: list[Sms], pick: Pick = ANY_CODE) -> list[str | None]:
    """Every code that is handed over while the messages stay the same."""
    found = []
    while (sms := inbox.next(pick, messages)) is not None:
        found.append(sms.code)
    return found


def test_the_first_code_is_the_newest_and_supersedes_older_ones() -> None:
    """An order is for one code, and a sender that sends twice wants the second."""
    assert codes(Inbox(), [A, B]) == ["2222"]


def test_each_further_code_is_the_next_one_that_came() -> None:
    """None is skipped, also when several came between two looks."""
    inbox = Inbox()
    assert codes(inbox, [A]) == ["1111"]

    assert codes(inbox, [A, B, C]) == ["2222", "3333"]


def test_the_code_is_filled_in() -> None:
    """The caller finds it in the message, whether the provider read it or we did."""
    assert Inbox().next(ANY_CODE, [Sms(text="Your code is 2222")]) == Sms(text="Your code is 2222", code="2222")


def test_a_newer_message_without_a_code_hides_no_older_code() -> None:
    """It may be an advertisement."""
    inbox = Inbox()

    assert codes(inbox, [A, BLANK]) == ["1111"]
    assert codes(inbox, [A, BLANK]) == []


def test_a_code_filled_into_a_message_already_seen_counts() -> None:
    """The provider shows the text first, and its code a little later."""
    inbox = Inbox()
    assert codes(inbox, [BLANK]) == []

    assert codes(inbox, [Sms(text="welcome", code="9")]) == ["9"]
    assert codes(inbox, [Sms(text="welcome", code="9")]) == []


def test_a_code_filled_into_a_message_older_than_the_last_code_counts() -> None:
    """Each further call gives the next code, and this one came after the first call."""
    inbox = Inbox()
    assert codes(inbox, [BLANK, B]) == ["2222"]
    assert codes(inbox, [BLANK, B]) == []

    assert codes(inbox, [Sms(text="welcome", code="9"), B]) == ["9"]


def test_a_passed_message_is_not_read_again_by_another_extractor() -> None:
    """The message is older than the code that was handed over."""
    inbox = Inbox()
    assert codes(inbox, [BLANK, B]) == ["2222"]

    assert codes(inbox, [BLANK, B], Pick(extract=lambda text: text)) == []


def test_a_wait_consumes_only_what_its_match_accepts() -> None:
    """Another wait may be for the rest."""
    inbox = Inbox()
    only_b = Pick(match=lambda sms: sms.code == "2222")

    assert codes(inbox, [A, B, C], only_b) == ["2222"]
    assert codes(inbox, [A, B, C]) == ["1111", "3333"]


def test_messages_there_before_the_first_wait_count_once_as_their_newest_code() -> None:
    """A rented number serves many senders; no caller needs older codes."""
    there = Marks()
    there.put([A, B])
    inbox = Inbox(there)

    assert codes(inbox, [A, B]) == ["2222"]
    assert codes(inbox, [A, B, C, BLANK]) == ["3333"]


def test_a_message_like_one_that_was_there_is_a_new_one() -> None:
    """A sender may send the same text again; without times nothing else distinguishes them."""
    there = Marks()
    there.put([A, A])
    inbox = Inbox(there)
    assert codes(inbox, [A, attrs.evolve(A)]) == ["1111"]

    later = [B, attrs.evolve(A), attrs.evolve(A)]

    assert codes(inbox, [A, attrs.evolve(A), *later]) == ["2222", "1111", "1111"]


def test_every_message_that_comes_to_a_rented_number_is_handed_over_oldest_first() -> None:
    """Two in one look are two codes."""
    inbox = Inbox(Marks())

    assert codes(inbox, [A, B]) == ["1111", "2222"]


def test_blank_messages_of_a_rented_number_wait_for_their_code() -> None:
    """A later message is not held back by one whose code is yet to come."""
    inbox = Inbox(Marks())
    assert codes(inbox, [BLANK, B]) == ["2222"]

    assert codes(inbox, [Sms(text="welcome", code="9"), B]) == ["9"]


# -- how much one look searches ---------------------------------------------------------------------------------------

LONG = "code.1234;" * 250


def test_one_look_searches_so_much_and_the_next_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four megabytes of texts without a code would be searched for half a minute, at every look."""
    searched: list[str] = []

    def search(text: str) -> str | None:
        searched.append(text)
        return extract_code(text)

    monkeypatch.setattr(_codes, "extract_code", search)
    inbox = Inbox(Marks())
    texts = [f"{LONG}{number}" for number in range(100)]
    messages = [Sms(text=text) for text in (*texts, "Your code is 4217")]

    assert inbox.next(ANY_CODE, messages) is None
    assert searched == texts[:50]
    found = inbox.next(ANY_CODE, messages) or inbox.next(ANY_CODE, messages)
    assert found == Sms(text="Your code is 4217", code="4217")
    assert searched == [*texts, "Your code is 4217"]


def test_a_code_of_the_provider_s_is_found_behind_any_number_of_texts() -> None:
    """It needs no search."""
    messages = [*(Sms(text=f"{LONG}{number}") for number in range(60)), A]

    assert codes(Inbox(Marks()), messages) == ["1111"]
    assert codes(Inbox(), messages) == ["1111"]


def test_a_text_of_many_words_and_groups_is_searched_quickly() -> None:
    """Each group was compared with each word: forty thousand pairs."""
    assert extract_code("code.1234;" * 200) is None
    assert extract_code("lorem ipsum " * 200) is None
    assert extract_code("\u9a8c\u8bc1\u78011234" * 250) == "1234"
