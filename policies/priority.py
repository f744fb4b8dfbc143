"""Priority: the first tier takes all it has room for; only the overflow goes on to the next.

There is no rule here for "has room": the engine offers only targets that can serve, so a tier
that is full, resting or ejected is not among the candidates, and one that was away comes back as
its targets do, by and by.
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

    @property
    def measures(self) -> bool:
        """Whether the policy inside the tiers goes by measurements."""
        return getattr(self.within, "measures", False)

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
        """The inner policy's choice in the first tier that can serve."""
        first = min([candidate.tier for candidate in candidates])
        tier = [candidate for candidate in candidates if candidate.tier == first]
        if first not in memory:
            memory[first] = self.within.fresh()
        return self.within.choose(request, tier, memory[first], now, rng)
