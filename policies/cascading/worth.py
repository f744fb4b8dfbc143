"""Whether a tier is worth being asked first, where a dearer one is asked if its answer fails.

Why: every answer that fails is paid for twice. Where c is what the cheap answer costs, k what its
checks cost and d what is paid from the next tier on, asking the cheap one first costs c + k + r·d,
if the share r of its answers fails. That is less than d as long as r < 1 - (c + k) / d.
Must not: know what a check is, or who is asked. Pure; money is in nano-dollars.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MEMORY = 100
"""About so many of the last answers count: what changes is seen, and what is chance is not."""
LEAST = 20
"""Below so many answers nothing is known of the share that fails, and it is tried."""


@dataclass(slots=True)
class Tally:
    """What a tier's last answers have come to, the older the less: how many there are, and how many
    `failed` their checks. What they and their checks cost, and what the same requests would have
    cost in each of the tiers `above`, is of those that are `priced`: of which all of that is known.
    """

    answers: float = 0.0
    failed: float = 0.0
    cost: float = 0.0
    checks: float = 0.0
    above: tuple[float, ...] = ()
    priced: float = 0.0

    def add(
        self, *, failed: bool, cost: int | None, checks: int | None, above: Sequence[int | None]
    ) -> None:
        """One more answer."""
        keep = 1.0 - 1.0 / MEMORY
        known = [one for one in above if one is not None]
        self.answers = self.answers * keep + 1.0
        self.failed = self.failed * keep + failed
        if cost is None or checks is None or len(known) < len(above):
            return
        before = self.above or (0.0,) * len(known)
        self.priced = self.priced * keep + 1.0
        self.cost = self.cost * keep + cost
        self.checks = self.checks * keep + checks
        self.above = tuple(old * keep + new for old, new in zip(before, known, strict=True))

    @property
    def measured(self) -> bool:
        """Whether there are enough answers to go by."""
        return self.answers >= LEAST

    @property
    def share(self) -> float:
        """Of its answers, those that failed."""
        return self.failed / self.answers if self.answers else 0.0


def not_worth(tallies: Sequence[Tally]) -> frozenset[int]:
    """Of the tiers before the last, which have a tally each, those that cost more than they save,
    by what was measured.
    """
    found: set[int] = set()
    for tier in reversed(range(len(tallies))):
        most = most_failed(tallies, tier, frozenset(found))
        if most is not None and tallies[tier].measured and tallies[tier].share >= most:
            found.add(tier)
    return frozenset(found)


def most_failed(
    tallies: Sequence[Tally], tier: int, without: frozenset[int] = frozenset()
) -> float | None:
    """The share of answers that may fail in a tier until it is dearer than to begin above it, where
    the tiers `without` are not asked; None: not known.
    """
    tally = tallies[tier]
    if not tally.priced or not tally.above:
        return None
    costs = [one / tally.priced for one in tally.above]
    onward = costs[-1]
    for index in reversed(range(len(costs) - 1)):
        above = tier + 1 + index
        if above not in without:
            its = tallies[above]
            checks = its.checks / its.priced if its.priced else 0.0
            onward = costs[index] + checks + its.share * onward
    if onward <= 0:
        return 0.0
    return 1.0 - (tally.cost + tally.checks) / tally.priced / onward


@dataclass(slots=True)
class Account:
    """What requests that began below the last tier have cost, and what they would have cost there:
    an estimate, by its prices and by how long its answers are beside cheaper ones. `unpriced` of
    them are in neither.
    """

    requests: int = 0
    climbed: int = 0
    answers: int = 0
    checks: int = 0
    audits: int = 0
    dear: int = 0
    unpriced: int = 0

    @property
    def spent(self) -> int:
        """Nano-dollars, for everything."""
        return self.answers + self.checks + self.audits

    @property
    def saved(self) -> int:
        """Nano-dollars; below 0, it cost more."""
        return self.dear - self.spent
