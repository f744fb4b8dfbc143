"""Cost tiers: a request starts in the tier that it deserves, and goes on to a dearer one only when
it must.

Where every request starts in the first tier, the hard ones fail there first and are paid for
twice; where they start in the last, the easy ones cost what the hard ones are worth. What tells
them apart before they are sent is little, and cheap to read: rules name a tier, or add up to a
score. From its start on a request is served as by `priority`: a tier takes what it has room for,
the overflow goes on.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import ClassVar

from policies.least_latency import LeastLatency
from policies.overflow import InTiers
from policies.policy import Policy, Request
from policies.starting.estimator import SCORE
from policies.starting.rules import Rule

SKIPPED = "skipped"
"""The feature that holds tiers in which no request begins now: a driver that checks answers has
seen that it costs more than it saves, or is not to be trusted.
"""


@dataclass(frozen=True, slots=True)
class CostTiers(InTiers):
    """Tiers from the cheapest to the dearest; `within` chooses inside a tier.

    A request starts in the highest tier that one of the `rules` that hold for it names. Where none
    does, the scores of those that hold are added up, from 0 to 1, and it starts in the second tier
    from the first number in `tiers_at` on, in the third from the second on, and so forth; else in
    the first. `estimated`: a driver that has asked an estimator puts what it said, `"score"`, in
    the place of that sum.
    """

    rules: tuple[Rule, ...] = ()
    within: Policy = field(default_factory=LeastLatency)
    tiers_at: tuple[float, ...] = ()
    estimated: bool = False

    between: ClassVar[str] = (
        "a request starts in the tier that it deserves; what that cannot take, a dearer one does"
    )

    def __post_init__(self) -> None:
        rising = sorted({at for at in self.tiers_at if 0 < at <= 1})
        if rising != [*self.tiers_at]:
            raise ValueError(f"tiers_at {self.tiers_at}: each more than the last, above 0, up to 1")

    @property
    def needs(self) -> frozenset[str]:
        """What its rules and the policy inside the tiers need."""
        own = frozenset({SCORE}) if self.estimated else frozenset()
        return self.within.needs.union(own, *(rule.needs for rule in self.rules))

    def start(self, request: Request) -> int:
        """The tier, from 0, before which `request` is not sent anywhere."""
        start = self._deserved(request)
        if skipped := request.features.get(SKIPPED):
            while start in skipped:
                start += 1
        return start

    def score(self, request: Request) -> float:
        """How hard `request` looks, from 0 to 1."""
        if self.estimated and (score := request.features.get(SCORE)) is not None:
            return float(score)
        held = [rule.score for rule in self.rules if rule.tier is None and rule.holds(request)]
        # What was written in hundredths is compared in hundredths.
        return min(1.0, max(0.0, round(sum(held), 6)))

    def why(self, request: Request) -> tuple[str, ...]:
        """Why `request` starts where it does: a sentence, and one for each rule that may count. No
        score does where a rule names a tier, or an estimator was asked.
        """
        start, deserved = self.start(request), self._deserved(request)
        named = self._named(request) is not None
        why = "a rule names it" if named else self._by_score(request, deserved)
        if start > deserved:
            why = f"tier {deserved + 1} is skipped by its cascade ({why})"
        scored = not named and not (self.estimated and SCORE in request.features)
        rules = [rule for rule in self.rules if scored or rule.tier is not None]
        return (f"starts in tier {start + 1}: {why}", *(_told(rule, request) for rule in rules))

    def _deserved(self, request: Request) -> int:
        """The tier in which it would start, whichever are skipped."""
        named = self._named(request)
        if named is not None:
            return named
        return bisect_right(self.tiers_at, self.score(request)) if self.tiers_at else 0

    def _named(self, request: Request) -> int | None:
        """The highest tier that a rule names; None: none does."""
        tiers = [r.tier for r in self.rules if r.tier is not None and r.holds(request)]
        return max(tiers) if tiers else None

    def _by_score(self, request: Request, start: int) -> str:
        if not self.tiers_at:
            return "no rule names another"
        by = "its score"
        if self.estimated:
            by += " by the estimator" if SCORE in request.features else " by the rules alone"
        told = f"{by} is {self.score(request):.2f} of 1"
        if start:
            told += f", and tier {start + 1} begins at {self.tiers_at[start - 1]:g}"
        if start < len(self.tiers_at):
            told += f"; tier {start + 2} would begin at {self.tiers_at[start]:g}"
        return told


def _told(rule: Rule, request: Request) -> str:
    """What one rule does for `request`, in words."""
    given = f"{rule.score:+.2f}" if rule.tier is None else f"tier {rule.tier + 1}"
    words = rule.words(request)
    return f"{'' if rule.holds(request) else 'no '}{given} for {words}"
