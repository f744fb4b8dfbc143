"""Those who wait for a place: first come, first served, one queue per route.

Only the head may take what comes free; whoever leaves wakes the next. Newcomers stand behind
the queue, or a steady stream of them would starve it.
"""

from __future__ import annotations

from typing import Protocol

MOST_WAITING = 1000
"""Per route; one more is refused at once."""
LONGEST_WAIT = 10.0
"""Seconds that a request waits for a place before it is told when to come back: an interactive
caller does not wait longer.
"""


class Waiter(Protocol):
    """Whoever can be told to look again."""

    def wake(self) -> None:
        """Look again soon; must only schedule."""


class Queue:
    """The waiting courses of one route, oldest first."""

    __slots__ = ("_crowded", "_waiting")

    def __init__(self, crowded: set[Queue]) -> None:
        """`crowded` is the set of all queues in which somebody waits; this one keeps its place
        in it.
        """
        self._crowded = crowded
        self._waiting: dict[Waiter, None] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def ahead_of(self, waiter: Waiter) -> bool:
        """Whether somebody else stands at the head."""
        return bool(self._waiting) and next(iter(self._waiting)) is not waiter

    def join(self, waiter: Waiter) -> bool:
        """Stand at the end (or stay where one stands); False: the queue is full."""
        if waiter not in self._waiting and len(self._waiting) >= MOST_WAITING:
            return False
        self._waiting.setdefault(waiter)
        self._crowded.add(self)
        return True

    def leave(self, waiter: Waiter) -> None:
        """Go, served or not; the next one looks again."""
        if self._waiting.pop(waiter, self) is not None:
            return
        if self._waiting:
            self.wake()
        else:
            self._crowded.discard(self)

    def wake(self) -> None:
        """Something may have come free."""
        if self._waiting:
            next(iter(self._waiting)).wake()
