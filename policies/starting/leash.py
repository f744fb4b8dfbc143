"""How long somebody else's code may keep everybody waiting before it is not asked any more.

A synchronous call cannot be cut off: what it took is paid. So one overrun changes nothing, and
three within a minute switch it off for a while that doubles.
"""

from __future__ import annotations

LIMIT = 0.010
"""Seconds that one call may take. Usual requests are decided in 0.00002."""
OVERRUNS = 3
WITHIN = 60.0
"""Seconds in which so many overruns are too many."""
FIRST, LONGEST = 60.0, 3600.0
"""Seconds for which it is switched off: at first, and at most."""


class Overran(Exception):
    """Somebody's code took too long too often, and is not asked for a while."""

    def __init__(self, seconds: float, rest: float) -> None:
        super().__init__(
            f"it took {seconds * 1000:.0f} ms, {OVERRUNS} times within a minute more than "
            f"{LIMIT * 1000:.0f}: it is not asked for {rest:.0f} s"
        )


class Leash:
    """Of one piece of code. `now` is any clock that only goes forward, in seconds."""

    __slots__ = ("_overran", "_rest", "_until")

    def __init__(self) -> None:
        self._overran: list[float] = []
        self._rest = 0.0
        self._until = float("-inf")

    def away(self, now: float) -> bool:
        """Whether it is not to be asked."""
        return now < self._until

    def took(self, seconds: float, now: float) -> None:
        """A call took so long. Raises `Overran` where that switches it off."""
        if seconds <= LIMIT:
            return
        self._overran = [*(at for at in self._overran if now - at < WITHIN), now]
        if len(self._overran) < OVERRUNS:
            return
        # Who has behaved for as long as it was switched off begins anew.
        grown = 2 * self._rest if now < self._until + self._rest else 0.0
        self._rest = min(max(FIRST, grown), LONGEST)
        self._until, self._overran = now + self._rest, []
        raise Overran(seconds, self._rest)
