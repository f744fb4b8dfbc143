"""Least latency: the target that is expected to answer this request soonest.

cost = T̂ · load / (w · A), over all candidates (there are at most some dozens, and sampling
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
from typing import TYPE_CHECKING, ClassVar, cast

from policies.engine.learning.cost import predictions, strained
from policies.engine.refusal import NEVER
from policies.policy import Candidate, Request

if TYPE_CHECKING:
    from policies.engine.standing import Member

TIE = 1.15
"""Costs within 15 % are a tie: less than the noise of what was measured, which else decides who of
equals gets more.
"""
STALE = 30.0
"""Seconds in which an idle estimate loses 63 % of its distance to the pool's best: an r times
slower target is a tie again after 30·ln((r − 1) / 0.15) seconds, a ten times slower one after 123;
load on the best brings it forward.
"""
FLOOR = 1e-3
"""Seconds; keeps a cost above zero."""


@dataclass(frozen=True, slots=True)
class LeastLatency:
    """Cheapest expected time, ties drawn in proportion to 1/cost."""

    needs: ClassVar[frozenset[str]] = frozenset()
    measures: ClassVar[bool] = True

    def fresh(self) -> None:
        """Nothing: all that counts is the engine's."""

    def choose(
        self,
        request: Request,
        candidates: Sequence[Candidate],
        memory: None,
        now: float,
        rng: Random,
    ) -> Candidate:
        """The cheapest candidate, or one of those within 15 % of it."""
        if len(candidates) == 1:
            return candidates[0]
        costs = self.costs(request, candidates, now)
        least = min(costs)
        bar = least * TIE
        odds = [1 / cost for cost in costs if cost <= bar]
        if len(odds) == 1:
            return candidates[costs.index(least)]
        draw = rng.random() * sum(odds)
        close = [index for index, cost in enumerate(costs) if cost <= bar]
        for index, share in zip(close, odds, strict=True):
            draw -= share
            if draw <= 0:
                return candidates[index]
        return candidates[close[-1]]

    def costs(self, request: Request, candidates: Sequence[Candidate], now: float) -> list[float]:
        """Seconds, weighed by load and standing, in the order of `candidates`."""
        members = cast("Sequence[Member]", candidates)  # what the engine shows are its members
        seconds = predictions(request, members)
        worst = max(seconds)
        if worst == NEVER:
            # Never 0: an unseen target must not take every pick until its first answer is there.
            seconds = unseen_as_median(seconds)
            worst = max(seconds)
        best = min(seconds)
        near = best * TIE
        if worst > near:
            for index, cost in enumerate(seconds):
                if cost > near:
                    idle = now - members[index].latency.at
                    seconds[index] = best + (cost - best) * exp(-idle / STALE)
        if best < FLOOR:
            seconds = [max(FLOOR, cost) for cost in seconds]
        return strained(seconds, members, members, now)


def unseen_as_median(predictions: Sequence[float]) -> list[float]:
    """Predictions with the median of their peers where there is none; a second where nobody was
    seen yet.
    """
    seen = [seconds for seconds in predictions if seconds < NEVER]
    usual = median(seen) if seen else 1.0
    return [seconds if seconds < NEVER else usual for seconds in predictions]
