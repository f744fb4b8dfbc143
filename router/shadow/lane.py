"""One route's copies: what they may still cost, how many are under way, what they have come to."""

from __future__ import annotations

from typing import NamedTuple

from router.config import Rate
from router.dialects.contract import Call
from router.shadow.caps import Cap, Instances
from router.shadow.evidence import Evidence
from router.shadow.ledger import HOUR, Ledger
from router.shadow.terms import Terms

MOST_BEFORE = 4
"""Samples of what was compared before that are kept."""
UNBOUNDED_TIMES = 4
UNBOUNDED_LEAST = 1000
"""An answer that nobody bounds is expected to be at most so many times as long as production's, and
for so many tokens money is there in any case."""
MISJUDGED = 2
"""Times the estimate that an input may have, at worst, by another model's tokens."""


class Reserved(NamedTuple):
    """Nano-dollars that a copy may need, taken of `cap` (None: nothing bounds them)."""

    need: int
    at: float
    cap: Cap | None


class Lane:
    """`since` is when its sample began, by the clock; what was copied, and what that cost, is
    counted in `ever` over all samples. `running` counts copies under way; `trouble` is what its
    judge said last that was no score.
    """

    def __init__(
        self, terms: Terms, instances: Instances, now: float, ledger: Ledger | None = None
    ) -> None:
        self.terms = terms
        self.evidence, self.ever = Evidence(), Evidence()
        self.since = now
        self._before: dict[str, tuple[Evidence, float]] = {}
        self.running = 0
        self.trouble = ""
        self._instances, self._ledger = instances, ledger
        self._reserved = 0
        self._rate = Cap(terms.shadow.rate, instances)
        self._spend = self._spending(terms.shadow.spend)

    def renew(self, terms: Terms, now: float) -> None:
        """Go on under other terms. Caps go on counting. Where something else is compared than
        before, so does the sample of that, if there is one: a target may be drained for an hour.
        """
        if terms.compared != self.terms.compared:
            self._before[self.terms.compared] = self.evidence, self.since
            self.evidence, self.since = self._before.pop(terms.compared, (Evidence(), now))
            self.trouble = ""
            if len(self._before) > MOST_BEFORE:
                del self._before[next(iter(self._before))]
        self.terms = terms
        self._rate = self._rate.changed(terms.shadow.rate)
        spend = terms.shadow.spend
        if spend is None or self._spend is None:
            self._spend = self._spending(spend)
        else:
            self._spend = self._spend.changed(spend)

    def sample(self) -> None:
        """A request is to be copied."""
        self.evidence.sampled += 1
        self.ever.sampled += 1

    def hold(self, why: str) -> None:
        """One that was to be copied is not, or says nothing."""
        self.evidence.hold(why)
        self.ever.hold(why)

    def shut(self, now: float) -> str:
        """Why no copy can be made now, in a word; empty: one may."""
        shadow = self.terms.shadow
        if shadow.spend is not None and shadow.to not in self.terms.prices:
            return "no price"
        if self._spend is not None and self._left(self._spend, now) <= 0:
            return "spend"
        if self._rate.left(now) < 1:
            return "rate"
        return "concurrent" if self.running >= shadow.concurrent else ""

    def reserve(self, call: Call, written: int | None, now: float) -> Reserved | None:
        """Take what a copy of `call` may cost, where production has `written` so many tokens; None:
        it is more than there is.
        """
        need, cap = self._at_most(call, written), self._spend
        if cap is not None:
            if need > self._left(cap, now):
                return None
            cap.take(need, now)
        self._reserved += need
        self._rate.take(1, now)
        self.running += 1
        return Reserved(need, now, cap)

    def settle(self, reserved: Reserved, spent: int, now: float) -> None:
        """A copy is over, which has cost so many nano-dollars."""
        self.running -= 1
        self._reserved -= reserved.need
        if self._ledger is not None:
            self._ledger.add(self.terms.model, spent)
        self.evidence.spent += spent
        self.ever.spent += spent
        if reserved.cap is not None:
            reserved.cap.settle(spent - reserved.need, reserved.at, now)

    def left(self, now: float) -> int | None:
        """Nano-dollars that may still be spent; None: any."""
        return None if self._spend is None else max(0, self._left(self._spend, now))

    def _left(self, cap: Cap, now: float) -> int:
        """What is left of the part that is this instance's, and no more than is left of all that
        was there before a restart, or is known of others.
        """
        left, rate = cap.left(now), cap.rate
        if self._ledger is None or rate.seconds < HOUR:
            return left
        spent = self._ledger.within(self.terms.model, rate.seconds) + self._reserved
        return min(left, rate.amount - spent)

    def _at_most(self, call: Call, written: int | None) -> int:
        price = self.terms.prices.get(self.terms.shadow.to)
        if price is None:
            return 0
        bounds = [one for one in (call.output_tokens, self.terms.output) if one is not None]
        likely = max(UNBOUNDED_TIMES * (written or 0), UNBOUNDED_LEAST)
        most = min(bounds) * max(1, call.choices) if bounds else likely
        return price.input * call.input_tokens * MISJUDGED + price.output * most

    def _spending(self, spend: Rate | None) -> Cap | None:
        return None if spend is None else Cap(spend, self._instances)
