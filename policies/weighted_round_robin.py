"""Weighted round robin, smooth: shares as written, interleaved as evenly as whole requests
allow.

Random weighted choice keeps the same shares only in the long run and is lumpy in the short one;
a cursor over a list depends on the list's order. Here every candidate earns its weight at each
choice and the one with the most credit pays the whole round (the rule of nginx's
ngx_http_upstream_round_robin), so the weights 5, 1, 1 give a a b a c a a. Illness never shades
a written weight: the engine ejects instead, and the shares of those that remain keep their
ratio.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from policies.policy import Candidate, Request

MOST_NAMES = 256
"""Names remembered at most: far above any route's targets; passed only by endless renaming."""


@dataclass(frozen=True, slots=True)
class WeightedRoundRobin:
    """Shares in proportion to the weights."""

    needs: ClassVar[frozenset[str]] = frozenset()
    rule: ClassVar[str] = "every target gets its weight's share, in turns, whoever is faster"

    def fresh(self) -> dict[str, float]:
        """Credit by target name."""
        return {}

    def choose(
        self,
        request: Request,
        candidates: Sequence[Candidate],
        memory: dict[str, float],
        now: float,
        rng: Random,
    ) -> Candidate:
        """The candidate with the most credit."""
        if len(memory) > MOST_NAMES:
            memory.clear()
        total = 0.0
        most = float("-inf")
        chosen = candidates[0]
        for candidate in candidates:
            share = candidate.weight
            total += share
            credit = memory.get(candidate.name)
            if credit is None:
                # A random start keeps instances that started together from choosing in step.
                credit = rng.uniform(-share, share)
            credit += share
            memory[candidate.name] = credit
            if credit > most:
                most = credit
                chosen = candidate
        memory[chosen.name] = most - total
        return chosen

    def odds(
        self,
        request: Request,
        candidates: Sequence[Candidate],
        now: float,
    ) -> Sequence[float]:
        """The share of each: whose turn it is now is settled, and not drawn."""
        whole = sum(candidate.weight for candidate in candidates)
        return [candidate.weight / whole for candidate in candidates]
