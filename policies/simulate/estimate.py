"""A figure over several seeds, and what is asked of it."""

from __future__ import annotations

from math import inf, sqrt
from statistics import fmean, stdev
from typing import NamedTuple

STUDENT = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093,
)  # fmt: skip
"""Two-sided 95 % quantiles of Student's t, by degrees of freedom from 1."""
NORMAL = 1.960


class Estimate(NamedTuple):
    """What the runs came to, one value a seed."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        return fmean(self.values)

    @property
    def half(self) -> float:
        """Half of the 95 % interval of the mean; 0 where one run says nothing of others."""
        count = len(self.values)
        if count < 2:
            return 0.0
        quantile = STUDENT[count - 2] if count - 2 < len(STUDENT) else NORMAL
        return quantile * stdev(self.values) / sqrt(count)

    def quantile(self, share: float) -> float:
        """The value that `share` of the runs do not exceed."""
        ordered = sorted(self.values)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Bound(NamedTuple):
    """What is asked of a figure: its mean over the seeds, or its `quantile`, is at least `least`
    and at most `most`.
    """

    figure: str
    least: float = -inf
    most: float = inf
    quantile: float | None = None

    def of(self, estimate: Estimate) -> float:
        """What is held against it."""
        return estimate.mean if self.quantile is None else estimate.quantile(self.quantile)

    def holds(self, estimate: Estimate) -> bool:
        """Whether it is kept."""
        return self.least <= self.of(estimate) <= self.most

    def __str__(self) -> str:
        name = self.figure if self.quantile is None else f"{self.figure} (p{self.quantile:.0%})"
        name = name.replace("%", "")
        if self.most == inf:
            return f"{name} ≥ {self.least:g}"
        if self.least == -inf:
            return f"{name} ≤ {self.most:g}"
        return f"{name} in {self.least:g}–{self.most:g}"
