"""What copies may cost: so many in a while, and so much money in a while.

Money is reserved before a copy is sent and settled to what it came to, so that copies under way
count. An amount is spread over a fleet's instances: each keeps to its own part.
"""

from __future__ import annotations

from collections.abc import Callable

from policies.engine.limits.windows import HALF, MICROSECONDS, Window
from router.config import Rate

Part = Callable[[str, int], int]
"""How much of an amount, by the name of what it bounds, is this instance's."""


def all_of_it(_name: str, amount: int) -> int:
    """The part of who stands alone."""
    return amount


class Cap:
    """At most `rate.amount` units in any `rate.seconds`, and of those the `part` that is this
    instance's; `name` is whose they are.
    """

    def __init__(self, name: str, rate: Rate, part: Part) -> None:
        self._name, self._part = name, part
        self.rate = rate
        self._window = Window(rate.amount, rate.seconds)

    def left(self, now: float) -> int:
        """Units that may be taken; below 0: a debt."""
        amount = self.rate.amount
        taken = amount - self._window.spare(_micro(now))
        return self._part(self._name, amount) - taken

    def take(self, units: int, now: float) -> None:
        """Take so many."""
        self._window.take(units, _micro(now))

    def settle(self, units: int, taken: float, now: float) -> None:
        """Correct by so many what was taken at that instant."""
        self._window.correct(units, _micro(taken), _micro(now))

    def changed(self, rate: Rate) -> Cap:
        """The same with another amount, and what was taken so far, where the time is the same."""
        if rate == self.rate:
            return self
        other = Cap(self._name, rate, self._part)
        if rate.seconds == self.rate.seconds:
            other._window = self._window
            other._window.resize(rate.amount, 0)
        return other


def _micro(seconds: float) -> int:
    return int(seconds * MICROSECONDS + HALF)
