"""The surroundings of the documents' examples: the reader's own names, and calls of the functions they define."""

from __future__ import annotations

import asyncio
import sys
import types
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import httpx

if TYPE_CHECKING:
    import pytest

    from smsapi_async import AsyncClient


async def sign_in(phone: str) -> None:
    """The reader's own deed with the number: here the world sends the code by itself."""
    assert phone.startswith("+")


async def order_id(client: AsyncClient) -> int:
    return (await client.v1.buy_activation("telegram", country="russia")).id


async def tzid(client: AsyncClient) -> int:
    return (await client.rent.buy_number(7, 1)).tzid


GIVEN: dict[str, Callable[[AsyncClient], Awaitable[object]]] = {"order_id": order_id, "tzid": tzid}
"""Names that a block uses without defining them, bought for the block."""


def visit_service(example: types.CodeType, _: pytest.MonkeyPatch) -> None:
    """The FastAPI service and its visitors: one gets a code, one waits in vain, one leaves it to the shutdown."""
    names: dict[str, Any] = {"__name__": "example"}
    exec(example, names)
    app = names["app"]

    async def visit() -> None:
        http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service")

        async def buy(product: str) -> str:
            return f"/orders/{(await http.post('/orders', params={'product': product})).json()['id']}"

        async with app.router.lifespan_context(app), http:
            refused = await http.post("/orders", params={"product": "instagram"})
            assert refused.status_code == 502
            assert "nothing was bought" in refused.json()["detail"]
            coming, never = await buy("telegram"), await buy("whatsapp")
            assert (await http.get(coming)).json() == {"code": None}
            await asyncio.sleep(20)
            assert (await http.get(coming)).json() == {"code": "04217"}
            assert (await http.get(never)).json() == {"code": None}
            await asyncio.sleep(900)
            assert (await http.get(never)).json() == {"code": None, "error": "OrderExpiredError"}
            assert (await http.get("/orders/1")).status_code == 404
            await buy("whatsapp")

    asyncio.run(visit())


class Message:
    """A message to the bot, which records the bot's answers."""

    def __init__(self, told: list[str]) -> None:
        self.told = told

    async def answer(self, text: str) -> None:
        self.told.append(text)


class Router:
    """Handlers by their command."""

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[..., Awaitable[None]]] = {}

    def message(self, command: str) -> Callable[[Any], Any]:
        return lambda handler: self.handlers.setdefault(command, handler)


class Dispatcher:
    """Two users wait for it: one asks for a number for telegram, one for another. Each gets a task."""

    told: ClassVar[list[str]] = []

    def __init__(self, **given: object) -> None:
        self.given = given

    def include_router(self, router: Router) -> None:
        self.router = router

    async def start_polling(self, bot: object) -> None:
        async def ask(words: str | None) -> None:
            command = types.SimpleNamespace(args=words)
            await self.router.handlers["number"](Message(self.told), command=command, **self.given)

        await asyncio.gather(ask(None), ask("whatsapp"))


def aiogram() -> Iterator[types.ModuleType]:
    """The part of aiogram 3 that the bot uses; an import of aiogram would take longer than all examples together."""
    names: dict[str, dict[str, Any]] = {
        "aiogram": {"Bot": str, "Dispatcher": Dispatcher, "Router": Router},
        "aiogram.filters": {"Command": str, "CommandObject": types.SimpleNamespace},
        "aiogram.types": {"Message": Message},
    }
    for name, values in names.items():
        module = types.ModuleType(name)
        vars(module).update(values)
        yield module


def chat_with_bot(example: types.CodeType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two users of the aiogram bot: one gets a code, one nothing."""
    for module in aiogram():
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setenv("BOT_TOKEN", "1:token")
    Dispatcher.told.clear()

    exec(example, {"__name__": "__main__"})

    assert sorted(text.partition(":")[2] or text for text in Dispatcher.told) == [
        " ask for the SMS now",
        " ask for the SMS now",
        "No SMS came. The number was given back.",
        "The code is 04217",
    ]


USES: dict[str, Callable[[types.CodeType, pytest.MonkeyPatch], None]] = {
    "docs/how-to/fastapi.md": visit_service,
    "docs/how-to/aiogram.md": chat_with_bot,
}
"""Pages whose example is something that others use."""
