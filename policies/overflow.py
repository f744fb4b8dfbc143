"""What the policies among tiers share: the first tier takes all it has room for, and only the
overflow goes on to the next.

There is no rule here for "has room": the engine offers only targets that can serve, so a tier
that is full, resting or ejected is not among the candidates, and one that was away comes back as
its targets do, by and by.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any, ClassVar

from policies.engine.outcome import Report
from policies.policy import Candidate, Policy, Request

Odds = Callable[[Request, Sequence[Candidate], float], Sequence[float]]
Terms = Callable[[Request, Sequence[Candidate], Any, float], Sequence[str]]


@dataclass(slots=True)
class Memory:
    """What the inner policy remembers, apart for each tier."""

    tiers: dict[int, Any] = field(default_factory=dict)

    def of(self, tier: int, within: Policy) -> Any:
        """The memory of one tier."""
        if tier not in self.tiers:
            self.tiers[tier] = within.fresh()
        return self.tiers[tier]


class InTiers:
    """What a policy among tiers has alike: `within`, which chooses inside a tier, is asked in the
    first that can serve, with a memory for each. `between` says how tiers are used, for people.
    """

    __slots__ = ()
    between: ClassVar[str] = ""
    within: Policy

    @property
    def rule(self) -> str:
        """How tiers are used, and whom the policy inside chooses, where that tells it."""
        inner = getattr(self.within, "rule", "")
        return f"{self.between}; in a tier, {inner}" if inner else self.between

    @property
    def measures(self) -> bool:
        """Whether the policy inside the tiers goes by measurements."""
        return getattr(self.within, "measures", False)

    @property
    def learn(self) -> Callable[..., None] | None:
        """What the policy inside learns, each tier for itself; None where it learns nothing, so
        that nobody is told in vain.
        """
        learn: Callable[..., None] | None = getattr(self.within, "learn", None)
        return None if learn is None else _lesson(self.within, learn)

    @property
    def odds(self) -> Odds | None:
        """How likely each is to be chosen, by the policy inside; None if that does not tell."""
        tell: Odds | None = getattr(self.within, "odds", None)
        return None if tell is None else partial(_in_first, tell)

    @property
    def terms(self) -> Terms | None:
        """What the policy inside says of its own terms; None if it says nothing."""
        tell: Terms | None = getattr(self.within, "terms", None)
        return None if tell is None else partial(_of_tiers, self.within, tell)

    def fresh(self) -> Memory:
        """One memory of the inner policy for each tier."""
        return Memory()

    def choose(
        self,
        request: Request,
        candidates: Sequence[Candidate],
        memory: Memory,
        now: float,
        rng: Random,
    ) -> Candidate:
        """The inner policy's choice in the first tier that can serve."""
        first = min([candidate.tier for candidate in candidates])
        tier = [candidate for candidate in candidates if candidate.tier == first]
        return self.within.choose(request, tier, memory.of(first, self.within), now, rng)


def _lesson(within: Policy, learn: Callable[..., None]) -> Callable[..., None]:
    def pass_on(
        request: Request,
        candidate: Candidate,
        report: Report,
        seconds: float,
        first: float | None,
        memory: Memory,
        now: float,
    ) -> None:
        inner = memory.of(candidate.tier, within)
        learn(request, candidate, report, seconds, first, inner, now)

    return pass_on


def _of_tiers(
    within: Policy,
    tell: Terms,
    request: Request,
    candidates: Sequence[Candidate],
    memory: Memory,
    now: float,
) -> Sequence[str]:
    found: dict[str, str] = {}
    for tier in {candidate.tier for candidate in candidates}:
        members = [candidate for candidate in candidates if candidate.tier == tier]
        told = tell(request, members, memory.tiers.get(tier) or within.fresh(), now)
        found |= {one.name: words for one, words in zip(members, told, strict=True)}
    return [found[candidate.name] for candidate in candidates]


def _in_first(
    tell: Odds, request: Request, candidates: Sequence[Candidate], now: float
) -> Sequence[float]:
    first = min([candidate.tier for candidate in candidates])
    tier = [candidate for candidate in candidates if candidate.tier == first]
    parts = iter(tell(request, tier, now))
    return [next(parts) if candidate.tier == first else 0.0 for candidate in candidates]
