"""The retry budget: extra sends as a share of all requests, so that an outage is not
multiplied.

A cap on attempts per request multiplies load by that cap exactly when the provider can bear it
least; a budget is spent by the first requests of an outage and then lets the rest fail over
only as far as their number pays for (the bucket of Finagle's RetryBudget: a deposit per
request, a withdrawal per extra send). The floor keeps a lone user able to fail over.
"""

from __future__ import annotations

from typing import Final

CAP: Final = 20.0
"""Sends saved up at most."""
FLOOR: Final = 0.1
"""Sends per second that come in without any requests."""
SHARE: Final = 0.01
MOST: Final = 0.1
"""Of the requests, that may be sent to look; the second where few come."""
LEAST: Final = 1 / 60
"""Looks a second, within the second of those shares."""


class RetryBudget:
    """Extra sends that a route may still make. `requests` are those that came since the level was
    last worked out: hardly any needs it, so the engine only counts them.
    """

    __slots__ = ("_at", "_level", "ratio", "requests")

    def __init__(self, ratio: float, now: float) -> None:
        self.ratio = ratio
        self._level = CAP
        self._at = now
        self.requests = 0

    def withdraw(self, now: float) -> bool:
        """Pay for one extra send; False: there is nothing left to pay with."""
        if not self.can_pay(now):
            return False
        self._level -= 1.0
        return True

    def can_pay(self, now: float) -> bool:
        """Whether one extra send could be paid for now."""
        earned = self.requests * self.ratio
        self.requests = 0
        if now > self._at:
            earned += (now - self._at) * FLOOR
            self._at = now
        self._level = min(CAP, self._level + earned)
        return self._level >= 1.0


class Curiosity:
    """What a route may spend on seeing how targets are that nobody would send to: looks at those
    that were not measured for long, and second probes of those that were silent.
    """

    __slots__ = ("_asleep", "_at", "saved")

    def __init__(self, now: float) -> None:
        self.saved = 0.0
        self._at = self._asleep = now

    def is_due(self, now: float) -> bool:
        """Whether there is enough for a look, and may be somebody to look at."""
        return self.saved >= 1.0 and now >= self._asleep

    def sleep(self, until: float) -> None:
        """Nobody can have become worth a look before then."""
        self._asleep = until

    def deposit(self, now: float) -> None:
        """One request has come."""
        earned = (now - self._at) * LEAST
        self._at = now
        if earned < SHARE:
            earned = SHARE
        self.saved += earned if earned < MOST else MOST

    def spend(self) -> None:
        """It was spent; what could not be used before is not saved up."""
        self.saved = 0.0


class HedgeBudget:
    """Second tries that a route may make beside first ones that are late: `share` of its streamed
    requests. Where everything is late, a hedge only adds to the load: when the budget runs dry
    there are none until it is half full again.
    """

    __slots__ = ("_dry", "_level", "share")

    CAP = 10.0

    def __init__(self, share: float) -> None:
        self.share = share
        self._level = self.CAP
        self._dry = False

    def deposit(self) -> None:
        """One streamed request was sent."""
        self._level = min(self.CAP, self._level + self.share)
        if self._dry and self._level >= self.CAP / 2:
            self._dry = False

    def withdraw(self) -> bool:
        """Pay for one hedge; False: not now."""
        if self._dry:
            return False
        if self._level < 1.0:
            self._dry = True
            return False
        self._level -= 1.0
        return True
