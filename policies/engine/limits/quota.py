"""What a target, or a group of targets, may still be sent: the local half of quota.

A reservation is taken before sending, over requests, tokens and places at once, all or none; it is
settled to what was really used when the attempt ends. Between the two the estimate counts.

Whether one more fits is asked far more often than anything is taken, so what is left is known
without looking at a clock: time only adds to it, so what was left at the last look, less what was
taken since, is a lower bound. Only where it is too small is a look needed, and until then what was
taken is only noted: the windows read many notes at once in less time than they need for each alone.
"""

from __future__ import annotations

from policies.engine.limits.headroom import Measured, Measurement
from policies.engine.limits.levels import Levels
from policies.engine.limits.windows import MICROSECONDS, REQUESTS, TOKENS, Note, Slices, Window
from policies.engine.refusal import NEVER, Refusal, Refused
from policies.engine.route import Limits, Rate

MOST_NOTES = 100
"""Read at the latest when there are so many."""
HALF = 0.5
"""Instants are rounded to the nearest microsecond, so that one that was named is met exactly."""


class Quota:
    """The windows and places behind one `Limits`.

    One more request fits for certain while it has at most `sure` tokens: `spare_tokens`, or none
    (-1) where `in_flight` has reached `ceiling` or `spare_requests` is below 1; else `refused`
    knows. `said` is what its provider says is left, beside our windows; None: it never did.
    """

    __slots__ = (
        "_at", "_notes", "_requests", "_tokens", "ceiling", "in_flight", "limits", "said",
        "spare_requests", "spare_tokens", "sure",
    )  # fmt: skip

    def __init__(self, limits: Limits, said: Levels | None = None) -> None:
        self.limits = limits
        self.said = said
        self.ceiling: float = NEVER if limits.concurrent is None else limits.concurrent
        self.in_flight = 0
        self._requests = [_window(rate) for rate in limits.requests]
        self._tokens = [_window(rate) for rate in limits.tokens]
        self._notes: list[Note] = []
        self._at = -(1 << 62)  # before any instant
        self.spare_requests: float = 0 if self._requests else NEVER
        self.spare_tokens: float = 0 if self._tokens else NEVER
        self.sure = self._sum_up()

    def refused(self, tokens: int, now: float) -> Refused | None:
        """Why one more request of `tokens` does not fit, or None."""
        if self.in_flight >= self.ceiling:
            return Refused(Refusal.BUSY)
        if self.sure >= tokens:
            return None
        at = self._look(now)
        wait = 0
        for window in self._requests:
            wait = max(wait, window.wait(1, at))
        for window in self._tokens:
            wait = max(wait, window.wait(tokens, at))
        if self.said is not None:
            wait = max(wait, self.said.wait(tokens, at))
        return Refused(Refusal.LIMITED, (at + wait) / MICROSECONDS) if wait else None

    def take(self, note: Note) -> None:
        """Reserve what a `reservation` says."""
        _, at, _, tokens = note
        if at >= self._at:
            self._at = at
        else:
            note = self._at, self._at, 1, tokens  # a clock that steps back stands still here
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
        taken, at, asked, more = note
        if at >= self._at:
            self._at = at
        else:
            note = taken, self._at, asked, more
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

    def throttled(self, tokens: int, sent: float, now: float) -> None:
        """See `Levels.throttled`."""
        if self.said is not None:
            self.said.throttled(tokens, sent, now)
            self._look(now)

    def room(self, now: float) -> tuple[float, float, float]:
        """Requests, tokens and places that are left, infinite where nothing bounds them."""
        at = self._look(now)
        requests, tokens = self.spare_requests, self.spare_tokens
        if self.said is not None:
            least = self.said.room(at)
            requests, tokens = min(requests, least[0]), min(tokens, least[1])
        return requests, tokens, self.ceiling - self.in_flight

    def pace(self, tokens: int, held: float | None) -> float | None:
        """Requests a second, of `tokens` each, that it lets through in the long run while each
        holds its place for `held` seconds; None: unknown, infinite: nothing bounds them.
        """
        most = NEVER
        if self.ceiling < NEVER:
            if not held:
                return None
            most = self.ceiling / held
        for rate in self.limits.requests:
            most = min(most, rate.amount / rate.seconds)
        for rate in self.limits.tokens if tokens else ():
            most = min(most, rate.amount / rate.seconds / tokens)
        return most if self.said is None else min(most, self.said.pace(tokens))

    def _look(self, now: float) -> int:
        """What is left at `now`, exactly; returns it in microseconds."""
        at = int(now * MICROSECONDS + HALF)
        self._read()
        if self._requests:
            self.spare_requests = min([window.spare(at) for window in self._requests])
        if self._tokens:
            self.spare_tokens = min([window.spare(at) for window in self._tokens])
        if self.said is not None:
            self.said.look(at)
        self.sure = self._sum_up()
        return at

    def _read(self) -> None:
        """Let the windows read what was noted."""
        if self._notes:
            for window in self._requests:
                window.read(self._notes, REQUESTS)
            for window in self._tokens:
                window.read(self._notes, TOKENS)
            self._notes.clear()

    def _sum_up(self) -> float:
        if self.in_flight >= self.ceiling or self.spare_requests < 1:
            return -1
        return self.spare_tokens if self.said is None else min(self.spare_tokens, self.said.sure)


def reservation(tokens: int, now: float) -> Note:
    """One request of `tokens`, for every quota that binds it."""
    at = int(now * MICROSECONDS + HALF)
    return at, at, 1, tokens


def correction(reserved: Note, used: int, now: float) -> Note:
    """What settles a reservation to `used` tokens; the request itself stays counted."""
    return reserved[0], int(now * MICROSECONDS + HALF), 0, used - reserved[TOKENS]


def refund(reserved: Note, now: float) -> Note:
    """What settles a reservation of which nothing was sent."""
    return reserved[0], int(now * MICROSECONDS + HALF), -1, -reserved[TOKENS]


def _window(rate: Rate) -> Window | Slices:
    if rate.slice is None:
        return Window(rate.amount, rate.seconds)
    return Slices(rate.amount, rate.seconds, rate.slice)
