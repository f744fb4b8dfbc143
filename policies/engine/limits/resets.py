"""A limit that starts anew at an instant of the calendar: a day's requests, from midnight to
midnight.

A provider that counts so gives back everything at once, and nothing before; a sliding window of a
day would leave a part of its limit unused after each midnight. When it resets is told from outside,
as an instant of the engine's clock: whoever knows of zones and calendars converts it, and says it
again when clocks are changed.
"""

from __future__ import annotations

from collections.abc import Sequence

from policies.engine.limits.windows import MICROSECONDS, Note


class Calendar:
    """At most `limit` units until it `resets` (an instant in seconds), and then from each reset to
    the next, `seconds` later. Units may be given back, or taken beyond the limit (a debt, which
    the reset forgives). Instants are in microseconds.
    """

    __slots__ = ("_begin", "_end", "_span", "_used", "limit")

    def __init__(self, limit: int, seconds: float, resets: float) -> None:
        if limit < 1 or seconds <= 0:
            raise ValueError(f"a limit of {limit} in {seconds} s must have both above 0")
        self.limit = limit
        self._span = max(1, round(seconds * MICROSECONDS))
        self._begin = -(1 << 62)  # before any instant
        self._end = round(resets * MICROSECONDS)
        self._used = 0

    def aim(self, resets: float) -> None:
        """It is known anew when it resets next. An instant near the one that was known is the same
        reset, moved by a change of clocks; one that lies half of the span later is the next, and
        the one that was known has passed.
        """
        end = round(resets * MICROSECONDS)
        if end - self._end >= self._span // 2:
            self._begin, self._used = self._end, 0
        self._end = end

    def spare(self, now: int) -> int:
        """Units that are left until it resets; below 0: a debt."""
        if now >= self._end:
            self._end += ((now - self._end) // self._span + 1) * self._span
            self._begin = self._end - self._span
            self._used = 0
        return self.limit - self._used

    def fits(self, need: int, now: int) -> bool:
        """Whether `need` units may be taken at `now`; more than the limit only when nothing is
        taken, since otherwise they never could.
        """
        left = self.spare(now)
        return left >= need or left >= self.limit

    def take(self, units: int, now: int) -> None:
        """Take `units`, whether they fit or not."""
        self.correct(units, now, now)

    def correct(self, units: int, taken: int, now: int) -> None:
        """Add `units` (negative: give back) to what was taken at the instant `taken`. What was
        taken before the last reset can no longer be given back; a debt counts from now.
        """
        self.spare(now)
        if units > 0 or taken >= self._begin:
            self._used += units

    def resize(self, limit: int, now: int) -> None:
        """Allow `limit` units, at least one, from `now` on; what was taken stays taken."""
        self.limit = limit

    def taken(self, now: int) -> list[tuple[int, int]]:
        """What was taken since the last reset: 0 microseconds ago, and how many units."""
        self.spare(now)
        return [(0, self._used)] if self._used > 0 else []

    def read(self, notes: Sequence[Note], of: int) -> None:
        """Take, and correct, as these notes say; `of` is what it counts of them."""
        for note in notes:
            self.correct(note[of], note[0], note[1])

    def returns(self, now: int) -> tuple[int, int]:
        """See `Window.returns`."""
        until = self._end - now if self.spare(now) < self.limit else 0
        return until, until

    def wait(self, need: int, now: int) -> int:
        """Microseconds from `now` until `need` units will fit if nothing else is taken; 0: they
        fit.
        """
        return 0 if self.fits(need, now) else self._end - now
