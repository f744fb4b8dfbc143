"""What rounds come to: medians, spreads, ratios within a round, and what was asked for.

A machine's speed drifts by more than what is to be told apart, so nothing is compared across
rounds: a ratio is taken in each, between neighbours in time, and its median is what counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from statistics import median
from typing import NamedTuple

from benchmarks.wire.account import Time

SATURATED = 0.90
"""Of the time: below that a process also pays for going to sleep and waking up."""


class Sample(NamedTuple):
    """One round of one subject: CPU µs for each thing done, in what share of the time it had
    something to do, things a second, errors.
    """

    cost: float
    busy: float
    rate: float
    errors: int


class Spread(NamedTuple):
    """The median of some figures, and their range."""

    median: float
    least: float
    most: float

    def told(self, digits: int) -> str:
        return f"{self.median:.{digits}f} ({self.least:.{digits}f}–{self.most:.{digits}f})"


def sample(time: Time, done: int, errors: int) -> Sample:
    """What `done` things in so much time come to."""
    cost = time.on / done * 1e6 if done else inf
    return Sample(cost, time.busy, done / time.wall, errors)


def spread(figures: Sequence[float]) -> Spread:
    return Spread(median(figures), min(figures), max(figures))


def costs(samples: Sequence[Sample]) -> Spread:
    return spread([one.cost for one in samples])


def saturated(samples: Sequence[Sample]) -> bool:
    return median(one.busy for one in samples) >= SATURATED


def ratio(samples: Sequence[Sample], beside: Sequence[Sample]) -> Spread | None:
    """How many times the cost of others, round by round; None: one of them had time to spare, and
    they are not compared.
    """
    if not (saturated(samples) and saturated(beside)):
        return None
    return spread([one.cost / other.cost for one, other in zip(samples, beside, strict=True)])


def per_stream(before: int, after: int, streams: int) -> float:
    """The kB that one open stream takes."""
    return (after - before) / streams / 1000


class Verdict(NamedTuple):
    """Something that was asked for, what was measured (None: nothing that can be judged)."""

    what: str
    most: float
    measured: float | None

    def told(self) -> str:
        if self.measured is None:
            return f"{self.what:64} ≤ {self.most:<6g} not compared"
        verdict = "pass" if self.measured <= self.most else "MISS"
        return f"{self.what:64} ≤ {self.most:<6g} {self.measured:8.2f} {verdict}"
