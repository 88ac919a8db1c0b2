"""Find the code in a message, and separate new messages from those already handed over. Pure."""

# ruff: noqa: RUF001 - messages come in every script
from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any, TypeAlias

import attrs

from ._quoting import shown
from ._values import Sms

Match: TypeAlias = Callable[[Sms], bool]
Extract: TypeAlias = Callable[[str], "str | None"]

# `re` compiles the patterns when a message first needs them; together they take 6 ms.
_WORD = (
    r"(?i)(?<!promo )(?<!promo-)(?<!error )(?<!zip )(?<!postal )(?<!country )(?<!area )(?<!qr )(?<!discount )"
    r"(?<!coupon )(?<!промо-)"
    r"\b(?:(?:sicherheits|bestätigungs|verifizierungs|verificatie|aktivierungs)?codes?|otp|pin|tan|pass(?:word|code)"
    r"|kode?|kodu(?:nuz)?|kodun|kód|koodi|koden?|c[oó]digo|codice|codul|clave|senha|parola|parol|mã|kodi"
    r"|код(?:а|у|ом|ы)?|пароль|коды|коди|шифра)\b"
    r"|验证码|驗證碼|校验码|动态码|認証コード|認証番号|確認コード|인증번호|인증 ?코드|رمز|كود|کد|קוד|कोड|รหัส"
)
"""Words that name a code in messages. A promo, postal or error code is left out, because it is not typed to sign in."""

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
"""Text beside amounts, spans, years, accounts and phones, which are no codes."""

LONGEST = 2_000
"""Characters read of a message, about a dozen SMS long. The comparisons grow with the square of this length."""

AT_ONCE = 100_000
"""Characters of messages that one look searches for a code, at most 0.3 s. The next look goes on with the rest."""

_SENTENCE_ENDS = r"[!?。！？]|[.;](?=\s|$)|\n\s*\n"
NEAR = 60
"""Characters between a code and its word in one sentence. `code for <a long purpose>: 1234` is about as long."""


def extract_code(text: str) -> str | None:
    """Find the code of a message in which the provider found none.

    There must be exactly one group of 4 to 8 characters beside a word for code, in the same sentence. A wrong code is
    worse than none. A group is digits, or capital letters mixed with digits. `123-456` counts as one group. So does
    `G-123456`, whose prefix is not typed. An amount, a span of time, a year, or the number of an account, a card or a
    phone is no code.
    """
    text = text[:LONGEST]
    groups = list(re.finditer(_GROUP, text))
    words = [match.span() for match in re.finditer(_WORD, text)] if groups else []
    codes = set()
    for match in groups:
        code, place = re.sub(r"\D", "", match[1]) if match[1][3] in "- " else match[1], match.span()
        if code in codes or not _has_word_beside(text, place, words) or _is_something_else(text, *place):
            continue
        codes.add(code)
        if len(codes) > 1:
            return None
    return codes.pop() if codes else None


def _is_something_else(text: str, start: int, end: int) -> bool:
    return bool(
        re.search(_NO_CODE_BEFORE, text[max(0, start - 20) : start]) or re.match(_NO_CODE_AFTER, text[end : end + 20])
    )


def _has_word_beside(text: str, group: tuple[int, int], words: Sequence[tuple[int, int]]) -> bool:
    first = bisect_left(words, group[0] - NEAR, key=itemgetter(1))
    last = bisect_right(words, group[1] + NEAR, key=itemgetter(0))
    return any(_beside(text, group, word) for word in words[first:last])


def _beside(text: str, group: tuple[int, int], word: tuple[int, int]) -> bool:
    between = text[group[1] : word[0]] if group[1] <= word[0] else text[word[1] : group[0]]
    return len(between) <= NEAR and not re.search(_SENTENCE_ENDS, between)


def _mark(sms: Sms) -> tuple[object, ...]:
    """The parts that distinguish one message from another. Not the id, which only some answers have."""
    at = sms.created_at or sms.received_at
    return at and at.replace(microsecond=0), sms.sender, sms.text


@attrs.frozen
class Pick:
    """The messages that a wait is for, and how their codes are found.

    Attributes:
        match: called with each message; the wait passes over a message for which it returns False.
        extract: finds the code in a text, before the provider's own code is used. With None, the provider's own code
            comes first.
    """

    match: Match | None = None
    extract: Extract | None = None

    def __attrs_post_init__(self) -> None:
        for name, function in (("match", self.match), ("extract", self.extract)):
            if not (function is None or callable(function)):
                raise ValueError(f"{name}: a function is needed, not {shown(function)}")

    def wanted(self, messages: Iterable[Sms]) -> list[Sms]:
        """The messages that `match` accepts; the others may be for another wait."""
        return [sms for sms in messages if self.match is None or self.match(sms)]

    def code(self, sms: Sms) -> str | None:
        """The code of a message; None if it has none."""
        own = self.extract(sms.text) if self.extract is not None else None
        return own or sms.code or (extract_code(sms.text) if self.extract is None else None)


ANY_CODE = Pick()


def picked_by(match: Match | None, extract: Extract | None) -> Pick:
    """The `Pick` of these two functions. Most waits have neither, and share one `Pick`."""
    return ANY_CODE if match is None and extract is None else Pick(match, extract)


class Marks(Counter[tuple[object, ...]]):
    """Messages by their distinguishing parts, each counted as often as it came. The same text may come again."""

    def __init__(self, *counted: Any) -> None:
        super().__init__(*counted)
        self._taken_from: Sequence[Sms] | None = None
        self._left: deque[Sms] = deque()

    def without(self, messages: Iterable[Sms]) -> list[Sms]:
        """The messages that are not counted here, in their order."""
        left = self.copy()
        fresh = []
        for sms in messages:
            mark = _mark(sms)
            if left[mark] > 0:
                left[mark] -= 1
            else:
                fresh.append(sms)
        return fresh

    def put(self, messages: Iterable[Sms]) -> None:
        """Count these messages."""
        self._taken_from = None
        self.update(map(_mark, messages))

    def take(self, messages: tuple[Sms, ...]) -> Sms | None:
        """Return the oldest message that is not counted here, and count it. Return None if all are counted.

        The messages are compared once as long as the caller passes the same tuple.
        """
        if self._taken_from is not messages:
            self._taken_from, self._left = messages, deque(self.without(messages))
        if not self._left:
            return None
        sms = self._left.popleft()
        self[_mark(sms)] += 1
        return sms


@attrs.define
class Inbox:
    """The codes of one order or rented number that were handed over, and which code is next.

    The first code is the newest one that was there; it supersedes the older ones. After it, every code is handed over,
    oldest first. For an order, every message that came before a code was taken counts as there.

    Attributes:
        there: the messages of a rented number before its first wait; None for an order.
        given: the messages that were handed over or superseded.
        passed: messages without a code that are older than one handed over. Such a message counts again once the
            provider fills in its code.
    """

    there: Marks | None = None
    given: Marks = attrs.field(factory=Marks, init=False)
    passed: Marks = attrs.field(factory=Marks, init=False)
    _codeless: set[int] = attrs.field(factory=set, init=False)
    _left: int = attrs.field(default=AT_ONCE, init=False)

    def next(self, pick: Pick, messages: Iterable[Sms]) -> Sms | None:
        """Hand over the next message with a code, with the code filled in. Return None if there is none yet.

        A message that `pick` does not accept is left for another wait.
        """
        messages, self._left = tuple(messages), AT_ONCE
        old, new = self._split(self._fresh(messages), messages)
        wanted = pick.wanted(old)
        for place in reversed(range(len(wanted))):
            if code := self._code(pick, wanted[place]):
                self._supersede(pick, wanted[:place])
                return self._hand_over(wanted[place], code)
        for sms in pick.wanted(new):
            if code := self._code(pick, sms):
                return self._hand_over(sms, code)
        return None

    def _fresh(self, messages: Iterable[Sms]) -> list[Sms]:
        fresh = self.given.without(messages)
        still_blank = [sms for sms in fresh if not sms.code]
        counts = {id(sms) for sms in self.passed.without(still_blank)}
        return [sms for sms in fresh if sms.code or id(sms) in counts]

    def _split(self, fresh: list[Sms], messages: Iterable[Sms]) -> tuple[list[Sms], list[Sms]]:
        """The messages that count as there from the start, and the messages that came since."""
        if self.there is None:
            return ([], fresh) if self.given else (fresh, [])
        new = {id(sms) for sms in self.there.without(messages)}
        return [sms for sms in fresh if id(sms) not in new], [sms for sms in fresh if id(sms) in new]

    def _supersede(self, pick: Pick, older: Iterable[Sms]) -> None:
        for sms in older:
            (self.given if self._code(pick, sms) else self.passed).put((sms,))

    def _code(self, pick: Pick, sms: Sms) -> str | None:
        """The code of a message. None for a text that was searched in vain, or that this look has no time to search."""
        if sms.code or pick.extract is not None:
            return pick.code(sms)
        text = hash(sms.text)
        if text in self._codeless or self._left <= 0:
            return None
        self._left -= min(len(sms.text), LONGEST)
        code = extract_code(sms.text)
        if code is None:
            self._codeless.add(text)
        return code

    def _hand_over(self, sms: Sms, code: str) -> Sms:
        self.given.put((sms,))
        return attrs.evolve(sms, code=code)
