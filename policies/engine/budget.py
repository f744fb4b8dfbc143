"""The retry budget: extra sends as a share of all requests, so that an outage is not
multiplied.

A cap on attempts per request multiplies load by that cap exactly when the provider can bear it
least; a budget is spent by the first requests of an outage and then lets the rest fail over
only as far as their number pays for (the bucket of Finagle's RetryBudget: a deposit per
request, a withdrawal per extra send). The floor keeps a lone user able to fail over.
"""

from __future__ import annotations

CAP = 20.0
"""Sends saved up at most."""
FLOOR = 0.2
"""Sends per second that come in without any requests."""


class RetryBudget:
    """Extra sends that a route may still make."""

    __slots__ = ("_at", "_level", "ratio")

    def __init__(self, ratio: float, now: float) -> None:
        self.ratio = ratio
        self._level = CAP
        self._at = now

    def deposit(self, now: float) -> None:
        """One request has come."""
        self._grow(now)
        level = self._level + self.ratio
        self._level = level if level < CAP else CAP

    def withdraw(self, now: float) -> bool:
        """Pay for one extra send; False: there is nothing left to pay with."""
        self._grow(now)
        if self._level < 1.0:
            return False
        self._level -= 1.0
        return True

    def _grow(self, now: float) -> None:
        if now > self._at:
            self._level = min(CAP, self._level + (now - self._at) * FLOOR)
            self._at = now
