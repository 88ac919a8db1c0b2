"""A chat bot that gets codes: /code telegram answers with a number and then with its code, /stop gives it back.

The handlers are written as for aiogram. Here a router of a few lines calls them, so the example runs in a terminal and
needs no bot token. With aiogram, import `Router` and `Message` from there, and write the decorator as
`@router.message(Command("code"))`. A chat is then `message.chat.id`, and `Dispatcher(client=client, waiting={})` passes
the handlers' arguments by name. aiogram handles updates side by side, as this router does: a handler may simply wait
for its code, and nothing is stored or polled.

Against the local provider:

    python -m smsapi_async.sandbox               # in another terminal; paste its lines into this one
    python examples/telegram_bot.py

then type `alice /code telegram`, `bob /code google`, `bob /stop`. The end of the input or Ctrl-C ends the bot and gives
back the numbers that still wait. Against the real provider set only `SMSAPI_TOKEN`: the budget below is real money
then.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial

import anyio
import anyio.to_thread

from smsapi_async import AsyncClient, Budget, NoCodeError, SmsApiError

BUDGET = Budget(money="20.00", per_order="0.50", open_orders=10)
Waiting = dict[str, anyio.CancelScope]
"""The wait of each chat: one at a time."""


# -- what stands for aiogram -------------------------------------------------------------------------------------------


@dataclass
class Message:
    """A message of a user, and the way to answer it."""

    chat: str
    text: str
    answer: Callable[[str], Awaitable[object]]


Handler = Callable[[Message, AsyncClient, Waiting], Coroutine[object, object, None]]


@dataclass
class Router:
    """Gives every message to the handler of its command."""

    handlers: dict[str, Handler] = field(default_factory=dict)

    def message(self, command: str) -> Callable[[Handler], Handler]:
        """Register a handler."""

        def register(handler: Handler) -> Handler:
            self.handlers[f"/{command}"] = handler
            return handler

        return register

    async def poll(self, messages: AsyncIterator[Message], client: AsyncClient) -> None:
        """Handle messages side by side until there are no more; then stop the waits."""
        waiting: Waiting = {}
        async with anyio.create_task_group() as group:
            async for message in messages:
                command = message.text.partition(" ")[0]
                group.start_soon(self.handlers.get(command, usage), message, client, waiting)
            group.cancel_scope.cancel()


# -- the bot -----------------------------------------------------------------------------------------------------------

router = Router()


@router.message("code")
async def get_code(message: Message, client: AsyncClient, waiting: Waiting) -> None:
    """Get a number for the chat and wait for its code, unless the chat waits already."""
    if message.chat in waiting:
        await message.answer("One number at a time: /stop gives it back.")
        return
    with anyio.CancelScope() as scope:
        waiting[message.chat] = scope
        try:
            await serve(message, client, message.text.partition(" ")[2] or "telegram")
        finally:
            del waiting[message.chat]
    if scope.cancelled_caught:
        await message.answer("Stopped, the number is given back.")


async def serve(message: Message, client: AsyncClient, product: str) -> None:
    """Get one code. Its end always settles the order. Errors are sentences without keys, phones and codes."""
    try:
        async with client.activation(product) as order:
            await message.answer(f"{order.phone} is yours, waiting for its code.")
            await message.answer(f"The code is {await order.code()}.")
    except NoCodeError:
        await message.answer("No code came, the number is given back.")
    except (SmsApiError, ValueError) as error:
        await message.answer(f"That did not work: {error}")


@router.message("stop")
async def stop(message: Message, client: AsyncClient, waiting: Waiting) -> None:  # noqa: ARG001  as every handler
    """Cancel the wait of the chat: leaving its scope cancels the order."""
    if message.chat in waiting:
        waiting[message.chat].cancel()
    else:
        await message.answer("There is nothing to stop.")


async def usage(message: Message, client: AsyncClient, waiting: Waiting) -> None:  # noqa: ARG001  as every handler
    """Answer any other message."""
    await message.answer("/code PRODUCT gets a number and its code, /stop gives it back.")


# -- the terminal ------------------------------------------------------------------------------------------------------


async def typed() -> AsyncIterator[Message]:
    """Lines of `NAME TEXT`, each a message; every name is a chat of its own."""
    while line := await anyio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True):
        name, _, text = line.strip().partition(" ")
        yield Message(name, text, partial(say, name))


async def say(name: str, text: str) -> None:
    """The bot's answer."""
    print(f"-> {name}: {text}", flush=True)


async def main() -> None:
    """Run until the input ends."""
    async with AsyncClient(budget=BUDGET) as client:
        await router.poll(typed(), client)


if __name__ == "__main__":
    try:
        anyio.run(main)
    except KeyboardInterrupt:
        print("stopped")
