"""Downloads as bars, drawn as numbers for an SVG."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

WIDTH, HEIGHT = 300, 72  # units of the drawing
_GAP = 2
_LEAST = 2  # units: one download among thousands can still be seen


@dataclass(frozen=True)
class Bar:
    """A day, and where its bar is, in units of the drawing."""

    day: date
    count: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Chart:
    """The downloads of a stretch of days, a bar for each."""

    bars: tuple[Bar, ...]
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def total(self) -> int:
        """All downloads."""
        return sum(bar.count for bar in self.bars)

    @property
    def busiest(self) -> Bar:
        """The day with the most downloads."""
        return max(self.bars, key=lambda bar: bar.count)


def chart_of(per_day: Sequence[tuple[date, int]]) -> Chart:
    """Return the chart of the days, of which there is at least one, in their order."""
    most = max(count for _, count in per_day) or 1
    step = WIDTH / len(per_day)
    bars = []
    for number, (day, count) in enumerate(per_day):
        height = max(round(count / most * HEIGHT, 2), _LEAST) if count else 0
        x = round(number * step + _GAP / 2, 2)
        bars.append(Bar(day, count, x, HEIGHT - height, round(step - _GAP, 2), height))
    return Chart(tuple(bars))
