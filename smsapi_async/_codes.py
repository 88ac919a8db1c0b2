"""Finding the code in a message, and telling new messages from those already handed over. Pure."""

# ruff: noqa: RUF001 - messages come in every script
from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeAlias

import attrs

from ._values import Sms

Match: TypeAlias = Callable[[Sms], bool]
Extract: TypeAlias = Callable[[str], "str | None"]

# The patterns are compiled when a message first needs them, by `re` itself: together they take 6 ms.
_WORD = (
    r"(?i)(?<!promo )(?<!promo-)(?<!error )(?<!zip )(?<!postal )(?<!country )(?<!area )(?<!qr )(?<!discount )"
    r"(?<!coupon )(?<!промо-)"
    r"\b(?:(?:sicherheits|bestätigungs|verifizierungs|verificatie|aktivierungs)?codes?|otp|pin|tan|pass(?:word|code)"
    r"|kode?|kodu(?:nuz)?|kodun|kód|koodi|koden?|c[oó]digo|codice|codul|clave|senha|parola|parol|mã|kodi"
    r"|код(?:а|у|ом|ы)?|пароль|коды|коди|шифра)\b"
    r"|验证码|驗證碼|校验码|动态码|認証コード|認証番号|確認コード|인증번호|인증 ?코드|رمز|كود|کد|קוד|कोड|รหัส"
)
"""Words that name a code in messages; a promo, postal or error code is not typed to sign in."""

_CJK = "\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af"
_GROUP = (
    rf"(?<![^\W{_CJK}])(?<![+/#№$€£₽-])(?<!\d[.,:]\d)(?<!\d[.,: ])(?:(?:G|FB)-)?"
    r"((?=[A-Z]*\d)[A-Z\d]{4,8}|\d{3}[- ]\d{3})"
    rf"(?![^\W{_CJK}]|-\w|[.,:/]\d| \d)"
)
_NO_CODE_BEFORE = (
    r"(?i)(?:account|acct|a/c|card|order|ending(?: in| with)?|no\.|number|phone|call|text|tel\.?|ref\.?|year|since"
    r"|rub|usd|eur|gbp|inr|rs\.?|january|february|march|april|may|june|july|august|september|october|november|december"
    r"|konto|karte|cuenta|tarjeta|заказа?|номер[ау]?|карт[аеуы]|сч[её]т[ау]?|тел\.?|sms to|to"
    r"|[а-я]*(?:аря|раля|рта|реля|мая|юня|юля|густа|тября|ября))\W{0,3}$"
)
_NO_CODE_AFTER = (
    r"(?i)\s?(?:[$€£₽%]|(?:rub|usd|eur|gbp|uah|inr|rs|tl|руб|грн|min|sec|hour|day|мин|сек|час|м\.|р\.|км|mb|gb|мб|гб)"
    r"|(?:года|год|г\.))"
)
"""What stands beside amounts, spans, years, accounts and phones, which are no codes."""

LONGEST = 2_000
"""Characters read of a message, a dozen SMS long: what is compared grows with the square of it."""

_SENTENCE_ENDS = r"[!?。！？]|[.;](?=\s|$)|\n\s*\n"
NEAR = 60
"""Characters between a code and its word in one sentence; `code for <a long purpose>: 1234` is about as long."""


def extract_code(text: str) -> str | None:
    """The code of a message in which the provider found none.

    Counts only where exactly one group of 4 to 8 characters stands beside a word for code, in the same sentence: a
    wrong code is worse than none. Groups are digits, or capital letters and digits mixed; `123-456` counts as one, and
    so does `G-123456`, whose prefix is not typed. An amount, a span of time, a year or the number of an account, a
    card or a phone is no code.
    """
    text = text[:LONGEST]
    words = [match.span() for match in re.finditer(_WORD, text)]
    groups = set()
    for match in re.finditer(_GROUP, text):
        if _is_something_else(text, *match.span()):
            continue
        if any(_beside(text, match.span(), word) for word in words):
            groups.add(re.sub(r"\D", "", match[1]) if match[1][3] in "- " else match[1])
    return groups.pop() if len(groups) == 1 else None


def _is_something_else(text: str, start: int, end: int) -> bool:
    return bool(
        re.search(_NO_CODE_BEFORE, text[max(0, start - 20) : start]) or re.match(_NO_CODE_AFTER, text[end : end + 20])
    )


def _beside(text: str, group: tuple[int, int], word: tuple[int, int]) -> bool:
    between = text[group[1] : word[0]] if group[1] <= word[0] else text[word[1] : group[0]]
    return len(between) <= NEAR and not re.search(_SENTENCE_ENDS, between)


def _mark(sms: Sms) -> tuple[object, ...]:
    """What tells one message from another. Not the id: the provider gives it in some answers only."""
    return sms.created_at, sms.received_at, sms.sender, sms.text


@attrs.define
class Seen:
    """The messages already handed over. The same text in a new message is a new message."""

    marks: Counter[tuple[object, ...]] = attrs.field(factory=Counter)

    def new(self, messages: Iterable[Sms]) -> list[Sms]:
        """Those not handed over yet, in their order."""
        left = Counter(self.marks)
        fresh = []
        for sms in messages:
            mark = _mark(sms)
            if left[mark]:
                left[mark] -= 1
            else:
                fresh.append(sms)
        return fresh

    def take(self, messages: Iterable[Sms]) -> Sms | None:
        """The oldest not handed over yet, which counts as handed over now; None when all were."""
        for sms in self.new(messages):
            self.marks[_mark(sms)] += 1
            return sms
        return None

    def add(self, messages: Iterable[Sms]) -> None:
        """Count them as handed over."""
        self.marks = Counter(map(_mark, messages)) | self.marks


@attrs.frozen
class Pick:
    """Which message a wait is for: the newest one with a code.

    Attributes:
        match: passes over the messages for which it is false.
        extract: finds the code in a text, before the provider's own is asked; None leaves it to that.
    """

    match: Match | None = None
    extract: Extract | None = None

    def __attrs_post_init__(self) -> None:
        for name, function in (("match", self.match), ("extract", self.extract)):
            if not (function is None or callable(function)):
                raise ValueError(f"{name}: a function is needed, not {function!r}")

    def wanted(self, messages: Iterable[Sms]) -> list[Sms]:
        """Those that `match` does not pass over: they may be for somebody else."""
        return [sms for sms in messages if self.match is None or self.match(sms)]

    def __call__(self, messages: Iterable[Sms]) -> Sms | None:
        """The message with its code filled in, or None."""
        for sms in reversed(self.wanted(messages)):
            code = self._code(sms)
            if code:
                return attrs.evolve(sms, code=code)
        return None

    def _code(self, sms: Sms) -> str | None:
        own = self.extract(sms.text) if self.extract is not None else None
        return own or sms.code or (extract_code(sms.text) if self.extract is None else None)


ANY_CODE = Pick()


def picked_by(match: Match | None, extract: Extract | None) -> Pick:
    """What these two choose. Most waits have neither, and share one."""
    return ANY_CODE if match is None and extract is None else Pick(match, extract)
