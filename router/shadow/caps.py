"""What copies may cost: so many in a while, and so much money in a while.

Money is reserved before a copy is sent and settled to what it came to, so that copies under way
count. An amount is divided evenly among a fleet's instances, and each keeps to its own part: so
together they never exceed it, and nobody has to be asked.
"""

from __future__ import annotations

from collections.abc import Callable

from policies.engine.limits.windows import HALF, MICROSECONDS, Window
from router.config import Rate

Instances = Callable[[], int]
"""How many instances copy requests of the same configuration, this one among them."""


class Cap:
    """At most `rate.amount` units in any `rate.seconds`, for all `instances` together."""

    def __init__(self, rate: Rate, instances: Instances) -> None:
        self.rate = rate
        self._instances = instances
        self._window = Window(rate.amount, rate.seconds)

    def left(self, now: float) -> int:
        """Units that may be taken; below 0: a debt."""
        taken = self.rate.amount - self._window.spare(_micro(now))
        return self.rate.amount // max(1, self._instances()) - taken

    def take(self, units: int, now: float) -> None:
        """Take so many."""
        self._window.take(units, _micro(now))

    def settle(self, units: int, taken: float, now: float) -> None:
        """Correct by so many what was taken at that instant."""
        self._window.correct(units, _micro(taken), _micro(now))

    def changed(self, rate: Rate) -> Cap:
        """The same with another rate; what was taken stays taken, where the time is the same."""
        if rate == self.rate:
            return self
        other = Cap(rate, self._instances)
        if rate.seconds == self.rate.seconds:
            other._window = self._window
            other._window.resize(rate.amount, 0)
        return other


def _micro(seconds: float) -> int:
    return int(seconds * MICROSECONDS + HALF)
