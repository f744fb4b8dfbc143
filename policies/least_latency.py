"""Least latency: the target that is expected to answer this request soonest.

cost = T̂ · load / (w · A · R), over all candidates (there are at most some dozens, and sampling
two of them would cap the fastest at 2/n of the traffic). T̂ is the engine's prediction for
*this* request, with first token and time per token apart, so that long answers do not look like
slow targets. `load` grows with the attempts in flight beyond the level at which T̂ was learned:
it is what keeps everybody from following the same old measurement to the same target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from random import Random
from statistics import median
from typing import ClassVar, cast

from policies.policy import Candidate, Request

TIE = 1.1
"""Costs within 10 % are a tie: less than the noise of what was measured."""
STALE = 30.0
"""Seconds in which an idle estimate loses 63 % of its distance to the pool's best: an r times
slower target is a tie again after 30·ln(10·(r − 1)) seconds, a ten times slower one after 135;
load on the best brings it forward.
"""
FLOOR = 1e-3
"""Seconds; keeps a cost above zero."""
LOOK = 15.0
"""Seconds without a measurement after which a target is worth a look: what it was then, it need not
be now. The engine sends somebody after who takes long to look.
"""
LOOKS, MOST_LOOKS = 0.02, 0.1
"""Share of the requests that may be spent on looks; the second where few come."""
LEAST_LOOKS = 1 / 60
"""Looks a second, within the second of those shares."""


class Looks:
    """What may be spent on looking at targets that nobody else would go to."""

    __slots__ = ("at", "saved")

    def __init__(self) -> None:
        self.saved = 0.0
        self.at: float | None = None

    def earn(self, now: float) -> bool:
        """One request more; whether there is a look to be spent."""
        since = now if self.at is None else self.at
        self.at = now
        self.saved += min(MOST_LOOKS, LOOKS + (now - since) * LEAST_LOOKS)
        return self.saved >= 1.0


@dataclass(frozen=True, slots=True)
class LeastLatency:
    """Cheapest expected time, ties drawn in proportion to 1/cost."""

    needs: ClassVar[frozenset[str]] = frozenset()

    def fresh(self) -> Looks:
        """What it may spend on looks; all else that counts is the engine's."""
        return Looks()

    def choose(
        self,
        request: Request,
        candidates: Sequence[Candidate],
        memory: Looks,
        now: float,
        rng: Random,
    ) -> Candidate:
        """The cheapest candidate, or one of those within 10 % of it; now and then, one that
        nobody has measured for long.
        """
        if len(candidates) == 1:
            return candidates[0]
        if memory.earn(now) and (forgotten := longest_idle(candidates, now)) is not None:
            memory.saved = 0.0
            return forgotten
        costs = self.costs(request, candidates, now)
        bar = min(costs) * TIE
        close = [index for index, cost in enumerate(costs) if cost <= bar]
        if len(close) > 1:
            odds = [1 / costs[index] for index in close]
            draw = rng.random() * sum(odds)
            for index, share in zip(close, odds, strict=True):
                draw -= share
                if draw <= 0:
                    return candidates[index]
        return candidates[close[-1]]

    def costs(self, request: Request, candidates: Sequence[Candidate], now: float) -> list[float]:
        """Seconds, weighed by load and standing, in the order of `candidates`."""
        expected = [candidate.predicted(request) for candidate in candidates]
        # Never 0: an unseen target must not take every pick until its first answer is there.
        seconds = unseen_as_median(expected) if None in expected else cast("list[float]", expected)
        best = min(seconds)
        near = best * TIE
        # A target that comes back may rise to what is usual here before its load counts against it.
        level = sum([candidate.usual_in_flight for candidate in candidates]) / len(candidates)
        costs = []
        for candidate, cost in zip(candidates, seconds, strict=True):
            if cost > near:
                cost = best + (cost - best) * exp(-candidate.idle(now) / STALE)  # noqa: PLW2901
            costs.append((cost if cost > FLOOR else FLOOR) * candidate.strain(now, level))
        return costs


def longest_idle(candidates: Sequence[Candidate], now: float) -> Candidate | None:
    """Whom nobody has measured for longest and too long, and nobody is asking now."""
    stalest = max(candidates, key=lambda candidate: candidate.idle(now))
    return stalest if stalest.idle(now) > LOOK and not stalest.in_flight else None


def unseen_as_median(predictions: Sequence[float | None]) -> list[float]:
    """Predictions with the median of their peers where there is none; a second where nobody was
    seen yet.
    """
    seen = [seconds for seconds in predictions if seconds is not None]
    usual = median(seen) if seen else 1.0
    return [usual if seconds is None else seconds for seconds in predictions]
