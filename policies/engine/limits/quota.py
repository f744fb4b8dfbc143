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

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from policies.engine.limits.counting import Need
from policies.engine.limits.headroom import Measured, Measurement
from policies.engine.limits.keeping import Windows, kinds_of, refitted, window_of
from policies.engine.limits.levels import Levels
from policies.engine.limits.resets import Calendar
from policies.engine.limits.windows import (
    HALF,
    INPUT,
    MICROSECONDS,
    OUTPUT,
    REQUESTS,
    TOKENS,
    Note,
)
from policies.engine.refusal import NEVER, Refusal, Refused
from policies.engine.route import Limits, Rate

MOST_NOTES: Final = 100
"""Read at the latest when there are so many."""


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
    reached `ceiling` or `spare_requests` is below 1; else `refused` knows. `said` is what its
    provider says is left, beside our windows; None: it never did. A `ceiling` of 0: nothing is
    allowed.
    """

    __slots__ = (
        "_at", "_by_kind", "_notes", "_requests", "_tokens", "ceiling", "in_flight", "limits",
        "said",
        "spare_requests", "spare_tokens", "sure",
    )  # fmt: skip

    def __init__(self, limits: Limits, said: Levels | None = None) -> None:
        self.limits = limits
        self.said = said
        self.ceiling: float = NEVER if limits.concurrent is None else limits.concurrent
        self.in_flight = 0
        self._requests = [window_of(rate) for rate in limits.requests]
        self._tokens = [
            (window_of(rate), kind) for rates, kind in kinds_of(limits) for rate in rates
        ]
        self._by_kind = bool(limits.input or limits.output)
        self._notes: list[Note] = []
        self._at = -(1 << 62)  # before any instant
        self.spare_requests: float = 0 if self._requests else NEVER
        self.spare_tokens: float = 0 if self._tokens else NEVER
        self.sure = self._sum_up()

    def refused(self, need: Need, now: float) -> Refused | None:
        """Why one more request that needs so much does not fit, or None."""
        if self.in_flight >= self.ceiling:
            return Refused(Refusal.BUSY if self.ceiling else Refusal.LIMITED)
        if self.sure >= max(need):
            return None
        at = self._look(now)
        wait = 0
        for window in self._requests:
            wait = max(wait, window.wait(1, at))
        for window, kind in self._tokens:
            wait = max(wait, window.wait(need[kind - TOKENS], at))
        if self.said is not None:
            wait = max(wait, self.said.wait(need, at))
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
        if self.said is not None:
            self.said.take(note)
            self.sure = min(self.sure, self.said.sure)

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
        if self.said is not None:
            self.said.correct(note)
        if more > 0 or self.sure < 0:
            self.sure = self._sum_up()
        if len(self._notes) >= MOST_NOTES:
            self._read()

    def observe(self, told: Measurement, sent: float, now: float) -> list[Measured]:
        """See `Levels.observe`. Raises ValueError where nothing was ever `said`."""
        if self.said is None:
            raise ValueError("nobody listens to what a provider says of this quota")
        apart = self.said.observe(told, self.limits, sent, now)
        self._look(now)
        return apart

    def throttled(self, taken: Note, sent: float, now: float) -> None:
        """See `Levels.throttled`."""
        if self.said is not None:
            self.said.throttled(taken, sent, now)
            self._look(now)

    def room(self, now: float) -> Room:
        """What is left now."""
        at = self._look(now)
        tokens, read, written = (
            min([window.spare(at) for window, of in self._tokens if of == kind], default=NEVER)
            for kind in (TOKENS, INPUT, OUTPUT)
        )
        room = Room(self.spare_requests, tokens, self.ceiling - self.in_flight, read, written)
        if self.said is None:
            return room
        said = self.said
        return room._replace(
            requests=min(room.requests, said.room("requests", at)),
            tokens=min(tokens, said.room("tokens", at)),
            input=min(read, said.room("input", at)),
            output=min(written, said.room("output", at)),
        )

    def pace(self, need: Need, held: float | None) -> float | None:
        """Requests a second, of so many tokens each, that it lets through in the long run while
        each holds its place for `held` seconds; None: unknown, infinite: nothing bounds them.
        """
        most = NEVER
        if self.ceiling < NEVER:
            if not held:
                return None
            most = self.ceiling / held
        kinds: tuple[tuple[int, Sequence[Windows]], ...] = (
            (1, self._requests),
            *((need[kind - TOKENS], (window,)) for window, kind in self._tokens),
        )
        for units, windows in kinds:
            for window in windows if units else ():
                if not isinstance(window, Calendar):  # what starts anew lets all through at once
                    most = min(most, window.limit / window.seconds / units)
        return most if self.said is None else min(most, self.said.pace(need))

    def refit(self, limits: Limits) -> None:
        """Take other limits. What was counted of a kind in as long a time goes on counting."""
        if limits == self.limits:
            return
        self._read()
        known = self.windows()
        self.limits = limits
        self.ceiling = NEVER if limits.concurrent is None else limits.concurrent
        self._requests = [refitted(known, rate, REQUESTS, self._at) for rate in limits.requests]
        self._tokens = [
            (refitted(known, rate, kind, self._at), kind)
            for rates, kind in kinds_of(limits)
            for rate in rates
        ]
        self._by_kind = bool(limits.input or limits.output)
        self.spare_requests = 0 if self._requests else NEVER
        self.spare_tokens = 0 if self._tokens else NEVER
        self.sure = -1.0  # who asks has to look

    def windows(self) -> list[tuple[Rate, Windows, int]]:
        """Its limits with their windows, and what they count of a note: requests, tokens, input and
        output, in their order.
        """
        limits = self.limits
        rates = (*limits.requests, *limits.tokens, *limits.input, *limits.output)
        windows = [*((window, REQUESTS) for window in self._requests), *self._tokens]
        return [(rate, *window) for rate, window in zip(rates, windows, strict=True)]

    def confine(self, part: Callable[[int], int] | None, now: float) -> None:
        """Allow only a `part` of each limit, as it says, until it is None: what was used stays
        used. Where it leaves nothing of any of them, nothing is allowed at all.
        """
        at = self._look(now)
        whole, rates = self.limits.concurrent, self.windows()
        parts = [rate.amount if part is None else part(rate.amount) for rate, _, _ in rates]
        self.ceiling = NEVER if whole is None else whole if part is None else part(whole)
        if 0 in parts:
            self.ceiling = 0.0
        for (_, window, _), limit in zip(rates, parts, strict=True):
            window.resize(max(1, limit), at)
        self._look(now)

    def spent(self, now: float) -> list[list[tuple[int, int]]]:
        """What it was used for here, of what still counts: for each limit on requests, tokens,
        input and output, in their order, microseconds ago and units.
        """
        at = self._look(now)
        return [window.taken(at) for _, window, _ in self.windows()]

    def used(self, now: float) -> float:
        """The share of its limits that is used here: of that of which most is."""
        at, places = self._look(now), self.limits.concurrent
        used = [
            sum([units for _, units in window.taken(at)]) / rate.amount
            for rate, window, _ in self.windows()
        ]
        return max([*used, self.in_flight / places if places else 0.0, 0.0])

    def _look(self, now: float) -> int:
        """What is left at `now`, exactly; returns it in microseconds."""
        at = int(now * MICROSECONDS + HALF)
        self._read()
        self.spare_requests = min([window.spare(at) for window in self._requests], default=NEVER)
        self.spare_tokens = min([window.spare(at) for window, _ in self._tokens], default=NEVER)
        if self.said is not None:
            self.said.look(at)
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
        return self.spare_tokens if self.said is None else min(self.spare_tokens, self.said.sure)
