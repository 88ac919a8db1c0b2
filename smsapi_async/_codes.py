"""Finding the code in a message, and telling new messages from those already handed over. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeAlias

import attrs

from ._values import Sms

Match: TypeAlias = Callable[[Sms], bool]
Extract: TypeAlias = Callable[[str], "str | None"]

_WORD = re.compile(
    r"\b(?:code|codes|otp|pin|password|passcode|kod|código|codigo|codice|parol|пароль|код|кодом|коду|验证码|認証コード)\b"
    r"|验证码|認証コード",
    re.IGNORECASE,
)
_GROUP = re.compile(r"(?<![\w.,:/+-])(?:G-)?((?=[A-Z]*\d)[A-Z\d]{4,8}|\d{3}-\d{3})(?![\w-]|[.,:/]\d)")


def extract_code(text: str) -> str | None:
    """The code of a message in which the provider found none.

    Counts only where exactly one group of 4 to 8 characters stands in a message with a word for code: a wrong code is
    worse than none. Groups are digits, or capital letters and digits mixed; `123-456` counts as one, and
    so does `G-123456`, whose prefix is not typed.
    """
    groups = {match.group(1).replace("-", "") for match in _GROUP.finditer(text)}
    return groups.pop() if len(groups) == 1 and _WORD.search(text) else None


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

    def add_one(self, sms: Sms) -> None:
        """Count one message as handed over."""
        self.marks[_mark(sms)] += 1

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

    def __call__(self, messages: Iterable[Sms]) -> Sms | None:
        """The message with its code filled in, or None."""
        for sms in reversed(list(messages)):
            if self.match is not None and not self.match(sms):
                continue
            code = self._code(sms)
            if code:
                return attrs.evolve(sms, code=code)
        return None

    def _code(self, sms: Sms) -> str | None:
        own = self.extract(sms.text) if self.extract is not None else None
        return own or sms.code or (extract_code(sms.text) if self.extract is None else None)
