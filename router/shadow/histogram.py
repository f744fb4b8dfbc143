"""Durations by their size, in the bins in which shifts count too: what several processes counted is
added.
"""

from __future__ import annotations

import msgspec

from policies.shifting.spread import bin_of, middle


class Histogram(msgspec.Struct):
    """How many durations fell into each cell."""

    cells: dict[int, int] = msgspec.field(default_factory=dict)

    def add(self, seconds: float) -> None:
        cell = bin_of(seconds)
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
                return middle(cell)
        return None
