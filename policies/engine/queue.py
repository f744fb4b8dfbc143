"""Those who wait for a place: first come, first served, one queue per route.

A place that comes free belongs to the oldest who can use it, so newcomers stand behind the queue,
or a steady stream of them would starve it. But whoever waits for one target must not keep the
others idle: a waiter names the targets that could serve it, those who name the same ones stand
in one line, and only what somebody older waits for is out of reach.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Protocol

MOST_WAITING = 1000
"""Per route; one more is refused at once."""
LONGEST_WAIT = 10.0
"""Seconds that a request waits for a place before it is told when to come back: an interactive
caller does not wait longer.
"""
NOTHING: frozenset[str] = frozenset()


class Waiter(Protocol):
    """Whoever can be told to look again."""

    def wake(self) -> None:
        """Look again soon; must only schedule."""


class Queue:
    """The waiting courses of one route, oldest first."""

    __slots__ = ("_crowded", "_lines", "_tickets", "_waiting")

    def __init__(self, crowded: dict[Queue, None]) -> None:
        """`crowded` holds all queues in which somebody waits; this one keeps its place in it."""
        self._crowded = crowded
        self._waiting: dict[Waiter, frozenset[str]] = {}
        self._lines: dict[frozenset[str], dict[Waiter, int]] = {}
        self._tickets = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def promised(self, waiter: Waiter) -> AbstractSet[str]:
        """The targets that somebody who came before `waiter` waits for."""
        if not self._waiting:
            return NOTHING
        targets = self._waiting.get(waiter)
        ticket = self._tickets if targets is None else self._lines[targets][waiter]
        promised: set[str] = set()
        for wanted, line in self._lines.items():
            if next(iter(line.values())) < ticket:
                promised |= wanted
        return promised

    def join(self, waiter: Waiter, targets: frozenset[str]) -> bool:
        """Wait for one of `targets` at the end (or stay where one stands); False: the queue is
        full.
        """
        if waiter in self._waiting:
            return True
        if len(self._waiting) >= MOST_WAITING:
            return False
        self._waiting[waiter] = targets
        self._lines.setdefault(targets, {})[waiter] = self._tickets
        self._tickets += 1
        self._crowded[self] = None
        return True

    def leave(self, waiter: Waiter) -> None:
        """Go, served or not; the next ones look again."""
        targets = self._waiting.pop(waiter, None)
        if targets is None:
            return
        line = self._lines[targets]
        del line[waiter], self._crowded[self]
        if not line:
            del self._lines[targets]
        if self._waiting:
            # At the end of the crowded: routes that wait for the same provider take turns.
            self._crowded[self] = None
            self.wake()

    def wake(self) -> None:
        """Something may have come free: the head of every line looks again."""
        for line in list(self._lines.values()):
            next(iter(line)).wake()
