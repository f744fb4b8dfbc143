"""Least latency: the target that is expected to answer this request soonest.

cost = T̂ · load / (w · A), over all candidates (there are at most some dozens, and sampling
two of them would cap the fastest at 2/n of the traffic). T̂ is the engine's prediction for
*this* request, with first token and time per token apart, so that long answers do not look like
slow targets. `load` grows with the attempts in flight beyond the level at which T̂ was learned:
it is what keeps everybody from following the same old measurement to the same target.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import exp
from random import Random
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
UNSEEN = 1.0
"""Seconds, where nobody was seen yet; else an unseen target counts as the median of its peers."""


@dataclass(frozen=True, slots=True)
class LeastLatency:
    """Cheapest expected time, ties drawn in proportion to 1/cost."""

    needs: ClassVar[frozenset[str]] = frozenset()
    measures: ClassVar[bool] = True
    rule: ClassVar[str] = "whoever should answer it soonest (those within 15 % of that share)"

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
        bar = min(costs) * TIE
        odds = list(accumulate([1 / cost if cost <= bar else 0.0 for cost in costs]))
        return candidates[bisect(odds, rng.random() * odds[-1])]

    def odds(
        self, request: Request, candidates: Sequence[Candidate], now: float
    ) -> Sequence[float]:
        """How likely each is to be chosen, in their order."""
        costs = self.costs(request, candidates, now)
        bar = min(costs) * TIE
        parts = [1 / cost if cost <= bar else 0.0 for cost in costs]
        whole = sum(parts)
        return [part / whole for part in parts]

    def terms(
        self, request: Request, candidates: Sequence[Candidate], memory: None, now: float
    ) -> Sequence[str]:
        """How much faster each counts for its weight, where weights differ."""
        return of_weights(candidates)

    def costs(self, request: Request, candidates: Sequence[Candidate], now: float) -> list[float]:
        """Seconds, weighed by load and standing, in the order of `candidates`."""
        members = cast("Sequence[Member]", candidates)  # what the engine shows are its members
        return weighed(predictions(request, members), members, now)


def of_weights(candidates: Sequence[Candidate]) -> list[str]:
    """What weights do to who is fast, in words; empty where they are equal."""
    least = min([candidate.weight for candidate in candidates])
    times = [candidate.weight / least for candidate in candidates]
    return [f"counts as {one:.3g} times as fast, by its weight" if one > 1 else "" for one in times]


def weighed(seconds: list[float], members: Sequence[Member], now: float) -> list[float]:
    """What is predicted for `members`, infinite where nothing is, weighed by load and standing. It
    may be written over.
    """
    seen = sorted(seconds)
    if seen[-1] == NEVER:
        # Never 0: an unseen target must not take every pick until its first answer is there.
        seen = seen[: seen.index(NEVER)] or [UNSEEN]
        median = (seen[len(seen) // 2] + seen[(len(seen) - 1) // 2]) / 2
        seconds = [cost if cost < NEVER else median for cost in seconds]
    best, worst = seen[0], seen[-1]
    near = best * TIE
    if worst > near:
        for index, cost in enumerate(seconds):
            if cost > near:
                idle = now - members[index].latency.at
                seconds[index] = best + (cost - best) * exp(-idle / STALE)
    if best < FLOOR:
        seconds = [max(FLOOR, cost) for cost in seconds]
    return strained(seconds, members, members, now)
