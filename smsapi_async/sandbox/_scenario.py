"""The settings of a sandbox: catalogue, money, and which SMS arrives when. Data only; never changes.

Every choice that the documents leave open is a field here, with its default beside it. Loadable from JSON.
Source: docs/protocol/v1.md and docs/protocol/rent.md."""

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, TypeVar, cast

from attrs import converters, evolve, field, frozen

from ._defaults import COUNTRIES, HOSTING, OFFERS, TARIFFS, WALLETS
from ._goods import Country, Delivery, Hosting, Offer, Plan, Tariff, money, names, prices

Record = TypeVar("Record")
Row = Mapping[str, Any]


def _made(kind: type[Record], rows: Iterable[Record | Row]) -> tuple[Record, ...]:
    return tuple(row if isinstance(row, kind) else kind(**dict(cast(Row, row))) for row in rows)


def _offers(rows: Iterable[Offer | Row]) -> tuple[Offer, ...]:
    return _made(Offer, rows)


def _countries(rows: Iterable[Country | Row]) -> tuple[Country, ...]:
    return _made(Country, rows)


def _hosting(rows: Iterable[Hosting | Row]) -> tuple[Hosting, ...]:
    return _made(Hosting, rows)


def _tariffs(rows: Iterable[Tariff | Row]) -> tuple[Tariff, ...]:
    return _made(Tariff, rows)


def _plans(value: Mapping[Any, Sequence[Iterable[Delivery | Row]]]) -> Mapping[str, tuple[Plan, ...]]:
    return {str(name): tuple(_made(Delivery, plan) for plan in plans) for name, plans in value.items()}


@frozen(kw_only=True)
class Scenario:
    """The world before the first request, as `Scenario(balance="5", plans={"telegram": [[Delivery(3, "...")]]})`."""

    balance: Decimal = field(default=Decimal(100), converter=money)
    rating: Decimal = field(default=Decimal(96), converter=money)
    offers: tuple[Offer, ...] = field(default=OFFERS, converter=_offers)
    countries: tuple[Country, ...] = field(default=COUNTRIES, converter=_countries)
    hosting: tuple[Hosting, ...] = field(default=HOSTING, converter=_hosting)
    plans: Mapping[str, tuple[Plan, ...]] = field(factory=dict, converter=_plans)
    """Product -> plans. The n-th order gets the n-th plan; the last repeats. A product without plans gets no SMS."""
    max_prices: Mapping[str, Decimal] = field(factory=dict, converter=prices)
    """The account's own "max purchase price" settings."""
    wallets: Mapping[str, Decimal] = field(default=WALLETS, converter=prices)
    vendor: str | None = "demo"
    """None: the profile has no vendor fields, as seen live."""
    profile_extras: bool = True
    """The profile has the undocumented fields seen live: `did_order`, `last_order`, `last_top_orders` and others."""
    email: str = "user@example.com"
    forwarding_number: str = "78009005040"
    flash: Mapping[str, str] = field(factory=lambda: {"ru": "", "en": "", "zh": ""})

    lifetime: float = field(default=900, converter=float)
    """Seconds of an activation (15 min: docs)."""
    lapses_late: float = field(default=0, converter=float)
    """Seconds past `expires` for which an order stays open; a finish or cancel then answers `order expired`. No source
    says that an order ends to the second."""
    cancel_lock: float = field(default=0, converter=float)
    """Seconds during which cancel answers `you need to wait time`."""
    fresh_status: Literal["PENDING", "RECEIVED"] = "PENDING"
    """Docs print PENDING, live orders came back RECEIVED."""
    ready_after: float | None = field(default=None, converter=converters.optional(float))
    """Seconds until a PENDING order is RECEIVED without any SMS; None: only its first SMS does that."""
    finish_after_sms: float | None = field(default=None, converter=converters.optional(float))
    """Seconds from the last SMS to the automatic finish (help article: about 300); None: at `expires` only."""
    timeout_refunds: bool = False
    """The sources disagree; False costs a client money that lets orders lapse."""
    ban_refunds: bool = True
    closed_answer: Literal["order not found", "order expired", "same"] = "order not found"
    """finish, cancel or ban of an order the client closed; "same": a no-op, 200. A lapsed order: `order expired`."""
    reuse_window: float = field(default=86400, converter=float)
    reuse_refusal: Literal["reuse not possible", "reuse false"] = "reuse not possible"
    """The refusal of an order that was not bought with `reuse=1`: live text, docs text."""
    reuse_after_finish: bool = True
    no_reuse: frozenset[str] = field(default=frozenset(), converter=names)
    """Operators that never allow reuse."""
    offline: frozenset[str] = field(default=frozenset(), converter=names)
    """Operators that answer `server offline`."""
    ignores_max_price: bool = False
    """A provider that sells above `maxPrice`."""
    refund_type: str = "charge"
    """`TypeName` of a refund in the payments: unknown to every source."""
    requests_per_second: int | None = None
    """More v1 requests in one second get 429, five such hits a ban of ten minutes; None: no limit."""

    timestamp_digits: Literal[0, 6, 9] = 9
    money_form: Literal["number", "float", "text"] = "number"
    """21 and 0.0641; 21.0 and 0.0641; "21" and "0.0641"."""
    sms_ids: bool = False
    """SMS of an activation carry `id`, as in 2020-2022."""
    default_limit: int = 10
    """Rows of a page that is requested without `limit`: undocumented."""
    total: int | None = None
    """A `Total` that is not the number of rows (999999 live); None: the truth."""
    inbox_redirects: bool = False
    """`user/sms/inbox` answers 302, as seen live."""
    max_prices_form: Literal["list", "object"] = "list"
    max_prices_stamp: Literal["CreatedAt", "created_at"] = "CreatedAt"
    """When a price limit was made: the printed answers have the first name, their table of fields the second."""
    empty_answer: Literal["", "{}"] = ""
    """The body of a success that no document prints: a price limit set or deleted, a withdrawal. The second form is
    JSON, also by its header; some clients read nothing else."""
    order_form: Literal["printed", "full"] = "printed"
    """The fields of an order. Printed: `operator` only in purchases and lists, and without the fields that a hosting
    order lacks. Full: every field in every answer, as some clients require."""

    rent_balance: Decimal = field(default=Decimal(1000), converter=money)
    tariffs: tuple[Tariff, ...] = field(default=TARIFFS, converter=_tariffs)
    rent_plans: Mapping[str, tuple[Plan, ...]] = field(factory=dict, converter=_plans)
    """Country code -> plans, counted like `plans`."""
    rent_window: float = field(default=1200, converter=float)
    """Seconds in which the first SMS must come, else the rent ends and is refunded."""
    rent_requests_per_second: int | None = None
    """More get `INTERVAL_CONCURRENT_REQUESTS_ERROR`; None: no limit."""
    rent_limit: int | None = None
    """Rents at one time; more: `EXCEEDED_CONCURRENT_OPERATIONS`."""
    rent_close_lock: float = field(default=0, converter=float)
    """Seconds during which closeRentNum answers `NO_COMPLETE_TZID`."""
    rent_close_refunds: bool = False
    """True if closing inside the window gives the price back. No source says so."""
    rent_message_form: Literal["page", "list", "pages"] = "page"
    rent_item_form: Literal["full", "seed"] = "full"
    rent_gone: Literal["[]", "null", "NO_NUMBER", "ERROR_NO_OPERATIONS", "ERROR_NO_TZID", "ERROR_WRONG_TZID"] = "[]"
    """getRentState of a rent that is not there."""
    rent_success: Literal[1, "1"] = 1
    """`response` of every success but a close; older pages have text."""
    rent_close_success: Literal[True, 1, "1"] = True
    """`response` of closeRentNum: true on its page, "1" in the vendor's mocks."""
    tariff_names: bool = False
    """`name` also in the tariff of one country: its page lacks it, the vendor's clients require it."""
    rent_empty_map: Literal["[]", "{}"] = "[]"
    """An empty map, as `extend` without renewal: a list in the vendor's JavaScript types, a map in its Python ones."""
    rent_extend_form: Literal["item", "list"] = "item"
    """Where extendRentState answers the number: under `item` (its page), or as the one entry of a `list`."""
    tariffs_envelope: bool = False
    """`response` beside the tariffs."""

    def with_code(
        self, product: str, code: str, *, after: float = 5, text: str = "", sender: str = "Telegram"
    ) -> "Scenario":
        """Return the same world, where the next order of a product gets a code: `Scenario().with_code("x", "04217")`.

        A second call sets the order after that one. Orders beyond the last call are treated like the last.

        Args:
            after: seconds from the purchase to the SMS.
            text: the text of the SMS; by default "Your code: 04217".
        """
        return self._with_plan(product, Delivery(after, text or f"Your code: {code}", code, sender))

    def with_silence(self, product: str) -> "Scenario":
        """Return the same world, in which the next order of a product gets no SMS; counted like `with_code`."""
        return self._with_plan(product)

    def _with_plan(self, product: str, *plan: Delivery) -> "Scenario":
        return evolve(self, plans={**self.plans, product: (*self.plans.get(product, ()), plan)})

    @classmethod
    def from_json(cls, text: str | bytes) -> "Scenario":
        """Read a scenario from a JSON object whose keys are the fields of this class.

        Raises:
            TypeError: a key that no field has.
        """
        return cls(**json.loads(text, parse_float=Decimal))
