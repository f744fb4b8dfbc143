"""A bounded memory of how durations are spread, for the quantiles that rules stand on."""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

LOWEST: Final = -10
"""2**-10 s, about a millisecond; shorter ones count there."""
OCTAVES: Final = 32
PARTS: Final = 4
"""Bins of an octave: a quantile is at most a quarter too high."""
UPPER: Final = tuple(
    2.0 ** (octave + LOWEST) * (1 + (part + 1) / PARTS)
    for octave in range(OCTAVES)
    for part in range(PARTS)
)
"""The upper ends of the bins, in seconds."""
LAST: Final = len(UPPER) - 1
"""Longer ones count there."""
MEMORY: Final = 1000.0
"""Durations after which all counts are halved, so that the old ones fade."""
FRESH: Final = 64
"""New durations that are only noted before the quantiles are looked up again; fewer while there are
few.
"""
FEW: Final = 30.0
"""The highest of so few says little of what may come: `late` is up to twice that."""


class Histogram:
    """Counts by quarters of octaves.

    `high`, `tail` and `late` are the 95th, the 99th and the 99.9th percentile in seconds, None
    while it is empty; `late` has a margin while there are few.
    """

    __slots__ = ("_bins", "_count", "_due", "_noted", "_top", "high", "late", "tail")

    def __init__(self) -> None:
        self._bins = [0.0] * (OCTAVES * PARTS)
        self._count = 0.0
        self._noted: list[float] = []
        self._due = 0
        self._top = 0
        self.high: float | None = None
        self.tail: float | None = None
        self.late: float | None = None

    def record(self, seconds: float) -> None:
        """Count one duration."""
        self._noted.append(seconds)
        if len(self._noted) > self._due:
            self._look_up()

    def quantile(self, share: float) -> float | None:
        """A duration that `share` of those counted do not exceed, up to a quarter too high; None
        if empty.
        """
        self._sort_in()
        if not self._count:
            return None
        above = (1 - share) * self._count + 1e-9
        for index in range(self._top, -1, -1):
            above -= self._bins[index]
            if above < 0:
                return UPPER[index]
        return UPPER[0]

    def _sort_in(self) -> None:
        for seconds in self._noted:
            index = bisect_right(UPPER, seconds, 0, LAST)
            self._bins[index] += 1
            if index > self._top:
                self._top = index
        self._count += len(self._noted)
        self._due -= len(self._noted)
        self._noted.clear()

    def _look_up(self) -> None:
        self._sort_in()
        if self._count >= MEMORY:
            self._bins = [count / 2 for count in self._bins]
            self._count /= 2
        self._due = min(FRESH, int(self._count / 4))
        self.high, self.tail = self.quantile(0.95), self.quantile(0.99)
        late = self.quantile(0.999)
        if late is not None:
            self.late = late * (1 + min(1.0, FEW / self._count))
