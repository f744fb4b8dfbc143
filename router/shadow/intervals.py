"""What many pairs say of all that are to come: differences and ratios, with their intervals.

Pure, and additive: what is kept is a few sums, so that memory does not grow with traffic, and what
several processes have seen is one sample. An interval holds the truth in 95 of 100 cases, for
whoever looks once; it is not meant for looking until one likes what one sees.
"""

from __future__ import annotations

from math import exp, inf, log, sqrt
from statistics import NormalDist
from typing import NamedTuple

import msgspec

SURE = 0.975
"""One-sided; 95 % between both ends."""
LEAST = 3
"""Below so many values no interval is worth showing."""
_Z = NormalDist().inv_cdf(SURE)


class Interval(NamedTuple):
    """An estimate, and between what the truth lies with it."""

    estimate: float
    low: float
    high: float


class Mean(msgspec.Struct):
    """Differences, of which the mean matters: how many, their sum, and that of their squares."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, value: float) -> None:
        self.count += 1
        self.total += value
        self.squares += value * value

    def plus(self, other: Mean) -> Mean:
        """Both as one sample."""
        return Mean(
            self.count + other.count, self.total + other.total, self.squares + other.squares
        )

    def interval(self) -> Interval | None:
        """The mean, by Student's t; None: too few values."""
        if self.count < LEAST:
            return None
        mean = self.total / self.count
        variance = max(0.0, self.squares - self.count * mean * mean) / (self.count - 1)
        half = student(self.count - 1) * sqrt(variance / self.count)
        return Interval(mean, mean - half, mean + half)

    def factor(self) -> Interval | None:
        """The same where the values are logarithms of ratios: the usual ratio."""
        told = self.interval()
        return None if told is None else Interval(*(exp(one) for one in told))


class Ratio(msgspec.Struct):
    """Pairs of amounts, of which the ratio of the totals matters: the sums of the control's (x) and
    of the shadow's (y), of their squares and products.
    """

    count: int = 0
    x: float = 0.0
    y: float = 0.0
    xx: float = 0.0
    yy: float = 0.0
    xy: float = 0.0

    def add(self, x: float, y: float) -> None:
        """One more pair."""
        self.count += 1
        self.x += x
        self.y += y
        self.xx += x * x
        self.yy += y * y
        self.xy += x * y

    def plus(self, other: Ratio) -> Ratio:
        """Both as one sample."""
        return Ratio(
            self.count + other.count,
            self.x + other.x,
            self.y + other.y,
            self.xx + other.xx,
            self.yy + other.yy,
            self.xy + other.xy,
        )

    def interval(self) -> Interval | None:
        """The ratio of the totals, y to x, by the delta method on its logarithm; None: too few, or
        one of them is nothing.
        """
        n = self.count
        if n < LEAST or self.x <= 0 or self.y <= 0:
            return None
        mean_x, mean_y = self.x / n, self.y / n
        xx = (self.xx - n * mean_x * mean_x) / (n - 1)
        yy = (self.yy - n * mean_y * mean_y) / (n - 1)
        xy = (self.xy - n * mean_x * mean_y) / (n - 1)
        spread = xx / mean_x**2 + yy / mean_y**2 - 2 * xy / (mean_x * mean_y)
        half = student(n - 1) * sqrt(max(0.0, spread) / n)
        middle = log(self.y / self.x)
        return Interval(exp(middle), exp(middle - half), exp(middle + half))


class Table(msgspec.Struct):
    """Pairs of something that is there or is not: in both, in the control's alone, in the shadow's
    alone, in neither.
    """

    both: int = 0
    control: int = 0
    shadow: int = 0
    neither: int = 0

    def add(self, control: bool, shadow: bool) -> None:  # noqa: FBT001 - a pair of alike values
        """One more pair."""
        if control:
            if shadow:
                self.both += 1
            else:
                self.control += 1
        elif shadow:
            self.shadow += 1
        else:
            self.neither += 1

    def plus(self, other: Table) -> Table:
        """Both as one sample."""
        return Table(
            self.both + other.both,
            self.control + other.control,
            self.shadow + other.shadow,
            self.neither + other.neither,
        )

    @property
    def count(self) -> int:
        """All pairs."""
        return self.both + self.control + self.shadow + self.neither

    def shares(self) -> tuple[float, float]:
        """The control's and the shadow's; of nothing 0."""
        count = max(1, self.count)
        return (self.both + self.control) / count, (self.both + self.shadow) / count

    def interval(self) -> Interval | None:
        """By how much the shadow's share is larger, by Wilson's intervals of both, added as squares
        as far as they go together (Newcombe 1998, method 10): it holds where there are few, or
        none.
        """
        count = self.count
        if count < LEAST:
            return None
        one, other = self.shares()
        (low_one, high_one), (low, high) = wilson(one, count), wilson(other, count)
        with_each = self._correlation()
        below = _apart(other - low, high_one - one, with_each)
        above = _apart(high - other, one - low_one, with_each)
        more = other - one
        return Interval(more, max(-1.0, more - below), min(1.0, more + above))

    def _correlation(self) -> float:
        """How much both go together, from -1 to 1; what may be chance is left out where it would
        narrow the interval.
        """
        one, other = self.both + self.control, self.both + self.shadow
        spread = one * (self.count - one) * other * (self.count - other)
        if not spread:
            return 0.0
        product = self.both * self.neither - self.control * self.shadow
        if product > 0:
            product = max(0, product - self.count // 2)
        return product / sqrt(spread)


def wilson(share: float, count: int) -> tuple[float, float]:
    """Between what the truth lies with a share that was seen of so many (Wilson's interval)."""
    square = _Z * _Z / count
    middle = (share + square / 2) / (1 + square)
    half = _Z / (1 + square) * sqrt(share * (1 - share) / count + square / (4 * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def _apart(one: float, other: float, correlation: float) -> float:
    return sqrt(max(0.0, one * one - 2 * correlation * one * other + other * other))


def student(freedom: int) -> float:
    """Student's t at 97.5 % for so many degrees of freedom, by Abramowitz and Stegun 26.7.5: within
    a thousandth from 4 of them on, two hundredths at 2.
    """
    z, v = _Z, float(freedom)
    return (
        z
        + (z**3 + z) / (4 * v)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * v**4)
    )


def pairs_needed(told: Interval, bound: float, pairs: int) -> float:
    """About how many pairs it takes until an interval that narrows as their square root leaves
    `bound` on one side; infinite: it lies on it.
    """
    gap = abs(bound - told.estimate)
    half = max(told.high - told.estimate, told.estimate - told.low)
    return pairs * (half / gap) ** 2 if gap > 0 else inf
