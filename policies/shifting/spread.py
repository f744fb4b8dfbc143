"""How durations or prices are spread: counts in fixed bins, so that those of many instances add up.

A sixteenth of an octave is 4.4 %: what two arms are compared by is wrong by less than what they may
differ by. The bins never change: a spread that was kept by an older process means the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log2
from types import MappingProxyType

PARTS = 16
"""Bins of an octave."""
LEAST, MOST = -20 * PARTS, 44 * PARTS
"""From 2**-20 (a microsecond) to 2**44 (17,000 dollars in nano-dollars); beyond counts there."""
FARTHEST = 2**63
"""What is beyond was not counted by anybody, and would overflow what is computed of it."""


def bin_of(value: float) -> int:
    """The bin in which a value above 0 counts; what is 0 or less counts in the lowest."""
    if not value > 0:
        return LEAST
    return min(max(int(PARTS * log2(value) // 1), LEAST), MOST)


def counted(value: object) -> int:
    """A count, as JSON brought it. Raises `ValueError` for what is none."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= FARTHEST:
        raise ValueError("a count is none, or out of range")
    return value


def middle(index: int) -> float:
    """A bin's middle, by ratio."""
    return float(2.0 ** ((index + 0.5) / PARTS))


@dataclass(frozen=True, slots=True)
class Spread:
    """Counts by bin, none of them 0."""

    bins: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def count(self) -> int:
        """How many were counted."""
        return sum(self.bins.values())

    def __add__(self, other: Spread) -> Spread:
        bins = dict(self.bins)
        for index, count in other.bins.items():
            bins[index] = bins.get(index, 0) + count
        return Spread(MappingProxyType(bins))

    def holds(self, other: Spread) -> bool:
        """Whether all that `other` counted is counted here as well."""
        return all(self.bins.get(index, 0) >= count for index, count in other.bins.items())

    def __sub__(self, other: Spread) -> Spread:
        """What came since `other`, which this holds."""
        less = {index: n - other.bins.get(index, 0) for index, n in self.bins.items()}
        return Spread(MappingProxyType({index: count for index, count in less.items() if count}))

    def quantile(self, share: float) -> int | None:
        """The bin that `share` of all do not exceed; None where there is nothing."""
        left = share * self.count - 1e-9
        for index in sorted(self.bins):
            left -= self.bins[index]
            if left <= 0:
                return index
        return None

    def above(self, index: int) -> int:
        """How many lie in higher bins."""
        return sum(count for at, count in self.bins.items() if at > index)

    def plain(self) -> dict[str, int]:
        """As JSON knows it."""
        return {str(index): self.bins[index] for index in sorted(self.bins)}

    @classmethod
    def of_plain(cls, plain: Mapping[str, int]) -> Spread:
        """Back from `plain`. Raises `ValueError` for what it cannot have made."""
        bins = {int(index): counted(count) for index, count in plain.items()}
        if not all(LEAST <= index <= MOST and count for index, count in bins.items()):
            raise ValueError("a bin of a spread is out of range, or has no count")
        return cls(MappingProxyType(bins))


EMPTY = Spread()
