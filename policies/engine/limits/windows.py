"""A rate limit as a sliding window of sixty cells: the whole amount may come at once, and never
more. Beside it, a limit that is counted in slices.

A fixed minute admits twice the limit across its boundary; a leaking bucket that allows the
whole minute at once admits it too. Sixty cells forget the past a sixtieth at a time. The window
sums one cell more than its span, so that no real span ever holds more than the limit; the price
is that a unit is forgotten up to a sixtieth of the span late. Everything is an integer
(microseconds and units), so that the same arithmetic can run elsewhere and be compared answer
by answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from typing import Final

CELLS: Final = 60
RING: Final = CELLS + 1
AGES: Final = range(RING)
MICROSECONDS: Final = 1_000_000
HALF: Final = 0.5
"""Instants are rounded to the nearest microsecond, so that one that was named is met exactly."""

Note = tuple[int, ...]
"""Six: the instant from which it counts, the one at which it was noted (the same where it is taken,
a later one where that is corrected), how many requests, how many tokens, and of input and output.
A tuple whose length its type says is, compiled, made anew for each look at a part of it.
"""
REQUESTS: Final = 2
TOKENS: Final = 3
INPUT: Final = 4
OUTPUT: Final = 5
"""What a window counts: where it stands in a note."""


class Window:
    """At most `limit` units in any span. Units may be given back, or taken beyond the limit (a
    debt). Instants are in microseconds.
    """

    __slots__ = ("_cell", "_head", "_next", "_ring", "_sum", "limit", "seconds")

    def __init__(self, limit: int, seconds: float) -> None:
        if limit < 1 or seconds <= 0:
            raise ValueError(f"a limit of {limit} in {seconds} s must have both above 0")
        self.limit = limit
        self.seconds = seconds
        self._cell = max(1, round(seconds * MICROSECONDS) // CELLS)
        self._ring = [0] * RING
        self._head = self._next = -(1 << 62)  # before any instant
        self._sum = 0

    def spare(self, now: int) -> int:
        """Units that are left in the window that ends at `now`; below 0: a debt."""
        if now >= self._next:
            self._advance(now // self._cell)
        return self.limit - self._sum

    def fits(self, need: int, now: int) -> bool:
        """Whether `need` units may be taken at `now`; more than the limit only when the window
        is empty, since otherwise they never could.
        """
        left = self.spare(now)
        return left >= need or left >= self.limit

    def take(self, units: int, now: int) -> None:
        """Take `units`, whether they fit or not."""
        self.read([(now, now, units, 0, 0, 0)], REQUESTS)

    def correct(self, units: int, taken: int, now: int) -> None:
        """Add `units` (negative: give back) to what was taken at the instant `taken`. What has
        left the window by now can no longer be given back; a debt counts from now.
        """
        self.read([(taken, now, units, 0, 0, 0)], REQUESTS)

    def read(self, notes: Sequence[Note], of: int) -> None:
        """Take, and correct, as these notes say; `of` is what it counts of them, and the last was
        noted last.
        """
        latest = notes[-1][1]
        if latest >= self._next:
            self._advance(latest // self._cell)
        width, ring, gone, total = self._cell, self._ring, self._head - RING, 0
        if min(notes)[0] // width == self._head:
            # All were taken within the last cell: they count there, whatever they corrected.
            total = sum([note[of] for note in notes])
            ring[self._head % RING] += total
            self._sum += total
            return
        for note in notes:
            units = note[of]
            if not units:
                continue
            cell = note[0] // width
            if cell <= gone:
                # Out of the window now; what was a debt when it was noted counts from then.
                if units <= 0 or cell > note[1] // width - RING:
                    continue
                cell = note[1] // width
                if cell <= gone:
                    continue
            ring[cell % RING] += units
            total += units
        self._sum += total

    def resize(self, limit: int, now: int) -> None:
        """Allow `limit` units, at least one, from `now` on; what was taken stays taken."""
        self.limit = limit

    def taken(self, now: int) -> list[tuple[int, int]]:
        """What was taken and still counts: how many microseconds ago the cell began in which it
        counts, and how many units.
        """
        self.spare(now)
        cells = [self._head - age for age in range(RING)]
        return [
            (max(0, now - cell * self._cell), units)
            for cell in cells
            if (units := self._ring[cell % RING])
        ]

    def wait(self, need: int, now: int) -> int:
        """Microseconds from `now` until `need` units will fit if nothing else is taken; 0: they
        fit.
        """
        if self.fits(need, now):
            return 0
        excess = self._sum if need > self.limit else self._sum + need - self.limit
        for age in range(CELLS, -1, -1):
            excess -= self._ring[(self._head - age) % RING]
            if excess <= 0:
                return (self._head - age + RING) * self._cell - now
        return RING * self._cell

    def returns(self, now: int) -> tuple[int, int]:
        """Microseconds from `now` until more is left than now, and until everything is; 0: it is
        already.
        """
        if self.spare(now) == self.limit:
            return 0, 0
        newest = self._head % RING
        aged = self._ring[newest + 1 :] + self._ring[: newest + 1]
        first = self._head + 1 + next(compress(AGES, aged))
        last = self._head + RING - next(compress(AGES, reversed(aged)))
        return first * self._cell - now, last * self._cell - now

    def _advance(self, cell: int) -> None:
        if cell - self._head > CELLS:
            self._ring = [0] * RING
            self._sum = 0
        elif self._sum:
            for passed in range(self._head + 1, cell + 1):
                index = passed % RING
                self._sum -= self._ring[index]
                self._ring[index] = 0
        self._head = cell
        self._next = (cell + 1) * self._cell


class Slices:
    """At most `limit` units in `seconds`, and of those only the share of one `slice` (seconds; at
    least one unit) at once: for a provider that enforces a minute's limit second by second.

    The generic cell rate algorithm, as a virtual schedule (ITU-T I.371, annex A): `_free` is the
    theoretical arrival time, at which all that was taken will have drained at the limit's pace,
    and it may lie one slice ahead. Any span holds what its length allows at that pace and one
    slice's share more. Units may be given back, or taken beyond the share (a debt). Costs are
    rounded up to a microsecond. Instants are in microseconds.
    """

    __slots__ = ("_busy", "_free", "_pace", "_slice", "_span", "limit", "seconds")

    def __init__(self, limit: int, seconds: float, slice_: float) -> None:
        if limit < 1 or seconds <= 0 or slice_ <= 0:
            raise ValueError(f"{limit} in {seconds} s by {slice_} s must all be above 0")
        self.limit = limit
        self.seconds = seconds
        self._span = max(1, round(seconds * MICROSECONDS))
        self._pace = round(slice_ * MICROSECONDS)
        self._slice = max(self._pace, self._cost(1))
        self._free = self._busy = -(1 << 62)  # before any instant

    def spare(self, now: int) -> int:
        """Units that may be taken at `now`; below 0: a debt."""
        ahead = self._free - now
        return (self._slice - (ahead if ahead > 0 else 0)) * self.limit // self._span

    def fits(self, need: int, now: int) -> bool:
        """Whether `need` units may be taken at `now`; more than the share only when everything
        has drained, since otherwise they never could.
        """
        return self._free <= now or self.spare(now) >= need

    def take(self, units: int, now: int) -> None:
        """Take `units`, whether they fit or not."""
        if self._free <= now:
            self._free = self._busy = now
        self._free += self._cost(units)

    def correct(self, units: int, taken: int, now: int) -> None:
        """Add `units` (negative: give back) to what was taken at the instant `taken`. What had
        drained before can no longer be given back; a debt counts from now.
        """
        if units > 0:
            self.take(units, now)
        elif taken >= self._busy:
            self._free += self._cost(units)

    def read(self, notes: Sequence[Note], of: int) -> None:
        """Take, and correct, as these notes say; `of` is what it counts of them, and the last was
        noted last.
        """
        for note in notes:
            taken, now, units = note[0], note[1], note[of]
            if taken == now and units > 0:
                self.take(units, now)
            else:
                self.correct(units, taken, now)

    def resize(self, limit: int, now: int) -> None:
        """Allow `limit` units, at least one, from `now` on; what was taken stays taken."""
        if self._free > now:
            self._free = now - -(self._free - now) * self.limit // limit
        self.limit = limit
        self._slice = max(self._pace, self._cost(1))

    def taken(self, now: int) -> list[tuple[int, int]]:
        """What was taken and has not drained: 0 microseconds ago, and how many units."""
        ahead = self._free - now
        return [(0, -(-ahead * self.limit // self._span))] if ahead > 0 else []

    def wait(self, need: int, now: int) -> int:
        """Microseconds from `now` until `need` units will fit if nothing else is taken; 0: they
        fit.
        """
        if self.fits(need, now):
            return 0
        ahead = self._free - now
        return min(ahead, ahead + self._cost(need) - self._slice)

    def returns(self, now: int) -> tuple[int, int]:
        """See `Window.returns`."""
        ahead = max(0, self._free - now)
        more = ahead + self._cost(self.spare(now) + 1) - self._slice
        return min(ahead, max(0, more)), ahead

    def _cost(self, units: int) -> int:
        """Microseconds that `units` take to drain."""
        return -(-units * self._span // self.limit)
