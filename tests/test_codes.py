"""What the built-in extractor reads, and which messages are new. A wrong code is worse than none."""

from __future__ import annotations

import pytest

from smsapi_async import Sms
from smsapi_async._codes import Pick, Seen, extract_code

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
def test_what_may_be_something_else_is_no_code(text: str) -> None:
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


def test_a_message_handed_over_is_not_new() -> None:
    """Whatever number it bears: the provider gives one in some answers only."""
    seen = Seen()
    seen.add([Sms(text="a"), Sms(text="b")])

    assert seen.new([Sms(id=1, text="a"), Sms(id=2, text="b"), Sms(id=3, text="c")]) == [Sms(id=3, text="c")]


def test_the_same_text_in_one_more_message_is_new() -> None:
    """A service may send one code twice, and the second is asked for."""
    seen = Seen()
    seen.add([Sms(text="a")])
    assert seen.take([Sms(text="b")]) == Sms(text="b")

    assert seen.new([Sms(text="a"), Sms(text="b"), Sms(text="a")]) == [Sms(text="a")]


def test_taking_the_same_messages_in_twice_counts_them_once() -> None:
    """Every look shows all of them again."""
    seen = Seen()
    seen.add([Sms(text="a")])
    seen.add([Sms(text="a")])

    assert len(seen.new([Sms(text="a"), Sms(text="a")])) == 1


def test_the_newest_message_with_a_code_is_picked_with_its_code_filled_in() -> None:
    """Whoever gets the message finds the code in it, wherever it came from."""
    messages = [Sms(text="old", code="1111"), Sms(text="Your code is 2222"), Sms(text="bye")]

    assert Pick()(messages) == Sms(text="Your code is 2222", code="2222")
    assert Pick()([]) is None


def test_an_extractor_of_the_callers_own_replaces_the_built_in_one() -> None:
    """He knows what a code looks like; what the provider found still counts."""
    mute = Pick(extract=lambda _: None)

    assert mute([Sms(text="Your code is 2222")]) is None
    assert mute([Sms(text="x", code="1")]) == Sms(text="x", code="1")
