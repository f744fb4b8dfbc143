"""One route's cascade as it goes: what its tiers' answers come to, what that costs and saves, and
whether they are to be asked first at all.

Why: a tier whose answers fail too often costs more than it saves, and one whose accepted answers
are wrong too often is not cheap at any price; either is skipped until a look at it, now and then,
says otherwise.
Must not: know how anything is asked or checked.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from policies import Report
from policies.cascading.trust import Trust
from policies.cascading.worth import Account, Tally, not_worth
from policies.cost_tiers import SKIPPED
from policies.policy import Request
from router.cascade.terms import ModelCheck, Terms
from router.config import Rate
from router.shadow.caps import Instances
from router.shadow.ledger import Ledger
from router.shadow.purse import Purse

LOOK = 0.02
"""The share of requests that asks a tier first which is skipped: to see whether it is as it was."""
SMOOTH = 1000
"""Tokens that answers of two tiers are thought to have had alike, before any were seen."""
LONGEST = 4.0
"""Times that one tier's answers are longer than another's, at most, as far as this is believed."""


class Lane:
    """`chance` draws from 0 to 1. `trouble` is what a check said last that could not be made;
    `fails` counts answers by the check that they failed, of each tier before the last, `checked`
    all of them, `begun` those of which the beginning alone was, `audited` those that were compared,
    and `wrong` those of them that should not have been accepted; `held` counts those that were to
    be compared and were not, by why. `dear` are the tiers that cost more than they save; `alone`
    they are while nobody above them can serve, and are not skipped for that then.
    """

    def __init__(
        self,
        terms: Terms,
        instances: Instances,
        chance: Callable[[], float],
        ledger: Ledger | None = None,
    ) -> None:
        self.terms = terms
        self._instances, self._chance, self._ledger = instances, chance, ledger
        self.account = Account()
        self.trouble = ""
        self._purses: dict[str, Purse] = {}
        self._begin()

    def _begin(self) -> None:
        terms = self.terms
        bound = terms.audit.bound if terms.audit is not None else 1.0
        self.tallies = [Tally() for _ in range(terms.last)]
        self.trusts = [Trust(bound) for _ in range(terms.last)]
        self.fails: list[dict[str, int]] = [{} for _ in range(terms.last)]
        self.checked, self.begun, self.audited, self.wrong = ([0] * terms.last for _ in range(4))
        self.held: dict[str, int] = {}
        self._lengths: dict[tuple[int, int], list[int]] = {}
        self.dear: frozenset[int] = frozenset()
        self.alone = False

    def renew(self, terms: Terms) -> None:
        """Go on under other terms; what was measured counts on where it is of the same sample."""
        other = terms.measured != self.terms.measured
        self.terms = terms
        if other:
            self._begin()

    @property
    def mistrusted(self) -> frozenset[int]:
        """Tiers whose accepted answers are wrong too often."""
        return frozenset(tier for tier, one in enumerate(self.trusts) if one.mistrusted)

    def skips(self, *, checked: bool) -> tuple[frozenset[int], bool]:
        """The tiers in which a request is not to begin, and whether it is a look at one of them;
        `checked`: its answer can be, and so the cascade's worth is about it.
        """
        skipped = self.mistrusted
        if checked and (not self.alone or self._chance() < LOOK):
            skipped |= self.dear
        if checked and skipped and self._chance() < LOOK:
            return frozenset(), True
        return skipped, False

    def met_by(self, request: Request) -> Request:
        """As it is begun now, if it is no look. Who is not checked is not begun elsewhere
        for what checks come to.
        """
        if request.only is not None or request.model != self.terms.model:
            return request
        unchecked = request.stream and not self.terms.head
        dear = frozenset[int]() if unchecked or self.alone else self.dear
        return skipping(request, dear | self.mistrusted)

    def add(
        self, tier: int, failed: str, report: Report, spent: int | None, checks: int | None
    ) -> None:
        """An answer of a tier before the last ended so, and `failed` that check (empty: none); it
        cost `spent` nano-dollars, and its checks `checks` (None: nobody knows).
        """
        longer = [self._longer(tier, one) for one in range(tier + 1, self.terms.last + 1)]
        above = self.terms.estimates(tier, report, longer)
        self.tallies[tier].add(failed=bool(failed), cost=spent, checks=checks, above=above)
        self.checked[tier] += 1
        if failed:
            self.fails[tier][failed] = self.fails[tier].get(failed, 0) + 1
        self.dear = not_worth(self.tallies)

    def twice(self, tier: int, written: int | None, above: int, other: int | None) -> None:
        """The same request was answered in both tiers, with so many tokens."""
        if written and other:
            sums = self._lengths.setdefault((tier, above), [SMOOTH, SMOOTH])
            sums[0] += written
            sums[1] += other

    def dearest(self, tier: int, report: Report) -> int | None:
        """What a request that ended so in `tier` would have cost in the last."""
        longer = [self._longer(tier, one) for one in range(tier + 1, self.terms.last + 1)]
        return self.terms.estimates(tier, report, longer)[-1]

    def as_long(self, tier: int, above: int, other: int | None) -> int | None:
        """How long an answer of `tier` would be where one of `above` has so many tokens."""
        return None if other is None else round(other / self._longer(tier, above))

    def budget(self, check: ModelCheck) -> Purse:
        """What a judge may still cost."""
        asked = sha256(check.ask.encode()).hexdigest()[:8]
        return self._purse(f"{check.name} {asked}", check.budget)

    def hold(self, why: str) -> None:
        """An answer that was to be compared is not, or cannot be."""
        self.held[why] = self.held.get(why, 0) + 1

    def compared(self, tier: int, *, wrong: bool) -> None:
        """An accepted answer was compared; `wrong`: it should not have been accepted."""
        self.trusts[tier].add(wrong=wrong)
        self.audited[tier] += 1
        self.wrong[tier] += wrong

    @property
    def audits(self) -> Purse:
        """What audits may still cost."""
        audit = self.terms.audit
        return self._purse("audit", None if audit is None else audit.spend)

    def is_audited(self, *, look: bool) -> bool:
        """Whether an accepted answer is to be compared: some are, and all of a skipped tier's."""
        audit = self.terms.audit
        return audit is not None and (look or self._chance() < audit.share)

    def _longer(self, tier: int, above: int) -> float:
        one, other = self._lengths.get((tier, above), (1, 1))
        return min(LONGEST, max(1 / LONGEST, other / one))

    def _purse(self, name: str, rate: Rate | None) -> Purse:
        """What was taken of it counts on when the file is loaded again."""
        purse = self._purses.get(name)
        if purse is None:
            whose = f"{self.terms.model} {name}"
            purse = self._purses[name] = Purse(whose, rate, self._instances, self._ledger)
        else:
            purse.renew(rate)
        return purse


def skipping(request: Request, skipped: frozenset[int]) -> Request:
    """The same, not to begin in these tiers."""
    if not skipped:
        return request
    features = {**request.features, SKIPPED: tuple(sorted(skipped))}
    return request._replace(features=features)
