"""What is asked beside requests may cost so much: reserved before, settled after, and kept over a
restart.

An instance keeps to its even part, and to no more than is left of all that was spent before it
began, or is known of others.
"""

from __future__ import annotations

from typing import NamedTuple

from router.config import Rate
from router.shadow.caps import Cap, Instances
from router.shadow.ledger import HOUR, Ledger


class Reserved(NamedTuple):
    """Nano-dollars that may be needed, taken of `cap` (None: nothing bounds them)."""

    need: int
    at: float
    cap: Cap | None


class Purse:
    """At most `rate` (None: anything), of which `ledger` knows what was spent under this `name`
    (None: a restart forgets it). Amounts are in nano-dollars.
    """

    def __init__(
        self, name: str, rate: Rate | None, instances: Instances, ledger: Ledger | None
    ) -> None:
        self._name, self._instances, self._ledger = name, instances, ledger
        self._cap = None if rate is None else Cap(rate, instances)
        self._reserved = 0

    @property
    def bounded(self) -> bool:
        """Whether it may not cost anything."""
        return self._cap is not None

    def renew(self, rate: Rate | None) -> None:
        """Go on with another rate; what was taken counts on."""
        if rate is None or self._cap is None:
            self._cap = None if rate is None else Cap(rate, self._instances)
        else:
            self._cap = self._cap.changed(rate)

    def left(self, now: float) -> int | None:
        """What may still be spent; below 0: a debt; None: anything."""
        if self._cap is None:
            return None
        left, rate = self._cap.left(now), self._cap.rate
        if self._ledger is None or rate.seconds < HOUR:
            return left
        spent = self._ledger.within(self._name, rate.seconds) + self._reserved
        return min(left, rate.amount - spent)

    def take(self, need: int, now: float) -> Reserved | None:
        """Reserve so much; None: it is more than there is."""
        left = self.left(now)
        if left is not None and need > left:
            return None
        if self._cap is not None:
            self._cap.take(need, now)
        self._reserved += need
        return Reserved(need, now, self._cap)

    def settle(self, reserved: Reserved, spent: int, now: float) -> None:
        """It has cost so much."""
        self._reserved -= reserved.need
        if self._ledger is not None:
            self._ledger.add(self._name, spent)
        if reserved.cap is not None:
            reserved.cap.settle(spent - reserved.need, reserved.at, now)
