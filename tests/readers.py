"""The surroundings of the documents' examples: the reader's own names, and calls of the functions they define."""

from __future__ import annotations

import asyncio
import sys
import types
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import httpx

from smsapi_async.sandbox import Answer

if TYPE_CHECKING:
    import pytest

    from smsapi_async import AsyncClient
    from smsapi_async.sandbox import Sandbox


async def sign_in(phone: str) -> None:
    """The reader's own deed with the number: here the world sends the code by itself."""
    assert phone.startswith("+")


async def order_id(client: AsyncClient) -> int:
    return (await client.v1.buy_activation("telegram", country="russia")).id


async def tzid(client: AsyncClient) -> int:
    return (await client.rent.buy_number(7, 1)).tzid


GIVEN: dict[str, Callable[[AsyncClient], Awaitable[object]]] = {"order_id": order_id, "tzid": tzid}
"""Names that a block uses without defining them, bought for the block."""


def visit_service(example: types.CodeType, sandbox: Sandbox, _: pytest.MonkeyPatch) -> None:
    """The FastAPI service and its visitors: one gets a code, one waits in vain, one leaves it to the shutdown.

    Others send what no product can be, a product that is not sold, and one that is sold out.
    """
    names: dict[str, Any] = {"__name__": "example"}
    exec(example, names)
    app = names["app"]

    async def visit() -> None:
        http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service")

        async def post(product: str) -> httpx.Response:
            return await http.post("/orders", params={"product": product})

        async def buy(product: str) -> str:
            return f"/orders/{(await post(product)).json()['id']}"

        async with app.router.lifespan_context(app), http:
            for wrong in ("instagram", "a/b", "..", "two words", "", "\n", "x" * 5000):
                refused = await post(wrong)
                assert (wrong, refused.status_code) == (wrong, 422)
                assert refused.json()["detail"]
            sandbox.fail("/user/buy/", Answer(200, "no free phones"))
            assert (await post("telegram")).status_code == 409
            sandbox.fail("/user/buy/", Answer(200, "server offline"))
            assert (await post("telegram")).status_code == 502
            assert (await http.get("/orders/seven")).status_code == 422
            assert sandbox.ledger.purchases == []
            coming, never = await buy(" Telegram "), await buy("whatsapp")
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
    """Its users ask all at once, each in a task: some for a product, the others for what cannot be one."""

    told: ClassVar[list[str]] = []

    def __init__(self, **given: object) -> None:
        self.given = given

    def include_router(self, router: Router) -> None:
        self.router = router

    async def start_polling(self, bot: object) -> None:
        async def ask(words: str | None) -> None:
            command = types.SimpleNamespace(args=words)
            await self.router.handlers["number"](Message(self.told), command=command, **self.given)

        await asyncio.gather(*map(ask, (None, " Telegram", "whatsapp", "instagram", "a/b", "two words", "x" * 4000)))


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


def chat_with_bot(example: types.CodeType, _: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The users of the aiogram bot. Two get a code, one gets nothing, four ask for what does not exist."""
    for module in aiogram():
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setenv("BOT_TOKEN", "1:token")
    Dispatcher.told.clear()

    exec(example, {"__name__": "__main__"})

    assert sorted(text.partition(":")[2] or text for text in Dispatcher.told) == [
        *[" ask for the SMS now"] * 3,
        *["I do not know this product. Write one word, such as telegram."] * 4,
        "No code came in time.",
        *["The code is 04217"] * 2,
    ]


USES: dict[str, Callable[[types.CodeType, Sandbox, pytest.MonkeyPatch], None]] = {
    "docs/how-to/fastapi.md": visit_service,
    "docs/how-to/aiogram.md": chat_with_bot,
}
"""Pages whose example is something that others use."""
