"""Priority: the first tier takes all it has room for; only the overflow goes on to the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from policies import overflow
from policies.least_latency import LeastLatency
from policies.policy import Candidate, Policy, Request

RULE = "a tier takes all that it can, and the next one what is left"


@dataclass(frozen=True, slots=True)
class Priority:
    """Tiers in their written order; `within` chooses inside a tier."""

    within: Policy = field(default_factory=LeastLatency)

    @property
    def rule(self) -> str:
        """See `Speaking.rule`."""
        return overflow.rule(RULE, self.within)

    @property
    def needs(self) -> frozenset[str]:
        """What the policy inside the tiers needs."""
        return self.within.needs

    @property
    def measures(self) -> bool:
        """Whether the policy inside the tiers goes by measurements."""
        return getattr(self.within, "measures", False)

    @property
    def learn(self) -> Callable[..., None] | None:
        """What the policy inside learns, each tier for itself; None if it learns nothing."""
        return overflow.lesson(self.within)

    @property
    def odds(self) -> overflow.Odds | None:
        """How likely each is to be chosen, by the policy inside; None if that does not tell."""
        return overflow.odds(self.within)

    @property
    def terms(self) -> overflow.Terms | None:
        """What the policy inside says of its own terms; None if it says nothing."""
        return overflow.terms(self.within)

    def fresh(self) -> overflow.Memory:
        """One memory of the inner policy for each tier."""
        return overflow.Memory()

    def choose(
        self,
        request: Request,
        candidates: Sequence[Candidate],
        memory: overflow.Memory,
        now: float,
        rng: Random,
    ) -> Candidate:
        """The inner policy's choice in the first tier that can serve."""
        return overflow.choose(self.within, request, candidates, memory, now, rng)
