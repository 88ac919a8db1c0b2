"""The configuration of a client: the environment, its arguments, and the mistakes in either."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from smsapi_async import AsyncClient, AuthenticationError
from smsapi_async.sandbox import Sandbox


async def test_keys_and_addresses_come_from_the_environment(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key in the source ends in a repository."""
    monkeypatch.setenv("SMSAPI_TOKEN", sandbox.token)
    monkeypatch.setenv("SMSAPI_RENT_KEY", sandbox.rent_key)
    monkeypatch.setenv("SMSAPI_V1_URL", sandbox.v1_url + "/")
    monkeypatch.setenv("SMSAPI_RENT_URL", sandbox.rent_url)
    async with (
        httpx.AsyncClient(transport=sandbox.transport()) as http,
        AsyncClient(http_client=http) as client,
    ):
        assert (await client.v1.profile()).id == 1
        assert (await client.rent.balance()).balance == 1000


async def test_a_missing_key_matters_only_to_the_call_that_needs_it(sandbox: Sandbox) -> None:
    """A user that rents no numbers has no rent key."""
    async with (
        httpx.AsyncClient(transport=sandbox.transport()) as http,
        AsyncClient("", v1_url=sandbox.v1_url, http_client=http) as client,
    ):
        assert await client.v1.countries()
        with pytest.raises(AuthenticationError, match="SMSAPI_TOKEN"):
            await client.v1.profile()
        with pytest.raises(AuthenticationError, match="SMSAPI_RENT_KEY"):
            await client.rent.balance()

    assert len(sandbox.requests) == 1


BAD: list[tuple[str, dict[str, Any]]] = [
    ("SMSAPI_TOKEN", {"token": "two words"}),
    ("SMSAPI_RENT_KEY", {"rent_key": "line\n"}),
    ("SMSAPI_TOKEN", {"token": "ключ"}),
    ("v1_url", {"v1_url": "5sim.net/v1"}),
    ("v1_url", {"v1_url": "https://5sim.net/v1?key=1"}),
    ("rent_url", {"rent_url": "ftp://onlinesim.io"}),
    ("token", {"token": b"secret"}),
    ("rent_key_in", {"rent_key_in": "body"}),
    ("request_timeout", {"request_timeout": 0}),
    ("settle_timeout", {"settle_timeout": -1}),
    ("cancel_timeout", {"cancel_timeout": float("nan")}),
]


@pytest.mark.parametrize(("name", "options"), BAD)
def test_a_wrong_setting_is_named(name: str, options: dict[str, Any]) -> None:
    """At once, not at the first call; and without the key."""
    with pytest.raises(ValueError, match=name) as caught:
        AsyncClient(**options)

    assert "ключ" not in str(caught.value)
    assert "two words" not in str(caught.value)
    assert "key=1" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_client_shows_no_key() -> None:
    """A repr ends in a log."""
    assert repr(AsyncClient("secret1", rent_key="secret2")) == "<AsyncClient: open, 0 unsettled>"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("token", 123),
        ("rent_key", b"key"),
        ("pace", 20),
        ("rent_timezone", "Europe/Moscow"),
        ("max_retries", "3"),
        ("max_retries", -1),
        ("on_unsettled", "me"),
    ],
)
def test_an_option_of_the_wrong_kind_is_refused_at_once(name: str, value: Any) -> None:
    """Found out later, one of them would cost a purchase."""
    with pytest.raises(ValueError, match=f"^{name}: "):
        AsyncClient(**{name: value})
