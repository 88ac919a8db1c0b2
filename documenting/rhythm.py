"""Draws the rhythm of looks for the page about waiting, from the function the client itself asks.

`python -m documenting.rhythm` writes the drawing again; a test compares the two.
"""

from __future__ import annotations

from pathlib import Path

from smsapi_async._polling.tracked import FIRST_LOOK, LEAD, rhythm

FILE = Path(__file__).parents[1] / "docs" / "about" / "rhythm.svg"

LIFE = 900.0
"""Seconds an activation lives: 15 minutes."""

WIDTH, LEFT, RIGHT = 720, 8.0, 712.0
ROW_HEIGHT = 92
ROWS = (("first minute", 60.0, 5.0), ("15 minutes", LIFE, 60.0))
"""Title, seconds shown, seconds between two numbers of the scale."""


def looks(life: float = LIFE, chance: float = 0.5) -> list[float]:
    """The ages at which an order that gets no SMS is asked about: by the rhythm, and last before its end."""
    ages = [FIRST_LOOK]
    while (following := ages[-1] + rhythm(ages[-1], chance)) < life - LEAD:
        ages.append(following)
    return [*ages, life - LEAD]


def drawing() -> str:
    """The picture, in the colours of the page around it."""
    rows = (line for place, row in enumerate(ROWS) for line in _row(ROW_HEIGHT * place, *row))
    return "\n".join(
        (
            f'<svg viewBox="0 0 {WIDTH} {ROW_HEIGHT * len(ROWS)}" role="img" fill="currentColor" font-size="13">',
            f"<title>The looks at an order that gets no SMS: {len(looks())} in 15 minutes</title>",
            *rows,
            "</svg>\n",
        )
    )


def _row(top: float, title: str, seconds: float, step: float) -> list[str]:
    def across(age: float) -> float:
        return LEFT + (RIGHT - LEFT) * age / seconds

    shown = [age for age in looks() if age <= seconds]
    line = top + 56
    path = " ".join(f"M{across(age):.1f} {line - 22:g}V{line:g}" for age in shown)
    scale = [step * number for number in range(int(seconds / step) + 1)]
    return [
        f'<text x="{LEFT:g}" y="{top + 22:g}">The {title}: {len(shown)} requests</text>',
        f'<path d="{path}" stroke-width="2" style="stroke: var(--md-accent-fg-color)"/>',
        f'<path d="M{LEFT:g} {line:g}H{RIGHT:g}" stroke="currentColor"/>',
        *(f'<text x="{across(age):.1f}" y="{line + 16:g}"{_anchor(age, seconds)}>{age:g}</text>' for age in scale),
    ]


def _anchor(age: float, seconds: float) -> str:
    """The first and the last number must not stand out of the picture."""
    return {0.0: "", seconds: ' text-anchor="end"'}.get(age, ' text-anchor="middle"')


if __name__ == "__main__":
    FILE.write_text(drawing(), encoding="utf-8")
