"""How many requests does the rhythm of one order take, and how late does it find the code, beside other schedules?

This is arithmetic, no request is sent. Of 5,000 orders three in ten never get a code; the codes of the others are
log-normal in time (median 25 s, sigma 1). An order expires after 900 s, and has a last look before its end. Every
schedule gets the same orders. Draws `rhythm.svg`.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from benchmarks._measure import bar, beside, draw, percentile, save
from smsapi_async._polling.tracked import FIRST_LOOK, LEAD, rhythm

ORDERS = 5_000
MEDIAN, SIGMA, NEVER = 25.0, 1.0, 0.3
EXPIRY = 900.0
Next = Callable[[float, int, float], float]
"""(age, looks so far, a chance from 0 to 1) -> seconds to the next look."""


def ours(age: float, _: int, chance: float) -> float:
    return max(FIRST_LOOK - age, rhythm(age, chance))


def fixed(every: float) -> Next:
    return lambda *_: every


def backoff(first: float, factor: float, cap: float) -> Next:
    return lambda _age, looks, _chance: min(first * factor ** min(looks, 60), cap)


def eager(age: float, _: int, chance: float) -> float:
    """Twice as often as ours."""
    return max(3.0 - age, min(max(0.04 * age, 1.0), 30.0)) * (0.9 + 0.2 * chance)


SCHEDULES: dict[str, Next] = {
    "ours": ours,
    "eager": eager,
    "every 2 s": fixed(2),
    "every 3 s": fixed(3),
    "every 5 s": fixed(5),
    "every 10 s": fixed(10),
    "backoff 1 s x 1.5, cap 10 s": backoff(1, 1.5, 10),
    "backoff 1 s x 2, cap 30 s": backoff(1, 2, 30),
}


def live(comes_at: float, following: Next, draw: random.Random) -> tuple[int, float | None]:
    """Return the requests, and the seconds from the code's arrival to the look that found it; None if none did."""
    age, looks = 0.0, 0
    while age < EXPIRY - LEAD:
        age = min(age + following(age, looks, draw.random()), EXPIRY - LEAD)
        looks += 1
        if age >= comes_at:
            return looks, age - comes_at
    return looks, None


def simulate(following: Next) -> tuple[float, float, float]:
    """Requests an order, mean and p95 of the delay."""
    draw = random.Random(1)  # noqa: S311 - the same orders for every schedule
    comes_in = [draw.lognormvariate(math.log(MEDIAN), SIGMA) for _ in range(ORDERS)]
    arrivals = [math.inf if draw.random() < NEVER else seconds for seconds in comes_in]
    lives = [live(comes_at, following, draw) for comes_at in arrivals]
    late = [delay for _, delay in lives if delay is not None]
    return sum(looks for looks, _ in lives) / ORDERS, sum(late) / len(late), percentile(late, 95)


def main() -> None:
    found = {name: simulate(following) for name, following in SCHEDULES.items()}
    requests, mean, late = found["ours"]
    bar("P12", "requests of one order", requests, 32)
    bar("P12", "mean delay of its code", mean, 2.1, " s")
    bar("P12", "p95 of it", late, 6.5, " s")
    for name, (requests, mean, late) in found.items():
        beside(f"one order, {name}", f"{requests:.0f} requests, mean {mean:.2f} s, p95 {late:.2f} s")

    axes = draw("rhythm", "One order: requests and delay", "requests an order", "seconds until found, mean")
    for group, color in (("ours", "#c1272d"), ("eager", "#e08214"), ("every", "#777777"), ("backoff", "#2166ac")):
        points = sorted((*found[name][:2], name) for name in found if name.startswith(group))
        axes.plot(*zip(*[point[:2] for point in points], strict=True), "o-", color=color, label=group)
        for across, up, name in points:
            axes.annotate(name, (across, up), (5, 4), textcoords="offset points", fontsize=7)
    axes.set(xlim=(0, None), ylim=(0, None))
    save(axes)


if __name__ == "__main__":
    main()
