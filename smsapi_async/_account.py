"""The state of one account, which is one provider URL and one key. Its clients share it, in all event loops.

Shared are the pace (one for each event loop), and the purchases in flight with their claims. So are the difference
between the provider's two clocks, and whether the list of orders has earned trust. Only a digest of the key is kept,
not the key itself.

An account outlives its clients and event loops, so that a second `asyncio.run` does not claim what belongs to the
first.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import sha256
from threading import RLock
from typing import Any, Protocol
from urllib.parse import urlsplit

import attrs
from anyio.lowlevel import EventLoopToken, current_token

from ._sending import Claims, Lane, Offset, Pace, Provider, Slots, Target, is_running


@attrs.define
class Trust:
    """The trust in the account's list of orders: whether the list may spare a look at a single order."""

    earned: bool = False


class Account(Protocol):
    """The state that the clients of one provider URL and key share."""

    claims: Claims[Any]
    offset: Offset
    trust: Trust

    # The pace of the running event loop.
    def pace(self) -> Pace: ...

    # Record that a client uses the account in this event loop.
    def join(self, client: object, loop: EventLoopToken) -> None: ...


class MemoryAccount:
    """An account whose clients are all in this process."""

    def __init__(self) -> None:
        self.claims: Claims[Any] = Claims()
        self.offset: Offset = Offset()
        self.trust: Trust = Trust()
        self._expected: weakref.WeakSet[object] = weakref.WeakSet()
        self._paces: dict[EventLoopToken, Pace] = {}

    def pace(self) -> Pace:
        """The pace of the running event loop. Every event loop has a clock of its own."""
        return self._paces.setdefault(current_token(), Pace())

    def expect(self, client: object) -> None:
        """Record that a client will use the account, in an event loop that is not known yet."""
        self._expected.add(client)

    def join(self, client: object, loop: EventLoopToken) -> None:
        self._forget_loops()
        self._paces.setdefault(loop, Pace())
        self._expected.discard(client)

    def is_used(self) -> bool:
        """Return True if a client will use the account, or an event loop in which it was used is alive."""
        self._forget_loops()
        return bool(self._paces or self._expected)

    def _forget_loops(self) -> None:
        for loop in tuple(self._paces):
            if not is_running(loop):
                del self._paces[loop]


class SharedPace(Pace):
    """The pace of a client that was given none: the pace of its accounts, in the client's event loop."""

    def __init__(self, accounts: Mapping[Provider, Account]) -> None:
        super().__init__()
        self._accounts = accounts
        self._found: dict[Provider, Pace] = {}

    def slots(self, provider: Provider) -> Slots:
        return self._of(provider).slots(provider)

    def slow_slots(self, lane: Lane) -> Slots | None:
        return self._of("v1").slow_slots(lane)

    def _of(self, provider: Provider) -> Pace:
        found = self._found.get(provider)
        if found is None:
            found = self._found[provider] = self._accounts[provider].pace()
        return found


class _World:
    """The default owner of the accounts of this process."""


Key = tuple[Provider, str, bytes]

UNUSED_KEPT = 100
"""Unused accounts kept, the newest. A program may know thousands of keys in its life."""

_PROCESS = _World()
_owner: ContextVar[object] = ContextVar("owner", default=None)
_accounts: weakref.WeakKeyDictionary[object, dict[Key, MemoryAccount]] = weakref.WeakKeyDictionary()
_lock = RLock()


def account_of(provider: Provider, target: Target, client: object, http_client: object = None) -> Account:
    """The account of this URL and key, for a client that has not run yet.

    Args:
        http_client: the HTTP client that the client sends through. It names the owner if its provider is in this
            process.
    """
    transport = getattr(http_client, "_transport", None)
    owner = _owner.get() or getattr(transport, "smsapi_world", None) or _PROCESS
    key = provider, _plain(target.base_url), sha256((target.key or "").encode()).digest()
    with _lock:
        known = _accounts.setdefault(owner, {})
        found = known.get(key)
        if found is None:
            unused = [other for other, account in known.items() if not account.is_used()]
            for other in unused[:-UNUSED_KEPT]:
                del known[other]
            found = known[key] = MemoryAccount()
        found.expect(client)
        return found


def _plain(url: str) -> str:
    """The URL in one common spelling: the host in lower case, without the usual port."""
    parts = urlsplit(url)
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    port = f":{parts.port}" if parts.port not in (None, usual) else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"


@contextmanager
def accounts_of(owner: object) -> Iterator[None]:
    """Give the accounts of clients made inside to this owner. The accounts are forgotten together with the owner.

    Two local providers may have the same URL and keys without being one provider.
    """
    token = _owner.set(owner)
    try:
        yield
    finally:
        _owner.reset(token)


def forget_accounts() -> None:
    """Forget every account of this process."""
    with _lock:
        _accounts.clear()
