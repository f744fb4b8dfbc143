"""How many accepted answers should not have been, by those that were asked of a dearer tier too.

Why: a check says what an answer looks like, not whether it is right; what passes is trusted only as
far as it was compared. Must not: know how two answers are compared. Pure.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import exp, lgamma, log, log1p
from typing import NamedTuple

SURE = 0.975
"""One-sided; 95 % between both ends."""
WINDOW = 500
"""Comparisons that are gone by."""
LEAST = 20
"""Below so many, nobody is mistrusted, and nobody who was is trusted again."""
_HALVINGS = 50
_NOTHING = 1e-18
"""What one term adds to a chance that changes nothing."""


class Interval(NamedTuple):
    """A share as it was seen, and between what the truth lies."""

    estimate: float
    low: float
    high: float


@dataclass(slots=True)
class Trust:
    """The last comparisons of a tier's accepted answers (true: it should not have been accepted).
    It is mistrusted once the share of those is above `bound` beyond chance; from then on others
    count, and it is trusted again once theirs is not.
    """

    bound: float
    last: deque[bool] = field(default_factory=lambda: deque(maxlen=WINDOW))
    mistrusted: bool = False

    def add(self, *, wrong: bool) -> None:
        """One more."""
        self.last.append(wrong)
        told = self.interval()
        if told is None or len(self.last) < LEAST:
            return
        if not self.mistrusted and told.low > self.bound:
            self.mistrusted = True
            self.last.clear()
        elif self.mistrusted and told.estimate <= self.bound:
            self.mistrusted = False

    def interval(self) -> Interval | None:
        """The share that should not have been accepted; None: nothing was compared."""
        return clopper_pearson(sum(self.last), len(self.last)) if self.last else None


def clopper_pearson(seen: int, count: int) -> Interval:
    """The share of which `seen` of `count` were seen: the truth lies between both ends in at least
    95 of 100 cases, whatever it is (Clopper and Pearson 1934).
    """
    low = _where(seen - 1, count, SURE) if seen else 0.0
    high = _where(seen, count, 1.0 - SURE) if seen < count else 1.0
    return Interval(seen / count, low, high)


def _where(most: int, count: int, chance: float) -> float:
    """The share at which at most so many of `count` are seen with that chance."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _at_most(most, count, middle) > chance:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _at_most(most: int, count: int, share: float) -> float:
    """How likely at most so many of `count` are, of a share inside 0 and 1."""
    # Away from the middle each term is less than the one before it.
    above = most >= count * share
    k, odds, total = most + above, share / (1.0 - share), 0.0
    whole = lgamma(count + 1) - lgamma(k + 1) - lgamma(count - k + 1)
    term = exp(whole + k * log(share) + (count - k) * log1p(-share))
    while term > _NOTHING:
        total += term
        term *= odds * (count - k) / (k + 1) if above else k / (odds * (count - k + 1))
        k += 1 if above else -1
    return 1.0 - total if above else total
