"""Availability: how far a target's recent failures leave it usable, as a number for ranking and
for people.

Evidence fades by time (half-life 30 s), never by count, so a quiet target is not judged by last
hour's traffic. A prior of five outcomes at the target's own usual failure rate keeps one
failure from reading as 100 %. Ejecting is not done here: that is the breaker's, which looks at
outcomes one by one.
"""

from __future__ import annotations

from typing import Final

HALF_LIFE: Final = 30.0
PRIOR: Final = 5.0
LEAST_USUAL: Final = 0.01
MOST_USUAL: Final = 0.05
"""The usual failure rate is learned only while healthy and stays inside these, or an hour of
sickness would be learned as normal.
"""
LEARNING: Final = 1 / 500
STEP: Final = 1.0
"""Seconds; outcomes that are closer count as if they came at once, which errs by 2 %."""
NEGLIGIBLE: Final = 0.01
"""A faded count below this says nothing."""
GOOD: Final = 0.02
USELESS: Final = 0.5
"""Failure shares at which availability is 1 and 0."""


class Evidence:
    """Fading counts of good and bad outcomes."""

    __slots__ = ("_at", "_good", "_usual", "bad")

    def __init__(self, now: float) -> None:
        self._good = 0.0
        self.bad = 0.0
        self._at = now
        self._usual = LEAST_USUAL

    @property
    def usual(self) -> float:
        """The failure rate while healthy, p0."""
        return min(MOST_USUAL, max(LEAST_USUAL, self._usual))

    def record(self, *, bad: bool, healthy: bool, now: float) -> None:
        """One outcome; `healthy`: the target was not ejected or recovering."""
        if now - self._at > STEP:
            fade = 0.5 ** ((now - self._at) / HALF_LIFE)
            self._at = now
            self._good *= fade
            self.bad *= fade
        if bad:
            self.bad += 1.0
        else:
            self._good += 1.0
        if healthy:
            self._usual += (bad - self._usual) * LEARNING

    def failing(self, now: float) -> float:
        """The share of failures expected of the next request."""
        fade = self._fade(now)
        good, bad = self._good * fade, self.bad * fade
        return (bad + PRIOR * self.usual) / (good + bad + PRIOR)

    def availability(self, now: float) -> float:
        """A in [0, 1]."""
        if self.bad < NEGLIGIBLE:
            return 1.0
        return min(1.0, max(0.0, 1.0 - (self.failing(now) - GOOD) / (USELESS - GOOD)))

    def throttled_share(self, now: float) -> float:
        """Share of requests to hold back from an ejected target so that it gets about twice what it
        accepts: max(0, (n - 2·good) / (n + 1)) (Site Reliability Engineering, ch. 21).
        """
        fade = self._fade(now)
        good, bad = self._good * fade, self.bad * fade
        return max(0.0, (bad - good) / (good + bad + 1.0))

    def _fade(self, now: float) -> float:
        elapsed = now - self._at
        return float(0.5 ** (elapsed / HALF_LIFE)) if elapsed > 0 else 1.0
