"""Figures of two runs of the same requests, and how much of their difference may be chance.

A figure is a ratio of sums or a quantile; how much each block of requests contributes to its error
is told by its linearisation (the delta method; for a quantile, Bahadur's representation). The same
block of both files met the same requests, so their contributions are subtracted first. How those
differences scatter is measured from each block to the next (von Neumann's mean square successive
difference, 1941): what changes slowly, as load does over a day, is no chance.

Must not: know what the figures mean.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from math import cbrt, sqrt
from statistics import NormalDist
from typing import NamedTuple

STUDENT = 2.06
"""The two-sided 95 % quantile of Student's t with 26 degrees of freedom: two thirds of the 39
successive differences of a run, as many as their mean square is worth."""
NORMAL = NormalDist()
TWO_SIDED = NORMAL.inv_cdf(0.975)
LEAST_BEYOND = 5
"""Values beyond a quantile without which it is an extreme, and says nothing of other runs."""
EXACT = 1e-12
"""Relative; what is less is rounding."""


class Figure(NamedTuple):
    """A value, and what each block contributes to its error."""

    value: float
    blocks: tuple[float, ...]


class Change(NamedTuple):
    """A figure of the old file and of the new one, and half of the 95 % interval of their
    difference.
    """

    old: float
    new: float
    half: float

    @property
    def difference(self) -> float:
        """By how much the new one is more."""
        return self.new - self.old

    @property
    def low(self) -> float:
        """Where the interval begins."""
        return self.difference - self.half

    @property
    def high(self) -> float:
        """Where it ends."""
        return self.difference + self.half

    @property
    def seen(self) -> bool:
        """Whether the interval says that there is one."""
        size = EXACT * max(abs(self.old), abs(self.new))
        return abs(self.difference) > max(self.half, size)


def ratio(numerators: Sequence[float], denominators: Sequence[int]) -> Figure | None:
    """The one over the other, summed up; None where there is nothing to divide by."""
    total = sum(denominators)
    if not total:
        return None
    value = sum(numerators) / total
    return Figure(
        value,
        tuple((x - value * n) / total for x, n in zip(numerators, denominators, strict=True)),
    )


def quantile(
    share: float, ordered: Sequence[float], blocks: Sequence[Sequence[float]]
) -> Figure | None:
    """The value that `share` of all do not exceed; they are given in order, and block by block, in
    order as well. None where there are too few of them to tell.
    """
    if len(ordered) * min(share, 1 - share) < LEAST_BEYOND:
        return None
    value = at(share, ordered)
    total = len(ordered)
    width = nearby(share, total)
    slope = (at(share + width, ordered) - at(share - width, ordered)) / (2 * width)
    return Figure(
        value,
        tuple(
            slope * (share * len(block) - bisect_right(block, value)) / total for block in blocks
        ),
    )


def nearby(share: float, count: int) -> float:
    """How far to either side of a quantile of so many values its slope is taken (Hall and Sheather,
    On the distribution of a studentized quantile, 1988).
    """
    place = NORMAL.inv_cdf(share)
    bend = 1.5 * NORMAL.pdf(place) ** 2 / (2 * place**2 + 1)
    width = cbrt(TWO_SIDED**2 * bend / count)
    return min(width, 0.9 * min(share, 1 - share))


def at(share: float, ordered: Sequence[float]) -> float:
    """The value that `share` of `ordered` do not exceed."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def change(old: Figure | None, new: Figure | None) -> Change | None:
    """From the one to the other; None where either has no value."""
    if old is None or new is None:
        return None
    apart = [after - before for before, after in zip(old.blocks, new.blocks, strict=True)]
    steps = [(after - before) ** 2 for before, after in pairwise(apart)]
    variance = len(apart) * sum(steps) / (2 * len(steps)) if steps else 0.0
    return Change(old.value, new.value, STUDENT * sqrt(variance))
