"""How many attempts a target bears at once, learned only where it says that it bears no more.

A provider's concurrency is seldom written down and changes under load, but guessing at it sheds
traffic that would have been served: latency of language models varies by a hundred with the
length of the answer, so gradients of it see overload where there is none. A refusal is sure: as
many as were in flight when it came are what the target bears. From there the limit goes up again
by trial, slowly at first, then in doubling steps, so that a capacity that has come back is used
within half a minute, and one that has not costs a refusal in four seconds. Without a signal
there is no limit; the written one (`concurrent`) binds in any case.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

PATIENCE: Final = 4.0
"""Seconds from a signal, or from a growth, to the next growth."""
MEMORY: Final = 600.0
"""Seconds after which a signal is forgotten."""


class Pressure:
    """The limit of one target; None: it has not complained. `grows_at` is the instant from which
    more may be tried; `alarm` is told of each signal.
    """

    __slots__ = ("_alarm", "_signal", "_step", "grows_at", "limit")

    def __init__(self, alarm: Callable[[], None]) -> None:
        self._alarm = alarm
        self.limit: int | None = None
        self.grows_at = 0.0
        self._signal = 0.0
        self._step = 1

    def overloaded(self, accepted: int, now: float, rest: float) -> None:
        """The target refused an attempt while it held `accepted` others, and rests until `rest`."""
        if self.limit is None or accepted < self.limit:
            self.limit = max(1, accepted)
        self._step = 1
        self._signal = now
        self.grows_at = max(now, rest) + PATIENCE
        self._alarm()

    def full(self, in_flight: int, now: float) -> bool:
        """Whether one more may not be sent beside `in_flight` others. From `grows_at` on one may
        be tried beyond the limit.
        """
        return self.limit is not None and in_flight >= self.limit and now < self.grows_at

    def sent(self, in_flight: int, now: float) -> None:
        """One more was sent, `in_flight` with it: a trial beyond the limit raises it. The step
        doubles with each that draws no refusal.
        """
        if self.limit is None or in_flight <= self.limit or now < self.grows_at:
            return
        if now - self._signal >= MEMORY:
            self.limit = None
            return
        self.limit = max(in_flight, self.limit + self._step)
        self._step *= 2
        self.grows_at = now + PATIENCE
