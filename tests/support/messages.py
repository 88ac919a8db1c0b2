"""Messages that the orders of a test receive."""

from __future__ import annotations

from smsapi_async.sandbox import Delivery, Scenario

CODE = Delivery(5, "Telegram code 04217", "04217")

THREE_MESSAGES = Scenario(
    plans={"telegram": [[CODE, Delivery(30, CODE.text, CODE.code), Delivery(60, "Telegram code 88888", "88888")]]}
)
"""`telegram` brings a code after 5 s, the same one in a new message after 30 and another one after 60."""

CODES_AT_ONCE = Scenario(
    plans={"telegram": [[Delivery(0, CODE.text, CODE.code)]]},
    rent_plans={"7": [[Delivery(0, f"code {CODE.code}", CODE.code)]]},
)
"""`telegram` and the numbers of country 7 get a code as soon as they are bought."""
