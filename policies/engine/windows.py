"""A rate limit as a sliding window of sixty cells: the whole amount may come at once, and never
more.

A fixed minute admits twice the limit across its boundary; a leaking bucket that allows the
whole minute at once admits it too. Sixty cells forget the past a sixtieth at a time. The window
sums one cell more than its span, so that no real span ever holds more than the limit; the price
is that a unit is forgotten up to a sixtieth of the span late. Everything is an integer
(microseconds and units), so that the same arithmetic can run elsewhere and be compared answer
by answer.
"""

from __future__ import annotations

CELLS = 60
MICROSECONDS = 1_000_000


class Window:
    """At most `limit` units in any span. Units may be given back, or taken beyond the limit (a
    debt).
    """

    __slots__ = ("_cell", "_head", "_ring", "_sum", "limit", "seconds")

    def __init__(self, limit: int, seconds: float) -> None:
        if limit < 1 or seconds <= 0:
            raise ValueError(f"a limit of {limit} in {seconds} s must have both above 0")
        self.limit = limit
        self.seconds = seconds
        self._cell = max(1, round(seconds * MICROSECONDS) // CELLS)
        self._ring = [0] * (CELLS + 1)
        self._head = -(1 << 62)  # before any instant
        self._sum = 0

    def used(self, now: int) -> int:
        """Units in the window that ends at `now` (microseconds)."""
        self._advance(now)
        return self._sum

    def fits(self, need: int, now: int) -> bool:
        """Whether `need` units may be taken at `now`; more than the limit only when the window
        is empty, since otherwise they never could.
        """
        if self._sum + need <= self.limit:
            # Time only takes from the sum, so this needs no look at the clock.
            return True
        self._advance(now)
        return self._sum <= 0 or self._sum + need <= self.limit

    def take(self, units: int, now: int) -> int:
        """Take `units`, whether they fit or not; returns the cell, for `correct`."""
        self._advance(now)
        self._ring[self._head % (CELLS + 1)] += units
        self._sum += units
        return self._head

    def correct(self, units: int, cell: int, now: int) -> None:
        """Add `units` (negative: give back) to what was taken in `cell`. What has left the
        window by now can no longer be given back; a debt counts from now.
        """
        self._advance(now)
        if cell <= self._head - CELLS - 1:
            if units <= 0:
                return
            cell = self._head
        self._ring[cell % (CELLS + 1)] += units
        self._sum += units

    def wait(self, need: int, now: int) -> int:
        """Microseconds from `now` until `need` units will fit if nothing else is taken; 0: they
        fit.
        """
        if self.fits(need, now):
            return 0
        excess = self._sum if need > self.limit else self._sum + need - self.limit
        for age in range(CELLS, -1, -1):
            excess -= self._ring[(self._head - age) % (CELLS + 1)]
            if excess <= 0:
                return (self._head - age + CELLS + 1) * self._cell - now
        return (CELLS + 1) * self._cell

    def _advance(self, now: int) -> None:
        cell = now // self._cell
        steps = cell - self._head
        if steps <= 0:
            return
        if steps > CELLS:
            self._ring = [0] * (CELLS + 1)
            self._sum = 0
        elif self._sum:
            for passed in range(self._head + 1, cell + 1):
                index = passed % (CELLS + 1)
                self._sum -= self._ring[index]
                self._ring[index] = 0
        self._head = cell
