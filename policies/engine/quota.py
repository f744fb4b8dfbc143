"""What a target, or a group of targets, may still be sent: the local half of quota.

A reservation is taken before sending, over requests, tokens and places at once, all or none; it is
settled to what was really used when the attempt ends. Between the two the estimate counts.
"""

from __future__ import annotations

from policies.engine.refusal import NEVER, Refusal, Refused
from policies.engine.route import Limits
from policies.engine.windows import MICROSECONDS, Window


class Quota:
    """The windows and places behind one `Limits`."""

    __slots__ = ("_requests", "_tokens", "concurrent", "in_flight", "limits")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.concurrent = limits.concurrent
        self.in_flight = 0
        self._requests = [Window(rate.amount, rate.seconds) for rate in limits.requests]
        self._tokens = [Window(rate.amount, rate.seconds) for rate in limits.tokens]

    def refused(self, tokens: int, now: float) -> Refused | None:
        """Why one more request of `tokens` does not fit, or None."""
        if self.concurrent is not None and self.in_flight >= self.concurrent:
            return Refused(Refusal.BUSY)
        at = int(now * MICROSECONDS)
        wait = 0
        for window in self._requests:
            if not window.fits(1, at):
                wait = max(wait, window.wait(1, at))
        for window in self._tokens:
            if not window.fits(tokens, at):
                wait = max(wait, window.wait(tokens, at))
        return Refused(Refusal.LIMITED, now + wait / MICROSECONDS) if wait else None

    def take(self, tokens: int, now: float) -> tuple[int, ...]:
        """Reserve one request of `tokens`; returns the cells, for `settle`."""
        self.in_flight += 1
        at = int(now * MICROSECONDS)
        return tuple(
            [window.take(1, at) for window in self._requests]
            + [window.take(tokens, at) for window in self._tokens]
        )

    def settle(self, cells: tuple[int, ...], reserved: int, used: int, now: float) -> None:
        """Settle a reservation of `reserved` tokens to `used`; the request itself stays counted."""
        self.in_flight -= 1
        if used != reserved:
            at = int(now * MICROSECONDS)
            for window, cell in zip(self._tokens, cells[len(self._requests) :], strict=True):
                window.correct(used - reserved, cell, at)

    def give_back(self, cells: tuple[int, ...], reserved: int, now: float) -> None:
        """Undo a reservation of which nothing was sent."""
        self.settle(cells, reserved, 0, now)
        at = int(now * MICROSECONDS)
        for window, cell in zip(self._requests, cells, strict=False):
            window.correct(-1, cell, at)

    def lower(self, requests: int | None, tokens: int | None, now: float) -> None:
        """Let at most this much remain now: what the provider says is left, when that is less
        than we thought. Never raises. It does not say of which of its windows it speaks; the
        shortest is the one that a mistake blocks for the shortest time.
        """
        at = int(now * MICROSECONDS)
        for windows, remaining in ((self._requests, requests), (self._tokens, tokens)):
            if windows and remaining is not None and remaining >= 0:
                window = min(windows, key=lambda window: window.seconds)
                excess = window.limit - window.used(at) - remaining
                if excess > 0:
                    window.take(excess, at)

    def room(self, now: float) -> tuple[float, float, float]:
        """Requests, tokens and places that are left, infinite where nothing bounds them."""
        at = int(now * MICROSECONDS)
        return (
            min((window.limit - window.used(at) for window in self._requests), default=NEVER),
            min((window.limit - window.used(at) for window in self._tokens), default=NEVER),
            NEVER if self.concurrent is None else self.concurrent - self.in_flight,
        )
