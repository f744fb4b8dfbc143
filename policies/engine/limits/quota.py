"""What a target, or a group of targets, may still be sent: the local half of quota.

A reservation is taken before sending, over requests, tokens, those of input and output alone, and
places at once, all or none; it is settled to what was really used when the attempt ends. Between
the two the estimate counts.

Whether one more fits is asked far more often than anything is taken, so what is left is known
without looking at a clock: time only adds to it, so what was left at the last look, less what was
taken since, is a lower bound. Only where it is too small is a look needed, and until then what was
taken is only noted: the windows read many notes at once in less time than they need for each alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from policies.engine.limits.counting import Need
from policies.engine.limits.resets import Calendar
from policies.engine.limits.windows import (
    HALF,
    INPUT,
    MICROSECONDS,
    OUTPUT,
    REQUESTS,
    TOKENS,
    Note,
    Slices,
    Window,
)
from policies.engine.refusal import NEVER, Refusal, Refused
from policies.engine.route import Limits, Rate

MOST_NOTES = 100
"""Read at the latest when there are so many."""

Windows = Window | Slices | Calendar


class Room(NamedTuple):
    """What is left, infinite where nothing bounds it."""

    requests: float
    tokens: float
    places: float
    input: float
    output: float


class Quota:
    """The windows and places behind one `Limits`.

    One more request fits for certain while it needs at most `sure` tokens of any kind:
    `spare_tokens`, the least that any limit on tokens has, or none (-1) where `in_flight` has
    reached `ceiling` or `spare_requests` is below 1; else `refused` knows.
    """

    __slots__ = (
        "_at", "_by_kind", "_notes", "_requests", "_tokens", "ceiling", "in_flight", "limits",
        "spare_requests", "spare_tokens", "sure",
    )  # fmt: skip

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.ceiling: float = NEVER if limits.concurrent is None else limits.concurrent
        self.in_flight = 0
        self._requests = [_window(rate) for rate in limits.requests]
        kinds = (limits.tokens, TOKENS), (limits.input, INPUT), (limits.output, OUTPUT)
        self._tokens = [(_window(rate), kind) for rates, kind in kinds for rate in rates]
        self._by_kind = bool(limits.input or limits.output)
        self._notes: list[Note] = []
        self._at = -(1 << 62)  # before any instant
        self.spare_requests: float = 0 if self._requests else NEVER
        self.spare_tokens: float = 0 if self._tokens else NEVER
        self.sure = self._sum_up()

    def refused(self, need: Need, now: float) -> Refused | None:
        """Why one more request that needs so much does not fit, or None."""
        if self.in_flight >= self.ceiling:
            return Refused(Refusal.BUSY)
        if self.sure >= max(need):
            return None
        at = self._look(now)
        wait = 0
        for window in self._requests:
            wait = max(wait, window.wait(1, at))
        for window, kind in self._tokens:
            wait = max(wait, window.wait(need[kind - TOKENS], at))
        return Refused(Refusal.LIMITED, (at + wait) / MICROSECONDS) if wait else None

    def take(self, note: Note) -> None:
        """Reserve what a `reservation` says."""
        at, tokens = note[1], note[3]
        if at >= self._at:
            self._at = at
        else:
            # A clock that steps back stands still here.
            note = self._at, self._at, 1, tokens, note[4], note[5]
        if self._by_kind:
            tokens = max(note[TOKENS:])
        self._notes.append(note)
        self.in_flight += 1
        self.spare_requests -= 1
        self.spare_tokens = spare = self.spare_tokens - tokens
        full = self.in_flight >= self.ceiling or self.spare_requests < 1
        self.sure = -1 if full else spare

    def settle(self, note: Note) -> None:
        """End a reservation as its `correction` or its `refund` says."""
        at, more = note[1], note[3]
        if at >= self._at:
            self._at = at
        else:
            note = note[0], self._at, note[2], more, note[4], note[5]
        if self._by_kind:
            more = max(note[TOKENS:])
        self._notes.append(note)
        self.in_flight -= 1
        if more > 0:
            self.spare_tokens -= more
        if more > 0 or self.sure < 0:
            self.sure = self._sum_up()
        if len(self._notes) >= MOST_NOTES:
            self._read()

    def lower(self, requests: int | None, tokens: int | None, now: float) -> None:
        """Let at most this much remain now: what the provider says is left, when that is less
        than we thought. Never raises. It does not say of which of its windows it speaks; the
        shortest is the one that a mistake blocks for the shortest time.
        """
        at = self._look(now)
        both = [window for window, kind in self._tokens if kind == TOKENS]
        for windows, remaining in ((self._requests, requests), (both, tokens)):
            if windows and remaining is not None and remaining >= 0:
                window = min(windows, key=lambda window: window.seconds)
                excess = window.spare(at) - remaining
                if excess > 0:
                    window.take(excess, at)
        self._look(now)

    def room(self, now: float) -> Room:
        """What is left now."""
        at = self._look(now)
        tokens, read, written = (
            min([window.spare(at) for window, of in self._tokens if of == kind], default=NEVER)
            for kind in (TOKENS, INPUT, OUTPUT)
        )
        places = self.ceiling - self.in_flight
        return Room(self.spare_requests, tokens, places, read, written)

    def pace(self, need: Need, held: float | None) -> float | None:
        """Requests a second, of so many tokens each, that it lets through in the long run while
        each holds its place for `held` seconds; None: unknown, infinite: nothing bounds them.
        """
        most = NEVER
        if self.ceiling < NEVER:
            if not held:
                return None
            most = self.ceiling / held
        limits = self.limits
        kinds = limits.requests, limits.tokens, limits.input, limits.output
        for units, rates in zip((1, *need), kinds, strict=True):
            for rate in rates if units else ():
                if rate.resets is None:  # what starts anew lets all through at once
                    most = min(most, rate.amount / rate.seconds / units)
        return most

    def takes(self, limits: Limits) -> bool:
        """Whether `limits` are its own, but for the instants at which some start anew: those are
        now known as they say.
        """
        if _aimless(limits) != _aimless(self.limits):
            return False
        self.limits = limits
        self._read()
        windows = [*self._requests, *(window for window, _ in self._tokens)]
        rates = (*limits.requests, *limits.tokens, *limits.input, *limits.output)
        for window, rate in zip(windows, rates, strict=True):
            if isinstance(window, Calendar) and rate.resets is not None:
                window.aim(rate.resets)
        return True

    def _look(self, now: float) -> int:
        """What is left at `now`, exactly; returns it in microseconds."""
        at = int(now * MICROSECONDS + HALF)
        self._read()
        if self._requests:
            self.spare_requests = min([window.spare(at) for window in self._requests])
        if self._tokens:
            self.spare_tokens = min([window.spare(at) for window, _ in self._tokens])
        self.sure = self._sum_up()
        return at

    def _read(self) -> None:
        """Let the windows read what was noted."""
        if self._notes:
            for window in self._requests:
                window.read(self._notes, REQUESTS)
            for window, kind in self._tokens:
                window.read(self._notes, kind)
            self._notes.clear()

    def _sum_up(self) -> float:
        if self.in_flight >= self.ceiling or self.spare_requests < 1:
            return -1
        return self.spare_tokens


def reservation(need: Need, now: float) -> Note:
    """One request that needs so much, for every quota that binds it."""
    at = int(now * MICROSECONDS + HALF)
    tokens, read, written = need
    return at, at, 1, tokens, read, written


def refund(reserved: Note, now: float) -> Note:
    """What settles a reservation of which nothing was sent."""
    taken, _, _, tokens, read, written = reserved
    return taken, int(now * MICROSECONDS + HALF), -1, -tokens, -read, -written


def refitted(quota: Quota, limits: Limits) -> Quota:
    """The quota of `limits`: this one, if they are as they were, and then it goes on counting."""
    return quota if quota.takes(limits) else Quota(limits)


def _window(rate: Rate) -> Windows:
    if rate.resets is not None:
        return Calendar(rate.amount, rate.seconds, rate.resets)
    if rate.slice is None:
        return Window(rate.amount, rate.seconds)
    return Slices(rate.amount, rate.seconds, rate.slice)


def _aimless(limits: Limits) -> tuple[object, ...]:
    def rates(given: Sequence[Rate]) -> list[Rate]:
        return [rate if rate.resets is None else replace(rate, resets=0.0) for rate in given]

    return (
        rates(limits.requests),
        rates(limits.tokens),
        rates(limits.input),
        rates(limits.output),
        limits.concurrent,
    )
