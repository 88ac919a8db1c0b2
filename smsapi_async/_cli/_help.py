"""The end of every help text: examples to paste, and the exit codes."""

from __future__ import annotations

EXIT_CODES = """Exit codes: 0 done; 1 refused, or no code came; 2 wrong usage, nothing was sent; 3 the outcome is
unknown or something is left open; 130 stopped by Ctrl-C."""

EXAMPLES: dict[str, tuple[str, ...]] = {
    "": (
        "smsapi code telegram --sandbox",
        "smsapi code telegram --country russia --max-price 0.50",
        "smsapi doctor",
    ),
    "balance": ("smsapi balance", "smsapi balance --json"),
    "offers": ("smsapi offers telegram", "smsapi offers telegram --country england --sort cost"),
    "countries": ("smsapi countries",),
    "products": ("smsapi products --country russia",),
    "code": (
        "smsapi code telegram --country russia --max-price 0.50",
        "smsapi code telegram --sort expected --timeout 5m --yes",
    ),
    "wait": ("smsapi wait 1090123457", "smsapi wait 1090123457 --timeout 90"),
    "orders": (
        "smsapi orders --open",
        "smsapi orders --settle",
        "smsapi orders 1090123457 1090123470 --settle --yes",
    ),
    "check": ("smsapi check 1090123457",),
    "finish": ("smsapi finish 1090123457",),
    "cancel": ("smsapi cancel 1090123457",),
    "ban": ("smsapi ban 1090123457",),
    "rent": ("smsapi rent tariffs 7", "smsapi rent get 7 1", "smsapi rent messages 10000371 --follow"),
    "rent tariffs": ("smsapi rent tariffs", "smsapi rent tariffs 7"),
    "rent get": ("smsapi rent get 7 1", "smsapi rent get 7 30 --extension"),
    "rent list": ("smsapi rent list",),
    "rent messages": ("smsapi rent messages 10000371", "smsapi rent messages 10000371 --follow"),
    "rent extend": ("smsapi rent extend 10000371 7",),
    "rent close": ("smsapi rent close 10000371",),
    "sandbox": ("smsapi sandbox", "smsapi sandbox --port 8080"),
    "doctor": ("smsapi doctor",),
}


def epilogue(command: str = "") -> str:
    """The examples of a command, a paragraph each, so that a help text keeps their lines; then the exit codes."""
    return "\n\n".join(["Examples:", *EXAMPLES[command], EXIT_CODES])
