"""Priority: the first tier takes all it has room for; only the overflow goes on to the next.

There is no rule here for "has room": the engine offers only targets that can serve, so a tier
that is full, resting or ejected is not among the candidates. A tier that was away comes back by
the ramp of its targets, not with everything at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from policies.least_latency import LeastLatency
from policies.policy import Candidate, Policy, Request


@dataclass(frozen=True, slots=True)
class Priority:
    """Tiers in their written order; `within` chooses inside a tier."""

    within: Policy = field(default_factory=LeastLatency)

    @property
    def needs(self) -> frozenset[str]:
        """What the policy inside the tiers needs."""
        return self.within.needs

    def fresh(self) -> dict[int, Any]:
        """One memory of the inner policy for each tier."""
        return {}

    def choose(
        self,
        request: Request,
        candidates: Sequence[Candidate],
        memory: dict[int, Any],
        now: float,
        rng: Random,
    ) -> Candidate:
        """The inner policy's choice in the first tier that can serve and is back."""
        first = min([candidate.tier for candidate in candidates])
        tier = [candidate for candidate in candidates if candidate.tier == first]
        if len(tier) < len(candidates) and tier[0].ramp(now) < 1.0:
            # A tier is back as far as the best of its targets.
            back = max(candidate.ramp(now) for candidate in tier)
            if rng.random() >= back:
                later = [candidate for candidate in candidates if candidate.tier > first]
                return self.choose(request, later, memory, now, rng)
        if first not in memory:
            memory[first] = self.within.fresh()
        return self.within.choose(request, tier, memory[first], now, rng)
