"""Durations by their size: cells a tenth apart, so that a quantile is known to a twentieth, and
what several processes counted is added.
"""

from __future__ import annotations

from math import exp, floor, log

import msgspec

LEAST = 0.001
"""Seconds; what is shorter counts as this."""
MOST = 3600.0
STEP = log(1.1)


class Histogram(msgspec.Struct):
    """How many durations fell into each cell."""

    cells: dict[int, int] = msgspec.field(default_factory=dict)

    def add(self, seconds: float) -> None:
        """One more."""
        cell = floor(log(min(max(seconds, LEAST), MOST) / LEAST) / STEP)
        self.cells[cell] = self.cells.get(cell, 0) + 1

    def plus(self, other: Histogram) -> Histogram:
        """Both as one."""
        cells = dict(self.cells)
        for cell, count in other.cells.items():
            cells[cell] = cells.get(cell, 0) + count
        return Histogram(cells)

    def quantile(self, share: float) -> float | None:
        """The duration, in seconds, below which that share lies; None: there is none."""
        left = share * sum(self.cells.values())
        for cell in sorted(self.cells):
            left -= self.cells[cell]
            if left <= 0:
                return LEAST * exp(STEP * (cell + 0.5))
        return None
