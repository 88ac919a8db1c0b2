# The part of aiogram 3 that docs/how-to/aiogram.md uses: aiogram itself would bring a second HTTP library along.
from collections.abc import Awaitable, Callable
from typing import Any

from .filters import Command

class Bot:
    def __init__(self, token: str) -> None: ...

class Router:
    def message(
        self, *filters: Command
    ) -> Callable[[Callable[..., Awaitable[None]]], Callable[..., Awaitable[None]]]: ...

class Dispatcher(Router):
    def __init__(self, **workflow_data: Any) -> None: ...
    def include_router(self, router: Router) -> Router: ...
    async def start_polling(self, *bots: Bot) -> None: ...
