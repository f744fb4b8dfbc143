"""Whether it is safe to switch: every criterion with its interval, and all of them in words.

A switch is safe once each interval lies on the good side of its bound; it is not, once one lies on
the other. In between more pairs are needed, and about how many is said. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf, log10
from typing import Any, Literal, NamedTuple

from router.shadow.evidence import Evidence
from router.shadow.intervals import Interval, pairs_needed

State = Literal["met", "missed", "open"]

FEW = 20
"""Pairs below which nothing is said to be worse: what so few have in common may be chance."""
LEAST = 200
"""Pairs below which nothing is called safe. That no 1 % more fail takes twice as many, at best."""
NOWHERE = 1_000_000
"""So many more pairs are no advice."""
POINT = 0.01
SLOWER = 1.2
"""Nobody notices a fifth; what is usual from one hour to the next is more."""
DEARER = 1.1
WORSE = -0.05
"""Of a judge's score, from -1 to 1: of 40 answers two more are worse than better."""


class Criterion(NamedTuple):
    """What is asked of one thing: `bound` is the most that it may be, or, with `least`, the least.
    `pairs` speak of it; `told` is None while they are too few.
    """

    name: str
    told: Interval | None
    bound: float
    pairs: int
    show: Callable[[float], str]
    least: bool = False

    @property
    def state(self) -> State:
        """Whether it is met, for all that can be told."""
        if self.told is None:
            return "open"
        low, high = self.told.low, self.told.high
        if low >= self.bound if self.least else high <= self.bound:
            return "met" if self.pairs >= FEW else "open"
        beyond = high < self.bound if self.least else low > self.bound
        return "missed" if beyond and self.pairs >= FEW else "open"

    @property
    def words(self) -> str:
        """It for people."""
        side = "at least" if self.least else "at most"
        if self.told is None:
            return f"{self.name}: too few to tell ({side} {self.show(self.bound)})"
        estimate, low, high = (self.show(one) for one in self.told)
        return f"{self.name}: {estimate} ({low} to {high}; {side} {self.show(self.bound)})"

    def needed(self, pairs: int) -> float:
        """About how many pairs there must be in all until it is decided."""
        if self.state != "open":
            return pairs
        if self.told is None or self.pairs < FEW:
            return pairs * LEAST / max(1, self.pairs)
        return pairs_needed(self.told, self.bound, pairs)


def criteria(evidence: Evidence, *, judged: bool) -> Iterator[Criterion]:
    """All that is asked of a shadow, as far as it was ever there to be seen; `judged`: there is a
    judge.
    """
    failed = evidence.failed
    yield Criterion("failures", failed.interval(), POINT, failed.count, points)
    for name, mean in (("first token", evidence.first), ("whole answer", evidence.total)):
        if mean.count:
            yield Criterion(name, mean.factor(), SLOWER, mean.count, times)
    if evidence.cost.count:
        yield Criterion("cost", evidence.cost.interval(), DEARER, evidence.cost.count, times)
    for name, table in (
        ("answers not of the schema", evidence.malformed),
        ("calls of no offered tool", evidence.misused),
    ):
        if table.count:
            yield Criterion(name, table.interval(), POINT, table.count, points)
    if judged:
        score = evidence.score
        yield Criterion("judge", score.interval(), WORSE, score.count, signed, least=True)


def verdict(evidence: Evidence, *, judged: bool) -> tuple[str, str]:
    """`safe`, `not safe` or `not enough`, and the same in a sentence."""
    found = list(criteria(evidence, judged=judged))
    if missed := [one for one in found if one.state == "missed"]:
        return "not safe", f"not safe: {'; '.join(one.words for one in missed)}"
    pairs = evidence.pairs
    if pairs >= LEAST and all(one.state == "met" for one in found):
        return "safe", f"safe to switch, by {pairs} pairs{_unpriced(evidence)}"
    needed = max(LEAST, *(one.needed(pairs) for one in found)) if pairs else LEAST
    waits = [one.name for one in found if one.state == "open"]
    if needed > NOWHERE:
        closest = max(found, key=lambda one: one.needed(pairs)).name
        return "not enough", f"not enough yet: {pairs} pairs; {closest} is too near to its bound"
    why = f" ({', '.join(waits)})" if waits and pairs else ""
    return "not enough", f"not enough yet: {pairs} of about {rounded(needed)} pairs{why}"


def shown(one: Criterion) -> dict[str, Any]:
    """A criterion as JSON knows it."""
    told = one.told
    return {
        "name": one.name,
        "state": one.state,
        "estimate": None if told is None else round(told.estimate, 5),
        "low": None if told is None else round(told.low, 5),
        "high": None if told is None else round(told.high, 5),
        "least" if one.least else "most": one.bound,
        "pairs": one.pairs,
        "words": one.words,
    }


def points(share: float) -> str:
    """A difference of shares: `+1.2 points`."""
    return f"{_zero(share * 100, 2):+.2f} points"


def times(ratio: float) -> str:
    """A ratio: `1.25x`."""
    return f"{ratio:.2f}x"


def signed(score: float) -> str:
    """A score: `-0.03`."""
    return f"{_zero(score, 3):+.3f}"


def rounded(number: float) -> int:
    """Two digits of it: more are not known. It is rounded up."""
    if number in {0, inf}:
        return 0
    unit = 10 ** max(0, int(log10(number)) - 1)
    return int(-(-number // unit) * unit)


def _unpriced(evidence: Evidence) -> str:
    return "" if evidence.cost.count else "; what it costs is not known"


def _zero(number: float, digits: int) -> float:
    """Without the sign of what rounds to nothing."""
    return round(number, digits) + 0.0
