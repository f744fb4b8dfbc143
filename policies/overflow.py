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
from typing import Any

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


def choose(
    within: Policy,
    request: Request,
    candidates: Sequence[Candidate],
    memory: Memory,
    now: float,
    rng: Random,
) -> Candidate:
    """The choice of `within` in the first tier that can serve."""
    first = min([candidate.tier for candidate in candidates])
    tier = [candidate for candidate in candidates if candidate.tier == first]
    return within.choose(request, tier, memory.of(first, within), now, rng)


def rule(own: str, within: Policy) -> str:
    """The rule of a policy among tiers, and of the one inside them, where that tells it."""
    inner = getattr(within, "rule", "")
    return f"{own}; in a tier, {inner}" if inner else own


def lesson(within: Policy) -> Callable[..., None] | None:
    """The verb `learn` of a policy among tiers; None where the one inside them learns nothing, so
    that nobody is told in vain.
    """
    learn: Callable[..., None] | None = getattr(within, "learn", None)
    if learn is None:
        return None

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


def odds(within: Policy) -> Odds | None:
    """The verb `odds` of a policy among tiers; None where the one inside them has none."""
    tell: Odds | None = getattr(within, "odds", None)
    return None if tell is None else partial(_in_first, tell)


def terms(within: Policy) -> Terms | None:
    """The verb `terms` of a policy among tiers; None where the one inside them has none."""
    tell: Terms | None = getattr(within, "terms", None)
    return None if tell is None else partial(_of_tiers, within, tell)


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
