"""Priority: the first tier takes all it has room for; only the overflow goes on to the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from policies.least_latency import LeastLatency
from policies.overflow import InTiers
from policies.policy import Policy


@dataclass(frozen=True, slots=True)
class Priority(InTiers):
    """Tiers in their written order; `within` chooses inside a tier."""

    within: Policy = field(default_factory=LeastLatency)

    between: ClassVar[str] = "a tier takes all that it can, and the next one what is left"

    @property
    def needs(self) -> frozenset[str]:
        """What the policy inside the tiers needs."""
        return self.within.needs
