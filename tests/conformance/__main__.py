"""`python -m tests.conformance URL`: a report of what a provider answers, for us; nothing is bought by default."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from decimal import Decimal
from urllib.parse import urlsplit

import anyio

from smsapi_async import SmsApiError, __version__
from tests.conformance.asking import Provider, Purchase, report

KEYS = {"v1": "SMSAPI_TOKEN", "rent": "SMSAPI_RENT_KEY"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 if the report is complete, whether or not it has findings."""
    parser = argparse.ArgumentParser(prog="make conformance", description=__doc__)
    parser.add_argument("url", help="such as https://5sim.net/v1 or https://onlinesim.io/api")
    parser.add_argument("--api", choices=KEYS, help="if the URL ends in neither /v1 nor /api")
    parser.add_argument("--buy", metavar="PRODUCT", help="also buy one activation, and cancel it: it may cost money")
    parser.add_argument("--country", default="any", help="where to buy it")
    parser.add_argument("--max-price", type=_price, help="what it may cost")
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between two requests")
    options = parser.parse_args(arguments)
    api = options.api or {"/v1": "v1", "/api": "rent"}.get("/" + options.url.rstrip("/").rpartition("/")[2])
    if api is None:
        parser.error("does the URL speak --api v1 or --api rent?")
    provider = Provider(options.url, api, os.environ.get(KEYS[api]))
    purchase = Purchase(options.buy, options.country, options.max_price) if options.buy else None
    if purchase and (api == "rent" or not provider.key):
        parser.error(f"--buy is for the v1 API, and needs {KEYS['v1']}")
    if not provider.key:
        print(f"{KEYS[api]} is not set: only what needs no key is asked")
    print(f"{urlsplit(options.url).hostname}, the {api} API, smsapi_async {__version__}")
    try:
        anyio.run(lambda: report(provider, print, purchase, pause=options.pause))
    except ValueError as mistake:
        parser.error(str(mistake))
    except SmsApiError as error:
        print(f"the report ends here: {error}")
        return 1
    return 0


def _price(text: str) -> Decimal:
    try:
        return Decimal(text)
    except ArithmeticError as error:
        raise ValueError(text) from error


if __name__ == "__main__":
    sys.exit(main())
