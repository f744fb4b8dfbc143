"""One route's copies: what they may still cost, how many are under way, what they have come to."""

from __future__ import annotations

from router.dialects.contract import Call
from router.shadow.caps import Cap, Instances
from router.shadow.evidence import Evidence
from router.shadow.ledger import Ledger
from router.shadow.purse import Purse, Reserved
from router.shadow.terms import Terms

MOST_BEFORE = 4
"""Samples of what was compared before that are kept."""
UNBOUNDED_TIMES = 4
UNBOUNDED_LEAST = 1000
"""An answer that nobody bounds is expected to be at most so many times as long as production's, and
for so many tokens money is there in any case."""
MISJUDGED = 2
"""Times the estimate that an input may have, at worst, by another model's tokens."""


def likely_most(written: int | None) -> int:
    """The tokens of an answer at most that nobody bounds, where another's has `written` so many."""
    return max(UNBOUNDED_TIMES * (written or 0), UNBOUNDED_LEAST)


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
        self._rate = Cap(terms.shadow.rate, instances)
        self._purse = Purse(terms.model, terms.shadow.spend, instances, ledger)

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
        self._purse.renew(terms.shadow.spend)

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
        if self.left(now) == 0:
            return "spend"
        if self._rate.left(now) < 1:
            return "rate"
        return "concurrent" if self.running >= shadow.concurrent else ""

    def reserve(self, call: Call, written: int | None, now: float) -> Reserved | None:
        """Take what a copy of `call` may cost, where production has `written` so many tokens; None:
        it is more than there is.
        """
        reserved = self._purse.take(self._at_most(call, written), now)
        if reserved is not None:
            self._rate.take(1, now)
            self.running += 1
        return reserved

    def settle(self, reserved: Reserved, spent: int, now: float) -> None:
        """A copy is over, which has cost so many nano-dollars."""
        self.running -= 1
        self.evidence.spent += spent
        self.ever.spent += spent
        self._purse.settle(reserved, spent, now)

    def left(self, now: float) -> int | None:
        """Nano-dollars that may still be spent; None: any."""
        left = self._purse.left(now)
        return None if left is None else max(0, left)

    def _at_most(self, call: Call, written: int | None) -> int:
        price = self.terms.prices.get(self.terms.shadow.to)
        if price is None:
            return 0
        bounds = [one for one in (call.output_tokens, self.terms.output) if one is not None]
        most = min(bounds) * max(1, call.choices) if bounds else likely_most(written)
        return price.input * call.input_tokens * MISJUDGED + price.output * most
